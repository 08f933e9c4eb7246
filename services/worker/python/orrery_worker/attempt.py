"""One task in work: its lease by our own clock, and its handler's context."""

from __future__ import annotations

import asyncio
import inspect
import math
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, Literal

from .errors import StepError
from .frames import PROGRESS_BYTES_MAX, Frame, encode, lease_of

AbortReason = Literal["lease-lost", "stopped", "timeout", "silent", "draining"]
Handler = Callable[..., Any]
Log = Callable[[str, dict[str, Any]], None]

_ERROR_TEXT_MAX = 4000
_HINT_TEXT_MAX = 1000
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")


class Signal:
    """Set when the attempt should end. Safe to use from any thread."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._reason: AbortReason | None = None

    @property
    def aborted(self) -> bool:
        return self._event.is_set()

    @property
    def reason(self) -> AbortReason | None:
        return self._reason

    def wait(self, seconds: float | None = None) -> bool:
        """Blocks a thread until the attempt should end, at most so long; says whether it should."""
        return self._event.wait(seconds)

    def _abort(self, reason: AbortReason) -> bool:
        if self._event.is_set():
            return False
        self._reason = reason
        self._event.set()
        return True


class Context:
    """What a handler knows and may do beside its input."""

    def __init__(self, task: Frame, signal: Signal, log: Log) -> None:
        self.run: str = task["run"]
        #: The step's name, as the definition has it.
        self.step: str = task["step"]
        self.workflow: str = task["workflow"]
        self.tenant: str = task["tenant"]
        #: From 1.
        self.attempt: int = task["attempt"]
        #: Decimal digits that only grow from attempt to attempt: whoever keeps the highest seen can refuse a late worker.
        self.fence: str = task["fence"]
        #: The same for every attempt of this step in this run: what must happen once is asked for under this key.
        self.idempotency_key: str = f"{task['run']}/{task['ref']}"
        #: Set when the attempt should end; an async handler is cancelled as well.
        self.signal = signal
        self._log = log
        self._progress: list[Any] = []
        self._heard_at = time.monotonic()

    def heartbeat(self, progress: Any = None) -> None:
        """A sign of life, with what has been done so far (JSON of at most 2 KiB). Needed where the step has heartbeatSeconds."""
        try:
            size = len(encode(progress).encode())
        except (TypeError, ValueError):
            size = PROGRESS_BYTES_MAX + 1
        if size > PROGRESS_BYTES_MAX:
            raise StepError(
                f"the progress is no JSON of at most {PROGRESS_BYTES_MAX} bytes",
                code="PROGRESS_INVALID",
                retryable=False,
                hint="report a number or a short text; what is large belongs into the result",
            )
        self._progress = [progress]
        self._heard_at = time.monotonic()

    def log(self, message: str, **fields: Any) -> None:
        told = {"run": self.run, "step": self.step, "attempt": self.attempt, "fence": self.fence}
        self._log(message, {**told, **fields})


class Attempt:
    def __init__(self, task: Frame, *, connection: int, safe_until: float, now: float, log: Log) -> None:
        self.task = task
        self.lease = lease_of(task)
        #: The number of the connection over which it came: while that stands, the task takes one of its slots.
        self.connection = connection
        #: Until then nobody else can have the lease.
        self.safe_until = safe_until
        self._deadline = math.inf if task["deadlineMs"] == 0 else now + task["deadlineMs"] / 1000
        self._signal = Signal()
        self._context = Context(task, self._signal, log)
        self._running: asyncio.Task[Any] | None = None

    @property
    def reason(self) -> AbortReason | None:
        return self._signal.reason

    def abort(self, reason: AbortReason) -> None:
        if self._signal._abort(reason) and self._running is not None:
            self._running.cancel()

    def check(self, now: float) -> None:
        """Looks at its clocks."""
        if now >= self.safe_until:
            self.abort("lease-lost")
        elif now >= self._deadline:
            self.abort("timeout")
        elif 0 < self.task["heartbeatMs"] < (time.monotonic() - self._context._heard_at) * 1000:
            self.abort("silent")

    def beat(self) -> Frame:
        """The lease, with what the handler has reported since the last beat."""
        progress, self._context._progress = self._context._progress, []
        lease = {**self.lease, "dueMs": self.task["dueMs"]}
        return {**lease, "progress": progress[0]} if progress else lease

    async def work(self, handler: Handler, threads: Executor | None) -> Frame:
        try:
            if inspect.iscoroutinefunction(handler):
                # A task of its own, so that ending the handler leaves this one to tell how it ended.
                self._running = asyncio.ensure_future(handler(self.task["input"], self._context))
                result = await self._running
            else:
                call = asyncio.get_running_loop().run_in_executor
                result = await call(threads, handler, self.task["input"], self._context)
        except (Exception, asyncio.CancelledError) as error:
            return self._failed(error)
        if self.reason == "lease-lost":
            return self.give_back("the lease was lost")
        return {**self.lease, "outcome": "succeeded", "result": result}

    def fail(self, details: StepError) -> Frame:
        error: Frame = {
            "class": details.error_class,
            "message": details.message[:_ERROR_TEXT_MAX],
            "code": details.code if _CODE.fullmatch(details.code) else "STEP_FAILED",
            "retryable": details.retryable,
        }
        if details.hint is not None:
            error["hint"] = details.hint[:_HINT_TEXT_MAX]
        return {**self.lease, "outcome": "failed", "error": error}

    def give_back(self, message: str) -> Frame:
        return {**self.lease, "outcome": "returned", "error": {"class": "unavailable", "message": message}}

    def _failed(self, error: BaseException) -> Frame:
        if self.reason == "lease-lost":
            return self.give_back("the lease was lost")
        if self.reason == "draining":
            return self.give_back("the worker stops")
        if self.reason == "stopped":
            return {**self.lease, "outcome": "cancelled"}
        if self.reason == "timeout":
            message = f"the handler took longer than the {self.task['deadlineMs']} ms that the attempt had"
            hint = "raise the step's timeouts.attemptSeconds, or see where the time goes"
            return self.fail(StepError(message, error_class="timeout", code="STEP_TIMEOUT", hint=hint))
        if self.reason == "silent":
            message = f"the handler gave no heartbeat for {self.task['heartbeatMs']} ms"
            hint = "call context.heartbeat more often, or raise the step's timeouts.heartbeatSeconds"
            return self.fail(StepError(message, error_class="timeout", code="HEARTBEAT_MISSED", hint=hint))
        if isinstance(error, StepError):
            return self.fail(error)
        return self.fail(StepError(str(error) or type(error).__name__))
