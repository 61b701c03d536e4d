"""Exports with the built program and reads the result back with every promised DuckDB.

Runs `lcw` against a server that plays back Microsoft's documented responses, and against the
simulated tenant, in both formats, with every table there is. Every version of DuckDB has to read
every table with the documented types, and the same facts out of both formats. Nothing is skipped:
what is missing fails.
"""

import contextlib
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import urllib.request

from install import folder, versions

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
LCW = ROOT / os.environ.get("LCW", "target/debug/lcw")
FIXTURES = ROOT / "tests/fixtures/graph"
TENANT = "11111111-2222-3333-4444-555555555555"
RUN = "dad77a47-6eda-4de7-bc37-fe8eb5aaf17d"
OTHER_RUN = "a512bb50-3423-4bdc-ad5e-9731095b3b9a"
WORKFLOW = "14879e66-9ea9-48d0-804d-8fea672d0341"
ABOVE = re.compile("/(v1.0|beta)/identityGovernance/lifecycleWorkflows/")
TABLES = sorted(path.stem for path in (ROOT / "schemas").glob("*.json") if path.stem != "pipeline.schema")
EVERY_TABLE = [argument for table in TABLES for argument in ("--table", table)]

# Documented bodies by what is asked for, below the workflow where it does not say otherwise.
DOCUMENTED = {
    "taskDefinitions": "list-taskdefinitions-v1.0-1",
    "/runs": "list-runs-v1.0-1",
    "/taskReports": "list-taskreports-v1.0-1",
    "/versions": "list-versions-v1.0-1",
    "/tasks": "list-tasks-v1.0-1",
    f"/runs/{RUN}/userProcessingResults": "list-run-userprocessingresults-v1.0-1",
    f"/runs/{RUN}/taskProcessingResults": "list-run-taskprocessingresults-v1.0-1",
    f"/runs/{RUN}/reprocessedRuns": "list-run-reprocessedruns-v1.0-1",
    f"/runs/{OTHER_RUN}/subjectProcessingResults": "list-run-subjectprocessingresults-beta-1",
}


def documented(asked):
    """The body for a path below `lifecycleWorkflows/`: Microsoft's, or an empty list."""
    workflow = {"id": WORKFLOW, "displayName": "Documented", "category": "joiner"}
    if asked == "workflows":
        return {"value": [workflow]}
    if asked == f"workflows/{WORKFLOW}":
        return workflow
    below = asked.removeprefix(f"workflows/{WORKFLOW}")
    if version := re.fullmatch(r"/versions/(\d+)", below):
        listed = documented(f"workflows/{WORKFLOW}/versions")["value"]
        return next(it for it in listed if it["versionNumber"] == int(version[1]))
    if below in DOCUMENTED:
        return json.loads((FIXTURES / f"{DOCUMENTED[below]}.json").read_text())
    return {"value": []}


class DocumentedGraph(http.server.BaseHTTPRequestHandler):
    """Answers with the documented bodies of one workflow, its runs and what is below them."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, count = ABOVE.subn("", self.path.split("?")[0], count=1)
        status, body = 200, documented(path)
        if count == 0:
            status, body = 404, {"error": {"code": "UnknownError", "message": "not documented"}}
        body = json.dumps(body).encode()
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
        "--tenant-id", TENANT, "--out", out, "--format", file_format, "--api-version", "beta", *EVERY_TABLE,
        expected=5, LCW_ACCESS_TOKEN="documented",
    )
    server.shutdown()
    assert summary["proof"]["matched"] == 1, summary["proof"]
    assert summary["proof"]["short"] == 1, summary["proof"]


@contextlib.contextmanager
def simulated_tenant():
    """`lcw simulate` with something in every table, at an hour at which nothing moves any more."""
    command = [str(LCW), "simulate", "--port", "0", "--json", "--quiet", "--now", "2026-11-23T12:00:00Z"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            text = "".join(iter(process.stdout.readline, "}\n")) + "}"
            tenant = json.loads(text)

            def control(what, method="POST"):
                url = f"{tenant['graph_url']}/_simulator{what}"
                with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
                    return json.load(answer)

            control("/options?reprocessed_runs=readable")
            workflow = control("", "GET")["workflows"][0]["id"]
            control(f"/runs?workflow={workflow}&users=5&non_users=3")
            # The last runs have settled by then, and the next are hours away.
            control("/clock?advance=3h")
            yield tenant
        finally:
            process.terminate()


def export_simulated(tenant, out, file_format, *pipeline):
    """Everything there is: proven, nothing missing."""
    summary = lcw(
        "export", *pipeline, "--out", out, "--format", file_format, "--api-version", "beta", "--expand", "subject",
        "--graph-url", tenant["graph_url"], "--authority-url", tenant["authority_url"],
        "--requests-per-second", "unlimited", *EVERY_TABLE, expected=0,
        AZURE_TENANT_ID=tenant["tenant_id"], AZURE_CLIENT_ID=tenant["client_id"],
        AZURE_CLIENT_SECRET=tenant["client_secret"],
    )
    rows = {name: table["rows_total"] for name, table in summary["tables"].items()}
    assert sorted(rows) == TABLES, f"not every table was exported: {rows}"
    assert all(rows.values()), f"tables without a row show nothing: {rows}"
    return rows


def export_demo(out, file_format):
    """The queries that `lcw demo` prints."""
    lcw("demo", "--out", out, "--format", file_format, expected=0)
    again = [str(LCW), "demo", "--out", str(out), "--format", file_format, "--quiet"]
    return subprocess.run(again, capture_output=True, text=True, check=True).stdout


class EmptyGraph(DocumentedGraph):
    """A tenant without workflows."""

    def do_GET(self):
        body = b'{"value": []}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def export_empty(out, file_format):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), EmptyGraph)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    lcw(
        "export", "--graph-url", f"http://127.0.0.1:{server.server_port}", "--tenant-id", TENANT, "--out", out,
        "--format", file_format, expected=0, LCW_ACCESS_TOKEN="empty",
    )
    server.shutdown()


def exports_for_the_kit(tenant, scratch, folders):
    """The same export in every compression, and one of nothing."""
    simulated = {"parquet": folders["parquet"]["simulated"], "zstd": folders["ndjson"]["simulated"]}
    for compression in ("gzip", "none"):
        pipeline, out = scratch / f"{compression}.toml", scratch / f"kit-{compression}"
        pipeline.write_text(f'[load]\nformat = "ndjson"\ncompression = "{compression}"\n')
        export_simulated(tenant, out, "ndjson", pipeline)
        simulated[compression] = str(out)
    empty = {}
    for file_format in ("parquet", "ndjson"):
        empty[file_format] = str(scratch / f"empty-{file_format}")
        export_empty(empty[file_format], file_format)
    return {"simulated": simulated, "empty": empty}


def check_in_every_version(script, argument, what):
    for version in versions():
        environment = os.environ | {"PYTHONPATH": str(folder(version)), "LCW": str(LCW)}
        done = subprocess.run([sys.executable, HERE / script, version, json.dumps(argument)], env=environment)
        if done.returncode != 0:
            sys.exit(f"DuckDB {version} did not read what it should have")
        print(f"DuckDB {version}: {what}", flush=True)


def main():
    if not LCW.exists():
        sys.exit(f"{LCW} is not built: run `make test`")
    with tempfile.TemporaryDirectory() as scratch, simulated_tenant() as tenant:
        folders = {}
        for file_format in ("parquet", "ndjson"):
            def out(name):
                return pathlib.Path(scratch) / f"{name}-{file_format}"

            export_documented(out("documented"), file_format)
            folders[file_format] = {
                "rows": export_simulated(tenant, out("simulated"), file_format),
                "printed": export_demo(out("demo"), file_format),
                "documented": str(out("documented")),
                "simulated": str(out("simulated")),
            }
        kit = exports_for_the_kit(tenant, pathlib.Path(scratch), folders)
        check_in_every_version("queries.py", folders, "every table, both formats, types and values")
        check_in_every_version("kit.py", kit, "views, macros and dbt sources, every format and compression")
        print(f"{len(versions())} passed, 0 failed")


if __name__ == "__main__":
    main()
