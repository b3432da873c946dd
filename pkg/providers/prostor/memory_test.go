package prostor

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
)

// mirror answers to each clientId with words that have it in them.
type mirror struct{ *regexp.Regexp }

func (m mirror) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var rows []string
	for _, id := range m.FindAllStringSubmatch(string(body), -1) {
		rows = append(rows, fmt.Sprintf(`{"status":"no %[1]s","smscId":"%[1]s","clientId":"%[1]s"}`, id[1]))
	}
	reply := `{"status":"ok","messages":[` + strings.Join(rows, ",") + `]}`
	return &http.Response{StatusCode: 200, ContentLength: int64(len(reply)), Body: io.NopCloser(strings.NewReader(reply)), Request: r}, nil
}

// Packets use each other's memory, and none has anything of another one in its results, then or later.
func TestPacketsDoNotMix(t *testing.T) {
	p, err := (&Settings{Login: "login1", Password: "s3cret"}).Open(providers.Endpoint{URL: &url.URL{Scheme: "https", Host: "api.example"},
		Timeout: time.Minute, Client: &http.Client{Transport: mirror{regexp.MustCompile(`"clientId":"(\w+)"`)}}})
	require.NoError(t, err)
	var senders sync.WaitGroup
	for sender := range 4 {
		senders.Go(func() {
			var msgs []providers.Message
			var results []providers.Result
			for i := range 50 {
				packet := make([]providers.Message, 1+(sender+i*7)%20)
				for at := range packet {
					packet[at] = newMessage(byte(sender), "+71234567890", "text")
					packet[at].Key[1], packet[at].Key[2] = byte(i), byte(at)
				}
				msgs, results = append(msgs, packet...), slices.Concat(results, p.Send(t.Context(), packet))
			}
			for i, r := range results {
				id := providers.Base32ID(msgs[i].Key)
				if r.ID != id || !strings.HasPrefix(r.Message, "no ") || r.Message != r.Status {
					t.Errorf("%+v for %s", r, id)
				}
			}
		})
	}
	senders.Wait()
}
