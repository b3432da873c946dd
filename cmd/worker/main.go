// Command worker takes jobs from NATS and sends them through the configured providers.
package main

import (
	"context"
	"os"
	"runtime"
)

func main() {
	runtime.MemProfileRate = 0 // a profile of the memory, which nobody can ask the worker for, would take some of it
	collectEarly()
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
