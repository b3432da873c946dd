package observe

import (
	"math"
	"time"
)

// assumed is how long a request is taken to last until the first one was made.
const assumed = 100 * time.Millisecond

// sums are what was counted until some time.
type sums struct {
	tokens, requests int64
	asking, waited   time.Duration
}

// pace is how fast an account went of late.
type pace struct {
	request time.Duration // the mean of a request; 0: none was made yet
	braked  float64       // the share of the time for which packets waited for tokens, 0 to 1
}

// sample works out what the account did in the time since the last sample.
func (a *account) sample(d time.Duration) {
	if d <= 0 {
		return
	}
	now := sums{a.tokens.Load(), a.requests.Load(), time.Duration(a.asking.Load()), time.Duration(a.waited.Load())}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.used != nil {
		// More may be given back than was taken in that time.
		a.used.Set(max(0, float64(now.tokens-a.before.tokens)) / (a.Rate * d.Seconds()))
	}
	if n := now.requests - a.before.requests; n > 0 {
		a.lately.request = (now.asking - a.before.asking) / time.Duration(n)
	}
	a.lately.braked = min(1, float64(now.waited-a.before.waited)/float64(d))
	a.before = now
}

// limits are what bounds the account now.
func (a *account) limits() Account {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.Account
}

func (a *account) pace() pace {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.lately
}

// speeds are how many jobs a second one worker can give to the account by its request slots, and how many the account takes from all
// workers together, by its rate and its bound of requests; +Inf where it has neither.
func (a Account) speeds(request time.Duration) (worker, provider float64) {
	if request <= 0 {
		request = assumed
	}
	slot := float64(a.Batch) / request.Seconds()
	worker, provider = float64(a.InFlight)*slot, math.Inf(1)
	if a.Rate > 0 {
		provider = a.Rate
	}
	if a.InFlightTotal > 0 {
		provider = min(provider, float64(a.InFlightTotal)*slot)
	}
	return worker, provider
}

// bounds tell how many seconds a queue of so many jobs means, of two kinds.
//
// worker is how long one worker would need, for the share of the time in which the account's limits don't hold it back: what more workers
// shorten. It is 0 where one worker can do all that the account takes.
//
// provider is how long the account would need, however many workers there are. It is 0 unless its limits are what holds the queue back: one worker
// can do more than it takes, or packets wait for tokens for more than half of the time, or it is shut.
func bounds(pending uint64, a Account, p pace, shut bool) (worker, provider float64) {
	n := float64(pending)
	w, limit := a.speeds(p.request)
	switch {
	case shut:
		return 0, n / min(w, limit)
	case limit <= w:
		return 0, n / limit
	case p.braked > 0.5:
		provider = n / limit // +Inf where it is throttled without a limit: 0
	}
	return n / w * (1 - p.braked), provider
}
