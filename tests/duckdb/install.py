"""Installs every DuckDB of requirements.txt side by side, below the virtual environment."""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def versions():
    lines = (line.split("#")[0].strip() for line in (HERE / "requirements.txt").read_text().splitlines())
    return [line.removeprefix("duckdb==") for line in lines if line]


def folder(version):
    return pathlib.Path(sys.prefix) / f"duckdb-{version}"


if __name__ == "__main__":
    for version in versions():
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "--target", folder(version), "--upgrade", f"duckdb=={version}"],
            check=True,
        )
