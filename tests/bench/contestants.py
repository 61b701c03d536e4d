"""Who exports in a benchmark: `lcw`, the bare hot path, and the Python script. Each says what it took."""

import json
import os
import pathlib
import shutil

import measured

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
PYTHON = ROOT / os.environ.get("BENCH_PYTHON", ".venv/bench/bin/python")
CLEAN = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
RESULTS = "user_processing_results"


class Contestants:
    def __init__(self, lcw, program, scratch):
        self.lcw, self.program, self.scratch = lcw, program, scratch
        # Rows of each dataset as its last export left it.
        self.stored = {}

    def ours(self, tenant, out, fresh=True, extra=(), cores=None):
        if fresh:
            shutil.rmtree(out, ignore_errors=True)
        command = [self.lcw, "export", "--graph-url", tenant.origin, "--authority-url", tenant.origin, "--out", out]
        command += ["--table", RESULTS, "--requests-per-second", "unlimited", "--json", "--quiet", *extra]
        before = 0 if fresh else self.stored[out]
        entry, said = self.asking(tenant, command, "lcw", cores)
        self.stored[out] = said["tables"][RESULTS]["rows_total"]
        return entry | {
            "rows": self.stored[out] - before,
            "stored": self.stored[out],
            "bytes": measured.size_of(out / RESULTS),
            "least": said["requests"]["least"],
            "runs": said["tables"]["runs"]["rows_total"],
            "listing_pages": tenant.listing_pages,
        }

    def limit(self, tenant, out, cores=None):
        file = self.scratch / "limit.parquet"
        return self.file_of(tenant, [self.program, "limit", *tenant.sign_in, file], "limit", file, cores)

    def python(self, tenant, out, cores=None):
        file = self.scratch / "python.parquet"
        return self.file_of(tenant, [PYTHON, HERE / "httpx_pyarrow.py", *tenant.sign_in, file], "python", file, cores)

    def file_of(self, tenant, command, who, file, cores):
        entry, said = self.asking(tenant, command, who, cores)
        return entry | {"rows": said["rows"], "stored": said["rows"], "bytes": measured.size_of(file)}

    def asking(self, tenant, command, who, cores):
        """Runs it, and says beside its own figures what the tenant noticed."""
        asked, used = tenant.asked(), tenant.cpu_seconds()
        done = measured.run(command, self.scratch, CLEAN | tenant.env, cores=cores)
        answered = tenant.asked() - asked
        entry = {"who": who, "requests": answered.total(), "refused": answered[429]} | figures_of(done)
        return entry | {"tenant_cpu_seconds": tenant.cpu_seconds() - used}, json.loads(done.stdout)

    def alone(self, *words):
        """A verb that asks nobody."""
        return figures_of(measured.run([self.lcw, *words], self.scratch, CLEAN))


def figures_of(done):
    return {"seconds": done.seconds, "cpu_seconds": done.cpu_seconds, "peak_mib": done.peak_mib}
