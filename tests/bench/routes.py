"""The second route beside the first: a tenant of many runs of few users, exported by each.

Every dataset must hold the same: what `same_rows.py` says of its tables is compared.
"""

import json
import shutil

import figures
import measured
from contestants import CLEAN, HERE, PYTHON, RESULTS
from tenant import Tenant

ROUTES = ("run", "workflow", "auto")


def measure(by, shapes, limits, rounds, note):
    """An entry for each route, and for two of them under each limit of so many requests a second: once, because it
    takes long. Of larger tenants one for the route that is chosen, once."""
    first, *larger = shapes
    return [*each_route(by, first, limits, rounds, note), *(chosen(by, shape, note) for shape in larger)]


def chosen(by, shape, note):
    with Tenant(by.program, "small", *shape) as tenant:
        note(f"{tenant.rows:,} rows in many runs, by route auto")
        return {"limit": None} | Routes(by, tenant).by_route("auto")


def each_route(by, shape, limits, rounds, note):
    with Tenant(by.program, "small", *shape) as tenant:
        export = Routes(by, tenant)
        for route in ROUTES:
            # Bodies are rendered when they are asked for first: that is no route's affair.
            export.by_route(route)
        taken = {route: [] for route in ROUTES}
        for number in range(rounds):
            note(f"{tenant.rows:,} rows in many runs, by each route, round {number + 1} of {rounds}")
            for route in ROUTES:
                taken[route].append(export.by_route(route))
        entries = [{"limit": None} | figures.median(of_route) for of_route in taken.values()]
        for limit in limits:
            tenant.ask("POST", f"/limit?per_second={limit}&burst={limit}")
            for route in ("run", "auto"):
                note(f"the same under a limit of {limit} requests/s, by route {route}")
                entries.append({"limit": limit} | export.by_route(route))
            tenant.ask("DELETE", "/limit")
        return entries


class Routes:
    def __init__(self, by, tenant):
        self.by, self.tenant = by, tenant
        self.out = by.scratch / "routes"
        # What the tables of the first dataset hold.
        self.expected = None

    def by_route(self, route):
        pipeline = self.by.scratch / f"route-{route}.toml"
        pipeline.write_text(f'[extract]\nroute = "{route}"\n')
        entry = self.by.ours(self.tenant, self.out, extra=[pipeline])
        self.compare(route)
        shutil.rmtree(self.out)
        return {"route": route} | entry

    def compare(self, route):
        told = measured.run([PYTHON, HERE / "same_rows.py", self.out], self.by.scratch, CLEAN).stdout
        tables = json.loads(told)
        self.expected = self.expected or tables
        rows = tables[RESULTS]["rows"]
        if rows != self.tenant.rows:
            raise measured.Failed(f"by route {route} {rows} of {self.tenant.rows} rows came")
        different = [name for name in tables | self.expected if tables.get(name) != self.expected.get(name)]
        if different:
            raise measured.Failed(f"by route {route} these tables hold something else: {', '.join(different)}")
