"""What exports tell others: metrics for Prometheus, lineage for OpenLineage, both for an OpenTelemetry collector."""

import http.server
import importlib.util
import json
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time

import yaml
from prometheus_client.parser import text_string_to_metric_families

from program import LCW, ROOT, clean_environment, equal, left_out, run, tool

RULES = ROOT / "docs" / "alert-rules.yml"


class Tenant:
    """`lcw simulate`."""

    def __enter__(self):
        command = [str(LCW), "simulate", "--port", "0", "--json", "--quiet"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean_environment())
        self.facts = json.loads("".join(iter(self.process.stdout.readline, "}\n")) + "}")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def export(self, folder, *words, code=0, **variables):
        """An export into `folder`/data."""
        names = {"AZURE_TENANT_ID": "tenant_id", "AZURE_CLIENT_ID": "client_id", "AZURE_CLIENT_SECRET": "client_secret"}
        signed_in = {name: self.facts[key] for name, key in names.items()}
        environment = clean_environment(**signed_in, **variables)
        origin = self.facts["graph_url"]
        urls = ["--graph-url", origin, "--authority-url", origin, "--requests-per-second", "unlimited"]
        command = [LCW, "export", "--out", "data", "--json", *urls, *words]
        ended = subprocess.run(
            [str(word) for word in command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        equal(ended.returncode, code, ended.stderr)
        # Whatever is told to others, the log is on stderr all the same; a refused export has no manifest.
        equal("manifest sha256=" in ended.stderr, code == 0, f"the log: {ended.stderr}")
        return json.loads(ended.stdout)


class Listener:
    """Takes whatever is posted to it."""

    def __enter__(self):
        heard = self.heard = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                heard.append((self.path, dict(self.headers), body))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def check_metrics(folder):
    path = folder / "lcw.prom"
    with Tenant() as tenant:
        tenant.export(folder, "--metrics-file", path)
        tenant.export(folder, "--metrics-file", path, "--client-id", "nobody", code=3)
    text = path.read_text()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    for family in families.values():
        equal(family.type, "gauge", family.name)
        equal(bool(family.documentation), True, f"the help of {family.name}")
        equal(bool(family.samples), True, f"samples of {family.name}")
    code = families["lcw_export_exit_code"].samples[0]
    equal((code.labels, code.value), ({"dataset": "data", "kind": "export"}, 3.0), "the exit code")
    if promtool := tool("promtool", "the metrics file"):
        with path.open() as metrics:
            run([promtool, "check", "metrics"], stdin=metrics)


def check_alert_rules(folder):
    rules = yaml.safe_load(RULES.read_text())
    with Tenant() as tenant:
        tenant.export(folder, "--metrics-file", "lcw.prom")
    written = set(re.findall(r"^# TYPE (\w+)", (folder / "lcw.prom").read_text(), re.MULTILINE))
    source = (ROOT / "crates" / "lcw-telemetry" / "src" / "measure.rs").read_text()
    declared = set(re.findall(r'"(lcw_\w+)"', source))
    equal(written - declared, set(), "metrics that are not declared")
    used = set()
    for group in rules["groups"]:
        for rule in group["rules"]:
            equal(sorted(rule["annotations"]), ["description", "summary"], rule["alert"])
            used |= set(re.findall(r"lcw_\w+", rule["expr"]))
    equal(used - declared, set(), "metrics in alert rules that nobody writes")
    if promtool := tool("promtool", "the alert rules"):
        run([promtool, "check", "rules", RULES])
        run([promtool, "test", "rules", RULES.with_name("alert-rules-test.yml")])


def check_lineage(folder):
    with Listener() as catalogue, Tenant() as tenant:
        summary = tenant.export(folder, OPENLINEAGE_URL=catalogue.url, OPENLINEAGE_NAMESPACE="entra")
    events = [json.loads(body) for path, _, body in catalogue.heard if path == "/api/v1/lineage"]
    equal([event["eventType"] for event in events], ["START", "COMPLETE"], "events")
    for event in events:
        read_event(event)
    rows = {output["name"].rsplit("/", 1)[1]: output["outputFacets"]["outputStatistics"]["rowCount"] for output in events[1]["outputs"]}
    equal(rows, {table: counts["rows_written"] for table, counts in summary["tables"].items()}, "row counts")


def read_event(event):
    """By OpenLineage's own classes, which refuse what they do not know and what is missing."""
    from openlineage.client import event_v2, facet_v2

    facets = {
        "processing_engine": facet_v2.processing_engine_run.ProcessingEngineRunFacet,
        "jobType": facet_v2.job_type_job.JobTypeJobFacet,
        "schema": facet_v2.schema_dataset.SchemaDatasetFacet,
        "dataSource": facet_v2.datasource_dataset.DatasourceDatasetFacet,
        "outputStatistics": facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
    }

    def read(name, facet):
        plain = {key: value for key, value in facet.items() if key not in ("_producer", "_schemaURL")}
        if name == "lcw_export":
            return facet_v2.RunFacet()
        if name == "schema":
            field = facet_v2.schema_dataset.SchemaDatasetFacetFields
            plain["fields"] = [field(**entry) for entry in plain["fields"]]
        made = facets[name](**plain)
        equal(facet["_schemaURL"], made._get_schema(), f"the schema of {name}")
        return made

    def all_of(owner, key="facets"):
        return {name: read(name, facet) for name, facet in owner.get(key, {}).items()}

    run_ = event_v2.Run(runId=event["run"]["runId"], facets=all_of(event["run"]))
    job = event_v2.Job(namespace=event["job"]["namespace"], name=event["job"]["name"], facets=all_of(event["job"]))
    inputs = [event_v2.InputDataset(namespace=one["namespace"], name=one["name"], facets=all_of(one)) for one in event["inputs"]]
    outputs = [
        event_v2.OutputDataset(
            namespace=one["namespace"], name=one["name"], facets=all_of(one), outputFacets=all_of(one, "outputFacets")
        )
        for one in event["outputs"]
    ]
    made = event_v2.RunEvent(
        eventType=event_v2.RunState(event["eventType"]),
        eventTime=event["eventTime"],
        run=run_,
        job=job,
        producer=event["producer"],
        inputs=inputs,
        outputs=outputs,
    )
    equal(event["schemaURL"], made._get_schema(), "the schema of the event")


def check_otlp(folder):
    """A program with the feature `otlp`, against the messages that OpenTelemetry publishes."""
    from google.protobuf import json_format
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    kinds = {"/v1/traces": ExportTraceServiceRequest, "/v1/metrics": ExportMetricsServiceRequest}
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for protocol in ("http/protobuf", "http/json"):
        with Listener() as collector, Tenant() as tenant:
            summary = tenant.export(
                folder,
                OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
                OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
                OTEL_EXPORTER_OTLP_HEADERS="x-key=a%20key",
                TRACEPARENT=parent,
            )
        read = {}
        for path, headers, body in collector.heard:
            equal({key.lower(): value for key, value in headers.items()}["x-key"], "a key", "the header")
            message = kinds[path]()
            if protocol == "http/json":
                # Identifiers are hexadecimal here, which the common mapping takes for base64.
                assert b"0af7651916cd43dd8448eb211c80319c" in body or path == "/v1/metrics", body[:300]
                json_format.Parse(body, message)
            else:
                message.ParseFromString(body)
                equal(message.SerializeToString(), body, "nothing that is unknown there")
                equal(has_unknown(message), False, "unknown fields")
            read[path] = message
        equal(sorted(read), sorted(kinds), "what was sent")
        spans_are_right(read["/v1/traces"], summary, protocol)
        (scope,) = read["/v1/metrics"].resource_metrics[0].scope_metrics
        numbers = {metric.name: metric.gauge.data_points[0].as_double for metric in scope.metrics}
        equal(numbers["lcw_export_requests"], float(summary["requests"]["sent"]), "requests")


def check_collector(folder):
    """A program with the feature `otlp`, heard by a collector that somebody else has written."""
    package = importlib.util.find_spec("rotel")
    agent = package and pathlib.Path(package.origin).with_name("rotel-agent")
    if not agent or not agent.exists():
        left_out("rotel, a collector with packages for Linux on x86_64 and arm64, is not there: nothing was sent to it")
        return
    for protocol in ("http/protobuf", "http/json"):
        http_port, grpc_port = free_port(), free_port()
        ports = ["--otlp-http-endpoint", f"127.0.0.1:{http_port}", "--otlp-grpc-endpoint", f"127.0.0.1:{grpc_port}"]
        loud = ["--debug-log", "traces", "--debug-log", "metrics", "--debug-log-verbosity", "detailed"]
        log = folder / f"{protocol[5:]}.log"
        with log.open("w") as out:
            command = [agent, "start", "--exporter", "blackhole", *loud, *ports]
            collector = subprocess.Popen(command, stdout=out, stderr=out, env=clean_environment())
        try:
            until(lambda: can_connect(http_port), "the collector listens")
            with Tenant() as tenant:
                parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
                summary = tenant.export(
                    folder,
                    OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{http_port}",
                    OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
                    TRACEPARENT=parent,
                )
            until(lambda: "lcw_export_requests" in log.read_text(errors="replace"), "the collector tells metrics")
            until(lambda: "lcw export" in log.read_text(errors="replace"), "the collector tells spans")
        finally:
            collector.terminate()
            collector.wait()
        heard = log.read_text(errors="replace")
        for part in ("Trace ID       : 0af7651916cd43dd8448eb211c80319c", "Parent ID      : b7ad6b7169203331"):
            equal(part in heard, True, f"{part} by {protocol}")
        requests = heard.count("SPAN_KIND_CLIENT")
        equal(requests, summary["requests"]["sent"], f"requests by {protocol}")
        shutil.rmtree(folder / "data")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def can_connect(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def until(is_so, what, patience=60):
    end = time.monotonic() + patience
    while not is_so():
        equal(time.monotonic() < end, True, f"in time: {what}")
        time.sleep(0.1)


def has_unknown(message):
    from google.protobuf.unknown_fields import UnknownFieldSet

    own = len(UnknownFieldSet(message)) > 0
    inner = [value for field, value in message.ListFields() if field.type == field.TYPE_MESSAGE]
    entries = [entry for value in inner for entry in (value if hasattr(value, "__len__") else [value])]
    return own or any(has_unknown(entry) for entry in entries)


def spans_are_right(message, summary, protocol):
    (all_of,) = message.resource_spans
    names = {attribute.key: attribute.value.string_value for attribute in all_of.resource.attributes}
    equal(names["service.name"], "lcw", "the service")
    export, *requests = all_of.scope_spans[0].spans
    equal(export.name, "lcw export", "the first span")
    if protocol == "http/protobuf":
        equal(export.trace_id.hex(), "0af7651916cd43dd8448eb211c80319c", "the trace")
        equal(export.parent_span_id.hex(), "b7ad6b7169203331", "the parent")
    equal(export.status.code, export.status.STATUS_CODE_OK, "the status")
    equal(len(requests), summary["requests"]["sent"], "requests in the trace")
    for request in requests:
        equal(request.parent_span_id, export.span_id, "the parent of a request")
        within = export.start_time_unix_nano <= request.start_time_unix_nano <= request.end_time_unix_nano
        equal(within and request.end_time_unix_nano <= export.end_time_unix_nano, True, "times")
        keys = {attribute.key for attribute in request.attributes}
        # Nothing was sent again.
        equal(keys, {"url.path", "http.request.method"}, "attributes")
