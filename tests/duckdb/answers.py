"""What the macros have to answer, worked out from the lines of an NDJSON export, without SQL.

Every function takes the tables as `read` gives them and returns rows as tuples, in no order. Instants
are whole microseconds since 1970, as Graph wrote them down to the microsecond.
"""

import calendar
import collections
import gzip
import json
import math
import pathlib
import time

FINAL_WITHOUT_SUCCESS = ("completedWithErrors", "failed", "canceled")
FAILED = ("failed", "completedWithErrors")
HOUR = 3_600_000_000


def micros(text):
    if text is None:
        return None
    seconds, _, fraction = text.removesuffix("Z").partition(".")
    whole = calendar.timegm(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S"))
    return whole * 1_000_000 + int(fraction.ljust(6, "0")[:6])


def text_of(instant):
    """An instant as the service would write it."""
    seconds, fraction = divmod(instant, 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{fraction:06}Z"


def opened(path, mode):
    return gzip.open(path, mode) if path.suffix == ".gz" else open(path, mode)


def read(out):
    """Rows by table: what is in the lines, with tenant and day from the names of the folders."""
    tables = collections.defaultdict(list)
    for path in sorted(pathlib.Path(out).glob("*/tenant_id=*/**/part-0.ndjson*")):
        parts = dict(part.split("=") for part in path.parts if "=" in part)
        table = path.relative_to(out).parts[0]
        with opened(path, "rt") as file:
            tables[table] += [json.loads(line) | parts for line in file]
    return tables


def is_real(row):
    return row["workflow_execution_type"] != "preview"


def workflows(tables):
    return {(row["tenant_id"], row["id"]): row for row in tables["workflows"]}


def runs(tables):
    return {(row["tenant_id"], row["workflow_id"], row["id"]): row for row in tables["runs"]}


def run_key(row):
    return row["tenant_id"], row["workflow_id"], row["run_id"]


def result_key(row):
    return *run_key(row), row["id"]


def fixes(tables):
    """The first later success of every failed result that has one."""
    successes = collections.defaultdict(list)
    for row in tables["user_processing_results"]:
        if row["processing_status"] == "completed" and is_real(row) and row["completed_date_time"]:
            whose = row["tenant_id"], row["workflow_id"], row["subject_id"]
            successes[whose].append((micros(row["completed_date_time"]), row["run_id"]))
    found = {}
    for row in tables["user_processing_results"]:
        if row["processing_status"] not in FAILED or not is_real(row) or row["subject_id"] is None:
            continue
        at = micros(row["completed_date_time"] or row["started_date_time"] or row["scheduled_date_time"])
        later = [it for it in successes[row["tenant_id"], row["workflow_id"], row["subject_id"]] if it[0] > at]
        if later:
            found[result_key(row)] = at, *min(later)
    return found


def fixed_later(tables):
    """tenant, workflow, run, result, when it failed, when it was fixed, by which run"""
    return [(*key, *fix) for key, fix in fixes(tables).items()]


def failed_users(tables, from_day, to_day):
    """tenant, workflow, run, result, status, failed tasks, reasons, when it was fixed"""
    tasks = collections.defaultdict(list)
    known = runs(tables)
    for task in tables["task_processing_results"]:
        run = known.get(run_key(task))
        if task["processing_status"] == "failed" and (run is None or is_real(run)):
            tasks[*run_key(task), task["subject_id"]].append(task)
    fixed, rows = fixes(tables), []
    for row in tables["user_processing_results"]:
        if row["processing_status"] in FAILED and is_real(row) and from_day <= row["run_date"] < to_day:
            of_user = tasks.get((*run_key(row), row["subject_id"]), [])
            of_user.sort(key=lambda task: (task["execution_sequence"], task["id"]))
            names = [task["task_display_name"] for task in of_user] or None
            reasons = [task["failure_reason"] for task in of_user] or None
            fix = fixed.get(result_key(row))
            rows.append((*result_key(row), row["processing_status"], names, reasons, fix and fix[1]))
    return rows


def leaver_sla(tables, hours):
    """tenant, workflow, run, result, users, sla, deadline, when it was fixed"""
    of, known, fixed, rows = workflows(tables), runs(tables), fixes(tables), []
    held = collections.Counter(run_key(row) for row in tables["user_processing_results"])

    def is_asked(row, workflow_id):
        workflow = of.get((row["tenant_id"], workflow_id))
        is_leaver = workflow is not None and workflow["category"] == "leaver"
        return is_leaver and row["workflow_execution_type"] not in ("preview", "activatedWithScope")

    for row in tables["user_processing_results"]:
        if not is_asked(row, row["workflow_id"]):
            continue
        run = known.get(run_key(row))
        deadline = run and micros(run["scheduled_date_time"]) + hours * HOUR
        fix = fixed.get(result_key(row))
        sla = verdict(row, deadline)
        rows.append((*result_key(row), 1, sla, deadline, fix and fix[1]))
    for key, run in known.items():
        missing = (run["total_users_count"] or 0) - held[key]
        if is_asked(run, run["workflow_id"]) and missing > 0:
            deadline = micros(run["scheduled_date_time"]) + hours * HOUR
            rows.append((*key, None, missing, "unknown", deadline, None))
    return rows


def verdict(row, deadline):
    status, done = row["processing_status"], micros(row["completed_date_time"])
    if status in FINAL_WITHOUT_SUCCESS:
        return "missed"
    if deadline is None or (status == "completed" and done is None):
        return "unknown"
    if status == "completed":
        return "met" if done <= deadline else "missed"
    return "missed" if micros(row["_lcw_extracted_at"]) > deadline else "open"


def at_rank(values, share):
    """The smallest value that at least `share` of the values do not exceed."""
    return sorted(values)[max(math.ceil(len(values) * share) - 1, 0)] if values else None


def queue_delay(tables):
    """tenant, workflow, started, never started, median, 95th of a hundred, longest"""
    known, waits = runs(tables), collections.defaultdict(list)
    for row in tables["user_processing_results"]:
        run = known.get(run_key(row))
        if run is not None and run["_lcw_settled"] and is_real(row):
            started, due = micros(row["started_date_time"]), micros(row["scheduled_date_time"])
            # Truncated towards zero.
            wait = None if started is None or due is None else int((started - due) / 1000)
            waits[row["tenant_id"], row["workflow_id"]].append(wait)
    rows = []
    for key, found in waits.items():
        started = [wait for wait in found if wait is not None]
        ranks = at_rank(started, 0.5), at_rank(started, 0.95), max(started, default=None)
        rows.append((*key, len(started), len(found) - len(started), *ranks))
    return rows


def workflow_health(tables):
    """tenant, workflow, runs, not settled, completed, with errors, failed, canceled, users, successful,
    failed users, success rate to six places, users not held, last schedule"""
    held = collections.Counter(run_key(row) for row in tables["user_processing_results"])
    rows = []
    for key in workflows(tables):
        all_runs = [it for it in tables["runs"] if (it["tenant_id"], it["workflow_id"]) == key and is_real(it)]
        settled = [run for run in all_runs if run["_lcw_settled"]]
        ended = collections.Counter(run["processing_status"] for run in settled)

        def total(name, of):
            return sum(run[name] or 0 for run in of)

        rated = [
            run for run in settled
            if run["total_users_count"] is not None and run["successful_users_count"] is not None
        ]
        users = total("total_users_count", rated)
        rate = round(total("successful_users_count", rated) / users, 6) if users else None
        not_held = sum(max((run["total_users_count"] or 0) - held[*key, run["id"]], 0) for run in settled)
        schedules = [micros(run["scheduled_date_time"]) for run in all_runs]
        rows.append((
            *key, len(settled), len(all_runs) - len(settled), ended["completed"],
            ended["completedWithErrors"], ended["failed"], ended["canceled"],
            total("total_users_count", settled), total("successful_users_count", settled),
            total("failed_users_count", settled), rate, not_held, max(schedules, default=None),
        ))
    return rows


def history_of(tables, object_id):
    """tenant, kind, workflow, run, result, status, task, sequence, reason; in their order"""
    known, steps = runs(tables), []
    kinds = (
        ("user", "user_processing_results"), ("subject", "subject_processing_results"),
        ("task", "task_processing_results"),
    )
    for kind, table in kinds:
        for row in tables[table]:
            if row["subject_id"] != object_id:
                continue
            run = known.get(run_key(row))
            sequence = row.get("execution_sequence")
            # What has no run comes last, as NULL does; tasks below what they belong to.
            order = (
                run is None, run and micros(run["scheduled_date_time"]) or 0, *run_key(row),
                kind == "task", sequence or 0, row["id"],
            )
            task = row.get("task_display_name"), sequence, row.get("failure_reason")
            steps.append((order, (row["tenant_id"], kind, *result_key(row)[1:], row["processing_status"], *task)))
    return [step for _, step in sorted(steps, key=lambda step: step[0])]


def runs_latest(tables):
    """tenant, workflow, run"""
    newest = {}
    for run in tables["runs"]:
        if is_real(run):
            key = run["tenant_id"], run["workflow_id"]
            newest[key] = max(newest.get(key, (0, "")), (micros(run["scheduled_date_time"]), run["id"]))
    return [(*key, run) for key, (_, run) in newest.items()]


def failed_tasks(tables):
    """tenant, workflow, run, result, name of the workflow, type of the run"""
    of, known, rows = workflows(tables), runs(tables), []
    for task in tables["task_processing_results"]:
        run = known.get(run_key(task))
        if task["processing_status"] == "failed" and (run is None or is_real(run)):
            name = of[task["tenant_id"], task["workflow_id"]]["display_name"]
            rows.append((*result_key(task), name, run and run["workflow_execution_type"]))
    return rows


def user_results(tables):
    """tenant, workflow, run, result, name of the workflow, status and schedule of the run, settled"""
    of, known, rows = workflows(tables), runs(tables), []
    for row in tables["user_processing_results"]:
        run = known.get(run_key(row))
        name = of[row["tenant_id"], row["workflow_id"]]["display_name"]
        of_run = (None, None, False)
        if run is not None:
            of_run = run["processing_status"], micros(run["scheduled_date_time"]), run["_lcw_settled"]
        rows.append((*result_key(row), name, *of_run))
    return rows
