package dispatch

import (
	"context"
	"errors"
	"time"

	"github.com/gonets/gonets/pkg/dispatch/job"
)

// Delivery is one job as a source hands it over: undecoded, unacknowledged.
type Delivery struct {
	Address     job.Address // lane, route and tenant, from the subject
	Publication string      // the job's publication, <STREAM>:<sequence>; a copy that comes out of LATER carries the original's
	Hop         int         // 0 for a publication; n for the copy that LATER gave back from the job's n-th stay there
	Epoch       int         // 0 for a publication; n for its n-th replay out of the dead letters
	Sequence    int         // 0 for a publication; that of the job's last event when it was stored in LATER or became a dead letter
	Data        []byte      // the job's JSON, not to be changed
	Trace       job.Trace   // the producer's trace context
	Stored      time.Time   // when the stream took the message
	Pending     uint64      // how many more of its kind the server held when it sent this one
	Redelivered bool        // the server sent it before
	Place       Place       // where the server took it from
	Handle      Handle
}

// Place is a message's place in the queue that hands it over. Of each queue it is known how far it was handed over when the claims last lost
// data: a job from there that comes again may have been under way then.
type Place struct {
	Queue    string // names the queue among all
	Sequence uint64 // grows along the queue, from 1
}

// Handle answers the server for one delivery. Its methods don't wait for the server; an answer that gets lost
// leads to a redelivery. They are safe for concurrent use.
type Handle interface {
	Ack() error
	// Nak gives the job back, to be delivered again after the delay, to any worker.
	Nak(delay time.Duration) error
	// InProgress restarts the server's ack wait.
	InProgress() error
}

// Source is the jobs of one lane and route, from their stream and from LATER.
type Source interface {
	// Run calls handle for each delivery, one at a time, until ctx ends; a handle that blocks holds back the server. It reconnects for ever and
	// returns after the last call of handle, having given back what it held unhandled.
	Run(ctx context.Context, handle func(Delivery)) error
}

// Outlet is where settled jobs go. Each method returns nil when the server has stored all of it, else an error; to call it again with
// the same values is safe: the server recognises repeats. They keep nothing of the slices, whose memory is used again.
type Outlet interface {
	Publish(ctx context.Context, events []Event) error
	Hold(ctx context.Context, held []Held) error
	Bury(ctx context.Context, dead []DeadLetter) error
}

// Event is a status event with the trace context of its job and what the claims can be rebuilt from.
type Event struct {
	job.Event
	Trace       job.Trace
	Hash        string // the job's content hash; empty for events of sequence 0
	Publication string // the job's publication
	Epoch       int

	// Of the job's record, where it goes on.
	Hop      int
	Attempts int
	Due      time.Time
	Told     []string
	Maybe    string // the account that may have the message already; empty: none does
}

// Held is a job on its way to LATER: it comes back as a Delivery with the same address, publication, data, trace and epoch, and
// the given hop, at Due or just after, never before.
type Held struct {
	Delivery Delivery // Handle is not used
	JobID    string
	Hop      int
	Due      time.Time
}

// DeadLetter is a job that ended without success, for an operator to look at and to replay.
type DeadLetter struct {
	Delivery Delivery // Handle is not used
	JobID    string
	Reason   job.Code // a token of the subject
	Attempts int
	Account  string
	Words    string // the last words of provider or transport, redacted
	At       time.Time
}

// ErrClaimsLost says that the claims lost data they held: nothing may be sent until they are rebuilt.
var ErrClaimsLost = errors.New("claims: the records were lost")

// Claims remembers what became of each job, for all workers together. Both methods take a batch in one round trip
// and answer one to one, in order. An error is about the whole batch: then nothing is known of any.
type Claims interface {
	// Claim takes each job for this worker, or tells why it can't be taken. A try whose answer was lost may have taken
	// them: Claim repeats it, with the same tokens, until it has an answer or ctx ends. It keeps nothing of reqs, whose memory is used again.
	Claim(ctx context.Context, reqs []ClaimRequest) ([]Claim, error)
	// Record writes the record's new state where the claim is still held; false where somebody took it over. An update that
	// stands already, from a try whose answer was lost, is true again. It keeps nothing of updates, nor of their last events.
	Record(ctx context.Context, updates []Update) ([]bool, error)
	// Confirm notes that the last events of recorded updates are published, where the records still stand as they left
	// them. What isn't confirmed is published once more by the next worker that claims the job.
	Confirm(ctx context.Context, updates []Update) error
}

// ClaimRequest asks for one job.
type ClaimRequest struct {
	Tenant, ID  string
	Hash        string // content hash
	Publication string
	Hop         int           // of the delivery, see Delivery
	Epoch       int           // of the delivery
	Sequence    int           // of the delivery: where the record is gone, or behind, the job's events go on from there
	Redelivered Place         // of a delivery that the server sent before and that may have been under way since; zero otherwise
	Account     string        // the account it is about to be sent through; empty: it won't be sent under this claim
	Keep        time.Duration // how long a record must live from now on
}

// Verdict is the answer to a claim.
type Verdict int

const (
	// Busy means: another worker has it, or this one already. Until says when to ask again.
	Busy Verdict = iota
	// Taken means: this worker has it now. Nothing of it is out since Record was last written.
	Taken
	// TakenAmbiguous means: this worker has it now, and it may have been sent through Record.Account before; where that is empty, nobody knows
	// through which: the claims lost what they knew.
	TakenAmbiguous
	// Settled means: the same publication was settled before and its answer may have been lost: Record says how.
	Settled
	// Duplicate means: another publication spent the id, with the same content.
	Duplicate
	// Reused means: another publication spent the id, with other content.
	Reused
	// Stale means: a later copy of the same publication is on its way or was settled: this one is to be forgotten.
	Stale
)

// Claim is the answer to one ClaimRequest.
type Claim struct {
	Verdict Verdict
	Token   string    // with Taken and TakenAmbiguous: proof of ownership, for Update
	Until   time.Time // with Busy
	Record  Record    // as found; zero where there was none
}

// Phase is where a job stands in its record.
type Phase string

// The phases of a record, see the claim states in docs/architecture.md.
const (
	Claimed   Phase = "claimed"   // somebody works on it, nothing left the house
	Sending   Phase = "sending"   // the request may be out
	Waiting   Phase = "waiting"   // handed to LATER, due at Record.Due with Record.Hop
	Concluded Phase = "concluded" // its submitted or final event is, or will be again, derived from the record
	Dead      Phase = "dead"      // concluded, and in the dead letters
)

// Record is what is known of a job.
type Record struct {
	Phase       Phase
	Epoch       int
	Hop         int // how often the job was handed to LATER
	Attempts    int // attempts used up
	Sequence    int // of the job's last event
	Hash        string
	Publication string
	Account     string     // that it was, or may have been, sent through
	Due         time.Time  // with Waiting
	Told        []string   // error codes of the waiting events so far
	Last        *job.Event // the last event, without what the job itself carries; nil where none was
	Published   bool       // Last is known to be in the status stream
}

// Update is the new state of a claimed job. The claim ends with it.
type Update struct {
	Tenant, ID string
	Token      string
	Record     Record
	Keep       time.Duration
}

// Turn says whether who asks the limiter for tokens wants to know when to ask next.
type Turn int

const (
	// NoTurn is for those who ask whenever they please. A turn that was named to this worker before stays.
	NoTurn Turn = iota
	// Later is for those who come again where they were refused.
	Later
	// Again is for those who come again in any case.
	Again
)

// Tokens is the answer to a request for tokens.
type Tokens struct {
	OK   bool          // they are taken
	Wait time.Duration // with OK: until they are good; else: until asking with the same patience would succeed, if nobody else asks
	Turn time.Duration // where a turn was given: until the worker is to ask again, as others ask before it
}

// Limiter grants tokens of an account, over all workers together.
type Limiter interface {
	// Reserve takes n tokens. Where they would not be good within maxWait it takes none. After an error they may be taken. Workers that come at their turns
	// are seldom refused, and use the rate without gaps.
	Reserve(ctx context.Context, account string, n int, maxWait time.Duration, turn Turn) (Tokens, error)
	// Refund gives back n tokens that were reserved and not used.
	Refund(ctx context.Context, account string, n int) error
	// Block grants nothing on this account for d.
	Block(ctx context.Context, account string, d time.Duration) error
	// Enter takes one of the account's request slots over all replicas; ok is false where all are taken. leave gives it back.
	Enter(ctx context.Context, account string) (leave func(), ok bool, err error)
}
