"""Does what one document says, block by block, as a reader would: in a folder of its own, with a
simulated tenant of its own, every block going on where the one before it ended.

Prints one JSON object: how many blocks were run and shown, which were left out and why, what failed.
"""

import contextlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import time
import tomllib
import urllib.request

from blocks import begins_empty, blocks_of

ROOT = pathlib.Path(__file__).parent.parent.parent
LCW = ROOT / os.environ.get("LCW", "target/debug/lcw")
TABLES = sorted(path.stem for path in (ROOT / "schemas").glob("*.json") if path.stem != "pipeline.schema")
PATIENCE = 300

SHELL = {"console", "sh", "bash", "shell"}
SHOWN = {"text", "csv", "ini", "yaml", "xml", "html", "mermaid", "dockerfile", "markdown", "prometheus"}

# Folders of a real machine, which lie below the document's own one here.
SYSTEM = re.compile(r"(?<![\w/.:-])/(?=(?:etc/lcw|var/log|var/lib|srv|run/secrets)\b)")

# What readers have to put in by themselves.
PUT_IN = [
    (re.compile(r"\b(AZURE_TENANT_ID=)(?!\$)[^\s\"']+"), "tenant_id"),
    (re.compile(r"\b(AZURE_CLIENT_ID=)(?!\$)[^\s\"']+"), "client_id"),
    (re.compile(r"\b(AZURE_CLIENT_SECRET=)(?!\$)[^\s\"']+"), "client_secret"),
    (re.compile(r"(tenant[-_]id(?: = |[= ])\"?)[0-]{36}"), "tenant_id"),
    (re.compile(r"(client[-_]id(?: = |[= ])\"?)[0-]{36}"), "client_id"),
]

# Leads the verbs that talk to the service to the simulated tenant, as fast as they can.
WRAPPER = """#!/bin/sh
case "$1" in
  export | backfill | doctor | init | plan) talks=yes ;;
  *) talks= ;;
esac
for word; do
  case "$word" in
    --graph-url | --graph-url=* | --help | -h) talks= ;;
    --requests-per-second | --requests-per-second=*) paced=yes ;;
  esac
done
[ -z "$talks" ] || set -- "$@" --graph-url {origin} --authority-url {origin}
[ -z "$talks" ] || [ -n "$paced" ] || set -- "$@" --requests-per-second unlimited
exec {lcw} "$@"
"""


class Failed(Exception):
    """What a block said and how it ended."""


@contextlib.contextmanager
def simulated_tenant():
    command = [str(LCW), "simulate", "--port", "0", "--json", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield json.loads("".join(iter(process.stdout.readline, "}\n")) + "}")
        finally:
            process.terminate()


def control(tenant, what, method="POST"):
    url = f"{tenant['graph_url']}/_simulator{what}"
    with urllib.request.urlopen(urllib.request.Request(url, method=method)) as answer:
        return json.load(answer)


class Reader:
    """A person at a machine with the program, a tenant, and the repository at hand."""

    def __init__(self, home, tenant):
        self.home, self.tenant = home, tenant
        self.state = home / ".state"
        self.database = None
        self.prepare()

    def prepare(self):
        bin = self.home / ".bin"
        bin.mkdir()
        wrapper = bin / "lcw"
        wrapper.write_text(WRAPPER.format(origin=self.tenant["graph_url"], lcw=shlex.quote(str(LCW))))
        wrapper.chmod(0o755)
        for folder in ("etc/lcw", "var/log", "var/lib", "srv", "run/secrets"):
            (self.home / folder).mkdir(parents=True)
        for name in ("pipelines", "schemas", "Makefile"):
            (self.home / name).symlink_to(ROOT / name)
        secret = self.home / "client-secret"
        secret.write_text(self.tenant["client_secret"])
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("AZURE_", "LCW_"))}
        self.environment = clean | {
            "PATH": f"{bin}:{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "SIMULATOR": f"{self.tenant['graph_url']}/_simulator",
            "AZURE_TENANT_ID": self.tenant["tenant_id"],
            "AZURE_CLIENT_ID": self.tenant["client_id"],
            "AZURE_CLIENT_SECRET": self.tenant["client_secret"],
            "COLUMNS": "80",
            "NO_COLOR": "1",
            "TZ": "UTC",
        }

    def export(self):
        """What whoever reads the document has already: a dataset with something in every table."""
        control(self.tenant, "/options?reprocessed_runs=readable")
        workflow = control(self.tenant, "", "GET")["workflows"][0]["id"]
        control(self.tenant, f"/runs?workflow={workflow}&users=5&non_users=3")
        tables = " ".join(f"--table {table}" for table in TABLES)
        line = f"lcw export --out lcw-data --api-version beta {tables}"
        self.shell(f"{line} --quiet > /dev/null", 0)

    def here(self, text):
        """The text with this machine's folders and this tenant's ids."""
        for pattern, key in PUT_IN:
            text = pattern.sub(lambda match: match[1] + self.tenant[key], text)
        return SYSTEM.sub(f"{self.home}/", text)

    def shell(self, text, exits):
        """Runs it with the variables and in the folder of what was run before."""
        script = (
            f"[ ! -e {self.state} ] || . {self.state}\n"
            f"trap 'code=$?; {{ declare -px; printf \"cd %q\\n\" \"$PWD\"; }} > {self.state}; exit $code' EXIT\n"
            f"set -a -o pipefail\n" + ("set -e\n" if exits == 0 else "") + self.here(text)
        )
        done = self.run(["bash", "-c", script])
        if done.returncode != exits:
            raise Failed(f"ended with {done.returncode}, not {exits}\n{done.stdout}{done.stderr}")

    def run(self, command, **more):
        try:
            return subprocess.run(
                command, cwd=self.home, env=self.environment | more, stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired as late:
            raise Failed(f"has not ended after {PATIENCE} s") from late

    def cron(self, text, exits):
        """Runs the commands of a crontab once, whenever they are due."""
        for line in text.splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            fields = line.split(None, 5)
            if len(fields) < 6:
                raise Failed(f"this is no line of a crontab: {line}")
            self.shell(fields[5], exits)

    def sql(self, text):
        """Runs every statement in DuckDB, with the views of `lcw connect` where there is a dataset."""
        os.chdir(self.home)
        duckdb = newest_duckdb()
        if self.database is None:
            self.database = duckdb.connect()
            if pathlib.Path("lcw-data").is_dir():
                connect = self.run(["lcw", "connect", "--out", "lcw-data"])
                if connect.returncode != 0:
                    raise Failed(f"lcw connect: {connect.stderr}")
                self.database.execute(pathlib.Path(connect.stdout.strip()).read_text())
        statements = self.database.extract_statements(self.here(text))
        if not statements:
            raise Failed("there is no statement in it")
        for statement in statements:
            try:
                self.database.execute(statement).fetchall()
            except duckdb.Error as error:
                raise Failed(f"{statement.query.strip()}\n{error}") from error

    def python(self, text):
        from install import folder, versions

        libraries = [folder(versions()[-1]), pathlib.Path(sys.prefix) / "pyarrow"]
        path = os.pathsep.join(map(str, libraries))
        done = self.run([sys.executable, "-c", self.here(text)], PYTHONPATH=path)
        if done.returncode != 0:
            raise Failed(f"ended with {done.returncode}\n{done.stdout}{done.stderr}")

    def toml(self, text):
        """A pipeline file has to be one; anything else has to be TOML."""
        tables = tomllib.loads(text)
        if not set(tables) <= {"source", "extract", "load", "report"}:
            return
        (self.home / ".shown.toml").write_text(self.here(text))
        done = self.run(["lcw", "config", "show", ".shown.toml"])
        if done.returncode != 0:
            raise Failed(done.stderr)

    def follow(self, block):
        """Does what the block says."""
        for command in block.first:
            self.shell(command, 0)
        if block.language in SHELL:
            self.shell(block.text, block.exits)
        elif block.language == "cron":
            self.cron(block.text, block.exits)
        elif block.language == "sql":
            self.sql(block.text)
        elif block.language == "python":
            self.python(block.text)
        elif block.language == "toml":
            self.toml(block.text)
        elif block.language == "json":
            json.loads(block.text)
        else:
            language = block.language or "no language"
            raise Failed(f"{language}: cannot be run here; say why with <!-- not run: REASON -->")


def newest_duckdb():
    sys.path.insert(0, str(ROOT / "tests/duckdb"))
    from install import folder, versions

    sys.path.insert(0, str(folder(versions()[-1])))
    import duckdb

    return duckdb


def read(document, home):
    markdown = document.read_text()
    report = {"run": 0, "shown": 0, "not_run": [], "failed": [], "seconds": 0}
    began = time.monotonic()
    with simulated_tenant() as tenant:
        reader = Reader(home, tenant)
        blocks = blocks_of(markdown)
        is_run = any(not block.not_run and block.language not in SHOWN for block in blocks)
        if is_run and not begins_empty(markdown):
            reader.export()
        for block in blocks:
            place = f"{document.relative_to(ROOT) if document.is_relative_to(ROOT) else document}:{block.line}"
            if block.not_run:
                report["not_run"].append(f"{place}: {block.not_run}")
            elif block.language in SHOWN:
                report["shown"] += 1
            else:
                report["run"] += 1
                try:
                    reader.follow(block)
                except (Failed, ValueError) as failure:
                    report["failed"].append(f"{place}\n{block.text}\n{failure}")
    report["seconds"] = round(time.monotonic() - began, 1)
    return report


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "tests/duckdb"))
    print(json.dumps(read(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve())))
