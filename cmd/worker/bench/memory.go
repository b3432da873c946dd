package main

import (
	"context"
	"fmt"
)

// memory measures the peak of the resident memory with a small and a large backlog, of the bare loop with the large one only. Of the large one
// three tenths are taken.
func (p *plan) memory(ctx context.Context, s subject) error {
	taken := p.jobs * 3
	for _, backlog := range []int{p.jobs * 3 / 10, p.jobs * 10} {
		if s.name == theBareLoop && backlog < taken {
			continue
		}
		d, err := p.drain(ctx, s, p.scene(), plain(backlog), min(backlog, taken))
		if err != nil {
			return err
		}
		p.of(s, fmt.Sprintf("peak memory, backlog %s", number(float64(backlog))), "MiB", float64(d.used.Peak)/(1<<20))
	}
	return nil
}
