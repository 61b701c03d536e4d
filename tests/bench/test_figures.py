"""What is made of measurements, without any."""

import copy
import unittest

import figures
import ratios


def export(case, size, who, **changed):
    entry = {
        "case": case,
        "size": size,
        "who": who,
        "memory": case == "first export",
        "seconds": 2.0,
        "cpu_seconds": 1.0,
        "peak_mib": 80.0,
        "rows": size,
        "stored": size,
        "bytes": 30 * size,
        "requests": 22,
        "least": 22,
        "runs": 1000,
        "listing_pages": 22,
    }
    return entry | changed


def hardship(case, who, **changed):
    entry = {"case": case, "size": 9, "who": who, "rows_there": 9, "stored": 9, "seconds": 21.0, "refused": 4}
    return entry | {"requests": 2106, "least": 2100, "least_seconds": 20.0} | changed


def by_route(route, limit=None, **changed):
    of_runs = {"runs": 4000, "rows": 10_000, "refused": 0, "requests": 4100, "least": 4100}
    return export("", 10_000, "lcw", route=route, limit=limit, **of_runs) | changed


def on_cores(count, who, **changed):
    return export("", 10_000, who, cores=count, on=[0, 1][:count], tenant_on=[1]) | changed


def results():
    large = 1_000_000
    return {
        "about": {"date": "d", "commit": "c", "cores": 2, "cpu": "x", "rustc": "r", "python": "p", "rounds": 3},
        "exports": [
            export("first export", 200_000, "lcw"),
            export("first export", 200_000, "limit", cpu_seconds=0.5),
            export("first export", 200_000, "python", cpu_seconds=20.0),
            export("first export", large, "lcw"),
            export("first export", large, "limit", cpu_seconds=0.7, seconds=1.0),
            export("first export", large, "python", cpu_seconds=15.5, seconds=40.0),
            export("first export", 10 * large, "lcw"),
            export("nothing new", 200_000, "lcw", rows=0, cpu_seconds=0.04),
        ],
        "stages": [
            {"stage": "parse", "variant": "", "manner": "lcw", "nanoseconds": 600.0},
            {"stage": "parse", "variant": "", "manner": "bare", "nanoseconds": 400.0},
            {"stage": "write", "variant": "ndjson", "manner": "lcw", "nanoseconds": 900.0},
            {"stage": "merge", "variant": "", "manner": "lcw", "nanoseconds": 900.0},
            {"stage": "merge", "variant": "", "manner": "bare", "nanoseconds": 300.0},
        ],
        "offline": [{"verb": "verify", "size": 200_000, "seconds": 0.1, "cpu_seconds": 0.1, "peak_mib": 20.0}],
        "hardships": [
            hardship("limit of 100 requests/s", "lcw"),
            hardship("limit of 100 requests/s", "python", requests=2400, refused=300, seconds=40.0, stored=7),
            hardship("2 % faults of five kinds", "lcw"),
            hardship("2 % faults of five kinds", "python", requests=0, refused=0, seconds=0.0, stored=0),
        ],
        "routes": [
            by_route("run", seconds=4.0),
            by_route("workflow", requests=160, least=160, seconds=1.0),
            by_route("auto", requests=160, least=160, seconds=1.0),
            by_route("run", 100, seconds=40.0, refused=41),
            by_route("auto", 100, requests=160, least=160),
            by_route("auto", runs=24_000, rows=60_000, requests=700, least=700),
        ],
        "cores": [
            on_cores(1, "lcw", seconds=3.0),
            on_cores(1, "limit", seconds=1.5),
            on_cores(2, "lcw"),
            on_cores(2, "limit", seconds=1.0),
        ],
        "program": {"help_seconds": 0.003, "help_cpu_seconds": 0.002, "bytes": 20 << 20, "build_seconds": None},
    }


def missed(measured):
    return {name for name, _, _, met in figures.bars(measured) if not met}


def changed(case, size, who, **change):
    measured = copy.deepcopy(results())
    for entry in measured["exports"]:
        if (entry["case"], entry["size"], entry["who"]) == (case, size, who):
            entry |= change
    return measured


class Bars(unittest.TestCase):
    def test_figures_that_are_good_enough_are_said_to_be(self):
        self.assertEqual(missed(results()), set())

    def test_each_bar_is_missed_by_a_figure_of_its_own(self):
        first = ("first export", 1_000_000, "lcw")
        memory = "peak MiB, first export (rows)"
        for change, names in [
            ({"seconds": 2.7}, {"rows per second, beside the Python script"}),
            ({"bytes": 33_000_000}, {"bytes a row in Parquet"}),
            ({"requests": 24}, {"requests, beside the fewest that could do"}),
            ({"peak_mib": 101.0}, {memory}),
            ({"cpu_seconds": 1.04}, {"CPU, beside the Python script"}),
        ]:
            self.assertEqual(missed(changed(*first, **change)), names, change)
        of_limit = changed("first export", 1_000_000, "limit", cpu_seconds=0.66)
        self.assertEqual(missed(of_limit), {"rows per CPU-second, beside the bare hot path"})
        slow = {"cpu_seconds": 1.8}
        self.assertIn("rows per CPU-second", missed(changed(*first, **slow)))
        # The largest size has no comparator, and its memory counts all the same.
        self.assertEqual(missed(changed("first export", 10_000_000, "lcw", peak_mib=101.0)), {memory})

    def test_under_faults_nothing_may_be_missing_and_little_be_asked_again(self):
        for change in ({"stored": 8}, {"requests": 2300}):
            measured = results()
            measured["hardships"][2] |= change
            self.assertEqual(missed(measured), {"2 % faults of five kinds, 9 rows"}, change)

    def test_the_route_that_is_chosen_may_take_no_more_requests_than_either(self):
        for run, workflow, auto, names in [
            (4100, 160, 161, {"requests of route auto, 4,000 small runs"}),
            (160, 4100, 161, {"requests of route auto, 4,000 small runs"}),
            (160, 4100, 160, set()),
        ]:
            measured = results()
            for entry, requests in zip(measured["routes"], (run, workflow, auto)):
                entry["requests"] = requests
            self.assertEqual(missed(measured), names, (run, workflow, auto))

    def test_more_than_results_may_take_no_more_memory(self):
        measured = results()
        measured["exports"].append(export("first export of all tables", 200_000, "lcw", memory=True, peak_mib=101.0))
        measured["routes"][-1]["peak_mib"] = 101.0
        names = {"peak MiB, first export of all tables (rows)", "peak MiB, many small runs, route auto (rows)"}
        self.assertEqual(missed(measured), names)

    def test_nothing_new_has_to_be_cheap_and_to_ask_for_the_listings_only(self):
        for change in ({"cpu_seconds": 0.05}, {"requests": 23}, {"requests": 21}):
            found = missed(changed("nothing new", 200_000, "lcw", **change))
            self.assertIn("nothing new in 1,000 runs", found)


class Medians(unittest.TestCase):
    def test_of_numbers_that_vary(self):
        taken = [{"who": "lcw", "rows": 5, "seconds": value} for value in (3.0, 1.0, 2.0)]
        self.assertEqual(figures.median(taken), {"who": "lcw", "rows": 5, "seconds": 2.0})


class Check(unittest.TestCase):
    def setUp(self):
        self.accepted = {name: kept.value for name, kept in ratios.of(results()).items()}

    def moved(self, measured):
        return {(name, is_worse) for name, _, _, is_worse in ratios.moved(self.accepted, ratios.of(measured))}

    def test_the_same_figures_did_not_move(self):
        self.assertEqual(self.moved(results()), set())

    def test_a_seventh_is_noise_and_more_is_not(self):
        name = "first export of 1,000,000 rows: "
        slower = changed("first export", 1_000_000, "lcw", seconds=2.2)
        self.assertEqual(self.moved(slower), set())
        slower = changed("first export", 1_000_000, "lcw", seconds=2.5)
        times = {f"{name}time, bare hot path / lcw", f"{name}time, Python / lcw"}
        self.assertEqual(self.moved(slower), {(time, True) for time in times})
        faster = changed("first export", 1_000_000, "lcw", seconds=1.5)
        self.assertEqual(self.moved(faster), {(time, False) for time in times})

    def test_what_is_better_when_it_is_lower_is_worse_when_it_is_higher(self):
        name = "first export of 10,000,000 rows: peak MiB"
        self.assertEqual(self.moved(changed("first export", 10_000_000, "lcw", peak_mib=99.0)), {(name, True)})
        self.assertEqual(self.moved(changed("first export", 10_000_000, "lcw", peak_mib=60.0)), {(name, False)})

    def test_a_stage_is_compared_with_its_bare_twin(self):
        slower = results()
        slower["stages"][0]["nanoseconds"] = 800.0
        self.assertEqual(self.moved(slower), {("stage parse: CPU, lcw / bare", True)})

    def test_hardships_are_compared(self):
        limit, faults = "limit of 100 requests/s, 9 rows", "2 % faults of five kinds, 9 rows"
        for place, change, names in [
            (0, {"seconds": 25.0}, {f"{limit}: time / least"}),
            (0, {"requests": 2500}, {f"{limit}: requests / fewest"}),
            (0, {"refused": 40}, {f"{limit}: refused, %"}),
            (2, {"requests": 2500}, {f"{faults}: requests / fewest"}),
            (2, {"stored": 8}, {f"{faults}: rows missing"}),
        ]:
            measured = results()
            measured["hardships"][place] |= change
            self.assertEqual(self.moved(measured), {(name, True) for name in names}, change)

    def test_a_few_more_refusals_are_chance(self):
        measured = results()
        measured["hardships"][0]["refused"] = 12
        self.assertEqual(self.moved(measured), set())

    def test_routes_are_compared(self):
        runs = "4,000 small runs by route"
        for place, change, name in [
            (2, {"requests": 200}, f"{runs} auto: requests / fewest"),
            (2, {"seconds": 1.5}, f"{runs} auto: time / by route run"),
            (1, {"cpu_seconds": 1.5}, f"{runs} workflow: CPU / by route run"),
            (4, {"seconds": 3.0}, f"{runs} auto under a limit of 100 requests/s: time / by route run"),
            (5, {"peak_mib": 99.0}, "24,000 small runs by route auto: peak MiB"),
        ]:
            measured = results()
            measured["routes"][place] |= change
            self.assertEqual(self.moved(measured), {(name, True)}, change)

    def test_one_core_is_compared_with_two(self):
        measured = results()
        measured["cores"][0]["seconds"] = 4.0
        slower_alone = ("first export on one core: time, bare hot path / lcw", True)
        gains_more_by_two = ("first export on one core: time / on two", False)
        self.assertEqual(self.moved(measured), {slower_alone, gains_more_by_two})

    def test_sizes_that_were_not_measured_are_left_out(self):
        shorter = results()
        del shorter["exports"][6]
        self.assertEqual(self.moved(shorter), set())


class Tables(unittest.TestCase):
    def test_every_figure_is_on_the_page(self):
        text = " ".join(figures.markdown(results()).split())
        for line in (
            "| rows per CPU-second, beside the bare hot path | at least 2/3 | 0.70 | yes |",
            "| first export, 1,000,000 rows | lcw | 500,000 | 1,000,000 | 2.00 | 1.00 | 80 | 30.0 | 22 |",
            "| parse | 600 | 400 | 1.50 |",
            "| HTTP to write, Parquet | 600 | 400 | 1.50 |",
            "| `lcw verify` | 200,000 | 0.100 | 0.100 | 20 |",
            "| limit of 100 requests/s, 9 rows | lcw | 21.00 | 1.05 | 2,106 | 1.003 | 0.19% | all |",
            "| limit of 100 requests/s, 9 rows | httpx + pyarrow | 40.00 | 2.00 | 2,400 | 1.143 | 12.50% | 7 of 9 |",
            "| `run` | 4,000 | limit of 100 requests/s | 4,100 | 25.62 | 40.00 | 1.00 | 80 | 1.00% | 10,000 |",
            "| `auto` | 24,000 | no limit | 700 | 1.00 | 2.00 | 1.00 | 80 | 0.00% | 60,000 |",
            "| one | lcw | 3,333 | 10,000 | 3.00 | 1.00 | 0 | 1 |",
            "| two | bare hot path | 10,000 | 10,000 | 1.00 | 1.00 | 0, 1 | 1 |",
            "| 2 % faults of five kinds, 9 rows | httpx + pyarrow | gave up | | | | | none |",
            "not measured (`--build`)",
        ):
            self.assertIn(line, text)
        self.assertNotIn("**no**", text)
        self.assertIn("**no**", figures.markdown(changed("first export", 1_000_000, "lcw", seconds=2.7)))

    def test_a_document_keeps_what_stands_around_the_figures(self):
        document = f"before\n\n{figures.BEGIN}\nold\n{figures.END}\n\nafter\n"
        written = figures.put_into(document, "new\n")
        self.assertEqual(written, f"before\n\n{figures.BEGIN}\n\nnew\n\n{figures.END}\n\nafter\n")
        self.assertEqual(figures.put_into(written, "new\n"), written)
        with self.assertRaises(ValueError):
            figures.put_into("no place", "new")


if __name__ == "__main__":
    unittest.main()
