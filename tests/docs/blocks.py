"""The blocks of code in a Markdown file, and what comments before them say about running them.

A block is run unless a comment right before it says why not. Comments that are understood:

    <!-- not run: REASON -->      the block is left out; the reason is printed
    <!-- exits: N -->             the block ends with this exit code instead of 0
    <!-- first: COMMAND -->       run before the block, where readers need not see it; may be repeated
    <!-- begins: empty -->        anywhere before the first block: without the dataset that is there else
"""

import dataclasses
import re

FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<language>[^`]*)$")
COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)


@dataclasses.dataclass
class Block:
    line: int
    language: str
    text: str
    not_run: str | None = None
    exits: int = 0
    first: list = dataclasses.field(default_factory=list)


class Malformed(Exception):
    """A file that cannot be taken apart; the message begins with the line."""


def blocks_of(markdown):
    """Every fenced block in its order."""
    lines = markdown.splitlines()
    found, number, before = [], 0, []
    while number < len(lines):
        fence = FENCE.match(lines[number])
        if not fence:
            # Comments count until something else than an empty line follows them.
            if lines[number].strip():
                before.append(lines[number])
            number += 1
            continue
        begin, indent = number, len(fence["indent"])
        body = []
        number += 1
        while number < len(lines) and lines[number].strip() != fence["ticks"]:
            body.append(lines[number][indent:] if lines[number][:indent].isspace() or indent == 0 else lines[number])
            number += 1
        if number == len(lines):
            raise Malformed(f"{begin + 1}: the block is not closed")
        number += 1
        block = Block(begin + 1, fence["language"].strip().split(" ")[0].lower(), "\n".join(body) + "\n")
        heed(block, directives("\n".join(before)))
        found.append(block)
        before = []
    return found


def directives(text):
    """The comments at the very end of `text`, in their order."""
    said = []
    text = text.rstrip()
    while text.endswith("-->"):
        begin = text.rfind("<!--")
        said.insert(0, " ".join(text[begin + 4 : -3].split()))
        text = text[:begin].rstrip()
    return said


def heed(block, said):
    for comment in said:
        word, _, rest = comment.partition(":")
        rest = rest.strip()
        if word == "not run":
            if len(rest) < 8:
                raise Malformed(f"{block.line}: a block that is not run needs a reason")
            block.not_run = rest
        elif word == "exits":
            block.exits = int(rest)
        elif word == "first":
            block.first.append(rest)


def begins_empty(markdown):
    before = re.split(r"^ *```", markdown, maxsplit=1, flags=re.MULTILINE)[0]
    return any(" ".join(comment.split()) == "begins: empty" for comment in COMMENT.findall(before))


def anchors_of(markdown):
    """The names by which GitHub makes headings reachable."""
    anchors, in_block = set(), False
    for line in markdown.splitlines():
        if FENCE.match(line):
            in_block = not in_block
        if in_block or not re.match(r"#{1,6} ", line):
            continue
        title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line.lstrip("#").strip()).lower()
        anchors.add(re.sub(r"[^\w\- ]", "", title.replace("`", "")).replace(" ", "-"))
    return anchors


def links_of(markdown):
    """Where links lead, outside of blocks, with their lines."""
    in_block = False
    for number, line in enumerate(markdown.splitlines(), 1):
        if FENCE.match(line):
            in_block = not in_block
        if not in_block:
            plain = re.sub(r"`[^`]*`", "", line)
            for target in re.findall(r"\]\(([^)\s]+)\)", plain):
                yield number, target
