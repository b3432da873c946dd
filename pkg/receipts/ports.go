package receipts

import (
	"context"
	"errors"
	"time"

	"github.com/gonets/gonets/pkg/dispatch"
	"github.com/gonets/gonets/pkg/dispatch/job"
	"github.com/gonets/gonets/pkg/providers"
)

// ErrUnfit says that the index isn't whole: it was lost, or is being made.
var ErrUnfit = errors.New("receipts: the index was lost, or is being made")

// Index is what waits for a receipt, or had it a while ago, for all workers together. All methods are about one account, may be repeated, and
// return errors that wrap [ErrUnfit] where it isn't whole.
type Index interface {
	// Whole tells whether the index is.
	Whole(ctx context.Context, account string) (bool, error)
	// Begin tells that the index is to be made; the ticket is for End.
	Begin(ctx context.Context, account string) (ticket string, err error)
	// End tells that it is whole, unless it was lost or begun once more meanwhile.
	End(ctx context.Context, account, ticket string) error
	// Put adds entries, whether the index is whole or not. An entry of a later epoch or sequence stays as it stands. It returns the receipts that
	// were parked for these entries; they stay parked until Unpark. It keeps nothing of the entries, whose memory is used again.
	Put(ctx context.Context, account string, entries []Entry) (parked []Receipt, err error)
	Unpark(ctx context.Context, account string, parked []Receipt) error
	// Match finds the entry of each receipt, and parks those without one, for a time.
	Match(ctx context.Context, account string, receipts []Receipt, keep time.Duration) ([]*Entry, error)
	// Settle writes entries that wait no more since their last event was published, unless a later one stands.
	Settle(ctx context.Context, account string, entries []Entry) error
	// Due returns up to n entries whose time to be asked about has come, and forgets what is to be forgotten by then.
	Due(ctx context.Context, account string, now time.Time, n int) ([]Entry, error)
	// Postpone sets the time to be asked about of those that still wait.
	Postpone(ctx context.Context, account string, entries []Entry) error
	// Look tells how many messages wait, and when the newest was submitted.
	Look(ctx context.Context, account string) (waiting int, newest time.Time, err error)
}

// Leases make one worker the only one at something.
type Leases interface {
	// Hold takes or renews a lease; false: another worker has it.
	Hold(ctx context.Context, name string, d time.Duration) (bool, error)
	Release(ctx context.Context, name string) error
}

// History is the status stream.
type History interface {
	// Read hands over what is stored since a time, of these states, in its order.
	Read(ctx context.Context, since time.Time, states []job.State, each func([]dispatch.Event) error) error
}

// Store is the stream of receipts. Its methods return nil when the server has stored all; to call them again with the same values is safe.
type Store interface {
	Put(ctx context.Context, letters []Letter) error
	// Park keeps letters for a time that nobody is given but by Unpark.
	Park(ctx context.Context, letters []Letter, keep time.Duration) error
	// Unpark stores the parked letters of an account as new ones.
	Unpark(ctx context.Context, account string) error
	// Run hands letters over until ctx ends, and then gives back those that were not handed over; a handler that blocks holds back the server.
	Run(ctx context.Context, each func(Delivery)) error
}

// Letter is one message of the stream of receipts.
type Letter struct {
	Account string
	ID      string // by which the server recognises a repeat
	Data    []byte // see encode
}

// Delivery is a letter as the stream hands it over.
type Delivery struct {
	Account string
	Data    []byte
	Handle  dispatch.Handle
}

// Records are the claim records, which number the events of a job.
type Records interface {
	// Advance carries records on by receipts, one to one. Errors are about the whole batch, of which some may have been carried on.
	Advance(ctx context.Context, steps []Step) ([]Advance, error)
}

// Step is what a receipt asks for.
type Step struct {
	Known dispatch.Event // the message's last event that is known to be published
	Told  dispatch.Event // what is to be told now; its sequence is set by Advance
}

// Verdict is what became of a step.
type Verdict int

const (
	// Known means: the job has been told as much, or more.
	Known Verdict = iota
	// Advanced means: the record says it now.
	Advanced
	// Behind means: the job's last event may not be published. Publish it, and ask again with it as known; so no event is ever passed over.
	Behind
	// Busy means: a worker is at the job. Ask again later.
	Busy
	// Stale means: the job goes on under a later epoch or another publication, which this message has no part in.
	Stale
)

// Advance is the answer to a step.
type Advance struct {
	Verdict Verdict
	Event   *dispatch.Event // to be published: where the job stands. nil: nothing is to be said
}

// Publisher is where events go.
type Publisher interface {
	Publish(ctx context.Context, events []dispatch.Event) error
}

// Observer is told what happens, for metrics. It must not block.
type Observer interface {
	// Told is an event; lag is from when its receipt came to us.
	Told(account string, state job.State, lag time.Duration)
	// Waiting is how many messages wait for their last receipt. The one worker that asks about them tells it, and 0 when it does so no more.
	Waiting(account string, n int)
}

// Origin is how a receipt came.
type Origin string

// The origins.
const (
	FromQueue  Origin = "queue"
	FromAsking Origin = "ask"
	FromHook   Origin = "hook"
	FromAge    Origin = "age" // nobody told anything in time
)

// Account is an account whose messages get receipts.
type Account struct {
	Name     string
	Queue    providers.ReceiptQueue // nil: it has none
	MaxRead  int
	Asker    providers.ReceiptAsker // nil: its messages can't be asked about
	MaxAsk   int
	Hook     providers.ReceiptHook                                        // nil: it posts nothing
	ClientID func(key [32]byte) string                                    // our own id of a message; nil: receipts never name it
	Enter    func(ctx context.Context) (leave func(), ok bool, err error) // takes one of the account's request slots; nil: it has no bound
	Timeout  time.Duration                                                // of one request
	Every    time.Duration                                                // between reads while something is to be expected
	Idle     time.Duration                                                // between reads at rest
	AskAfter time.Duration                                                // age at which a message is asked about
	GiveUp   time.Duration                                                // age at which no receipt is expected any more
}

// errBusy says that a worker is at all the jobs of a letter.
var errBusy = errors.New("a worker is at their jobs")
