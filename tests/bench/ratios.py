"""What is kept of the figures from one acceptance to the next, and what moved since. Nothing here measures."""

import typing

from figures import MIB, Results, bare_of, bytes_per_row, fewest_by_any_route, named, ratio, refused, under

TOLERANCE = 0.15


class Kept(typing.NamedTuple):
    better: str
    value: float
    # How far off it may be however small it is: a seventh of next to nothing is nothing.
    noise: float = 0.0


def higher(value):
    return Kept("higher", value)


def lower(value, noise=0.0):
    return Kept("lower", value, noise)


def of(results):
    """By name. All but sizes are ratios of two figures of one run, so that they mean the same on another machine."""
    measured = Results(results)
    kept = {}
    for part in (beside_others, of_exports, of_verbs, of_stages, of_hardships, of_routes, of_cores):
        kept |= dict(part(measured))
    return kept | {"program: MiB": lower(measured.program["bytes"] / MIB)}


def beside_others(measured):
    for size in measured.sizes:
        ours, limit, python = (measured.export("first export", size, who) for who in ("lcw", "limit", "python"))
        if not (limit and python):
            continue
        name = f"first export of {size:,} rows"
        yield f"{name}: CPU, bare hot path / lcw", higher(ratio(limit, ours, "cpu_seconds"))
        yield f"{name}: time, bare hot path / lcw", higher(ratio(limit, ours, "seconds"))
        yield f"{name}: CPU, Python / lcw", higher(ratio(python, ours, "cpu_seconds"))
        yield f"{name}: time, Python / lcw", higher(ratio(python, ours, "seconds"))


def beside_yardstick(measured, entry):
    """CPU beside what the bare hot path needs for the smallest tenant."""
    size = measured.sizes[0]
    yardstick = measured.export("first export", size, "limit")
    return f"CPU / bare hot path of {size:,} rows", lower(ratio(entry, yardstick, "cpu_seconds"))


def of_exports(measured):
    for (case, size, who), entry in measured.exports.items():
        if who != "lcw":
            continue
        name = f"{case} of {size:,} rows"
        yield f"{name}: requests / least", lower(entry["requests"] / entry["least"])
        yield f"{name}: peak MiB", lower(entry["peak_mib"])
        if entry["memory"] and case != "merge into one large day":
            yield f"{name}: bytes a row", lower(bytes_per_row(entry))
        if case != "first export":
            what, beside = beside_yardstick(measured, entry)
            yield f"{name}: {what}", beside


def of_verbs(measured):
    for (verb, size), entry in measured.offline.items():
        name = f"{verb} of {size:,} rows"
        yield f"{name}: peak MiB", lower(entry["peak_mib"])
        what, beside = beside_yardstick(measured, entry)
        yield f"{name}: {what}", beside


def of_stages(measured):
    for (stage, variant, manner), nanoseconds in measured.stages.items():
        bare = bare_of(measured, stage, variant)
        if manner == "lcw" and bare:
            yield f"stage {named(stage, variant)}: CPU, lcw / bare", lower(nanoseconds / bare)


def of_hardships(measured):
    for entry in measured.hardships:
        if entry["who"] != "lcw" or not entry["stored"]:
            continue
        name = under(entry)
        if "limit" in entry["case"]:
            yield f"{name}: time / least", lower(entry["seconds"] / entry["least_seconds"])
        yield f"{name}: requests / fewest", lower(entry["requests"] / entry["least"])
        # One refusal more or less is chance: half of what is asked for is none.
        yield f"{name}: refused, %", lower(100 * refused(entry), noise=0.5)
        yield f"{name}: rows missing", lower(float(entry["rows_there"] - entry["stored"]))


def of_routes(measured):
    by_run = {(entry["runs"], entry["limit"]): entry for entry in measured.routes if entry["route"] == "run"}
    for entry in measured.routes:
        limit = f" under a limit of {entry['limit']} requests/s" if entry["limit"] else ""
        name = f"{entry['runs']:,} small runs by route {entry['route']}{limit}"
        fewest = fewest_by_any_route(measured, entry["runs"])
        yield f"{name}: requests / fewest", lower(entry["requests"] / fewest)
        yield f"{name}: peak MiB", lower(entry["peak_mib"])
        beside = by_run.get((entry["runs"], entry["limit"]))
        if beside and beside is not entry:
            yield f"{name}: time / by route run", lower(ratio(entry, beside, "seconds"))
            if not entry["limit"]:
                yield f"{name}: CPU / by route run", lower(ratio(entry, beside, "cpu_seconds"))


def of_cores(measured):
    for (count, who), entry in measured.cores.items():
        if who != "lcw":
            continue
        bare = measured.cores[count, "limit"]
        cores = "one core" if count == 1 else "two cores"
        yield f"first export on {cores}: time, bare hot path / lcw", higher(ratio(bare, entry, "seconds"))
        yield f"first export on {cores}: CPU, bare hot path / lcw", higher(ratio(bare, entry, "cpu_seconds"))
    if measured.cores:
        one, two = (measured.cores[count, "lcw"] for count in (1, 2))
        yield "first export on one core: time / on two", higher(ratio(one, two, "seconds"))
        yield "first export on one core: CPU / on two", lower(ratio(one, two, "cpu_seconds"))


def moved(accepted, now):
    """What is more than a seventh off: (name, was, is, whether it got worse). What one side lacks is left out."""
    found = []
    for name, kept in now.items():
        was = accepted.get(name)
        if was is None or abs(kept.value - was) <= max(TOLERANCE * abs(was), kept.noise):
            continue
        found.append((name, was, kept.value, (kept.value < was) == (kept.better == "higher")))
    return found
