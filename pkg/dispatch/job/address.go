package job

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
