"""Makes a dataset from the real flights of `vega-datasets`: `python flights.py FLIGHTS.parquet OUT.parquet [JITTER]`.

The same columns as the platform's feature set, computed by numpy, so that the trainer can be tried on real rows without
the platform. The file holds the minute of the actual departure and the delay of the arrival; the planned time is
estimated by their difference. JITTER moves it by up to that many minutes at random: how much the metric changes tells
how much the estimate itself gives away.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FIRST_DAY = int(np.datetime64("2000-12-01", "D").astype(int))
DAYS = 240
MINUTES_A_DAY = 1440

FEATURES = (
    ("scheduled_hour", "number"),
    ("day_of_week", "number"),
    ("distance_miles", "number"),
    ("origin", "category"),
    ("destination", "category"),
    ("origin_mean_1d", "number"),
    ("origin_mean_7d", "number"),
    ("origin_mean_28d", "number"),
    ("destination_mean_1d", "number"),
    ("destination_mean_7d", "number"),
    ("destination_mean_28d", "number"),
    ("origin_hour_mean_28d", "number"),
    ("destination_hour_mean_28d", "number"),
    ("route_mean_7d", "number"),
    ("route_mean_28d", "number"),
)


def make_dataset(flights: Path, jitter_minutes: int = 0, seed: int = 0) -> pa.Table:
    raw = pq.read_table(flights)
    departed = raw["date"].to_numpy().astype("datetime64[m]").astype(np.int64)
    delay = raw["delay"].to_numpy().astype(np.int64)
    planned = departed - delay
    if jitter_minutes > 0:
        planned = planned + np.random.default_rng(seed).integers(-jitter_minutes, jitter_minutes + 1, len(planned))
    day = planned // MINUTES_A_DAY
    hour = planned % MINUTES_A_DAY // 60
    origin, destination = (raw[name].combine_chunks().dictionary_encode() for name in ("origin", "destination"))
    from_code, to_code = (column.indices.to_numpy().astype(np.int64) for column in (origin, destination))
    groups = {
        "origin": from_code,
        "destination": to_code,
        "origin_hour": from_code * 24 + hour,
        "destination_hour": to_code * 24 + hour,
        "route": np.unique(from_code * len(destination.dictionary) + to_code, return_inverse=True)[1],
    }
    columns: dict[str, object] = {
        "file_digest": pa.DictionaryArray.from_arrays(np.zeros(len(day), np.int32), pa.array(["sha256:" + "0" * 64])),
        "row_number": np.arange(len(day)),
        "day": pa.array(day.astype(np.int32)).cast(pa.date32()),
        "scheduled_hour": hour.astype(np.uint8),
        "day_of_week": ((day + 3) % 7 + 1).astype(np.uint8),
        "distance_miles": raw["distance"],
        "origin": origin,
        "destination": destination,
        "delay_minutes": delay,
    }
    for name, _ in FEATURES:
        if "_mean_" in name:
            group, window = name.split("_mean_")
            columns[name] = mean_of_days_before(groups[group], day - FIRST_DAY, delay, int(window.removesuffix("d")))
    return pa.table(columns)


def mean_of_days_before(group: np.ndarray, day: np.ndarray, value: np.ndarray, days: int) -> pa.Array:
    """The group's mean over the `days` days that end before the row's day; null where it had no row in them."""
    groups = int(group.max()) + 1
    cell = group * DAYS + day
    total, count = (
        np.bincount(cell, weights=weights, minlength=groups * DAYS).reshape(groups, DAYS)
        for weights in (value.astype(np.float64), None)
    )
    before = np.maximum(np.arange(DAYS) - days, 0)
    sums = []
    for table in (total, count):
        upto = np.concatenate([np.zeros((groups, 1)), table.cumsum(axis=1)], axis=1)
        sums.append((upto[:, :DAYS] - upto[:, before])[group, day])
    with np.errstate(invalid="ignore", divide="ignore"):
        return pa.array(sums[0] / sums[1], mask=sums[1] == 0)


if __name__ == "__main__":
    table = make_dataset(Path(sys.argv[1]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    pq.write_table(table, sys.argv[2])
    print(f"{table.num_rows} rows, {table.num_columns} columns")
