"""A small seeded dataset with a planted truth, and a workspace around it: `python synthetic.py WORKSPACE`.

delay = 6 + 5 in the afternoon + 2 x backlog + what the airport adds + a shock that the whole day shares + noise. The
noise has a standard deviation of 4 and the shock of 1, so no model can have an error below about 4.1 on later days.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 12_000
DAYS = 60
AIRPORT_ADDS = {"AAA": 8.0, "BBB": -4.0, "CCC": 0.0, "DDD": 3.0}
NOISE = 4.0
FILE_DIGEST = "sha256:" + "ab" * 32


def make_rows(seed: int = 1, rows: int = ROWS) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    day = np.sort(random.integers(0, DAYS, rows))
    hour = random.integers(0, 24, rows)
    backlog = random.normal(0, 2, rows)
    airport = random.integers(0, len(AIRPORT_ADDS), rows)
    names = np.array(list(AIRPORT_ADDS))
    adds = np.array(list(AIRPORT_ADDS.values()))
    shock = random.normal(0, 1, DAYS)
    delay = 6 + 5.0 * (hour >= 12) + 2 * backlog + adds[airport] + shock[day] + random.normal(0, NOISE, rows)
    unknown = random.random(rows) < 0.03
    return {
        "file_digest": [FILE_DIGEST] * rows,
        "row_number": np.arange(rows),
        "day": pa.array((day + int(np.datetime64("2001-03-01", "D").astype(int))).astype(np.int32)).cast(pa.date32()),
        "hour": hour.astype(np.int16),
        "backlog": pa.array(backlog, mask=unknown),
        "airport": pa.array(names[airport], mask=random.random(rows) < 0.02),
        "chance": random.random(rows),
        "delay": delay.astype(np.float32),
    }


def make_definition() -> dict[str, Any]:
    return {
        "kind": "Model",
        "schema": 1,
        "name": "planted-delay",
        "owner": "tests",
        "task": "regression",
        "target": {"column": "delay", "unit": "minutes", "description": "the planted delay"},
        "known": "everything but the day's shock and the noise",
        "featureSet": "planted",
        "features": [
            {"name": "hour", "type": "number"},
            {"name": "backlog", "type": "number"},
            {"name": "airport", "type": "category"},
        ],
        "framework": "scikit-learn",
        "estimator": "HistGradientBoostingRegressor",
        "parameters": {"max_iter": 40, "learning_rate": 0.15, "max_leaf_nodes": 8, "min_samples_leaf": 40},
        "seed": 3,
        "split": {
            "by": "day",
            "train": {"from": "2001-03-01", "to": "2001-04-09"},
            "test": {"from": "2001-04-10", "to": "2001-04-29"},
        },
        "sampling": {"trainRowsMax": 6000},
        "baselines": [{"kind": "mean"}, {"kind": "group-mean", "by": ["airport", "hour"]}],
        "metric": "rmse",
        "gates": {"beatsBaselines": True, "bootstrap": {"resamples": 500, "confidence": 0.95, "block": "day"}},
        "parity": {"rows": 1000, "tolerance": 0.001},
        "resources": {"memoryMiB": 1024, "timeoutSeconds": 60, "threads": 2},
        "card": {
            "intendedUse": "tests",
            "outOfScope": "everything else",
            "limits": "it is made up",
            "dataSource": "a seeded generator",
            "contact": "tests",
        },
    }


def write_workspace(folder: Path, rows: dict[str, Any] | pa.Table | None = None, definition: Any = None) -> Path:
    (folder / "in").mkdir(parents=True, exist_ok=True)
    table = rows if isinstance(rows, pa.Table) else pa.table(make_rows() if rows is None else rows)
    pq.write_table(table, folder / "in" / "dataset.parquet")
    content = make_definition() if definition is None else definition
    (folder / "in" / "model.json").write_text(json.dumps(content))
    return folder


if __name__ == "__main__":
    write_workspace(Path(sys.argv[1]))
