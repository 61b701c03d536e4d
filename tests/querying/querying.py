"""Runs what docs/querying.md shows, and the README's command line, against an export.

SQL runs in DuckDB's own command line with the script of `lcw connect`, Python as a program of its own,
each in a folder with a dataset `lcw-data`: one as it is exported, and one with days that an older `lcw`
wrote. Every block of Python answers the same question, so that they are held against each other.
"""

import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "duckdb"))

import install  # noqa: E402
import readback  # noqa: E402

PACKAGES = pathlib.Path(sys.prefix) / "querying"
DUCKDB = PACKAGES / "bin/duckdb"
# Nothing of another language is skipped unnoticed; Spark needs a Java machine, and the page says so.
LANGUAGES = {"sql": 7, "python": 3, "console": 3, "spark": 1}


def blocks(path):
    """The blocks of code of a page, by language."""
    found = collections.defaultdict(list)
    for language, text in re.findall(r"^```(\w*)\n(.*?)^```$", path.read_text(), re.DOTALL | re.MULTILINE):
        found[language].append(text)
    return found


def environment(scratch):
    """`lcw` is found by its name, as the page assumes, and keeps its script here."""
    programs = scratch / "bin"
    programs.mkdir()
    (programs / "lcw").symlink_to(readback.LCW.resolve())
    packages = os.pathsep.join(map(str, (PACKAGES, install.folder(install.versions()[-1]))))
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("AZURE_", "LCW_"))}
    paths = os.pathsep.join((str(programs), str(DUCKDB.parent), os.environ["PATH"]))
    return clean | {"PATH": paths, "PYTHONPATH": packages, "XDG_CACHE_HOME": str(scratch / "cache with spaces")}


def run(command, folder, env, what):
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    if done.returncode != 0 or "rror" in done.stderr:
        sys.exit(f"{what}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def command_line():
    """The line with which both pages begin."""
    lines = [
        line for page in ("README.md", "docs/querying.md")
        for block in blocks(ROOT / page)["console"] for line in block.splitlines()
        if line.startswith("duckdb --init") and "lcw-data" in line
    ]
    assert len(lines) == 2 and lines[0] == lines[1], f"the pages differ, or do not show it: {lines}"
    return lines[0]


def check_sql(texts, folder, env):
    for text in texts:
        query = " ".join(line for line in text.splitlines() if not line.startswith("--"))
        line = f"{command_line()} -json -c {shell(query)}"
        answer = run(["sh", "-c", line], folder, env, text)
        assert json.loads(answer), f"nothing comes of\n{text}"


def shell(text):
    return "'" + text.replace("'", "'\\''") + "'"


def check_python(texts, folder, env):
    """Each assigns users by workflow to `answer`: pairs of an id and a number."""
    answers = []
    for text in texts:
        shown = "\nimport json\nprint(json.dumps(sorted([str(a), int(b)] for a, b in answer)))\n"
        answers.append(json.loads(run([sys.executable, "-c", text + shown], folder, env, text)))
    assert answers[0] and all(answer == answers[0] for answer in answers), answers


def check_read_only(folder, env):
    """A database file stays as it was, and may be opened by readers only."""
    (folder / "mine.duckdb").unlink(missing_ok=True)
    run(["duckdb", "mine.duckdb", "-c", "CREATE TABLE runs AS SELECT 1 AS mine"], folder, env, "a database")
    before = (folder / "mine.duckdb").read_bytes()
    query = "SELECT (SELECT count(*) FROM runs) > 1 AS views, (SELECT mine FROM mine.main.runs) AS own"
    for flags in ("-readonly", ""):
        line = command_line().replace("duckdb ", f"duckdb mine.duckdb {flags} ", 1)
        answer = run(["sh", "-c", f"{line} -json -c {shell(query)}"], folder, env, query)
        assert json.loads(answer) in ([{"views": True, "own": 1}], [{"views": "true", "own": 1}]), answer
    assert (folder / "mine.duckdb").read_bytes() == before, "the script left something in the database"


def with_older_days(whole, folder):
    """The same dataset, its oldest days and its newest but one as an older `lcw` wrote them."""
    os.environ["PYTHONPATH"] = ""
    sys.path.insert(0, str(install.folder(install.versions()[-1])))
    import duckdb
    from queries import as_version_1

    out = shutil.copytree(whole, folder / "lcw-data")
    for table in ("runs", "user_processing_results"):
        days = sorted(out.glob(f"{table}/*/*/part-0.parquet"))
        for path in [*days[:2], days[-2]]:
            as_version_1(duckdb.connect(), path, table)


def main():
    if not readback.LCW.exists():
        sys.exit(f"{readback.LCW} is not built: run `make test`")
    page = blocks(ROOT / "docs/querying.md")
    counted = {language: len(texts) for language, texts in page.items()}
    assert counted == LANGUAGES, f"blocks of docs/querying.md: {counted}"
    with tempfile.TemporaryDirectory() as scratch, readback.simulated_tenant() as tenant:
        scratch = pathlib.Path(scratch)
        whole, older = scratch / "whole", scratch / "older"
        whole.mkdir(), older.mkdir()
        readback.export_simulated(tenant, whole / "lcw-data", "parquet")
        with_older_days(whole / "lcw-data", older)
        env = environment(scratch)
        for folder in (whole, older):
            check_sql(page["sql"], folder, env)
            check_python(page["python"], folder, env)
            check_read_only(folder, env)
    print(f"docs/querying.md: {counted['sql']} queries and {counted['python']} programs, 0 failed")


if __name__ == "__main__":
    main()
