"""How good the model is on later days, against baselines that anybody could compute, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .dataset import Dataset
from .definition import Baseline, Bootstrap, Definition

DECIMALS = 6
RESAMPLES_AT_ONCE = 1000


@dataclass(frozen=True)
class Interval:
    point: float
    low: float
    high: float


def evaluate(dataset: Dataset, definition: Definition, predicted: np.ndarray) -> dict[str, Any]:
    """The content of metrics.json. `predicted` are the trainer's answers for the test rows, in their order."""
    truth = dataset.target[dataset.test]
    days = dataset.days[dataset.test]
    baselines = []
    for baseline in definition.baselines:
        guessed = predict_baseline(dataset, baseline)
        difference = (truth - predicted) ** 2 - (truth - guessed) ** 2
        interval = interval_by_block(difference, days, definition.bootstrap, definition.seed)
        baselines.append(
            {
                "kind": baseline.kind,
                **({"by": list(baseline.by)} if baseline.by else {}),
                **_errors(truth, guessed),
                "squaredErrorDifference": {
                    "point": rounded(interval.point),
                    "low": rounded(interval.low),
                    "high": rounded(interval.high),
                },
                "beats": interval.high < 0,
            }
        )
    return {
        "schema": 1,
        "metric": "rmse",
        "unit": definition.target["unit"],
        "model": _errors(truth, predicted),
        "baselines": baselines,
        "bootstrap": {
            "resamples": definition.bootstrap.resamples,
            "confidence": definition.bootstrap.confidence,
            "block": "day",
            "blocks": len(np.unique(days)),
        },
        "test": {
            "rows": len(truth),
            "targetMean": rounded(truth.mean()),
            "targetStandardDeviation": rounded(truth.std()),
            "predictionMean": rounded(predicted.mean()),
            "predictionStandardDeviation": rounded(predicted.std()),
        },
    }


def judge_baselines(metrics: dict[str, Any], wanted: bool) -> dict[str, Any]:
    """pass: better than each baseline, beyond doubt. block: worse than one, beyond doubt. review: it is not known."""
    differences = [baseline["squaredErrorDifference"] for baseline in metrics["baselines"]]
    if not wanted:
        return {"gate": "beatsBaselines", "verdict": "off", "reason": "the definition does not ask for it"}
    if all(baseline["beats"] for baseline in metrics["baselines"]):
        return {"gate": "beatsBaselines", "verdict": "pass", "reason": "every interval lies below zero"}
    if any(difference["low"] > 0 for difference in differences):
        return {"gate": "beatsBaselines", "verdict": "block", "reason": "worse than a baseline, beyond its interval"}
    return {"gate": "beatsBaselines", "verdict": "review", "reason": "an interval includes zero"}


def predict_baseline(dataset: Dataset, baseline: Baseline) -> np.ndarray:
    """What the baseline says of the test rows, from all training rows; a group that they lack gets the mean."""
    target = dataset.target[dataset.train]
    mean = float(target.mean())
    if baseline.kind == "mean":
        return np.full(len(dataset.test), mean)
    group = np.zeros(len(dataset.days), dtype=np.int64)
    for name in baseline.by:
        codes = _codes(dataset, name)
        # Numbered anew after each column, so that four columns of many words cannot run over 64 bits.
        group = np.unique(group * (int(codes.max()) + 1) + codes, return_inverse=True)[1]
    groups = int(group.max()) + 1
    count = np.bincount(group[dataset.train], minlength=groups)
    total = np.bincount(group[dataset.train], weights=target, minlength=groups)
    means = np.where(count > 0, total / np.maximum(count, 1), mean)
    return means[group[dataset.test]]


def interval_by_block(values: np.ndarray, blocks: np.ndarray, bootstrap: Bootstrap, seed: int) -> Interval:
    """The mean of the values, and its percentile interval when whole blocks are drawn again: flights of one day share
    its weather, so drawing single rows would make the interval far too narrow."""
    place = np.unique(blocks, return_inverse=True)[1]
    total = np.bincount(place, weights=values)
    count = np.bincount(place).astype(np.float64)
    random = np.random.default_rng(seed)
    means = []
    for start in range(0, bootstrap.resamples, RESAMPLES_AT_ONCE):
        rows = min(RESAMPLES_AT_ONCE, bootstrap.resamples - start)
        drawn = random.integers(0, len(total), size=(rows, len(total)))
        means.append(total[drawn].sum(axis=1) / count[drawn].sum(axis=1))
    tail = (1 - bootstrap.confidence) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return Interval(float(total.sum() / count.sum()), float(low), float(high))


def rounded(value: float) -> float:
    """For JSON: few enough digits to read, and never -0."""
    return round(float(value), DECIMALS) + 0.0


def _codes(dataset: Dataset, name: str) -> np.ndarray:
    """Groups of equal values, 0 and up; missing values are a group of their own."""
    if name in dataset.categories:
        return dataset.categories[name].codes.astype(np.int64) + 1
    return np.unique(dataset.numbers[name], return_inverse=True)[1]


def _errors(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    error = truth - predicted
    return {"rmse": rounded(np.sqrt((error**2).mean())), "mae": rounded(np.abs(error).mean())}
