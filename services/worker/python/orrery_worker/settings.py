"""What a worker is told, checked at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from .attempt import Handler, Log
from .errors import WorkerError

_SLOTS_MAX = 10_000
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_BUILD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_SCHEMES = {"http": "ws", "ws": "ws", "https": "wss", "wss": "wss"}


@dataclass(frozen=True)
class Settings:
    url: str
    token: str
    tenant: str
    pool: str
    build: str
    slots: int
    handlers: Mapping[str, Handler]
    drain_seconds: float
    log: Log

    def check(self) -> None:
        """Raises a WorkerError that tells the first that is wrong."""
        if not 1 <= self.slots <= _SLOTS_MAX:
            raise WorkerError("SLOTS_INVALID", f"slots is {self.slots}", f"a whole number from 1 to {_SLOTS_MAX}")
        if not self.handlers:
            raise WorkerError("HANDLERS_MISSING", "there is no handler", 'name at least one: handlers={"greet": greet}')
        for name in (self.pool, *self.handlers):
            if not _NAME.fullmatch(name):
                hint = "lower-case letters, digits and hyphens, starting with a letter; at most 63"
                raise WorkerError("NAME_INVALID", f'"{name}" is no name', hint)
        if not _BUILD.fullmatch(self.build):
            hint = "letters, digits, dots, hyphens and underscores; at most 63: a commit or a digest without its prefix"
            raise WorkerError("BUILD_INVALID", f'build is "{self.build}"', hint)
        self.address()

    def address(self) -> str:
        parts = urlsplit(self.url)
        if parts.scheme not in _SCHEMES or not parts.netloc:
            hint = "the orchestrator, for example http://127.0.0.1:7410"
            raise WorkerError("URL_INVALID", f'url is "{self.url}"', hint)
        return f"{_SCHEMES[parts.scheme]}://{parts.netloc}/v1/worker"
