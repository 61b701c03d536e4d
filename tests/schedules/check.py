"""What `lcw schedule print` prints is read by the tools, schemas and languages that it is for; what exports tell others
is read by the libraries of those who are told; shells complete with the scripts that they get.

Everything runs offline. A tool of the operating system that is not there is named at the end, with what it would have
looked at; the checks beside it need only this folder's requirements.txt.
"""

import os
import pathlib
import sys
import tempfile
import time

import airflow_dag
import container_apps
import cron
import github_actions
import kubernetes_manifest
import powershell
import shells
import systemd
import telemetry
import windows_task
from program import skipped

CHECKS = [
    cron.check,
    systemd.check,
    kubernetes_manifest.check,
    windows_task.check,
    github_actions.check,
    airflow_dag.check,
    container_apps.check,
    shells.check,
    powershell.check,
    telemetry.check_metrics,
    telemetry.check_alert_rules,
    telemetry.check_lineage,
]
if os.environ.get("LCW_OTLP"):
    CHECKS = [telemetry.check_otlp, telemetry.check_collector]


def main():
    failed = 0
    for check in CHECKS:
        name = f"{check.__module__}.{check.__name__}"
        started = time.monotonic()
        try:
            with tempfile.TemporaryDirectory() as folder:
                check(pathlib.Path(folder))
            print(f"ok    {name} ({time.monotonic() - started:.1f} s)")
        except Exception as error:  # noqa: BLE001: all of them are looked at
            failed += 1
            print(f"FAIL  {name}: {type(error).__name__}: {error}")
    for what in skipped():
        print(f"skip  {what}")
    print(f"{len(CHECKS) - failed} passed, {failed} failed, {len(skipped())} skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
