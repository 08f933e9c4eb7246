"""Reads `in/dataset.parquet` one column at a time, checks it against the definition, and splits it by day."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .definition import RESERVED_COLUMNS, Definition
from .errors import UserError, suggestion

CATEGORIES_MAX = 100_000
# A bootstrap over fewer blocks than this gives an interval that says nothing.
TEST_DAYS_MIN = 5
TRAIN_ROWS_MIN = 100
IN = "in/dataset.parquet"


@dataclass(frozen=True)
class Category:
    """codes[i] is the place of row i's word in `words`, -1 where it is missing."""

    codes: np.ndarray
    words: tuple[str, ...]


@dataclass(frozen=True)
class Dataset:
    """The rows of both periods, ordered by identity, so that the order in the file decides nothing."""

    days: np.ndarray
    """Days since 1970-01-01, int32."""
    target: np.ndarray
    """float64."""
    numbers: dict[str, np.ndarray]
    """float32, NaN where missing."""
    categories: dict[str, Category]
    row_hash: np.ndarray
    """uint64 from file digest and row number: a fixed shuffle of the rows."""
    file_rows: np.ndarray
    """Where each row stands in the file."""
    train: np.ndarray
    """Places of the training rows, ascending."""
    test: np.ndarray
    """Places of the test rows, ascending."""
    rows_read: int


def read_dataset(path: Path, definition: Definition) -> Dataset:
    file = _open(path)
    wanted = _wanted(definition)
    _check_names(file, definition, wanted)
    days = _read_days(file)
    keep = np.flatnonzero(_within(days, definition.train) | _within(days, definition.test))
    order, row_hash = _identity(file, keep)
    file_rows = keep[order]
    days = days[file_rows]

    numbers: dict[str, np.ndarray] = {}
    categories: dict[str, Category] = {}
    for name, kind in wanted.items():
        column = _column(file, name)
        if kind == "category" or (kind == "any" and _is_text(column.type)):
            categories[name] = _category(column, name, file_rows)
        else:
            numbers[name] = _number(column, name, file_rows)
    train = np.flatnonzero(_within(days, definition.train))
    test = np.flatnonzero(_within(days, definition.test))
    _check_split(days, train, test, definition)
    return Dataset(
        days=days,
        target=_target(file, definition.target["column"], file_rows),
        numbers=numbers,
        categories=categories,
        row_hash=row_hash,
        file_rows=file_rows,
        train=train,
        test=test,
        rows_read=file.metadata.num_rows,
    )


def sample_of(dataset: Dataset, places: np.ndarray, rows_max: int | None) -> np.ndarray:
    """At most `rows_max` of the places, the same ones in every run: those whose rows have the smallest hashes."""
    if rows_max is None or len(places) <= rows_max:
        return places
    chosen = np.argsort(dataset.row_hash[places], kind="stable")[:rows_max]
    return np.sort(places[chosen])


def raw_rows(path: Path, names: Sequence[str], file_rows: np.ndarray) -> list[list[Any]]:
    """The values of some rows as JSON would carry them: what a caller of the model sends."""
    file = _open(path)
    columns = []
    for name in names:
        column = _column(file, name)
        values = column.take(pa.array(file_rows))
        values = _words(values) if _is_text(column.type) else values
        columns.append([None if isinstance(value, float) and isnan(value) else value for value in values.to_pylist()])
    return [list(row) for row in zip(*columns, strict=True)]


def day_name(day: int) -> str:
    return str(np.datetime64(int(day), "D"))


def _open(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, memory_map=True)
    except FileNotFoundError:
        raise UserError(f"{IN} is missing: write the dataset there, one row a prediction") from None
    except (pa.ArrowInvalid, OSError) as error:
        first = str(error).splitlines()[0].replace(str(path), IN)
        raise UserError(f"{IN} is not a readable Parquet file ({first}): write it again") from None


def _column(file: pq.ParquetFile, name: str) -> pa.ChunkedArray:
    return file.read(columns=[name]).column(name)


def _wanted(definition: Definition) -> dict[str, str]:
    wanted = {feature.name: feature.type for feature in definition.features}
    for baseline in definition.baselines:
        for name in baseline.by:
            wanted.setdefault(name, "any")
    return wanted


def _check_names(file: pq.ParquetFile, definition: Definition, wanted: dict[str, str]) -> None:
    present = file.schema_arrow.names
    if len(set(present)) != len(present):
        raise UserError(f"{IN} has two columns of one name: give each its own")
    for name in RESERVED_COLUMNS:
        if name not in present:
            raise UserError(f'{IN} has no column "{name}": the feature set must add it; {suggestion(name, present)}')
    target = definition.target["column"]
    if target not in present:
        raise UserError(
            f'in/model.json: target.column is "{target}", which {IN} does not have: correct it; '
            f"{suggestion(target, present)}"
        )
    for name in wanted:
        if name not in present:
            place = "features" if name in definition.feature_names else "baselines"
            raise UserError(
                f'in/model.json: {place} names "{name}", which {IN} does not have: correct it, or add it to the '
                f"feature set; {suggestion(name, [column for column in present if column != target])}"
            )


def _read_days(file: pq.ParquetFile) -> np.ndarray:
    column = _column(file, "day")
    if column.null_count > 0:
        raise UserError(
            f"{IN}: day is missing in {column.null_count} rows: the feature set must give every row its day"
        )
    if pa.types.is_timestamp(column.type) or pa.types.is_date64(column.type):
        column = column.cast(pa.date32(), safe=False)
    if pa.types.is_date32(column.type):
        return column.cast(pa.int32()).to_numpy()
    # ClickHouse may write a Date as the 16-bit number of days that it is inside.
    if pa.types.is_uint16(column.type):
        return column.to_numpy().astype(np.int32)
    raise UserError(f"{IN}: day holds {column.type}: write dates")


def _within(days: np.ndarray, period: tuple[str, str]) -> np.ndarray:
    first, last = (np.datetime64(day, "D").astype(np.int32) for day in period)
    return (days >= first) & (days <= last)


def _identity(file: pq.ParquetFile, keep: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order of the kept rows by (file digest, row number), and the hash of each in that order."""
    digests = _column(file, "file_digest")
    numbers = _column(file, "row_number")
    if not _is_text(digests.type):
        raise UserError(f"{IN}: file_digest holds {digests.type}: write text")
    if not pa.types.is_integer(numbers.type):
        raise UserError(f"{IN}: row_number holds {numbers.type}: write whole numbers")
    if digests.null_count > 0 or numbers.null_count > 0:
        raise UserError(f"{IN}: file_digest or row_number is missing in some rows: every row needs its identity")
    files = _category(digests, "file_digest", keep)
    row_numbers = numbers.to_numpy()[keep].astype(np.int64)
    order = np.lexsort((row_numbers, files.codes))
    codes, row_numbers = files.codes[order], row_numbers[order]
    twice = np.flatnonzero((codes[1:] == codes[:-1]) & (row_numbers[1:] == row_numbers[:-1]))
    if len(twice) > 0:
        raise UserError(
            f'{IN}: row_number {row_numbers[twice[0]]} of file_digest "{files.words[codes[twice[0]]]}" stands twice '
            f"({len(twice)} such rows): write each row once"
        )
    seeds = [int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little") for word in files.words]
    return order, _mixed(row_numbers.astype(np.uint64) + np.array(seeds, dtype=np.uint64)[codes])


def _mixed(values: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64: neighbours get unrelated hashes."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return any(
        test(kind)
        for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    )


def _words(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.large_string())


def _category(column: pa.ChunkedArray, name: str, file_rows: np.ndarray) -> Category:
    if not _is_text(column.type):
        raise UserError(
            f'in/model.json: {name} is declared a category, but {IN} holds {column.type}: declare it "number", or '
            "make it text in the feature set"
        )
    try:
        encoded = _words(column).take(pa.array(file_rows)).combine_chunks().dictionary_encode()
    except pa.ArrowInvalid:
        raise UserError(f"{IN}: {name} holds text that is not UTF-8: correct it in the feature set") from None
    found = encoded.dictionary.to_pylist()
    if len(found) > CATEGORIES_MAX:
        raise UserError(f"{IN}: {name} has {len(found)} different words, the bound is {CATEGORIES_MAX}: group them")
    words = tuple(sorted(found))
    place = {word: index for index, word in enumerate(words)}
    by_code = np.array([place[word] for word in found] + [-1], dtype=np.int32)
    codes = by_code[pc.fill_null(encoded.indices, len(found)).to_numpy(zero_copy_only=False)]
    return Category(codes, words)


def _number(column: pa.ChunkedArray, name: str, file_rows: np.ndarray) -> np.ndarray:
    wide = _wide(column, name)[file_rows]
    infinite = int(np.isinf(wide).sum())
    if infinite > 0:
        raise UserError(f"{IN}: {name} is infinite in {infinite} rows: make it a number or null in the feature set")
    # By way of float64, as a caller's JSON number goes: rounding twice would differ from rounding once.
    return wide.astype(np.float32)


def _wide(column: pa.ChunkedArray, name: str) -> np.ndarray:
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        fix = 'declare it "category"' if _is_text(column.type) else "make it a number in the feature set"
        raise UserError(f"in/model.json: {name} is read as a number, but {IN} holds {column.type}: {fix}")
    return column.cast(pa.float64(), safe=False).to_numpy()


def _target(file: pq.ParquetFile, name: str, file_rows: np.ndarray) -> np.ndarray:
    values = _wide(_column(file, name), name)[file_rows]
    missing = int((~np.isfinite(values)).sum())
    if missing > 0:
        raise UserError(f"{IN}: the target {name} is missing or infinite in {missing} rows: leave such rows out")
    return values


def _check_split(days: np.ndarray, train: np.ndarray, test: np.ndarray, definition: Definition) -> None:
    if len(train) < TRAIN_ROWS_MIN:
        raise UserError(
            f"in/model.json: split.train is {definition.train[0]} to {definition.train[1]}, where {IN} has "
            f"{len(train)} rows, fewer than {TRAIN_ROWS_MIN}: choose days that the dataset holds"
        )
    test_days = len(np.unique(days[test]))
    if test_days < TEST_DAYS_MIN:
        raise UserError(
            f"in/model.json: split.test is {definition.test[0]} to {definition.test[1]}, where {IN} has rows on "
            f"{test_days} days: the interval by days needs {TEST_DAYS_MIN} at least"
        )
