"""Asks the same questions of a dataset again and again, and writes down every answer.

Started by `readers.py`. One line of JSON an answer: what each file held, or the error. Files are named by their
path below the dataset.
"""

import json
import pathlib
import re
import sys

# The microseconds since the epoch of all rows of a file would not fit an integer; since 2026 they do.
SINCE = 1_767_225_600_000_000
KEYS = {"runs": "workflow_id, id", "user_processing_results": "workflow_id, run_id, id"}
BELOW = re.compile("(?:runs|user_processing_results)/tenant_id=.*")


class DuckDB:
    def __init__(self, file_format, options):
        import duckdb

        self.connection = duckdb.connect(config={"threads": 1})
        self.read = {"parquet": "read_parquet", "ndjson": "read_ndjson"}[file_format]
        self.pattern = {"parquet": "*.parquet", "ndjson": "*.ndjson.zst"}[file_format]
        self.options = options
        if file_format == "ndjson":
            self.options += ", columns = {workflow_id: 'VARCHAR', run_id: 'VARCHAR', id: 'VARCHAR', _lcw_extracted_at: " \
                            "'TIMESTAMP', _lcw_result_rows: 'BIGINT'}"

    def source(self, root, table):
        files = f"{root}/{table}/*/*/{self.pattern}"
        return f"{self.read}('{files}', filename = true, hive_partitioning = true{self.options})"

    def ask(self, root, table):
        rows = self.connection.execute(
            f"SELECT filename, count(*), count(DISTINCT ({KEYS[table]})), "
            f"sum(epoch_us(_lcw_extracted_at) - {SINCE})::HUGEINT "
            f"FROM {self.source(root, table)} GROUP BY filename"
        ).fetchall()
        return {BELOW.search(name)[0]: [count, keys, int(total)] for name, count, keys, total in rows}

    def contradictions(self, root):
        """Runs whose row counts other results than there are: none, where all tables are of one moment."""
        rows = self.connection.execute(
            f"SELECT r.id FROM {self.source(root, 'runs')} r "
            f"LEFT JOIN {self.source(root, 'user_processing_results')} u ON u.workflow_id = r.workflow_id AND u.run_id = r.id "
            "WHERE r._lcw_result_rows IS NOT NULL GROUP BY r.workflow_id, r.id, r._lcw_result_rows "
            "HAVING count(u.id) <> r._lcw_result_rows"
        ).fetchall()
        return [run for (run,) in rows]


class PyArrow:
    def __init__(self, _file_format, _options):
        import pyarrow.compute
        import pyarrow.dataset

        self.arrow = pyarrow

    def table(self, root, table, columns):
        files = self.arrow.dataset.dataset(f"{root}/{table}", format="parquet", partitioning="hive")
        for fragment in files.get_fragments():
            yield fragment.path, fragment.to_table(columns=columns)

    def ask(self, root, table):
        answer = {}
        keys = KEYS[table].split(", ")
        for path, rows in self.table(root, table, [*keys, "_lcw_extracted_at"]):
            distinct = set(zip(*(rows[key].to_pylist() for key in keys)))
            times = rows["_lcw_extracted_at"].cast("int64")
            total = self.arrow.compute.sum(self.arrow.compute.subtract(times, SINCE)).as_py() or 0
            answer[BELOW.search(path)[0]] = [rows.num_rows, len(distinct), total]
        return answer

    def contradictions(self, root):
        found = {}
        for _, rows in self.table(root, "user_processing_results", ["workflow_id", "run_id"]):
            for key in zip(rows["workflow_id"].to_pylist(), rows["run_id"].to_pylist()):
                found[key] = found.get(key, 0) + 1
        wrong = []
        for _, rows in self.table(root, "runs", ["workflow_id", "id", "_lcw_result_rows"]):
            for workflow, run, counted in zip(*(rows[name].to_pylist() for name in rows.column_names)):
                if counted is not None and counted != found.get((workflow, run), 0):
                    wrong.append(run)
        return wrong


def main():
    engine, options, file_format, root, where, stop = sys.argv[1:]
    reader = {"duckdb": DuckDB, "pyarrow": PyArrow}[engine](file_format, options)
    while not pathlib.Path(stop).exists():
        # Whoever resolves the name has one snapshot for as long as a question takes.
        place = pathlib.Path(root).resolve() if where == "snapshot" else pathlib.Path(root)
        answer = {}
        try:
            answer["files"] = {table: reader.ask(place, table) for table in KEYS}
            answer["contradictions"] = reader.contradictions(place) if where == "snapshot" else []
        except Exception as error:  # Whatever an engine raises is an answer that has to be counted.
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
