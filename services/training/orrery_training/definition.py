"""The model definition: its schema, the rules across its fields, and its values as the trainer reads them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import UserError, suggestion
from .estimators.registry import adapter_of, estimators_of, frameworks
from .rules import ByKind, Choice, Day, Exactly, Flag, Items, Keys, Real, Rule, Text, Whole

DEFINITION_BYTES_MAX = 1 << 20
# The columns of a dataset that say which row it is: a model that reads them learns the rows by heart.
RESERVED_COLUMNS = ("day", "file_digest", "row_number")

NAME = Text(r"[a-z][a-z0-9-]{0,62}", "lower-case letters, digits and hyphens, starting with a letter, at most 63")
COLUMN = Text(r"[a-z][a-z0-9_]{0,62}", "a column: lower-case letters, digits and underscores, at most 63")
PERIOD = Keys({"from": Day(), "to": Day()})


def _schema(framework: object) -> Keys:
    required: dict[str, Rule] = {
        "kind": Choice(("Model",)),
        "schema": Exactly(1),
        "name": NAME,
        "owner": NAME,
        "task": Choice(("regression",)),
        "target": Keys({"column": COLUMN, "unit": Text(length_max=40), "description": Text(length_max=1000)}),
        "known": Text(length_max=2000),
        "featureSet": NAME,
        "features": Items(Keys({"name": COLUMN, "type": Choice(("number", "category"))}), 1, 1000),
        "framework": Choice(frameworks()),
        "estimator": Choice(estimators_of(framework)),
        "seed": Whole(0, 2_147_483_647),
        "split": Keys({"by": Choice(("day",)), "train": PERIOD, "test": PERIOD}),
        "baselines": Items(
            ByKind(
                {
                    "mean": Keys({"kind": Choice(("mean",))}),
                    "group-mean": Keys({"kind": Choice(("group-mean",)), "by": Items(COLUMN, 1, 4)}),
                }
            ),
            1,
            8,
        ),
        "metric": Choice(("rmse",)),
        "gates": Keys(
            {
                "beatsBaselines": Flag(),
                "bootstrap": Keys(
                    {
                        "resamples": Whole(100, 100_000),
                        "confidence": Real(at_most=1, above=0.5, below=True),
                        "block": Choice(("day",)),
                    }
                ),
            }
        ),
        "parity": Keys({"rows": Whole(1000, 100_000), "tolerance": Real(at_most=1, above=0)}),
        "resources": Keys(
            {"memoryMiB": Whole(256, 1 << 20), "timeoutSeconds": Whole(10, 86_400), "threads": Whole(1, 256)}
        ),
        "card": Keys(
            {
                "intendedUse": Text(length_max=2000),
                "outOfScope": Text(length_max=2000),
                "limits": Text(),
                "dataSource": Text(length_max=2000),
                "contact": Text(length_max=200),
            }
        ),
    }
    optional: dict[str, Rule] = {
        "tenant": NAME,
        # Which parameters there are is the estimator's to say: they are checked once it is known.
        "parameters": Keys({}, {}),
        "sampling": Keys({}, {"trainRowsMax": Whole(1000, 1_000_000_000)}),
    }
    return Keys(required, optional)


@dataclass(frozen=True)
class Feature:
    name: str
    type: str


@dataclass(frozen=True)
class Baseline:
    kind: str
    by: tuple[str, ...]


@dataclass(frozen=True)
class Bootstrap:
    resamples: int
    confidence: float


@dataclass(frozen=True)
class Definition:
    name: str
    tenant: str
    framework: str
    estimator: str
    parameters: dict[str, Any]
    seed: int
    target: dict[str, str]
    features: tuple[Feature, ...]
    train: tuple[str, str]
    test: tuple[str, str]
    train_rows_max: int | None
    baselines: tuple[Baseline, ...]
    beats_baselines: bool
    bootstrap: Bootstrap
    parity_rows: int
    tolerance: float
    threads: int

    @property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)


def read_definition(path: Path) -> Definition:
    """Reads `in/model.json` and checks all of it before anything slow is imported or read."""
    try:
        if path.stat().st_size > DEFINITION_BYTES_MAX:
            raise UserError(f"in/model.json is larger than {DEFINITION_BYTES_MAX} bytes: hand over one definition only")
        document = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_without_doubles)
    except FileNotFoundError:
        raise UserError("in/model.json is missing: write the model definition there, as JSON") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"in/model.json is not JSON ({error}): write the model definition there, as JSON") from None
    return parse_definition(document)


def parse_definition(document: object) -> Definition:
    given = document if isinstance(document, dict) else {}
    schema = _schema(given.get("framework"))
    adapter = adapter_of(given.get("framework"), given.get("estimator"))
    if adapter is not None:
        schema = Keys(schema.required, {**schema.optional, "parameters": Keys({}, adapter.parameter_rules)})
    schema.check(document, "")
    _check_columns(given)
    _check_split(given["split"])
    return _definition(given)


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise UserError(f"in/model.json: {key} stands twice: keep one of the two")
        found[key] = value
    return found


def _check_columns(given: dict[str, Any]) -> None:
    target = given["target"]["column"]
    if target in RESERVED_COLUMNS:
        raise UserError(
            f'in/model.json: target.column is "{target}", which says which row it is: choose what to predict'
        )
    seen: set[str] = set()
    for index, feature in enumerate(given["features"]):
        name, key = feature["name"], f"in/model.json: features[{index}].name"
        if name == target:
            raise UserError(f'{key} is "{name}", the target: remove it, a model may not read what it predicts')
        if name in RESERVED_COLUMNS:
            raise UserError(f'{key} is "{name}", which says which row it is: remove it, or derive a feature from it')
        if name in seen:
            raise UserError(f'{key} is "{name}", which stands twice: keep one of the two')
        seen.add(name)
    for index, baseline in enumerate(given["baselines"]):
        for place, name in enumerate(baseline.get("by", [])):
            key = f"in/model.json: baselines[{index}].by[{place}]"
            if name == target or name in RESERVED_COLUMNS:
                words = suggestion(name, seen)
                raise UserError(f'{key} is "{name}", the target or a row\'s identity: group by a feature; {words}')


def _check_split(split: dict[str, Any]) -> None:
    for part in ("train", "test"):
        if split[part]["from"] > split[part]["to"]:
            raise UserError(
                f'in/model.json: split.{part}.from is "{split[part]["from"]}", after its to '
                f'"{split[part]["to"]}": exchange the two'
            )
    if split["test"]["from"] <= split["train"]["to"]:
        raise UserError(
            f'in/model.json: split.test.from is "{split["test"]["from"]}", not after split.train.to '
            f'"{split["train"]["to"]}": test on later days only, else the metric knows the future'
        )


def _definition(given: dict[str, Any]) -> Definition:
    split, bootstrap = given["split"], given["gates"]["bootstrap"]
    return Definition(
        name=given["name"],
        tenant=given.get("tenant", "main"),
        framework=given["framework"],
        estimator=given["estimator"],
        parameters=dict(given.get("parameters", {})),
        seed=given["seed"],
        target=dict(given["target"]),
        features=tuple(Feature(feature["name"], feature["type"]) for feature in given["features"]),
        train=(split["train"]["from"], split["train"]["to"]),
        test=(split["test"]["from"], split["test"]["to"]),
        train_rows_max=given.get("sampling", {}).get("trainRowsMax"),
        baselines=tuple(Baseline(item["kind"], tuple(item.get("by", []))) for item in given["baselines"]),
        beats_baselines=given["gates"]["beatsBaselines"],
        bootstrap=Bootstrap(bootstrap["resamples"], bootstrap["confidence"]),
        parity_rows=given["parity"]["rows"],
        tolerance=given["parity"]["tolerance"],
        threads=given["resources"]["threads"],
    )
