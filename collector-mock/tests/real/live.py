# SPDX-License-Identifier: Apache-2.0
"""What needs a real Collector beside: backends that both send to, metrics, time."""
import http.client
import json
import re
import time

import spans
from collectors import DEADLINE_S, Collector, free_port, traces

BACKENDS = 5
MORE = {"attributes": "routing_attributes: [tenant, span.kind, span.name, http.status_code], "}


def balanced(args, out, routing_key):
    """Which backend got which trace, from both: backend -> trace -> spans, twice."""
    lines = spans.lines(spans.mixed(5, 300)) + (spans.lines(spans.single(6, 2000)) if routing_key == "traceID" else [])
    hosts = [f"127.0.0.1:{free_port()}" for _ in range(BACKENDS)]
    behind = out / "behind.yaml"
    behind.write_text(
        "receivers:\n  otlp: {protocols: {http: {endpoint: '${env:OTLP_HTTP}'}}}\n"
        + "".join(f"  otlp/{i}: {{protocols: {{grpc: {{endpoint: '{host}'}}}}}}\n" for i, host in enumerate(hosts))
        + "exporters:\n" + "".join(f"  file/{i}: {{path: '${{env:OUT}}/{i}.json'}}\n" for i in range(BACKENDS))
        + "  nop:\nservice:\n  telemetry: {metrics: {level: none}}\n  pipelines:\n"
        + "    traces: {receivers: [otlp], exporters: [nop]}\n"
        + "".join(f"    traces/{i}: {{receivers: [otlp/{i}], exporters: [file/{i}]}}\n" for i in range(BACKENDS)))
    front = out / "front.yaml"
    front.write_text(
        "receivers: {otlp: {protocols: {http: {endpoint: '${env:OTLP_HTTP}'}}}}\n"
        f"exporters: {{load_balancing: {{routing_key: {routing_key}, {MORE.get(routing_key, '')}protocol: {{otlp: {{tls: {{insecure: true}}}}}}, "
        f"resolver: {{static: {{hostnames: [{', '.join(repr(h) for h in hosts)}]}}}}}}}}\n"
        "service:\n  telemetry: {metrics: {level: none}}\n"
        "  pipelines: {traces: {receivers: [otlp], exporters: [load_balancing]}}\n")
    found = []
    for real in (False, True):
        where = out / f"{'real' if real else 'mock'}-{routing_key}"
        with Collector(args.mock, False, behind, where / "behind"):
            with Collector(args.otelcol if real else args.mock, real, front, where) as collector:
                collector.send(lines)
        found.append([traces(where / "behind" / f"{i}.json") for i in range(BACKENDS)])
    return found


def balance(args, out):
    wrong = []
    for routing_key in ("traceID", "service", "attributes"):
        ours, theirs = balanced(args, out, routing_key)
        if min(len(x) for x in theirs) == 0 and routing_key == "traceID":
            wrong.append("a backend got nothing: this compares too little")
        for i in range(BACKENDS):
            differ = [t for t in set(ours[i]) | set(theirs[i]) if ours[i].get(t) != theirs[i].get(t)]
            wrong += [f"{routing_key}: backend {i}: trace {t}: {len(ours[i].get(t, []))} spans from collector-mock, "
                      f"{len(theirs[i].get(t, []))} from the real one" for t in differ[:3]]
    return wrong


COMPRESSIONS = [("otlp_grpc", "gzip"), ("otlp_grpc", "zstd")] + [("otlp_http", x) for x in ("gzip", "zstd", "zlib", "deflate")]


def compressed(args, out):
    """One sends to the other, in each way that both have: all of it arrives, once, and the sender hears so."""
    lines = spans.lines(spans.mixed(13, 60))
    sent = out / "sent.json"
    sent.write_bytes(b"\n".join(lines))
    wrong = []
    for real, (exporter, compression) in ((real, way) for real in (False, True) for way in COMPRESSIONS):
        name = f"{'from' if real else 'to'}-real-{exporter}-{compression}"
        port, where = free_port(), out / name
        behind, front = out / f"{name}-behind.yaml", out / f"{name}.yaml"
        behind.write_text(
            f"receivers: {{otlp: {{protocols: {{http: {{endpoint: '${{env:OTLP_HTTP}}'}}, grpc: {{endpoint: '127.0.0.1:{port}'}}}}}}}}\n"
            "exporters: {file: {path: '${env:OUT}/got.json'}}\n"
            "service: {telemetry: {metrics: {level: none}}, pipelines: {traces: {receivers: [otlp], exporters: [file]}}}\n")
        with Collector(args.mock if real else args.otelcol, not real, behind, where / "behind") as back:
            end = f"'127.0.0.1:{port}'" if exporter == "otlp_grpc" else f"'http://127.0.0.1:{back.port}'"
            front.write_text(
                "receivers: {otlp: {protocols: {http: {endpoint: '${env:OTLP_HTTP}'}}}}\n"
                f"exporters: {{{exporter}: {{endpoint: {end}, compression: {compression}, tls: {{insecure: true}}, "
                "retry_on_failure: {enabled: false}}}\n"
                "service: {telemetry: {metrics: {level: none}}, "
                f"pipelines: {{traces: {{receivers: [otlp], exporters: [{exporter}]}}}}}}\n")
            with Collector(args.otelcol if real else args.mock, real, front, where) as collector:
                collector.send(lines)
        if traces(where / "behind" / "got.json") != traces(sent):
            wrong.append(f"{name}: what arrived is not what was sent")
        said = (where / "log").read_text()
        if "lost" in said or "Dropping data" in said:
            wrong.append(f"{name}: the sender says that it lost spans: {said[-300:]}")
    return wrong


def scrape(port):
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    link.request("GET", "/metrics")
    text = link.getresponse().read().decode()
    link.close()
    ret = {}
    for line in text.splitlines():
        match = re.match(r"(\w+)\{(.*)\} (\S+)", line)
        if match and match[1] != "target_info":
            labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2]))
            ret[match[1], tuple(sorted(labels.items()))] = float(match[3])
    return ret


def span_metrics(args, out):
    requests = list(spans.mixed(8, 300))
    for group in (group for request in requests for group in request["resourceSpans"]):
        # other attributes make series apart that the prometheus exporter then shows as one
        group["resource"]["attributes"] = [x for x in group["resource"]["attributes"] if x["key"] == "service.name"]
    # 1/(3/4) is rounded at random
    lines = [line.replace(b"th:4", b"th:c") for line in spans.lines(requests)]
    sent = sum(line.count(b'"startTimeUnixNano"') for line in lines)
    config = out / "spanmetrics.yaml"
    config.write_text(
        "receivers: {otlp: {protocols: {http: {endpoint: '${env:OTLP_HTTP}'}}}}\n"
        "connectors:\n  span_metrics:\n    metrics_flush_interval: 1s\n"
        "    histogram: {explicit: {buckets: [2ms, 50ms, 100ms, 1s]}}\n"
        "    dimensions: [{name: http.method}, {name: tenant, default: nobody}, {name: http.status_code}]\n"
        "    exclude_dimensions: [collector.instance.id]\n"
        "exporters: {prometheus: {endpoint: '127.0.0.1:${env:PROMETHEUS}'}}\n"
        "service:\n  telemetry: {metrics: {level: none}}\n  pipelines:\n"
        "    traces: {receivers: [otlp], exporters: [span_metrics]}\n"
        "    metrics: {receivers: [span_metrics], exporters: [prometheus]}\n")
    found = []
    for real in (False, True):
        port = free_port()
        where = out / ("real" if real else "mock")
        program = args.otelcol if real else args.mock
        with Collector(program, real, config, where, PROMETHEUS=str(port)) as collector:
            collector.send(lines)
            end = time.monotonic() + DEADLINE_S
            while time.monotonic() < end:
                series = scrape(port)
                if sum(v for (name, _), v in series.items() if name.endswith("calls_total")) >= sent:
                    break
                time.sleep(0.2)
            time.sleep(2.5)  # two flushes: what counts for many may hide that some are missing
            found.append(scrape(port))
    ours, theirs = found
    differ = [key for key in sorted(set(ours) | set(theirs)) if ours.get(key) != theirs.get(key)]
    wrong = [f"{key}: {ours.get(key)}, the real one {theirs.get(key)}" for key in differ[:10]]
    return wrong + ([f"{len(differ)} series differ of {len(theirs)}"] if differ or len(theirs) < 500 else [])


SEGMENTS = ["a", "b", "a", "", ".", "./a", "../b", "../../../etc/x", "/../../y", "a/../../../z", "deep/er/a", "é", "a b", "*", None, 5, "n\0ul"]


def grouped(args, out):
    """group_by: the same files with the same spans below the same directory, whatever values say; the same answers."""
    config = out / "grouped.yaml"
    config.write_text(
        "receivers: {otlp: {protocols: {http: {endpoint: '${env:OTLP_HTTP}'}}}}\nexporters:\n"
        "  file/slash: {path: '${env:OUT}/below/*.json', group_by: {enabled: true, resource_attribute: where}}\n"
        "  file/none: {path: '${env:OUT}/below/x-*.json', group_by: {enabled: true, max_open_files: 2}, append: true}\n"
        "service:\n  telemetry: {metrics: {level: none}}\n"
        "  pipelines: {traces: {receivers: [otlp], exporters: [file/slash, file/none]}}\n")
    found = []
    for real in (False, True):
        where = out / ("real" if real else "mock") / "grouped" / "down"
        answers = []
        with Collector(args.otelcol if real else args.mock, real, config, where) as collector:
            for n in range(3):
                for one in [SEGMENTS[:-1]] + [[x] for x in SEGMENTS]:
                    request = {"resourceSpans": [
                        {"resource": {"attributes": [
                            {"key": key, "value": {"intValue": x} if x == 5 else {"stringValue": x}}
                            for key in ("where", "fileexporter.path_segment") if x is not None]},
                         "scopeSpans": [{"spans": [{"traceId": f"{n + 1:032x}", "spanId": f"{i + 1:016x}", "name": "s"}]}]}
                        for i, x in enumerate(one)]}
                    link = http.client.HTTPConnection("127.0.0.1", collector.port, timeout=DEADLINE_S)
                    link.request("POST", "/v1/traces", json.dumps(request), {"Content-Type": "application/json"})
                    answers.append(link.getresponse().status)
                    link.close()
        top = where.parent.parent
        files = {str(f.relative_to(top)): sorted([(s["traceId"], s["spanId"]) for r in json.loads(line)["resourceSpans"] for p in r["scopeSpans"]
                                            for s in p["spans"]] for line in f.read_text().splitlines())
                 for f in top.rglob("*") if f.is_file() and f.name != "log"}
        found.append((answers, files))
    (answers, ours), (wanted, theirs) = found
    wrong = [f"{name}: {ours.get(name)}, the real one {theirs.get(name)}"
             for name in sorted(set(ours) | set(theirs)) if ours.get(name) != theirs.get(name)]
    return wrong + ([f"answers {answers}, the real one {wanted}"] if answers != wanted else []) + \
        ([f"{len(theirs)} files: this compares too little"] if len(theirs) < 15 else [])
