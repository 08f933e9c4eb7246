"""What handlers raise, and what a worker that is refused raises."""

from __future__ import annotations

from typing import Literal

ErrorClass = Literal["timeout", "unavailable", "throttled", "resources", "inputs", "failure"]


class StepError(Exception):
    """Raised by a handler to say how its attempt failed. Any other exception counts as class `failure` and is tried again."""

    def __init__(
        self,
        message: str,
        *,
        error_class: ErrorClass = "failure",
        retryable: bool | None = None,
        hint: str | None = None,
        code: str = "STEP_FAILED",
    ) -> None:
        """Without `retryable`, another attempt is thought to help, but for class `inputs`."""
        super().__init__(message)
        self.message = message
        self.error_class = error_class
        self.retryable = error_class != "inputs" if retryable is None else retryable
        self.hint = hint
        self.code = code


class WorkerError(Exception):
    """Why the worker itself can't work."""

    def __init__(self, code: str, message: str, hint: str) -> None:
        super().__init__(f"{code}: {message} ({hint})")
        self.code = code
        self.hint = hint
