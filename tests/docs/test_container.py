"""The image is built from everything that the program is compiled from, which no other build would notice."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).parent.parent.parent
INCLUDED = re.compile(r'include(?:_str|_bytes)?!\(\s*"([^"]+)"')


def sent():
    """What the engine is sent of the folder: .containerignore leaves out everything that it does not name."""
    lines = (ROOT / ".containerignore").read_text().splitlines()
    return {line[1:] for line in lines if line.startswith("!")}


def compiled():
    """Every file that a source of the program includes, by the source."""
    for source in sorted(ROOT.glob("crates/*/src/**/*.rs")):
        for path in INCLUDED.findall(source.read_text()):
            yield source, (source.parent / path).resolve().relative_to(ROOT)


class Container(unittest.TestCase):
    def test_the_build_is_sent_what_it_compiles(self):
        files = list(compiled())
        self.assertGreater(len(files), 10)
        for source, path in files:
            self.assertTrue((ROOT / path).is_file(), f"{source} includes {path}")
            self.assertIn(path.parts[0], sent(), f"{source} includes {path}")


if __name__ == "__main__":
    unittest.main()
