#!/usr/bin/env bash
# Follows a tenant's status events with the nats CLI and a durable consumer, one JSON object a line, until interrupted. Run again, it goes on
# where it was. An event may come twice: its sequence tells.
#
#   NATS_URL=nats://127.0.0.1:4222 examples/shell/consume.sh [TENANT [DURABLE]]
set -euo pipefail

tenant=${1:-shop}
durable=${2:-example-shell-$tenant}

nats consumer info DISPATCH_STATUS "$durable" >/dev/null 2>&1 ||
	nats consumer add DISPATCH_STATUS "$durable" --filter "dispatch.status.$tenant.>" --pull --deliver all --ack explicit --defaults >/dev/null

while true; do
	if said=$(nats consumer next DISPATCH_STATUS "$durable" --raw --ack --timeout 5s 2>&1); then
		printf '%s\n' "$said"
	elif [[ $said != *timeout* && $said != *"does not have a reply"* ]]; then # these two: no event came in time
		printf '%s\n' "$said" >&2
		exit 1
	fi
done
