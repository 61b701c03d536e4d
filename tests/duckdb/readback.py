"""Exports with the built program and reads the result back with every promised DuckDB.

Runs `lcw` against a server that plays back Microsoft's documented responses, and against the
simulated tenant, in both formats. Every version of DuckDB has to read every table with the
documented types, and the same facts out of both formats. Nothing is skipped: what is missing fails.
"""

import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

from install import folder, versions

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
LCW = ROOT / os.environ.get("LCW", "target/debug/lcw")
FIXTURES = ROOT / "tests/fixtures/graph"
TENANT = "11111111-2222-3333-4444-555555555555"
RUN = "dad77a47-6eda-4de7-bc37-fe8eb5aaf17d"
OTHER_RUN = "a512bb50-3423-4bdc-ad5e-9731095b3b9a"
WORKFLOW = "14879e66-9ea9-48d0-804d-8fea672d0341"
LIST = "/v1.0/identityGovernance/lifecycleWorkflows"


class DocumentedGraph(http.server.BaseHTTPRequestHandler):
    """Answers with the documented bodies of one workflow's run and its results."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.path.split("?")[0]
        status, body = 200, b'{"value": []}'
        if path == f"{LIST}/workflows":
            body = json.dumps({"value": [{"id": WORKFLOW, "displayName": "Documented", "category": "joiner"}]}).encode()
        elif path == f"{LIST}/workflows/{WORKFLOW}":
            body = json.dumps({"id": WORKFLOW, "displayName": "Documented", "category": "joiner"}).encode()
        elif path == f"{LIST}/workflows/{WORKFLOW}/runs":
            body = (FIXTURES / "list-runs-v1.0-1.json").read_bytes()
        elif path == f"{LIST}/workflows/{WORKFLOW}/runs/{RUN}/userProcessingResults":
            body = (FIXTURES / "list-run-userprocessingresults-v1.0-1.json").read_bytes()
        elif not path.startswith(LIST):
            status, body = 404, b'{"error": {"code": "UnknownError", "message": "not documented"}}'
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def lcw(*arguments, expected, **environment):
    command = [str(LCW), *map(str, arguments), "--json", "--quiet"]
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("AZURE_", "LCW_"))}
    done = subprocess.run(command, env=clean | environment, capture_output=True, text=True)
    if done.returncode != expected:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}, not {expected}\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout)


def export_documented(out, file_format):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), DocumentedGraph)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://127.0.0.1:{server.server_port}"
    # The second documented run has no documented results: that is a shortfall, exit code 5.
    summary = lcw(
        "backfill", "--from", "2022-08-01", "--to", "2022-09-01", "--graph-url", origin,
        "--tenant-id", TENANT, "--out", out, "--format", file_format, expected=5,
        LCW_ACCESS_TOKEN="documented",
    )
    server.shutdown()
    assert summary["proof"]["matched"] == 1, summary["proof"]
    assert summary["proof"]["short"] == 1, summary["proof"]


def check_in_every_version(folders):
    for version in versions():
        environment = os.environ | {"PYTHONPATH": str(folder(version))}
        done = subprocess.run(
            [sys.executable, HERE / "queries.py", version, json.dumps(folders)], env=environment
        )
        if done.returncode != 0:
            sys.exit(f"DuckDB {version} did not read what it should have")
        print(f"DuckDB {version}: every table, both formats, types and values")


def main():
    if not LCW.exists():
        sys.exit(f"{LCW} is not built: run `make test`")
    with tempfile.TemporaryDirectory() as scratch:
        folders = {}
        for file_format in ("parquet", "ndjson"):
            documented = pathlib.Path(scratch) / f"documented-{file_format}"
            export_documented(documented, file_format)
            simulated = pathlib.Path(scratch) / f"simulated-{file_format}"
            # The documented exit codes of a whole demo export: proven, nothing missing.
            summary = lcw("demo", "--out", simulated, "--format", file_format, expected=0)
            again = [str(LCW), "demo", "--out", str(simulated), "--format", file_format, "--quiet"]
            folders[file_format] = {
                "printed": subprocess.run(again, capture_output=True, text=True, check=True).stdout,
                "documented": str(documented),
                "simulated": str(simulated),
                "rows": {name: table["rows_total"] for name, table in summary["tables"].items()},
            }
        check_in_every_version(folders)
        print(f"{len(versions())} passed, 0 failed")


if __name__ == "__main__":
    main()
