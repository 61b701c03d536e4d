"""Airflow: the file is imported, its task run, under every exit code.

Airflow itself is 300 packages; what the file uses of it is stood in for here. LCW_AIRFLOW names the Python of a real
installation, which then imports the file as well.
"""

import contextlib
import io
import os
import subprocess
import sys
import types

from program import CODES, equal, printed, stand_in

OUTCOMES = {0: None, 75: "AirflowSkipException", 1: "AirflowException", 7: "AirflowException"}


def check(folder):
    words = ["/etc/lcw/daily.toml", "--program", str(stand_in(folder)), "--connection", "graph"]
    files, expression = printed("airflow", *words)
    (text,) = files.values()
    dags, tasks = stand_ins()
    namespace = {"__name__": "lcw_export"}
    exec(compile(text, "lcw_export.py", "exec"), namespace)
    (dag,) = dags
    equal((dag["schedule"], dag["catchup"], dag["max_active_runs"]), (expression, False, 1), "the DAG")
    (task,) = tasks
    namespace["time"].sleep = lambda _: None
    for code in CODES:
        os.environ["CODE"] = str(code)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                outcome = task() and None
        except Exception as error:  # noqa: BLE001: which one is the question
            outcome = type(error).__name__
        equal(outcome, OUTCOMES.get(code, "AirflowFailException"), f"what Airflow is told of {code}")
    equal("a secret" in text, False, "a secret in the file")
    if real := os.environ.get("LCW_AIRFLOW"):
        really(real, folder, text)


def stand_ins():
    """What the file imports; what it declares is collected."""
    dags, tasks = [], []
    errors = types.ModuleType("airflow.exceptions")
    for name in ("AirflowException", "AirflowFailException", "AirflowSkipException"):
        setattr(errors, name, type(name, (Exception,), {}))

    def dag(**options):
        dags.append(options)
        return lambda function: function

    def task(function):
        return lambda: tasks.append(function)

    class BaseHook:
        @staticmethod
        def get_connection(name):
            equal(name, "graph", "the connection")
            return types.SimpleNamespace(host="tenant", login="client", password="a secret")

    sdk = types.ModuleType("airflow.sdk")
    sdk.dag, sdk.task, sdk.BaseHook = dag, task, BaseHook
    sys.modules.update({"airflow": types.ModuleType("airflow"), "airflow.sdk": sdk, "airflow.exceptions": errors})
    return dags, tasks


def really(python, folder, text):
    path = folder / "dags"
    path.mkdir()
    (path / "lcw_export.py").write_text(text)
    script = (
        "from airflow.dag_processing.dagbag import DagBag\n"
        f"bag = DagBag({str(path)!r})\n"
        "assert not bag.import_errors, bag.import_errors\n"
        "assert list(bag.dags) == ['lcw-export'], bag.dags\n"
    )
    environment = {**os.environ, "AIRFLOW_HOME": str(folder / "home"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    ended = subprocess.run([python, "-c", script], env=environment, capture_output=True, text=True, check=False)
    equal(ended.returncode, 0, ended.stdout[-2000:] + ended.stderr[-2000:])
