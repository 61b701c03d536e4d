"""Everything that `make bench` tells, on one page: see docs/performance.md.

Contestants take turns against one simulated tenant, so that what disturbs the machine disturbs each of them; of
every figure the median counts. Time and memory are the kernel's own. Every contestant says how many rows it
has, and all must have all of them.
"""

import argparse
import datetime
import itertools
import json
import os
import pathlib
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

import figures
import measured
import ratios
import routes
from contestants import CLEAN, HERE, PYTHON, ROOT, Contestants
from tenant import Tenant

DOCUMENT = ROOT / "docs/performance.md"
ACCEPTED = HERE / "accepted.json"
CARGO = shlex.split(os.environ.get("CARGO", "cargo"))

# Rows: workflows, runs of each, users of each run.
SIZES = {
    20_000: (20, 10, 100),
    80_000: (20, 20, 200),
    200_000: (20, 50, 200),
    1_000_000: (20, 250, 200),
    10_000_000: (20, 500, 1_000),
}
# The second is as many runs as a tenant has at the most.
SMALL = [(20, 200, 5), (20, 1_200, 5)]
# Of the routes: by the first one, 4,000 runs are 40 seconds under the one limit, and four minutes under the other.
ROUTE_LIMITS, ROUTE_LIMITS_LONG = [100], [100, 20]
DAYS_OF_YEAR = 364
# Below runs, and beside them; v1.0 has no results of subjects that are not users.
TABLES = ["task_processing_results", "subject_processing_results", "reprocessed_runs", "task_reports"]
TABLES += ["workflow_versions", "tasks", "task_definitions"]
ALL_TABLES = ["--api-version", "beta", *(word for table in TABLES for word in ("--table", table))]
LIMIT = 100
# Two requests in a hundred, in five ways.
FAULTS = ["kind=status&status=503", "kind=gateway&status=502", "kind=reset", "kind=truncated", "kind=malformed-json"]
OFFLINE = [["status"], ["verify"], ["verify", "--deep"], ["report", "--from", "2026-01-01"]]


class Bench:
    def __init__(self, arguments, scratch):
        self.rounds = arguments.rounds
        self.compared = [20_000, 80_000] if arguments.quick else [200_000, 1_000_000]
        self.sizes = self.compared + ([10_000_000] if arguments.long else [])
        self.scratch = scratch
        self.lcw, self.program = programs(arguments.programs, scratch)
        self.by = Contestants(self.lcw, self.program, scratch)
        self.small = [(4, 50, 5), (4, 100, 5)] if arguments.quick else SMALL
        self.is_long = arguments.long
        self.exports, self.stages, self.offline = [], [], []
        self.hardships, self.routes, self.cores = [], [], []

    def everything(self):
        for size in self.sizes:
            with Tenant(self.program, "history", *SIZES[size]) as tenant:
                self.first(tenant, size)
                self.first_ndjson(tenant, size)
                self.first_of_more(tenant, size)
                if size == self.compared[0]:
                    self.each_stage(tenant)
                if size == self.compared[-1]:
                    self.on_one_core_and_two(tenant, size)
                if size == self.compared[0] or (size == self.compared[-1] and self.is_long):
                    self.hardship(tenant, size)
            self.read(size)
            self.nothing_left(size)
        for size in self.sizes:
            self.large_day(size)
        for size in self.compared:
            self.year(size)
        limits = ROUTE_LIMITS_LONG if self.is_long else ROUTE_LIMITS
        self.routes = routes.measure(self.by, self.small, limits, self.rounds, note)

    # What is measured.

    def first(self, tenant, size):
        """First exports by everybody, and nothing new right after ours. The largest is ours alone, and once."""
        rounds = self.rounds if size in self.compared else 1
        contestants = {"lcw": self.by.ours}
        if size in self.compared:
            contestants |= {"limit": self.by.limit, "python": self.by.python}
            # Bodies are rendered when they are asked for first: that is no contestant's affair.
            for prepare in (self.by.ours, self.by.limit):
                prepare(tenant, self.out(size))
        taken = self.in_turn("first export", size, tenant, contestants, rounds)
        self.keep("first export", size, taken, memory=True)
        for entry in itertools.chain(*taken.values()):
            if entry["stored"] != tenant.rows:
                raise measured.Failed(f"{entry['who']} has {entry['stored']} of {tenant.rows} rows")
        again = [self.by.ours(tenant, self.out(size), fresh=False) for _ in range(rounds)]
        self.keep("nothing new", size, {"lcw": again})

    def first_ndjson(self, tenant, size):
        out = self.scratch / "ndjson"
        entry = self.by.ours(tenant, out, extra=["--format", "ndjson"])
        self.keep("first export as NDJSON", size, {"lcw": [entry]}, memory=True)
        shutil.rmtree(out)

    def first_of_more(self, tenant, size):
        """First exports of more than results: what they hold in memory, once each."""
        pipeline = self.scratch / "keep-raw.toml"
        pipeline.write_text("[load]\nkeep_raw = true\n")
        raw, subjects = [pipeline], ["--expand", "subject"]
        cases = {"first export with raw objects": raw, "first export with subjects": subjects}
        if size in self.compared:
            cases |= {
                "first export of all tables": ALL_TABLES,
                "first export of all of that": [*ALL_TABLES, *raw, *subjects],
            }
        out = self.scratch / "more"
        for case, extra in cases.items():
            entry = self.by.ours(tenant, out, extra=extra)
            self.keep(case, size, {"lcw": [entry]}, memory=True)
            shutil.rmtree(out)

    def on_one_core_and_two(self, tenant, size):
        """First exports where they may use one core or two; the tenant goes where the kernel lets it."""
        both = sorted(os.sched_getaffinity(0))[:2]
        if len(both) < 2:
            note("this machine lends the bench one core: one and two are not compared")
            return
        taken = {(count, who): [] for count in (1, 2) for who in ("lcw", "limit")}
        for number in range(self.rounds):
            note(f"first export of {size:,} rows on one core and on two, round {number + 1} of {self.rounds}")
            for count, who in taken:
                export = {"lcw": self.by.ours, "limit": self.by.limit}[who]
                entry = export(tenant, self.out(size), cores=both[:count])
                taken[count, who].append(entry | {"tenant_on": tenant.core()})
        for (count, who), entries in taken.items():
            seen = sorted({entry["tenant_on"] for entry in entries})
            about = {"cores": count, "size": size, "on": both[:count], "tenant_on": seen}
            self.cores.append(figures.median(entries) | about)

    def each_stage(self, tenant):
        note("each stage alone")
        runs = 200 if tenant.rows >= 200_000 else 50
        command = [self.program, "stages", *tenant.sign_in, runs, 2 * self.rounds + 1]
        told = measured.run([str(word) for word in command], self.scratch, CLEAN).stdout
        for line in told.splitlines():
            stage = json.loads(line)
            samples = [{"nanoseconds": sample} for sample in stage.pop("nanoseconds")]
            self.stages.append(stage | figures.median(samples))

    def read(self, size):
        """Verbs that ask nobody, on the dataset that the first export left."""
        for verb in OFFLINE:
            rounds = self.rounds if size in self.compared else 1
            taken = [self.by.alone(*verb, "--out", self.out(size)) for _ in range(rounds)]
            name = " ".join(word for word in verb if not word[0].isdigit() and word != "--from")
            self.offline.append({"verb": name, "size": size} | figures.median(taken))

    def large_day(self, size):
        """One run into a day that has all the rows."""
        out = self.scratch / "day"
        with Tenant(self.program, "day", *SIZES[size]) as tenant:
            self.by.ours(tenant, out)
            taken = []
            for _ in range(self.rounds if size in self.compared else 1):
                tenant.ask("POST", f"/runs?workflow={tenant.workflows[0]}&users=200")
                tenant.ask("POST", "/clock?advance=1h")
                taken.append(self.by.ours(tenant, out, fresh=False))
            self.keep("merge into one large day", size, {"lcw": taken}, memory=True)
        shutil.rmtree(out)

    def year(self, size):
        """One new day on top of a year that was exported as it went by; the script has to read 30 days again."""
        workflows = 10
        users = round(size / workflows / DAYS_OF_YEAR)
        out = self.scratch / "year"
        shutil.rmtree(out, ignore_errors=True)
        with Tenant(self.program, "daily", workflows, DAYS_OF_YEAR, users) as tenant:
            self.by.ours(tenant, out)
            for _ in range(DAYS_OF_YEAR // 28 - 1):
                tenant.ask("POST", "/clock?advance=28d")
                self.by.ours(tenant, out, fresh=False)
            taken = {"lcw": [], "python": []}
            for number in range(self.rounds):
                tenant.ask("POST", "/clock?advance=24h")
                day = self.by.ours(tenant, out, fresh=False)
                if day["rows"] != workflows * users:
                    raise measured.Failed(f"a day has {workflows * users} rows, and {day['rows']} came")
                taken["lcw"].append(day)
                taken["python"].append(self.by.python(tenant, self.scratch / "python.parquet"))
            self.keep("one new day on a year", size, taken)
            again = [self.by.ours(tenant, out, fresh=False) for _ in range(self.rounds)]
            self.keep("nothing new in a year", size, {"lcw": again})
        shutil.rmtree(out)

    def hardship(self, tenant, size):
        """A limit that nobody tells, and then faults; once each."""
        contestants = {"lcw": self.by.ours, "python": self.by.python}
        tenant.ask("POST", f"/limit?per_second={LIMIT}&burst={LIMIT}")
        self.endure(f"limit of {LIMIT} requests/s", tenant, size, contestants)
        tenant.ask("DELETE", "/limit")
        for fault in FAULTS:
            tenant.ask("POST", f"/faults?{fault}&chance={0.02 / len(FAULTS)}")
        self.endure("2 % faults of five kinds", tenant, size, contestants)
        tenant.ask("DELETE", "/faults")

    def endure(self, case, tenant, size, contestants):
        for who, export in contestants.items():
            note(f"{case}: {who}")
            undisturbed = next(e for e in self.exports if (e["case"], e["size"], e["who"]) == ("first export", size, who))
            try:
                entry = export(tenant, self.out(size))
            except measured.Failed as error:
                note(f"  {who}: {error}")
                entry = {"who": who, "stored": 0, "requests": 0, "refused": 0, "seconds": 0.0}
            least = {"least": undisturbed["requests"], "least_seconds": (undisturbed["requests"] - LIMIT) / LIMIT}
            self.hardships.append({"case": case, "size": size, "rows_there": tenant.rows} | entry | least)

    def startup(self):
        taken = [self.by.alone("--help") for _ in range(21)]
        of_all = figures.median(taken)
        return {"help_seconds": of_all["seconds"], "help_cpu_seconds": of_all["cpu_seconds"], "bytes": self.lcw.stat().st_size}

    # How.

    def in_turn(self, case, size, tenant, contestants, rounds):
        taken = {who: [] for who in contestants}
        for number in range(rounds):
            note(f"{case} of {size:,} rows, round {number + 1} of {rounds}")
            for who, export in contestants.items():
                taken[who].append(export(tenant, self.out(size)))
        return taken

    def keep(self, case, size, taken, memory=False):
        for who, entries in taken.items():
            entry = {"case": case, "size": size, "memory": memory} | figures.median(entries)
            self.exports.append(entry)
            note(f"  {case} of {size:,} rows, {who}: {entry['seconds']:.2f} s, {entry['cpu_seconds']:.2f} CPU-s, {entry['peak_mib']:.0f} MiB")

    def out(self, size):
        return self.scratch / f"data-{size}"

    def nothing_left(self, size):
        shutil.rmtree(self.out(size))


def note(text):
    print(text, file=sys.stderr, flush=True)


def cargo(*words):
    """Builds for release, and says where each program is, by name."""
    command = [*CARGO, "build", "--release", "--workspace", "--locked", *words]
    done = subprocess.run([*command, "--message-format", "json-render-diagnostics"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise measured.Failed(f"{shlex.join(command)} ended with {done.returncode}")
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {one["target"]["name"]: pathlib.Path(one["executable"]) for one in told if one.get("executable")}


def programs(folder, scratch):
    """The exporter and the program beside it, as copies: a build that comes in between changes nothing."""
    names = ("lcw", "lcw-bench")
    found = {name: folder / name for name in names} if folder else cargo("--bin", "lcw", "--bin", "lcw-bench")
    return [pathlib.Path(shutil.copy2(found[name], scratch / name)) for name in names]


def build_seconds(scratch):
    """A release build from nothing but downloaded sources."""
    note("a release build of everything, from nothing")
    target = scratch / "target"
    begin = time.monotonic()
    cargo("--bin", "lcw", "--target-dir", str(target))
    taken = time.monotonic() - begin
    shutil.rmtree(target)
    return taken


def about(rounds):
    def said(*command):
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.strip()

    cpus = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    python = said(PYTHON, "-c", "import platform; print(platform.python_version())")
    return {
        "date": datetime.date.today().isoformat(),
        "commit": said("git", "describe", "--always", "--dirty") or "no commit",
        "cpu": cpus[0] if cpus else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "rustc": " ".join(said(*(["rustc"]), "--version").split()[:2]),
        "python": python,
        "rounds": rounds,
    }


def measure(arguments):
    measured.adopt()
    place = ROOT / ".venv/bench"
    with tempfile.TemporaryDirectory(dir=place, prefix="run-") as folder:
        scratch = pathlib.Path(folder)
        bench = Bench(arguments, scratch)
        program = bench.startup()
        program["build_seconds"] = build_seconds(scratch) if arguments.build else None
        bench.everything()
        return {
            "about": about(bench.rounds),
            "exports": bench.exports,
            "stages": bench.stages,
            "offline": bench.offline,
            "hardships": bench.hardships,
            "routes": bench.routes,
            "cores": bench.cores,
            "program": program,
        }


def check(results):
    """Says what moved; fails when something got worse."""
    if not ACCEPTED.exists():
        raise measured.Failed(f"{ACCEPTED.name} is not there: no figures were accepted yet (`make bench-accept`)")
    accepted = json.loads(ACCEPTED.read_text())
    now = ratios.of(results)
    common = [name for name in now if name in accepted]
    if not common:
        raise measured.Failed(f"{ACCEPTED.name} has none of these figures: they are of another size")
    found = ratios.moved(accepted, now)
    for name, was, value, is_worse in found:
        by = f" ({value / was - 1:+.0%})" if was else ""
        print(f"{'WORSE ' if is_worse else 'better'} {name}: {was:.3f} -> {value:.3f}{by}")
    new = [name for name in now if name not in accepted]
    for name in new:
        print(f"new    {name}: {now[name].value:.3f}")
    print(f"{len(common)} compared, {len(found)} moved by more than {ratios.TOLERANCE:.0%}, {len(new)} not accepted yet")
    return 1 if any(is_worse for *_, is_worse in found) else 0


def accept(results):
    kept = {name: round(kept.value, 4) for name, kept in ratios.of(results).items()}
    ACCEPTED.write_text(json.dumps(kept, indent=2) + "\n")


def main():
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--quick", action="store_true", help="small sizes: shows that it works, and no more")
    asked.add_argument("--long", action="store_true", help="10,000,000 rows, too")
    asked.add_argument("--build", action="store_true", help="measure a release build of everything, too")
    asked.add_argument("--rounds", type=int, default=3, help="of each comparison [3]")
    asked.add_argument("--programs", type=pathlib.Path, metavar="DIR", help="build nothing: take lcw and lcw-bench from here")
    asked.add_argument("--json", type=pathlib.Path, default=ROOT / ".venv/bench/results.json", help="where results go")
    asked.add_argument("--from", dest="source", type=pathlib.Path, help="measure nothing: take these results")
    asked.add_argument("--check", action="store_true", help="say what moved since the figures were accepted")
    asked.add_argument("--accept", action="store_true", help="these are the figures to compare with from now on")
    asked.add_argument("--docs", action="store_true", help="write the tables into docs/performance.md")
    arguments = asked.parse_args()
    try:
        results = json.loads(arguments.source.read_text()) if arguments.source else measure(arguments)
        if not arguments.source:
            arguments.json.write_text(json.dumps(results, indent=2) + "\n")
        print(figures.markdown(results))
        if arguments.docs:
            DOCUMENT.write_text(figures.put_into(DOCUMENT.read_text(), figures.markdown(results)))
        code = check(results) if arguments.check else 0
        if arguments.accept:
            accept(results)
            code = 0
    except measured.Failed as error:
        sys.exit(f"error: {error}")
    sys.exit(code)


if __name__ == "__main__":
    main()
