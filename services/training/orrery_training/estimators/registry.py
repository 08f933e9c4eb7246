"""Every estimator that a definition can name."""

from __future__ import annotations

from .interface import Estimator
from .sklearn_hist_gradient_boosting import HistGradientBoostingRegressor

ESTIMATORS: dict[tuple[str, str], type[Estimator]] = {
    (adapter.framework, adapter.name): adapter for adapter in (HistGradientBoostingRegressor,)
}


def frameworks() -> tuple[str, ...]:
    return tuple(sorted({framework for framework, _ in ESTIMATORS}))


def estimators_of(framework: object) -> tuple[str, ...]:
    """The estimators of a framework; of all frameworks when it is none that is known."""
    return tuple(name for of, name in ESTIMATORS if of == framework) or tuple(name for _, name in ESTIMATORS)


def adapter_of(framework: object, estimator: object) -> type[Estimator] | None:
    """None when the pair is not known: the schema then says which word is wrong."""
    if not isinstance(framework, str) or not isinstance(estimator, str):
        return None
    return ESTIMATORS.get((framework, estimator))
