"""What the measurements say: bars and tables. Nothing here measures.

Results are plain data, as in the JSON that `bench.py` writes: `exports` (one entry for each case, size and
contestant), `stages` (nanoseconds a row, as an export does it and bare), `offline` (verbs that read a dataset),
`hardships` (exports under limits and faults), `routes` (many small runs, by each route), `cores` (first exports on
one core and on two), `program`.
"""

import statistics

MIB = 1024 * 1024
NAMES = {"lcw": "lcw", "limit": "bare hot path", "python": "httpx + pyarrow"}
BEGIN = "<!-- figures: begin (make bench-accept writes what follows) -->"
END = "<!-- figures: end -->"


def median(entries):
    """One entry with the median of every number; what is no number, or says how much was done, is the same in all."""
    first = entries[0]
    return {
        key: statistics.median(entry[key] for entry in entries) if isinstance(value, float) else value
        for key, value in first.items()
    }


class Results:
    """Looks entries up; what was not measured is None."""

    def __init__(self, results):
        self.exports = {(e["case"], e["size"], e["who"]): e for e in results["exports"]}
        self.stages = {(s["stage"], s["variant"], s["manner"]): s["nanoseconds"] for s in results["stages"]}
        self.offline = {(o["verb"], o["size"]): o for o in results["offline"]}
        self.hardships = results["hardships"]
        self.routes = results.get("routes", [])
        self.cores = {(e["cores"], e["who"]): e for e in results.get("cores", [])}
        self.program = results["program"]
        self.sizes = sorted({size for case, size, _ in self.exports if case == "first export"})
        compared = {size for case, size, who in self.exports if case == "first export" and who == "python"}
        self.largest_compared = max(compared)

    def export(self, case, size, who="lcw"):
        return self.exports.get((case, size, who))


def ratio(one, other, key):
    return one[key] / other[key]


def rows_per_second(entry):
    return entry["rows"] / entry["seconds"]


def rows_per_cpu_second(entry):
    return entry["rows"] / entry["cpu_seconds"]


def bytes_per_row(entry):
    return entry["bytes"] / entry["stored"]


def bars(results):
    """What is asked, what is, and whether that is enough: (name, bar, figure, met)."""
    of = Results(results)
    size = of.largest_compared
    ours, limit, python = (of.export("first export", size, who) for who in ("lcw", "limit", "python"))
    faster = ratio(python, ours, "seconds")
    leaner = ratio(python, ours, "cpu_seconds")
    share = ratio(limit, ours, "cpu_seconds")
    speed = rows_per_cpu_second(ours)
    found = [
        ("rows per second, beside the Python script", "at least 15 times", f"{faster:.1f} times", faster >= 15),
        ("CPU, beside the Python script", "at most 1/15", f"1/{leaner:.1f}", leaner >= 15),
        ("rows per CPU-second", "at least 580,000", thousands(speed), speed >= 580_000),
        ("rows per CPU-second, beside the bare hot path", "at least 2/3", f"{share:.2f}", share >= 2 / 3),
        bar("bytes a row in Parquet", 32, bytes_per_row(ours), "{:.1f}"),
        bar("requests, beside the fewest that could do", 1.05, ours["requests"] / ours["least"], "{:.3f}"),
    ]
    return [*found, *faults(of), nothing_new(of), *chosen_route(of), *memory_bars(of)]


def bar(name, most, figure, form):
    return (name, f"at most {most}", form.format(figure), figure <= most)


def faults(of):
    for entry in of.hardships:
        if entry["who"] == "lcw" and "faults" in entry["case"]:
            share = entry["requests"] / entry["least"]
            missing = entry["rows_there"] - entry["stored"]
            asked = "every row, at most 1.05 times the fewest requests"
            yield (under(entry), asked, f"{missing} rows missing, {share:.3f} times", missing == 0 and share <= 1.05)


def under(entry):
    """The name of a hardship."""
    return f"{entry['case']}, {entry['size']:,} rows"


def refused(entry):
    return entry["refused"] / entry["requests"]


def fewest_by_any_route(of, runs):
    """What the thriftiest route could do with at the least, in a tenant of so many runs."""
    return min(entry["least"] for entry in of.routes if entry["runs"] == runs)


def chosen_route(of):
    """Where each of them was measured."""
    free = {}
    for entry in of.routes:
        if not entry["limit"]:
            free.setdefault(entry["runs"], {})[entry["route"]] = entry["requests"]
    for runs, requests in free.items():
        if len(requests) == 3:
            others = min(requests["run"], requests["workflow"])
            asked = f"at most {others:,}, the fewer of both routes"
            yield (f"requests of route auto, {runs:,} small runs", asked, f"{requests['auto']:,}", requests["auto"] <= others)


def nothing_new(of):
    entry = of.export("nothing new", of.sizes[0])
    millis = entry["cpu_seconds"] * 1000
    name = f"nothing new in {entry['runs']:,} runs"
    met = millis < 50 and entry["requests"] == entry["listing_pages"]
    asked = f"under 50 ms of CPU, {entry['listing_pages']} requests (the pages of the listings)"
    return (name, asked, f"{millis:.0f} ms, {entry['requests']} requests", met)


def memory_bars(of):
    """The peaks of each kind of work, at every size."""
    peaks = {}
    for (case, size, who), entry in of.exports.items():
        if who == "lcw" and entry["memory"]:
            peaks.setdefault(case, {})[size] = entry["peak_mib"]
    for (verb, size), entry in of.offline.items():
        peaks.setdefault(verb, {})[size] = entry["peak_mib"]
    for entry in of.routes:
        if not entry["limit"]:
            sizes = peaks.setdefault(f"many small runs, route {entry['route']}", {})
            sizes[entry["rows"]] = entry["peak_mib"]
    for what, by_size in peaks.items():
        most = max(by_size.values())
        told = ", ".join(f"{peak:.0f} ({size / 1e6:.2g} M)" for size, peak in sorted(by_size.items()))
        yield (f"peak MiB, {what} (rows)", "at most 100 at every size", told, most <= 100)


def bare_of(of, stage, variant):
    """What a stage is read against: its own variant, or Parquet's where the bare path has only that."""
    return of.stages.get((stage, variant, "bare"))


def named(stage, variant):
    return f"{stage}, {variant}" if variant else stage


def thousands(number):
    return f"{round(number, -3):,.0f}" if number >= 10_000 else f"{number:,.0f}"


def seconds(value):
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"


def tables(results):
    """Everything on one page: (title, header, rows of text)."""
    of = Results(results)
    yield "The bars", ("what", "bar", "measured", "met"), bar_rows(results)
    yield (
        "Exports",
        ("export", "by", "rows/s", "rows per CPU-s", "seconds", "CPU-s", "peak MiB", "B/row", "requests"),
        [export_row(key, entry) for key, entry in by_kind(of.exports)],
    )
    yield "Stages", ("stage", "lcw, ns a row", "bare, ns a row", "lcw / bare"), stage_rows(of)
    yield (
        "Verbs that read a dataset",
        ("verb", "rows", "seconds", "CPU-s", "peak MiB"),
        [
            (f"`lcw {verb}`", f"{size:,}", seconds(o["seconds"]), seconds(o["cpu_seconds"]), f"{o['peak_mib']:.0f}")
            for (verb, size), o in by_kind(of.offline)
        ],
    )
    if of.hardships:
        header = ("under", "by", "seconds", "beside the least", "requests", "beside the fewest", "refused", "rows")
        yield "Hardships", header, [hardship_row(entry) for entry in of.hardships]
    if of.routes:
        header = ("route", "runs", "under", "requests", "beside the fewest", "seconds", "CPU-s", "peak MiB", "refused", "rows")
        yield "The second route", header, [route_row(of, entry) for entry in of.routes]
    if of.cores:
        header = ("cores", "by", "rows/s", "rows per CPU-s", "seconds", "CPU-s", "on core", "tenant seen on core")
        yield "One core and two", header, [core_row(key, entry) for key, entry in of.cores.items()]
    yield "The program", ("what", "figure"), program_rows(of.program)


def bar_rows(results):
    return [(name, asked, figure, "yes" if met else "**no**") for name, asked, figure, met in bars(results)]


def by_kind(entries):
    """Everything of a kind together, the kinds in the order of their first entry, sizes and whose as they came."""
    kinds = list(dict.fromkeys(kind for kind, *_ in entries))
    return sorted(entries.items(), key=lambda item: kinds.index(item[0][0]))


def hardship_row(entry):
    if not entry["stored"]:
        return (under(entry), NAMES[entry["who"]], "gave up", "", "", "", "", "none")
    is_paced = "limit" in entry["case"]
    return (
        under(entry),
        NAMES[entry["who"]],
        seconds(entry["seconds"]),
        f"{entry['seconds'] / entry['least_seconds']:.2f}" if is_paced else "",
        f"{entry['requests']:,}",
        f"{entry['requests'] / entry['least']:.3f}",
        f"{refused(entry):.2%}",
        "all" if entry["stored"] == entry["rows_there"] else f"{entry['stored']:,} of {entry['rows_there']:,}",
    )


def route_row(of, entry):
    return (
        f"`{entry['route']}`",
        f"{entry['runs']:,}",
        f"limit of {entry['limit']} requests/s" if entry["limit"] else "no limit",
        f"{entry['requests']:,}",
        f"{entry['requests'] / fewest_by_any_route(of, entry['runs']):.2f}",
        seconds(entry["seconds"]),
        seconds(entry["cpu_seconds"]),
        f"{entry['peak_mib']:.0f}",
        f"{refused(entry):.2%}",
        f"{entry['rows']:,}",
    )


def core_row(key, entry):
    count, who = key
    return (
        "one" if count == 1 else "two",
        NAMES[who],
        thousands(rows_per_second(entry)),
        thousands(rows_per_cpu_second(entry)),
        seconds(entry["seconds"]),
        seconds(entry["cpu_seconds"]),
        ", ".join(map(str, entry["on"])),
        ", ".join(map(str, entry["tenant_on"])),
    )


def export_row(key, entry):
    case, size, who = key
    does_rows = entry["rows"] >= 10_000
    return (
        f"{case}, {size:,} rows",
        NAMES[who],
        thousands(rows_per_second(entry)) if does_rows else "",
        thousands(rows_per_cpu_second(entry)) if does_rows else "",
        seconds(entry["seconds"]),
        seconds(entry["cpu_seconds"]),
        f"{entry['peak_mib']:.0f}",
        f"{bytes_per_row(entry):.1f}" if entry["stored"] else "",
        f"{entry['requests']:,}",
    )


def stage_rows(of):
    rows, sums = [], {"lcw": 0, "bare": 0}
    for (stage, variant, manner), nanoseconds in of.stages.items():
        if manner != "lcw":
            continue
        bare = bare_of(of, stage, variant)
        beside = (f"{bare:.0f}", f"{nanoseconds / bare:.2f}") if bare else ("", "")
        rows.append((named(stage, variant), f"{nanoseconds:.0f}", *beside))
        # A first export of Parquet does each of these once.
        if bare and stage != "merge":
            sums["lcw"] += nanoseconds
            sums["bare"] += bare
    if sums["bare"]:
        total = sums["lcw"] / sums["bare"]
        rows.append(("HTTP to write, Parquet", f"{sums['lcw']:.0f}", f"{sums['bare']:.0f}", f"{total:.2f}"))
    return rows


def program_rows(program):
    build = program["build_seconds"]
    return [
        ("`lcw --help`", f"{program['help_seconds'] * 1000:.0f} ms, {program['help_cpu_seconds'] * 1000:.0f} ms of CPU"),
        ("size of the release binary", f"{program['bytes'] / MIB:.1f} MiB"),
        ("release build of everything", f"{build:.0f} s" if build else "not measured (`--build`)"),
    ]


def markdown(results):
    """The tables, set for reading as they are."""
    parts = [about(results["about"])]
    for title, header, rows in tables(results):
        parts.append(f"### {title}\n\n{aligned([header, *rows])}")
    return "\n\n".join(parts) + "\n"


def about(said):
    return (
        f"Measured on {said['date']} at {said['commit']}: {said['cores']} cores ({said['cpu']}), {said['rustc']}, "
        f"Python {said['python']}; medians of {said['rounds']} interleaved rounds."
    )


def aligned(lines):
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rows = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |" for line in lines]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([rows[0], rule, *rows[1:]])


def put_into(document, text):
    """The document with `text` between its markers."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError("the document has no place for the figures")
    return f"{before}{begin}\n\n{text}\n{end}{after}"
