"""What one version of DuckDB has to read: types, values, and the same facts in both formats."""

import json
import pathlib
import sys

import duckdb

ROOT = pathlib.Path(__file__).parent.parent.parent
TABLES = ("workflows", "runs", "user_processing_results")

# Both rows of Microsoft's documented example, all eleven properties and the three durations.
DOCUMENTED = [
    ("16db611b-2518-48cf-89c0-3763abf8d0ab", "2022-08-24 23:28:11.110013", 0, "completed",
     "2022-08-24 23:28:01.647655", "2022-08-24 23:28:04.546949", 2, 0, "onDemand", 1,
     "8cdf25a8-c9d2-423e-a03d-3f39f03c3e97", 2899, 6563, 9462),
    ("78b83505-6967-4168-a7ea-4921c0543ce9", "2022-08-24 23:28:11.134886", 0, "completed",
     "2022-08-24 23:28:01.647655", "2022-08-24 23:28:04.490313", 2, 0, "onDemand", 1,
     "ea09ac2e-77e3-4134-85f2-25ccf3c33387", 2842, 6644, 9487),
]


def scan(out, table, file_format, columns=None):
    depth = "*" if table == "workflows" else "*/*"
    if file_format == "parquet":
        return f"read_parquet('{out}/{table}/{depth}/part-0.parquet', hive_partitioning = true)"
    # Types as published: DuckDB's guess depends on the rows it happens to see. JSON columns hold
    # JSON as text in both formats, which is VARCHAR inside of JSON.
    types = ", ".join(
        f"{name}: '{'VARCHAR' if kind == 'JSON' else kind}'" for name, kind in columns.items()
    )
    return (
        f"read_json('{out}/{table}/{depth}/part-0.ndjson.zst', format = 'newline_delimited', "
        f"hive_partitioning = true, columns = {{{types}}})"
    )


def published_types(table):
    contract = json.loads((ROOT / "schemas" / f"{table}.json").read_text())
    return {column["name"]: column["type"] for column in contract["columns"]}


def check_types(db, out, table):
    described = db.execute(f"DESCRIBE SELECT * FROM {scan(out, table, 'parquet')}").fetchall()
    found = {row[0]: row[1] for row in described}
    # The partition columns come from the folders' names.
    assert found.pop("tenant_id") in ("VARCHAR", "UUID"), found
    if table != "workflows":
        assert found.pop("run_date") == "DATE", found
    assert found == published_types(table), f"{table}: {found}"
    assert list(found) == list(published_types(table)), f"{table}: order of columns"


def check_documented(db, out, file_format):
    source = scan(out, "user_processing_results", file_format, published_types("user_processing_results"))
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
        f"{scan(out, 'runs', file_format, published_types('runs'))} ORDER BY scheduled_date_time"
    ).fetchall()
    assert runs == [(2, 2, "matched", "2022-08-24"), (2, 0, "short", "2022-08-25")], runs


def check_same_facts(db, folders, table):
    """Every column but the export's own, compared as whole tables."""
    types = published_types(table)
    own = {"_lcw_export_id", "_lcw_extracted_at", "_lcw_first_extracted_at", "_lcw_first_seen", "_lcw_last_seen"}
    columns = ", ".join(
        f"CAST({name} AS VARCHAR) AS {name}" if kind.startswith(("JSON", "TIMESTAMP")) else name
        for name, kind in types.items() if name not in own
    )
    parquet = f"SELECT {columns} FROM {scan(folders['parquet']['simulated'], table, 'parquet')}"
    ndjson = f"SELECT {columns} FROM {scan(folders['ndjson']['simulated'], table, 'ndjson', types)}"
    count = db.execute(f"SELECT count(*) FROM ({parquet})").fetchall()[0][0]
    assert count == folders["parquet"]["rows"][table], f"{table}: {count} rows"
    for one, other in ((parquet, ndjson), (ndjson, parquet)):
        different = db.execute(f"{one} EXCEPT ALL {other}").fetchall()
        assert not different, f"{table}: {len(different)} rows differ, such as {different[0]}"
    keys = "id" if table == "workflows" else "workflow_id, id" if table == "runs" else "workflow_id, run_id, id"
    twice = db.execute(f"SELECT {keys} FROM ({parquet}) GROUP BY ALL HAVING count(*) > 1").fetchall()
    assert not twice, f"{table}: keys that come twice: {twice[:3]}"


def check_queries_for_users(db, folders):
    """The README's queries, and those that `lcw demo` prints, run and find something."""
    readme = "".join((ROOT / "README.md").read_text().split("```sql")[1:]).split("```")[0::2]
    out = folders["parquet"]["simulated"]
    queries = [query for block in readme[:1] for query in block.replace("lcw-data", out).split(";")]
    for file_format in ("parquet", "ndjson"):
        printed = folders[file_format]["printed"].split("for example:")[1].split("Run `lcw demo`")[0]
        queries += printed.split(";")
    queries = [query for query in queries if "SELECT" in query]
    assert len(queries) >= 8, f"only {len(queries)} queries found"
    for query in queries:
        assert db.execute(f"SELECT count(*) FROM ({query})").fetchall()[0][0] > 0, query


def main():
    version, folders = sys.argv[1], json.loads(sys.argv[2])
    assert duckdb.__version__ == version, f"this is DuckDB {duckdb.__version__}, not {version}"
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    for table in TABLES:
        check_types(db, folders["parquet"]["documented"], table)
        check_types(db, folders["parquet"]["simulated"], table)
        check_same_facts(db, folders, table)
    check_queries_for_users(db, folders)
    for file_format in ("parquet", "ndjson"):
        check_documented(db, folders[file_format]["documented"], file_format)


if __name__ == "__main__":
    main()
