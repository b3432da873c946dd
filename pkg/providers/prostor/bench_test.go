package prostor

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
)

// fullPacket is as many messages as one request may have, and what the API would answer to it.
func fullPacket() (msgs []providers.Message, reply []byte) {
	rows := make([]string, 0, maxBatch)
	for i := range maxBatch {
		m := newMessage(byte(i), fmt.Sprintf("+7961%07d", i), "Код подтверждения заказа: 123456. Никому его не сообщайте, даже сотрудникам магазина.")
		m.Sender = "MyShop"
		msgs = append(msgs, m)
		rows = append(rows, fmt.Sprintf(`{"status":"accepted","smscId":%d,"clientId":"%s","smsCount":2,"msgCost":"4.70"}`, 2592608030+i, providers.Base32ID(m.Key)))
	}
	return msgs, []byte(`{"status":"ok","balance":[{"credit":0.0,"balance":"0.00","type":"RUB"}],"messages":[` + strings.Join(rows, ",") + `]}`)
}

// listen is a server that always answers the same, without memory or much time of its own.
func listen(b *testing.B, answer []byte) *url.URL {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, l.Close()) })
	answer = append(fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(answer)), answer...)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c, answer)
		}
	}()
	return &url.URL{Scheme: "http", Host: l.Addr().String()}
}

func serve(c net.Conn, answer []byte) {
	defer c.Close() //nolint:errcheck // the client is gone
	r := bufio.NewReaderSize(c, 1<<17)
	for {
		size := 0
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) == len("\r\n") {
				break
			}
			if length, found := bytes.CutPrefix(line, []byte("Content-Length: ")); found {
				for _, digit := range bytes.TrimSpace(length) {
					size = size*10 + int(digit-'0')
				}
			}
		}
		if _, err := io.CopyN(io.Discard, r, int64(size)); err != nil {
			return
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

// BenchmarkPackets is the cost of a full packet with its transport. The server's part is small and takes no memory.
func BenchmarkPackets(b *testing.B) {
	msgs, reply := fullPacket()
	client := providers.NewClient()
	defer client.CloseIdleConnections()
	p, err := (&Settings{Login: "login", Password: "password"}).Open(providers.Endpoint{URL: listen(b, reply), Client: client, Timeout: time.Minute})
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		for _, r := range p.Send(b.Context(), msgs) {
			if r.Outcome != providers.Submitted {
				b.Fatal(r)
			}
		}
	}
}

// BenchmarkSend is the cost of a full packet, the transport left out.
func BenchmarkSend(b *testing.B) {
	msgs, reply := fullPacket()
	p := &provider{settings: Settings{Login: "login", Password: "password"}, endpoint: providers.Endpoint{Now: time.Now}, phrases: dictionary()}
	m := p.borrow()
	b.Run("packet", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			m.packet = p.appendPacket(m.packet[:0], msgs)
		}
	})
	b.Run("packet-library", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			w := packet{Messages: make([]message, len(msgs))}
			for i, m := range msgs {
				w.Messages[i] = message{m.To, m.Sender, providers.Base32ID(m.Key), m.Text}
			}
			if _, err := json.Marshal(w, lenient()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r, ok := parse(reply, m.rows)
			if !ok || len(r.Messages) != len(msgs) {
				b.Fatal("not read")
			}
			m.rows = r.Messages
		}
	})
	b.Run("parse-library", func(b *testing.B) {
		b.ReportAllocs()
		other := bytes.Replace(reply, []byte(`"balance":[`), []byte(`"other":[`), 1)
		for b.Loop() {
			if r, ok := parse(other, nil); !ok || len(r.Messages) != len(msgs) {
				b.Fatal("not read")
			}
		}
	})
	b.Run("results", func(b *testing.B) {
		b.ReportAllocs()
		parsed, _ := parse(reply, nil)
		for b.Loop() {
			p.rowResults(parsed, msgs, m.byID)
			clear(m.byID)
		}
	})
}
