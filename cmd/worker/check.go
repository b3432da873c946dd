package main

import (
	"context"
	"errors"
	"fmt"
	"github.com/spf13/cobra"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

func checkCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check --config FILE [--online]",
		Short: "Validates the configuration",
		Long: `Validates the configuration and lists every fault at once, each with its line. With --online it also asks the
servers that the configuration names, and every account for its version, balance and senders. It changes nothing.`,
		Args: cobra.NoArgs,
	}
	path, output := configFlag(cmd), outputFlag(cmd)
	online := cmd.Flags().Bool("online", false, "also ask NATS, Redis and every account")
	cmd.RunE = does(func(ctx context.Context, _ []string) error { return p.check(ctx, *path, *output, *online) })
	return cmd
}

// finding is what one check found out.
type finding struct {
	What  string `json:"what"`
	OK    bool   `json:"ok"`
	Words string `json:"words,omitempty"` // what was found, or what is wrong
}

// errNotAllWell is the end of a check whose findings were printed.
var errNotAllWell = errors.New("not everything is as it should be")

func (p *program) check(ctx context.Context, path string, output format, online bool) error {
	cfg, err := p.load(path)
	if err != nil {
		return err
	}
	findings := []finding{{"configuration", true, fmt.Sprintf("%d accounts, %d routes", len(cfg.Accounts), len(cfg.Routes))}}
	if online {
		findings = append(findings, checkNATS(ctx, cfg)...)
		findings = append(findings, checkRedis(ctx, cfg.Redis)...)
		findings = append(findings, checkAccounts(ctx, cfg.Accounts)...)
	}
	if err := printRows(p.stdout, output, findings, []string{"WHAT", "STATE", "WORDS"}, finding.cells); err != nil {
		return fmt.Errorf("print the findings: %w", err)
	}
	for _, f := range findings {
		if !f.OK {
			return errNotAllWell
		}
	}
	return nil
}

func (f finding) cells() []string {
	state := "OK"
	if !f.OK {
		state = "FAULT"
	}
	return []string{f.What, state, f.Words}
}

// checkNATS asks the server, and whether its streams are as configured.
func checkNATS(ctx context.Context, cfg *config.Config) []finding {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ctx, deny := context.WithCancelCause(ctx)
	defer deny(nil)
	nc, js, err := reachNATS(ctx, cfg.NATS, "gonets worker check", deny)
	if err != nil {
		return []finding{{What: "nats", Words: err.Error()}}
	}
	defer nc.Close()
	findings := []finding{{"nats", true, "version " + nc.ConnectedServerVersion()}}
	faults, err := natsq.Check(ctx, js, layout(cfg))
	err = because(ctx, err)
	for _, f := range faults {
		findings = append(findings, finding{What: "streams", Words: f})
	}
	switch {
	case err != nil:
		findings = append(findings, finding{What: "streams", Words: err.Error()})
	case len(faults) == 0:
		findings = append(findings, finding{What: "streams", OK: true, Words: "as configured"})
	}
	return findings
}
