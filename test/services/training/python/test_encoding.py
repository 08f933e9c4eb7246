"""Raw values become the same vectors here and wherever spec.json is followed."""

from __future__ import annotations

import math
import unittest

import numpy as np

from orrery_training.dataset import Category, Dataset
from orrery_training.definition import parse_definition
from orrery_training.encoding import encode_columns, encode_rows, fit_spec
from orrery_training.errors import TrainingError
from synthetic import make_definition

SPEC = {
    "inputs": [
        {"name": "hour", "type": "number"},
        {
            "name": "airport",
            "type": "category",
            "encoding": {"kind": "target-mean", "values": {"AAA": 4.5, "BBB": -2.25}, "unseen": 1.5},
        },
    ]
}


def small_dataset() -> Dataset:
    """600 training rows of AAA at 10, 200 of BBB at 30, 3 test rows."""
    codes = np.array([0] * 600 + [1] * 200 + [1, 2, -1], dtype=np.int32)
    rows = len(codes)
    return Dataset(
        days=np.zeros(rows, dtype=np.int32),
        target=np.array([10.0] * 600 + [30.0] * 200 + [0.0, 0.0, 0.0]),
        numbers={"hour": np.arange(rows, dtype=np.float32), "backlog": np.zeros(rows, dtype=np.float32)},
        categories={"airport": Category(codes, ("AAA", "BBB", "CCC"))},
        row_hash=np.arange(rows, dtype=np.uint64),
        file_rows=np.arange(rows),
        train=np.arange(800),
        test=np.arange(800, 803),
        rows_read=rows,
    )


class Encoding(unittest.TestCase):
    def test_a_number_becomes_the_nearest_float32_and_null_becomes_nan(self) -> None:
        encoded = encode_rows([[0.1, "AAA"], [None, None], [16777217, "BBB"], [1e39, "AAA"], [-0.0, "AAA"]], SPEC)
        self.assertEqual(encoded.dtype, np.float32)
        self.assertEqual([float(value) for value in encoded[0]], [0.10000000149011612, 4.5])
        self.assertTrue(np.isnan(encoded[1]).all())
        self.assertEqual(float(encoded[2, 0]), 16777216.0)
        self.assertEqual(float(encoded[3, 0]), math.inf)
        self.assertEqual(math.copysign(1, encoded[4, 0]), -1)

    def test_a_word_that_the_table_lacks_takes_the_value_for_unseen_ones(self) -> None:
        words = ["BBB", "CCC", "aaa", "", "__proto__", "constructor"]
        encoded = encode_rows([[0, word] for word in words], SPEC)
        self.assertEqual([float(value) for value in encoded[:, 1]], [-2.25, 1.5, 1.5, 1.5, 1.5, 1.5])

    def test_a_value_of_another_type_is_no_number_and_no_word(self) -> None:
        for row in (["7", "AAA"], [True, "AAA"], [7, 3]):
            with self.assertRaises(TrainingError):
                encode_rows([row], SPEC)

    def test_the_table_is_the_training_mean_drawn_to_the_mean_of_all_by_200_rows(self) -> None:
        spec = fit_spec(small_dataset(), parse_definition(make_definition()))
        airport = spec["inputs"][2]
        # The mean of all is (600 x 10 + 200 x 30) / 800 = 15; AAA (6000 + 3000) / 800; BBB (6000 + 3000) / 400.
        self.assertEqual(
            airport,
            {
                "name": "airport",
                "type": "category",
                "encoding": {"kind": "target-mean", "values": {"AAA": 11.25, "BBB": 22.5}, "unseen": 15.0},
            },
        )

    def test_columns_and_rows_are_encoded_to_the_same_bits(self) -> None:
        dataset = small_dataset()
        spec = fit_spec(dataset, parse_definition(make_definition()))
        by_column = encode_columns(dataset, spec, dataset.test)
        by_row = encode_rows([[800, 0, "BBB"], [801, 0, "CCC"], [802, 0, None]], spec)
        np.testing.assert_array_equal(by_column, by_row)
        self.assertEqual(float(by_column[1, 2]), 15.0)


if __name__ == "__main__":
    unittest.main()
