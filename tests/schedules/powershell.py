"""PowerShell: the completions, read with the grammar that editors use. There is no PowerShell where this is built."""

import tree_sitter_powershell
from tree_sitter import Language, Parser

from program import LCW, clean_environment, equal, run

GRAMMAR = Language(tree_sitter_powershell.language())

# The one idiom of the language that the grammar does not know: `.Where{…}` is short for `.Where({…})`.
SHORT = "$completions.Where{ $_.CompletionText -like \"$wordToComplete*\" } |"
LONG = "$completions.Where({ $_.CompletionText -like \"$wordToComplete*\" }) |"


def check(_):
    script = run([LCW, "completions", "powershell"], env=clean_environment()).stdout
    equal(script.count(SHORT), 1, "the idiom that is written out for the grammar")
    tree = parsed(script.replace(SHORT, LONG), "completions")
    # Windows PowerShell takes what a program prints for letters of its own.
    equal(script.isascii(), True, "ASCII alone")
    conditions = {text(node) for node in nodes(tree) if node.type == "switch_clause_condition"}
    for words in ("lcw", "lcw;export", "lcw;plan;backfill", "lcw;schedule;print"):
        equal(f"'{words}'" in conditions, True, f"completions after {words!r}")


def parsed(script, what):
    """The root of the syntax tree, where all of the script is PowerShell."""
    root = Parser(GRAMMAR).parse(script.encode()).root_node
    wrong = [node for node in nodes(root) if node.is_error or node.is_missing]
    places = [f"line {node.start_point.row + 1}: {text(node)[:60]!r}" for node in wrong]
    equal(places, [], f"what is no PowerShell in the {what}")
    return root


def nodes(root):
    """A node and all below it."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.children)


def text(node):
    """The part of the script that a node is."""
    return node.text.decode()
