# Everything a contributor runs. Needs Go; `make test` gets redis-server by itself where it may.

GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

# The race detector needs a C compiler; without one the tests run all the same, and say so.
RACE := $(shell command -v $$(go env CC) >/dev/null 2>&1 && echo -race)

.PHONY: test lint vuln bench chaos fuzz build redis

# Without gRPC's own traces, whose templates keep the linker from leaving out what nobody calls: see docs/decisions.md.
build:
	go build -tags grpcnotrace -o bin/ ./cmd/worker ./cmd/publisher

test: redis
	@[ -n "$(RACE)" ] || echo "!! no C compiler: the tests run WITHOUT the race detector"
	go test $(RACE) ./...
	cd deploy/k8s && go test ./...

# redis-server from the system's packages, where it is missing and we may install it.
redis:
	@command -v redis-server >/dev/null 2>&1 || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && \
		{ apt-get install -y -q redis-server >/dev/null 2>&1 || \
		{ apt-get update -q >/dev/null 2>&1 && apt-get install -y -q redis-server >/dev/null 2>&1; }; }; } || \
		echo "!! no redis-server in PATH: every test that needs one is LEFT OUT (claims, limiter, the whole worker). Install redis-server 7 or newer."

lint:
	go run $(GOLANGCI) run ./...
	cd deploy/k8s && go run $(GOLANGCI) run ./...

# Known vulnerabilities of what is in the binaries, where the database of them can be reached.
vuln:
	@if timeout 20 curl -sfo /dev/null https://vuln.go.dev/index/db.json; then go run $(GOVULNCHECK) ./cmd/...; \
	else echo "!! vuln.go.dev can not be asked: known vulnerabilities are NOT CHECKED"; fi

# Measures the worker beside a bare loop, beside what arithmetic allows and beside itself, see docs/benchmarks.md: make bench ARGS="-only paced,urgent".
bench: redis
	go run ./cmd/worker/bench $(ARGS)

# Breaks everything under load and keeps a ledger: make chaos ARGS="-only kill,all -for 5m". A short form is among the tests.
chaos: redis
	go run ./cmd/worker/chaos $(ARGS)

# Each fuzz target for a while: make fuzz T=1m
T ?= 20s
fuzz:
	@for p in $$(go list ./...); do for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
		echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(T) $$p || exit 1; done; done
