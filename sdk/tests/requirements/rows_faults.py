# SPDX-License-Identifier: Apache-2.0
"""105 to 113: what the exporter makes of a collector that misbehaves."""
import network
from rig import Skipped, row

MS = 1_000_000
PATH = "/v1/traces"


def built(t, collector, protocol="http", *exporter):
    """The same with short waits between attempts."""
    p = t.player()
    at = collector.grpc if protocol == "grpc" else collector.http + PATH
    p("exporter", "e", "otlp", "endpoint=http://" + at, "protocol=" + protocol, "backoff=10",
      "max_backoff=50", *exporter)
    p("processor", "one", "batch", "e")
    p("provider", "one")
    p("tracer", "t", "rig")
    return p


def attempts(c):
    """What was tried, in order: body and status of its answer (None: none)."""
    status = {r.request: r.status for r in c.answers()}
    return [(r.body, status.get(r.request)) for r in c.requests()]


@row(105, "429, 502, 503 and 504 are tried again with the same payload")
def _(t):
    for status in (429, 502, 503, 504):
        c = t.own_collector()
        c.fault(kind="status", status=status, count=2)
        p = built(t, c)
        p.span()
        p.flush()
        c.wait_for("the answers", lambda: len(c.answers()) == 3)
        bodies, statuses = zip(*attempts(c))
        t.equal(statuses, (status, status, 200), "answers")
        t.equal(len(set(bodies)), 1, "payloads that differ after %d" % status)
        t.equal(p.numbers("otlp")["spans_delivered"], 1, "delivered")


@row(106, "400, 401, 403, 404, 408, 413, 500 and 501 are not")
def _(t):
    c = t.own_collector()
    for status in (400, 401, 403, 404, 408, 413, 500, 501, 505):
        c.mark()
        c.fault(kind="status", status=status, count=1)
        p = built(t, c)
        p.span()
        t.equal(p("flush", 10000)[0], "OTEL_ERR_REFUSED", "flush after %d" % status)
        t.equal(len(c.requests()), 1, "requests after %d" % status)
        t.equal(p.numbers("stats")["export_failed"], 1, "export_failed after %d" % status)
        t.true(any(str(status) in r for r in p("reports")), "%d is in no report" % status)


@row(107, "Retry-After is kept, as seconds and as a date; RetryInfo too")
def _(t):
    # From one arrival to the next, on the collector's monotonic clock: the wait begins between the
    # two, so nothing else that runs can make it shorter. A date has whole seconds: 2 s are at
    # least 1. The upper limit is ten times the longest wait; without the header it is 50 ms.
    for protocol, how, least in (("http", "seconds", 1000), ("http", "date", 900),
                                 ("grpc", "seconds", 1000)):
        c = t.own_collector()
        wait = "2s" if how == "date" else "1s"
        more = {"retry_after_as": "date"} if how == "date" else {}
        c.fault(kind="status", status=503, count=1, retry_after=wait, **more)
        p = built(t, c, protocol)
        p.span()
        p.flush()
        first, second = c.requests()
        late = (second.mono_ns - first.mono_ns) / MS
        t.true(least <= late <= 20000, "%s, %s: the second try after %d ms" % (protocol, how, late))


@row(109, "refused and reset connections, and those that end without an answer, are tried again")
def _(t):
    for protocol in ("http", "grpc"):
        for kind, more in (("refuse", {"for_ns": 100 * MS}), ("rst_stream", {"count": 1}),
                           ("goaway", {"count": 1}), ("restart", {"for_ns": 100 * MS})):
            c = t.own_collector()
            p = built(t, c, protocol, "timeout=20000")
            p.span("before")
            p.flush()
            c.fault(kind=kind, **more)
            p.span("after")
            p.flush()
            t.equal([s.name for s in c.spans()][-1], "after", "%s over %s" % (kind, protocol))
            did = c.fault_over()
            t.true(did["requests"] + did["connections"] >= 1, kind + " hit nothing")
            t.equal(p.numbers("otlp")["spans_delivered"], 2, "%s over %s" % (kind, protocol))


@row(110, "a partial success is a success: reported, counted, not tried again")
def _(t):
    for protocol in ("http", "grpc"):
        c = t.own_collector()
        c.fault(kind="partial_success", rejected=3, count=1)
        p = built(t, c, protocol)
        p("burst", 10, "t", "n")
        p("flush", 10000)
        t.equal(len(c.requests()), 1, "requests over " + protocol)
        stats = p.numbers("stats")
        t.equal((stats["exported"], stats["rejected"]), (7, 3), "exported, rejected")
        t.equal(p.numbers("drops")["rejected"], 3, "told to the callback")
        t.true(len(p("reports")) >= 1, "no report over " + protocol)


@row(111, "answers over 4 MiB and requests over the limit end the export")
def _(t):
    for protocol in ("http", "grpc"):
        c = t.own_collector()
        c.fault(kind="oversized_answer", size=5 << 20, count=1)
        p = built(t, c, protocol)
        p.span()
        t.true(p("flush", 20000)[0] != "OTEL_OK", "a flush with an answer of 5 MiB")
        t.equal(len(c.requests()), 1, "requests over " + protocol)
        t.equal(p.numbers("otlp")["response_too_large"], 1, "response_too_large")
        p.span("next")
        p.flush()
        c.mark()
        p = built(t, c, protocol, "max_request=10000")
        p("burst", 1, "t", "n", "bytes=20000")
        t.true(p("flush", 20000)[0] != "OTEL_OK", "a flush of 20 KB with a limit of 10")
        t.equal(c.requests(), [], "requests over the limit")
        t.equal(p.numbers("otlp")["request_too_large"], 1, "request_too_large")
        t.equal(p.numbers("stats")["export_failed"], 1, "export_failed")


RETRYABLE = (1, 4, 10, 11, 14, 15)


@row(112, "gRPC: path, te, content type, and which codes are tried again")
def _(t):
    r = t.relay(t.collector.grpc)
    p = t.sdk({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + r.address,
               "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    p.span()
    p.flush()
    headers = dict(r.calls()[0])
    t.equal([headers.get(k) for k in (":method", ":path", "te", ":scheme")],
            ["POST", "/opentelemetry.proto.collector.trace.v1.TraceService/Export", "trailers",
             "http"], "headers")
    t.true(headers["content-type"].startswith("application/grpc"), headers["content-type"])
    t.true("OTel-OTLP-Exporter-C/" in headers["user-agent"], headers["user-agent"])
    c = t.own_collector()
    for code in range(1, 17):
        for retry_info in ([False, True] if code == 8 else [False]):
            c.mark()
            c.fault(kind="status", code=code, count=1,
                    **({"retry_after": "1s"} if retry_info else {}))
            p = built(t, c, "grpc")
            p.span()
            p("flush", 20000)
            again = code in RETRYABLE or retry_info
            t.equal(len(c.requests()), 2 if again else 1, "requests after code %d" % code)
            t.equal(p.numbers("otlp")["spans_delivered"], int(again), "delivered after %d" % code)
            p.close()


@row(113, "gRPC connects again after a restart of the collector, and after GOAWAY")
def _(t):
    c = t.own_collector()
    p = built(t, c, "grpc", "timeout=30000")
    p.span("one")
    p.flush()
    port = int(c.grpc.rsplit(":", 1)[1])
    for name, kill in (("two", False), ("three", True)):
        c.stop(kill)
        c = t.own_collector(grpc=port)
        p.span(name)
        p.flush()
        t.equal([s.name for s in c.spans()], [name], "after a restart")
    c.fault(kind="goaway", count=1)
    p.span("four")
    p.flush()
    t.equal([s.name for s in c.spans()][-1], "four", "after GOAWAY")


@row("b9", "half-open connections and damaged answers cost one export, the next one flows")
def _(t):
    for protocol in ("http", "grpc"):
        for kind, more in (("half_open", {}), ("truncated_answer", {}), ("corrupt_gzip", {}),
                           ("wrong_content_type", {}), ("accept_stall", {}),
                           ("slow_answer", {"rate": 1}), ("slow_read", {"rate": 1})):
            c = t.own_collector()
            p = built(t, c, protocol, "timeout=400")
            c.fault(kind=kind, count=1, **more)
            p.span("hit")
            p("flush", 20000)
            c.wait_for("the next span after %s over %s" % (kind, protocol),
                       lambda: next_flows(p, c))
            did = c.end_fault()
            t.true(did["requests"] + did["connections"] >= 1, kind + " hit nothing")
            stats = p.numbers("stats")
            t.equal(stats["sampled"],
                    stats["exported"] + stats["export_failed"] + stats["export_timeout"],
                    "books after %s over %s" % (kind, protocol))
            p.close()
            c.stop()


RANGE = "/proc/sys/net/ipv4/ip_local_port_range"


def set_range(text):
    with open(RANGE, "w") as file:
        file.write(text)


@row("b32", "where nobody listens, a connection to oneself is none: it is tried again")
def _(t):
    with open(RANGE) as file:
        before = file.read()
    c = t.own_collector()
    port = int(c.http.rsplit(":", 1)[1])
    c.stop()
    try:
        if not network.isolated:
            raise Skipped("ports of clients cannot be chosen on this machine's own network")
        set_range("%d %d" % (port, port))  # clients have no other port than the server's
    except OSError as error:
        raise Skipped("ports of clients cannot be chosen: %s" % error.strerror) from error
    try:
        for protocol in ("http", "grpc"):
            p = t.player({}, c)
            p("exporter", "e", "otlp", "endpoint=http://127.0.0.1:%d/v1/traces" % port,
              "protocol=" + protocol, "backoff=10", "max_backoff=20", "attempts=5")
            p("processor", "one", "batch", "e")
            p("provider", "one")
            p("tracer", "t", "rig")
            p.span()
            p("flush", 60000)
            got = p.numbers("otlp")
            t.equal((got["unavailable"], got["garbage"], got["requests"]), (1, 0, 5),
                    "unavailable, garbage, attempts over " + protocol)
            t.equal(got["connections"], 0, "connections over " + protocol)
    finally:
        set_range(before)


def next_flows(p, c):
    p.span("next")
    return p("flush", 20000)[0] == "OTEL_OK" and "next" in [s.name for s in c.spans()]
