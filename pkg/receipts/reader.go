package receipts

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/providers"
)

// queueReply is what one read of a queue gave.
type queueReply struct {
	rows    []providers.Receipt
	skipped int
}

// read drains an account's queue while ctx lasts: without a pause while replies are full, every second while rows come or messages of the last
// minutes wait, and else at the pace of rest. A read takes rows away, so it is never cut short, and none follows before its rows are stored.
func (s *Service) read(ctx, hard context.Context, a *Account) {
	log := s.log.With(zap.String("account", a.Name))
	var p pace
	var rest time.Time // until when the queue is left alone unless something is to be expected
	for ctx.Err() == nil {
		expecting := s.expects(ctx, a)
		if !expecting && time.Now().Before(rest) {
			sleep(ctx, min(a.Every, time.Until(rest)))
			continue
		}
		reply, refusal := asked(ctx, a, func(ctx context.Context) (r queueReply, err error) {
			r.rows, r.skipped, err = a.Queue.ReadReceipts(ctx, a.MaxRead)
			return r, err
		})
		if err := s.keep(hard, a, FromQueue, knownAll(reply.rows, time.Now()), reply.skipped); err != nil {
			log.Error("receipts were lost: they are asked for later, message by message", zap.Error(err))
			return
		}
		if refusal != nil {
			log.Warn("the queue can't be read", zap.Error(refusal))
			sleep(ctx, p.afterFailure(a, refusal))
			continue
		}
		pause := p.afterAnswer(a, len(reply.rows)+reply.skipped, a.MaxRead, expecting)
		if pause > a.Every {
			rest = time.Now().Add(pause)
			pause = a.Every
		}
		sleep(ctx, pause)
	}
}

// expects tells whether receipts are to be expected soon. Where nobody knows they are.
func (s *Service) expects(ctx context.Context, a *Account) bool {
	waiting, newest, err := s.Index.Look(ctx, a.Name)
	return err != nil || a.expecting(waiting, newest, time.Now())
}
