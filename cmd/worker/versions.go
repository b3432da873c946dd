package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/providers"
)

// versionPace is how long an account whose version wasn't learnt is left before it is asked again.
const versionPace = time.Minute

// learnVersions asks all accounts that can tell, until stop is called.
func learnVersions(ctx context.Context, accounts []dispatch.Account, warn func(name, words string), log *zap.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var learning sync.WaitGroup
	for _, a := range accounts {
		if asked, can := a.Provider.(providers.Versioner); can {
			learning.Go(func() { learnVersion(ctx, a.Name, asked, warn, log) })
		}
	}
	return func() { cancel(); learning.Wait() }
}

// learnVersion asks an account which version of its API answers, until it tells or ctx ends. Another one than the client is written for is only a warning,
// since it may do.
func learnVersion(ctx context.Context, account string, asked providers.Versioner, warn func(name, words string), log *zap.Logger) {
	log = log.With(zap.String("account", account))
	for {
		got, want, err := version(ctx, asked)
		switch {
		case err == nil && got == want:
			return
		case err == nil:
			warn("account "+account, fmt.Sprintf("version %s of the API answers, this client is written for %s", got, want))
			log.Warn("another version of the API answers", zap.String("version", got), zap.String("expected", want))
			return
		case ctx.Err() == nil:
			log.Warn("version not learnt", zap.Error(err))
		}
		select {
		case <-time.After(versionPace):
		case <-ctx.Done():
			return
		}
	}
}

func version(ctx context.Context, asked providers.Versioner) (got, want string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic in the provider's client: %T", r)
		}
	}()
	return asked.Version(ctx)
}
