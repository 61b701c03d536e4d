"""Runs every command and query of README.md and docs/, and follows every link between documents.

Files are found, not listed: a new one is covered once it is there. Each is read by `reader.py` in a
process of its own. What is not run says why in the document, and is counted and shown here.
"""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from blocks import Malformed, anchors_of, blocks_of, links_of

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
LCW = ROOT / os.environ.get("LCW", "target/debug/lcw")
SIDE_BY_SIDE = 2


def documents():
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]


def broken_links(files):
    """Links to files and headings that are not there."""
    for file in files:
        for line, target in links_of(file.read_text()):
            if "://" in target or target.startswith("mailto:"):
                continue
            path, _, anchor = target.partition("#")
            aim = (file.parent / path).resolve() if path else file
            place = f"{file.relative_to(ROOT)}:{line}"
            if not aim.exists():
                yield f"{place}: {target} is not there"
            elif anchor and anchor not in anchors_of(aim.read_text()):
                yield f"{place}: {target} has no such heading"


def unlisted(files):
    """Documents that the index does not lead to."""
    index = ROOT / "docs/README.md"
    listed = {(index.parent / target.partition("#")[0]).resolve() for _, target in links_of(index.read_text())}
    for file in files:
        if file.parent.name == "docs" and file != index and file not in listed:
            yield f"{file.relative_to(ROOT)} is not in docs/README.md"


def read(document):
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, HERE / "reader.py", document, scratch]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"LCW": str(LCW)})
    if done.returncode != 0:
        return {"run": 0, "shown": 0, "not_run": [], "failed": [f"{document}\n{done.stderr}"], "seconds": 0}
    return json.loads(done.stdout)


def main():
    if not LCW.exists():
        sys.exit(f"{LCW} is not built: run `make test-docs`")
    for tool in ("bash", "jq", "curl"):
        if shutil.which(tool) is None:
            sys.exit(f"{tool} is missing: the documents use it")
    files = documents()
    chosen = [file for file in files if not sys.argv[1:] or file.name in sys.argv[1:]]
    problems = []
    for file in files:
        try:
            blocks_of(file.read_text())
        except Malformed as error:
            problems.append(f"{file.relative_to(ROOT)}:{error}")
    others = [ROOT / name for name in ("ARCHITECTURE.md", "SECURITY.md", "RELIABILITY.md", "CHANGELOG.md")]
    problems += [*broken_links(files + others), *unlisted(files)]
    total, left_out = 0, []
    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for file, report in zip(chosen, pool.map(read, chosen)):
            total += report["run"]
            left_out += report["not_run"]
            problems += report["failed"]
            print(
                f"{file.relative_to(ROOT)}: {report['run']} run, {report['shown']} shown, "
                f"{len(report['not_run'])} not run, {len(report['failed'])} failed, {report['seconds']} s"
            )
    for reason in left_out:
        print(f"not run: {reason}")
    if total == 0:
        problems.append("no block was run: something is wrong with the suite")
    for problem in problems:
        print(f"\nFAILED {problem}", file=sys.stderr)
    print(f"{total} run, {len(left_out)} not run, {len(problems)} failed")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
