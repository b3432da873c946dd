package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/spf13/cobra"

	"github.com/gonets/gonets/cmd/worker/config"
)

// request is one order or question to the workers, with what its command was given.
type request struct {
	cfg    *config.Config
	output format
	name   string // of the endpoint
	body   any    // nil: none
}

// controlCommands are those that ask the workers themselves.
func controlCommands(p *program) []*cobra.Command {
	list := &cobra.Command{Use: "list --config FILE", Short: "How the accounts stand with the running workers: state, cause, limit in force", Args: cobra.NoArgs}
	path, output := configFlag(list), outputFlag(list)
	list.RunE = func(cmd *cobra.Command, args []string) error {
		cfg, err := p.load(*path)
		if err != nil {
			return err
		}
		return p.asks(cmd, args, request{cfg, *output, "list", nil})
	}
	return []*cobra.Command{list, pauseCommand(p), resumeCommand(p), limitCommand(p)}
}

// orderCommand makes a command that gives an order about one account. order is called once its flags are read.
func orderCommand(p *program, use, name, short string, order func(*cobra.Command, who) (any, error)) *cobra.Command {
	cmd := &cobra.Command{Use: name + " --config FILE --account NAME" + use, Short: short, Args: cobra.NoArgs}
	path, output := configFlag(cmd), outputFlag(cmd)
	account := cmd.Flags().String("account", "", "`NAME` of the account, as in the configuration (required)")
	reason := cmd.Flags().String("reason", "", "`TEXT` that says why; it stands in logs and, of a pause, in events")
	by := cmd.Flags().String("by", userName(), "`WHO` orders it, for the logs")
	if err := cmd.MarkFlagRequired("account"); err != nil {
		panic(err) // the flag was added above
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if _, err := p.accountNamed(*path, *account); err != nil {
			return err
		}
		body, err := order(cmd, who{Account: *account, By: *by, Reason: *reason})
		if err != nil {
			return err
		}
		cfg, err := p.load(*path)
		if err != nil {
			return err
		}
		return p.asks(cmd, args, request{cfg, *output, name, body})
	}
	return cmd
}

func pauseCommand(p *program) *cobra.Command {
	var during time.Duration
	var until string
	cmd := orderCommand(p, " --reason TEXT [--for D | --until TIME]", "pause", "Leaves an account alone, over all workers", func(cmd *cobra.Command, w who) (any, error) {
		o := pauseOrder{who: w}
		if strings.TrimSpace(w.Reason) == "" {
			return nil, errors.New("--reason: missing; say why the account is paused")
		}
		if cmd.Flags().Changed("for") {
			if during <= 0 {
				return nil, fmt.Errorf("--for: %s is no time ahead", during)
			}
			o.Until = time.Now().Add(during)
		}
		if until != "" {
			t, err := time.Parse(time.RFC3339, until)
			if err != nil {
				return nil, fmt.Errorf("--until: %q is no time, write one such as 2026-11-22T20:00:00+03:00", until)
			}
			if !t.After(time.Now()) {
				return nil, fmt.Errorf("--until: %s is past", until)
			}
			o.Until = t
		}
		return o, nil
	})
	cmd.Flags().DurationVar(&during, "for", 0, "how long (30m); neither this nor --until: until it is resumed")
	cmd.Flags().StringVar(&until, "until", "", "`TIME` of its end, as RFC 3339 has it")
	cmd.MarkFlagsMutuallyExclusive("for", "until")
	return cmd
}

func resumeCommand(p *program) *cobra.Command {
	return orderCommand(p, "", "resume", "Ends an operator's pause; what a provider's own answers closed stays closed", func(_ *cobra.Command, w who) (any, error) {
		return resumeOrder{w}, nil
	})
}

func limitCommand(p *program) *cobra.Command {
	var o limitOrder
	cmd := orderCommand(p, " [--rate N] [--burst N] | --reset", "limit", "Changes an account's limit, over all workers", func(cmd *cobra.Command, w who) (any, error) {
		f := cmd.Flags()
		if !f.Changed("rate") && !f.Changed("burst") && !o.Reset {
			return nil, errors.New("nothing to change; give --rate, --burst or both, or --reset")
		}
		if f.Changed("rate") && !(o.PerSecond > 0) || f.Changed("burst") && o.Burst < 1 {
			return nil, errors.New("--rate and --burst: must be above 0")
		}
		o.who = w
		return o, nil
	})
	cmd.Flags().Float64Var(&o.PerSecond, "rate", 0, "messages a second over all workers; left out: as it is")
	cmd.Flags().IntVar(&o.Burst, "burst", 0, "messages at once, at least the account's batch; left out: as it is")
	cmd.Flags().BoolVar(&o.Reset, "reset", false, "back to the configuration's limit")
	cmd.MarkFlagsMutuallyExclusive("reset", "rate")
	cmd.MarkFlagsMutuallyExclusive("reset", "burst")
	return cmd
}

// asks asks the workers, and prints the accounts that they answer with.
func (p *program) asks(cmd *cobra.Command, args []string, r request) error {
	return does(func(ctx context.Context, _ []string) error {
		rows, err := ask(ctx, r)
		if err != nil {
			return err
		}
		return printRows(p.stdout, r.output, rows, []string{"ACCOUNT", "PROVIDER", "STATE", "CAUSE", "UNTIL", "LIMIT", "BURST", "WORDS"}, accountRow.cells)
	})(cmd, args)
}

func ask(ctx context.Context, r request) ([]accountRow, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ctx, deny := context.WithCancelCause(limited)
	defer deny(nil)
	nc, _, err := reachNATS(limited, r.cfg.NATS, "gonets worker account", deny)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	var body []byte
	if r.body != nil {
		if body, err = json.Marshal(r.body); err != nil {
			return nil, err
		}
	}
	answer, err := nc.RequestWithContext(ctx, controlSubject(r.cfg.NATS.Prefix)+"."+r.name, body)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return nil, fmt.Errorf("no worker answers on prefix %s: is one running, and ready?", r.cfg.NATS.Prefix)
	case err != nil:
		return nil, fmt.Errorf("no answer from a worker within the time given: %w", because(ctx, err))
	}
	if words := answer.Header.Get(micro.ErrorHeader); words != "" {
		return nil, fmt.Errorf("the worker refuses (%s): %s", answer.Header.Get(micro.ErrorCodeHeader), words)
	}
	var rows []accountRow
	if err := json.Unmarshal(answer.Data, &rows); err != nil {
		return nil, fmt.Errorf("the worker's answer can't be read; is it of another version? %w", err)
	}
	return rows, nil
}

func (r accountRow) cells() []string {
	until, rate, burst := "", "", ""
	if !r.Until.IsZero() {
		until = r.Until.Local().Format(time.RFC3339)
	}
	if r.Limit != (limit{}) {
		rate, burst = strconv.FormatFloat(r.Limit.PerSecond, 'f', -1, 64), strconv.Itoa(r.Limit.Burst)
	}
	if r.Changed {
		rate += " (changed)"
	}
	words := r.Words
	if r.By != "" {
		words += " (by " + r.By + ")"
	}
	return []string{r.Account, r.Provider, string(r.State), r.Cause, until, rate, burst, shown(words)}
}

// userName is who runs the command, as the system knows them.
func userName() string {
	u, err := user.Current()
	if err != nil || u.Username == "" {
		return "unknown"
	}
	return u.Username
}
