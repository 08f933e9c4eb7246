"""What is read from the dataset, in which order, and what is refused."""

from __future__ import annotations

import datetime
import tempfile
import unittest
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from orrery_training.dataset import Dataset, raw_rows, read_dataset, sample_of
from orrery_training.definition import parse_definition
from orrery_training.errors import UserError
from synthetic import FILE_DIGEST, make_definition, make_rows


class Datasets(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.file = Path(self.folder.name) / "dataset.parquet"

    def read(self, rows: dict[str, Any] | pa.Table, definition: dict[str, Any] | None = None) -> Dataset:
        pq.write_table(rows if isinstance(rows, pa.Table) else pa.table(rows), self.file)
        return read_dataset(self.file, parse_definition(definition or make_definition()))

    def refused(self, change: dict[str, Any], fragment: str) -> None:
        rows = {**make_rows(rows=2000), **change}
        with self.assertRaises(UserError) as caught:
            self.read({name: value for name, value in rows.items() if value is not None})
        self.assertIn(fragment, str(caught.exception))

    def test_the_order_of_rows_in_the_file_decides_nothing(self) -> None:
        table = pa.table(make_rows(rows=3000))
        first = self.read(table)
        second = self.read(table.take(np.random.default_rng(5).permutation(3000)))
        for name in ("days", "target", "row_hash", "train", "test"):
            np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
        np.testing.assert_array_equal(first.numbers["backlog"], second.numbers["backlog"])
        np.testing.assert_array_equal(first.categories["airport"].codes, second.categories["airport"].codes)

    def test_the_split_is_by_day_with_both_ends_included(self) -> None:
        dataset = self.read(make_rows())
        days = [str(np.datetime64(int(dataset.days[place]), "D")) for place in dataset.train[[0, -1]]]
        self.assertEqual((min(days), max(days)), ("2001-03-01", "2001-04-09"))
        self.assertEqual(str(np.datetime64(int(dataset.days[dataset.test].min()), "D")), "2001-04-10")
        self.assertEqual(str(np.datetime64(int(dataset.days[dataset.test].max()), "D")), "2001-04-29")

    def test_a_day_may_be_a_date_a_time_or_the_number_of_days_that_clickhouse_writes(self) -> None:
        rows = make_rows(rows=2000)
        expected = self.read(rows).days
        for kind in (pa.timestamp("ms"), pa.date64()):
            np.testing.assert_array_equal(self.read({**rows, "day": rows["day"].cast(kind)}).days, expected)
        numbers = rows["day"].cast(pa.int32()).cast(pa.uint16())
        np.testing.assert_array_equal(self.read({**rows, "day": numbers}).days, expected)

    def test_words_may_come_as_bytes_or_as_a_dictionary(self) -> None:
        rows = make_rows(rows=2000)
        expected = self.read(rows).categories["airport"]
        for words in (rows["airport"].cast(pa.binary()), rows["airport"].dictionary_encode()):
            category = self.read({**rows, "airport": words}).categories["airport"]
            self.assertEqual(category.words, expected.words)
            np.testing.assert_array_equal(category.codes, expected.codes)

    def test_a_sample_has_the_rows_asked_the_same_ones_each_time_and_is_no_part_of_the_days(self) -> None:
        dataset = self.read(make_rows())
        sample = sample_of(dataset, dataset.train, 1500)
        self.assertEqual(len(sample), 1500)
        np.testing.assert_array_equal(sample, sample_of(dataset, dataset.train, 1500))
        self.assertEqual(len(np.unique(dataset.days[sample])), 40)
        np.testing.assert_array_equal(sample_of(dataset, dataset.train, None), dataset.train)

    def test_numbers_are_rounded_to_float32_once_and_missing_ones_are_nan(self) -> None:
        rows = make_rows(rows=2000)
        # 2^60 + 2^36 + 1 lies above the middle of two float32; as a float64 it is that middle, which rounds to even.
        rows["hour"] = pa.array([None, 2**60 + 2**36 + 1, *range(1998)], pa.int64())
        rows["backlog"] = pa.array([float("nan"), 0.1, *([1.5] * 1998)])
        dataset = self.read(rows)
        self.assertTrue(np.isnan(dataset.numbers["hour"][0]) and np.isnan(dataset.numbers["backlog"][0]))
        self.assertEqual(float(dataset.numbers["hour"][1]), float(2**60))
        self.assertEqual(float(dataset.numbers["backlog"][1]), 0.10000000149011612)

    def test_raw_rows_are_what_json_would_carry(self) -> None:
        rows = make_rows(rows=2000)
        rows["backlog"] = pa.array([float("nan"), 0.1, *([1.5] * 1998)])
        rows["airport"] = pa.array(["AAA", None, *(["BBB"] * 1998)]).dictionary_encode()
        rows["hour"] = np.array([7, 8, *([1] * 1998)], dtype=np.int16)
        self.read(rows)
        found = raw_rows(self.file, ["hour", "backlog", "airport"], np.array([1, 0]))
        self.assertEqual(found, [[8, 0.1, None], [7, None, "AAA"]])

    def test_what_cannot_be_trained_on_is_refused_with_the_column_and_the_remedy(self) -> None:
        size = 2000
        self.refused({"airport": None}, 'features names "airport", which in/dataset.parquet does not have')
        self.refused({"delay": None}, 'target.column is "delay", which in/dataset.parquet does not have')
        self.refused({"row_number": None}, 'no column "row_number"')
        self.refused(
            {"hour": ["noon"] * size}, "hour is read as a number, but in/dataset.parquet holds string: declare it"
        )
        self.refused({"airport": np.arange(size)}, "airport is declared a category, but in/dataset.parquet holds int64")
        self.refused({"hour": [float("inf")] * size}, "hour is infinite in 2000 rows")
        self.refused(
            {"delay": pa.array([None] * size, pa.float32())}, "the target delay is missing or infinite in 2000 rows"
        )
        self.refused({"day": ["2001-03-01"] * size}, "day holds string: write dates")
        self.refused({"row_number": [7] * size}, f'row_number 7 of file_digest "{FILE_DIGEST}" stands twice')
        day = pa.array([datetime.date(2001, 3, 1)] * size)
        self.refused({"day": day}, "has rows on 0 days: the interval by days needs 5")
        self.refused({"day": pa.array([datetime.date(1999, 1, 1)] * size)}, "has 0 rows, fewer than 100")

    def test_a_feature_that_is_not_there_gets_the_nearest_column(self) -> None:
        definition = make_definition()
        definition["features"][1]["name"] = "back_log"
        with self.assertRaisesRegex(UserError, 'names "back_log".*the nearest is "backlog"'):
            self.read(make_rows(rows=2000), definition)

    def test_a_file_that_is_no_parquet_is_told_without_its_path(self) -> None:
        self.file.write_bytes(b"PAR1 and nothing else")
        with self.assertRaises(UserError) as caught:
            read_dataset(self.file, parse_definition(make_definition()))
        self.assertIn("in/dataset.parquet is not a readable Parquet file", str(caught.exception))
        self.assertNotIn(self.folder.name, str(caught.exception))


if __name__ == "__main__":
    unittest.main()
