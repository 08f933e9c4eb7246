"""The two ways in which a run ends without a model."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable

WORDS_SHOWN_MAX = 12
VALUE_SHOWN_MAX = 60


class UserError(Exception):
    """Something in the workspace is wrong: the message says where, what, and what to do. Exit code 2."""


class TrainingError(Exception):
    """The run itself failed, for example because the exported model disagrees with the trained one. Exit code 1."""


def shown(value: object) -> str:
    """A value as a message shows it: JSON, on one line, cut when long."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = str(value)
    return text if len(text) <= VALUE_SHOWN_MAX else text[: VALUE_SHOWN_MAX - 1] + "…"


def suggestion(word: object, known: Iterable[str]) -> str:
    """The nearest known word, and the known words when there are few enough to read."""
    words = sorted(known)
    near = difflib.get_close_matches(str(word), words, n=1, cutoff=0.5)
    nearest = f'the nearest is "{near[0]}"; ' if near else ""
    rest = "" if len(words) <= WORDS_SHOWN_MAX else f" and {len(words) - WORDS_SHOWN_MAX} more"
    return f"{nearest}known: {', '.join(words[:WORDS_SHOWN_MAX])}{rest}"
