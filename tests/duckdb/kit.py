"""What `lcw connect` and `lcw sql` give one version of DuckDB: types, comments, and right answers."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import duckdb

import answers
from answers import HOUR, micros, text_of
from queries import CONTRACTS, NEW_IN_2, as_version_1

OTHER_TENANT = "99999999-8888-7777-6666-555555555555"
MACROS = {
    "failed_users(from_day, to_day)", "fixed_later()", "history_of(object_id)", "lcw_help()", "leaver_sla(within)",
    "queue_delay()", "workflow_health()",
}
JOINED = {
    "user_results": "user_processing_results", "failed_tasks": "task_processing_results", "runs_latest": "runs",
}


def lcw(*arguments):
    """The program's stdout; scripts go to a cache of the test's own."""
    done = subprocess.run([os.environ["LCW"], *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done.stdout


def connected(out, before=()):
    """A session as `duckdb --init "$(lcw connect)"` makes it."""
    db = duckdb.connect()
    for statement in before:
        db.execute(statement)
    path = lcw("connect", "--out", out).removesuffix("\n")
    db.execute(pathlib.Path(path).read_text())
    return db


# The type of every column, whatever the files hold.

def described(db, relation):
    return {row[0]: row[1] for row in db.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}


def expected_types(table):
    contract = CONTRACTS[table]
    columns = contract["partition_columns"] + contract["columns"]
    return {column["name"]: column["type"] for column in columns} | {"_lcw_raw": "JSON"}


def check_types(db, what):
    for table in CONTRACTS:
        found = described(db, table)
        assert found == expected_types(table), f"{what}: {table}: {found}"
        assert list(found) == list(expected_types(table)), f"{what}: {table}: order"
    for view, table in JOINED.items():
        found = described(db, view)
        missing = expected_types(table).items() - found.items()
        assert not missing, f"{what}: {view}: {missing}"


def check_comments(db):
    without = db.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'temp' AND NOT internal "
        "AND comment IS NULL"
    ).fetchall()
    views = db.execute("SELECT view_name FROM duckdb_views() WHERE temporary AND comment IS NOT NULL").fetchall()
    assert {name for name, in views} == CONTRACTS.keys() | JOINED.keys(), views
    assert not without, f"columns without a comment: {without}"
    known = db.execute("SELECT name, meaning FROM lcw_help()").fetchall()
    assert {name for name, _ in known} == CONTRACTS.keys() | JOINED.keys() | MACROS, known


# Every answer against the one that is worked out from the lines.

def asked(db, query):
    return db.execute(query).fetchall()


RESULT = "tenant_id, workflow_id, run_id, result_id"


def instant(column):
    return f"epoch_us({column})"


def questions(tables):
    """What is asked, and what has to be answered."""
    # Somebody failed on the first day, which counts, and on the last, which does not.
    results = tables["user_processing_results"]
    days = sorted({row["run_date"] for row in results if row["processing_status"] in answers.FAILED})
    first, last = days[1], days[-1]
    return {
        "user_results": (
            "SELECT tenant_id, workflow_id, run_id, id, workflow_display_name, run_processing_status, "
            f"{instant('run_scheduled_date_time')}, run_settled FROM user_results",
            answers.user_results(tables)),
        "failed_tasks": (
            "SELECT tenant_id, workflow_id, run_id, id, workflow_display_name, workflow_execution_type "
            "FROM failed_tasks",
            answers.failed_tasks(tables)),
        "runs_latest": ("SELECT tenant_id, workflow_id, id FROM runs_latest", answers.runs_latest(tables)),
        "fixed_later": (
            f"SELECT {RESULT}, {instant('failed_date_time')}, {instant('fixed_date_time')}, fixed_run_id "
            "FROM fixed_later()",
            answers.fixed_later(tables)),
        "failed_users": (
            f"SELECT {RESULT}, processing_status, failed_tasks, failure_reasons, {instant('fixed_date_time')} "
            f"FROM failed_users('{first}', '{last}')",
            answers.failed_users(tables, first, last)),
        "leaver_sla of a day": (
            f"SELECT {RESULT}, users, sla, {instant('deadline_date_time')}, {instant('fixed_date_time')} "
            "FROM leaver_sla('24h')",
            answers.leaver_sla(tables, 24)),
        "leaver_sla of a day by another name": (
            f"SELECT {RESULT}, users, sla, {instant('deadline_date_time')}, {instant('fixed_date_time')} "
            "FROM leaver_sla('1 day')",
            answers.leaver_sla(tables, 24)),
        "leaver_sla of an hour": (
            f"SELECT {RESULT}, users, sla, {instant('deadline_date_time')}, {instant('fixed_date_time')} "
            "FROM leaver_sla(INTERVAL 1 HOUR)",
            answers.leaver_sla(tables, 1)),
        "queue_delay": (
            "SELECT tenant_id, workflow_id, users_started, users_never_started, queue_ms_median, queue_ms_p95, "
            "queue_ms_max FROM queue_delay()",
            answers.queue_delay(tables)),
        "workflow_health": (
            "SELECT tenant_id, workflow_id, runs, runs_not_settled, runs_completed, runs_completed_with_errors, "
            "runs_failed, runs_canceled, users, users_successful, users_failed, round(success_rate, 6), "
            f"users_not_held, {instant('last_run_date_time')} FROM workflow_health()",
            answers.workflow_health(tables)),
    }


def in_order(rows):
    return sorted(rows, key=lambda row: [str(value) for value in row])


def check_answers(db, tables, what):
    for name, (query, expected) in questions(tables).items():
        assert expected, f"{what}: nothing to ask {name} about"
        found, expected = in_order(asked(db, query)), in_order(expected)
        different = [pair for pair in zip(found, expected) if pair[0] != pair[1]]
        assert found == expected, (
            f"{what}: {name}: {len(found)} rows for {len(expected)}, the first that differ: {different[:1]}"
        )
    check_histories(db, tables, what)


def check_histories(db, tables, what):
    subjects = sorted(subject for subject, in asked(db, "SELECT DISTINCT subject_id FROM failed_tasks"))
    others = [row["subject_id"] for row in tables["subject_processing_results"]]
    assert len(subjects) > 3 and others, what
    for subject in [*subjects[:3], others[0]]:
        for spelling in (subject, subject.upper()):
            found = asked(
                db, "SELECT tenant_id, kind, workflow_id, run_id, result_id, processing_status, task_display_name, "
                f"execution_sequence, failure_reason FROM history_of('{spelling}')")
            expected = answers.history_of(tables, subject)
            assert found == expected, f"{what}: history_of: {found[:2]} for {expected[:2]}"


# What a simulated tenant does not happen to show is written into the lines.

def rewritten(out, change, tenant="*"):
    """Passes every row through `change`, which gives back the rows to write in its place."""
    for path in sorted(out.glob(f"*/tenant_id={tenant}/**/part-0.ndjson*")):
        table = path.relative_to(out).parts[0]
        with answers.opened(path, "rt") as file:
            rows = [json.loads(line) for line in file]
        kept = [new for row in rows for new in change(table, row)]
        with answers.opened(path, "wt") as file:
            file.writelines(json.dumps(row) + "\n" for row in kept)


def leaver_runs(tables):
    """Settled runs of a leaver workflow with several users, most users first."""
    leavers = {row["id"] for row in tables["workflows"] if row["category"] == "leaver"}
    wanted = [
        run for run in tables["runs"]
        if run["workflow_id"] in leavers and run["_lcw_settled"] and run["workflow_execution_type"] == "scheduled"
    ]
    return sorted(wanted, key=lambda run: (-run["total_users_count"], run["id"]))


def with_every_case(out):
    """Writes one of each into the dataset: see `changes`. And all of it again for another tenant."""
    tables = answers.read(out)
    judged, preview, unsettled, short, unknown, uncounted = leaver_runs(tables)[:6]
    users = [row for row in tables["user_processing_results"] if row["run_id"] == judged["id"]]
    due = micros(judged["scheduled_date_time"])

    def user(**values):
        return {"processing_status": "completed", "completed_date_time": None} | values

    # One user of the same run each.
    of_users = [
        user(completed_date_time=text_of(due + 24 * HOUR)),
        user(completed_date_time=text_of(due + 24 * HOUR + 1)),
        user(),
        user(processing_status="inProgress", _lcw_extracted_at=text_of(due + 24 * HOUR)),
        user(processing_status="inProgress", _lcw_extracted_at=text_of(due + 24 * HOUR + 1)),
        user(
            processing_status="canceled", completed_date_time=text_of(due + HOUR),
            _lcw_extracted_at=text_of(due + 2 * HOUR),
        ),
        user(processing_status="failed", started_date_time=None, queue_ms=None),
        user(processing_status="somethingNew", _lcw_extracted_at=text_of(due + HOUR)),
    ]
    assert len(users) > len(of_users), f"only {len(users)} users"
    of_user = dict(zip((row["id"] for row in users), of_users))
    # Nobody can say what the deadline of a run without a row was, also while nothing is final.
    of_user |= {
        row["id"]: {"processing_status": "inProgress"}
        for row in tables["user_processing_results"] if row["run_id"] == unknown["id"]
    }
    tasks = tasks_of_a_failure(tables)
    of_run = {
        preview["id"]: {"workflow_execution_type": "preview"},
        unsettled["id"]: {"_lcw_settled": False},
        uncounted["id"]: {"total_users_count": None},
        # Changed last, which does not make it the newest; and the next day has 25 hours in New York.
        short["id"]: {
            "scheduled_date_time": "2026-10-31T12:00:00.0000000Z",
            "last_updated_date_time": "2030-01-01T00:00:00Z",
        },
    }
    lines = story([run for run in leaver_runs(tables)[6:] if run["workflow_id"] != judged["workflow_id"]], tables)
    dropped = {short["id"]: 2, unsettled["id"]: 1}

    def change(table, row):
        of = row.get("run_id") if table != "runs" else row["id"]
        if table == "runs" and of == unknown["id"]:
            return []
        if table == "user_processing_results" and dropped.get(of):
            dropped[of] -= 1
            return []
        if table == "user_processing_results" and of == preview["id"]:
            row["workflow_execution_type"] = "preview"
        if table == "user_processing_results":
            row |= of_user.get(row["id"], {})
        if table == "runs":
            row |= of_run.get(of, {})
        row |= lines.get((table, row.get("id")), tasks.get((table, row.get("id")), {}))
        return [row]

    rewritten(out, change)
    for folder in sorted(out.glob("*/tenant_id=*")):
        shutil.copytree(folder, folder.with_name(f"tenant_id={OTHER_TENANT}"))
    # There nobody is fixed.
    def unfixed(table, row):
        is_fix = table == "user_processing_results" and row["subject_id"] == "fixed"
        return [row | {"processing_status": "canceled"} if is_fix and row["processing_status"] == "completed" else row]

    rewritten(out, unfixed, OTHER_TENANT)
    return answers.read(out)


def tasks_of_a_failure(tables):
    """All tasks of one user fail, the first of them by name the last in their order."""
    failed = [row for row in tables["user_processing_results"] if row["processing_status"] == "failed"]
    user = failed[len(failed) // 2]
    whose = [user[name] for name in ("run_id", "subject_id")]
    tasks = [row for row in tables["task_processing_results"] if [row["run_id"], row["subject_id"]] == whose]
    tasks.sort(key=lambda row: row["id"], reverse=True)
    assert len(tasks) > 1, "a user with one task"
    return {
        ("task_processing_results", row["id"]): {
            "processing_status": "failed", "execution_sequence": place, "failure_reason": f"reason {place}",
        }
        for place, row in enumerate(tasks)
    }


def story(runs, tables):
    """Three users in five runs of one workflow, the third a dry run: what to change in which row.

    `fixed` succeeds, fails, succeeds in the dry run, and then twice; `lost` succeeds, fails, and no more;
    `rehearsed` fails in the dry run and then succeeds. And the workflow's newest run is a dry run."""
    workflow = max({run["workflow_id"] for run in runs}, key=lambda it: sum(run["workflow_id"] == it for run in runs))
    runs = [run for run in runs if run["workflow_id"] == workflow and run["total_users_count"] >= 3]
    runs.sort(key=lambda run: run["scheduled_date_time"])
    runs, preview, lines = runs[:5], runs[2], {}
    parts = [
        {"fixed": "completed", "lost": "completed"},
        {"fixed": "failed", "lost": "failed"},
        {"fixed": "completed", "rehearsed": "failed"},
        {"fixed": "completed", "rehearsed": "completed"},
        {"fixed": "completed"},
    ]
    for run, part in zip(runs, parts, strict=True):
        end = text_of(micros(run["scheduled_date_time"]) + HOUR)
        users = [row["id"] for row in tables["user_processing_results"] if row["run_id"] == run["id"]]
        for row, (subject, status) in zip(users, part.items()):
            values = {"subject_id": subject, "processing_status": status, "completed_date_time": end}
            if (subject, status) == ("fixed", "failed"):
                # Its schedule is all that says when.
                values |= {"completed_date_time": None, "started_date_time": None, "queue_ms": None}
            lines["user_processing_results", row] = values
    newest = max(
        (run for run in tables["runs"] if run["workflow_id"] == workflow), key=lambda run: run["scheduled_date_time"]
    )
    for run in (preview, newest):
        lines["runs", run["id"]] = {"workflow_execution_type": "preview"}
        for row in tables["user_processing_results"]:
            if row["run_id"] == run["id"]:
                of_user = lines.setdefault(("user_processing_results", row["id"]), {})
                of_user["workflow_execution_type"] = "preview"
    failed = next(row["id"] for row in tables["task_processing_results"] if row["run_id"] == preview["id"])
    lines["task_processing_results", failed] = {"processing_status": "failed"}
    return lines


def check_cases(tables):
    """The lines do hold what the answers are compared about."""
    sla = [row[5] for row in answers.leaver_sla(tables, 24)]
    assert set(sla) == {"met", "missed", "open", "unknown"}, set(sla)
    assert any(row[3] is None and row[4] == 2 for row in answers.leaver_sla(tables, 24)), "no users are missing"
    assert any(row[12] for row in answers.workflow_health(tables)), "no run is short"
    assert any(row[3] for row in answers.workflow_health(tables)), "every run is settled"
    fixed = {(row[0] == OTHER_TENANT, row[3]) for row in answers.fixed_later(tables)}
    subjects = {
        ((row["tenant_id"] == OTHER_TENANT), row["id"]): row["subject_id"] for row in tables["user_processing_results"]
    }
    told = {(is_other, subjects[is_other, row]) for is_other, row in fixed}
    assert (False, "fixed") in told, "nobody is fixed"
    for nobody in ((True, "fixed"), (False, "lost"), (False, "rehearsed")):
        assert nobody not in told, f"{nobody} is fixed"
    assert any(not answers.is_real(run) for run in tables["runs"]), "no dry run"
    assert any(run["total_users_count"] is None for run in tables["runs"]), "every run is counted"
    assert {row["tenant_id"] for row in tables["runs"]} > {OTHER_TENANT}, "one tenant"


def examples():
    paragraphs = lcw("sql", "examples").removesuffix("\n").split("\n\n")
    queries = [paragraph.removesuffix(";") for paragraph in paragraphs if paragraph.endswith(";")]
    assert len(queries) >= 10, f"only {len(queries)} examples"
    return queries


def check_simulated(folders, scratch):
    whole = answers.read(folders["none"])
    for name in ("parquet", "zstd", "gzip", "none"):
        db = connected(folders[name])
        check_types(db, name)
        check_answers(db, whole, name)
        for query in examples():
            assert asked(db, f"SELECT count(*) > 0 FROM (\n{query})") == [(True,)], f"{name}: {query}"
    check_comments(db)
    for name in ("gzip", "none"):
        out = shutil.copytree(folders[name], scratch / f"cases-{name}")
        tables = with_every_case(out)
        check_cases(tables)
        # Somebody's own tables of the same name, and another time zone.
        others = ["CREATE TABLE runs (mine INTEGER)", "CREATE TABLE user_results (mine INTEGER)"]
        db = connected(out, before=others)
        db.execute("SET TimeZone = 'America/New_York'")
        check_answers(db, tables, f"every case, {name}")
        assert asked(db, "SELECT count(*) FROM memory.main.runs") == [(0,)]


def check_empty(folders, scratch):
    """Views with the right types and no rows, for what has no rows and for what has no files."""
    for name in ("parquet", "ndjson"):
        for has_files in (True, False):
            out = shutil.copytree(folders[name], scratch / f"empty-{name}-{has_files}")
            if not has_files:
                for table in CONTRACTS:
                    shutil.rmtree(out / table, ignore_errors=True)
            db = connected(out)
            check_types(db, f"empty {name}")
            for relation in [*CONTRACTS, *JOINED, "fixed_later()", "failed_users('2026-01-01', '2027-01-01')",
                             "leaver_sla('24h')", "queue_delay()", "workflow_health()", "history_of('x')"]:
                assert asked(db, f"SELECT count(*) FROM {relation}") == [(0,)], f"empty {name}: {relation}"


def check_older_files(folders, scratch):
    """Files of schema version 1 beside newer ones, and alone: the same columns, NULL where they lack one."""
    for name in ("parquet", "zstd"):
        for share in ("some", "all"):
            out = shutil.copytree(folders[name], scratch / f"older-{name}-{share}")
            for table in NEW_IN_2:
                files = sorted(out.glob(f"{table}/*/*/part-0.*"))
                for path in files if share == "all" else files[:2]:
                    as_older(path, table)
            db, whole = connected(out), connected(folders[name])
            check_types(db, f"older files, {name}")
            for table, new in NEW_IN_2.items():
                count = f"SELECT count(*), count({new[-1]}) FROM {table}"
                (rows, filled), (rows_of_whole, filled_of_whole) = asked(db, count)[0], asked(whole, count)[0]
                assert rows == rows_of_whole and filled < filled_of_whole, f"{name}, {share}: {table}"
                assert (filled == 0) == (share == "all"), f"{name}, {share}: {table}: {filled}"


def as_older(path, table):
    as_version_1(duckdb.connect(), path, table)
    # A dataset has one compression: DuckDB finds it by the name.
    if path.name.endswith(".zst"):
        written = path.with_name("part-0.ndjson.gz")
        lines = answers.opened(written, "rt").read()
        written.unlink()
        query = f"COPY (SELECT unnest(?) AS line) TO '{path}' (FORMAT csv, HEADER false, QUOTE '', DELIMITER '\t', COMPRESSION zstd)"
        duckdb.connect().execute(query, [lines.splitlines()])


# The last one is given to dbt, too.
ODD_FOLDERS = [
    "it's a [data] *set?", 'quo"te; DROP TABLE runs; --', "two\nlines\u202e", "customer=5", "línea '資料' {x} $y %z",
]


def check_odd_folders(folders, scratch):
    for name in ("parquet", "zstd"):
        rows = asked(connected(folders[name]), "SELECT count(*), min(tenant_id), max(run_date) FROM runs")
        for number, folder in enumerate(ODD_FOLDERS):
            out = shutil.copytree(folders[name], scratch / f"{name}-{number}" / folder / "data")
            # One that a pattern would match as well.
            if "[" in folder:
                shutil.copytree(folders[name], scratch / f"{name}-{number}" / "it's a d *set?" / "data")
            found = asked(connected(out), "SELECT count(*), min(tenant_id), max(run_date) FROM runs")
            assert found == rows, f"{name}: {folder!r}: {found} for {rows}"
        check_dbt(out)


def check_dbt(out):
    """Every source reads what the view of its name reads."""
    text = lcw("sql", "dbt", "--out", out)
    db, names = connected(out), []
    for line in text.splitlines():
        key, _, value = line.strip().partition(": ")
        if key == "- name" and line.startswith("      - "):
            names.append(value)
        if key == "external_location":
            # As dbt-duckdb does.
            source, view = json.loads(value).format_map({}), names[-1]
            assert described(db, source) == described(db, view), view
            for one, other in ((source, view), (view, source)):
                rows = asked(db, f"SELECT * FROM {one} EXCEPT ALL SELECT * FROM {other}")
                assert not rows, f"{view}: {len(rows)} rows"
    assert sorted(names) == sorted(CONTRACTS), names


def main():
    version, folders = sys.argv[1], json.loads(sys.argv[2])
    assert duckdb.__version__ == version, f"this is DuckDB {duckdb.__version__}, not {version}"
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        os.environ["XDG_CACHE_HOME"] = str(scratch / "cache")
        check_simulated(folders["simulated"], scratch)
        check_empty(folders["empty"], scratch)
        check_older_files(folders["simulated"], scratch)
        check_odd_folders(folders["simulated"], scratch)


if __name__ == "__main__":
    main()
