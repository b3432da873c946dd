"""Publishes one job and says what the stream answered.

    pip install nats-py
    NATS_URL=nats://127.0.0.1:4222 python3 examples/python/publish.py [ROUTE [TENANT]]
"""

import asyncio
import hashlib
import json
import os
import sys

import nats
import nats.errors
from nats.js.errors import APIError, NoStreamResponseError

JOB = {"id": "ord-42", "channel": "sms", "to": "8 (961) 224-22-43", "text": "Your code is 4711", "metadata": {"order": "42"}}


def message_id(tenant: str, job_id: str, body: bytes) -> str:
    """By it the server drops repeats for ten minutes; a corrected job has another one."""
    return f"{tenant}:{job_id}:{hashlib.sha256(body).hexdigest()[:16]}"


async def main(route: str = "otp", tenant: str = "shop") -> None:
    body = json.dumps(JOB, ensure_ascii=False, separators=(",", ":")).encode()
    nc = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
    try:
        ack = await nc.jetstream().publish(
            f"dispatch.jobs.urgent.{route}.{tenant}", body, timeout=10, headers={"Nats-Msg-Id": message_id(tenant, JOB["id"], body)}
        )
    except NoStreamResponseError:
        sys.exit(f"no stream responds: is there a route {route}? Nothing is stored")
    except APIError as refused:
        sys.exit(f"refused, nothing is stored: {refused}")
    except nats.errors.TimeoutError:
        sys.exit("no answer, the job may or may not be stored; run it again, a repeat does no harm")
    finally:
        await nc.close()
    print("stored before, nothing to do:" if ack.duplicate else "stored:", f"{ack.stream}:{ack.seq}")


asyncio.run(main(*sys.argv[1:]))
