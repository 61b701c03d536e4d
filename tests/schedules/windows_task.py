"""Windows: the task against the part of its schema that it uses (task.xsd), and the script that it starts as PowerShell."""

import pathlib
import xml.etree.ElementTree as tree

import xmlschema

import powershell
from program import equal, printed

SCHEMA = pathlib.Path(__file__).with_name("task.xsd")
NAMESPACE = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def check(_):
    schema = xmlschema.XMLSchema11(str(SCHEMA))
    for every, interval in {"15m": "PT15M", "3h": "PT3H", "24h": "PT24H"}.items():
        files, _ = printed("windows", r"C:\ProgramData\lcw\daily (new).toml", "--every", every)
        task, script = files.values()
        schema.validate(task)
        root = tree.fromstring(task)
        equal(root.find(f".//{NAMESPACE}Interval").text, interval, "the interval")
        equal(root.find(f".//{NAMESPACE}MultipleInstancesPolicy").text, "IgnoreNew", "a second instance")
        wanted = r'export "C:\ProgramData\lcw\daily (new).toml" --out C:\ProgramData\lcw\data'
        equal(wanted in script, True, "the command line in the script")
        equal("-in 0, 75, 130" in script, True, "codes that are no failure")
        powershell.parsed(script, "script of the task")
        # It is read by a program that takes what has no mark for the machine's own letters.
        equal(script.isascii() and task.isascii(), True, "ASCII alone")
