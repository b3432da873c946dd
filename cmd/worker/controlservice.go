package main

import (
	"context"
	"errors"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"go.uber.org/zap"

	"github.com/gonets/gonets/pkg/dispatch"
)

// serviceName is what `nats micro ls` shows.
const serviceName = "gonets"

// orderFor is how long an order may take.
const orderFor = 5 * time.Second

// The codes of errors in answers: the order can't be meant, or couldn't be carried out.
const (
	codeBad    = "400"
	codeFailed = "500"
)

// controlSubject is what the endpoints' subjects begin with.
func controlSubject(prefix string) string { return prefix + ".control.account" }

// operatorDesk is where operators ask: a service of which one worker answers each request.
type operatorDesk struct {
	control *control
	health  dispatch.Health
	log     *zap.Logger
}

// open answers until stop is called.
func (d *operatorDesk) open(nc *nats.Conn, prefix string) (stop func(), err error) {
	s, err := micro.AddService(nc, micro.Config{Name: serviceName, Version: serviceVersion(), Description: "sends the jobs of prefix " + prefix,
		Metadata: map[string]string{"prefix": prefix}})
	if err != nil {
		return nil, err
	}
	stop = func() { _ = s.Stop() } // without a connection it is no more anyway
	group := s.AddGroup(controlSubject(prefix), micro.WithGroupQueueGroup(serviceName))
	for name, answer := range map[string]func(context.Context, []byte) ([]accountRow, error){
		"pause":  d.obey(func() order { return &pauseOrder{} }),
		"resume": d.obey(func() order { return &resumeOrder{} }),
		"limit":  d.obey(func() order { return &limitOrder{} }),
		"list":   func(ctx context.Context, _ []byte) ([]accountRow, error) { return d.rows(ctx, d.control.names) },
	} {
		if err := group.AddEndpoint(name, d.handler(name, answer)); err != nil {
			stop()
			return nil, err
		}
	}
	return stop, nil
}

// obey carries out orders of one kind, and answers with the account.
func (d *operatorDesk) obey(kind func() order) func(context.Context, []byte) ([]accountRow, error) {
	return func(ctx context.Context, data []byte) ([]accountRow, error) {
		o := kind()
		if err := json.Unmarshal(data, o, json.RejectUnknownMembers(true)); err != nil {
			return nil, badOrder{"the request can't be read: " + err.Error()}
		}
		if err := d.control.change(ctx, o); err != nil {
			return nil, err
		}
		return d.rows(ctx, []string{o.about()})
	}
}

func (d *operatorDesk) handler(name string, answer func(context.Context, []byte) ([]accountRow, error)) micro.HandlerFunc {
	return func(r micro.Request) {
		ctx, cancel := context.WithTimeout(context.Background(), orderFor)
		defer cancel()
		rows, err := answer(ctx, r.Data())
		var body []byte
		if err == nil {
			body, err = json.Marshal(rows)
		}
		switch bad, is := errors.AsType[badOrder](err); {
		case is:
			err = r.Error(codeBad, bad.words, nil)
		case err != nil:
			d.log.Error("an operator's request failed", zap.String("request", name), zap.Error(err))
			err = r.Error(codeFailed, err.Error(), nil)
		default:
			err = r.Respond(body)
		}
		if err != nil {
			d.log.Warn("an operator wasn't answered", zap.String("request", name), zap.Error(err))
		}
	}
}

// accountRow is an account as operators see it.
type accountRow struct {
	Account  string           `json:"account"`
	Provider string           `json:"provider"`
	State    dispatch.Circuit `json:"state"`
	Cause    string           `json:"cause,omitempty"`
	Words    string           `json:"words,omitempty"`
	Until    time.Time        `json:"until,omitzero"` // when it is probed or asked again; left out: it is asked, or paused until it is resumed
	By       string           `json:"by,omitempty"`   // who paused it
	Limit    limit            `json:"limit,omitzero"` // in force; left out: there is none
	Changed  bool             `json:"limit_changed,omitempty"`
}

func (d *operatorDesk) rows(ctx context.Context, names []string) ([]accountRow, error) {
	states, err := d.health.States(ctx, names)
	if err != nil {
		return nil, err
	}
	rows := make([]accountRow, len(names))
	now := time.Now()
	for i, name := range names {
		a, s, want := d.control.accounts[name], states[i], d.control.intent(name)
		row := accountRow{Account: name, Provider: a.Kind.Name, State: s.Circuit}
		if s.Circuit != dispatch.Closed && (!s.Itself || now.Before(s.Until)) {
			row.Cause, row.Words, row.Until = string(s.Cause), s.Words, s.Until
		} else {
			row.State = dispatch.Closed
		}
		if row.Until.Equal(resumedAt) {
			row.Until = time.Time{}
		}
		if want.Pause.lasts(now) {
			row.By = want.Pause.By
		}
		if a.Limit.Limited() {
			in := d.control.limits.inForce(name)
			row.Limit, row.Changed = limit{in.PerSecond, in.Burst}, in != a.Limit
		}
		rows[i] = row
	}
	return rows, nil
}

// serviceVersion is the build's version, as semantic versioning has it; 0.0.0 where the build knew none.
func serviceVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "0.0.0"
	}
	v := strings.TrimPrefix(info.Main.Version, "v")
	if !regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`).MatchString(v) {
		return "0.0.0"
	}
	return v
}
