"""The parity certificate: the exported model must answer as the trained one did, on real rows and on the hardest ones.

It holds raw rows with the trainer's own answers, so that whoever loads the model checks the whole way again: encoding,
runtime and file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from .dataset import raw_rows, sample_of
from .encoding import encode_columns, encode_rows
from .errors import TrainingError
from .estimators.interface import INPUT_NAME, OUTPUT_NAME
from .trained import Trained

PARITY_SCHEMA = 1
SINGLE_ROWS_CHECKED = 200
PROBES_AT_ONCE = 128
# Real rows among which the one is sought that feels a threshold most.
BASES_TRIED = 32
STRIDE = 7919
FLOAT32_MAX = float(np.finfo(np.float32).max)
# The last two do not fit into float32 and become infinite: a caller can send them, so both sides must agree on them.
EXTREME_NUMBERS = (0.0, -0.0, 1.0, -1.0, 1e-45, 1e30, -1e30, FLOAT32_MAX, -FLOAT32_MAX, 1e39, -1e39)
# Words that no training row held; the last two are names that every object of JavaScript answers to.
UNSEEN_WORDS = ("", " ", "never seen", "É☃", "__proto__", "constructor")

Rows = list[list[Any]]


@dataclass(frozen=True)
class CertificateRows:
    rows: Rows
    """Raw values in the order of the spec."""
    kinds: dict[str, int]
    """How many rows there are of each kind."""


def build_rows(trained: Trained, parquet: Path) -> CertificateRows:
    """The rows that both models must answer alike: half of them real, while the test period has so many."""
    definition, dataset, spec = trained.definition, trained.dataset, trained.spec
    rows_wanted = definition.parity_rows
    places = sample_of(dataset, dataset.test, rows_wanted - rows_wanted // 2)
    real = raw_rows(parquet, definition.feature_names, dataset.file_rows[places])
    _check_two_encodings(encode_columns(dataset, spec, places), encode_rows(real, spec))
    rows, kinds = list(real), {"real": len(real)}
    for kind, made in (
        ("missing", _missing(real, spec)),
        ("unseen", _unseen(real, spec)),
        ("extreme", _extreme(real, spec)),
        ("threshold", _thresholds(real, trained)),
        ("mixed", _mixed(real)),
    ):
        chosen = list(islice(made, rows_wanted - len(rows)))
        rows.extend(chosen)
        kinds[kind] = len(chosen)
    return CertificateRows(rows, kinds)


def certify(trained: Trained, certificate: CertificateRows, exported: Path) -> dict[str, Any]:
    """The content of parity.json but for the digests. Raises when the exported model is not the trained one."""
    tolerance = trained.definition.tolerance
    encoded = encode_rows(certificate.rows, trained.spec)
    expected = trained.model.predict(encoded)
    if not np.isfinite(expected).all():
        raise TrainingError("the trained model answers some rows of the certificate by no number")
    answered = run_onnx(exported, encoded)
    differences = np.abs(answered - expected)
    worst = int(np.argmax(differences))
    # Written so that a NaN, which compares false with everything, fails too.
    if not differences[worst] <= tolerance:
        raise TrainingError(
            f"the exported model differs from the trained one by {differences[worst]:.6g}, more than parity.tolerance "
            f"{tolerance:g}, at row {worst} of {len(expected)}: expected {expected[worst]:.6g}, "
            f"answered {answered[worst]:.6g}"
        )
    return {
        "schema": PARITY_SCHEMA,
        "columns": list(trained.definition.feature_names),
        "rows": certificate.rows,
        "predictions": [float(value) for value in expected],
        "kinds": certificate.kinds,
        "tolerance": tolerance,
        # Rounded up to nine decimals: the true difference is at most this.
        "maxDifference": float(np.ceil(differences[worst] * 1e9) / 1e9),
        "checkedWith": "onnxruntime",
    }


def run_onnx(model: Path, encoded: np.ndarray) -> np.ndarray:
    """The exported model's answers, all rows at once; the first rows one by one too, which must give the same bits."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if [item.name for item in inputs] != [INPUT_NAME] or [item.name for item in outputs] != [OUTPUT_NAME]:
        raise TrainingError(f"the exported model must have one input {INPUT_NAME} and one output {OUTPUT_NAME}")
    answered = session.run([OUTPUT_NAME], {INPUT_NAME: np.ascontiguousarray(encoded)})[0]
    if answered.shape != (len(encoded), 1) or answered.dtype != np.float32:
        raise TrainingError(f"the exported model answers {answered.dtype} {answered.shape}, not float32 [n, 1]")
    for index in range(min(SINGLE_ROWS_CHECKED, len(encoded))):
        single = session.run([OUTPUT_NAME], {INPUT_NAME: np.ascontiguousarray(encoded[index : index + 1])})[0]
        if single[0, 0] != answered[index, 0]:
            raise TrainingError(f"row {index} alone is answered {single[0, 0]}, among others {answered[index, 0]}")
    return answered[:, 0].astype(np.float64)


def _check_two_encodings(by_column: np.ndarray, by_value: np.ndarray) -> None:
    if not np.array_equal(by_column, by_value, equal_nan=True):
        raise TrainingError("a row read from the dataset and the same row as JSON become different vectors")


def _missing(real: Rows, spec: dict[str, Any]) -> Iterator[list[Any]]:
    width = len(spec["inputs"])
    yield [None] * width
    for base in range(3):
        for place in range(width):
            yield _with(_of(real, base * width + place), place, None)


def _unseen(real: Rows, spec: dict[str, Any]) -> Iterator[list[Any]]:
    for place, entry in enumerate(spec["inputs"]):
        if entry["type"] != "category":
            continue
        lower = [word.lower() for word in list(entry["encoding"]["values"])[:1]]
        for index, word in enumerate([*UNSEEN_WORDS, *lower]):
            yield _with(_of(real, place + index), place, word)


def _extreme(real: Rows, spec: dict[str, Any]) -> Iterator[list[Any]]:
    for index, value in enumerate(EXTREME_NUMBERS):
        for place, entry in enumerate(spec["inputs"]):
            if entry["type"] == "number":
                yield _with(_of(real, index * len(spec["inputs"]) + place), place, value)


def _thresholds(real: Rows, trained: Trained) -> Iterator[list[Any]]:
    """Both sides of the places where the answer jumps, in rows that feel the jump: a row that takes another way through
    the tree would be answered alike by a wrong threshold."""
    probes = _ordered_probes(trained)
    for start in range(0, len(probes), PROBES_AT_ONCE):
        chunk = probes[start : start + PROBES_AT_ONCE]
        bases = [[(start + index) * BASES_TRIED + base for base in range(BASES_TRIED)] for index in range(len(chunk))]
        encoded = encode_rows([_of(real, base) for tried in bases for base in tried], trained.spec)
        sides = [_sides(value) for _, value in chunk]
        answers = []
        for side in (0, 1):
            moved = encoded.copy()
            for index, (place, _) in enumerate(chunk):
                moved[index * BASES_TRIED : (index + 1) * BASES_TRIED, place] = sides[index][side]
            answers.append(trained.model.predict(moved))
        jumps = np.abs(answers[0] - answers[1]).reshape(len(chunk), BASES_TRIED)
        for index, (place, value) in enumerate(chunk):
            best = int(np.argmax(jumps[index]))
            if jumps[index, best] > trained.definition.tolerance:
                for number in dict.fromkeys((*sides[index], value)):
                    yield _with(_of(real, bases[index][best]), place, number)


def _ordered_probes(trained: Trained) -> list[tuple[int, float]]:
    """Those of numbers; first the ones that are no float32, which an export must round to one side."""
    inputs = trained.spec["inputs"]
    probes = [
        (place, value)
        for place, value in trained.model.probes()
        if inputs[place]["type"] == "number" and abs(value) < FLOAT32_MAX
    ]
    # They come sorted by input: a large prime stride spreads the first ones over all inputs.
    spread = [probes[index * STRIDE % len(probes)] for index in range(len(probes))]
    return sorted(dict.fromkeys(spread), key=lambda probe: float(np.float32(probe[1])) == probe[1])


def _sides(value: float) -> tuple[float, float]:
    """The neighbouring float32 at or below the value, and above it."""
    near = np.float32(value)
    if float(near) > value:
        return float(np.nextafter(near, np.float32(-np.inf))), float(near)
    return float(near), float(np.nextafter(near, np.float32(np.inf)))


def _mixed(real: Rows) -> Iterator[list[Any]]:
    """Rows that never were: each value from another real row. There is no end to them."""
    index = 0
    while True:
        yield [_of(real, index * 31 + place * 17)[place] for place in range(len(real[0]))]
        index += 1


def _of(real: Rows, index: int) -> list[Any]:
    return real[index % len(real)]


def _with(row: list[Any], place: int, value: Any) -> list[Any]:
    return [*row[:place], value, *row[place + 1 :]]
