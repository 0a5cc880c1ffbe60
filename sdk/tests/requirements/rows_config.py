# SPDX-License-Identifier: Apache-2.0
"""119 to 124: environment, resource, configuration; 159, 160; d1: entities."""
import json

import otlp
from rig import CONFIG, Skipped, row

NUMBERS = ["OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_EXPORT_TIMEOUT", "OTEL_BSP_MAX_QUEUE_SIZE",
           "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "OTEL_ATTRIBUTE_COUNT_LIMIT",
           "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_EVENT_COUNT_LIMIT",
           "OTEL_SPAN_LINK_COUNT_LIMIT", "OTEL_EXPORTER_OTLP_TIMEOUT"]


@row(119, "an empty variable is unset; of booleans only true is true")
def _(t):
    everything = NUMBERS + ["OTEL_SDK_DISABLED", "OTEL_PROPAGATORS", "OTEL_TRACES_SAMPLER",
                            "OTEL_TRACES_SAMPLER_ARG", "OTEL_TRACES_EXPORTER",
                            "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES",
                            "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_PROTOCOL",
                            "OTEL_EXPORTER_OTLP_COMPRESSION",
                            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
    p = t.sdk({name: "" for name in everything})
    t.equal(p("reports"), [], "reports about empty variables")
    p.span()
    t.one(p)
    for word, disabled, told in (("true", True, 0), ("TRUE", True, 0), ("false", False, 0),
                                 ("1", False, 1), ("yes", False, 1)):
        t.collector.mark()
        p = t.sdk({"OTEL_SDK_DISABLED": word})
        t.equal(len([r for r in p("reports") if "OTEL_SDK_DISABLED" in r]), told,
                "reports about " + word)
        t.equal(p("enabled", "t"), ["0" if disabled else "1"], "enabled with " + word)
        p.span()
        p("extract", "c", "-", "traceparent", "00-%s-%s-01" % ("1" * 32, "2" * 16))
        t.true("traceparent" in p.headers("c", "-"), "propagators stay with " + word)
        t.equal(p.end(), 0, "exit status with " + word)
        t.equal(len(t.collector.spans()), 0 if disabled else 1, "spans with " + word)


@row(120, "numbers that are none, or out of range, are reported and the defaults hold")
def _(t):
    for name in NUMBERS:
        for wrong in ("-1", "abc", "1e3", "4294967296000", " "):
            p = t.sdk({name: wrong})
            if wrong != " ":
                t.true(any(name in r for r in p("reports")), "%s=%s: no report" % (name, wrong))
            p.close()
    for name in ("OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"):
        for wrong in ("0", "-5"):
            t.collector.mark()
            p = t.sdk({name: wrong, "OTEL_BSP_SCHEDULE_DELAY": "3600000"})
            t.true(any(name in r for r in p("reports")), "%s=%s: no report" % (name, wrong))
            p("burst", 600, "t", "n")
            t.equal(len(t.spans(p)), 600, "spans with %s=%s" % (name, wrong))
            sizes = [r.span_count for r in t.collector.requests()]
            t.equal(sizes, [512, 88], "batches with %s=%s" % (name, wrong))
    t.collector.mark()
    p = t.sdk({"OTEL_BSP_MAX_QUEUE_SIZE": "10", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "50"})
    t.true(p("reports") != [], "a batch above the queue: no report")
    p("burst", 5, "t", "n")
    t.equal(len(t.spans(p)), 5, "spans with a batch above the queue")
    t.collector.mark()
    p = t.sdk({"OTEL_BSP_SCHEDULE_DELAY": "0"})
    p.span()
    t.collector.wait_for("a span with delay 0", lambda: len(t.collector.spans()) == 1)
    cpu = p.numbers("usage")["cpu_ns"]
    t.true(cpu < 500_000_000, "a delay of 0 spins: %d ns" % cpu)


def resource(t, variables, before=()):
    t.collector.mark()
    p = t.player(variables)
    p("env")
    p("tracer", "t", "rig")
    p.span()
    found = t.one(p).resource.attributes
    return found, p("reports")


@row(121, "OTEL_SERVICE_NAME beats the attribute; without both it is unknown_service")
def _(t):
    both = {"OTEL_SERVICE_NAME": "named", "OTEL_RESOURCE_ATTRIBUTES": "service.name=other,k=v"}
    found, _ = resource(t, both)
    t.equal((found["service.name"], found["k"]), ("named", "v"), "both set")
    found, _ = resource(t, {"OTEL_RESOURCE_ATTRIBUTES": "service.name=other"})
    t.equal(found["service.name"], "other", "the attribute alone")
    found, _ = resource(t, {})
    t.equal(found["service.name"], "unknown_service:sdk-put", "neither")
    t.equal(found["telemetry.sdk.language"], "c", "telemetry.sdk.language")
    t.true(found["telemetry.sdk.name"] != "opentelemetry" and found["telemetry.sdk.version"],
           "telemetry.sdk.name and version")


@row(122, "resource attributes are percent-decoded; one that cannot be discards all")
def _(t):
    found, _ = resource(t, {"OTEL_RESOURCE_ATTRIBUTES": "a=x%2Cy%3D,b=1%20%C3%A9, c = d ,e=f=g"})
    t.equal([found.get(k) for k in "abc"], ["x,y=", "1 \u00e9", "d"], "decoded")
    for wrong in ("a=1,b=%zz", "a=1,b", "a=1,=2", "a=1,b=%f"):
        found, told = resource(t, {"OTEL_RESOURCE_ATTRIBUTES": wrong})
        t.equal(found.get("a"), None, "a of " + wrong)
        t.true(any("OTEL_RESOURCE_ATTRIBUTES" in r for r in told), wrong + ": no report")


@row(123, "OTEL_TRACES_EXPORTER: none, console, several, an unknown word")
def _(t):
    p = t.sdk({"OTEL_TRACES_EXPORTER": "none"})
    p.span()
    p.flush()
    t.equal(t.collector.requests(), [], "requests with none")
    p = t.sdk({"OTEL_TRACES_EXPORTER": "console"})
    p("start", "s", "t", "on standard output")
    p.send("finish", "s")
    shown = []
    while shown[-1:] != ["ok"]:  # the answer comes behind it
        shown.append(" ".join(p.answer()))
    t.true(shown[0].startswith("on standard output"), "on standard output: %s" % shown)
    log_at = t.log.seek(0, 2)
    p = t.sdk({"OTEL_TRACES_EXPORTER": "console,otlp"}, options=["console_fd=2"])
    p.span("seen by both")
    t.equal(t.one(p).name, "seen by both", "span with console,otlp")
    t.equal(p.end(), 0, "exit status")
    t.log.seek(log_at)
    t.true(b"seen by both" in t.log.read(), "nothing on standard error")
    t.log.seek(0, 2)
    t.collector.mark()
    p = t.sdk({"OTEL_TRACES_EXPORTER": "carrier-pigeon"})
    t.true(any("OTEL_TRACES_EXPORTER" in r for r in p("reports")), "no report")
    p.span()
    t.equal(len(t.spans(p)), 1, "spans with an unknown word: the default")


FILE = """file_format: "1.0"
resource: {attributes: [{name: service.name, value: "${env:NAME}"},
                        {name: or, value: "${NO:-else}"}, {name: price, value: "5$$"},
                        {name: undefined, value: "<${NO}>"}]}
attribute_limits:
  attribute_value_length_limit: ${LENGTH}
  attribute_count_limit: null
propagator: {composite: [{b3: }]}
tracer_provider:
  processors:
    - batch: {schedule_delay: null, exporter: {otlp_http: {endpoint: "http://%s/v1/traces"}}}
"""


def with_file(t, text, variables=None):
    path = t.dir + "/otel.yaml"
    with open(path, "w") as file:
        file.write(text)
    return t.player(dict(variables or {}, OTEL_CONFIG_FILE=path))


@row(124, "OTEL_CONFIG_FILE: instead of the other variables, substitution, null, errors")
def _(t):
    p = with_file(t, FILE % t.collector.http, {
        "NAME": "from-file", "LENGTH": "4", "OTEL_SERVICE_NAME": "ignored",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_PROPAGATORS": "none",
        "OTEL_TRACES_SAMPLER": "always_off", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "1"})
    p("env")
    p("tracer", "t", "rig")
    p.span("s", dict({"k%d" % i: i for i in range(130)}, k0="abcdef"))
    s = t.one(p)
    found = s.resource.attributes
    t.equal([found.get(k) for k in ("service.name", "or", "price", "undefined")],
            ["from-file", "else", "5$", "<>"], "resource")
    t.equal((s.attributes["k0"], len(s.attributes)), ("abcd", 128), "limits: given, null")
    t.equal(p("fields", "-"), ["b3"], "propagator")
    good = FILE % t.collector.http
    for wrong, why in ((good.replace("batch", "bundle"), "an unknown key"),
                       (good.replace("attribute_value_length_limit: ${LENGTH}",
                                     "attribute_value_length_limit: many"), "a wrong type"),
                       (good.replace("${env:NAME}", "${env:NAME"), "a substitution cut off"),
                       (good.replace('file_format: "1.0"', ""), "no file_format"),
                       (good.replace('"1.0"', '"7.0"'), "another version")):
        p = with_file(t, wrong, {"LENGTH": "4"})
        t.equal(p.ask("env")[0], "no", why + " is accepted")
        t.true(any("otel.yaml" in r for r in p("reports")), why + ": no report names the file")
    p = t.player({"OTEL_CONFIG_FILE": t.dir + "/absent.yaml"})
    t.equal(p.ask("env")[0], "no", "a file that is not there is accepted")


def entities_by_protobuf(request):
    resource = otlp.read_spans(request.body)[0][0].resource
    return resource.attributes, [(e.type, e.schema_url, e.id_keys, e.description_keys)
                                 for e in resource.entities]


def entities_by_json(request):
    resource = request["resourceSpans"][0]["resource"]
    attributes = {a["key"]: a["value"].get("stringValue") for a in resource["attributes"]}
    return attributes, [(e["type"], e.get("schemaUrl", ""), e["idKeys"],
                         e.get("descriptionKeys", [])) for e in resource.get("entityRefs", [])]


@row("d1", "OTEL_ENTITIES: entities refer to attributes of the resource; the collector keeps them")
def _(t):
    said = ("host{host.id=h-1}[host.name=web%%2C1]@https://x.test/1;bad{;"
            "service{service.name=%s,service.instance.id=i}")
    expected = [("service", "", ["service.name", "service.instance.id"], []),
                ("host", "https://x.test/1", ["host.id"], ["host.name"])]
    for protocol in ("http/protobuf", "grpc", "http/json"):
        t.collector.mark()
        name = "entities-" + protocol.replace("/", "-")
        at = t.collector.grpc if protocol == "grpc" else t.collector.http
        p = t.sdk({"OTEL_ENTITIES": said % name, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
                   "OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + at})
        told = [r for r in p("reports") if "OTEL_ENTITIES" in r]
        t.true(len(told) == 1 and "entity 2" in told[0], "told of: %r" % told)
        p.span()
        p.flush()
        recorded = t.collector.requests()[-1]
        t.collector.wait_for("the file", lambda: any(name in json.dumps(l) for l in lines(t)))
        passed_on = [l for l in lines(t) if name in json.dumps(l)][-1]
        for by, (found, entities) in (("the tap", entities_by_protobuf(recorded)),
                                      ("the collector's file", entities_by_json(passed_on))):
            what = "%s, at %s" % (protocol, by)
            t.equal(entities, expected, "entities over " + what)
            t.equal([found.get(k) for k in ("service.name", "service.instance.id", "host.id",
                                            "host.name")], [name, "i", "h-1", "web,1"],
                    "attributes over " + what)
    # a processor that writes the resource anew
    changing = CONFIG.format(dir=t.dir, http=0, grpc=0).replace(
        "service: {", "processors: {resource: {attributes: [{action: upsert, key: added, "
        "value: 'yes'}]}}\nservice: {").replace("exporters: [file]",
                                               "processors: [resource], exporters: [file]")
    collector = t.own_collector(config=changing)
    p = t.sdk({"OTEL_ENTITIES": said % "changed"}, collector)
    p.span()
    p.flush()
    collector.wait_for("the file", lambda: lines_of(t.dir + "/spans.json"))
    found, entities = entities_by_json(lines_of(t.dir + "/spans.json")[0])
    t.equal((found["added"], entities), ("yes", expected), "behind a processor")
    for variables, names in (({"OTEL_ENTITIES": "service{service.name=a};host{host.id=h}",
                               "OTEL_SERVICE_NAME": "b"}, ("b", ["host"])),
                             ({"OTEL_SERVICE_NAME": "b"}, ("b", []))):
        t.collector.mark()
        p = t.sdk(variables)
        p.span()
        found = t.one(p).resource
        t.equal((found.attributes["service.name"], [e.type for e in found.entities]), names,
                "service.name and entities of %r" % variables)


@row(159, "without an SDK spans cost nanoseconds and no memory")
def _(t):
    p = t.player()
    p("tracer", "t", "rig")
    got = p.numbers("noop", 100000, "t")
    if not got["counted"]:
        raise Skipped("a sanitizer has the allocator")
    t.equal(got["allocations"], 0, "allocations")
    # 5 ns are promised
    t.true(got["ps_each"] < 50000, "%d ps for a span" % got["ps_each"])


@row(160, "two independent decoders find in the output what the script said")
def _(t):
    p = t.player({"OTEL_SERVICE_NAME": "golden"})
    p("ids", 1, "0af7651916cd43dd8448eb211c80319c")
    p("env", "clock=1")
    p("tracer", "t", "lib", "1.0", "https://example.com/s", "scope", "s:x")
    p("start", "a", "t", "parent", "kind=2", "text", "s:h\u00e9", "n", "i:-5", "list", "[", "i:1",
      "s:two", "]", "map", "{", "k", "b:1", "}", "bytes", "x:00ff", "real", "d:0.5")
    p("stage", "1" * 32, "2" * 16, 1, "v=1", "l", "i:1")
    p("clock", 1000)
    p("start", "b", "t", "child", "parent=a", "kind=3")
    p("event", "b", "event", 0, "e", "s:v")
    p("status", "b", 2, "why")
    p("clock", 500)
    p("end", "b")
    p("end", "a")
    child, parent = t.spans(p)
    start = 1700000000000000000
    t.equal((parent.trace_id, parent.span_id, parent.parent, parent.name, parent.kind,
             parent.start, parent.end, parent.flags),
            ("0af7651916cd43dd8448eb211c80319c", "%016x" % 1, "", "parent", 2, start, start + 1500,
             0x103), "parent")
    t.equal(parent.attributes, {"text": "h\u00e9", "n": -5, "list": [1, "two"], "map": {"k": True},
                                "bytes": b"\x00\xff", "real": 0.5}, "attributes")
    t.equal((child.parent, child.start, child.end, child.status_code, child.status_message),
            ("%016x" % 1, start + 1000, start + 1500, 2, "why"), "child")
    t.equal([(l.trace_id, l.span_id, l.trace_state, l.attributes) for l in child.links],
            [("1" * 32, "2" * 16, "v=1", {"l": 1})], "links")
    t.equal([(e.name, e.time, e.attributes) for e in child.events],
            [("event", start + 1000, {"e": "v"})], "events")
    t.equal((child.scope.name, child.scope.version, child.scope.schema_url,
             child.scope.attributes), ("lib", "1.0", "https://example.com/s", {"scope": "x"}),
            "scope")
    t.equal(child.resource.attributes["service.name"], "golden", "service.name")
    # the collector's own reader, through its file exporter
    t.collector.wait_for("the file", lambda: lines(t))
    request = lines(t)[-1]
    spans = [s for rs in request["resourceSpans"] for ss in rs["scopeSpans"] for s in ss["spans"]]
    t.equal([(s["name"], s["traceId"], s["spanId"], s.get("parentSpanId", ""), int(s["kind"]),
              int(s["startTimeUnixNano"]), int(s["endTimeUnixNano"])) for s in spans],
            [(s.name, s.trace_id, s.span_id, s.parent, s.kind, s.start, s.end)
             for s in (child, parent)], "spans by the collector's reader")
    t.equal({a["key"]: a["value"] for a in spans[1]["attributes"]},
            {"text": {"stringValue": "h\u00e9"}, "n": {"intValue": "-5"},
             "list": {"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "two"}]}},
             "map": {"kvlistValue": {"values": [{"key": "k", "value": {"boolValue": True}}]}},
             "bytes": {"bytesValue": "AP8="}, "real": {"doubleValue": 0.5}},
            "attributes by the collector's reader")


def lines(t):
    return lines_of(t.collector.dir + "/spans.json")


def lines_of(path):
    with open(path) as file:
        return [json.loads(line) for line in file if line.endswith("\n")]


@row("b37", "a misspelt variable is told with the one that was meant; those of other signals are not")
def _(t):
    p = t.sdk({"OTEL_TRACES_SAMPLR": "always_off", "OTEL_METRICS_EXPORTER": "none",
               "OTEL_LOGS_EXPORTER": "none", "OTEL_BLRP_SCHEDULE_DELAY": "1000",
               "OTEL_METRIC_EXPORT_INTERVAL": "1000", "OTEL_PYTHON_LOG_LEVEL": "info"})
    told = p("reports")
    t.true(len(told) == 1 and "OTEL_TRACES_SAMPLR" in told[0] and "OTEL_TRACES_SAMPLER?" in told[0],
           "reports %s" % told)
    p.span("kept")
    t.equal(t.one(p).name, "kept", "it has no effect")
