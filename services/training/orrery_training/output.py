"""Writes the files of a run, each whole or not at all, and names them by digest."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

RESULT_BYTES_MAX = 8 * 1024
READ_BYTES = 1 << 20
# The files that a registry keeps by digest; result.json tells the digests.
EVIDENCE = ("model.onnx", "spec.json", "metrics.json", "parity.json", "profile.json")
FILES = (*EVIDENCE, "timings.json", "result.json")


def clear(folder: Path) -> None:
    """Removes what an earlier run left, so that an ended run cannot be taken for this one."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Sorted keys, the shortest digits that read back as the same number, a newline: one content, one byte string."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_bytes(text.encode() + b"\n")
    os.replace(unfinished, path)


def digest_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            digest.update(block)
    return f"sha256:{digest.hexdigest()}"


def describe_file(path: Path) -> dict[str, Any]:
    return {"digest": digest_of(path), "bytes": path.stat().st_size}
