# SPDX-License-Identifier: Apache-2.0
"""158: what the SDK shows of itself, beside what the collector has and what was told as dropped."""
from rig import LONG, row

SPAN = "otel.sdk.span."
PROCESSOR = "otel.sdk.processor.span."
EXPORTER = "otel.sdk.exporter."
# name: type, unit, keys of its attributes, of which those in the last place may be missing
CONVENTIONS = {
    SPAN + "started": ("counter", "{span}",
                       {"otel.span.parent.origin", "otel.span.sampling_result"}, set()),
    SPAN + "live": ("updowncounter", "{span}", {"otel.span.sampling_result"}, set()),
    PROCESSOR + "queue.size": ("updowncounter", "{span}", {"component"}, set()),
    PROCESSOR + "queue.capacity": ("updowncounter", "{span}", {"component"}, set()),
    PROCESSOR + "processed": ("counter", "{span}", {"component"}, {"error.type"}),
    EXPORTER + "span.inflight": ("updowncounter", "{span}", {"component", "server"}, set()),
    EXPORTER + "span.exported": ("counter", "{span}", {"component", "server"}, {"error.type"}),
    EXPORTER + "operation.duration": (
        "histogram", "s", {"component", "server"},
        {"error.type", "http.response.status_code", "rpc.status_code"}),
}
PAIRS = {"component": {"otel.component.name", "otel.component.type"},
         "server": {"server.address", "server.port"}}
EXPORTERS = {"http": "otlp_http_span_exporter", "json": "otlp_http_json_span_exporter",
             "grpc": "otlp_grpc_span_exporter"}
RESULTS = {"DROP": "drop", "RECORD_ONLY": "only", "RECORD_AND_SAMPLE": "sample"}


class Shown:
    """The metrics of a player: {(name, what tells its series apart): number}; number of a
    histogram: its count."""
    def __init__(self, t, p, protocol, port):
        self.numbers = {}
        for text in p("metrics"):
            name, kind, unit, number, *pairs = text.split("|")
            attributes = dict(pair.split("=", 1) for pair in pairs)
            self.check(t, name, kind, unit, attributes, protocol, port)
            told = tuple(sorted((k, v) for k, v in attributes.items()
                                if k not in PAIRS["component"] | PAIRS["server"]))
            t.true((name, told) not in self.numbers, "%s twice: %s" % (name, told))
            if kind == "histogram":
                number, total, least, most = map(float, number.split(","))
                t.true(0 < least <= most <= total <= most * number * 1.001, "times: " + text)
            self.numbers[name, told] = int(number)
        t.equal({name for name, _ in self.numbers} | {EXPORTER + "operation.duration"},
                set(CONVENTIONS), "metrics")

    def check(self, t, name, kind, unit, attributes, protocol, port):
        t.true(name in CONVENTIONS, "not in the conventions: " + name)
        wanted_kind, wanted_unit, groups, optional = CONVENTIONS[name]
        t.equal((kind, unit), (wanted_kind, wanted_unit), "type and unit of " + name)
        needed = set().union(*(PAIRS.get(g, {g}) for g in groups))
        t.true(needed <= set(attributes) <= needed | optional,
               "attributes of %s: %s" % (name, sorted(attributes)))
        type_ = EXPORTERS[protocol] if name.startswith(EXPORTER) else "batching_span_processor"
        if "component" in groups:
            t.equal((attributes["otel.component.type"], attributes["otel.component.name"]),
                    (type_, type_ + "/0"), "component of " + name)
        if "server" in groups:
            t.equal((attributes["server.address"], attributes["server.port"]),
                    ("127.0.0.1", port), "server of " + name)

    def __call__(self, name, **attributes):
        told = tuple(sorted((k.replace("__", "."), v) for k, v in attributes.items()))
        return self.numbers.get((name, told), 0)

    def sum(self, name):
        return sum(n for (of, _), n in self.numbers.items() if of == name)

    def started(self):
        """{(origin, result): number}, without those that are 0"""
        return {(a[0][1], RESULTS[a[1][1]]): n for (of, a), n in self.numbers.items()
                if of == SPAN + "started" and n}

    def live(self):
        return {RESULTS[a[0][1]]: n for (of, a), n in self.numbers.items() if of == SPAN + "live"}

    def lost(self, name):
        """{error.type: number}, without those that are 0"""
        return {dict(a)["error.type"]: n for (of, a), n in self.numbers.items()
                if of == name and n and "error.type" in dict(a)}


def build(t, c, protocol, *exporter, batch=()):
    """A player whose sampler gives each result; the port of its endpoint."""
    p = t.player({}, c)
    at = c.grpc if protocol == "grpc" else c.http + "/v1/traces"
    p("exporter", "e", "otlp", "endpoint=http://" + at, "protocol=" + protocol, "timeout=0",
      "backoff=1", "max_backoff=5", *exporter)
    p("processor", "one", "batch", "e", "delay=3600000", "timeout=0", *batch)
    p("sampler", "on", "on")
    p("sampler", "off", "off")
    p("sampler", "record", "always_record", "off")
    # root, remote parent sampled and not, local parent sampled and not
    p("sampler", "each", "parentbased", "on", "on", "off", "on", "record")
    p("provider", "sampler=each", "one")
    p("tracer", "t", "rig")
    for name, flags in (("sampled", 1), ("not_sampled", 0)):
        p("extract", name, "w3c", "traceparent", "00-%s-%s-%02d" % ("1" * 32, "2" * 16, flags))
    return p, (c.grpc if protocol == "grpc" else c.http).rsplit(":", 1)[1]


def origins_and_results(t, p, port, protocol):
    """Spans of every kind; the number of sampled ones."""
    for i in range(3):
        for name, parent in (("root", "root=1"), ("remote", "ctx=sampled"),
                             ("dropped", "ctx=not_sampled")):
            p("start", name, "t", name, parent)
            p("start", "child", "t", "child of " + name, "parent=" + name)
            if i == 0:
                live = Shown(t, p, protocol, port).live()
                t.equal(live, {"root": {"only": 0, "sample": 2}, "remote": {"only": 0, "sample": 2},
                               "dropped": {"only": 1, "sample": 0}}[name], "live, " + name)
            p("finish", "child")
            p("finish", name)
    s = Shown(t, p, protocol, port)
    t.equal(s.started(), {("none", "sample"): 3, ("remote", "sample"): 3, ("local", "sample"): 6,
                          ("remote", "drop"): 3, ("local", "only"): 3}, "started")
    t.equal(s.live(), {"only": 0, "sample": 0}, "live when all have ended")
    return 12


def arrived(c):
    return len({(s.trace_id, s.span_id) for s in c.spans()})


def books_of(t, protocol):
    """From the first span to one that ends after the shutdown, with every kind of loss."""
    c = t.own_collector()
    p, port = build(t, c, protocol, batch=("queue=100", "batch=50"))
    status = "rpc__status_code" if protocol == "grpc" else "http__response__status_code"
    ok, refused = ("OK", "INVALID_ARGUMENT") if protocol == "grpc" else ("200", "400")
    good = origins_and_results(t, p, port, protocol)
    p.flush()
    t.equal(arrived(c), good, "arrived")
    s = Shown(t, p, protocol, port)
    t.equal((s(EXPORTER + "span.exported"), s(EXPORTER + "operation.duration", **{status: ok})),
            (good, 1), "exported, in one export")
    c.fault(kind="partial_success", rejected=3, count=1)
    p("burst", 10, "t", "n")
    p("flush", LONG)
    c.fault(kind="status", status=400, code=3, count=1)
    p("burst", 6, "t", "n")
    p("flush", LONG)
    good += 7
    s = Shown(t, p, protocol, port)
    t.equal(s.lost(EXPORTER + "span.exported"), {"rejected": 3, refused: 6}, "failed exports")
    t.equal((s(EXPORTER + "operation.duration", error__type="rejected", **{status: ok}),
             s(EXPORTER + "operation.duration", error__type=refused, **{status: refused})),
            (1, 1), "their durations")
    c.mark()
    c.fault(kind="stall")
    p("burst", 50, "t", "stalled")
    c.wait_for("a request that is not answered", lambda: c.requests())
    sent = Shown(t, p, protocol, port)(EXPORTER + "span.inflight")
    t.true(0 < sent <= 50, "%d in flight" % sent)
    p("burst", 120, "t", "n")
    s = Shown(t, p, protocol, port)
    t.equal((s(PROCESSOR + "queue.size"), s(PROCESSOR + "queue.capacity"),
             s(EXPORTER + "span.inflight"), s.lost(PROCESSOR + "processed")),
            (100, 100, sent, {"queue_full": 170 - 100 - sent}), "size, capacity, inflight, dropped")
    t.equal(s(PROCESSOR + "processed"), 12 + 10 + 6 + sent, "processed when given to the exporter")
    c.end_fault()
    p.flush()
    t.equal(arrived(c), 100 + sent, "arrived behind the fault")
    good += 100 + sent
    p("start", "late", "t", "late", "root=1")
    p("shutdown", LONG)
    p("finish", "late")
    s, stats, told = Shown(t, p, protocol, port), p.numbers("stats"), p.numbers("drops")
    t.equal((s(EXPORTER + "span.exported"), stats["exported"]), (good, good), "exported")
    t.equal(s.lost(PROCESSOR + "processed"), {"queue_full": told["queue_full"],
                                              "already_shutdown": told["after_shutdown"]},
            "dropped by the processor, and told as dropped")
    t.equal(s.lost(EXPORTER + "span.exported"), {"rejected": told["rejected"],
                                                 refused: told["export_failed"]},
            "lost by the exporter, and told as dropped")
    t.equal(s(PROCESSOR + "processed"), s.sum(EXPORTER + "span.exported"), "processed")
    t.equal(s.sum(PROCESSOR + "processed"), stats["received"], "received")
    t.equal(s.sum(SPAN + "started"), stats["started"], "started")
    t.equal((s(EXPORTER + "span.inflight"), s(PROCESSOR + "queue.size"), s.live()["sample"]),
            (0, 0, 0), "left at the end")


@row(158, "metrics about the SDK itself, by their names, types, units and attributes, and they agree "
     "with the collector and the drop callback")
def _(t):
    for protocol in ("http", "grpc", "json"):
        books_of(t, protocol)
    # where no collector is, they say what the drop record says
    for protocol in ("http", "grpc"):
        c = t.own_collector()
        p, port = build(t, c, protocol, "attempts=2", batch=("batch=20",))
        c.fault(kind="refuse")
        p("burst", 100, "t", "n")
        p("flush", LONG)
        s, told = Shown(t, p, protocol, port), p.numbers("drops")
        exports = p.numbers("stats")["batches"]
        t.equal((told["export_failed"], told["ids"]), (100, 100), "told as dropped")
        t.equal(s.lost(EXPORTER + "span.exported"), {"unavailable": 100}, "exports that failed")
        t.equal((s(EXPORTER + "span.exported"), s(PROCESSOR + "processed"),
                 s(EXPORTER + "operation.duration", error__type="unavailable")),
                (0, 100, exports), "exported; processed; exports, none of which has a status")
