package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

const (
	hookQueue    = "webhook" // of the rows that are to be posted
	hookAttempts = 5
	hookRows     = 100 // of one post
)

// hookRow is a row that is to be posted.
type hookRow struct {
	StatusRow
	attempts int
}

// Hook makes the states of messages that are taken from now on be posted, see [MySMPPServer.Post].
func (m *MySMPPServer) Hook() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hooked = true
}

// Post posts to a webhook the states that came since, and those whose id wasn't echoed before, each five times at most. It returns how many ids
// were echoed, and how many states are still to be posted. An echo of what wasn't posted is a violation.
func (m *MySMPPServer) Post(ctx context.Context, url string) (echoed, left int, err error) {
	m.posting.Lock()
	defer m.posting.Unlock()
	for _, row := range m.read(hookQueue, m.Queued(hookQueue)) {
		m.unposted = append(m.unposted, hookRow{StatusRow: row})
	}
	var again []hookRow
	for rest := m.unposted; len(rest) > 0; {
		batch := rest[:min(hookRows, len(rest))]
		rest = rest[len(batch):]
		known, failed := m.postRows(ctx, url, batch)
		if failed != nil {
			err = failed
		}
		for _, row := range batch {
			row.attempts++
			switch {
			case known[row.ID]:
				echoed++
			case row.attempts < hookAttempts:
				again = append(again, row)
			}
		}
	}
	m.unposted = again
	return echoed, len(again), err
}

// postRows makes one post and returns which ids were echoed.
func (m *MySMPPServer) postRows(ctx context.Context, url string, rows []hookRow) (known map[string]bool, err error) {
	posted := map[string]bool{}
	parts := make([]string, len(rows))
	for i, row := range rows {
		posted[row.ID] = true
		state, _ := json.Marshal(row.Status) // can't fail: it is a string
		parts[i] = fmt.Sprintf(`{"id_sms":%s,"time":%q,"state":%s}`, row.ID, m.clock(row.StatusRow), state)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("["+strings.Join(parts, ",")+"]"))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", mysmppType)
	resp, err := m.poster.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read whole
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	var echo []struct {
		ID json.Number `json:"id_sms"`
	}
	if resp.StatusCode != http.StatusOK || json.Unmarshal(body, &echo) != nil {
		return nil, fmt.Errorf("the webhook answered HTTP %d with %d bytes that are no echo", resp.StatusCode, len(body))
	}
	known = map[string]bool{}
	for _, e := range echo {
		if !posted[e.ID.String()] {
			m.Violate("mysmpp: the webhook echoes %s, which wasn't posted", e.ID)
		}
		known[e.ID.String()] = true
	}
	return known, nil
}
