#!/usr/bin/env bash
# Publishes one job with the nats CLI and reads what the stream answers.
#
#   NATS_URL=nats://127.0.0.1:4222 examples/shell/publish.sh [ROUTE [TENANT]]
set -euo pipefail

route=${1:-otp}
tenant=${2:-shop}
id=ord-42
body='{"id":"ord-42","channel":"sms","to":"8 (961) 224-22-43","text":"Your code is 4711","metadata":{"order":"42"}}'

# By it the server drops repeats for ten minutes; a corrected job has another one.
msg_id=$tenant:$id:$(printf %s "$body" | sha256sum | cut -c1-16)

# A request, since the reply is the stream's answer: without it nobody knows that the job is stored.
answer=$(nats request --raw --no-templates --timeout 10s --header "Nats-Msg-Id:$msg_id" "dispatch.jobs.urgent.$route.$tenant" "$body" 2>&1) || true
case $answer in
*'"error"'*)
	echo "refused: $answer" >&2
	exit 1
	;;
*'"duplicate":true'* | *'"duplicate": true'*) echo "stored before, nothing to do: $answer" ;;
*'"stream"'*) echo "stored: $answer" ;;
*[Nn]'o responders'*)
	echo "no stream responds: is there a route $route? Nothing is stored" >&2
	exit 1
	;;
*)
	echo "no answer, the job may or may not be stored; run it again, a repeat does no harm: $answer" >&2
	exit 1
	;;
esac
