"""How a row of raw values becomes the float32 vector that the model reads. `spec.json` holds all of it.

The rules are few, so that another language can follow them to the bit (README.md, "How a row becomes a vector"):

- a null is NaN;
- a number is rounded to the nearest float32;
- a category is looked up in its table, whose numbers are float32 already; a word that is not there takes `unseen`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .dataset import Category, Dataset
from .definition import Definition
from .errors import TrainingError
from .estimators.interface import INPUT_NAME, OUTPUT_NAME

SPEC_SCHEMA = 1
# A word of few training rows is drawn towards the mean of all: it counts as if it had this many rows more, at the mean.
SMOOTHING_ROWS = 200


def fit_spec(dataset: Dataset, definition: Definition) -> dict[str, Any]:
    """The encodings, from the training rows only."""
    inputs: list[dict[str, Any]] = []
    for feature in definition.features:
        if feature.type == "number":
            inputs.append({"name": feature.name, "type": "number"})
            continue
        target = dataset.target[dataset.train]
        inputs.append(
            {
                "name": feature.name,
                "type": "category",
                "encoding": _table(dataset.categories[feature.name], dataset.train, target),
            }
        )
    return {
        "schema": SPEC_SCHEMA,
        "model": definition.name,
        "input": {"name": INPUT_NAME, "type": "float32", "shape": [None, len(inputs)]},
        "output": {"name": OUTPUT_NAME, "type": "float32", "shape": [None, 1]},
        "inputs": inputs,
        "missing": "nan",
        "target": definition.target,
    }


def encode_columns(dataset: Dataset, spec: dict[str, Any], places: np.ndarray) -> np.ndarray:
    """Float32 [n, k] of rows of the dataset, in the spec's order."""
    encoded = np.empty((len(places), len(spec["inputs"])), dtype=np.float32, order="F")
    for index, entry in enumerate(spec["inputs"]):
        if entry["type"] == "number":
            encoded[:, index] = dataset.numbers[entry["name"]][places]
            continue
        category, table = dataset.categories[entry["name"]], entry["encoding"]
        by_code = [table["values"].get(word, table["unseen"]) for word in category.words]
        encoded[:, index] = np.array([*by_code, np.nan], dtype=np.float32)[category.codes[places]]
    return encoded


def encode_rows(rows: Sequence[Sequence[Any]], spec: dict[str, Any]) -> np.ndarray:
    """Float32 [n, k] of raw rows, value by value: the same rules, as a caller in another language follows them."""
    encoded = np.empty((len(rows), len(spec["inputs"])), dtype=np.float32)
    with np.errstate(over="ignore"):
        for index, row in enumerate(rows):
            for place, (value, entry) in enumerate(zip(row, spec["inputs"], strict=True)):
                encoded[index, place] = np.float32(_encode(value, entry))
    return encoded


def _encode(value: Any, entry: dict[str, Any]) -> float:
    if value is None:
        return float("nan")
    if entry["type"] == "category" and isinstance(value, str):
        table = entry["encoding"]
        return float(table["values"].get(value, table["unseen"]))
    if entry["type"] == "number" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    raise TrainingError(f"{entry['name']} is a {entry['type']}, and {value!r} is none")


def _table(category: Category, train: np.ndarray, target: np.ndarray) -> dict[str, Any]:
    codes = category.codes[train]
    known = codes >= 0
    count = np.bincount(codes[known], minlength=len(category.words))
    total = np.bincount(codes[known], weights=target[known], minlength=len(category.words))
    mean = float(target.mean())
    smoothed = (total + SMOOTHING_ROWS * mean) / (count + SMOOTHING_ROWS)
    values = {word: float(np.float32(smoothed[index])) for index, word in enumerate(category.words) if count[index] > 0}
    return {"kind": "target-mean", "values": values, "unseen": float(np.float32(mean))}
