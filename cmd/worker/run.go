package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/gonets/gonets/cmd/worker/config"
)

func runCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run --config FILE",
		Short: "Works until SIGTERM or SIGINT; a second signal stops at once",
		Long: `Takes jobs, sends them, and publishes what became of them, until SIGTERM or SIGINT. Then it takes no more, gives back what it hasn't
begun, and finishes what it has, within 25 seconds. A second signal stops at once: what was under way is delivered again, to
any worker.

A file that holds a secret may change: the worker notices it, finishes what it has, and goes on with the new one.

NATS and Redis may come later than the worker: it waits for them. /livez, /readyz and /metrics answer on http.listen meanwhile.`,
		Args: cobra.NoArgs,
	}
	path := configFlag(cmd)
	cmd.RunE = does(func(ctx context.Context, _ []string) error {
		ctx, stop := untilSignal(ctx)
		defer stop()
		return p.work(ctx, *path)
	})
	return cmd
}

// work is a worker with the configuration in a file, until ctx ends. It begins anew whenever a secret changed.
func (p *program) work(ctx context.Context, path string) error {
	cfg, err := p.load(path)
	if err != nil {
		return err
	}
	log, err := newLogger(cfg.Log, p.stderr)
	if err != nil {
		return err
	}
	logRedis(log)
	for cfg != nil && err == nil {
		cfg, err = p.serveUntilRotated(ctx, path, cfg, log)
	}
	return err
}

// untilSignal returns a context that ends with the first SIGTERM or SIGINT. The second one ends the process.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		defer signal.Stop(signals)
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
		if _, again := <-signals; again {
			os.Exit(exitFailed)
		}
	}()
	return ctx, cancel
}

// Of lines with the same words, logFirst are written every logEvery, and then one of logThen: a store that doesn't answer fails many packets at
// once, and an account that refuses everything ends thousands of jobs a second.
const (
	logEvery = 10 * time.Second
	logFirst = 50
	logThen  = 1000
)

func newLogger(cfg config.Log, w io.Writer) (*zap.Logger, error) {
	level, err := zapcore.ParseLevel(cfg.Level)
	if err != nil {
		return nil, fmt.Errorf("log.level: %w", err)
	}
	enc := zap.NewProductionEncoderConfig()
	enc.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoder := zapcore.NewJSONEncoder(enc)
	if cfg.Format == "console" {
		encoder = zapcore.NewConsoleEncoder(enc)
	}
	core := zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), level)
	return zap.New(zapcore.NewSamplerWithOptions(core, logEvery, logFirst, logThen)), nil
}
