"""A fitted model with everything it was fitted from: what the evidence is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .dataset import Dataset
from .definition import Definition
from .estimators.interface import Estimator


@dataclass(frozen=True)
class Trained:
    definition: Definition
    dataset: Dataset
    spec: dict[str, Any]
    """The content of spec.json."""
    model: Estimator
