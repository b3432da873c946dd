package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/providers"
)

// checkAccounts asks every account what it can tell, all at once, and gives a finding for each in their order.
func checkAccounts(ctx context.Context, accounts []config.Account) []finding {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	findings := make([]finding, len(accounts))
	var asking sync.WaitGroup
	for i, a := range accounts {
		asking.Go(func() { findings[i] = checkAccount(ctx, a) })
	}
	asking.Wait()
	return findings
}

// report gathers what an account says of itself.
type report struct {
	told, faults, silent []string
}

// fault notes an error once: an account that can't be reached says the same to every question.
func (r *report) fault(err error) {
	if !slices.Contains(r.faults, err.Error()) {
		r.faults = append(r.faults, err.Error())
	}
}

func checkAccount(ctx context.Context, a config.Account) finding {
	p, err := openProvider(a)
	if err != nil {
		return finding{What: "account " + a.Name, Words: err.Error()}
	}
	var r report
	r.askVersion(ctx, p)
	r.askBalance(ctx, p)
	r.askSenders(ctx, p, a)
	words := append(r.faults, r.told...)
	if len(r.silent) > 0 {
		words = append(words, a.Kind.Name+" doesn't tell its "+strings.Join(r.silent, ", "))
	}
	return finding{What: "account " + a.Name, OK: len(r.faults) == 0, Words: strings.Join(words, "; ")}
}

func (r *report) askVersion(ctx context.Context, p providers.Provider) {
	asked, can := p.(providers.Versioner)
	if !can {
		r.silent = append(r.silent, "version")
		return
	}
	switch got, want, err := asked.Version(ctx); {
	case err != nil:
		r.fault(err)
	case got != want:
		r.told = append(r.told, fmt.Sprintf("warning: version %s, this client is written for %s", got, want))
	default:
		r.told = append(r.told, "version "+got)
	}
}

func (r *report) askBalance(ctx context.Context, p providers.Provider) {
	asked, can := p.(providers.Balancer)
	if !can {
		r.silent = append(r.silent, "balance")
		return
	}
	purses, err := asked.Balance(ctx)
	if err != nil {
		r.fault(err)
		return
	}
	if len(purses) == 0 {
		r.told = append(r.told, "no balance")
	}
	for _, b := range purses {
		words := strings.TrimSpace("balance " + b.Amount + " " + b.Unit)
		if strings.Trim(b.Credit, "0.") != "" {
			words += " with a credit of " + b.Credit
		}
		r.told = append(r.told, words)
	}
}

// askSenders finds a fault where senders are to be checked and the account's own isn't usable.
func (r *report) askSenders(ctx context.Context, p providers.Provider, a config.Account) {
	asked, can := p.(providers.SenderLister)
	if !can {
		r.silent = append(r.silent, "senders")
		if a.CheckSender {
			r.told = append(r.told, "check_sender has no effect")
		}
		return
	}
	list, err := asked.Senders(ctx)
	if err != nil {
		r.fault(err)
		return
	}
	switch words, usable := judgeSender(a.Sender, list); {
	case usable || a.Sender == "":
		r.told = append(r.told, words)
	case a.CheckSender:
		r.faults = append(r.faults, words)
	default:
		r.told = append(r.told, "warning: "+words)
	}
}
