package job

import "strings"

// readFlatEvent reads an event in the form in which workers write nearly all: known fields once each, no error and no metadata. false: it is to be read in
// the other way. It takes 0.9 µs instead of 1.6; whoever follows the status stream reads every event.
func readFlatEvent(data []byte) (e *Event, ok bool) {
	f := flat{text: string(data)}
	e = new(Event)
	seen := make([]string, 0, 20)
	once := func(name string) bool {
		for _, s := range seen {
			if s == name {
				return false
			}
		}
		seen = append(seen, name)
		return true
	}
	ok = f.object(
		func(name, value string) bool { return once(name) && e.setText(name, value) },
		func(name string) bool { return once(name) && e.setOther(name, &f) })
	return e, ok && f.next() == 0 && f.at == len(f.text)
}

// setText sets a field from its string; false: there is no such field, or it can't be so.
func (e *Event) setText(name, value string) (ok bool) {
	switch name {
	case "job":
		e.Job = value
	case "tenant":
		e.Tenant = value
	case "route":
		e.Route = value
	case "lane":
		e.Lane = Lane(value)
	case "channel":
		e.Channel = Channel(value)
	case "state":
		e.State = State(value)
	case "publication":
		e.Publication = value
	case "at":
		e.At, ok = parseTime(value)
		return ok
	case "account":
		e.Account = value
	case "provider":
		e.Provider = value
	case "provider_id":
		e.ProviderID = value
	case "provider_status":
		e.ProviderStatus = value
	case "cost":
		e.Cost = value
	case "currency":
		e.Currency = value
	case "retry_at":
		e.RetryAt, ok = parseTime(value)
		return ok
	default:
		return false
	}
	return true
}

// setOther reads a field that is no string.
func (e *Event) setOther(name string, f *flat) (ok bool) {
	switch name {
	case "final":
		e.Final, ok = f.bool()
	case "sequence":
		e.Sequence, ok = f.count()
	case "attempt":
		e.Attempt, ok = f.count()
	case "segments":
		e.Segments, ok = f.count()
	case "recipients":
		e.Recipients, ok = f.count()
	}
	return ok
}

// bool reads true or false.
func (f *flat) bool() (value, ok bool) {
	for _, word := range [...]string{"false", "true"} {
		if strings.HasPrefix(f.text[f.at:], word) {
			f.at += len(word)
			return word == "true", true
		}
	}
	return false, false
}

// count reads a whole number below a thousand million, without a sign.
func (f *flat) count() (n int, ok bool) {
	from := f.at
	for ; f.at < len(f.text) && '0' <= f.text[f.at] && f.text[f.at] <= '9'; f.at++ {
		n = 10*n + int(f.text[f.at]-'0')
		if f.at-from == 9 {
			return 0, false
		}
	}
	digits := f.at - from
	return n, digits > 0 && (digits == 1 || f.text[from] != '0')
}
