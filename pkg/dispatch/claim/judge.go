package claim

import "github.com/gonets/gonets/pkg/dispatch"

// judge decides what a request gets that met a record. now is in ms, the server's; suspect tells that the record was rebuilt, and that the job
// may have been under way when it was lost: as no event says.
//
// A copy is Stale, and so forgotten, only where the record proves that another stored message carries the job on: hop n of a job is claimed
// by the n-th copy out of LATER alone, and a replay's epoch by the replay. A copy with a higher hop than the record's carries the job itself:
// the record is behind, since Redis forgot its last state or it was rebuilt from an older event.
func judge(f found, req *dispatch.ClaimRequest, suspect bool, now int64) dispatch.Verdict {
	r := &f.Record
	if replays(r, req) {
		if suspect {
			return dispatch.TakenAmbiguous
		}
		return dispatch.Taken
	}
	if req.Publication != r.Publication {
		if req.Hash != r.Hash {
			return dispatch.Reused
		}
		return dispatch.Duplicate
	}
	if r.Phase == dispatch.Concluded || r.Phase == dispatch.Dead {
		if req.Epoch < r.Epoch {
			return dispatch.Stale
		}
		return dispatch.Settled
	}
	if req.Epoch < r.Epoch {
		return dispatch.Stale
	}
	if req.Epoch == r.Epoch && req.Hop < r.Hop {
		// The copy for LATER may not have been stored yet: the one before it must store it again.
		if r.Phase == dispatch.Waiting && req.Hop == r.Hop-1 && !f.held() {
			return dispatch.Settled
		}
		return dispatch.Stale
	}
	switch {
	case f.live(now):
		return dispatch.Busy
	case r.Phase == dispatch.Sending || suspect:
		return dispatch.TakenAmbiguous
	}
	return dispatch.Taken
}

// replays tells whether a request brings a dead job back.
func replays(r *dispatch.Record, req *dispatch.ClaimRequest) bool {
	return r.Phase == dispatch.Dead && req.Epoch > r.Epoch && req.Hash == r.Hash
}

// takeover is the record that a taken job has from now on, and the one that its taker is told.
//
// An account that may have the message already stays in the record, whichever one it is to be sent through now: should this worker
// stop, that one still may have it.
func takeover(f found, req *dispatch.ClaimRequest, suspect bool, v dispatch.Verdict) (stands, told dispatch.Record) {
	told = f.Record
	if replays(&f.Record, req) { // a new life, but for the sequence of its events
		told.Epoch, told.Publication, told.Hop, told.Attempts, told.Told, told.Account = req.Epoch, req.Publication, req.Hop, 0, nil, ""
	}
	told.Epoch, told.Hop, told.Sequence = max(told.Epoch, req.Epoch), max(told.Hop, req.Hop), max(told.Sequence, req.Sequence)
	if v == dispatch.TakenAmbiguous && (f.held() || suspect) {
		told.Attempts++ // the one that the former holder was making
	}
	stands = told
	if v == dispatch.TakenAmbiguous {
		stands.Phase = dispatch.Sending
	}
	maybe := v == dispatch.TakenAmbiguous || told.Phase == dispatch.Waiting && told.Account != ""
	switch {
	case req.Account != "":
		stands.Phase = dispatch.Sending
		if !maybe || stands.Account == "" {
			stands.Account = req.Account
		}
	case !maybe:
		stands.Phase, stands.Account = dispatch.Claimed, ""
	}
	return stands, told
}

// fresh is the record that a job gets which had none; one that is suspect had one that was lost.
func fresh(req *dispatch.ClaimRequest, suspect bool) dispatch.Record {
	r := dispatch.Record{Phase: dispatch.Claimed, Epoch: req.Epoch, Hop: req.Hop, Sequence: req.Sequence, Hash: req.Hash, Publication: req.Publication, Account: req.Account}
	if req.Account != "" || suspect {
		r.Phase = dispatch.Sending
	}
	if suspect {
		r.Attempts = 1
	}
	return r
}
