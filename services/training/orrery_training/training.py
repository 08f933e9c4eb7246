"""One run, stage by stage: read, fit, export, certify, evaluate, describe, and the summary last."""

from __future__ import annotations

import json
import platform
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from .dataset import Dataset, day_name, read_dataset, sample_of
from .definition import Definition
from .distribution import describe_inputs
from .encoding import encode_columns, fit_spec
from .errors import TrainingError, UserError
from .estimators.registry import adapter_of
from .evaluation import evaluate, judge_baselines
from .output import EVIDENCE, RESULT_BYTES_MAX, clear, describe_file, digest_of, write_json
from .parity import build_rows, certify
from .trained import Trained

LINEAGE_BYTES_MAX = 1 << 20
# What every run rests on; an estimator adds its own libraries.
LIBRARIES = ("numpy", "onnx", "onnxruntime", "pyarrow")

Report = Callable[[str, str], None]


class Stages:
    """Tells each stage as it begins and keeps how long it took."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, message: str) -> Iterator[None]:
        self._report(name, message)
        start = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - start, 3)


def train(workspace: Path, definition: Definition, report: Report) -> dict[str, Any]:
    """Runs a definition whose checks have passed; returns what result.json holds. The threads are the definition's."""
    source, out = workspace / "in", workspace / "out"
    lineage = _read_lineage(source / "lineage.json")
    clear(out)
    stages = Stages(report)
    with threadpool_limits(limits=definition.threads):
        with stages.stage("read", "reading in/dataset.parquet"):
            dataset = read_dataset(source / "dataset.parquet", definition)
        chosen = sample_of(dataset, dataset.train, definition.train_rows_max)
        trained = _fit(definition, dataset, chosen, stages)
        evidence = _write_evidence(trained, workspace, stages)
    result = {
        "schema": 1,
        "model": definition.name,
        "tenant": definition.tenant,
        "framework": definition.framework,
        "estimator": definition.estimator,
        "seed": definition.seed,
        "threads": definition.threads,
        "rows": _row_counts(dataset, chosen),
        **evidence,
        "inputs": {
            "model": digest_of(source / "model.json"),
            "dataset": digest_of(source / "dataset.parquet"),
            **({"lineage": lineage} if lineage is not None else {}),
        },
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in sorted({*LIBRARIES, *trained.model.libraries})},
        },
    }
    write_json(out / "timings.json", {"schema": 1, "seconds": stages.seconds, "peakMemoryMiB": _peak_memory_mib()})
    size = len(json.dumps(result).encode())
    if size > RESULT_BYTES_MAX:
        raise TrainingError(f"result.json would have {size} bytes, more than {RESULT_BYTES_MAX}: name fewer baselines")
    # Last, because its presence says that the run is complete.
    write_json(out / "result.json", result)
    report("done", _sentence(result))
    return result


def _fit(definition: Definition, dataset: Dataset, chosen: np.ndarray, stages: Stages) -> Trained:
    adapter = adapter_of(definition.framework, definition.estimator)
    if adapter is None:
        raise TrainingError(f"{definition.framework} {definition.estimator} has no adapter")
    spec = fit_spec(dataset, definition)
    model = adapter(definition.parameters, definition.seed)
    with stages.stage("fit", f"fitting {definition.estimator} on {len(chosen)} of {len(dataset.train)} training rows"):
        model.fit(encode_columns(dataset, spec, chosen), dataset.target[chosen])
    return Trained(definition, dataset, spec, model)


def _write_evidence(trained: Trained, workspace: Path, stages: Stages) -> dict[str, Any]:
    """Writes every digested file but the summary; returns what the summary tells of them."""
    definition, dataset = trained.definition, trained.dataset
    out = workspace / "out"
    onnx, spec = out / "model.onnx", out / "spec.json"
    with stages.stage("export", "writing model.onnx and spec.json"):
        trained.model.export(onnx)
        write_json(spec, trained.spec)
    with stages.stage("parity", f"comparing the exported model with the trained one on {definition.parity_rows} rows"):
        parity = certify(trained, build_rows(trained, workspace / "in" / "dataset.parquet"), onnx)
        certifies = {onnx.name: digest_of(onnx), spec.name: digest_of(spec)}
        write_json(out / "parity.json", {**parity, "certifies": certifies})
    with stages.stage("evaluate", f"evaluating on {len(dataset.test)} rows of later days"):
        predicted = trained.model.predict(encode_columns(dataset, trained.spec, dataset.test))
        metrics = {**evaluate(dataset, definition, predicted), "split": _split(dataset)}
        write_json(out / "metrics.json", metrics)
    with stages.stage("profile", "describing the training rows"):
        write_json(out / "profile.json", describe_inputs(dataset, definition, predicted))
    rows = len(parity["rows"])
    within = f"within {definition.tolerance:g} on {rows} rows"
    return {
        "metrics": {key: metrics[key] for key in ("metric", "unit", "model", "baselines", "bootstrap")},
        "parity": {"rows": rows, "tolerance": definition.tolerance, "maxDifference": parity["maxDifference"]},
        "gates": [
            {"gate": "parity", "verdict": "pass", "reason": within},
            judge_baselines(metrics, definition.beats_baselines),
        ],
        "files": {name: describe_file(out / name) for name in EVIDENCE},
    }


def _split(dataset: Dataset) -> dict[str, Any]:
    """The days that really have rows, which may be fewer than the definition asked for."""
    parts = {}
    for part, places in (("train", dataset.train), ("test", dataset.test)):
        days = np.unique(dataset.days[places])
        parts[part] = {"rows": len(places), "days": len(days), "from": day_name(days[0]), "to": day_name(days[-1])}
    return parts


def _row_counts(dataset: Dataset, chosen: np.ndarray) -> dict[str, int]:
    return {
        "read": dataset.rows_read,
        "train": len(dataset.train),
        "fitted": len(chosen),
        "test": len(dataset.test),
        "outsideSplit": dataset.rows_read - len(dataset.train) - len(dataset.test),
    }


def _read_lineage(path: Path) -> str | None:
    """The digest of what the platform says of the dataset's origin. It is carried, not read."""
    if not path.exists():
        return None
    if path.stat().st_size > LINEAGE_BYTES_MAX:
        raise UserError(f"in/lineage.json is larger than {LINEAGE_BYTES_MAX} bytes: shorten it")
    try:
        if not isinstance(json.loads(path.read_text(encoding="utf-8")), dict):
            raise ValueError("it is no object")
    except ValueError as error:
        raise UserError(f"in/lineage.json is not a JSON object ({error}): write one, or leave the file out") from None
    return digest_of(path)


def _peak_memory_mib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _sentence(result: dict[str, Any]) -> str:
    metrics = result["metrics"]
    against = ", ".join(f"{item['kind']} {item['rmse']:.4f}" for item in metrics["baselines"])
    verdicts = ", ".join(f"{gate['gate']} {gate['verdict']}" for gate in result["gates"])
    return f"rmse {metrics['model']['rmse']:.4f} {metrics['unit']} (baselines: {against}); gates: {verdicts}"
