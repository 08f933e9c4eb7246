"""A definition's mistakes are told one by one: where, what, the nearest word, and what to do."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

from orrery_training.definition import parse_definition, read_definition
from orrery_training.errors import UserError
from synthetic import make_definition

# (what stands where, or REMOVED), and what the message must hold.
REMOVED = object()
MISTAKES: list[tuple[str, Any, list[str]]] = [
    ("kind", "Modell", ["kind", '"Modell"', 'nearest is "Model"']),
    ("schema", 2, ["schema", "2", "write 1"]),
    ("name", "Planted Delay", ["name", '"Planted Delay"', "lower-case"]),
    ("owner", REMOVED, ["owner", "missing", "add it"]),
    ("task", "regresion", ["task", 'nearest is "regression"']),
    ("target.colum", "delay", ["target.colum", "not a key", 'nearest is "column"']),
    ("target.unit", 5, ["target.unit", "5", "write text"]),
    ("known", "x" * 2001, ["known", "2001 characters", "2000"]),
    ("featureset", "planted", ["featureset", "not a key", 'nearest is "featureSet"']),
    ("features", [], ["features", "0 entries", "1 to 1000"]),
    ("features", "hour", ["features", '"hour"', "write a list"]),
    ("features.0.type", "numeric", ["features[0].type", '"numeric"', "category, number"]),
    ("features.1.name", "hour", ["features[1].name", '"hour"', "twice"]),
    ("features.0.name", "delay", ["features[0].name", '"delay"', "the target", "remove it"]),
    ("features.0.name", "row_number", ["features[0].name", '"row_number"', "which row it is"]),
    ("features.0.name", "day", ["features[0].name", '"day"', "which row it is"]),
    ("framework", "sklearn", ["framework", '"sklearn"', 'nearest is "scikit-learn"']),
    ("estimator", "HistGradientBoosting", ["estimator", 'nearest is "HistGradientBoostingRegressor"']),
    ("parameters.max_itre", 5, ["parameters.max_itre", "not a key", 'nearest is "max_iter"']),
    ("parameters.max_iter", 0, ["parameters.max_iter", "is 0", "from 1 to 2000"]),
    ("parameters.max_iter", 2.5, ["parameters.max_iter", "2.5", "whole number"]),
    ("parameters.max_iter", True, ["parameters.max_iter", "true", "whole number"]),
    ("parameters.max_depth", 0, ["parameters.max_depth", "or null"]),
    ("parameters.learning_rate", "fast", ["parameters.learning_rate", '"fast"', "above 0 to 1"]),
    ("parameters.learning_rate", 0, ["parameters.learning_rate", "is 0", "above 0"]),
    ("seed", -1, ["seed", "-1", "from 0"]),
    ("split.by", "week", ["split.by", '"week"', "day"]),
    ("split.train.from", "2001-02-30", ["split.train.from", '"2001-02-30"', "calendar"]),
    ("split.train.from", "2001-04-19", ["split.train.from", '"2001-04-19"', "exchange"]),
    ("split.test.from", "2001-04-09", ["split.test.from", '"2001-04-09"', "not after", "later days"]),
    ("sampling.trainRowsMax", 10, ["sampling.trainRowsMax", "from 1000"]),
    ("baselines", [], ["baselines", "0 entries"]),
    ("baselines.0.kind", "median", ["baselines[0].kind", '"median"', "group-mean, mean"]),
    ("baselines.0.by", ["hour"], ["baselines[0].by", "not a key"]),
    ("baselines.1.by", REMOVED, ["baselines[1].by", "missing"]),
    ("baselines.1.by", ["delay"], ["baselines[1].by[0]", '"delay"', "group by a feature"]),
    ("metric", "rsme", ["metric", 'nearest is "rmse"']),
    ("gates.beatsBaselines", "yes", ["gates.beatsBaselines", '"yes"', "true or false"]),
    ("gates.bootstrap.confidence", 1, ["gates.bootstrap.confidence", "below 1"]),
    ("gates.bootstrap.resamples", 50, ["gates.bootstrap.resamples", "from 100"]),
    ("parity.rows", 999, ["parity.rows", "999", "from 1000"]),
    ("parity.tolerance", 0, ["parity.tolerance", "above 0"]),
    ("resources.threads", 0, ["resources.threads", "from 1"]),
    ("card.limit", "none", ["card.limit", 'nearest is "limits"']),
    ("card.contact", REMOVED, ["card.contact", "missing"]),
]


def with_mistake(path: str, value: Any) -> dict[str, Any]:
    definition = copy.deepcopy(make_definition())
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = definition
    for part in parents:
        place = place[part]
    if value is REMOVED:
        del place[last]
    else:
        place[last] = value
    return definition


class Definitions(unittest.TestCase):
    def test_each_mistake_is_told_with_its_key_its_value_and_its_remedy(self) -> None:
        for path, value, fragments in MISTAKES:
            with self.subTest(path=path, value=value if value is not REMOVED else "removed"):
                with self.assertRaises(UserError) as caught:
                    parse_definition(with_mistake(path, value))
                message = str(caught.exception)
                self.assertTrue(message.startswith("in/model.json: "), message)
                self.assertNotIn("\n", message)
                for fragment in fragments:
                    self.assertIn(fragment, message)

    def test_what_may_be_left_out_may_be_left_out(self) -> None:
        definition = make_definition()
        del definition["parameters"], definition["sampling"]
        parsed = parse_definition(definition)
        self.assertEqual((parsed.tenant, parsed.parameters, parsed.train_rows_max), ("main", {}, None))

    def test_a_key_that_stands_twice_is_not_silently_the_last_one(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.json"
            file.write_text(json.dumps(make_definition()).replace('"seed": 3', '"seed": 3, "seed": 4'))
            with self.assertRaisesRegex(UserError, "seed stands twice"):
                read_definition(file)

    def test_anything_but_an_object_of_json_is_refused(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.json"
            for content, message in ((b"{", "not JSON"), (b"\xff\xfe", "not JSON"), (b"[]", "keys and values")):
                file.write_bytes(content)
                with self.assertRaisesRegex(UserError, message):
                    read_definition(file)

    def test_a_mistake_is_answered_without_loading_a_framework(self) -> None:
        script = (
            "import sys, orrery_training.definition; "
            "print([name for name in ('numpy', 'sklearn', 'pyarrow', 'onnx') if name in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout.strip(), "[]")


if __name__ == "__main__":
    unittest.main()
