"""Runs handlers for the steps of workflows: a client of the orchestrator's worker protocol."""

from .attempt import Context, Signal
from .errors import StepError, WorkerError
from .worker import Worker

__all__ = ["Context", "Signal", "StepError", "Worker", "WorkerError"]
