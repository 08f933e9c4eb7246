"""The attempts in work, and the renewal of their leases: one beat for all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from .attempt import AbortReason, Attempt
from .frames import Frame, Key, key_of

#: Beats in the time of a lease: two may be lost.
_BEATS_PER_LEASE = 3
#: With a progress of the most bytes each, a frame stays within its bound.
_BEATS_MAX = 400


class Attempts:
    def __init__(self) -> None:
        self._held: dict[Key, Attempt] = {}
        #: Beats that are not answered, oldest first: when, and for which attempts.
        self._sent: deque[tuple[float, list[Attempt]]] = deque()
        self._beat_at = 0.0

    def __len__(self) -> int:
        return len(self._held)

    def all(self) -> list[Attempt]:
        return list(self._held.values())

    def add(self, attempt: Attempt) -> None:
        self._held[key_of(attempt.lease)] = attempt

    def remove(self, attempt: Attempt) -> bool:
        """Whether it was still there."""
        if self._held.get(key_of(attempt.lease)) is not attempt:
            return False
        del self._held[key_of(attempt.lease)]
        return True

    def count_others(self, connection: int) -> int:
        """How many came over another connection than this."""
        return sum(attempt.connection != connection for attempt in self._held.values())

    def abort(self, leases: Iterable[Frame], reason: AbortReason) -> None:
        for lease in leases:
            attempt = self._held.get(key_of(lease))
            if attempt is not None:
                attempt.abort(reason)

    def check(self, now: float) -> None:
        for attempt in self.all():
            attempt.check(now)

    def disconnected(self) -> None:
        self._sent.clear()
        self._beat_at = 0.0

    def beat(self, now: float, lease_seconds: float, send: Callable[[Frame], None]) -> bool:
        """Renews the leases, when it is time. Says whether the orchestrator still answers."""
        if self._sent and now - self._sent[0][0] > lease_seconds:
            return False
        if not self._held or now - self._beat_at < lease_seconds / _BEATS_PER_LEASE:
            return True
        self._beat_at = now
        renewed = [attempt for attempt in self.all() if attempt.reason != "lease-lost"]
        for start in range(0, len(renewed), _BEATS_MAX):
            attempts = renewed[start : start + _BEATS_MAX]
            self._sent.append((now, attempts))
            send({"type": "beat", "leases": [attempt.beat() for attempt in attempts]})
        return True

    def beaten(self, lost: Iterable[Frame], lease_seconds: float) -> None:
        """The answer to the oldest beat: these are lost, the others held from the moment when it was sent."""
        self.abort(lost, "lease-lost")
        if not self._sent:
            return
        sent_at, attempts = self._sent.popleft()
        for attempt in attempts:
            if attempt.reason != "lease-lost":
                attempt.safe_until = max(attempt.safe_until, sent_at + lease_seconds)
