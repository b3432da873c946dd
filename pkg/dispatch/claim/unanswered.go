package claim

import (
	"errors"
	"strings"
	"sync"

	"github.com/gonets/gonets/pkg/dispatch"
)

// unanswered are the calls of Claim that ended since the records were lost, by their numbers: the server may have done what they asked before that, and nobody
// was told. So nothing was sent for what they took; and where the records come back, or weren't lost but seemed so, this worker knows it.
type unanswered struct {
	mu    sync.Mutex
	calls map[uint64]struct{} // as many as were under way at each loss
}

// note takes note of a call by its error.
func (u *unanswered) note(number uint64, err error) {
	if !errors.Is(err, dispatch.ErrClaimsLost) {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.calls == nil {
		u.calls = map[uint64]struct{}{}
	}
	u.calls[number] = struct{}{}
}

// disown makes a record one that nobody holds where such a call took the job, which had none. A job that was taken over may have been sent by who held it
// before, so its record stays as it is, as does that of a job which may have been under way at an earlier loss.
func (u *unanswered) disown(worker string, f *found) {
	number, _, mine := placeOf(worker, f.Token)
	if !mine || strings.HasSuffix(f.Token, takenOver) || f.Record.Attempts > 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, ok := u.calls[number]; ok {
		f.Token, f.Record.Phase, f.Record.Account = free, dispatch.Claimed, ""
	}
}
