# SPDX-License-Identifier: Apache-2.0
"""97 to 117: OTLP over HTTP and gRPC."""
import gzip
import json

from rig import LONG, Skipped, row

MS = 1_000_000
PATH = "/v1/traces"


def request_of(t, variables, r):
    """The one request that an SDK with these variables sends through a relay."""
    seen = len(r.requests())
    p = t.sdk(variables)
    p.span()
    p("flush", LONG)
    p.close()
    t.collector.wait_for("a request", lambda: len(r.requests()) > seen)
    return r.requests()[-1]


def port_of_ours(t, port, target):
    try:
        return t.relay(target, port)
    except OSError as error:
        raise Skipped("port %d is not to be had here: %s" % (port, error.strerror)) from error


@row(97, "by default spans are POSTed to http://localhost:4318/v1/traces")
def _(t):
    r = port_of_ours(t, 4318, t.collector.http)
    method, path, headers, body = request_of(t, {"OTEL_EXPORTER_OTLP_ENDPOINT": None}, r)
    t.equal((method, path, headers["content-type"]), ("POST", PATH, "application/x-protobuf"),
            "request")
    t.equal(headers["host"], "localhost:4318", "host")
    t.equal(body, t.collector.requests()[0].body, "body")


@row(98, "v1/traces is appended to a base, with one slash")
def _(t):
    r = t.relay()
    for base, path in (("", PATH), ("/", PATH), ("/x", "/x/v1/traces"), ("/x/", "/x/v1/traces"),
                       ("/x/y/", "/x/y/v1/traces")):
        got = request_of(t, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + r.address + base}, r)
        t.equal(got[1], path, "path of base '%s'" % base)


@row(99, "the endpoint of traces is taken as it is; without a path it is /")
def _(t):
    r = t.relay()
    for given, path in (("", "/"), ("/", "/"), ("/x", "/x"), ("/x/", "/x/"), (PATH, PATH)):
        got = request_of(t, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://" + r.address + given,
                             "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1/no"}, r)
        t.equal(got[1], path, "path of '%s'" % given)


@row(100, "without a port http is 80, https 443")
def _(t):
    tls = tls_collector(t)
    port_of_ours(t, 443, tls.http)
    p = t.sdk({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://localhost",
               "OTEL_EXPORTER_OTLP_CERTIFICATE": t.certificates()["ca"]})
    p.span()
    p.flush()
    t.equal(len(tls.spans()), 1, "spans by port 443")
    r = port_of_ours(t, 80, t.collector.http)
    got = request_of(t, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1"}, r)
    t.equal((got[1], got[2]["host"]), (PATH, "127.0.0.1"), "request")


@row(101, "headers: percent-decoded, = in values, those of traces win")
def _(t):
    r = t.relay()
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + r.address}
    got = request_of(t, dict(endpoint, OTEL_EXPORTER_OTLP_HEADERS=(
        "authorization=Basic dXNlcjpwYXNz==,x-a=Bearer%20x, x-b = plain ,x-c=a%2Cb")), r)
    t.equal([got[2].get(k) for k in ("authorization", "x-a", "x-b", "x-c")],
            ["Basic dXNlcjpwYXNz==", "Bearer x", "plain", "a,b"], "headers")
    got = request_of(t, dict(endpoint, OTEL_EXPORTER_OTLP_HEADERS="x-a=general,x-b=2",
                             OTEL_EXPORTER_OTLP_TRACES_HEADERS="x-a=traces"), r)
    t.equal(got[2].get("x-a"), "traces", "x-a")
    g = t.relay(t.collector.grpc)
    p = t.sdk({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + g.address,
               "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
               "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20x"})
    p.span()
    p.flush()
    t.equal(dict(g.calls()[0]).get("authorization"), "Bearer x", "over gRPC, in lower case")


@row(102, "gzip: said in Content-Encoding, and the body is")
def _(t):
    r = t.relay()
    got = request_of(t, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + r.address,
                         "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}, r)
    t.equal(got[2].get("content-encoding"), "gzip", "Content-Encoding")
    t.equal(gzip.decompress(got[3]), t.collector.requests()[0].body, "body")
    got = request_of(t, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + r.address}, r)
    t.equal(got[2].get("content-encoding"), None, "Content-Encoding by default")
    t.collector.mark()
    p = t.sdk({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + t.collector.grpc,
               "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"})
    p.span("by gRPC")
    t.equal(t.one(p).name, "by gRPC", "span over gRPC with gzip")


@row(103, "User-Agent names the exporter, its language and version")
def _(t):
    r = t.relay()
    got = request_of(t, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + r.address}, r)
    name, version = got[2]["user-agent"].split("/")
    t.equal(name, "OTel-OTLP-Exporter-C", "name")
    t.true(all(part.isdigit() for part in version.split(".")), "version " + version)
    p = t.player()
    p("exporter", "e", "otlp", "endpoint=http://%s/v1/traces" % r.address,
      "user_agent=distro/9.1")
    p("processor", "one", "batch", "e")
    p("provider", "one")
    p("tracer", "t", "rig")
    p.span()
    p.flush()
    t.equal(r.requests()[-1][2]["user-agent"], "distro/9.1 OTel-OTLP-Exporter-C/" + version,
            "with a prefix")


@row(104, "batches share one connection")
def _(t):
    for protocol in ("http/protobuf", "grpc"):
        t.collector.mark()
        p = over(t, protocol)
        for _ in range(5):
            p.span()
            p.flush()
        requests = t.collector.requests()
        t.equal((len(requests), len({r.connection for r in requests})), (5, 1),
                "requests, connections over " + protocol)
        t.equal(p.numbers("otlp")["connections"], 1, "connections counted over " + protocol)


def over(t, protocol, collector=None, **more):
    """An SDK that exports by protocol."""
    c = collector or t.collector
    return t.sdk(dict({"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT":
                       "http://" + (c.grpc if protocol == "grpc" else c.http)}, **more), c)


def waits_of(t, p, c):
    """Milliseconds of each wait between the attempts of an export; nothing else takes time."""
    waits = []
    while (wait := p.next_wait(sum(waits))) > 0:
        waits.append(wait)
        t.equal(len(c.requests()), len(waits), "requests before wait %d" % len(waits))
        p.clock.move(wait / MS)
    t.equal(p.numbers("stats")["export_failed"], 1, "the export has failed")
    t.equal(len(c.requests()), len(waits) + 1, "attempts")
    return [wait / MS for wait in waits]


@row(108, "waits between attempts grow, differ, and end with the time limit")
def _(t):
    c = t.own_collector()
    c.fault(kind="status", status=503)

    def export(*options):
        c.mark()
        t.hold_clock()
        p = t.otlp(c, "http", "backoff=20", "max_backoff=10000", *options,
                   batch=["batch=1", "timeout=0"])
        p.span()
        return waits_of(t, p, c)

    # each doubles, half of it is chance
    runs = [export("attempts=6", "timeout=0") for _ in range(2)]
    for waits in runs:
        t.equal(len(waits), 5, "waits of six attempts")
        for i, wait in enumerate(waits):
            t.true(10 << i <= wait <= 20 << i, "waits of %s ms" % waits)
    t.true(runs[0] != runs[1], "no jitter: %s" % runs)
    # a hundred attempts would take minutes: it is the limit that ends this one
    waits = export("timeout=1000", "attempts=100")
    t.true(300 <= sum(waits) <= 1000, "waits of %s ms within a limit of 1000" % waits)


@row(114, "JSON: hexadecimal ids, numbers for enums, texts for 64-bit integers, camel case")
def _(t):
    r = t.relay()
    p = t.sdk({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + r.address,
               "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"})
    p("start", "s", "t", "s", "kind=3", "n", "i:9007199254740993", "bytes", "x:00ff")
    p("link", "s", "1" * 32, "2" * 16, 1, "")
    p("status", "s", 2, "why")
    trace, span, _, _ = p.look("s")
    p("end", "s")
    p("flush", LONG)
    _, path, headers, body = r.requests()[0]
    t.equal((path, headers["content-type"]), (PATH, "application/json"), "request")
    s = json.loads(body)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    t.equal((s["traceId"], s["spanId"], s["kind"], s["status"]),
            (trace, span, 3, {"message": "why", "code": 2}), "ids, enums")
    t.equal([a["value"] for a in s["attributes"]],
            [{"intValue": "9007199254740993"}, {"bytesValue": "AP8="}], "values")
    t.true(isinstance(s["startTimeUnixNano"], str), "times are texts")
    t.equal((s["links"][0]["traceId"], s["links"][0]["spanId"]), ("1" * 32, "2" * 16), "link")


TLS = """
receivers: {{otlp: {{protocols: {{
  http: {{endpoint: '127.0.0.1:0', tls: {{cert_file: {cert}, key_file: {key}{more}}}}},
  grpc: {{endpoint: '127.0.0.1:0', tls: {{cert_file: {cert}, key_file: {key}{more}}}}}}}}}}}
exporters: {{file: {{path: '{{dir}}/spans.json', format: json}}}}
service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [file]}}}},
          telemetry: {{metrics: {{level: none}}}}}}
"""


def tls_collector(t, cert="server", client_ca=None):
    files = t.certificates()
    more = ", client_ca_file: " + files[client_ca] if client_ca else ""
    config = TLS.format(cert=files[cert], key=files[cert + "_key"], more=more)
    return t.own_collector(config=config.replace("{dir}", t.dir))


def tls_export(t, c, protocol, ca, client=None):
    """How the flush of one span ends."""
    files = t.certificates()
    variables = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT": "https://localhost:" + (
                     c.grpc if protocol == "grpc" else c.http).rsplit(":", 1)[1]}
    if ca:
        variables["OTEL_EXPORTER_OTLP_CERTIFICATE"] = files[ca]
    if client:
        variables["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"] = files[client]
        variables["OTEL_EXPORTER_OTLP_CLIENT_KEY"] = files[client + "_key"]
    p = t.sdk(variables, c)
    p.span()
    return p("flush", LONG)[0]


@row(115, "TLS: the server is verified with the CA that is given, and its name")
def _(t):
    good, stranger = tls_collector(t), tls_collector(t, "stranger")
    for protocol in ("http/protobuf", "grpc"):
        t.equal(tls_export(t, good, protocol, "ca"), "OTEL_OK", "the right CA, " + protocol)
        for c, ca, what in ((good, "other_ca", "another CA"), (good, None, "the system's CAs"),
                            (stranger, "ca", "another name")):
            t.true(tls_export(t, c, protocol, ca) != "OTEL_OK", what + " over " + protocol)
    t.equal((len(good.spans()), len(stranger.spans())), (2, 0), "spans")


@row(116, "TLS: the client shows its certificate")
def _(t):
    c = tls_collector(t, client_ca="ca")
    for protocol in ("http/protobuf", "grpc"):
        t.equal(tls_export(t, c, protocol, "ca", "client"), "OTEL_OK", "shown, " + protocol)
        t.true(tls_export(t, c, protocol, "ca") != "OTEL_OK", "none over " + protocol)
        t.true(tls_export(t, c, protocol, "ca", "foreign") != "OTEL_OK",
               "another CA's over " + protocol)
    t.equal(len(c.spans()), 2, "spans")


ONE_BY_ONE = {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1", "OTEL_BSP_SCHEDULE_DELAY": "3600000"}


@row(117, "the timeout of 10 s covers all attempts; 0 is no limit")
def _(t):
    for protocol in ("http/protobuf", "grpc"):
        # an attempt that is refused, a wait, an attempt that is never answered: 10 s in all
        c, clock = t.own_collector(), t.hold_clock()
        c.fault(kind="status", status=503, count=1)
        p = over(t, protocol, c, **ONE_BY_ONE)
        p.span()
        wait = p.next_wait() / MS
        t.equal(c.fault_over()["requests"], 1, "attempts before the wait")
        c.fault(kind="stall")
        clock.move(wait)
        clock.wait_for(10000 - clock.now())
        clock.move(9999 - clock.now())
        clock.wait_for(1)
        t.equal(p.numbers("stats")["in_flight"], 1, "in flight after 9999 ms over " + protocol)
        clock.move(1)
        c.wait_for("its end after 10 s", lambda: p.numbers("stats")["in_flight"] == 0)
        t.equal(p.numbers("stats")["export_timeout"], 1, "export_timeout over " + protocol)
        # attempts that are answered at once, as many as there are
        c = t.own_collector()
        c.fault(kind="status", status=503)
        t.hold_clock()
        p = over(t, protocol, c, **ONE_BY_ONE)
        p.span()
        waits = waits_of(t, p, c)
        t.true(3000 <= sum(waits) <= 10000, "waits of %s ms over %s" % (waits, protocol))
        c, clock = t.own_collector(), t.hold_clock()
        c.fault(kind="stall")
        p = over(t, protocol, c, **ONE_BY_ONE, OTEL_EXPORTER_OTLP_TIMEOUT="0",
                 OTEL_BSP_EXPORT_TIMEOUT="0")
        p.span("patient")
        c.wait_for("the export", lambda: p.numbers("stats")["in_flight"] == 1)
        clock.move(50 * 60 * 1000)
        t.equal(p.numbers("stats")["in_flight"], 1, "in flight after 50 min over " + protocol)
        c.end_fault()
        c.wait_for("the span over " + protocol, lambda: arrives(c, "patient", clock))


def arrives(c, name, clock):
    """It may have to be tried again, which takes time."""
    clock.move(100)
    return name in [s.name for s in c.spans()]
