"""The simulated tenant, a process of its own."""

import collections
import json
import math
import os
import subprocess
import urllib.request

ROWS_PER_PAGE = 100
TICKS = os.sysconf("SC_CLK_TCK")
NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# What is asked of it that is no resource of Graph.
NOT_GRAPH = {"token", "control"}


class Tenant:
    """Shapes: `history` (so many runs of each workflow in 28 days), `day` (the same in one day), `daily` (a run
    of each workflow every day, from 28 days ago on), `small` (as `history`, but of none to so many users)."""

    def __init__(self, program, shape, workflows, runs, users):
        # Of live and deleted workflows, and of the runs of each.
        self.listing_pages = math.ceil(workflows / ROWS_PER_PAGE) + 1 + workflows * math.ceil(runs / ROWS_PER_PAGE)
        command = [program, "tenant", shape, *map(str, (workflows, runs, users))]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the tenant did not start: it ended with {self.process.wait()}")
        told = json.loads(line)
        # Where runs are of any size, the tenant has counted.
        self.rows = workflows * runs * users if told["rows"] is None else told["rows"]
        self.origin = told["origin"]
        self.workflows = told["workflows"]
        self.sign_in = [told[name] for name in ("origin", "tenant_id", "client_id", "client_secret")]
        self.env = {
            "AZURE_TENANT_ID": told["tenant_id"],
            "AZURE_CLIENT_ID": told["client_id"],
            "AZURE_CLIENT_SECRET": told["client_secret"],
        }

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def ask(self, method, path):
        request = urllib.request.Request(f"{self.origin}/_simulator{path}", method=method)
        with NO_PROXY.open(request, timeout=60) as answer:
            return json.load(answer)

    def asked(self):
        """How many requests for Graph were answered, by status (0: the connection was reset)."""
        found = collections.Counter()
        for kind, by_status in self.ask("GET", "")["requests"].items():
            if kind not in NOT_GRAPH:
                found.update({int(status): count for status, count in by_status.items()})
        return found

    def cpu_seconds(self):
        fields = self.stat()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def core(self):
        """The one that it was on last."""
        return int(self.stat()[36])

    def stat(self):
        """The kernel's figures of the process, those after its name."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()
