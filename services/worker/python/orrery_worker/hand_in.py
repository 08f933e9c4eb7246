"""Endings on their way: each is handed in under its fence, over one connection after the other, until it is answered."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from .frames import Frame, Key, key_of, lease_of, send_lists


class HandIn:
    def __init__(self, on_answer: Callable[[str, Frame], None]) -> None:
        self._on_answer = on_answer
        #: Not answered, over whatever connection.
        self._unanswered: dict[Key, Frame] = {}
        #: Not sent over this connection.
        self._fresh: list[Frame] = []
        #: Sent over this connection; answers come in this order.
        self._awaiting: deque[Key] = deque()
        self._send: Callable[[str], None] | None = None
        self._is_flushing = False

    def __len__(self) -> int:
        return len(self._unanswered)

    def connected(self, send: Callable[[str], None]) -> None:
        """Everything that is open is handed in again."""
        self._send = send
        self._awaiting.clear()
        self._fresh = list(self._unanswered.values())
        self._flush()

    def disconnected(self) -> None:
        self._send = None
        self._fresh = []
        self._awaiting.clear()

    def add(self, ending: Frame) -> None:
        """What ends within one turn of the event loop goes in one frame."""
        self._unanswered[key_of(ending)] = ending
        if self._send is None:
            return
        self._fresh.append(ending)
        if not self._is_flushing:
            self._is_flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def answered(self, codes: Sequence[str]) -> None:
        for code in codes:
            if not self._awaiting:
                return
            ending = self._unanswered.pop(self._awaiting.popleft(), None)
            if ending is not None:
                self._on_answer(code, ending)

    def _flush(self) -> None:
        self._is_flushing = False
        if self._send is None or not self._fresh:
            return
        endings, self._fresh = self._fresh, []
        self._awaiting.extend(key_of(ending) for ending in endings)
        send_lists(endings, _frame_of, self._send, _spoilt)


def _frame_of(endings: Sequence[Frame]) -> Frame:
    return {"type": "done", "endings": endings}


def _spoilt(ending: Frame, reason: str) -> Frame:
    """In the place of an ending that can't be sent: it would be the same again, so the step fails for good."""
    error = {
        "class": "failure",
        "code": "RESULT_INVALID",
        "message": f"the result can't be handed in: {reason}"[:4000],
        "hint": "return JSON, and put what is large into the store and return its digest",
        "retryable": False,
    }
    return {**lease_of(ending), "outcome": "failed", "error": error}
