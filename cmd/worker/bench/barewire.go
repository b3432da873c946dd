package main

import (
	"bytes"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// The bare loop's JSON, by hand. It reads only what this program and its simulated provider write.

// field is the value of a member, a string or a number, as it stands in the JSON, escapes and all; nil: there is none. Inside a string the quotes of the
// pattern would be escaped; so it is found only where a member begins.
func field(data []byte, name string) []byte {
	key := `"` + name + `":`
	at := bytes.Index(data, []byte(key))
	if at < 0 {
		return nil
	}
	rest := data[at+len(key):]
	if rest[0] != '"' { // a number
		number, _, _ := bytes.Cut(rest, []byte{','})
		return bytes.TrimRight(number, "}")
	}
	for i := 1; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			i++
		case '"':
			return rest[1:i]
		}
	}
	return nil
}

// appendPacket writes the request of a packet.
func appendPacket(b []byte, msgs []jetstream.Msg) []byte {
	b = append(b, `{"messages":[`...)
	for i, m := range msgs {
		if i > 0 {
			b = append(b, ',')
		}
		data := m.Data()
		b = append(append(b, `{"phone":"`...), field(data, "to")...)
		b = append(append(b, `","sender":"`...), field(data, "sender")...)
		b = append(append(b, `","clientId":"`...), field(data, "id")...)
		b = append(append(b, `","text":"`...), field(data, "text")...)
		b = append(b, `"}`...)
	}
	return append(b, `],"login":"`+login+`","password":"`+password+`"}`...)
}

// readReply gives the provider's id of each message. The rows come in any order, their ids in either case.
func readReply(reply []byte, msgs []jetstream.Msg) ([][]byte, error) {
	place := make(map[string]int, len(msgs))
	for i, m := range msgs {
		place[string(field(m.Data(), "id"))] = i
	}
	ids := make([][]byte, len(msgs))
	_, rows, _ := bytes.Cut(reply, []byte(`"messages":[`))
	for len(rows) > 0 {
		var row []byte
		row, rows, _ = bytes.Cut(rows, []byte{'}'})
		if len(row) < 2 {
			break
		}
		i, ok := place[string(bytes.ToUpper(field(row, "clientId")))]
		if status := field(row, "status"); !ok || string(status) != "accepted" {
			return nil, fmt.Errorf("a message was not accepted: %s", status)
		}
		ids[i] = field(row, "smscId")
		delete(place, string(field(msgs[i].Data(), "id")))
	}
	if len(place) > 0 {
		return nil, fmt.Errorf("the reply leaves out %d messages", len(place))
	}
	return ids, nil
}

// appendEvent writes the data of a job's submitted event.
func appendEvent(b, data, providerID []byte, at string) []byte {
	b = append(append(b, `{"job":"`...), field(data, "id")...)
	b = append(b, `","tenant":"`+tenant+`","route":"`+route+`","lane":"normal","channel":"sms","state":"submitted","final":false,"sequence":1,"at":"`...)
	b = append(b, at...)
	b = append(b, `","attempt":1,"account":"prostor-main","provider":"prostor","provider_id":"`...)
	b = append(b, providerID...)
	return append(b, `","provider_status":"accepted"}`...)
}
