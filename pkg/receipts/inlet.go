package receipts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// nobody is an observer.
type nobody struct{}

func (nobody) Told(string, job.State, time.Duration) {}
func (nobody) Waiting(string, int)                   {}

// keep stores what a provider told, before anything else happens to it. It repeats until all is stored; the error is that ctx ended before.
func (s *Service) keep(ctx context.Context, a *Account, from Origin, receipts []Receipt, skipped int) error {
	if skipped > 0 {
		s.log.Warn("rows that can't be understood", zap.String("account", a.Name), zap.String("from", string(from)), zap.Int("rows", skipped))
	}
	if len(receipts) == 0 {
		return nil
	}
	all, err := letters(a.Name, newID(), receipts)
	if err == nil {
		err = s.insist(ctx, "store receipts", func() error { return s.Store.Put(ctx, all) })
	}
	if err != nil {
		return fmt.Errorf("%d receipts of account %s, from its %s, are not stored: %w", len(receipts), a.Name, from, err)
	}
	return nil
}

// asked makes a request, with an own time limit that a stop doesn't cut short: what a provider told it won't tell again. A panic in its client is
// a refusal.
func asked[T any](ctx context.Context, a *Account, ask func(ctx context.Context) (T, error)) (answer T, refusal *providers.Refusal) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.Timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			refusal = &providers.Refusal{Outcome: providers.Misconfigured, Message: fmt.Sprintf("panic in the provider's client: %T", p)}
		}
	}()
	answer, err := ask(ctx)
	if err == nil {
		return answer, nil
	}
	if r, ok := errors.AsType[*providers.Refusal](err); ok {
		return answer, r
	}
	return answer, &providers.Refusal{Outcome: providers.Ambiguous, Message: "the provider's client failed without a reason"}
}

// Hook takes what a provider posted, and returns the body to answer it with once it is stored. An error of type [*NotTheirs] says that the body isn't
// the provider's; any other that it must be posted again.
func (s *Service) Hook(ctx context.Context, account string, body []byte) (answer []byte, err error) {
	a := s.accounts[account]
	if a == nil || a.Hook == nil {
		return nil, &NotTheirs{errors.New("the account has no webhook")}
	}
	var receipts []providers.Receipt
	if receipts, answer, err = hooked(a.Hook, body); err != nil {
		return nil, &NotTheirs{err}
	}
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	if err := s.keep(ctx, a, FromHook, knownAll(receipts, time.Now()), 0); err != nil {
		return nil, err
	}
	return answer, nil
}

// storeWithin is how long a post may take to be stored. The provider posts again what isn't answered.
const storeWithin = 10 * time.Second

// NotTheirs says that a post isn't the provider's.
type NotTheirs struct{ error }

// Unwrap is the reason.
func (n *NotTheirs) Unwrap() error { return n.error }

func hooked(h providers.ReceiptHook, body []byte) (receipts []providers.Receipt, answer []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in the provider's client: %T", p)
		}
	}()
	return h.HookReceipts(body)
}
