"""The exported model is the trained one, to the bit of every threshold; an export that is not is refused."""

from __future__ import annotations

import dataclasses
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

import numpy as np
import onnx
from onnx import helper

from orrery_training.dataset import read_dataset
from orrery_training.definition import parse_definition
from orrery_training.encoding import encode_columns, fit_spec
from orrery_training.errors import TrainingError
from orrery_training.estimators.registry import adapter_of
from orrery_training.estimators.sklearn_hist_gradient_boosting import (
    HistGradientBoostingRegressor,
    largest_float32_at_most,
)
from orrery_training.parity import CertificateRows, build_rows, certify, run_onnx
from orrery_training.trained import Trained
from synthetic import make_definition, make_rows, write_workspace


def attributes_of(model: onnx.ModelProto) -> dict[str, Any]:
    return {item.name: helper.get_attribute_value(item) for item in model.graph.node[0].attribute}


def set_attributes(model: onnx.ModelProto, changes: dict[str, Any]) -> None:
    node = model.graph.node[0]
    kept = [item for item in node.attribute if item.name not in changes]
    del node.attribute[:]
    node.attribute.extend([*kept, *(helper.make_attribute(name, value) for name, value in changes.items())])


def first_branch(attributes: dict[str, Any]) -> int:
    return next(index for index, mode in enumerate(attributes["nodes_modes"]) if mode == b"BRANCH_LEQ")


def replace(values: list[Any], index: int, value: Any) -> list[Any]:
    return [*values[:index], value, *values[index + 1 :]]


def shift_leaf(found: dict[str, Any]) -> dict[str, Any]:
    return {"target_weights": replace(found["target_weights"], 0, found["target_weights"][0] + 0.01)}


def turn_missing(found: dict[str, Any]) -> dict[str, Any]:
    values, index = found["nodes_missing_value_tracks_true"], first_branch(found)
    return {"nodes_missing_value_tracks_true": replace(values, index, 1 - values[index])}


def swap_children(found: dict[str, Any]) -> dict[str, Any]:
    return {"nodes_truenodeids": found["nodes_falsenodeids"], "nodes_falsenodeids": found["nodes_truenodeids"]}


def less_instead_of_at_most(found: dict[str, Any]) -> dict[str, Any]:
    return {"nodes_modes": [b"BRANCH_LT" if mode == b"BRANCH_LEQ" else mode for mode in found["nodes_modes"]]}


def thresholds_one_step_up(found: dict[str, Any]) -> dict[str, Any]:
    up = [float(np.nextafter(np.float32(value), np.float32(np.inf))) for value in found["nodes_values"]]
    return {"nodes_values": up}


def thresholds_one_step_down(found: dict[str, Any]) -> dict[str, Any]:
    down = [float(np.nextafter(np.float32(value), np.float32(-np.inf))) for value in found["nodes_values"]]
    return {"nodes_values": down}


def other_feature(found: dict[str, Any]) -> dict[str, Any]:
    index = first_branch(found)
    return {"nodes_featureids": replace(found["nodes_featureids"], index, (found["nodes_featureids"][index] + 1) % 3)}


def no_base(found: dict[str, Any]) -> dict[str, Any]:
    return {"base_values": [0.0]}


def average_instead_of_sum(found: dict[str, Any]) -> dict[str, Any]:
    return {"aggregate_function": "AVERAGE"}


FAULTS: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = (
    shift_leaf,
    turn_missing,
    swap_children,
    less_instead_of_at_most,
    thresholds_one_step_up,
    thresholds_one_step_down,
    other_feature,
    no_base,
    average_instead_of_sum,
)


def train_and_build_rows(folder: Path, rows: dict[str, Any]) -> tuple[Trained, CertificateRows]:
    dataset_file = write_workspace(folder, rows) / "in" / "dataset.parquet"
    definition = parse_definition(make_definition())
    dataset = read_dataset(dataset_file, definition)
    spec = fit_spec(dataset, definition)
    model = HistGradientBoostingRegressor(definition.parameters, definition.seed)
    model.fit(encode_columns(dataset, spec, dataset.train), dataset.target[dataset.train])
    trained = Trained(definition, dataset, spec, model)
    return trained, build_rows(trained, dataset_file)


class Parity(unittest.TestCase):
    folder: ClassVar[tempfile.TemporaryDirectory[str]]
    trained: ClassVar[Trained]
    rows: ClassVar[CertificateRows]
    exported: ClassVar[Path]

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.trained, cls.rows = train_and_build_rows(Path(cls.folder.name), make_rows())
        cls.exported = Path(cls.folder.name) / "model.onnx"
        cls.trained.model.export(cls.exported)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    def test_the_certificate_has_the_rows_asked_half_of_them_real_and_every_hard_kind(self) -> None:
        self.assertEqual(len(self.rows.rows), 1000)
        self.assertEqual(self.rows.kinds["real"], 500)
        for kind in ("missing", "unseen", "extreme", "threshold"):
            self.assertGreater(self.rows.kinds[kind], 0, kind)
        values = [value for row in self.rows.rows for value in row]
        for value in (None, "", "__proto__", "aaa", 1e39, -3.4028234663852886e38):
            self.assertIn(value, values)

    def test_the_export_answers_as_the_trained_model_does(self) -> None:
        certificate = certify(self.trained, self.rows, self.exported)
        self.assertEqual(len(certificate["predictions"]), 1000)
        self.assertLess(certificate["maxDifference"], 1e-4)

    def test_every_fault_of_an_export_is_refused(self) -> None:
        for fault in FAULTS:
            with self.subTest(fault=fault.__name__):
                model = onnx.load(self.exported)
                set_attributes(model, fault(attributes_of(model)))
                faulty = Path(self.folder.name) / "faulty.onnx"
                onnx.save(model, faulty)
                with self.assertRaisesRegex(TrainingError, r"differs from the trained one by .* more than parity.tol"):
                    certify(self.trained, self.rows, faulty)

    def test_thresholds_rounded_to_the_nearest_float32_are_refused(self) -> None:
        # Neighbouring float32: every threshold between two of them is none, and half of them round up.
        rows = make_rows()
        step = np.random.default_rng(6).integers(0, 16, len(rows["delay"]))
        rows["backlog"] = np.float32(1) + step.astype(np.float32) * np.float32(2**-23)
        rows["delay"] = rows["delay"] + 10 * (step % 3)
        trained, certificate = train_and_build_rows(Path(self.folder.name) / "neighbours", rows)
        export = Path(self.folder.name) / "neighbours.onnx"
        trained.model.export(export)
        self.assertLess(certify(trained, certificate, export)["maxDifference"], 1e-4)
        rounding = f"{largest_float32_at_most.__module__}.{largest_float32_at_most.__name__}"
        with mock.patch(rounding, lambda threshold: float(np.float32(threshold))):
            trained.model.export(export)
        with self.assertRaisesRegex(TrainingError, "differs from the trained one"):
            certify(trained, certificate, export)

    def test_an_export_with_another_input_is_refused(self) -> None:
        model = onnx.load(self.exported)
        model.graph.input[0].name = model.graph.node[0].input[0] = "x"
        renamed = Path(self.folder.name) / "renamed.onnx"
        onnx.save(model, renamed)
        with self.assertRaisesRegex(TrainingError, "one input features"):
            certify(self.trained, self.rows, renamed)

    def test_a_model_that_answers_no_number_is_refused(self) -> None:
        class Silent(HistGradientBoostingRegressor):
            def predict(self, X: np.ndarray) -> np.ndarray:
                return np.full(len(X), np.nan)

        silent = dataclasses.replace(self.trained, model=Silent({}, 1))
        with self.assertRaisesRegex(TrainingError, "by no number"):
            certify(silent, self.rows, self.exported)


class Export(unittest.TestCase):
    def test_a_threshold_between_neighbouring_float32_sends_both_to_their_sides(self) -> None:
        # 64 neighbouring float32: every midpoint between two of them is no float32, and half of them round up.
        steps = np.float32(1) + np.arange(64, dtype=np.float32) * np.float32(2**-23)
        column = np.tile(steps, 40)
        model = HistGradientBoostingRegressor({"max_iter": 20, "min_samples_leaf": 1, "max_leaf_nodes": 64}, 1)
        model.fit(column[:, None], np.tile(np.random.default_rng(0).normal(0, 10, 64), 40))
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.onnx"
            model.export(file)
            answered = run_onnx(file, steps[:, None])
        np.testing.assert_allclose(answered, model.predict(steps[:, None]), atol=1e-4)

    def test_missing_and_infinite_values_take_the_side_that_they_took_in_training(self) -> None:
        random = np.random.default_rng(3)
        values = random.normal(size=(4000, 2)).astype(np.float32)
        values[random.random(values.shape) < 0.2] = np.nan
        target = np.where(np.isnan(values[:, 0]), 9.0, values[:, 0]) + np.where(np.isnan(values[:, 1]), -5.0, 0.0)
        model = HistGradientBoostingRegressor({"max_iter": 50}, 1)
        model.fit(values, target)
        hard = np.array(
            [[a, b] for a in (np.nan, np.inf, -np.inf, 0) for b in (np.nan, np.inf, -np.inf, 0)], np.float32
        )
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.onnx"
            model.export(file)
            np.testing.assert_allclose(run_onnx(file, hard), model.predict(hard), atol=1e-4)

    def test_a_threshold_is_rounded_down(self) -> None:
        # The float32 nearest to 0.1 is 0.10000000149..., above it; to 0.3 it is 0.30000001192..., above it; 0.5 is one.
        self.assertEqual(largest_float32_at_most(0.1), 0.09999999403953552)
        self.assertEqual(largest_float32_at_most(0.3), 0.29999998211860657)
        self.assertEqual(largest_float32_at_most(0.5), 0.5)
        self.assertEqual(largest_float32_at_most(-0.1), -0.10000000149011612)
        self.assertEqual(largest_float32_at_most(1e39), float(np.finfo(np.float32).max))

    def test_only_an_estimator_of_the_framework_is_found(self) -> None:
        self.assertIs(adapter_of("scikit-learn", "HistGradientBoostingRegressor"), HistGradientBoostingRegressor)
        self.assertIsNone(adapter_of("lightgbm", "HistGradientBoostingRegressor"))
        self.assertIsNone(adapter_of(None, ["HistGradientBoostingRegressor"]))


if __name__ == "__main__":
    unittest.main()
