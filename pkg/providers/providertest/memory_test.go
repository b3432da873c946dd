package providertest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/gonets/gonets/pkg/providers"
	"github.com/gonets/gonets/pkg/providers/providertest/sim"
)

// A small provider of our own, on which the laws are proven: a line "key to text" for each message, a line "key status" for
// each in the reply, after a first line with the password or "ok".

const memoryPassword = "open sesame"

type memorySettings struct {
	Password providers.Secret `yaml:"password"`

	broken func(*memoryProvider) // how it is broken; not a setting, so left out of Kind's
}

func (s *memorySettings) Validate() []providers.Fault {
	if s.Password == "" {
		return []providers.Fault{{Field: "password", Problem: "missing"}}
	}
	return nil
}

func (s *memorySettings) Open(e providers.Endpoint) (providers.Provider, error) {
	p := &memoryProvider{endpoint: e.WithDefaults(), password: string(s.Password), phrases: memoryPhrases()}
	p.post = p.endpoint.Post
	p.read = p.understand
	p.refuse = func(r providers.Reply) error { return r.Result(providers.Secret(p.password)).Refusal() }
	p.tell = func(rs []providers.Receipt) []providers.Receipt { return rs }
	p.finish = func(_ []providers.Message, rs []providers.Result) []providers.Result { return rs }
	if s.broken != nil {
		s.broken(p)
	}
	return p, nil
}

// memoryConfig is what an account sees of memorySettings.
type memoryConfig struct {
	Password providers.Secret `yaml:"password"`
}

func (s *memoryConfig) Validate() []providers.Fault {
	return (&memorySettings{Password: s.Password}).Validate()
}

func (s *memoryConfig) Open(e providers.Endpoint) (providers.Provider, error) {
	return (&memorySettings{Password: s.Password}).Open(e)
}

func memoryPhrases() providers.Phrases {
	return providers.NewPhrases(map[string]providers.Verdict{
		"taken":     {Outcome: providers.Submitted},
		"no such":   {Outcome: providers.Rejected, Code: providers.InvalidRecipient},
		"no money":  {Outcome: providers.InsufficientFunds},
		"not today": {Outcome: providers.Unavailable},
	})
}

type memoryProvider struct {
	endpoint providers.Endpoint
	password string
	phrases  providers.Phrases

	// The steps of Send and of questions, which broken ones replace.
	post   func(context.Context, string, string, []byte) providers.Reply
	read   func(providers.Reply, []providers.Message) []providers.Result
	finish func([]providers.Message, []providers.Result) []providers.Result
	refuse func(providers.Reply) error
	tell   func([]providers.Receipt) []providers.Receipt
}

func (p *memoryProvider) Send(ctx context.Context, msgs []providers.Message) []providers.Result {
	body := p.password
	for _, m := range msgs {
		body += "\n" + providers.Base32ID(m.Key) + "\t" + m.To + "\t" + m.Text
	}
	return p.finish(msgs, p.read(p.post(ctx, "send", "text/plain", []byte(body)), msgs))
}

func (p *memoryProvider) understand(r providers.Reply, msgs []providers.Message) []providers.Result {
	lines := strings.Split(string(r.Body), "\n")
	if r.Fate != providers.Answered || r.Status != 200 || lines[0] != "ok" {
		return providers.All(len(msgs), r.Result(p.secrets(msgs)...))
	}
	status := map[string]string{}
	for _, line := range lines[1:] {
		id, words, _ := strings.Cut(line, "\t")
		if _, twice := status[id]; twice {
			words = "told twice"
		}
		status[id] = words
	}
	results := make([]providers.Result, len(msgs))
	for i, m := range msgs {
		results[i] = p.phrases.Result(status[providers.Base32ID(m.Key)], p.secrets(msgs)...)
		results[i].ID = providers.Base32ID(m.Key)
	}
	return results
}

func (p *memoryProvider) secrets(msgs []providers.Message) []providers.Secret {
	secrets := []providers.Secret{providers.Secret(p.password)}
	for _, m := range msgs {
		secrets = append(secrets, providers.Secret(m.Text))
	}
	return secrets
}

// memorySim is the other side.
type memorySim struct {
	*sim.Server
	queue memoryQueue
}

func (s *memorySim) Answer(r sim.Request) sim.Answer {
	lines := strings.Split(string(r.Body), "\n")
	if r.Method != "POST" || lines[0] != memoryPassword {
		s.Violate("%s %s", r.Method, r.URL.Path)
		return sim.Answer{Status: 403}
	}
	if s.Question(r.Request) {
		return s.question(r.URL.Path, lines[1:])
	}
	a := sim.Answer{ContentType: "text/plain"}
	reply := []string{"ok"}
	for _, line := range lines[1:] {
		fields := strings.Split(line, "\t")
		words, scripted := s.Scripted(fields[1])
		if !scripted {
			words = "taken"
			a.Taken = append(a.Taken, sim.Copy{To: fields[1][1:], ID: fields[0]})
		}
		reply = append(reply, fields[0]+"\t"+words)
	}
	switch r.Fault {
	case sim.WrongRows:
		reply = append(reply, reply[1])
	case sim.MissingRows:
		reply = reply[:len(reply)-1]
	}
	a.Body = []byte(strings.Join(reply, "\n"))
	return a
}

// memorySubject is sound where broken is nil.
func memorySubject(broken func(*memoryProvider)) Subject {
	return Subject{
		Kind: providers.Kind{
			Name: "memory",
			Traits: providers.Traits{Channels: []providers.Channel{providers.SMS}, MaxBatch: 20, DefaultBatch: 10, DefaultInFlight: 1,
				ReportsDelivery: true, MaxRead: 100, MaxAsk: memoryMaxAsk},
			Settings: func() providers.Settings { return &memoryConfig{} },
		},
		Settings: func() providers.Settings { return &memorySettings{Password: memoryPassword, broken: broken} },
		Sim: func() *sim.Server {
			s := &memorySim{queue: memoryQueue{states: map[string]string{}}}
			s.Server = sim.New(s)
			return s.Server
		},
		Message: func(n int) providers.Message {
			return providers.Message{Key: sha256.Sum256(fmt.Append(nil, n)), Channel: providers.SMS,
				To: fmt.Sprintf("+7900%07d", n), Text: fmt.Sprintf("Your order %d is ready", n)}
		},
		Copy:    func(m providers.Message) sim.Copy { return sim.Copy{To: m.To[1:], ID: providers.Base32ID(m.Key)} },
		Secrets: []string{memoryPassword},
		Refusals: map[string]providers.Verdict{
			"No such.": {Outcome: providers.Rejected, Code: providers.InvalidRecipient},
			"no money": {Outcome: providers.InsufficientFunds},
			"novelty":  {Outcome: providers.Ambiguous},
		},
		States: memoryStates(),
		Tell:   func(s *sim.Server, id, words string) { s.Answerer().(*memorySim).queue.tell(id, words) },
	}
}

var errBroken = errors.New("broken")
