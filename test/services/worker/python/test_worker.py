"""What a worker refuses before it connects, how a handler's context behaves, and sync handlers in threads."""

from __future__ import annotations

import asyncio
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from orrery_worker import Context, StepError, Worker, WorkerError
from orrery_worker.attempt import Attempt

TASK: dict[str, Any] = {
    "run": "r1",
    "ref": "3",
    "fence": "1000",
    "dueMs": 77,
    "attempt": 2,
    "handler": "greet",
    "input": {"name": "Ada"},
    "tenant": "main",
    "workflow": "trial",
    "step": "greet",
    "deadlineMs": 500,
    "heartbeatMs": 0,
}


def attempt(**changes: Any) -> Attempt:
    return Attempt({**TASK, **changes}, connection=1, safe_until=10.0, now=0.0, log=lambda _message, _fields: None)


def work(handler: Any, of: Attempt) -> dict[str, Any]:
    with ThreadPoolExecutor(1) as threads:
        return asyncio.run(of.work(handler, threads))


class Settings(unittest.TestCase):
    def test_are_refused_by_name(self) -> None:
        right: dict[str, Any] = {"url": "http://127.0.0.1:1", "token": "t", "build": "b", "handlers": {"greet": print}}
        wrong = {
            "SLOTS_INVALID": {"slots": 0},
            "HANDLERS_MISSING": {"handlers": {}},
            "NAME_INVALID": {"pool": "A"},
            "BUILD_INVALID": {"build": "sha256:1"},
            "URL_INVALID": {"url": "127.0.0.1"},
        }
        for code, change in wrong.items():
            with self.subTest(code), self.assertRaises(WorkerError) as caught:
                Worker(**{**right, **change}).run_forever()
            self.assertEqual(caught.exception.code, code)


class Attempts(unittest.TestCase):
    def test_run_sync_handlers_in_a_thread(self) -> None:
        seen: list[str] = []

        def greet(given: Any, context: Context) -> str:
            seen.append(threading.current_thread().name)
            return f"Hello {given['name']} {context.idempotency_key}"

        ending = work(greet, attempt())
        self.assertEqual(ending["result"], "Hello Ada r1/3")
        self.assertNotEqual(seen, [threading.main_thread().name])

    def test_fail_by_what_the_handler_raised(self) -> None:
        async def refuse(given: Any, context: Context) -> None:
            raise StepError("no such card", error_class="inputs", hint="ask for another", code="not a code")

        self.assertEqual(
            work(refuse, attempt()),
            {
                "run": "r1",
                "ref": "3",
                "fence": "1000",
                "outcome": "failed",
                "error": {
                    "class": "inputs",
                    "message": "no such card",
                    "code": "STEP_FAILED",
                    "retryable": False,
                    "hint": "ask for another",
                },
            },
        )

    def test_end_by_their_lease_before_their_deadline(self) -> None:
        late, lost = attempt(), attempt()
        late.check(0.4)
        self.assertIsNone(late.reason)
        late.check(0.5)
        lost.check(10.0)
        self.assertEqual([late.reason, lost.reason], ["timeout", "lease-lost"])

    def test_report_each_progress_once(self) -> None:
        held = attempt()
        held._context.heartbeat()
        self.assertEqual(held.beat(), {"run": "r1", "ref": "3", "fence": "1000", "dueMs": 77, "progress": None})
        self.assertEqual(held.beat(), {"run": "r1", "ref": "3", "fence": "1000", "dueMs": 77})
        for wrong in ("x" * 2100, object()):
            with self.assertRaises(StepError):
                held._context.heartbeat(wrong)


if __name__ == "__main__":
    unittest.main()
