package providertest

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

// The questions to the small provider: the password, then what is asked for; "ok", then a line "id status" for each receipt, or the balance.

const memoryMaxAsk = 20

func memoryStates() map[string]providers.ReceiptState {
	return map[string]providers.ReceiptState{"coming": providers.Pending, "came": providers.Delivered, "came back": providers.Undelivered, "gone": providers.Untold}
}

// question asks; its lines are what stands below the ok.
func (p *memoryProvider) question(ctx context.Context, path string, lines ...string) ([]string, error) {
	r := p.post(ctx, path, "text/plain", []byte(strings.Join(append([]string{p.password}, lines...), "\n")))
	answer := strings.Split(string(r.Body), "\n")
	if r.Fate != providers.Answered || r.Status != 200 || answer[0] != "ok" {
		return nil, p.refuse(r)
	}
	return answer[1:], nil
}

func (p *memoryProvider) receipts(lines []string) []providers.Receipt {
	var receipts []providers.Receipt
	states := providers.NewReceiptWords(memoryStates())
	for _, line := range lines {
		id, words, _ := strings.Cut(line, "\t")
		if status, state, _ := states.Find(words, p.secrets(nil)...); id != "" && status != "" {
			receipts = append(receipts, providers.Receipt{ID: id, ClientID: id, State: state, Status: status})
		}
	}
	return p.tell(receipts)
}

func (p *memoryProvider) AskReceipts(ctx context.Context, sent []providers.Sent) ([]providers.Receipt, error) {
	if len(sent) > memoryMaxAsk {
		return nil, &providers.Refusal{Outcome: providers.Misconfigured, Message: "too many"}
	}
	if len(sent) == 0 {
		return nil, nil
	}
	var ids []string
	for _, s := range sent {
		ids = append(ids, s.ID)
	}
	lines, err := p.question(ctx, "ask", ids...)
	return p.receipts(lines), err
}

func (p *memoryProvider) ReadReceipts(ctx context.Context, n int) ([]providers.Receipt, int, error) {
	lines, err := p.question(ctx, "read", strconv.Itoa(n))
	return p.receipts(lines), 0, err
}

func (p *memoryProvider) ClientID(key [32]byte) string { return providers.Base32ID(key) }

func (p *memoryProvider) Balance(ctx context.Context) ([]providers.Balance, error) {
	lines, err := p.question(ctx, "balance")
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 || providers.Scalar(lines[0]).Amount() == "" {
		return nil, &providers.Refusal{Outcome: providers.Ambiguous, Message: "no balance"}
	}
	return []providers.Balance{{Amount: lines[0]}}, nil
}

// memoryQueue is what the other side knows of its messages.
type memoryQueue struct {
	mu     sync.Mutex
	states map[string]string
	rows   []string
}

func (q *memoryQueue) tell(id, words string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.states[id] = words
	q.rows = append(q.rows, id+"\t"+words)
}

// Question implements [sim.Questioner].
func (s *memorySim) Question(r *http.Request) bool { return r.URL.Path != "/send" }

func (s *memorySim) question(path string, lines []string) sim.Answer {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	reply := []string{"ok"}
	switch path {
	case "/balance":
		reply = append(reply, "12.50")
	case "/ask":
		for _, id := range lines {
			if words, known := s.queue.states[id]; known {
				reply = append(reply, id+"\t"+words)
			}
		}
	case "/read":
		n, err := strconv.Atoi(lines[0])
		if err != nil {
			s.Violate("read %q", lines[0])
		}
		n = min(n, len(s.queue.rows))
		reply = append(reply, s.queue.rows[:n]...)
		s.queue.rows = s.queue.rows[n:]
	}
	return sim.Answer{ContentType: "text/plain", Body: []byte(strings.Join(reply, "\n"))}
}
