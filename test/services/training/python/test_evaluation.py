"""The metric, the baselines and the interval, against values worked out by hand."""

from __future__ import annotations

import unittest
from typing import Any

import numpy as np

from orrery_training.dataset import Category, Dataset
from orrery_training.definition import Baseline, Bootstrap, parse_definition
from orrery_training.evaluation import evaluate, interval_by_block, judge_baselines, predict_baseline, rounded
from synthetic import make_definition

NAN = float("nan")


def tiny_dataset() -> Dataset:
    """Six training rows, then five test rows on five days."""
    return Dataset(
        days=np.array([0] * 6 + [10, 11, 12, 13, 14], dtype=np.int32),
        target=np.array([1.0, 3.0, 10.0, 20.0, 5.0, 9.0, 4.0, 15.0, 6.0, 8.0, 2.0]),
        numbers={"hour": np.array([7, 7, 7, 8, NAN, NAN, 7, 7, NAN, 9, 8], dtype=np.float32)},
        categories={"airport": Category(np.array([0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 2], dtype=np.int32), ("A", "B", "C"))},
        row_hash=np.arange(11, dtype=np.uint64),
        file_rows=np.arange(11),
        train=np.arange(6),
        test=np.arange(6, 11),
        rows_read=11,
    )


def metrics_of(*differences: tuple[float, float, float]) -> dict[str, Any]:
    return {
        "baselines": [
            {"squaredErrorDifference": {"point": point, "low": low, "high": high}, "beats": high < 0}
            for point, low, high in differences
        ]
    }


class Baselines(unittest.TestCase):
    def test_the_mean_is_that_of_the_training_rows(self) -> None:
        np.testing.assert_allclose(predict_baseline(tiny_dataset(), Baseline("mean", ())), [8.0] * 5)

    def test_a_group_gets_its_training_mean_and_a_group_that_training_lacks_the_mean_of_all(self) -> None:
        guessed = predict_baseline(tiny_dataset(), Baseline("group-mean", ("airport", "hour")))
        # (A, 7): (1 + 3) / 2; (B, 7): 10; (A, missing): (5 + 9) / 2; (A, 9) and (C, 8) were never seen.
        np.testing.assert_allclose(guessed, [2.0, 10.0, 7.0, 8.0, 8.0])


class Intervals(unittest.TestCase):
    def test_a_difference_that_never_varies_has_an_interval_of_one_point(self) -> None:
        interval = interval_by_block(np.full(50, -2.5), np.repeat(np.arange(10), 5), Bootstrap(200, 0.95), 1)
        self.assertEqual((interval.point, interval.low, interval.high), (-2.5, -2.5, -2.5))

    def test_the_same_seed_gives_the_same_interval_and_another_one_does_not(self) -> None:
        random = np.random.default_rng(0)
        values, blocks = random.normal(size=600), np.repeat(np.arange(30), 20)
        first, again, other = (interval_by_block(values, blocks, Bootstrap(2500, 0.9), seed) for seed in (4, 4, 5))
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)

    def test_rows_that_share_their_day_count_as_little_more_than_one(self) -> None:
        random = np.random.default_rng(2)
        blocks = np.repeat(np.arange(30), 400)
        values = random.normal(0, 1, 30)[blocks]
        by_day = interval_by_block(values, blocks, Bootstrap(2000, 0.95), 1)
        by_row = interval_by_block(values, np.arange(len(values)), Bootstrap(2000, 0.95), 1)
        # The true standard error is 1 / sqrt(30) = 0.18, so the interval is about 0.7 wide; by rows it would be 0.036.
        self.assertTrue(0.5 < by_day.high - by_day.low < 0.95, by_day)
        self.assertTrue(by_row.high - by_row.low < 0.05, by_row)

    def test_the_interval_covers_the_truth_about_as_often_as_it_says(self) -> None:
        random = np.random.default_rng(8)
        covered = 0
        for trial in range(300):
            blocks = np.repeat(np.arange(30), 3)
            values = random.normal(0, 1, 30)[blocks] + random.normal(0, 0.3, 90)
            interval = interval_by_block(values, blocks, Bootstrap(400, 0.95), trial)
            covered += interval.low <= 0 <= interval.high
        self.assertTrue(265 <= covered <= 297, covered)


class Evaluation(unittest.TestCase):
    def test_errors_and_differences_are_those_of_the_hand(self) -> None:
        definition = parse_definition(make_definition())
        predicted = np.array([4.0, 12.0, 6.0, 8.0, 6.0])
        metrics = evaluate(tiny_dataset(), definition, predicted)
        # The errors are 0, 3, 0, 0, -4: mean square 5, mean 1.4.
        self.assertEqual(metrics["model"], {"rmse": 2.236068, "mae": 1.4})
        mean, group = metrics["baselines"]
        # Against 8: -4, 7, -2, 0, -6, mean square 21. Against the groups: 2, 5, -1, 0, -6, mean square 13.2.
        self.assertEqual((mean["rmse"], mean["mae"]), (4.582576, 3.8))
        self.assertEqual((group["rmse"], group["by"]), (3.63318, ["airport", "hour"]))
        self.assertEqual(mean["squaredErrorDifference"]["point"], -16.0)
        self.assertEqual(group["squaredErrorDifference"]["point"], -8.2)
        self.assertEqual(metrics["bootstrap"]["blocks"], 5)

    def test_a_model_that_repeats_a_baseline_does_not_beat_it(self) -> None:
        definition = parse_definition(make_definition())
        metrics = evaluate(tiny_dataset(), definition, np.full(5, 8.0))
        self.assertFalse(metrics["baselines"][0]["beats"])
        self.assertEqual(metrics["baselines"][0]["squaredErrorDifference"], {"point": 0.0, "low": 0.0, "high": 0.0})

    def test_numbers_for_json_are_never_minus_zero(self) -> None:
        self.assertEqual(str(rounded(-1e-12)), "0.0")


class Gate(unittest.TestCase):
    def test_better_beyond_every_interval_passes(self) -> None:
        self.assertEqual(judge_baselines(metrics_of((-3, -5, -1), (-2, -4, -0.1)), True)["verdict"], "pass")

    def test_an_interval_that_includes_zero_asks_for_a_review(self) -> None:
        self.assertEqual(judge_baselines(metrics_of((-3, -5, -1), (-2, -4, 0.0)), True)["verdict"], "review")

    def test_worse_beyond_an_interval_blocks(self) -> None:
        self.assertEqual(judge_baselines(metrics_of((-3, -5, -1), (2, 0.1, 4)), True)["verdict"], "block")

    def test_a_definition_that_does_not_ask_turns_the_gate_off(self) -> None:
        self.assertEqual(judge_baselines(metrics_of((2, 0.1, 4)), False)["verdict"], "off")


if __name__ == "__main__":
    unittest.main()
