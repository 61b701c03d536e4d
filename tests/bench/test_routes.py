"""When datasets hold the same."""

import json
import pathlib
import types
import unittest
import unittest.mock

import measured
import routes
import same_rows
from contestants import RESULTS


class SameRows(unittest.TestCase):
    ROWS = [{"id": "a", "_lcw_export_id": "1"}, {"id": "b", "_lcw_export_id": "1"}]

    def test_neither_order_nor_lineage_makes_a_difference(self):
        other = [{"_lcw_export_id": "2", "id": "b"}, {"_lcw_export_id": "3", "id": "a"}]
        self.assertEqual(same_rows.told(other), same_rows.told(self.ROWS))

    def test_every_row_and_every_value_does(self):
        first, second = self.ROWS
        for other in ([first], [first, second, second], [first, second | {"id": "c"}], [first, second | {"x": None}]):
            self.assertNotEqual(same_rows.told(other), same_rows.told(self.ROWS), other)


class Comparison(unittest.TestCase):
    def setUp(self):
        by = types.SimpleNamespace(scratch=pathlib.Path("scratch"))
        self.routes = routes.Routes(by, types.SimpleNamespace(rows=2))

    def compare(self, **tables):
        said = types.SimpleNamespace(stdout=json.dumps(tables))
        with unittest.mock.patch("measured.run", return_value=said):
            self.routes.compare("auto")

    def test_the_same_passes(self):
        for _ in range(2):
            self.compare(**{RESULTS: {"rows": 2, "digest": "a"}, "runs": {"rows": 9, "digest": "b"}})

    def test_rows_that_the_tenant_has_must_have_come(self):
        with self.assertRaisesRegex(measured.Failed, "1 of 2 rows"):
            self.compare(**{RESULTS: {"rows": 1, "digest": "a"}})

    def test_a_table_that_holds_something_else_is_named(self):
        results = {"rows": 2, "digest": "a"}
        self.compare(**{RESULTS: results, "runs": {"rows": 9, "digest": "b"}})
        for runs in ({"runs": {"rows": 9, "digest": "c"}}, {}, {"runs": {"rows": 9, "digest": "b"}, "more": {}}):
            with self.assertRaisesRegex(measured.Failed, "something else: (runs|more)"):
                self.compare(**{RESULTS: results}, **runs)


if __name__ == "__main__":
    unittest.main()
