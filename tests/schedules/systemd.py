"""systemd: units that it loads, times that it means, and codes that it takes for success."""

from program import equal, printed, run, tool


def check(folder):
    words = ["/etc/lcw/daily.toml", "--program", "/bin/true", "--alert", "/bin/true", "--user", "root"]
    files, _ = printed("systemd", *words, "--metrics-file", "/var/lib/metrics/lcw.prom")
    units = {path.rsplit("/", 1)[1]: text for path, text in files.items()}
    service = settings(units["lcw-export.service"])
    equal(service["SuccessExitStatus"], "75 130 143", "what is no failure")
    equal(service["ReadWritePaths"], "-/var/lib/lcw/data -/var/lib/metrics", "what may be written")
    equal(service["OnFailure"], "lcw-export-alert.service", "who is started by a failure")
    equal(service["LoadCredential"].split(":")[0], "client-secret", "the secret's name")
    for name, text in units.items():
        (folder / name).write_text(text)
    analyze = tool("systemd-analyze", "the units of systemd")
    if not analyze:
        return
    said = run([analyze, "verify", "--man=no", *(folder / name for name in units)]).stderr
    # A key that it does not know is a remark to it, and no error.
    equal(said, "", "what systemd remarks")
    for every, gap in {"15m": 15, "1h": 60, "3h": 180, "24h": 1440}.items():
        files, _ = printed("systemd", "--every", every)
        timer = next(settings(text) for path, text in files.items() if path.endswith(".timer"))
        shown = run([analyze, "calendar", "--iterations=3", timer["OnCalendar"]]).stdout
        equal(gaps(shown), {gap}, f"minutes between exports every {every}")


def settings(unit):
    pairs = (line.split("=", 1) for line in unit.splitlines() if "=" in line and line[0] not in "#[")
    return dict(pairs)


def gaps(shown):
    """Minutes between the moments that systemd-analyze lists."""
    import datetime
    import re

    found = re.findall(r"(?:elapse|Iter\. #\d+): \w+ (\d{4}-\d\d-\d\d \d\d:\d\d):", shown)
    times = [datetime.datetime.fromisoformat(text) for text in found]
    return {(later - sooner).total_seconds() / 60 for sooner, later in zip(times, times[1:])}
