package config

import (
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/gonets/gonets/pkg/providers"
)

// named goes through a section whose keys are names that people choose, and returns the sound ones.
func (l *loader) named(root *section, key, what string) []entry {
	root.known = append(root.known, key)
	e := root.node.find(key)
	if e == nil {
		if root.node.kind != broken {
			root.fault(key, "missing; give at least one %s", what)
		}
		return nil
	}
	if e.value.kind == broken {
		return nil
	}
	if e.value.kind == null || (e.value.kind == mapping && len(e.value.entries) == 0) {
		l.fault(e.line, key, "is empty; give at least one "+what)
		return nil
	}
	s := l.section(e.value, key, e.line)
	var sound []entry
	for _, one := range s.node.entries {
		if !nameForm.MatchString(one.key) {
			l.fault(one.line, join(key, one.key),
				"is no name, use 1 to 32 characters a-z, 0-9 and - that begin with a letter or digit")
		}
		sound = append(sound, one)
	}
	return sound
}

func (l *loader) readAccounts(root *section, cfg *Config) {
	for _, e := range l.named(root, "accounts", "account") {
		s := l.section(e.value, join("accounts", e.key), e.line)
		cfg.Accounts = append(cfg.Accounts, l.readAccount(s, e.key, cfg.NATS.Lease()))
	}
}

func (l *loader) readAccount(s *section, name string, lease time.Duration) Account {
	a := Account{Name: name}
	kind, known := l.readKind(s)
	a.Kind = kind
	traits := a.Kind.Traits

	if v, ok := s.value("url"); ok {
		v.shown = hidden // somebody may have put credentials there
		a.URL = typed(s, "url", v, nil, providerURL)
	} else {
		s.missing("url", "give the provider's base URL, such as https://api.example.com")
	}
	a.Sender = read(s, "sender", "", text)
	a.Limit = readLimit(s)
	a.InFlight = read(s, "in_flight", max(1, traits.DefaultInFlight), whole(1, 10_000))
	a.InFlightTotal = read(s, "in_flight_total", traits.InFlightTotal, whole(0, 0))
	a.Batch = s.batch(traits, a.Limit)
	a.Timeout = read(s, "timeout", min(10*time.Second, lease/2), duration(time.Millisecond))
	a.AllowHTTP = read(s, "allow_http", false, boolean)
	a.NativeSchedule = read(s, "native_schedule", false, boolean)
	a.CheckSender = read(s, "check_sender", false, boolean)
	a.MinBalance = read(s, "min_balance", "0", decimal)
	a.Recheck = read(s, "recheck", 30*time.Second, duration(time.Millisecond))
	a.Breaker = readBreaker(s.sub("breaker"))
	a.Receipts = readReceipts(s.sub("receipts"))
	a.WebhookSecret = readCredential(s, "webhook_secret", "", webhookSecret)

	if a.Timeout >= lease {
		s.fault("timeout", "%s is not below the claim's lease of %s, half of nats.ack_wait; use less, or raise nats.ack_wait",
			brief(a.Timeout), brief(lease))
	}
	if a.URL != nil && a.URL.Scheme == "http" && !loopback(a.URL) && !a.AllowHTTP && !s.faulty["allow_http"] {
		s.fault("url", "is plain http to another machine, use https, or set allow_http: true where the way there is safe")
	}
	if known && a.NativeSchedule && !traits.NativeSchedule {
		s.fault("native_schedule", "true, but %s can't hold messages; use false", a.Kind.Name)
	}
	if known {
		a.Settings = s.settings(a.Kind)
		s.checkWebhook(a)
		s.close() // with an unknown provider nobody knows its keys
	}
	return a
}

// checkWebhook reports a secret for a provider that posts nothing. What a provider can do its own type tells.
func (s *section) checkWebhook(a Account) {
	if a.WebhookSecret == "" || a.URL == nil || len(s.faulty) > 0 {
		return
	}
	p, err := a.Settings.Open(providers.Endpoint{URL: a.URL, Client: http.DefaultClient, Timeout: a.Timeout, Now: time.Now})
	if err != nil {
		return // a fault of its own, which the start reports
	}
	if _, ok := p.(providers.ReceiptHook); !ok {
		s.fault("webhook_secret", "given, but %s posts nothing by itself; leave it out", a.Kind.Name)
	}
}

// missing reports that the key isn't there, unless something else about it was reported.
func (s *section) missing(key, allowed string) {
	if !s.faulty[key] && s.node.kind != broken {
		s.fault(key, "missing; %s", allowed)
	}
}

func (l *loader) readKind(s *section) (kind providers.Kind, known bool) {
	names := make([]string, len(l.kinds))
	for i, k := range l.kinds {
		names[i] = k.Name
	}
	name := read(s, "provider", "", oneOf(names...))
	for _, k := range l.kinds {
		if k.Name == name {
			return k, true
		}
	}
	s.missing("provider", fmt.Sprintf("name one of %v", names))
	return providers.Kind{}, false
}

// readLimit reads a limit. Where no burst is given it is what one second allows, at least one message.
func readLimit(account *section) (l Limit) {
	s := account.sub("limit")
	defer s.close()
	l.PerSecond = read(s, "messages_per_second", 0, rate)
	l.Burst = read(s, "burst", int(math.Ceil(l.PerSecond)), whole(1, 1_000_000))
	if account.given("limit") && l.PerSecond == 0 {
		s.missing("messages_per_second", "give the messages a second, above 0")
	}
	if s.faulty["messages_per_second"] || s.faulty["burst"] {
		account.faulty["limit"] = true
	}
	return l
}

// batch is what a request may hold: as given, or the provider's own default lowered to the burst, since a packet is never larger than that.
func (s *section) batch(traits providers.Traits, limit Limit) int {
	fallback := traits.DefaultBatch
	if fallback == 0 {
		fallback = traits.MaxBatch
	}
	if limit.Limited() && limit.Burst > 0 {
		fallback = min(fallback, limit.Burst)
	}
	n := read(s, "batch", max(1, fallback), whole(1, 0))
	switch {
	case s.faulty["batch"]:
	case traits.MaxBatch > 0 && n > traits.MaxBatch:
		s.fault("batch", "%d is above the provider's limit of %d, use 1 to %d", n, traits.MaxBatch, traits.MaxBatch)
	case limit.Limited() && !s.faulty["limit"] && n > limit.Burst:
		s.fault("batch", "%d is above the burst of %d, which a packet never exceeds; use 1 to %d, or raise limit.burst", n, limit.Burst, limit.Burst)
	}
	return n
}

func readBreaker(s *section) (b Breaker) {
	defer s.close()
	b.Failures = read(s, "failures", 5, whole(1, 0))
	b.Open = read(s, "open", 10*time.Second, duration(time.Millisecond))
	return b
}

// readReceipts raises a default that isn't given to what it must not be below.
func readReceipts(s *section) (r Receipts) {
	defer s.close()
	positive := duration(time.Millisecond)
	r.Every = read(s, "every", time.Second, positive)
	r.Idle = read(s, "idle", max(15*time.Second, r.Every), positive)
	r.AskAfter = read(s, "ask_after", 10*time.Minute, positive)
	r.GiveUp = read(s, "give_up", max(72*time.Hour, r.AskAfter), positive)
	if !s.given("ask_after") {
		r.AskAfter = min(r.AskAfter, r.GiveUp)
	}
	if r.Idle < r.Every && !s.faulty["idle"] {
		s.fault("idle", "%s is shorter than every, use at least %s", brief(r.Idle), brief(r.Every))
	}
	if r.GiveUp < r.AskAfter && !s.faulty["give_up"] {
		s.fault("give_up", "%s is shorter than ask_after, use at least %s", brief(r.GiveUp), brief(r.AskAfter))
	}
	return r
}
