"""Frames keep within their bounds, and what can't be sent is replaced in its place."""

from __future__ import annotations

import json
import unittest
from typing import Any

from orrery_worker.frames import FRAME_BYTES_MAX, encode, send_lists


def send(entries: list[dict[str, Any]]) -> list[list[Any]]:
    sent: list[str] = []
    send_lists(entries, lambda some: {"type": "done", "endings": list(some)}, sent.append, lambda _entry, reason: {"spoilt": reason})
    for text in sent:
        assert len(text.encode()) <= FRAME_BYTES_MAX
    return [json.loads(text)["endings"] for text in sent]


class SendLists(unittest.TestCase):
    def test_sends_nothing_of_nothing(self) -> None:
        self.assertEqual(send([]), [])

    def test_sends_what_fits_in_one_frame(self) -> None:
        self.assertEqual(send([{"n": 1}, {"n": 2}]), [[{"n": 1}, {"n": 2}]])

    def test_splits_by_count_and_keeps_the_order(self) -> None:
        frames = send([{"n": n} for n in range(2500)])
        self.assertTrue(all(len(frame) <= 1000 for frame in frames))
        self.assertEqual([entry["n"] for frame in frames for entry in frame], list(range(2500)))

    def test_splits_by_bytes_not_by_characters(self) -> None:
        frames = send([{"text": "ü" * 300_000}, {"text": "ü" * 300_000}])
        self.assertEqual([len(frame) for frame in frames], [1, 1])

    def test_replaces_what_is_too_large_or_no_json_in_its_place(self) -> None:
        frames = send([{"n": 1}, {"n": "x" * 1_100_000}, {"n": object()}, {"n": float("nan")}, {"n": 5}])
        entries = [entry for frame in frames for entry in frame]
        self.assertEqual([entry.get("n") for entry in entries], [1, None, None, None, 5])
        self.assertRegex(entries[1]["spoilt"], r"it has 11000\d\d bytes, the bound is 1048576")
        self.assertRegex(entries[2]["spoilt"], "it is no JSON: Object of type object")

    def test_encodes_what_other_languages_read(self) -> None:
        self.assertEqual(encode({"a": [1, None, True, "ü"]}), '{"a":[1,null,true,"ü"]}')
        with self.assertRaises(ValueError):
            encode(float("inf"))


if __name__ == "__main__":
    unittest.main()
