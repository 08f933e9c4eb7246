"""A worker under test: its options come as one argument, what its handlers see goes to stdout, a line of JSON each."""

import asyncio
import json
import sys
import time
from typing import Any

from orrery_worker import Context, StepError, Worker, WorkerError


def tell(event: str, **fields: Any) -> None:
    # One write: lines of several threads must not run into each other.
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


async def echo(given: Any, context: Context) -> Any:
    return given


def where(given: Any, context: Context) -> dict[str, Any]:
    context.log("seen")
    return {
        "run": context.run,
        "step": context.step,
        "workflow": context.workflow,
        "tenant": context.tenant,
        "attempt": context.attempt,
        "fence": context.fence,
        "idempotencyKey": context.idempotency_key,
    }


async def sleep(given: Any, context: Context) -> str:
    tell("started", run=context.run, fence=context.fence)
    try:
        await asyncio.sleep(given["ms"] / 1000)
    except asyncio.CancelledError:
        tell("aborted", run=context.run, fence=context.fence, reason=context.signal.reason)
        raise
    return "slept"


def sleep_in_thread(given: Any, context: Context) -> str:
    tell("started", run=context.run, fence=context.fence)
    if context.signal.wait(given["ms"] / 1000):
        tell("aborted", run=context.run, fence=context.fence, reason=context.signal.reason)
        raise RuntimeError("ended from outside")
    return "slept"


def stubborn(given: Any, context: Context) -> str:
    tell("started", run=context.run, fence=context.fence)
    time.sleep(given["ms"] / 1000)
    return "did not listen"


def fail(given: Any, context: Context) -> None:
    if given.pop("plain", False):
        raise ValueError(given["message"])
    error_class = given.pop("class", "failure")
    raise StepError(given.pop("message"), error_class=error_class, **given)


def report(given: Any, context: Context) -> str:
    for done in range(1, given["times"] + 1):
        context.heartbeat({"done": done})
        time.sleep(given["everyMs"] / 1000)
    return "reported"


async def large(given: Any, context: Context) -> str:
    return "x" * given["bytes"]


async def strange(given: Any, context: Context) -> object:
    return object()


HANDLERS = {
    "echo": echo,
    "context": where,
    "sleep": sleep,
    "sleep-in-thread": sleep_in_thread,
    "stubborn": stubborn,
    "fail": fail,
    "report": report,
    "large": large,
    "strange": strange,
}


def main() -> int:
    options = json.loads(sys.argv[1])
    without = options.pop("without", [])
    if "drainMs" in options:
        options["drain_seconds"] = options.pop("drainMs") / 1000
    handlers = {name: handler for name, handler in HANDLERS.items() if name not in without}
    try:
        Worker(**{"build": "b1", **options}, handlers=handlers).run_forever()
    except WorkerError as error:
        tell("refused", code=error.code)
        return 1
    tell("closed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
