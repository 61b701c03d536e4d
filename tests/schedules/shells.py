"""Completions: each shell reads its script, and completes with it."""

import os
import pathlib

from program import LCW, clean_environment, equal, run, tool

# A line that somebody has begun, and what it can become.
BEGUN = {
    "lcw ex": {"export"},
    "lcw export --max-c": {"--max-concurrency"},
    "lcw export --cloud us": {"usgov", "usgov-dod"},
    "lcw plan back": {"backfill"},
}

# zsh completes in its line editor only: here it finds the script for `lcw`, and can load it.
ZSH = """
fpath=($1 $fpath)
autoload -Uz compinit && compinit -u -d $1/dump || exit 1
print -r -- $_comps[lcw]
autoload +X $_comps[lcw]
"""


def check(folder):
    script = {shell: folder / name for shell, name in {"bash": "lcw.bash", "zsh": "_lcw", "fish": "lcw.fish"}.items()}
    for shell, path in script.items():
        path.write_text(run([LCW, "completions", shell], env=clean_environment()).stdout)
    run(["bash", "-n", script["bash"]])
    if zsh := tool("zsh", "its completions"):
        run([zsh, "-n", script["zsh"]])
        ended = run([zsh, "-f", "-c", ZSH, "zsh", folder], env=environment(folder))
        equal(ended.stdout.strip(), "_lcw", "what zsh completes lcw with")
    if fish := tool("fish", "its completions"):
        run([fish, "--no-execute", script["fish"]])
        for line, words in BEGUN.items():
            equal(by_fish(fish, folder, script["fish"], line), words, f"what fish offers after {line!r}")


def environment(folder):
    path = f"{pathlib.Path(LCW).resolve().parent}{os.pathsep}{os.environ['PATH']}"
    return clean_environment(PATH=path, HOME=str(folder), TERM="xterm", XDG_CONFIG_HOME=str(folder), COLUMNS="200")


def by_fish(fish, folder, script, line):
    ask = ["-c", f"source {script}; complete --do-complete '{line}'"]
    said = run([fish, "--no-config", *ask], env=environment(folder)).stdout
    return {word.split("\t")[0] for word in said.splitlines()}

