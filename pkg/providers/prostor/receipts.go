package prostor

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/gonets/gonets/pkg/providers"
)

// queueProvider is the provider of an account with a status queue.
type queueProvider struct{ *provider }

// emptyQueue is what the API says, as a status or as a description, where there is nothing to read.
const emptyQueue = "queue is empty"

// ReadReceipts implements [providers.ReceiptQueue]. A body that breaks off counts as one skipped row beside those before.
func (p queueProvider) ReadReceipts(ctx context.Context, n int) (receipts []providers.Receipt, skipped int, err error) {
	a := p.ask(ctx, queuePath, question{
		StatusQueueLimit: strconv.Itoa(min(max(n, 1), maxRead)),
		StatusQueueName:  p.settings.StatusQueue,
	})
	receipts, skipped = p.receipts(a.Messages)
	switch {
	case len(receipts) > 0: // they have left the queue, whatever the rest of the reply is like
	case a.says(emptyQueue):
		return nil, 0, nil
	case !a.answered():
		return nil, 0, p.refusal(a)
	}
	if !a.understood {
		skipped++
	}
	return receipts, skipped, nil
}

// AskReceipts implements [providers.ReceiptAsker]. A message without an id, or with one that can't be Prostor's, is left out of the question.
func (p *provider) AskReceipts(ctx context.Context, sent []providers.Sent) ([]providers.Receipt, error) {
	if len(sent) > maxAsk {
		return nil, &providers.Refusal{Outcome: providers.Misconfigured,
			Message: fmt.Sprintf("%d messages in one question, %d are allowed", len(sent), maxAsk)}
	}
	var q question
	clientIDs := make(map[string]string, len(sent)) // by smscId
	for _, s := range sent {
		if _, twice := clientIDs[s.ID]; twice || !validID(s.ID) {
			continue
		}
		clientIDs[s.ID] = ""
		if s.Key != [32]byte{} {
			clientIDs[s.ID] = providers.Base32ID(s.Key)
		}
		q.Messages = append(q.Messages, asked{SMSCID: s.ID, ClientID: clientIDs[s.ID]})
	}
	if len(q.Messages) == 0 {
		return nil, nil
	}
	a := p.ask(ctx, statusPath, q)
	if !a.answered() {
		return nil, p.refusal(a)
	}
	rows, _ := p.receipts(a.Messages)
	return answersTo(clientIDs, rows), nil
}

// answersTo leaves out rows about messages that weren't asked for, and messages of which the rows contradict each other.
func answersTo(clientIDs map[string]string, rows []providers.Receipt) []providers.Receipt {
	told := make(map[string]providers.Receipt, len(rows))
	contradicted := map[string]bool{}
	for _, r := range rows {
		client, ours := clientIDs[r.ID]
		if !ours || r.ClientID != "" && client != "" && r.ClientID != client {
			continue
		}
		r.ClientID = cmp.Or(client, r.ClientID)
		if earlier, twice := told[r.ID]; twice && earlier.Status != r.Status {
			contradicted[r.ID] = true
		}
		told[r.ID] = r
	}
	receipts := make([]providers.Receipt, 0, len(told))
	for id, r := range told {
		if !contradicted[id] {
			receipts = append(receipts, r)
		}
	}
	return receipts
}

// ClientID implements [providers.ClientIDs].
func (p *provider) ClientID(key [32]byte) string { return providers.Base32ID(key) }

// receipts are those of the rows that name a message and a state; skipped is how many don't.
func (p *provider) receipts(rows rows) (receipts []providers.Receipt, skipped int) {
	receipts, secrets := make([]providers.Receipt, 0, len(rows)), p.secrets()
	for _, row := range rows {
		if r, ok := p.receipt(row, secrets); ok {
			receipts = append(receipts, r)
		} else {
			skipped++
		}
	}
	return receipts, skipped
}

// receipt is what one row says.
func (p *provider) receipt(row row, secrets []providers.Secret) (r providers.Receipt, ok bool) {
	if id := strings.TrimSpace(string(row.SMSCID)); validID(id) {
		r.ID = id
	}
	// It comes back in any case.
	if id := strings.ToUpper(strings.TrimSpace(string(row.ClientID))); validID(id) {
		r.ClientID = id
	}
	r.Status, r.State, _ = p.states.Find(string(row.Status), secrets...)
	if r.Status == "" || r.ID == "" && r.ClientID == "" {
		return r, false
	}
	r.Segments = row.SMSCount.Count()
	if r.Cost = row.MsgCost.Amount(); r.Cost != "" {
		r.Currency = roubles
	}
	return r, true
}
