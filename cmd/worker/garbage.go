package main

import (
	"os"
	"runtime/debug"
)

// garbage is how much of it may gather, in percent of what is live, before it is collected. A loaded worker's peak is 60 MiB with it instead of 63 with Go's
// own 100, for some 7% more of its CPU: see docs/benchmarks.md.
const garbage = 75

// collectEarly sets the collector so, unless the environment says otherwise.
func collectEarly() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
}
