package main

import (
	"strings"
	"time"
)

// parseWhen reads a TIME of the command line: RFC 3339, or a duration from now such as +10m. An empty one is no time.
func parseWhen(flag, words string, now time.Time) (time.Time, error) {
	if words == "" {
		return time.Time{}, nil
	}
	if after, ok := strings.CutPrefix(words, "+"); ok {
		d, err := time.ParseDuration(after)
		if err != nil || d < 0 {
			return time.Time{}, usagef("--%s: a duration from now looks like +10m or +1h30m", flag)
		}
		return now.Add(d).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, words)
	if err != nil {
		return time.Time{}, usagef("--%s must be a time in RFC 3339 such as 2026-11-22T20:00:00Z, or a duration from now such as +10m", flag)
	}
	return t.UTC(), nil
}

// parseSince reads a TIME in the past: RFC 3339, or a duration up to now such as 2h. An empty one is no time.
func parseSince(words string, now time.Time) (time.Time, error) {
	if words == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(words); err == nil && d > 0 {
		return now.Add(-d).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, words)
	if err != nil {
		return time.Time{}, usagef("--since must be a duration up to now such as 2h, or a time in RFC 3339 such as 2026-11-22T20:00:00Z")
	}
	return t.UTC(), nil
}
