package lab

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// RSSOf is a running process's resident memory in bytes; 0 where the system doesn't tell.
func RSSOf(p *Process) int64 { return statusOf(p.PID(), "VmRSS:") }

// peakOf is the peak of a running process's resident memory in bytes; 0 where the system doesn't tell.
//
// It is what the rusage of an ended process says, but for what a Linux child inherits: fork and exec count the parent's peak as the child's.
func peakOf(pid int) int64 { return statusOf(pid, "VmHWM:") }

// statusOf is a number of KiB in Linux's status of a process, in bytes.
func statusOf(pid int, field string) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, field); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}

// maxRSS is the peak of an ended process's resident memory in bytes.
func maxRSS(state *os.ProcessState) int64 {
	r, ok := state.SysUsage().(*syscall.Rusage)
	switch {
	case !ok:
		return 0
	case runtime.GOOS == "darwin": // in bytes there, in KiB elsewhere
		return int64(r.Maxrss)
	}
	return int64(r.Maxrss) << 10
}

// tick is the unit of Linux's accounting as it shows it to programs, on every architecture that Go runs on.
const tick = 10 * time.Millisecond

// CPUOf is the time, user and system, that a running process has used up; 0 where the system doesn't tell.
func CPUOf(p *Process) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // the name may hold anything
	const user, system = 14 - 3, 15 - 3                                 // as proc(5) numbers them, which the third is the first of
	if len(fields) <= system {
		return 0
	}
	u, err1 := strconv.ParseInt(fields[user], 10, 64)
	s, err2 := strconv.ParseInt(fields[system], 10, 64)
	if err1 != nil || err2 != nil {
		return 0
	}
	return time.Duration(u+s) * tick
}
