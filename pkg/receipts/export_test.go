package receipts

import "context"

// What the loops of a Service do in one turn, for tests that decide when.

func (s *Service) MakeLost(ctx context.Context) error { return s.makeLost(ctx) }

func (s *Service) Settle(ctx context.Context, letters []Delivery) {
	in := make(chan Delivery, len(letters))
	for _, d := range letters[1:] {
		in <- d
	}
	for first, more := letters[0], true; more; {
		for account, batch := range s.gather(first, in) {
			s.settle(ctx, account, batch)
		}
		select {
		case first = <-in:
		default:
			more = false
		}
	}
}

func (s *Service) Keep(ctx context.Context, account string, receipts []Receipt) error {
	return s.keep(ctx, s.accounts[account], FromQueue, receipts, 0)
}
