"""Follows a tenant's status events with a durable consumer, until interrupted. Run again, it goes on where it was.

    pip install nats-py
    NATS_URL=nats://127.0.0.1:4222 python3 examples/python/consume.py [TENANT [DURABLE]]
"""

import asyncio
import json
import os
import sys

import nats
import nats.errors


class Ledger:
    """Tells events that are new from repeats. A real one stands in the database where the event has its effect, and in the same transaction."""

    def __init__(self) -> None:
        self.last: dict[str, int] = {}  # the last sequence of each job
        self.apart: set[str] = set()  # the ce-id of events about publications that never became a job

    def new(self, event: dict, ce_id: str) -> bool:
        sequence = event["sequence"]
        if sequence == 0:
            if ce_id in self.apart:
                return False
            self.apart.add(ce_id)
            return True
        job = f'{event["tenant"]}/{event["job"]}'
        if sequence <= self.last.get(job, 0):
            return False
        self.last[job] = sequence
        return True


def tell(event: dict) -> None:
    why = event.get("error", {}).get("code", "")
    print(f'{event["at"]} {event["tenant"]}/{event["job"]} {event["state"]}{" (final)" if event["final"] else ""} {why}'.rstrip(), flush=True)


async def main(tenant: str = "shop", durable: str = "example-python") -> None:
    nc = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"), max_reconnect_attempts=-1)
    events = await nc.jetstream().pull_subscribe(f"dispatch.status.{tenant}.>", durable=durable, stream="DISPATCH_STATUS")
    ledger = Ledger()
    while True:
        try:
            messages = await events.fetch(100, timeout=5)
        except nats.errors.TimeoutError:  # no event came in time
            continue
        for message in messages:
            try:
                event = json.loads(message.data)
            except ValueError as wrong:
                print(f"not an event: {wrong}", file=sys.stderr)
                await message.term()  # it won't become one
                continue
            if ledger.new(event, (message.headers or {}).get("ce-id", "")):
                tell(event)
            await message.ack()  # once its effect is there; until then it comes again


try:
    asyncio.run(main(*sys.argv[1:]))
except KeyboardInterrupt:
    pass
