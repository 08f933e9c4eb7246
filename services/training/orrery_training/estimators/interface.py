"""What a framework implements to train here: one class an estimator, listed in `registry.py`.

A class that follows this needs to know nothing of files, splits, encodings, metrics or certificates; the trainer needs
to know nothing of the framework. The module imports its framework inside the methods, so that a wrong definition is
answered before a second has gone into imports.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ..rules import Rule

if TYPE_CHECKING:
    import numpy as np

# The names of the one input and the one output of every exported model.
INPUT_NAME = "features"
OUTPUT_NAME = "prediction"


class Estimator(Protocol):
    framework: ClassVar[str]
    """The word of `framework` in a definition, for example `scikit-learn`."""

    name: ClassVar[str]
    """The word of `estimator` in a definition, for example `HistGradientBoostingRegressor`."""

    parameter_rules: ClassVar[Mapping[str, Rule]]
    """Every parameter that a definition may set, with its bounds. All are optional."""

    libraries: ClassVar[tuple[str, ...]]
    """The distributions whose versions decide the result; they are written into `result.json`."""

    def __init__(self, parameters: Mapping[str, Any], seed: int) -> None: ...

    def fit(self, X: np.ndarray, y: np.ndarray) -> None:
        """X: float32 [n, k], NaN where a value is missing. y: float64 [n]. The same input gives the same model,
        whatever the number of threads."""

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The framework's own answers, float64 [n]. NaN and infinities in X are answered, not refused."""

    def export(self, path: Path) -> None:
        """Writes ONNX: input `features` float32 [n, k], output `prediction` float32 [n, 1]. The bytes depend on nothing
        but the model: no random names, no time, no order of a hash table."""

    def probes(self) -> list[tuple[int, float]]:
        """(column, value) pairs beside which the answer may jump, such as the thresholds of trees. The parity
        certificate looks at both sides of them. Empty where an estimator has none."""
