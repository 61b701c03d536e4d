"""A flame graph of what callgrind counted: `make bench-instructions BENCH_OPTIONS="--flame docs/hot-path.svg"`.

Callgrind knows who called whom and what that took, but no stacks: where a function has several callers, what it
calls is shared among them as they shared its own count. Frames of the runtime and of the standard library are left
out, and what they call is shown in their place.
"""

import collections
import html
import re

WIDTH, ROW, TOP = 1000, 18, 34
# Of the whole: what is narrower is not shown.
LEAST = 0.004
# A frame is shown with the first colour whose pattern it matches.
COLOURS = [
    ("lcw", re.compile(r"^lcw")),
    ("bytes", re.compile(r"ZSTD|HUF_|FSE_|zstd|sha2")),
    ("parquet", re.compile(r"parquet|arrow")),
    ("json", re.compile(r"serde")),
    ("net", re.compile(r"hyper|reqwest|http|url|rustls")),
]
HIDDEN = re.compile(
    r"^(std|core|alloc|tokio|futures|<?core::|___rust|__rust|start_thread|clone|main$|\(below main\)|_start|0x|<std::|"
    r"<alloc::|<tokio|<core::|<futures|__libc|<&mut|<F as|<I as|mem|__mem|malloc|free|realloc|calloc|_int_|_dl|do_lookup)"
)


COUNTED = re.compile(r"[\d+*-]\S* (\d+)$")
# Where threads and tasks begin: what these call is at the top.
BEGINNING = re.compile(r"std::sys::backtrace::__rust_begin_short_backtrace|tokio::runtime::(task|scheduler|blocking)")


class Calls:
    """Who called whom: instructions of each function itself, and of each call with all that it called."""

    def __init__(self, text):
        self.own = collections.Counter()
        self.calls = collections.defaultdict(collections.Counter)
        names, caller, callee = {}, None, None
        for line in text.splitlines():
            key, _, value = line.partition("=")
            if key in ("fn", "cfn"):
                number, _, name = value.partition(" ")
                names.setdefault(number, name)
                name = names[number].split("'")[0]
                if key == "fn":
                    caller = name
                else:
                    callee = name
            elif counted := COUNTED.match(line):
                spent = int(counted[1])
                if callee is None:
                    self.own[caller] += spent
                elif callee != caller:
                    self.calls[caller][callee] += spent
                if callee is not None:
                    callee = None

    def all_of(self, name):
        return self.own[name] + sum(self.calls[name].values())


def frames(calls):
    """A tree of frames: name, instructions, frames that it called."""
    total = sum(calls.own.values())

    def below(name, share, path):
        found = collections.defaultdict(lambda: [0, []])
        for callee, spent in calls.calls[name].items():
            part = spent * share
            if part < LEAST * total or callee in path or BEGINNING.search(callee):
                continue
            inner = below(callee, part / max(calls.all_of(callee), 1), path | {callee})
            if HIDDEN.match(callee):
                shown = inner
            else:
                shown = {short(callee): [part, [inner]]}
            for frame, (spent_in, parts) in shown.items():
                found[frame][0] += spent_in
                found[frame][1] += parts
        return {frame: [spent, [merged(parts)]] for frame, (spent, parts) in found.items()}

    top = collections.defaultdict(lambda: [0, []])
    for root in filter(BEGINNING.search, list(calls.calls)):
        for frame, (spent, parts) in below(root, 1, {root}).items():
            top[frame][0] += spent
            top[frame][1] += parts
    return total, {frame: [spent, [merged(parts)]] for frame, (spent, parts) in top.items()}


def merged(parts):
    found = collections.defaultdict(lambda: [0, []])
    for part in parts:
        for frame, (spent, inner) in part.items():
            found[frame][0] += spent
            found[frame][1] += inner
    return {frame: [spent, [merged(inner)]] for frame, (spent, inner) in found.items()}


def short(name):
    """A function by its type and name, without generics."""
    name = re.sub(r"^<(.*?) as .*?>::", r"\1::", name.replace("::{{closure}}", ""))
    while "<" in name and re.search(r"<[^<>]*>", name):
        name = re.sub(r"(::)?<[^<>]*>", "", name)
    words = name.split("::")
    return "::".join(words[:1] + words[-2:]) if len(words) > 3 else name


def fitting(name, letters):
    if len(name) <= letters:
        return name
    return name[: letters - 1] + "…" if letters > 4 else ""


def colour(name):
    return next((kind for kind, pattern in COLOURS if pattern.search(name)), "other")


def svg(text, what):
    """The graph of a file of callgrind as a picture; `what` says of what it is."""
    total, top = frames(Calls(text))
    boxes, deepest = [], 0

    def draw(level, left, depth):
        nonlocal deepest
        for name, (spent, (inner,)) in sorted(level.items(), key=lambda it: -it[1][0]):
            width = spent / total * WIDTH
            if spent < LEAST * total:
                continue
            deepest = max(deepest, depth)
            y = TOP + depth * ROW
            label = fitting("::".join(name.split("::")[-2:]), int((width - 4) / 6.7))
            told = html.escape(f"{name}: {spent / total:.1%}")
            box = f'<rect class="{colour(name)}" x="{left:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 1}"/>'
            text = f'<text x="{left + 3:.1f}" y="{y + 13}">{html.escape(label)}</text>' if label else ""
            boxes.append(f"<g><title>{told}</title>{box}{text}</g>")
            draw(inner, left, depth + 1)
            left += width

    draw(top, 0, 0)
    height = TOP + (deepest + 1) * ROW + 4
    return HEAD.format(width=WIDTH, height=height, what=html.escape(what)) + "\n".join(boxes) + "\n</svg>\n"


HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="title">
<title id="title">{what}</title>
<style>
  :root {{ --ground: #ffffff; --ink: #1f2328; --lcw: #b6d7ff; --bytes: #e2c5f5; --parquet: #b9e6c3;
          --json: #ffd8a8; --net: #f6c6cb; --other: #d0d7de }}
  @media (prefers-color-scheme: dark) {{
    :root {{ --ground: #0d1117; --ink: #e6edf3; --lcw: #1f4b80; --bytes: #55307a; --parquet: #1d5a30;
            --json: #7a4a10; --net: #7a2a35; --other: #3a424c }} }}
  text {{ font: 11px monospace; fill: var(--ink) }}
  .title {{ font: bold 14px sans-serif }}
  .ground {{ fill: var(--ground) }} .lcw {{ fill: var(--lcw) }} .bytes {{ fill: var(--bytes) }}
  .parquet {{ fill: var(--parquet) }} .json {{ fill: var(--json) }} .net {{ fill: var(--net) }} .other {{ fill: var(--other) }}
</style>
<rect class="ground" width="{width}" height="{height}"/>
<text class="title" x="4" y="20">{what}</text>
"""
