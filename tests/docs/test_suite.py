"""The suite itself: a document that says something wrong fails, one that is left out says why."""

import pathlib
import tempfile
import unittest

from blocks import Malformed, anchors_of, begins_empty, blocks_of, links_of
from documents import broken_links, read


def fenced(language, text, before=""):
    return f"{before}\n\n```{language}\n{text}\n```\n\n"


class Blocks(unittest.TestCase):
    def test_comments_right_before_a_block_are_heeded_and_others_are_not(self):
        text = fenced("console", "a", "<!-- not run: needs Azure -->") + "words" + fenced("sh", "b")
        one, two = blocks_of(text)
        self.assertEqual((one.not_run, two.not_run), ("needs Azure", None))
        text = "<!-- exits: 4 -->\nwords" + fenced("sh", "a")
        self.assertEqual(blocks_of(text)[0].exits, 0)
        text = fenced("sh", "a", "<!-- first: x -->\n<!-- first: y\n z -->\n<!-- exits: 4 -->")
        block = blocks_of(text)[0]
        self.assertEqual((block.first, block.exits), (["x", "y z"], 4))

    def test_blocks_in_lists_are_set_out(self):
        block = blocks_of("1. a\n\n   ```console\n   if x\n     y\n   ```\n")[0]
        self.assertEqual((block.line, block.language, block.text), (3, "console", "if x\n  y\n"))

    def test_what_is_malformed_is_refused(self):
        for text in ("```sh\nnever closed\n", fenced("sh", "a", "<!-- not run: -->"), fenced("sh", "a", "<!-- not run: no -->")):
            with self.assertRaises(Malformed):
                blocks_of(text)

    def test_a_document_begins_empty_when_it_says_so_at_its_beginning(self):
        self.assertTrue(begins_empty("<!-- begins: empty -->\n# A\n" + fenced("sh", "a")))
        self.assertFalse(begins_empty("# A\n" + fenced("sh", "a") + "<!-- begins: empty -->\n"))

    def test_links_are_found_outside_of_code(self):
        text = "[a](b.md#c) `[x](y)`\n```sh\n[q](r)\n```\n[d](#e)\n"
        self.assertEqual(list(links_of(text)), [(1, "b.md#c"), (5, "#e")])
        self.assertEqual(anchors_of("# A b, `c`: d!\n```sh\n# no\n```\n"), {"a-b-c-d"})


class Links(unittest.TestCase):
    def test_a_link_to_nothing_is_broken(self):
        root = pathlib.Path(__file__).parent.parent.parent
        with tempfile.NamedTemporaryFile("w", suffix=".md", dir=root / "docs") as file:
            file.write("# Here\n[a](README.md) [b](#here) [c](https://x.example) [d](nowhere.md) [e](#there)\n")
            file.flush()
            broken = [problem.split(": ")[1] for problem in broken_links([pathlib.Path(file.name)])]
        self.assertEqual(broken, ["nowhere.md is not there", "#there has no such heading"])


class Documents(unittest.TestCase):
    """Every kind of block, once right and once wrong, with the built program."""

    RIGHT = [
        fenced("console", "lcw doctor --out fresh\ncd /srv"),
        fenced("sh", "test \"$(pwd)\" = /srv && X=5", "<!-- first: MORE=6 -->"),
        fenced("sh", "test $X$MORE = 56; export AZURE_TENANT_ID=…\nlcw plan export --out fresh"),
        fenced("sh", "exit 3", "<!-- exits: 3 -->"),
        fenced("cron", "# nightly\n5 */3 * * * true"),
        fenced("sql", "SELECT 1;\nSELECT now();"),
        fenced("python", "import duckdb, pyarrow, polars, pandas"),
        fenced("toml", "[load]\nout = \"x\""),
        fenced("toml", "[other]\nkey = 1"),
        fenced("json", "{}"),
        fenced("text", "whatever"),
        fenced("bicep", "x", "<!-- not run: no such tool -->"),
    ]
    WRONG = [
        fenced("console", "lcw exprot"),
        fenced("console", "false | cat"),
        fenced("console", "false\ntrue"),
        fenced("console", "true", "<!-- exits: 3 -->"),
        fenced("console", "true", "<!-- first: false -->"),
        fenced("cron", "5 */3 * * * false"),
        fenced("cron", "5 * true"),
        fenced("sql", "SELECT 1; SELECT nothing"),
        fenced("sql", "-- nothing"),
        fenced("python", "import nothing"),
        fenced("toml", "[load]\nuot = \"x\""),
        fenced("toml", "[load"),
        fenced("json", "{"),
        fenced("powershell", "lcw export"),
        fenced("", "lcw export"),
    ]

    def report(self, blocks):
        with tempfile.NamedTemporaryFile("w", suffix=".md") as file:
            file.write("<!-- begins: empty -->\n" + "".join(blocks))
            file.flush()
            return read(pathlib.Path(file.name))

    def test_what_is_right_passes(self):
        report = self.report(self.RIGHT)
        self.assertEqual(report["failed"], [])
        self.assertEqual((report["run"], report["shown"], len(report["not_run"])), (10, 1, 1))

    def test_everything_that_is_wrong_fails(self):
        report = self.report(self.WRONG)
        self.assertEqual(len(report["failed"]), len(self.WRONG), report)


if __name__ == "__main__":
    unittest.main()
