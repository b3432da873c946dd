package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
)

func (l *loader) readRoutes(root *section, cfg *Config) {
	accounts := make([]string, len(cfg.Accounts))
	for i, a := range cfg.Accounts {
		accounts[i] = a.Name
	}
	for _, e := range l.named(root, "routes", "route") {
		s := l.section(e.value, join("routes", e.key), e.line)
		r := dispatch.Route{Name: e.key, Accounts: s.accounts(accounts), Retry: readRetry(s.sub("retry"))}
		r.OnUnknown = dispatch.OnUnknown(read(s, "on_unknown", "", oneOf(string(dispatch.Hold), string(dispatch.Resend))))
		s.close()
		cfg.Routes = append(cfg.Routes, r)
	}
}

// accounts reads a route's accounts, which must be among those.
func (s *section) accounts(those []string) (names []string) {
	const key = "accounts"
	s.known = append(s.known, key)
	e := s.node.find(key)
	switch {
	case e == nil:
		s.missing(key, "give at least one account, such as [main]")
		return nil
	case e.value.kind == broken:
		return nil
	case e.value.kind != sequence:
		s.fault(key, "is %s; give a list of accounts, such as [main]", e.value.kind)
		return nil
	case len(e.value.items) == 0:
		s.fault(key, "is empty; give at least one account, such as [main]")
		return nil
	}
	for i, item := range e.value.items {
		fault := func(format string, args ...any) {
			s.loader.fault(item.line, fmt.Sprintf("%s.%s[%d]", s.path, key, i), fmt.Sprintf(format, args...))
		}
		if item.kind == broken {
			continue
		}
		if item.kind != scalar {
			fault("is %s; give the name of an account", item.kind)
			continue
		}
		name, problem := s.expand(item.text)
		switch {
		case problem != "":
			fault("%s", problem)
		case slices.Contains(names, name):
			fault("%s is named twice; name it once", show(item.text))
		case len(those) > 0 && !slices.Contains(those, name): // without any, that is the fault
			fault("%s is no account; use %s%s", show(item.text), strings.Join(those, ", "), didYouMean(name, those))
		}
		names = append(names, name)
	}
	return names
}

func readRetry(s *section) (r dispatch.Retry) {
	defer s.close()
	r.Attempts = read(s, "attempts", 5, whole(1, 1000))
	r.Initial = read(s, "initial", time.Second, duration(time.Millisecond))
	r.Max = read(s, "max", max(5*time.Minute, r.Initial), duration(time.Millisecond))
	if !s.given("initial") {
		r.Initial = min(r.Initial, r.Max)
	}
	if r.Max < r.Initial && !s.faulty["max"] {
		s.fault("max", "%s is shorter than initial, use at least %s", brief(r.Max), brief(r.Initial))
	}
	return r
}
