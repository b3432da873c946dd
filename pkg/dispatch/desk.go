package dispatch

import "context"

// deskBatch is how many jobs are settled together that need no provider.
const deskBatch = 200

// desk settles the jobs that need no account: refused, expired, scheduled, or waiting for an account. It takes what
// has gathered while it was busy with the ones before.
type desk struct {
	in   chan *item
	line *line
}

func newDesk(l *line) *desk { return &desk{in: make(chan *item, deskBatch), line: l} }

func (d *desk) put(ctx context.Context, it *item) error {
	select {
	case d.in <- it:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run settles until ctx ends, then gives back what it holds.
func (d *desk) run(ctx context.Context) {
	for {
		select {
		case it := <-d.in:
			d.settle(d.gather(it))
		case <-ctx.Done():
			for len(d.in) > 0 {
				d.line.giveBack([]*item{<-d.in})
			}
			return
		}
	}
}

func (d *desk) gather(first *item) []*item {
	items := []*item{first}
	for len(items) < deskBatch && len(d.in) > 0 {
		items = append(items, <-d.in)
	}
	return items
}

func (d *desk) settle(items []*item) {
	var jobs []*item
	var ends []ending
	for _, it := range items {
		if it.refused != nil {
			ends = append(ends, ending{it, it.fate()})
		} else {
			jobs = append(jobs, it)
		}
	}
	if len(jobs) > 0 && d.line.claim(jobs, nil) {
		for _, it := range jobs {
			s, over := d.line.judge(it)
			if !over {
				s = it.fate()
			}
			ends = append(ends, ending{it, s})
		}
	}
	d.line.settle(ends)
}
