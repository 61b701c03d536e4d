"""The built program, stand-ins for it that end with any code, and tools that may be there."""

import json
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).parent.parent.parent
LCW = ROOT / os.environ.get("LCW", "target/debug/lcw")

# What every scheduler that can know codes makes of them: is it fine, or does somebody have to look?
FINE = {0, 75}
CODES = [0, 1, 2, 3, 4, 5, 7, 75]

_skipped = []


def clean_environment(**further):
    left_out = ("AZURE_", "LCW_", "OTEL_", "OPENLINEAGE_")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(left_out)}
    return {**inherited, **further}


def run(command, **options):
    """A command that has to succeed, or the reason why it did not."""
    ended = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, **options
    )
    if ended.returncode != 0:
        raise AssertionError(f"{command[0]} ended with {ended.returncode}: {ended.stdout}{ended.stderr}")
    return ended


def printed(scheduler, *words):
    """The files for a scheduler by their path, and the cron expression."""
    command = [LCW, "schedule", "print", scheduler, *words, "--json"]
    answer = json.loads(run(command, env=clean_environment()).stdout)
    return {file["path"]: file["text"] for file in answer["files"]}, answer["cron"]


def stand_in(folder):
    """A program that prints its arguments and ends with $CODE."""
    program = folder / "lcw"
    program.write_text('#!/bin/sh\necho "$@"\nexit "$CODE"\n')
    program.chmod(0o755)
    return program


def tool(name, for_what):
    """A tool of the operating system, or None, which is said at the end."""
    found = shutil.which(name)
    if found is None:
        left_out(f"{name} is not there: {for_what} was not looked at by it")
    return found


def left_out(what):
    """Said at the end."""
    _skipped.append(what)


def skipped():
    return _skipped


def equal(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: {found!r} instead of {wanted!r}")
