"""DuckDB and pyarrow read a dataset in a loop while it is exported to and exports are killed.

Every answer is compared with what each file held at any time: a file is the old or the new one, never part of one, so
an answer that no generation explains is wrong, and so are a key that comes twice and rows that go away again. None may
be wrong. A question that races the replacement of a file may fail; how often is printed. A question to a snapshot
never fails, and finds all tables of one moment.

`LCW_TORTURE=long` reads for ten minutes, otherwise for some seconds. `LCW_SEED` repeats a sequence of kills.
"""

import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "duckdb"))

import install  # noqa: E402
import reader  # noqa: E402

LCW = ROOT / os.environ.get("LCW", "target/debug/lcw")
PYARROW = pathlib.Path(sys.prefix) / "pyarrow"
IS_LONG = os.environ.get("LCW_TORTURE") == "long"
NEWEST = install.versions()[-1]
UNION = ", union_by_name = true"

# engine, version, options, where: the dataset, its snapshot by resolved name, its snapshot by the name that moves.
READERS = {
    "parquet": [
        ("duckdb", NEWEST, "", "dataset"),
        ("duckdb", NEWEST, UNION, "dataset"),
        ("duckdb", install.versions()[-2], "", "dataset"),
        ("pyarrow", "", "", "dataset"),
        ("duckdb", NEWEST, UNION, "snapshot"),
        ("pyarrow", "", "", "snapshot"),
        ("duckdb", NEWEST, "", "current"),
    ],
    "ndjson": [("duckdb", NEWEST, "", "dataset"), ("duckdb", NEWEST, "", "snapshot")],
}


def clean_environment():
    return {key: value for key, value in os.environ.items() if not key.startswith(("AZURE_", "LCW_"))}


class Tenant:
    """`lcw simulate`, with its clock in our hands."""

    def __init__(self):
        command = [str(LCW), "simulate", "--port", "0", "--json", "--quiet", "--now", "2026-11-23T12:00:00Z"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean_environment())
        self.facts = json.loads("".join(iter(self.process.stdout.readline, "}\n")) + "}")
        self.workflows = [workflow["id"] for workflow in self.ask("", "GET")["workflows"]]

    def ask(self, what, method="POST"):
        request = urllib.request.Request(f"{self.facts['graph_url']}/_simulator{what}", method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def environment(self):
        names = {"AZURE_TENANT_ID": "tenant_id", "AZURE_CLIENT_ID": "client_id", "AZURE_CLIENT_SECRET": "client_secret"}
        return clean_environment() | {name: self.facts[key] for name, key in names.items()}

    def export(self, out, file_format):
        origin = self.facts["graph_url"]
        command = [str(LCW), "export", "--out", str(out), "--format", file_format, "--graph-url", origin,
                   "--authority-url", origin, "--requests-per-second", "unlimited", "--quiet"]
        return subprocess.Popen(command, env=self.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Generations:
    """Every content that each data file ever had, as a reader would describe it."""

    def __init__(self, out, file_format):
        self.out, self.file_format = out, file_format
        self.known, self.seen = {}, {}
        sys.path.insert(0, str(install.folder(NEWEST)))
        self.reader = reader.DuckDB(file_format, "")

    def note(self):
        for table in reader.KEYS:
            for path in self.out.glob(f"{table}/*/*/part-0.*"):
                stamp = (path.stat().st_ino, path.stat().st_mtime_ns)
                name = str(path.relative_to(self.out))
                if self.seen.get(name) != stamp:
                    self.seen[name] = stamp
                    held = self.describe(path, table)
                    if held is not None:
                        self.known.setdefault(name, []).append(held)

    def describe(self, path, table):
        rows = self.reader.connection.execute(
            f"SELECT count(*), count(DISTINCT ({reader.KEYS[table]})), "
            f"sum(epoch_us(_lcw_extracted_at) - {reader.SINCE})::HUGEINT "
            f"FROM {self.reader.read}('{path}'{self.reader.options})"
        ).fetchone()
        return [rows[0], rows[1], int(rows[2])] if rows[0] else None

    def wrong(self, answer):
        for table, files in answer["files"].items():
            for name, held in files.items():
                if held[0] and held not in self.known.get(name, []):
                    return f"{name} held {held}, which it never did: {self.known.get(name)}"
                if held[0] != held[1]:
                    return f"{name}: {held[0]} rows with {held[1]} keys"
        return answer["contradictions"] and f"runs of another moment: {answer['contradictions']}"


class Readers:
    """Readers at work, each writing its answers to a file."""

    def __init__(self, file_format, out, snapshots, scratch):
        self.stop = scratch / "stop"
        self.children = [
            self.start(one, file_format, out if one[3] == "dataset" else snapshots / "current", scratch / f"answers-{nth}")
            for nth, one in enumerate(READERS[file_format])
        ]

    def start(self, one, file_format, root, answers):
        engine, version, options, where = one
        folder = install.folder(version) if engine == "duckdb" else PYARROW
        command = [sys.executable, str(HERE / "reader.py"), engine, options, file_format, str(root), where, str(self.stop)]
        with answers.open("w") as log:
            child = subprocess.Popen(command, stdout=log, env=os.environ | {"PYTHONPATH": str(folder)})
        name = " ".join(part for part in (engine, version, options.strip(", "), where) if part)
        return name, where, child, answers

    def have_all_answered(self):
        return all(answers.stat().st_size > 0 for _, _, _, answers in self.children)

    def end(self):
        self.stop.touch()
        for name, _, child, _ in self.children:
            if child.wait(timeout=60) != 0:
                sys.exit(f"{name} ended with {child.returncode}")

    def answers(self):
        for name, where, _, answers in self.children:
            yield name, where, [json.loads(line) for line in answers.read_text().splitlines()]


def work(tenant, out, snapshots, file_format, generations, readers, seconds, dice):
    """Exports on and on; some are killed, and snapshots are taken whenever it comes to mind."""
    done = killed = taken = 0
    until = time.monotonic() + seconds

    def enough():
        return time.monotonic() > until and readers.have_all_answered() and done and killed

    while not enough():
        assert time.monotonic() < until + 300, "readers or exports are stuck"
        tenant.ask(f"/runs?workflow={dice.choice(tenant.workflows)}&users={dice.randrange(1, 30)}")
        tenant.ask(f"/clock?advance={dice.choice([1, 6, 24])}h")
        export = tenant.export(out, file_format)
        if dice.random() < 0.4:
            time.sleep(dice.random() * 0.6)
            snapshot(out, snapshots)
            taken += 1
        if dice.random() < 0.3:
            time.sleep(dice.random() * 0.5)
            export.kill()
        _, said = export.communicate()
        # A run that has not settled yet, or is short in this tenant, makes it 5.
        assert export.returncode in (0, 5, -9), f"exit code {export.returncode}: {said.decode()}"
        killed += export.returncode == -9
        done += export.returncode != -9
        generations.note()
        snapshot(out, snapshots)
        taken += 1
    return done, killed, taken


def snapshot(out, snapshots):
    command = [str(LCW), "snapshot", str(snapshots), "--out", str(out), "--keep", "30", "--quiet"]
    subprocess.run(command, env=clean_environment(), check=True, stdout=subprocess.DEVNULL)


def judge(name, where, answers, generations):
    errors = [answer["error"] for answer in answers if "error" in answer]
    good = [answer for answer in answers if "error" not in answer]
    wrong = list(filter(None, map(generations.wrong, good)))
    totals = [sum(held[0] for files in answer["files"].values() for held in files.values()) for answer in good]
    wrong += [f"{before} rows, then {after}" for before, after in zip(totals, totals[1:]) if after < before]
    print(f"{name:<52}{len(answers):>9}{len(errors):>8}{len(wrong):>7}", flush=True)
    if wrong:
        return f"{name}: {wrong[0]}"
    if where == "snapshot" and errors:
        return f"{name}: a question to a snapshot failed: {errors[0]}"
    if not good:
        return f"{name}: not one answer: {errors[:1]}"
    return None


def check(file_format, seconds, dice):
    """The problems of one format; prints what was asked and what failed."""
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        out, snapshots = scratch / "data", scratch / "snapshots"
        tenant = Tenant()
        try:
            tenant.export(out, file_format).communicate()
            generations = Generations(out, file_format)
            generations.note()
            snapshot(out, snapshots)
            readers = Readers(file_format, out, snapshots, scratch)
            try:
                counts = work(tenant, out, snapshots, file_format, generations, readers, seconds, dice)
            finally:
                readers.end()
        finally:
            tenant.process.terminate()
            tenant.process.wait()
        replaced = sum(len(held) - 1 for held in generations.known.values())
        print(f"{file_format}: {counts[0]} exports, {counts[1]} killed, {counts[2]} snapshots, {replaced} files replaced")
        assert replaced > 0, "no file was replaced: nothing was raced"
        print(f"{'reader':<52}{'asked':>9}{'failed':>8}{'wrong':>7}")
        return [judge(*answers, generations) for answers in readers.answers()]


def main():
    if not LCW.exists():
        sys.exit(f"{LCW} is not built: run `make test`")
    seed = int(os.environ.get("LCW_SEED", random.randrange(1 << 32)))
    print(f"LCW_SEED={seed}")
    dice = random.Random(seed)
    lengths = {"parquet": 480, "ndjson": 120} if IS_LONG else {"parquet": 15, "ndjson": 6}
    problems = [problem for name, seconds in lengths.items() for problem in check(name, seconds, dice) if problem]
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
