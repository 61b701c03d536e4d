"""@@name@@.py: Lifecycle Workflows history, every @@every@@. For Airflow 3.

Put it into the folder of DAGs of workers that have lcw and the dataset's folder. The secret is a
reference: the connection `@@connection@@` holds the client id as login, the secret as password and
the tenant id as host, in whatever secrets backend you use. It is read when the task runs, is given to
lcw by its environment, and is masked in logs.
"""

import os
import random
import subprocess
import time
from datetime import datetime, timedelta, timezone

from airflow.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from airflow.sdk import BaseHook, dag, task

COMMAND = @@command_json@@
JITTER_SECONDS = @@jitter_seconds@@

# Trying again would change nothing about these.
FINAL = {
    2: "the command line, pipeline file or folder is wrong",
    3: "no credentials, or a permission is missing",
    4: "partial: some could not be fetched, see not_covered in the summary",
    5: "committed, but not proven complete, or days were lost; see the summary, and lcw acknowledge",
}
# The next try continues.
PASSING = {1: "failed", 7: "not done by the deadline", 130: "stopped", 143: "stopped"}


def judge(code):
    """What Airflow makes of an exit code."""
    if code == 0:
        return
    if code == 75:
        raise AirflowSkipException("another export is at work")
    if code in FINAL:
        raise AirflowFailException(f"{FINAL[code]} (exit code {code})")
    raise AirflowException(f"{PASSING.get(code, 'failed')} (exit code {code})")


@dag(
    dag_id="@@name@@",
    schedule="@@cron@@",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    default_args={
        "retries": 2,
        "retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=7),
        # Alerts: "on_failure_callback": a notifier of yours.
    },
    tags=["lcw"],
)
def export_lifecycle_workflows():
    @task
    def export():
        time.sleep(random.uniform(0, JITTER_SECONDS))
        login = BaseHook.get_connection("@@connection@@")
        environment = {
            **os.environ,
            "AZURE_TENANT_ID": login.host or "",
            "AZURE_CLIENT_ID": login.login or "",
            "AZURE_CLIENT_SECRET": login.password or "",
        }
        ended = subprocess.run(COMMAND, env=environment, stdout=subprocess.PIPE, text=True, check=False)
        print(ended.stdout)
        judge(ended.returncode)

    export()


export_lifecycle_workflows()
