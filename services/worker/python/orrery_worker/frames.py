"""Frames of the protocol `orrery.worker.1`, as far as both sides bound them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

SUBPROTOCOL = "orrery.worker.1"
FRAME_BYTES_MAX = 1024 * 1024
LIST_MAX = 1000
PROGRESS_BYTES_MAX = 2048

Frame = dict[str, Any]
Key = tuple[str, str, str]


def key_of(lease: Frame) -> Key:
    return (lease["run"], lease["ref"], lease["fence"])


def lease_of(frame: Frame) -> Frame:
    return {"run": frame["run"], "ref": frame["ref"], "fence": frame["fence"]}


def encode(value: object) -> str:
    """JSON as every other language reads it: NaN and the infinities are refused."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def send_lists(
    entries: Sequence[Frame],
    frame_of: Callable[[Sequence[Frame]], Frame],
    send: Callable[[str], None],
    spoilt: Callable[[Frame, str], Frame],
) -> None:
    """Sends frames within the bounds; an entry that can't be sent by itself is replaced by what `spoilt` makes of it."""
    if not entries:
        return
    reason = ""
    if len(entries) <= LIST_MAX:
        try:
            text = encode(frame_of(entries))
            size = len(text.encode())
            if size <= FRAME_BYTES_MAX:
                send(text)
                return
            reason = f"it has {size} bytes, the bound is {FRAME_BYTES_MAX}"
        except (TypeError, ValueError, RecursionError) as error:
            reason = f"it is no JSON: {error}"
    if len(entries) == 1:
        send(encode(frame_of([spoilt(entries[0], reason)])))
        return
    middle = (len(entries) + 1) // 2
    send_lists(entries[:middle], frame_of, send, spoilt)
    send_lists(entries[middle:], frame_of, send, spoilt)
