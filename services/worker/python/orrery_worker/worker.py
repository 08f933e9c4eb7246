"""A worker: connects, works, and stays until it is drained."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from .attempt import Attempt, Handler, Log
from .attempts import Attempts
from .errors import StepError, WorkerError
from .frames import FRAME_BYTES_MAX, SUBPROTOCOL, Frame, encode
from .hand_in import HandIn
from .settings import Settings

_BACKOFF_SECONDS = 0.1
_BACKOFF_SECONDS_MAX = 5.0
_CONNECT_SECONDS_MAX = 10.0
_HAND_IN_SECONDS = 5.0
_BYE_SECONDS = 1.0
#: Until the orchestrator has said how long a lease lasts.
_LEASE_SECONDS_FIRST = 3.0
_TICK_SECONDS_MAX = 0.25
_TICKS_PER_LEASE = 12
#: When nothing else is heard.
_PING_SECONDS = 3.0
#: Answers to an attempt to connect that will be the same next time.
_FINAL_STATUSES = {400, 401, 403, 404}


def _write_log(message: str, fields: dict[str, Any]) -> None:
    print(json.dumps({"message": message, **fields}, default=str), file=sys.stderr, flush=True)


class Worker:
    """
    Carries out steps by the handlers that their `with.handler` names: `handler(input, context)`, async, or not, then in a thread.

    `tenant` is whose steps, `*` for every tenant's. `pool` is the line of steps to take from. `build` is the version of this worker's
    code: runs pinned to it come here. `slots` bounds the steps at the same time. `drain_seconds` is how long a drain lets handlers
    go on.
    """

    def __init__(
        self,
        *,
        url: str,
        token: str,
        build: str,
        handlers: Mapping[str, Handler] | None = None,
        tenant: str = "main",
        pool: str = "default",
        slots: int = 10,
        drain_seconds: float = 25.0,
        log: Log = _write_log,
    ) -> None:
        self._handlers: dict[str, Handler] = dict(handlers or {})
        self._settings = Settings(url, token, tenant, pool, build, slots, self._handlers, drain_seconds, log)
        self._attempts = Attempts()
        self._hand_in = HandIn(self._on_answer)
        self._answers = {"accepted": 0, "repeated": 0, "stale": 0}
        self._socket: ClientConnection | None = None
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()
        self._is_welcome = False
        self._was_welcome = False
        self._connections = 0
        self._failures = 0
        self._lease_seconds = _LEASE_SECONDS_FIRST
        self._window = 0
        #: The orchestrator goes away: this connection is given up once all is answered.
        self._is_moving = False
        self._is_closed = False
        self._draining: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._works: set[asyncio.Task[None]] = set()
        self._threads: ThreadPoolExecutor | None = None

    def handler(self, name: str) -> Callable[[Handler], Handler]:
        """A decorator that adds a handler under this name."""

        def add(handler: Handler) -> Handler:
            self._handlers[name] = handler
            return handler

        return add

    def run_forever(self) -> None:
        """Runs until SIGTERM or SIGINT, and drains then. Raises a WorkerError when the orchestrator refuses this worker for good."""
        asyncio.run(self._run_with_signals())

    async def run(self) -> None:
        """Runs until `drain` is done. Raises a WorkerError when the orchestrator refuses this worker for good."""
        self._settings.check()
        threads = ThreadPoolExecutor(max_workers=self._settings.slots, thread_name_prefix="orrery-handler")
        self._threads = threads
        ticking = asyncio.create_task(self._tick())
        try:
            while not self._is_closed:
                self._connections += 1
                reason = await self._connect_once()
                if not self._is_closed:
                    await self._pause(reason)
        finally:
            self._is_closed = True
            ticking.cancel()
            threads.shutdown(wait=False, cancel_futures=True)

    async def drain(self) -> None:
        """Takes nothing more, lets handlers end within their time, gives the rest back, and closes."""
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())
        await asyncio.shield(self._draining)

    def counts(self) -> dict[str, int]:
        open_now = {"held": len(self._attempts), "unanswered": len(self._hand_in)}
        return {**self._answers, **open_now, "connections": self._connections}

    async def _run_with_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, lambda: asyncio.ensure_future(self.drain()))
        await self.run()

    async def _connect_once(self) -> str:
        """One connection, from its beginning to its end; says why it ended."""
        headers = {"authorization": f"Bearer {self._settings.token}", "x-orrery-tenant": self._settings.tenant}
        self._is_moving = False
        try:
            socket = await connect(
                self._settings.address(),
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                additional_headers=headers,
                compression=None,
                max_size=FRAME_BYTES_MAX,
                open_timeout=_CONNECT_SECONDS_MAX,
                ping_interval=_PING_SECONDS,
                ping_timeout=_PING_SECONDS,
                close_timeout=_BYE_SECONDS,
                proxy=None,
            )
        except InvalidStatus as error:
            return self._on_refusal(error)
        except (OSError, TimeoutError, InvalidHandshake) as error:
            return str(error) or type(error).__name__
        self._socket = socket
        self._outgoing = asyncio.Queue()
        writing = asyncio.create_task(self._write(socket, self._outgoing))
        try:
            self._hello()
            async for data in socket:
                self._on_frame(json.loads(data))
            return "closed"
        except ConnectionClosed as error:
            return str(error)
        except ValueError:
            return "the orchestrator sent what is no frame"
        finally:
            writing.cancel()
            self._socket = None
            self._is_welcome = False
            self._hand_in.disconnected()
            self._attempts.disconnected()
            self._changed.set()
            socket.transport.abort()

    def _on_refusal(self, error: InvalidStatus) -> str:
        status = error.response.status_code
        told: dict[str, str] = {}
        try:
            told = json.loads(bytes(error.response.body or b""))["error"]
        except (ValueError, KeyError, TypeError):
            pass
        code = told.get("code", f"HTTP_{status}")
        message = told.get("message", "the orchestrator refused the worker")
        if status in _FINAL_STATUSES and not self._was_welcome:
            raise WorkerError(code, message, told.get("hint", ""))
        return f"{code}: {message}"

    async def _write(self, socket: ClientConnection, outgoing: asyncio.Queue[str]) -> None:
        """Frames in their order; a slow orchestrator slows only this."""
        try:
            while True:
                await socket.send(await outgoing.get())
        except ConnectionClosed:
            pass

    async def _pause(self, reason: str) -> None:
        ceiling = min(_BACKOFF_SECONDS_MAX, _BACKOFF_SECONDS * 2 ** min(self._failures, 10))
        seconds = random.random() * ceiling
        self._failures += 1
        told = {"reason": reason, "waitMs": round(seconds * 1000), "held": len(self._attempts)}
        self._settings.log("the connection ended, connecting again", told)
        await asyncio.sleep(seconds)

    async def _drain(self) -> None:
        self._settings.log("draining", {"held": len(self._attempts)})
        self._update_window()
        await self._until(lambda: len(self._attempts) == 0, self._settings.drain_seconds)
        for attempt in self._attempts.all():
            attempt.abort("draining")
            self._attempts.remove(attempt)
            self._hand_in.add(attempt.give_back("the worker stops"))
        await self._until(lambda: len(self._hand_in) == 0, _HAND_IN_SECONDS)
        if len(self._hand_in) > 0:
            self._settings.log("some endings could not be handed in", {"count": len(self._hand_in)})
        self._send({"type": "bye"})
        self._is_closed = True
        await self._until(lambda: self._socket is None, _BYE_SECONDS)
        if self._socket is not None:
            self._socket.transport.abort()

    def _hello(self) -> None:
        self._window = self._window_wanted()
        settings = self._settings
        names = list(self._handlers)
        hello = {"type": "hello", "pool": settings.pool, "handlers": names, "build": settings.build}
        self._outgoing.put_nowait(encode({**hello, "slots": self._window}))

    def _on_frame(self, frame: Frame) -> None:
        kind = frame["type"]
        if kind == "welcome":
            self._on_welcome(frame["leaseMs"] / 1000)
        elif kind == "work":
            for task in frame["tasks"]:
                self._start(task)
        elif kind == "accepted":
            self._hand_in.answered(frame["codes"])
        elif kind == "lost":
            self._attempts.beaten(frame["leases"], self._lease_seconds)
        elif kind == "stop":
            self._attempts.abort(frame["leases"], "stopped")
        elif kind == "drain":
            self._is_moving = True
        elif kind == "error":
            self._settings.log("the orchestrator refused a frame", frame)
        self._notify()

    def _on_welcome(self, lease_seconds: float) -> None:
        self._lease_seconds = lease_seconds
        self._is_welcome = True
        self._was_welcome = True
        self._failures = 0
        self._hand_in.connected(self._outgoing.put_nowait)
        self._look(asyncio.get_running_loop().time())

    def _start(self, task: Frame) -> None:
        now = asyncio.get_running_loop().time()
        attempt = Attempt(
            task,
            connection=self._connections,
            safe_until=now + self._lease_seconds,
            now=now,
            log=self._settings.log,
        )
        handler = self._handlers.get(task["handler"])
        if self._draining is not None:
            self._hand_in.add(attempt.give_back("the worker stops"))
        elif handler is None:
            message = f'this worker has no handler "{task["handler"]}"; it has {", ".join(self._handlers)}'
            hint = "correct the step's with.handler, or start workers that have it"
            missing = StepError(message, error_class="unavailable", code="HANDLER_MISSING", hint=hint)
            self._hand_in.add(attempt.fail(missing))
        else:
            self._attempts.add(attempt)
            work = asyncio.create_task(self._work(attempt, handler))
            self._works.add(work)
            work.add_done_callback(self._works.discard)

    async def _work(self, attempt: Attempt, handler: Handler) -> None:
        ending = await attempt.work(handler, self._threads)
        if not self._attempts.remove(attempt):
            return
        is_foreign = attempt.connection != self._connections
        # What came over this connection is ended in any case, because it takes a slot.
        if not is_foreign or attempt.reason != "lease-lost":
            self._hand_in.add(ending)
        if is_foreign:
            self._update_window()
        self._notify()

    def _on_answer(self, code: str, ending: Frame) -> None:
        self._answers[code] += 1
        if code == "stale" and ending["outcome"] != "returned":
            told = {key: ending[key] for key in ("run", "ref", "fence", "outcome")}
            self._settings.log("an ending was refused: the lease was lost", told)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(min(_TICK_SECONDS_MAX, self._lease_seconds / _TICKS_PER_LEASE))
            self._look(asyncio.get_running_loop().time())

    def _look(self, now: float) -> None:
        self._attempts.check(now)
        if self._socket is None or not self._is_welcome:
            return
        if not self._attempts.beat(now, self._lease_seconds, self._send):
            self._socket.transport.abort()

    def _window_wanted(self) -> int:
        if self._draining is not None:
            return 0
        return max(0, self._settings.slots - self._attempts.count_others(self._connections))

    def _update_window(self) -> None:
        free = self._window_wanted()
        if free != self._window and self._is_welcome:
            self._window = free
            self._send({"type": "slots", "free": free})

    def _send(self, frame: Frame) -> None:
        if self._is_welcome:
            self._outgoing.put_nowait(encode(frame))

    def _notify(self) -> None:
        if self._is_moving and len(self._hand_in) == 0 and self._socket is not None:
            self._is_moving = False
            self._works.add(closing := asyncio.create_task(self._socket.close()))
            closing.add_done_callback(self._works.discard)
        self._changed.set()

    async def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Waits until the condition holds, looked at whenever something changed; at most so long."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while not condition() and loop.time() < deadline:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), deadline - loop.time())
            except TimeoutError:
                return
