package sim

import "fmt"

// Fault is a way in which a provider fails.
type Fault int

// The faults. Taken means that the recipients get the message, whatever the sender learns.
const (
	None        Fault = iota
	Refused           // nobody listens; lasts until Break(None, 0), however many times were asked for
	Hang              // taken, and no reply until the client leaves
	ResetBefore       // the request is read, not taken, and the connection is reset
	ResetAfter        // taken, and the connection is reset
	TooMany           // 429 with Retry-After of RetryAfter seconds; not taken
	Error500          // taken, then 500 without a body
	HTML502           // taken, then 502 with a page of HTML, as a proxy writes it
	Truncated         // taken; the reply breaks off in the middle of its body
	Garbage           // taken; 200 with bytes that are no reply
	WrongRows         // taken; the reply has a row too many. For the Answerer
	MissingRows       // taken; the reply lacks its last row. For the Answerer
	Redirect          // 307 to another path of this server; not taken. Following it is a violation
	Huge              // taken; the reply is right, but followed by 8 MiB of spaces
	Slow              // taken; the reply is right, but trickles
)

// RetryAfter is what [TooMany] tells, in seconds.
const RetryAfter = 7

func faultNames() []string {
	return []string{"none", "refused", "hang", "reset before", "reset after", "429", "500", "html 502", "truncated",
		"garbage", "wrong rows", "missing rows", "redirect", "huge", "slow"}
}

// String names the fault.
func (f Fault) String() string { return faultNames()[f] }

// ParseFault is the fault of that name, as String writes it.
func ParseFault(name string) (Fault, error) {
	for f, n := range faultNames() {
		if n == name {
			return Fault(f), nil
		}
	}
	return None, fmt.Errorf("no fault is called %q; the faults are %q", name, faultNames())
}

// Faults are all of them but None.
func Faults() []Fault {
	var all []Fault
	for f := range faultNames()[1:] {
		all = append(all, Fault(f+1))
	}
	return all
}
