"""The content of profile.json: how each input was distributed in training, to compare with every later day."""

from __future__ import annotations

from typing import Any

import numpy as np

from .dataset import Dataset
from .definition import Definition
from .evaluation import rounded

QUANTILES = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
WORDS_KEPT = 20


def describe_inputs(dataset: Dataset, definition: Definition, predicted: np.ndarray) -> dict[str, Any]:
    train = dataset.train
    return {
        "schema": 1,
        "rows": len(train),
        "quantiles": list(QUANTILES),
        "features": {
            feature.name: (
                _describe_number(dataset.numbers[feature.name][train])
                if feature.type == "number"
                else _describe_category(dataset, feature.name)
            )
            for feature in definition.features
        },
        "target": _describe_number(dataset.target[train]),
        "predictionOnTest": _describe_number(predicted),
    }


def _describe_number(values: np.ndarray) -> dict[str, Any]:
    present = values[~np.isnan(values)].astype(np.float64)
    share = rounded(1 - len(present) / len(values))
    if len(present) == 0:
        return {"type": "number", "nullShare": share, "mean": None, "quantiles": None}
    return {
        "type": "number",
        "nullShare": share,
        "mean": rounded(present.mean()),
        "quantiles": [rounded(value) for value in np.quantile(present, QUANTILES)],
    }


def _describe_category(dataset: Dataset, name: str) -> dict[str, Any]:
    category = dataset.categories[name]
    codes = category.codes[dataset.train]
    count = np.bincount(codes[codes >= 0], minlength=len(category.words))
    # By falling count, then by word, so that equal counts have one order.
    common = sorted(range(len(count)), key=lambda code: (-int(count[code]), category.words[code]))[:WORDS_KEPT]
    return {
        "type": "category",
        "nullShare": rounded((codes < 0).mean()),
        "distinct": int((count > 0).sum()),
        "shares": {category.words[code]: rounded(count[code] / len(codes)) for code in common if count[code] > 0},
    }
