"""Whole runs: the planted truth is found, noise is not called a model, and the same input gives the same bytes."""

from __future__ import annotations

import copy
import json
import re
import tempfile
import unittest
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import numpy as np
import pyarrow as pa

import orrery_training
from orrery_training.definition import parse_definition
from orrery_training.errors import TrainingError
from orrery_training.estimators import registry
from orrery_training.rules import Real, Rule
from orrery_training.training import train
from synthetic import NOISE, make_definition, make_rows, write_workspace

DIGESTED = ("model.onnx", "spec.json", "metrics.json", "parity.json", "profile.json")


class FirstInputMean:
    """A framework of ten lines: the answer is a share of the mean plus the first input, where that is there."""

    framework: ClassVar[str] = "by-hand"
    name: ClassVar[str] = "FirstInputMean"
    libraries: ClassVar[tuple[str, ...]] = ("onnx",)
    parameter_rules: ClassVar[Mapping[str, Rule]] = {"share": Real(at_most=1, at_least=0)}

    def __init__(self, parameters: Mapping[str, Any], seed: int) -> None:
        self._share = float(parameters.get("share", 1.0))

    def fit(self, X: np.ndarray, y: np.ndarray) -> None:
        self._constant, self._width = float(y.mean()) * self._share, X.shape[1]

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.where(np.isnan(X[:, 0]), 0, np.clip(X[:, 0], -100, 100)).astype(np.float64) + self._constant

    def export(self, path: Path) -> None:
        from onnx import TensorProto, helper

        names = ("from", "to", "axes", "low", "high", "constant", "zero")
        values = ([0], [1], [1], -100.0, 100.0, self._constant, 0.0)
        tensors = [
            helper.make_tensor(
                name,
                TensorProto.INT64 if isinstance(value, list) else TensorProto.FLOAT,
                [1] if isinstance(value, list) else [],
                value if isinstance(value, list) else [value],
            )
            for name, value in zip(names, values, strict=True)
        ]
        nodes = [
            helper.make_node("Slice", ["features", "from", "to", "axes"], ["first"]),
            helper.make_node("IsNaN", ["first"], ["missing"]),
            helper.make_node("Clip", ["first", "low", "high"], ["clipped"]),
            helper.make_node("Where", ["missing", "zero", "clipped"], ["known"]),
            helper.make_node("Add", ["known", "constant"], ["prediction"]),
        ]
        shape = helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, self._width])
        answer = helper.make_tensor_value_info("prediction", TensorProto.FLOAT, [None, 1])
        graph = helper.make_graph(nodes, "by-hand", [shape], [answer], tensors)
        model = helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 20)])
        path.write_bytes(model.SerializeToString(deterministic=True))

    def probes(self) -> list[tuple[int, float]]:
        return []


class Forgetful(FirstInputMean):
    """Its export leaves out what it learned."""

    name: ClassVar[str] = "Forgetful"

    def export(self, path: Path) -> None:
        learned, self._constant = self._constant, 0.0
        super().export(path)
        self._constant = learned


class Runs(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.count = 0

    def run_one(self, rows: Any = None, definition: dict[str, Any] | None = None) -> tuple[dict[str, Any], Path]:
        self.count += 1
        workspace = write_workspace(Path(self.folder.name) / str(self.count), rows, definition)
        stages: list[str] = []
        parsed = parse_definition(json.loads((workspace / "in" / "model.json").read_text()))
        result = train(workspace, parsed, lambda stage, _: stages.append(stage))
        self.assertEqual(stages, ["read", "fit", "export", "parity", "evaluate", "profile", "done"])
        return result, workspace / "out"

    def test_the_planted_truth_is_found_and_beats_both_baselines(self) -> None:
        result, _ = self.run_one()
        self.assertEqual([gate["verdict"] for gate in result["gates"]], ["pass", "pass"])
        # Noise of 4 and a shock of 1 a day leave 4.12 at best; the mean has about 7.
        self.assertTrue(NOISE < result["metrics"]["model"]["rmse"] < 4.6, result["metrics"])
        self.assertEqual(result["rows"]["read"], 12_000)
        self.assertEqual(result["rows"]["fitted"], 6000)
        self.assertEqual(result["rows"]["train"] + result["rows"]["test"] + result["rows"]["outsideSplit"], 12_000)

    def test_where_there_is_nothing_to_learn_no_gate_is_passed(self) -> None:
        rows = {**make_rows(), "delay": np.random.default_rng(9).normal(5, 10, 12_000)}
        result, _ = self.run_one(rows)
        self.assertIn(result["gates"][1]["verdict"], ("review", "block"))
        self.assertFalse(all(baseline["beats"] for baseline in result["metrics"]["baselines"]))

    def test_a_signal_of_the_training_days_that_ends_before_the_test_days_wins_nothing(self) -> None:
        rows = make_rows()
        before = rows["day"].to_numpy(zero_copy_only=False) <= np.datetime64("2001-04-09")
        random = np.random.default_rng(4)
        rows["chance"] = np.where(before, rows["delay"], random.permutation(rows["delay"])).astype(np.float64)
        definition = make_definition()
        definition["features"].append({"name": "chance", "type": "number"})
        result, _ = self.run_one(rows, definition)
        self.assertEqual(result["gates"][1]["verdict"], "block")

    def test_rows_in_another_order_and_another_number_of_threads_give_the_same_bytes(self) -> None:
        definition = make_definition()
        first, out = self.run_one(definition=definition)
        shuffled = pa.table(make_rows()).take(np.random.default_rng(7).permutation(12_000))
        single = copy.deepcopy(definition)
        single["resources"]["threads"] = 1
        second, other = self.run_one(shuffled, single)
        self.assertEqual(first["files"], second["files"])
        for name in DIGESTED:
            self.assertEqual((out / name).read_bytes(), (other / name).read_bytes(), name)

    def test_another_seed_or_another_row_gives_another_model(self) -> None:
        first, _ = self.run_one()
        rows = make_rows()
        rows["delay"] = rows["delay"].copy()
        rows["delay"][0] += 50
        second, _ = self.run_one(rows)
        reseeded = {**make_definition(), "seed": 4}
        third, _ = self.run_one(definition=reseeded)
        self.assertNotEqual(first["files"]["spec.json"], second["files"]["spec.json"])
        self.assertNotEqual(first["files"]["metrics.json"], third["files"]["metrics.json"])

    def test_a_framework_that_follows_the_interface_trains_without_a_change_elsewhere(self) -> None:
        definition = {**make_definition(), "framework": "by-hand", "estimator": "FirstInputMean"}
        definition["parameters"] = {"share": 0.5}
        adapters = {**registry.ESTIMATORS, (FirstInputMean.framework, FirstInputMean.name): FirstInputMean}
        with mock.patch.object(registry, "ESTIMATORS", adapters):
            result, out = self.run_one(definition=definition)
        self.assertEqual(result["gates"][0]["verdict"], "pass")
        parity = json.loads((out / "parity.json").read_text())
        self.assertEqual((parity["kinds"]["threshold"], len(parity["rows"])), (0, 1000))

    def test_a_run_whose_export_differs_leaves_no_certificate_and_no_summary(self) -> None:
        _, out = self.run_one()
        definition = {**make_definition(), "framework": "by-hand", "estimator": "Forgetful", "parameters": {}}
        (out.parent / "in" / "model.json").write_text(json.dumps(definition))
        adapters = {**registry.ESTIMATORS, (Forgetful.framework, Forgetful.name): Forgetful}
        with mock.patch.object(registry, "ESTIMATORS", adapters), self.assertRaises(TrainingError):
            train(out.parent, parse_definition(definition), lambda *_: None)
        self.assertEqual(sorted(file.name for file in out.iterdir()), ["model.onnx", "spec.json"])

    def test_the_profile_tells_quantiles_null_shares_and_the_common_words(self) -> None:
        rows = make_rows(rows=4000)
        rows["airport"] = pa.array((["AAA"] * 2 + ["BBB"] + [None]) * 1000)
        rows["hour"] = np.tile(np.arange(20), 200)
        _, out = self.run_one(rows)
        profile = json.loads((out / "profile.json").read_text())
        self.assertAlmostEqual(profile["features"]["airport"]["nullShare"], 0.25, places=3)
        self.assertEqual(list(profile["features"]["airport"]["shares"]), ["AAA", "BBB"])
        hour = profile["features"]["hour"]
        self.assertEqual((hour["quantiles"][0], hour["quantiles"][-1], hour["nullShare"]), (0, 19, 0))

    def test_nothing_here_can_write_or_read_a_pickle(self) -> None:
        for source in Path(orrery_training.__file__).parent.rglob("*.py"):
            self.assertIsNone(
                re.search(r"pickle|joblib|dill|marshal|\beval\(|\bexec\(", source.read_text()), source.name
            )


if __name__ == "__main__":
    unittest.main()
