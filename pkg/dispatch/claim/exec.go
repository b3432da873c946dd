package claim

import (
	"context"
	_ "embed" // the scripts
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/gonets/gonets/pkg/dispatch"
)

//go:embed run.lua
var runLua string

//go:embed guard.lua
var guardLua string

//go:embed ticket.lua
var ticketLua string

//go:embed terms.lua
var termsLua string

//go:embed claim.lua
var claimLua string

//go:embed swap.lua
var swapLua string

//go:embed record.lua
var recordLua string

//go:embed page.lua
var pageLua string

//go:embed restore.lua
var restoreLua string

//go:embed look.lua
var lookLua string

//go:embed advance.lua
var advanceLua string

//go:embed ensure.lua
var ensureLua string

//go:embed bounds.lua
var boundsLua string

//go:embed arm.lua
var armLua string

//go:embed lead.lua
var leadLua string

// script is a text that the server knows by its SHA-1, once it has run it.
type script struct{ source, sha string }

type scripts struct{ claim, swap, record, page, restore, look, advance, ensure, bounds, arm, lead *script }

func newScripts() scripts {
	known := func(parts ...string) *script {
		source := runLua + strings.Join(parts, "")
		return &script{source: source, sha: redis.NewScript(source).Hash()}
	}
	guarded := func(source string) *script { return known(guardLua, termsLua, source) }
	return scripts{guarded(claimLua), guarded(swapLua), guarded(recordLua), guarded(pageLua), known(ticketLua, termsLua, restoreLua), guarded(lookLua), guarded(advanceLua),
		known(ensureLua), known(boundsLua), known(armLua), known(leadLua)}
}

// call is one run of a script on one shard.
type call struct {
	script *script
	shard  int
	guard  string // what the guard, or the ticket, must be; "" for a script that neither reads nor writes records
	keys   int    // their number
	terms  *terms // that it was last tried with
	jobs   []int  // which of the batch it is about, in the order of its arguments
	args   []any  // command, script, number of keys, keys, arguments; the first two are set by try, and the terms by place
	answer []any  // once done
	done   bool
}

// named are the jobs that an answer names by their indices.
func (c *call) named(answer []any) ([]int, error) {
	var jobs []int
	for _, a := range answer {
		place, ok := a.(int64)
		if !ok || place < 1 || int(place) > len(c.jobs) {
			return nil, fmt.Errorf("the script answered %v for a job's place", a)
		}
		jobs = append(jobs, c.jobs[place-1])
	}
	return jobs, nil
}

// errLost is what try answers for a guard that is gone.
func errLost(shard int, err error) error {
	return fmt.Errorf("%w (shard %d: %v)", dispatch.ErrClaimsLost, shard, err)
}

// tryRounds bounds how often a call is repeated at once: for a script that a server doesn't know yet, and for a clock that turned out to differ.
const tryRounds = 8

// try runs the calls that aren't done yet, in one round trip; a second one where a server doesn't know a script, or is in another term than we believed.
func (s *Store) try(ctx context.Context, calls []*call) error {
	command := "evalsha"
	for range tryRounds {
		var cmds []*redis.Cmd
		var open []*call
		for _, c := range calls {
			if c.done {
				continue
			}
			if err := s.place(c); err != nil {
				return err
			}
			c.args[0], c.args[1] = command, c.script.sha
			if command == "eval" {
				c.args[1] = c.script.source
			}
			cmds, open = append(cmds, redis.NewCmd(ctx, c.args...)), append(open, c)
		}
		s.send(ctx, cmds)
		var failed error
		again := false
		for i, c := range open {
			answer, err := cmds[i].Result()
			switch {
			case err == nil:
				list, ok := answer.([]any)
				if !ok {
					list = []any{answer}
				}
				c.answer, c.done = list, true
			case errors.Is(err, redis.ErrNoScript) || redis.HasErrorPrefix(err, "NOSCRIPT"):
				again, command = true, "eval"
			case redis.HasErrorPrefix(err, "CLAIMSTERM"):
				again = true
				s.learn(err.Error())
			case redis.HasErrorPrefix(err, "CLAIMSLOST"):
				failed = errLost(c.shard, err)
			case !errors.Is(failed, dispatch.ErrClaimsLost):
				failed = err
			}
		}
		s.sweep(ctx, open)
		if failed != nil || !again {
			return failed
		}
	}
	return errors.New("the server forgets its scripts at once, or its clock leaps")
}

// send runs commands in one round trip; each has its own answer or error.
func (s *Store) send(ctx context.Context, cmds []*redis.Cmd) {
	if len(cmds) == 1 {
		_ = s.client.Process(ctx, cmds[0]) // the command holds the error
		return
	}
	pipe := s.client.Pipeline()
	for _, cmd := range cmds {
		_ = pipe.Process(ctx, cmd) // only queues it
	}
	if _, err := pipe.Exec(ctx); err != nil {
		for _, cmd := range cmds { // one that wasn't even sent doesn't hold it
			if cmd.Err() == nil && cmd.Val() == nil {
				cmd.SetErr(err)
			}
		}
	}
}

// insist repeats try until all calls have answers, the records are lost, the server refuses, or ctx ends.
func (s *Store) insist(ctx context.Context, calls []*call) error {
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		err := s.try(ctx, calls)
		if err == nil || !passing(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w, last because: %w", context.Cause(ctx), err)
		case <-time.After(pause):
		}
	}
}

// passing tells whether a failure may be gone soon: of the connection, or of a server that says so.
func passing(err error) bool {
	if errors.Is(err, dispatch.ErrClaimsLost) || errors.Is(err, redis.ErrClosed) {
		return false
	}
	var refusal redis.Error
	if !errors.As(err, &refusal) {
		return true
	}
	code, _, _ := strings.Cut(refusal.Error(), " ")
	switch code {
	case "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK", "BUSY", "OOM", "MISCONF", "NOREPLICAS":
		return true
	}
	return false
}
