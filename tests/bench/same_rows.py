"""What a dataset's tables hold, whatever exported them: a digest of the rows of each.

Rows are compared as sets: sorted, with all columns but those of lineage, which say when and by which export
a row came.

    same_rows.py DATASET [DATASET]…

Prints a line of JSON for each dataset: how many rows each table has, and their digest.
"""

import hashlib
import json
import pathlib
import sys

LINEAGE = {"_lcw_export_id", "_lcw_extracted_at", "_lcw_first_extracted_at", "_lcw_first_seen", "_lcw_last_seen"}


def tables_of(dataset):
    """The folders of tables: what begins with an underscore is the dataset's own."""
    return sorted(folder for folder in dataset.iterdir() if folder.is_dir() and folder.name[0] != "_")


def rows_of(folder):
    # Here, because what is made of rows is tested where there is no pyarrow.
    import pyarrow.parquet

    return pyarrow.parquet.read_table(folder).to_pylist()


def told(rows):
    known = [{name: value for name, value in row.items() if name not in LINEAGE} for row in rows]
    texts = sorted(json.dumps(row, default=str, sort_keys=True) for row in known)
    return {"rows": len(texts), "digest": hashlib.sha256("\n".join(texts).encode()).hexdigest()}


if __name__ == "__main__":
    for path in sys.argv[1:]:
        tables = tables_of(pathlib.Path(path))
        print(json.dumps({folder.name: told(rows_of(folder)) for folder in tables}))
