# SPDX-License-Identifier: Apache-2.0
"""97 to 117: OTLP over HTTP and gRPC."""
import gzip
import json

from rig import Skipped, row

MS = 1_000_000
PATH = "/v1/traces"


def request_of(t, variables, r):
    """The one request that an SDK with these variables sends through a relay."""
    seen = len(r.requests())
    p = t.sdk(variables)
    p.span()
    p("flush", 10000)
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


@row(108, "waits between attempts grow, differ, and end with the time limit")
def _(t):
    c = t.own_collector()
    c.fault(kind="status", status=503)

    def export(*options):
        c.mark()
        p = t.player()
        p("exporter", "e", "otlp", "endpoint=http://%s/v1/traces" % c.http, "max_backoff=10000",
          *options)
        p("processor", "one", "batch", "e", "timeout=0")
        p("provider", "one")
        p("tracer", "t", "rig")
        p.span()
        t.true(p("flush", 50000)[0] != "OTEL_OK", "a flush without success")
        stats = p.numbers("stats")
        t.equal(stats["export_failed"] + stats["export_timeout"], 1, "the export has ended")
        return p.numbers("otlp"), c.requests()

    # The waits are the exporter's own, as it planned them: no clock of a loaded machine is asked.
    # Five waits that double, half of each chance, are 15.5 to 31 times the first.
    sums = []
    for _ in range(2):
        otlp, requests = export("backoff=20", "attempts=6", "timeout=0")
        t.equal(len(requests), 6, "attempts")
        planned = otlp["backoff_sum_ns"] / MS
        t.true(15.5 * 20 <= planned <= 31 * 20, "five waits of %d ms in all" % planned)
        took = (requests[-1].mono_ns - requests[0].mono_ns) / MS
        t.true(took >= planned, "waits of %d ms took %d ms" % (planned, took))
        sums.append(planned)
    t.true(sums[0] != sums[1], "no jitter: %s" % sums)
    # a hundred attempts would take minutes: it is the limit that ends this one
    otlp, requests = export("backoff=20", "timeout=1000")
    t.true(otlp["unavailable"] + otlp["timeout"] == 1, "not ended by its limit: %s" % otlp)
    t.true(otlp["backoff_sum_ns"] <= 1000 * MS, "waits beyond the limit: %s" % otlp)


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
    p("flush", 10000)
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
    variables = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_TIMEOUT": "3000",
                 "OTEL_EXPORTER_OTLP_ENDPOINT": "https://localhost:" + (
                     c.grpc if protocol == "grpc" else c.http).rsplit(":", 1)[1]}
    if ca:
        variables["OTEL_EXPORTER_OTLP_CERTIFICATE"] = files[ca]
    if client:
        variables["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"] = files[client]
        variables["OTEL_EXPORTER_OTLP_CLIENT_KEY"] = files[client + "_key"]
    p = t.sdk(variables, c)
    p.span()
    return p("flush", 30000)[0]


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


@row(117, "the timeout covers all attempts; 0 is no limit")
def _(t):
    c = t.own_collector()
    c.fault(kind="status", status=503)
    for protocol in ("http/protobuf", "grpc"):
        c.mark()
        # nothing else ends it: attempts are answered at once, a hundred of them are allowed
        p = over(t, protocol, c, OTEL_EXPORTER_OTLP_TIMEOUT="1000", OTEL_BSP_EXPORT_TIMEOUT="0")
        p.span()
        t.true(p("flush", 50000)[0] != "OTEL_OK", "a flush without success")
        stats = p.numbers("stats")
        t.equal(stats["export_failed"] + stats["export_timeout"], 1, "ended, over " + protocol)
        t.true(len(c.requests()) >= 2, "attempts over " + protocol)
    for protocol in ("http/protobuf", "grpc"):
        silent = t.own_collector()
        silent.fault(kind="delay", delay_ns=500 * MS, count=1)
        p = over(t, protocol, silent, OTEL_EXPORTER_OTLP_TIMEOUT="0",
                 OTEL_BSP_EXPORT_TIMEOUT="0")
        p.span()
        p.flush()
        t.equal(len(silent.requests()), 1, "attempts without a limit over " + protocol)
