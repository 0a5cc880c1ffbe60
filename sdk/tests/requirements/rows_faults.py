# SPDX-License-Identifier: Apache-2.0
"""105 to 113: what the exporter makes of a collector that misbehaves."""
import re

import network
from clock import Failed, until
from rig import LONG, Skipped, row

MS = 1_000_000


def attempts(c):
    """What was tried, in order: body and status of its answer (None: none)."""
    status = {r.request: r.status for r in c.answers()}
    return [(r.body, status.get(r.request)) for r in c.requests()]


@row(105, "429, 502, 503 and 504 are tried again with the same payload")
def _(t):
    for status in (429, 502, 503, 504):
        c = t.own_collector()
        c.fault(kind="status", status=status, count=2)
        p = t.otlp(c)
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
        p = t.otlp(c)
        p.span()
        t.equal(p("flush", LONG)[0], "OTEL_ERR_REFUSED", "flush after %d" % status)
        t.equal(len(c.requests()), 1, "requests after %d" % status)
        t.equal(p.numbers("stats")["export_failed"], 1, "export_failed after %d" % status)
        # as a word: 404 is in the port 40400 too
        t.true(any(re.search(r"\b%d\b" % status, r) for r in p("reports")),
               "%d is in no report" % status)


@row(107, "Retry-After is kept, as seconds and as a date; RetryInfo too")
def _(t):
    # A date has whole seconds, and is of the collector's clock, which goes on: 2 s are at least 1,
    # and the upper limit is ten times of it. Without the header the wait is 50 ms at most.
    for protocol, how, least, most in (("http", "seconds", 1000, 1000), ("http", "date", 900, 20000),
                                       ("grpc", "seconds", 1000, 1000)):
        c = t.own_collector()
        more = {"retry_after_as": "date"} if how == "date" else {}
        c.fault(kind="status", status=503, count=1, retry_after="2s" if more else "1s", **more)
        clock = t.hold_clock()
        p = t.otlp(c, protocol, batch=["batch=1"])
        p.span()
        wait = p.next_wait() / MS
        t.true(least <= wait <= most, "%s, %s: it waits %d ms" % (protocol, how, wait))
        clock.wait_for(min(wait, 5000), min(wait, 5000) + 1)  # or for the delay of the processor
        clock.move(wait - 1)
        t.equal(len(c.requests()), 1, "requests before it is over, %s, %s" % (protocol, how))
        clock.move(1)
        c.wait_for("the second try", lambda: len(c.requests()) == 2)


@row(109, "refused and reset connections, and those that end without an answer, are tried again")
def _(t):
    for protocol in ("http", "grpc"):
        for kind, more in (("refuse", {}), ("rst_stream", {"count": 1}), ("goaway", {"count": 1}),
                           ("restart", {"for_ns": 100 * MS})):
            c = t.own_collector()
            p = t.otlp(c, protocol, batch=["batch=1"])
            p.span("before")
            p.flush()
            c.fault(kind=kind, **more)
            p.span("after")
            if kind == "refuse":
                p.next_wait()
                c.say({"do": "end", "id": c.faults})
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
        p = t.otlp(c, protocol)
        p("burst", 10, "t", "n")
        p("flush", LONG)
        t.equal(len(c.requests()), 1, "requests over " + protocol)
        stats = p.numbers("stats")
        t.equal((stats["exported"], stats["rejected"]), (7, 3), "exported, rejected")
        t.equal(p.numbers("drops")["rejected"], 3, "told to the callback")
        t.true(len(p("reports")) >= 1, "no report over " + protocol)


TAKES_ALL = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:0', max_request_body_size: 100000000}},
                                  grpc: {{endpoint: '127.0.0.1:0', max_recv_msg_size_mib: 100}}}}}}}}
exporters: {{nop: }}
service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [nop]}}}},
          telemetry: {{metrics: {{level: none}}}}}}
"""
REQUEST_MAX, ANSWER_MAX = 64 << 20, 4 << 20  # of the specification
SPANS = 128


def request_of(p, c, length):
    """Bytes of a request with SPANS spans that have a text of so many bytes; None: it is not sent."""
    c.mark()
    p("burst", SPANS, "t", "n", "bytes=%d" % length)
    sent = p("flush", LONG)[0] == "OTEL_OK"
    bodies = [r.body for r in c.requests()]
    if not sent and not bodies:
        return None
    return len(bodies[0]) if sent and len(bodies) == 1 else -1


@row(111, "answers over 4 MiB and requests over 64 MiB end the export; other limits can be given")
def _(t):
    for protocol in ("http", "grpc"):
        c = t.own_collector(config=TAKES_ALL.format())
        p = t.otlp(c, protocol, provider=["overflow=%d" % (2 * REQUEST_MAX)])
        # the largest request that is allowed, but for less than a byte a span; and one byte more
        length = 50000
        length += (REQUEST_MAX - request_of(p, c, length)) // SPANS
        size = request_of(p, c, length)
        t.true(REQUEST_MAX - SPANS < size <= REQUEST_MAX, "%d bytes over %s" % (size, protocol))
        t.equal(request_of(p, c, length + 1), None, "a request over 64 MiB over " + protocol)
        t.equal((p.numbers("otlp")["request_too_large"], p.numbers("stats")["export_failed"]),
                (1, SPANS), "request_too_large, spans that are lost over " + protocol)
        for size, fits in ((ANSWER_MAX - 100, True), (ANSWER_MAX + 1, False)):
            c.mark()
            c.fault(kind="oversized_answer", size=size, count=1)
            p.span()
            t.equal(p("flush", LONG)[0] == "OTEL_OK", fits,
                    "a flush with an answer of %d bytes over %s" % (size, protocol))
            t.equal(len(c.requests()), 1, "requests over " + protocol)
            t.equal(p.numbers("otlp")["response_too_large"], int(not fits), "response_too_large")
        c.mark()
        p.span("next")
        p.flush()
        t.equal([s.name for s in c.spans()], ["next"], "the next span over " + protocol)
        c.mark()
        p = t.otlp(c, protocol, "max_request=10000")
        p("burst", 1, "t", "n", "bytes=20000")
        t.true(p("flush", LONG)[0] != "OTEL_OK", "a flush of 20 KB with a limit of 10")
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
            p = t.otlp(c, "grpc")
            p.span()
            p("flush", LONG)
            again = code in RETRYABLE or retry_info
            t.equal(len(c.requests()), 2 if again else 1, "requests after code %d" % code)
            t.equal(p.numbers("otlp")["spans_delivered"], int(again), "delivered after %d" % code)
            p.close()


def collector_at(t, port):
    """At a port that was free a moment ago: on a network that is not the run's own it may be the
    client's end of somebody's connection just now."""
    made = []

    def starts():
        try:
            made.append(t.own_collector(grpc=port))
        except Failed:
            return False
        return True
    until("a collector at port %d" % port, starts)
    return made[0]


@row(113, "gRPC connects again after a restart of the collector, and after GOAWAY")
def _(t):
    c = t.own_collector()
    p = t.otlp(c, "grpc")
    p.span("one")
    p.flush()
    port = int(c.grpc.rsplit(":", 1)[1])
    for name, kill in (("two", False), ("three", True)):
        c.stop(kill)
        c = collector_at(t, port)
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
            what = "%s over %s" % (kind, protocol)
            # on a machine that is too slow for the first limit the last ones tell
            t.true(any(flows_behind(t, protocol, limit, what, dict(more, kind=kind))
                       for limit in (400, 2400, 14400)), "no span flows after " + what)


def flows_behind(t, protocol, limit, what, fault):
    c = t.own_collector()
    p = t.otlp(c, protocol, "timeout=%d" % limit)
    c.fault(count=1, **fault)
    p.span("hit")
    p("flush", LONG)
    flows = any(next_flows(p, c) for _ in range(3))
    did = c.end_fault()
    t.true(did["requests"] + did["connections"] >= 1 or not flows, what + " hit nothing")
    stats = p.numbers("stats")
    t.equal(stats["sampled"],
            stats["exported"] + stats["export_failed"] + stats["export_timeout"],
            "books after " + what)
    p.close()
    c.stop()
    return flows


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
            p("flush", LONG)
            got = p.numbers("otlp")
            t.equal((got["unavailable"], got["garbage"], got["requests"]), (1, 0, 5),
                    "unavailable, garbage, attempts over " + protocol)
            t.equal(got["connections"], 0, "connections over " + protocol)
    finally:
        set_range(before)


def next_flows(p, c):
    p.span("next")
    return p("flush", LONG)[0] == "OTEL_OK" and "next" in [s.name for s in c.spans()]
