package job

import (
	"fmt"
	"strings"
)

// Lane is the urgency of a job.
type Lane string

// The lanes: urgent jobs never wait behind normal ones, nor normal ones behind bulk.
const (
	Urgent Lane = "urgent"
	Normal Lane = "normal"
	Bulk   Lane = "bulk"
)

// Lanes returns all lanes, most urgent first.
func Lanes() []Lane { return []Lane{Urgent, Normal, Bulk} }

// Address is where a job is published: the tokens of its subject.
type Address struct {
	Lane   Lane
	Route  string
	Tenant string
}

// Trace is the W3C trace context that a job brought and its events carry on.
type Trace struct {
	Parent string // header traceparent
	State  string // header tracestate
}

// JobSubject is the subject of the address: <prefix>.jobs.<lane>.<route>.<tenant>.
func (a Address) JobSubject(prefix string) string {
	return prefix + ".jobs." + string(a.Lane) + "." + a.Route + "." + a.Tenant
}

// ParseJobSubject takes a job's subject apart. The error names the token that is wrong.
func ParseJobSubject(prefix, subject string) (Address, error) {
	rest, ok := strings.CutPrefix(subject, prefix)
	if ok {
		rest, ok = strings.CutPrefix(rest, ".jobs.")
	}
	lane, rest, two := strings.Cut(rest, ".")
	route, tenant, three := strings.Cut(rest, ".")
	if !ok || !two || !three {
		return Address{}, fmt.Errorf("subject %q: must be %s.jobs.<lane>.<route>.<tenant>", subject, prefix)
	}
	l, err := ParseLane(lane)
	if err != nil {
		return Address{}, fmt.Errorf("subject %q: %w", subject, err)
	}
	if !ValidToken(route) {
		return Address{}, fmt.Errorf("subject %q: route %q: must match %s", subject, route, tokenRule)
	}
	if !ValidToken(tenant) {
		return Address{}, fmt.Errorf("subject %q: tenant %q: must match %s", subject, tenant, tokenRule)
	}
	return Address{Lane: l, Route: route, Tenant: tenant}, nil
}

// ParseLane takes urgent, normal or bulk.
func ParseLane(s string) (Lane, error) {
	switch l := Lane(s); l {
	case Urgent, Normal, Bulk:
		return l, nil
	}
	return "", fmt.Errorf("lane %q: must be urgent, normal or bulk", s)
}

const (
	tokenRule = "[a-z0-9][a-z0-9-]{0,31}"
	maxToken  = 32
)

// ValidToken tells whether s can be the name of a route, a tenant or an account: [a-z0-9][a-z0-9-]{0,31}.
func ValidToken(s string) bool {
	if len(s) == 0 || len(s) > maxToken || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
