"""What one version of DuckDB has to read: types, values, and the same facts in both formats."""

import gzip
import json
import pathlib
import shutil
import sys
import tempfile

import duckdb

ROOT = pathlib.Path(__file__).parent.parent.parent
CONTRACTS = {
    path.stem: json.loads(path.read_text())
    for path in sorted((ROOT / "schemas").glob("*.json")) if path.stem != "pipeline.schema"
}

# The columns that schema version 2 has and version 1 had not.
NEW_IN_2 = {
    "runs": ["_lcw_subject_rows", "_lcw_report_rows", "_lcw_reprocessed_rows"],
    "user_processing_results": [
        "subject_display_name", "subject_user_principal_name", "subject_mail", "subject_department",
        "subject_job_title", "subject_employee_id", "subject_employee_hire_date",
        "subject_employee_leave_date_time", "subject_account_enabled",
    ],
}

# Both rows of Microsoft's documented example, all eleven properties and the three durations.
DOCUMENTED = [
    ("16db611b-2518-48cf-89c0-3763abf8d0ab", "2022-08-24 23:28:11.110013", 0, "completed",
     "2022-08-24 23:28:01.647655", "2022-08-24 23:28:04.546949", 2, 0, "onDemand", 1,
     "8cdf25a8-c9d2-423e-a03d-3f39f03c3e97", 2899, 6563, 9462),
    ("78b83505-6967-4168-a7ea-4921c0543ce9", "2022-08-24 23:28:11.134886", 0, "completed",
     "2022-08-24 23:28:01.647655", "2022-08-24 23:28:04.490313", 2, 0, "onDemand", 1,
     "ea09ac2e-77e3-4134-85f2-25ccf3c33387", 2842, 6644, 9487),
]


def is_by_day(table):
    return any(column["name"] == "run_date" for column in CONTRACTS[table]["partition_columns"])


def scan(out, table, file_format, union=False):
    depth = "*/*" if is_by_day(table) else "*"
    options = "hive_partitioning = true" + (", union_by_name = true" if union else "")
    if file_format == "parquet":
        return f"read_parquet('{out}/{table}/{depth}/part-0.parquet', {options})"
    # Types as published: DuckDB's guess depends on the rows it happens to see. JSON columns hold
    # JSON as text in both formats, which is VARCHAR inside of JSON.
    types = ", ".join(
        f"{name}: '{'VARCHAR' if kind == 'JSON' else kind}'" for name, kind in published_types(table).items()
    )
    return (
        f"read_json('{out}/{table}/{depth}/part-0.ndjson*', format = 'newline_delimited', "
        f"{options}, columns = {{{types}}})"
    )


def published_types(table):
    return {column["name"]: column["type"] for column in CONTRACTS[table]["columns"]}


def check_types(db, out, table, union=False):
    described = db.execute(f"DESCRIBE SELECT * FROM {scan(out, table, 'parquet', union)}").fetchall()
    found = {row[0]: row[1] for row in described}
    # The partition columns come from the folders' names.
    assert found.pop("tenant_id") in ("VARCHAR", "UUID"), found
    if is_by_day(table):
        assert found.pop("run_date") == "DATE", found
    assert found == published_types(table), f"{table}: {found}"
    if not union:
        assert list(found) == list(published_types(table)), f"{table}: order of columns"


def check_documented(db, out, file_format):
    source = scan(out, "user_processing_results", file_format)
    instant = "strftime(timezone('UTC', {0}), '%Y-%m-%d %H:%M:%S.%f')"
    rows = db.execute(
        f"SELECT id, {instant.format('completed_date_time')}, failed_tasks_count, processing_status, "
        f"{instant.format('scheduled_date_time')}, {instant.format('started_date_time')}, "
        "total_tasks_count, total_unprocessed_tasks_count, workflow_execution_type, workflow_version, "
        f"subject_id, queue_ms, processing_ms, total_ms FROM {source} ORDER BY id"
    ).fetchall()
    assert rows == DOCUMENTED, f"{file_format}: {rows}"
    runs = db.execute(
        "SELECT total_users_count, _lcw_result_rows, _lcw_proof, CAST(run_date AS VARCHAR) FROM "
        f"{scan(out, 'runs', file_format)} ORDER BY scheduled_date_time"
    ).fetchall()
    assert runs == [(2, 2, "matched", "2022-08-24"), (2, 0, "short", "2022-08-25")], runs


# One documented fact of each of the other tables: what is asked, and the answer.
FACTS = [
    ("workflows", "display_name", [("Documented",)]),
    ("task_processing_results",
     "subject_id, task_display_name, task_category, execution_sequence, continue_on_error, queue_ms, processing_ms",
     [("1baa57fa-3c4e-4526-ba5a-db47a9df95f0", "Add User To Groups", "joiner,leaver", 3, False, 1893, 683)]),
    ("task_reports",
     "total_users_count, failed_users_count, processing_ms, _lcw_task_rows",
     [(2, 0, 6548, None), (2, 0, 6556, None), (2, 0, 6576, None), (2, 0, 6597, None)]),
    ("subject_processing_results",
     "subject_id, workflow_execution_type, queue_ms, total_ms, json_extract_string(subject, '$.id')",
     [("b74f0fae-b1f3-4c96-9bf0-d4d8a8e37cbe", "extensibilityOnDemand", 15000, 300000,
       "b74f0fae-b1f3-4c96-9bf0-d4d8a8e37cbe")]),
    ("reprocessed_runs", "run_id, id, workflow_execution_type",
     [("dad77a47-6eda-4de7-bc37-fe8eb5aaf17d", "78799042-265a-4e8f-8d61-94a2dcd2d395_638927021459357126",
       "onDemand")]),
    ("workflow_versions", "version_number, display_name, is_scheduling_enabled",
     [(1, "Onboard new hire employee", False), (2, "Onboard new hire employee", False),
      (3, "Global onboard new hire employee", True)]),
    ("tasks", "display_name, execution_sequence, CAST(arguments AS VARCHAR)",
     [("Enable User Account", 1, "[]"), ("Send Welcome Email", 2, "[]")]),
    ("task_definitions", "count(*), max(version)", [(16, 1)]),
]


def check_other_facts(db, out, file_format):
    for table, asked, expected in FACTS:
        rows = db.execute(f"SELECT {asked} FROM {scan(out, table, file_format)} ORDER BY ALL").fetchall()
        assert rows == expected, f"{table} ({file_format}): {rows}"
    assert {table for table, *_ in FACTS} | {"runs", "user_processing_results"} == set(CONTRACTS)


def check_same_facts(db, folders, table):
    """Every column but the export's own, compared as whole tables."""
    types = published_types(table)
    own = {"_lcw_export_id", "_lcw_extracted_at", "_lcw_first_extracted_at", "_lcw_first_seen", "_lcw_last_seen"}
    columns = ", ".join(
        f"CAST({name} AS VARCHAR) AS {name}" if kind.startswith(("JSON", "TIMESTAMP")) else name
        for name, kind in types.items() if name not in own
    )
    parquet = f"SELECT {columns} FROM {scan(folders['parquet']['simulated'], table, 'parquet')}"
    ndjson = f"SELECT {columns} FROM {scan(folders['ndjson']['simulated'], table, 'ndjson')}"
    count = db.execute(f"SELECT count(*) FROM ({parquet})").fetchall()[0][0]
    assert count == folders["parquet"]["rows"][table], f"{table}: {count} rows"
    for one, other in ((parquet, ndjson), (ndjson, parquet)):
        different = db.execute(f"{one} EXCEPT ALL {other}").fetchall()
        assert not different, f"{table}: {len(different)} rows differ, such as {different[0]}"
    keys = ", ".join(CONTRACTS[table]["key"])
    twice = db.execute(f"SELECT {keys} FROM ({parquet}) GROUP BY ALL HAVING count(*) > 1").fetchall()
    assert not twice, f"{table}: keys that come twice: {twice[:3]}"


def readme_queries(out):
    text = (ROOT / "README.md").read_text()
    blocks = [block.split("```")[0] for block in text.split("```sql")[1:]]
    queries = [query for block in blocks for query in block.replace("lcw-data", out).split(";")]
    queries = [query for query in queries if "SELECT" in query]
    assert len(queries) >= 3, f"only {len(queries)} queries found in the README"
    return queries


def check_queries_for_users(db, folders):
    """The README's queries, and those that `lcw demo` prints, run and find something."""
    queries = readme_queries(folders["parquet"]["simulated"])
    for file_format in ("parquet", "ndjson"):
        printed = folders[file_format]["printed"].split("for example:")[1].split("Run `lcw demo`")[0]
        queries += [query for query in printed.split(";") if "SELECT" in query]
    assert len(queries) >= 11, f"only {len(queries)} queries found"
    for query in queries:
        assert db.execute(f"SELECT count(*) FROM ({query})").fetchall()[0][0] > 0, query


def as_version_1(db, path, table):
    """Writes one day's file as it was before schema version 2: without the newest columns."""
    new = NEW_IN_2[table]
    if path.suffix == ".parquet":
        old = path.with_suffix(".old")
        rows = f"SELECT * EXCLUDE ({', '.join(new)}) FROM read_parquet('{path}', hive_partitioning = false)"
        db.execute(f"COPY ({rows}) TO '{old}' (FORMAT parquet, COMPRESSION zstd)")
        return old.rename(path)
    lines = db.execute(f"SELECT CAST(json AS VARCHAR) FROM read_ndjson_objects('{path}')").fetchall()
    with gzip.open(path.with_name("part-0.ndjson.gz"), "wt") as file:
        for line, in lines:
            kept = {name: value for name, value in json.loads(line).items() if name not in new}
            file.write(json.dumps(kept) + "\n")
    path.unlink()


def check_mixed_versions(db, folders):
    """Days of schema version 1 beside days of version 2: nothing is lost, and what is new is NULL there."""
    for file_format in ("parquet", "ndjson"):
        with tempfile.TemporaryDirectory() as scratch:
            out = shutil.copytree(folders[file_format]["simulated"], pathlib.Path(scratch) / "mixed")
            for table, new in NEW_IN_2.items():
                files = sorted(out.glob(f"{table}/*/*/part-0.*"))
                # The first file that DuckDB meets, and one between newer ones.
                old = [files[0], files[len(files) // 2]]
                days = ", ".join(f"'{path.parent.name.removeprefix('run_date=')}'" for path in old)
                for path in old:
                    as_version_1(db, path, table)
                mixed = scan(out, table, file_format, union=True)
                whole = scan(folders[file_format]["simulated"], table, file_format)
                kept = [f'CAST({name} AS VARCHAR)' for name in published_types(table) if name not in new]
                kept = ", ".join(kept)
                for one, other in ((mixed, whole), (whole, mixed)):
                    different = f"SELECT {kept} FROM {one} EXCEPT ALL SELECT {kept} FROM {other}"
                    assert not db.execute(different).fetchall(), f"{table} ({file_format}): rows differ"
                for name in new:
                    of_old = f"SELECT count({name}) FROM {mixed} WHERE run_date IN ({days})"
                    assert db.execute(of_old).fetchall() == [(0,)], f"{table}: {name} of old files"
                    count = f"SELECT count({name}) > 0 FROM {mixed}"
                    assert db.execute(count).fetchall() == [(True,)], f"{table}: {name} of new files"
                if file_format == "parquet":
                    check_types(db, out, table, union=True)
            if file_format == "parquet":
                for query in readme_queries(str(out)):
                    assert db.execute(f"SELECT count(*) FROM ({query})").fetchall()[0][0] > 0, query


def main():
    version, folders = sys.argv[1], json.loads(sys.argv[2])
    assert duckdb.__version__ == version, f"this is DuckDB {duckdb.__version__}, not {version}"
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    for table in CONTRACTS:
        check_types(db, folders["parquet"]["documented"], table)
        check_types(db, folders["parquet"]["simulated"], table)
        check_same_facts(db, folders, table)
    check_queries_for_users(db, folders)
    for file_format in ("parquet", "ndjson"):
        check_documented(db, folders[file_format]["documented"], file_format)
        check_other_facts(db, folders[file_format]["documented"], file_format)
    check_mixed_versions(db, folders)


if __name__ == "__main__":
    main()
