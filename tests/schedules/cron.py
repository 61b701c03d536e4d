"""cron: the table, the script under every exit code, and the rotation of its logs."""

import datetime
import subprocess

from croniter import croniter

from program import CODES, FINE, clean_environment, equal, printed, run, stand_in, tool

INTERVALS = {"15m": 15, "20m": 20, "30m": 30, "1h": 60, "2h": 120, "3h": 180, "4h": 240, "6h": 360, "8h": 480, "12h": 720, "24h": 1440}


def check(folder):
    for every, minutes in INTERVALS.items():
        for minute in (0, 7, 59):
            _, expression = printed("cron", "--every", every, "--minute", str(minute))
            comes_every(expression, minutes)
    program, alert = stand_in(folder), folder / "alert"
    alert.write_text(f'#!/bin/sh\necho "$1 $2" >> {folder}/alerts\n')
    alert.chmod(0o755)
    words = ["/etc/lcw/daily.toml", "--out", "/srv/lcw", "--program", program, "--alert", alert, "--name", "history"]
    files, expression = printed("cron", *map(str, words))
    table, script, rotation = files.values()
    lines = [line for line in table.splitlines() if line and not line.startswith("#") and "=" not in line]
    equal(lines, [f"{expression} lcw /usr/local/lib/lcw/history"], "the table")
    # In a table of cron a percent sign is the end of the line.
    equal("%" in table, False, "a percent sign in the table")
    path = folder / "history"
    path.write_text(script)
    path.chmod(0o755)
    run(["sh", "-n", path])
    if shellcheck := tool("shellcheck", "the script of cron"):
        run([shellcheck, path])
    for code in CODES:
        every_code(folder, path, code)
    summary = (folder / "history.json").read_text().splitlines()
    equal(set(summary), {"export /etc/lcw/daily.toml --out /srv/lcw --json --log-format json"}, "what was run")
    if logrotate := tool("logrotate", "the rotation of cron's logs"):
        path.with_name("rotation").write_text(rotation.replace("su lcw lcw", "su root root"))
        run([logrotate, "--debug", path.with_name("rotation")])


def comes_every(expression, minutes):
    """Over three days, midnight included."""
    times = croniter(expression, datetime.datetime(2026, 11, 27))
    found = [times.get_next(datetime.datetime) for _ in range(3 * 24 * 60 // minutes)]
    gaps = {(later - sooner).total_seconds() / 60 for sooner, later in zip(found, found[1:])}
    equal(gaps, {minutes}, expression)


def every_code(folder, script, code):
    environment = clean_environment(LCW_JITTER="0", LCW_LOGS=str(folder), CODE=str(code))
    alerts = folder / "alerts"
    alerts.unlink(missing_ok=True)
    ended = subprocess.run([script], env=environment, capture_output=True, text=True, check=False)
    equal(ended.returncode, 0 if code in FINE else code, f"the script's code after {code}")
    # Whatever is on stderr is mailed.
    equal(bool(ended.stderr), code not in FINE, f"mail after {code}: {ended.stderr}")
    told = alerts.read_text().split()[0] if alerts.exists() else None
    equal(told, None if code in FINE else str(code), f"the alert after {code}")
