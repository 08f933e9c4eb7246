"""The small rules of which a definition's schema is made. Each checks one value and names the key that is wrong."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from .errors import UserError, shown, suggestion


class Rule(Protocol):
    def check(self, value: object, key: str) -> None:
        """Returns when the value is right, else raises a UserError that names the key, the value and the fix."""


def wrong(key: str, value: object, fix: str) -> UserError:
    return UserError(f"in/model.json: {key or 'the document'} is {shown(value)}: {fix}")


@dataclass(frozen=True)
class Text:
    pattern: str | None = None
    meaning: str = "text"
    length_max: int = 4000

    def check(self, value: object, key: str) -> None:
        if not isinstance(value, str):
            raise wrong(key, value, f"write {self.meaning} between quotes")
        if len(value) > self.length_max:
            raise wrong(key, value, f"it has {len(value)} characters, shorten it to {self.length_max} at most")
        if self.pattern is not None and re.fullmatch(self.pattern, value) is None:
            raise wrong(key, value, f"write {self.meaning}")


@dataclass(frozen=True)
class Day:
    def check(self, value: object, key: str) -> None:
        try:
            if not isinstance(value, str) or re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) is None:
                raise ValueError
            datetime.date.fromisoformat(value)
        except ValueError:
            raise wrong(key, value, "write a day of the calendar as YYYY-MM-DD, for example 2001-05-31") from None


@dataclass(frozen=True)
class Choice:
    words: tuple[str, ...]

    def check(self, value: object, key: str) -> None:
        if value not in self.words:
            raise wrong(key, value, f"choose one that is known; {suggestion(value, self.words)}")


@dataclass(frozen=True)
class Exactly:
    value: int

    def check(self, value: object, key: str) -> None:
        if isinstance(value, bool) or value != self.value:
            raise wrong(key, value, f"write {self.value}, the only version that this trainer reads")


@dataclass(frozen=True)
class Whole:
    at_least: int
    at_most: int
    nullable: bool = False

    def check(self, value: object, key: str) -> None:
        if value is None and self.nullable:
            return
        if isinstance(value, bool) or not isinstance(value, int) or not self.at_least <= value <= self.at_most:
            or_null = " or null" if self.nullable else ""
            raise wrong(key, value, f"write a whole number from {self.at_least} to {self.at_most}{or_null}")


@dataclass(frozen=True)
class Real:
    at_most: float
    above: float | None = None
    at_least: float | None = None
    below: bool = False

    def check(self, value: object, key: str) -> None:
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not number or not self._within(float(value)):  # type: ignore[arg-type]
            low = f"above {self.above}" if self.above is not None else f"from {self.at_least}"
            high = f"below {self.at_most}" if self.below else f"to {self.at_most}"
            raise wrong(key, value, f"write a number {low} {high}")

    def _within(self, value: float) -> bool:
        if self.above is not None and value <= self.above:
            return False
        if self.at_least is not None and value < self.at_least:
            return False
        return value < self.at_most if self.below else value <= self.at_most


@dataclass(frozen=True)
class Flag:
    def check(self, value: object, key: str) -> None:
        if not isinstance(value, bool):
            raise wrong(key, value, "write true or false")


@dataclass(frozen=True)
class Items:
    of: Rule
    at_least: int
    at_most: int

    def check(self, value: object, key: str) -> None:
        if not isinstance(value, list):
            raise wrong(key, value, "write a list")
        if not self.at_least <= len(value) <= self.at_most:
            raise UserError(
                f"in/model.json: {key} has {len(value)} entries: write {self.at_least} to {self.at_most} of them"
            )
        for index, item in enumerate(value):
            self.of.check(item, f"{key}[{index}]")


@dataclass(frozen=True)
class Keys:
    required: Mapping[str, Rule]
    optional: Mapping[str, Rule] = field(default_factory=dict)

    def check(self, value: object, key: str) -> None:
        if not isinstance(value, dict):
            raise wrong(key, value, f"write keys and values; known: {', '.join(sorted(self._rules()))}")
        at = f"{key}." if key else ""
        for name in value:
            if name not in self._rules():
                words = suggestion(name, self._rules())
                raise UserError(f"in/model.json: {at}{name} is not a key: rename it or remove it; {words}")
        for name in self.required:
            if name not in value:
                raise UserError(f"in/model.json: {at}{name} is missing: add it")
        for name, rule in self._rules().items():
            if name in value:
                rule.check(value[name], f"{at}{name}")

    def _rules(self) -> dict[str, Rule]:
        return {**self.required, **self.optional}


@dataclass(frozen=True)
class ByKind:
    """One of several shapes, told apart by the key `kind`."""

    shapes: Mapping[str, Keys]

    def check(self, value: object, key: str) -> None:
        if not isinstance(value, dict) or "kind" not in value:
            raise wrong(key, value, f"write keys and values with a kind; known: {', '.join(sorted(self.shapes))}")
        Choice(tuple(self.shapes)).check(value["kind"], f"{key}.kind")
        self.shapes[str(value["kind"])].check(value, key)
