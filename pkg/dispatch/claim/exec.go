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

//go:embed claim.lua
var claimLua string

//go:embed swap.lua
var swapLua string

//go:embed record.lua
var recordLua string

//go:embed restore.lua
var restoreLua string

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

type scripts struct{ claim, swap, record, restore, ensure, bounds, arm, lead, look, advance *script }

func newScripts() scripts {
	known := func(source string) *script {
		source = runLua + source
		return &script{source: source, sha: redis.NewScript(source).Hash()}
	}
	return scripts{known(claimLua), known(swapLua), known(recordLua), known(restoreLua), known(ensureLua), known(boundsLua), known(armLua), known(leadLua), known(lookLua), known(advanceLua)}
}

// call is one run of a script on one shard.
type call struct {
	script *script
	shard  int
	jobs   []int // which of the batch it is about, in the order of its keys
	args   []any // command, script, number of keys, keys, arguments; the first two are set by try
	answer []any // once done
	done   bool
}

// errLost is what try answers for a guard that is gone.
func errLost(shard int, err error) error {
	return fmt.Errorf("%w (shard %d: %v)", dispatch.ErrClaimsLost, shard, err)
}

// try runs the calls that aren't done yet, in one round trip; a second one where a server doesn't know a script.
func (s *Store) try(ctx context.Context, calls []*call) error {
	for _, command := range [...]string{"evalsha", "eval"} {
		var cmds []*redis.Cmd
		var open []*call
		for _, c := range calls {
			if c.done {
				continue
			}
			c.args[0], c.args[1] = command, c.script.sha
			if command == "eval" {
				c.args[1] = c.script.source
			}
			cmds, open = append(cmds, redis.NewCmd(ctx, c.args...)), append(open, c)
		}
		s.send(ctx, cmds)
		var failed error
		unknown := false
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
				unknown = true
			case redis.HasErrorPrefix(err, "CLAIMSLOST"):
				failed = errLost(c.shard, err)
			case !errors.Is(failed, dispatch.ErrClaimsLost):
				failed = err
			}
		}
		if failed != nil || !unknown {
			return failed
		}
	}
	return errors.New("the server forgets its scripts at once")
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
