package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/gonets/gonets/pkg/dispatch/natsq"
)

// provisionTime is how long creating or updating all streams and consumers may take once there is a connection.
const provisionTime = time.Minute

func initCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init --config FILE",
		Short: "Creates or updates the streams and consumers, and says what it changed",
		Long: `Creates or updates the streams and consumers that the configuration needs, and lists what it did to each.
It may be repeated, and run beside workers.`,
		Args: cobra.NoArgs,
	}
	path, output := configFlag(cmd), outputFlag(cmd)
	cmd.RunE = does(func(ctx context.Context, _ []string) error { return p.init(ctx, *path, *output) })
	return cmd
}

// changeRow is a [natsq.Change] as it is printed.
type changeRow struct {
	Action natsq.Action `json:"action"`
	What   string       `json:"what"`
	Words  string       `json:"words,omitempty"`
}

func (p *program) init(ctx context.Context, path string, output format) error {
	cfg, err := p.load(path)
	if err != nil {
		return err
	}
	changes, err := provision(ctx, cfg)
	rows := make([]changeRow, len(changes))
	for i, c := range changes {
		rows[i] = changeRow(c)
	}
	if len(rows) > 0 || err == nil {
		head := []string{"ACTION", "WHAT", "WORDS"}
		if err := printRows(p.stdout, output, rows, head, func(r changeRow) []string {
			return []string{string(r.Action), r.What, r.Words}
		}); err != nil {
			return fmt.Errorf("print the changes: %w", err)
		}
	}
	return err
}
