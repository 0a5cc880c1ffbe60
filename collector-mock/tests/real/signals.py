# SPDX-License-Identifier: Apache-2.0
"""What needs a real Collector beside: log records through the sampler, metrics, the Collector's own numbers."""
import http.client
import itertools
import json
import re
import time

from collectors import Collector, free_port, plain

HEAD = "receivers: {otlp: {protocols: {http: {endpoint: '${env:OTLP_HTTP}'}}}}\n"
QUIET = "service: {telemetry: {metrics: {level: none}}, pipelines: "
INTERVAL_S = 0.5


def text(value):
    return {"stringValue": value}


def pair(key, value):
    return {"key": key, "value": value}


def both(args, out, name, config, work, **environment):
    """What work makes of ours and of the real one, which run one after another."""
    path = out / f"{name}.yaml"
    path.write_text(config)
    found = []
    for real in (False, True):
        where = out / f"{'real' if real else 'mock'}-{name}"
        more = {key: str(make()) for key, make in environment.items()}
        with Collector(args.otelcol if real else args.mock, real, path, where, **more) as collector:
            found.append(work(collector, more))
        if callable(found[-1]):
            found[-1] = found[-1](where)
    return found


def differences(name, ours, theirs, least=1):
    differ = [key for key in sorted(set(ours) | set(theirs), key=str) if ours.get(key) != theirs.get(key)]
    wrong = [f"{name}: {key}: {ours.get(key)}, the real one {theirs.get(key)}" for key in differ[:5]]
    return wrong + ([f"{name}: {len(differ)} differ of {len(theirs)}"] if differ or len(theirs) < least else [])


# ---- log records ----

SAMPLERS = (
    "sampling_percentage: 25", "sampling_percentage: 25, hash_seed: 22, from_attribute: order",
    "sampling_percentage: 60, attribute_source: record, from_attribute: order, sampling_priority: prio",
    "mode: equalizing, sampling_percentage: 40, sampling_priority: prio",
    "mode: proportional, sampling_percentage: 30, sampling_priority: prio, sampling_precision: 7",
    "sampling_percentage: 0, sampling_priority: prio", "sampling_percentage: 0, fail_closed: false",
    "mode: equalizing, sampling_percentage: 10, fail_closed: false",
    "sampling_percentage: 10, fail_closed: false, from_attribute: order",
    "mode: proportional, sampling_percentage: 30, fail_closed: false, sampling_priority: prio")


def records():
    marks = [[], [pair("sampling.threshold", {"intValue": "8"})]] + [[pair("sampling.threshold", text(x))]
                                                                   for x in ("8", "c", "zz", "")]
    marks += [[pair("sampling.randomness", text(x))] for x in ("80000000000000", "7fffffffffffff", "1")]
    marks += [[pair("sampling.randomness", text("F0000000000000")), pair("sampling.threshold", text("4"))]]
    asks = [[]] + [[pair("prio", x)] for x in (
        {"intValue": "50"}, {"doubleValue": 12.5}, {"intValue": "101"}, {"intValue": "-3"}, {"intValue": "100"},
        {"doubleValue": 1e-20}, text("9"))]
    orders = [[]] + [[pair("order", x)] for x in (
        text("order-7"), text(""), {"intValue": "7"}, {"doubleValue": 2.5}, {"boolValue": True}, {"bytesValue": "Nw=="})]
    traces = ("0123456789abcdef0123456789abcdef", "4bf92f3577b34da6a3ce929d0e0e4736", "1".zfill(32), "f" * 32, "")
    for n, (trace, mark, ask, order) in enumerate(itertools.product(traces, marks, asks, orders)):
        record = {"severityText": f"n{n}", "attributes": mark + ask + order, "traceId": trace}
        yield {key: value for key, value in record.items() if value}


def sampler_logs(args, out):
    request = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": list(records())}]}]}).encode()

    def work(collector, _):
        collector.send([request], "/v1/logs")

        def read(where):
            groups = [g for line in open(where / "logs.json") for g in json.loads(line).get("resourceLogs", [])]
            return {r["severityText"]: plain(r) for g in groups for s in g["scopeLogs"] for r in s["logRecords"]}
        return read
    wrong = []
    for n, settings in enumerate(SAMPLERS):
        config = (HEAD + f"processors: {{probabilistic_sampler: {{{settings}}}}}\n"
                  "exporters:\n  file: {path: '${env:OUT}/logs.json'}\n" + QUIET +
                  "{logs: {receivers: [otlp], processors: [probabilistic_sampler], exporters: [file]}}}\n")
        wrong += differences(settings, *both(args, out, f"logs{n}", config, work), least=0)
    return wrong


# ---- metrics into the prometheus exporter ----

START = 1700000000123456789


def one(name, kind, begin, end, temporality=None, monotonic=None, **value):
    point = dict(value, startTimeUnixNano=str(START + begin), timeUnixNano=str(START + end))
    data = {"dataPoints": [point]}
    if temporality is not None:
        data["aggregationTemporality"] = temporality
    if monotonic is not None:
        data["isMonotonic"] = monotonic
    return {"name": name, "unit": "s", kind: data}


def metrics():
    """Two requests: how the second follows the first is in the names."""
    def total(name, begin, end, n, delta=True, monotonic=True):
        return one(name, "sum", begin, end, 1 if delta else 2, monotonic, asInt=str(n))

    def buckets(name, begin, end, counts, bounds, delta=True):
        return one(name, "histogram", begin, end, 1 if delta else 2, count=str(sum(counts)), sum=1.5 * counts[0],
                   bucketCounts=[str(n) for n in counts], explicitBounds=bounds)

    def fine(name, begin, end, scale, delta=True):
        return one(name, "exponentialHistogram", begin, end, 1 if delta else 2, count="3", sum=1.5, scale=scale,
                   zeroCount="1", positive={"offset": 0, "bucketCounts": ["2"]})
    first = [total("follows", 0, 10, 3), total("gap", 0, 10, 3), total("older", 0, 10, 3, delta=False),
             total("falls", 0, 10, 3, monotonic=False), one("none", "sum", 0, 10, 0, True, asInt="3"),
             one("level", "gauge", 0, 0, asDouble=1.5), one("gone", "gauge", 0, 0, asDouble=1.5),
             fine("fine", 0, 10, 0), fine("coarse", 0, 10, -5, delta=False)]
    first += [buckets(f"h_{name}", 0, 10, [1, 2], [.5]) for name in ("follows", "gap", "overlaps", "bounds")]
    second = [total("follows", 10, 20, 4), total("gap", 15, 20, 4), total("older", 0, 5, 1, delta=False),
              one("level", "gauge", -5, -5, asDouble=9), one("gone", "gauge", 5, 5, flags=1),
              fine("fine", 10, 20, 1), buckets("h_follows", 10, 20, [3, 0], [.5]), buckets("h_gap", 12, 20, [3, 0], [.5]),
              buckets("h_overlaps", 5, 20, [3, 0], [.5]), buckets("h_bounds", 10, 20, [3, 0], [.25])]
    for group in (first, second):
        resource = {"attributes": [pair("service.name", text("shop")), pair("zone", text("north"))]}
        yield json.dumps({"resourceMetrics": [{"resource": resource, "scopeMetrics": [
            {"scope": {"name": "meter"}, "metrics": group}]}]}).encode()


def page(port, accept="text/plain"):
    link = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
    link.request("GET", "/metrics", headers={"Accept": accept})
    lines = link.getresponse().read().decode().splitlines()
    link.close()
    return lines


def prometheus(args, out):
    wrong = []
    for n, settings in enumerate(("", "send_timestamps: true,", "send_timestamps: true, enable_open_metrics: true,")):
        accept = "application/openmetrics-text; version=1.0.0" if "open" in settings else "text/plain"

        def work(collector, more):
            collector.send(metrics(), "/v1/metrics")
            return {line: 1 for line in page(more["PROMETHEUS"], accept)}
        config = (HEAD + f"exporters:\n  prometheus: {{{settings} endpoint: '127.0.0.1:${{env:PROMETHEUS}}'}}\n" + QUIET +
                  "{metrics: {receivers: [otlp], exporters: [prometheus]}}}\n")
        wrong += differences(settings, *both(args, out, f"prometheus{n}", config, work, PROMETHEUS=free_port), least=30)
    return wrong


# ---- settings of span_metrics ----

SPAN_METRICS = (
    "", "aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA", "histogram: {exponential: {max_size: 160}}",
    "histogram: {exponential: {max_size: 4}, unit: s}",
    "histogram: {exponential: {max_size: 10}, dimensions: [{name: http.method}]}, "
    "aggregation_temporality: AGGREGATION_TEMPORALITY_DELTA",
    "calls_dimensions: [{name: http.method}], events: {enabled: true, dimensions: [{name: exception.type}, {name: host}]}",
    "dimensions: [{name: host}], events: {enabled: true, dimensions: [{name: exception.type}]}, exemplars: {enabled: true}",
    "resource_metrics_key_attributes: [service.name], aggregation_cardinality_limit: 2", "metrics_expiration: 1ms",
    "series_expiration: 1ms, histogram: {disable: true}", "namespace: '', histogram: {explicit: {buckets: [1ms, 3ms, 1s]}}")


def some_spans():
    groups = {}
    for n, (ms, kind) in enumerate(((3, 1), (0, 2), (700, 3), (3, 1), (20000, 2), (1, 1))):
        events = [{"name": "exception", "attributes": [pair("exception.type", text(x)), pair("host", text("event"))]}
                  for x in "EF"] if n % 3 == 0 else []
        groups.setdefault("a" if n < 3 else "b", []).append({
            "traceId": f"{n + 1:032x}", "spanId": f"{n + 1:016x}", "name": "pay", "kind": kind, "events": events,
            "startTimeUnixNano": str(10**18), "endTimeUnixNano": str(10**18 + ms * 10**6),
            "attributes": [pair("http.method", text("GET" if n % 2 else "PUT"))]})
    return json.dumps({"resourceSpans": [
        {"resource": {"attributes": [pair("service.name", text("shop")), pair("host", text(host))]},
         "scopeSpans": [{"spans": spans}]} for host, spans in groups.items()]}).encode()


def flat(thing):
    """Without times and what is empty; numbers as numbers."""
    if isinstance(thing, dict):
        ret = {key: flat(value) for key, value in thing.items() if not key.lower().endswith("timeunixnano")}
        return {key: value for key, value in ret.items() if value not in ({}, [])}
    if isinstance(thing, list):
        return [flat(value) for value in thing]
    return float(thing) if isinstance(thing, (int, float)) and not isinstance(thing, bool) else thing


def flushes(where):
    """The points of the first two flushes, by all that tells them apart."""
    ret = {}
    for group in (g for line in open(where / "metrics.json") for g in json.loads(line).get("resourceMetrics", [])):
        resource = plain(group.get("resource", {}))
        for metric in (m for s in group["scopeMetrics"] for m in s.get("metrics", [])):
            kind = next(k for k in ("sum", "histogram", "exponentialHistogram") if k in metric)
            for point in metric[kind].get("dataPoints", []):
                key = json.dumps([resource, metric["name"], metric.get("unit"), kind,
                                  metric[kind].get("aggregationTemporality"), plain({"attributes": point.pop("attributes", [])})])
                ret.setdefault(key, []).append(flat(point))
    return {key: points[:2] for key, points in ret.items()}


def span_metrics_settings(args, out):
    def work(collector, _):
        collector.send([some_spans()])
        time.sleep(2.6 * INTERVAL_S)
        return flushes
    wrong = []
    for n, settings in enumerate(SPAN_METRICS):
        config = (HEAD + f"connectors: {{span_metrics: {{metrics_flush_interval: {INTERVAL_S}s, "
                  f"exclude_dimensions: [collector.instance.id]{', ' if settings else ''}{settings}}}}}\n"
                  "exporters:\n  file: {path: '${env:OUT}/metrics.json'}\n" + QUIET +
                  "{traces: {receivers: [otlp], exporters: [span_metrics]}, "
                  "metrics: {receivers: [span_metrics], exporters: [file]}}}\n")
        wrong += differences(settings, *both(args, out, f"spanmetrics{n}", config, work), least=5)
    return wrong


# ---- the Collector's own numbers ----

NOT_HERE = {"otelcol_process_runtime_total_alloc_bytes"}
OWN = HEAD + """processors:
  memory_limiter: {check_interval: 1s, limit_mib: 4000}
  filter: {traces: {span: ['name == "nope"']}}
  attributes: {actions: [{key: a, value: 1, action: insert}]}
  probabilistic_sampler: {sampling_percentage: 100}
  batch: {timeout: 100ms}
  groupbytrace: {wait_duration: 100ms, num_traces: 2}
  tail_sampling: {decision_wait: 1s, policies: [{name: all, type: always_sample}]}
exporters:
  nop:
  otlp: {endpoint: '127.0.0.1:1', tls: {insecure: true}, retry_on_failure: {enabled: false}, sending_queue: {batch: {}}}
  load_balancing: {protocol: {otlp: {tls: {insecure: true}}}, resolver: {static: {hostnames: ['127.0.0.1:1', '127.0.0.1:2']}}}
service:
  telemetry:
    metrics:
      level: detailed
      readers:
        - pull:
            exporter:
              prometheus:
                host: 127.0.0.1
                port: ${env:NUMBERS}
                without_units: true
  pipelines:
    traces: {receivers: [otlp], processors: [memory_limiter, filter, attributes, probabilistic_sampler, batch], exporters: [otlp]}
    traces/g: {receivers: [otlp], processors: [groupbytrace, tail_sampling], exporters: [nop, load_balancing]}
"""


def own_numbers(args, out):
    """Each name of the real one is here, with its buckets."""
    def work(collector, more):
        collector.send([some_spans()])
        time.sleep(4)
        ret = {}
        for name, labels in re.findall(r"^((?:otelcol|http_server|rpc_server)_\w+?)(?:_total)?(?:\{(.*)\})? ", "\n".join(page(more["NUMBERS"])), re.M):
            ret.setdefault(name, set()).update(re.findall(r'le="([^"]*)"', labels))
        return ret
    ours, theirs = both(args, out, "own", OWN, work, NUMBERS=free_port)
    wrong = [f"{name} is not here" for name in sorted(set(theirs) - set(ours) - NOT_HERE)]
    wrong += [f"{name}: buckets up to {sorted(ours[name])}, the real one {sorted(theirs[name])}"
              for name in sorted(set(ours) & set(theirs)) if ours[name] != theirs[name]]
    return wrong + (["this compares too little"] if len(theirs) < 40 else [])


LIVE = {"sampler_logs": sampler_logs, "prometheus": prometheus, "span_metrics_settings": span_metrics_settings,
        "own_numbers": own_numbers}
