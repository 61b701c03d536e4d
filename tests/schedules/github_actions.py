"""GitHub Actions: the workflow against its schema, and its script under every exit code."""

import subprocess
import sys

import yaml

from program import CODES, FINE, clean_environment, equal, printed, run, stand_in


def check(folder):
    files, _ = printed("github-actions", "/etc/lcw/daily.toml", "--program", str(stand_in(folder)))
    (text,) = files.values()
    path = folder / "workflow.yml"
    path.write_text(text)
    run([sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", path])
    workflow = yaml.safe_load(text)
    job = workflow["jobs"]["export"]
    equal(workflow["permissions"], {}, "permissions of the workflow")
    equal(workflow["concurrency"]["cancel-in-progress"], False, "an export that runs is left alone")
    values = job["env"].values()
    equal(all(value.startswith("${{ ") for value in values), True, "variables are references")
    scripts = {step["name"]: step["run"] for step in job["steps"]}
    for script in scripts.values():
        # What is put into a script by an expression is not quoted by anybody.
        equal("${{" in script, False, "an expression inside a script")
        run(["bash", "-n", "-c", script])
    for code in CODES:
        every_code(folder, scripts["Export"], code)


def every_code(folder, script, code):
    page = folder / "page.md"
    page.unlink(missing_ok=True)
    environment = clean_environment(RUNNER_TEMP=str(folder), GITHUB_STEP_SUMMARY=str(page), CODE=str(code))
    # As GitHub runs it.
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    ended = subprocess.run(shell, env=environment, capture_output=True, text=True, check=False)
    equal(ended.returncode, 0 if code in FINE else code, f"the step's code after {code}")
    equal("::error::" in ended.stdout, code not in FINE, f"an annotation after {code}: {ended.stdout}")
    equal("export /etc/lcw/daily.toml" in page.read_text(), True, "the summary on the job's page")
