package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gonets/gonets/cmd/worker/config"
	"github.com/gonets/gonets/pkg/providers"
)

// inquiry is one question to one account, with what its command was given.
type inquiry struct {
	account config.Account
	output  format
	ids     []string
}

func accountCommand(p *program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "account",
		Short: "Asks a provider about an account or messages sent through it; shows and changes how the workers use it",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return errors.New("no question given; see worker account --help")
		},
	}
	question := func(use, short string, args cobra.PositionalArgs, ask func(context.Context, inquiry) error) {
		sub := &cobra.Command{Use: use + " --config FILE --account NAME", Short: short, Args: args}
		path, output := configFlag(sub), outputFlag(sub)
		name := sub.Flags().String("account", "", "`NAME` of the account, as in the configuration (required)")
		if err := sub.MarkFlagRequired("account"); err != nil {
			panic(err) // the flag was added on the line above
		}
		sub.RunE = func(cmd *cobra.Command, args []string) error {
			account, err := p.accountNamed(*path, *name)
			if err != nil {
				return err
			}
			return does(func(ctx context.Context, ids []string) error {
				return ask(ctx, inquiry{account, *output, ids})
			})(cmd, args)
		}
		cmd.AddCommand(sub)
	}
	question("balance", "What is left on the account", cobra.NoArgs, p.accountBalance)
	question("senders", "Which senders the account may use, and whether its own is one of them", cobra.NoArgs, p.accountSenders)
	question("version", "Which version of the provider's API answers", cobra.NoArgs, p.accountVersion)
	question("status PROVIDER-ID…", "What became of messages, by the provider's ids", cobra.MinimumNArgs(1), p.accountStatus)
	cmd.AddCommand(controlCommands(p)...)
	return cmd
}

// accountNamed finds an account of the configuration.
func (p *program) accountNamed(path, name string) (config.Account, error) {
	cfg, err := p.load(path)
	if err != nil {
		return config.Account{}, err
	}
	names := make([]string, len(cfg.Accounts))
	for i, a := range cfg.Accounts {
		if a.Name == name {
			return a, nil
		}
		names[i] = a.Name
	}
	return config.Account{}, fmt.Errorf("no account is called %q; the configuration has %s", name, strings.Join(names, ", "))
}

// openProvider makes the provider of an account. It is asked nothing.
func openProvider(a config.Account) (providers.Provider, error) {
	p, err := a.Settings.Open(providers.Endpoint{URL: a.URL, Client: providers.NewClient(), Timeout: a.Timeout, Sender: a.Sender, Now: time.Now})
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", a.Name, err)
	}
	return p, nil
}

// open makes the inquiry's provider as what can answer the question. Where it can't, that is said on standard error, and is no fault.
func open[T any](p *program, q inquiry, what string) (t T, can bool, err error) {
	opened, err := openProvider(q.account)
	if err != nil {
		return t, false, err
	}
	if t, can = opened.(T); !can {
		fmt.Fprintf(p.stderr, "account %s: %s doesn't tell %s\n", q.account.Name, q.account.Kind.Name, what)
	}
	return t, can, nil
}

func (p *program) accountBalance(ctx context.Context, q inquiry) error {
	var rows []providers.Balance
	asked, can, err := open[providers.Balancer](p, q, "what is left")
	if can {
		rows, err = asked.Balance(ctx)
	}
	if err != nil {
		return err
	}
	return printRows(p.stdout, q.output, rows, []string{"AMOUNT", "CREDIT", "UNIT"},
		func(b providers.Balance) []string { return []string{b.Amount, b.Credit, b.Unit} })
}

// senderRow is a sender, and whether it is the account's own.
type senderRow struct {
	providers.Sender
	Default bool `json:"default"`
}

func (p *program) accountSenders(ctx context.Context, q inquiry) error {
	var list []providers.Sender
	asked, can, err := open[providers.SenderLister](p, q, "its senders")
	if can {
		list, err = asked.Senders(ctx)
	}
	if err != nil {
		return err
	}
	rows := make([]senderRow, len(list))
	for i, s := range list {
		rows[i] = senderRow{s, s.Name == q.account.Sender}
	}
	if can {
		if words, usable := judgeSender(q.account.Sender, list); !usable {
			fmt.Fprintf(p.stderr, "account %s: %s\n", q.account.Name, words)
		}
	}
	return printRows(p.stdout, q.output, rows, []string{"NAME", "STATUS", "USABLE", "DEFAULT", "INFO"}, func(r senderRow) []string {
		return []string{shown(r.Name), r.Status, yesNo(r.Usable), yesNo(r.Default), r.Info}
	})
}

// versionRow is the version that answers, and the one that the client is written for.
type versionRow struct {
	Version  string `json:"version"`
	Expected string `json:"expected"`
}

func (p *program) accountVersion(ctx context.Context, q inquiry) error {
	var rows []versionRow
	asked, can, err := open[providers.Versioner](p, q, "its version")
	if can {
		row := versionRow{}
		row.Version, row.Expected, err = asked.Version(ctx)
		rows = append(rows, row)
		if err == nil && row.Version != row.Expected {
			fmt.Fprintf(p.stderr, "account %s: version %s answers, this client is written for %s\n", q.account.Name, row.Version, row.Expected)
		}
	}
	if err != nil {
		return err
	}
	return printRows(p.stdout, q.output, rows, []string{"VERSION", "EXPECTED"},
		func(r versionRow) []string { return []string{r.Version, r.Expected} })
}

// statusRow is what the provider says of one message.
type statusRow struct {
	ID       string `json:"id"`
	State    string `json:"state"` // "unanswered" where it says nothing
	Status   string `json:"status,omitempty"`
	Segments int    `json:"segments,omitempty"`
	Cost     string `json:"cost,omitempty"`
	Currency string `json:"currency,omitempty"`
	At       string `json:"at,omitempty"`
}

func (r statusRow) cells() []string {
	segments := ""
	if r.Segments > 0 {
		segments = strconv.Itoa(r.Segments)
	}
	return []string{shown(r.ID), r.State, r.Status, segments, strings.TrimSpace(r.Cost + " " + r.Currency), r.At}
}

func (p *program) accountStatus(ctx context.Context, q inquiry) error {
	asked, can, err := open[providers.ReceiptAsker](p, q, "what becomes of a message")
	if err != nil {
		return err
	}
	var rows []statusRow
	if can {
		if rows, err = askStatus(ctx, asked, q.account.Kind.Traits.MaxAsk, q.ids); err != nil {
			return err
		}
	}
	return printRows(p.stdout, q.output, rows, []string{"ID", "STATE", "STATUS", "SEGMENTS", "COST", "AT"}, statusRow.cells)
}

// askStatus asks for all ids, as many at once as a question may have, and gives a row for each in their order.
func askStatus(ctx context.Context, asked providers.ReceiptAsker, atOnce int, ids []string) ([]statusRow, error) {
	told := make(map[string]statusRow, len(ids))
	for rest := ids; len(rest) > 0; {
		n := min(atOnce, len(rest))
		sent := make([]providers.Sent, n)
		for i, id := range rest[:n] {
			sent[i].ID = id
		}
		rest = rest[n:]
		receipts, err := asked.AskReceipts(ctx, sent)
		if err != nil {
			return nil, err
		}
		for _, r := range receipts {
			row := statusRow{ID: r.ID, State: r.State.String(), Status: r.Status, Segments: r.Segments, Cost: r.Cost, Currency: r.Currency}
			if !r.At.IsZero() {
				row.At = r.At.Format(time.RFC3339)
			}
			told[r.ID] = row
		}
	}
	rows := make([]statusRow, len(ids))
	for i, id := range ids {
		row, answered := told[id]
		if !answered {
			row = statusRow{ID: id, State: "unanswered"}
		}
		rows[i] = row
	}
	return rows, nil
}

// shown is a name as a terminal may have it.
func shown(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !strconv.IsPrint(r) }) >= 0 {
		return strconv.Quote(s)
	}
	return s
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
