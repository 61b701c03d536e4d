"""Exports user processing results with httpx and pyarrow: what a data engineer writes in an afternoon.

The comparator of `make bench`. It is as good as an afternoon makes it: 16 requests in flight over one client,
pages to the end, 429 and 5xx tried again after what the service asks for, a typed schema with real timestamps,
row groups as they fill, zstd. It knows nothing of what was exported before, and does not count what it gets.

    httpx_pyarrow.py ORIGIN TENANT CLIENT SECRET OUT.parquet
"""

import asyncio
import json
import random
import sys

import httpx
import pyarrow as pa
import pyarrow.parquet as pq

IN_FLIGHT = 16
ATTEMPTS = 8
ROWS_PER_GROUP = 100_000
SINCE = "scheduledDateTime ge 2026-01-01T00:00:00Z"

INSTANT = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        ("workflow_id", pa.string()),
        ("run_id", pa.string()),
        ("id", pa.string()),
        ("subject_id", pa.string()),
        ("processing_status", pa.string()),
        ("workflow_execution_type", pa.string()),
        ("workflow_version", pa.int32()),
        ("scheduled_date_time", INSTANT),
        ("started_date_time", INSTANT),
        ("completed_date_time", INSTANT),
        ("total_tasks_count", pa.int32()),
        ("failed_tasks_count", pa.int32()),
        ("total_unprocessed_tasks_count", pa.int32()),
    ]
)


def row_of(workflow, run, result):
    return (
        workflow,
        run,
        result["id"],
        (result.get("subject") or {}).get("id"),
        result.get("processingStatus"),
        result.get("workflowExecutionType"),
        result.get("workflowVersion"),
        result.get("scheduledDateTime"),
        result.get("startedDateTime"),
        result.get("completedDateTime"),
        result.get("totalTasksCount"),
        result.get("failedTasksCount"),
        result.get("totalUnprocessedTasksCount"),
    )


def column_of(values, field):
    if pa.types.is_timestamp(field.type):
        # The service sends seven digits; only nanoseconds hold them, and pyarrow reads them fastest.
        instants = pa.array(values, pa.string()).cast(pa.timestamp("ns", tz="UTC"))
        return instants.cast(field.type, safe=False)
    return pa.array(values, field.type)


class Service:
    def __init__(self, http, origin, tenant, client, secret):
        self.http = http
        self.origin = origin
        self.token_url = f"{origin}/{tenant}/oauth2/v2.0/token"
        self.form = {
            "grant_type": "client_credentials",
            "client_id": client,
            "client_secret": secret,
            "scope": f"{origin}/.default",
        }
        self.free = asyncio.Semaphore(IN_FLIGHT)

    async def sign_in(self):
        answer = await self.http.post(self.token_url, data=self.form)
        answer.raise_for_status()
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    async def get(self, url, params=None):
        for attempt in range(ATTEMPTS):
            pause = min(2**attempt, 30) * (0.5 + random.random() / 2)
            try:
                async with self.free:
                    answer = await self.http.get(url, params=params)
                if answer.status_code == 429 or answer.status_code >= 500:
                    pause = max(pause, float(answer.headers.get("Retry-After", 0)))
                elif answer.status_code == 401 and attempt == 0:
                    await self.sign_in()
                    continue
                else:
                    answer.raise_for_status()
                    return answer.json()
            except (httpx.TransportError, json.JSONDecodeError):
                pass
            await asyncio.sleep(pause)
        raise RuntimeError(f"{ATTEMPTS} attempts were not enough")

    async def collection(self, path, condition=None):
        url = f"{self.origin}/v1.0/identityGovernance/lifecycleWorkflows/{path}"
        params = {"$filter": condition} if condition else None
        while url:
            page = await self.get(url, params)
            yield page["value"]
            # The link has the filter in it.
            url, params = page.get("@odata.nextLink"), None


class Export:
    def __init__(self, service, writer):
        self.service = service
        self.writer = writer
        self.rows = []
        self.written = 0

    async def workflow(self, workflow):
        runs = []
        async for page in self.service.collection(f"workflows/{workflow}/runs", SINCE):
            runs += [run["id"] for run in page]
        # As many tasks as requests may be in flight, not as many as there are runs.
        todo = iter(runs)
        await asyncio.gather(*(self.work(workflow, todo) for _ in range(IN_FLIGHT)))

    async def work(self, workflow, todo):
        for run in todo:
            path = f"workflows/{workflow}/runs/{run}/userProcessingResults"
            async for page in self.service.collection(path, SINCE):
                self.rows += [row_of(workflow, run, result) for result in page]
                if len(self.rows) >= ROWS_PER_GROUP:
                    self.flush()

    def flush(self):
        if self.rows:
            columns = [column_of(values, field) for values, field in zip(zip(*self.rows), SCHEMA)]
            self.writer.write_table(pa.table(columns, schema=SCHEMA))
            self.written += len(self.rows)
            self.rows = []


async def main(origin, tenant, client, secret, out):
    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as http:
        service = Service(http, origin, tenant, client, secret)
        await service.sign_in()
        with pq.ParquetWriter(out, SCHEMA, compression="zstd") as writer:
            export = Export(service, writer)
            async for page in service.collection("workflows"):
                for workflow in page:
                    await export.workflow(workflow["id"])
            export.flush()
    print(json.dumps({"rows": export.written}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
