"""Instructions of a whole export, per row and by what they are for: `make bench-instructions`.

Valgrind counts them, so that the figures are the same on a busy machine. Two exports of fixed tenants, 40,000 and
200,000 rows, are counted; the difference is what further rows cost, without start-up. Valgrind's processor lacks
the SHA instructions: the digest of files takes five times what it would.
"""

import argparse
import collections
import pathlib
import re
import subprocess
import sys
import tempfile

import bench
import flame
import measured
from contestants import CLEAN, RESULTS
from tenant import Tenant

SMALL, LARGE = (10, 20, 200), (10, 100, 200)
# The file that Valgrind counts into.
COUNTS = "callgrind.out"
# What a row of the table is for, and the function all of whose work it is.
PARTS = {
    "asking, and taking the answer": ["reqwest::async_impl::client::PendingRequest", "lcw_extractor::body::BodyBuffer::fill"],
    "reading JSON": ["lcw_model::entities::UserProcessingResult as lcw_model::entity::Read>::read"],
    "appending to columns": ["lcw_transform::results::ResultRows as lcw_transform::child::ChildRows>::append"],
    "of that, reading instants": ["lcw_model::time::parse_micros"],
    "sorting the rows of a run": ["lcw_transform::rows::Rows::sorted_unique"],
    "writing Parquet": ["lcw_loader_parquet::writer::Writer as lcw_dataset::format::RowWriter>"],
    "of that, compressing": ["ZSTD_compress2"],
    "of that, the digest": ["lcw_dataset::format::FileSink as std::io::Write>::write"],
    "checking what was written": ["lcw_dataset::staging::Staging::check"],
}
COUNT = re.compile(r"\s*([\d,]+) \(\s*[\d.]+%\)\s+(?:\S*?:)?(.*?)(?: \[.*\])?$")


def count(lcw, program, shape, scratch):
    """Instructions by function, those of what it called included."""
    out = scratch / COUNTS
    with Tenant(program, "history", *shape) as tenant:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", lcw, "export"]
        command += ["--graph-url", tenant.origin, "--authority-url", tenant.origin, "--out", scratch / f"data-{tenant.rows}"]
        command += ["--table", RESULTS, "--requests-per-second", "unlimited", "--quiet"]
        measured.run(command, scratch, CLEAN | tenant.env)
    told = subprocess.run(
        ["callgrind_annotate", "--inclusive=yes", "--threshold=100", out], capture_output=True, text=True, check=True
    )
    return functions(told.stdout)


def functions(told):
    counted = collections.Counter()
    for found in map(COUNT.match, told.splitlines()):
        if found:
            # A function that calls itself is there twice; the outer one has all.
            name, instructions = found[2], int(found[1].replace(",", ""))
            counted[name] = max(counted[name], instructions)
    return counted


def table(small, large, rows):
    def per_row(*names):
        def of(counted):
            return sum(value for name, value in counted.items() if any(part in name for part in names))

        return (of(large) - of(small)) / rows

    total = per_row("PROGRAM TOTALS")
    lines = ["| what | instructions a row | share |", "|---|---:|---:|"]
    for what, names in PARTS.items():
        lines.append(f"| {what} | {per_row(*names):,.0f} | {per_row(*names) / total:.0%} |")
    return "\n".join([*lines, f"| all | {total:,.0f} | |"])


def main():
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--programs", type=pathlib.Path, metavar="DIR", help="build nothing: take lcw and lcw-bench from here")
    asked.add_argument("--flame", type=pathlib.Path, metavar="FILE", help="draw the larger export there, as a picture")
    arguments = asked.parse_args()
    measured.adopt()
    with tempfile.TemporaryDirectory(prefix="instructions-") as folder:
        scratch = pathlib.Path(folder)
        lcw, program = bench.programs(arguments.programs, scratch)
        small, large = (count(lcw, program, shape, scratch) for shape in (SMALL, LARGE))
        rows = [workflows * runs * users for workflows, runs, users in (SMALL, LARGE)]
        if arguments.flame:
            told = (scratch / COUNTS).read_text()
            arguments.flame.write_text(flame.svg(told, f"Instructions of an export of {rows[1]:,} rows"))
    print(table(small, large, rows[1] - rows[0]))


if __name__ == "__main__":
    try:
        main()
    except (measured.Failed, FileNotFoundError) as error:
        sys.exit(f"error: {error}")
