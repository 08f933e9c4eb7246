"""scikit-learn's histogram gradient boosting for regression, and its exact export.

The export is written here, not by a converter: skl2onnx 1.20 cannot write this estimator with onnx 1.23 (it hands a
boolean where a whole number belongs), and it would round a threshold to the nearest float32, which sends a value that
equals the rounded threshold to the wrong side. The parity certificate would refuse such a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..rules import Real, Rule, Whole
from .interface import INPUT_NAME, OUTPUT_NAME

if TYPE_CHECKING:
    import numpy as np

# Read by onnxruntime 1.16 and later.
ONNX_OPSET = 20
ONNX_ML_OPSET = 3
ONNX_IR_VERSION = 9


class HistGradientBoostingRegressor:
    framework: ClassVar[str] = "scikit-learn"
    name: ClassVar[str] = "HistGradientBoostingRegressor"
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn",)
    parameter_rules: ClassVar[Mapping[str, Rule]] = {
        "max_iter": Whole(1, 2000),
        "learning_rate": Real(at_most=1, above=0),
        "max_leaf_nodes": Whole(2, 255),
        "min_samples_leaf": Whole(1, 10_000_000),
        "l2_regularization": Real(at_most=1e9, at_least=0),
        "max_depth": Whole(1, 64, nullable=True),
        "max_bins": Whole(2, 255),
    }

    def __init__(self, parameters: Mapping[str, Any], seed: int) -> None:
        self._parameters = dict(parameters)
        self._seed = seed

    def fit(self, X: np.ndarray, y: np.ndarray) -> None:
        from sklearn.ensemble import HistGradientBoostingRegressor as Trees

        # Early stopping would hold out rows at random, across the days by which the data is split.
        self._model = Trees(**self._parameters, early_stopping=False, random_state=self._seed).fit(X, y)
        self._width = X.shape[1]

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self._model.predict(X)

    def export(self, path: Path) -> None:
        from onnx import TensorProto, helper

        node = helper.make_node(
            "TreeEnsembleRegressor",
            [INPUT_NAME],
            [OUTPUT_NAME],
            domain="ai.onnx.ml",
            name="trees",
            **self._attributes(),
        )
        graph = helper.make_graph(
            [node],
            "model",
            [helper.make_tensor_value_info(INPUT_NAME, TensorProto.FLOAT, [None, self._width])],
            [helper.make_tensor_value_info(OUTPUT_NAME, TensorProto.FLOAT, [None, 1])],
        )
        model = helper.make_model(
            graph,
            producer_name="orrery_training",
            ir_version=ONNX_IR_VERSION,
            opset_imports=[helper.make_opsetid("", ONNX_OPSET), helper.make_opsetid("ai.onnx.ml", ONNX_ML_OPSET)],
        )
        path.write_bytes(model.SerializeToString(deterministic=True))

    def probes(self) -> list[tuple[int, float]]:
        found = {
            (int(node["feature_idx"]), float(node["num_threshold"]))
            for tree in self._trees()
            for node in tree
            if not node["is_leaf"]
        }
        return sorted(found)

    def _trees(self) -> list[np.ndarray]:
        return [predictor.nodes for (predictor,) in self._model._predictors]

    def _attributes(self) -> dict[str, Any]:
        fields: dict[str, list[Any]] = {name: [] for name in _TREE_FIELDS}
        for tree_id, nodes in enumerate(self._trees()):
            for node_id, node in enumerate(nodes):
                fields["nodes_treeids"].append(tree_id)
                fields["nodes_nodeids"].append(node_id)
                if node["is_leaf"]:
                    _add(fields, "LEAF", (0, 0.0, 0, 0, 0))
                    fields["target_treeids"].append(tree_id)
                    fields["target_nodeids"].append(node_id)
                    fields["target_ids"].append(0)
                    fields["target_weights"].append(float(node["value"]))
                else:
                    threshold = largest_float32_at_most(float(node["num_threshold"]))
                    branch = (node["feature_idx"], threshold, node["left"], node["right"], node["missing_go_to_left"])
                    _add(fields, "BRANCH_LEQ", branch)
        base = float(self._model._baseline_prediction.ravel()[0])
        return {**fields, "n_targets": 1, "aggregate_function": "SUM", "post_transform": "NONE", "base_values": [base]}


_TREE_FIELDS = (
    "nodes_treeids",
    "nodes_nodeids",
    "nodes_modes",
    "nodes_featureids",
    "nodes_values",
    "nodes_truenodeids",
    "nodes_falsenodeids",
    "nodes_missing_value_tracks_true",
    "target_treeids",
    "target_nodeids",
    "target_ids",
    "target_weights",
)


def _add(fields: dict[str, list[Any]], mode: str, branch: tuple[Any, float, Any, Any, Any]) -> None:
    feature, threshold, left, right, missing_left = branch
    fields["nodes_modes"].append(mode)
    fields["nodes_featureids"].append(int(feature))
    fields["nodes_values"].append(threshold)
    fields["nodes_truenodeids"].append(int(left))
    fields["nodes_falsenodeids"].append(int(right))
    fields["nodes_missing_value_tracks_true"].append(int(missing_left))


def largest_float32_at_most(threshold: float) -> float:
    """For every float32 x: x <= threshold exactly when x <= the result. Rounding to the nearest could round up, and
    then the x that equals the result would change sides."""
    import numpy as np

    with np.errstate(over="ignore"):
        nearest = np.float32(threshold)
    return float(nearest if float(nearest) <= threshold else np.nextafter(nearest, np.float32(-np.inf)))
