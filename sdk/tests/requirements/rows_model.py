# SPDX-License-Identifier: Apache-2.0
"""1 to 35: what a span is, on the wire."""
import math

import otlp

from rig import LONG, Typed, attribute_words, row

ID_1, ID_2 = "0102030405060708090a0b0c0d0e0f10", "1112131415161718"
START = 1_600_000_000_123_456_789


@row(1, "root spans have ids that are not zero and differ")
def _(t):
    p = t.sdk()
    p.many([("start", "s%d" % (i % 8), "t", "root", "root=1") if half == 0 else
            ("end", "s%d" % (i % 8)) for i in range(1000) for half in (0, 1)])
    spans = t.spans(p)
    t.equal(len(spans), 1000, "spans")
    for s in spans:
        t.true(len(s.trace_id) == 32 and int(s.trace_id, 16) != 0, "trace id " + s.trace_id)
        t.true(len(s.span_id) == 16 and int(s.span_id, 16) != 0, "span id " + s.span_id)
        t.equal(s.parent, "", "parent of a root")
    t.equal(len({s.trace_id for s in spans}), 1000, "trace ids that differ")
    t.equal(len({s.span_id for s in spans}), 1000, "span ids that differ")


@row(2, "a child keeps the trace id and names its parent")
def _(t):
    p = t.sdk()
    for name, parent in (("a", None), ("b", "a"), ("c", "b")):
        p("start", name, "t", name, *(["parent=" + parent] if parent else []))
    for name in "cba":
        p("end", name)
    spans = {s.name: s for s in t.spans(p)}
    t.equal(len({s.trace_id for s in spans.values()}), 1, "traces")
    t.equal(spans["a"].parent, "", "parent of a")
    t.equal(spans["b"].parent, spans["a"].span_id, "parent of b")
    t.equal(spans["c"].parent, spans["b"].span_id, "parent of c")


@row(3, "an explicit root under an active span starts a trace of its own")
def _(t):
    p = t.sdk()
    p("start", "a", "t", "a")
    p("attach", "span:a")
    p("start", "b", "t", "b", "root=1")
    p("start", "c", "t", "c")
    for name in "cba":
        p("end", name)
    spans = {s.name: s for s in t.spans(p)}
    t.equal(spans["b"].parent, "", "parent of the root")
    t.true(spans["b"].trace_id != spans["a"].trace_id, "the root has a trace id of its own")
    t.equal(spans["c"].parent, spans["a"].span_id, "parent by the current context")


@row(4, "span kinds are 1 to 5 on the wire")
def _(t):
    p = t.sdk()
    for kind in range(1, 6):
        p.span("kind%d" % kind, {}, "kind=%d" % kind)
    for s in t.spans(p):
        t.equal(s.kind, int(s.name[-1]), s.name)


@row(5, "a span without a kind is INTERNAL")
def _(t):
    p = t.sdk()
    p.span()
    t.equal(t.one(p).kind, 1, "kind")


@row(6, "a start time of the caller is kept to the nanosecond")
def _(t):
    p = t.sdk()
    p.span("s", {}, "at=%d" % START)
    t.equal(t.one(p).start, START, "start")


@row(7, "an end time of the caller is kept to the nanosecond")
def _(t):
    p = t.sdk()
    p("start", "s", "t", "s", "at=%d" % START)
    p("end", "s", START + 987_654_321)
    t.equal(t.one(p).end, START + 987_654_321, "end")


@row(8, "a duration is monotonic when the wall clock is stepped back")
def _(t):
    p = t.player()
    p("env", "clock=1")
    p("tracer", "t", "rig")
    p("start", "s", "t", "s")
    p("clock", 250_000_000, 1_500_000_000_000_000_000)
    p("event", "s", "e", 0)
    p("end", "s")
    s = t.one(p)
    t.equal(s.end - s.start, 250_000_000, "duration")
    t.true(s.start <= s.events[0].time <= s.end, "the event lies within the span")


@row(9, "of several names the last one is exported")
def _(t):
    p = t.sdk()
    p("start", "s", "t", "first")
    p("rename", "s", "second")
    p("rename", "s", "third")
    p("end", "s")
    t.equal(t.one(p).name, "third", "name")


@row(10, "nothing changes a span after its end")
def _(t):
    p = t.sdk()
    p("start", "s", "t", "s")
    p("end", "s")
    t.equal(p.look("s")[2]["recording"], 0, "recording after the end")
    p("set", "s", "late", "i:1")
    p("event", "s", "late", 0)
    p("link", "s", ID_1, ID_2, 1, "")
    p("status", "s", 2, "late")
    p("rename", "s", "late")
    s = t.one(p)
    t.equal((s.name, s.attributes, s.events, s.links, s.status_code), ("s", {}, [], [], 0), "span")


@row(11, "the second end is ignored")
def _(t):
    p = t.sdk()
    p("start", "s", "t", "s", "at=%d" % START)
    p("end", "s", START + 5)
    p("end", "s", START + 7)
    t.equal(t.one(p).end, START + 5, "end")


@row(12, "an ended span is a parent all the same")
def _(t):
    p = t.sdk()
    p("start", "a", "t", "a")
    p("end", "a")
    p("start", "b", "t", "b", "parent=a")
    p("end", "b")
    a, b = t.spans(p)
    t.equal((b.trace_id, b.parent), (a.trace_id, a.span_id), "the child's parent")


@row(13, "the end of a parent ends no child")
def _(t):
    p = t.sdk()
    p("start", "a", "t", "a")
    p("start", "b", "t", "b", "parent=a")
    p("end", "a")
    t.equal([s.name for s in t.spans(p)], ["a"], "exported after the parent's end")
    t.equal(p.look("b")[2]["recording"], 1, "the child records")
    p("end", "b")
    t.equal([s.name for s in t.spans(p)], ["a", "b"], "exported in the end")


@row(14, "a span that has not ended is never exported")
def _(t):
    p = t.sdk()
    p("start", "open", "t", "open")
    p.span("ended")
    t.equal(p("shutdown", LONG)[0], "OTEL_OK", "shutdown")
    t.equal([s.name for s in t.collector.spans()], ["ended"], "exported")


def status_of(t, *settings):
    p = t.sdk()
    p("start", "s", "t", "s")
    for status, text in settings:
        p("status", "s", status, text)
    p("end", "s")
    s = t.one(p)
    return s.status_code, s.status_message


@row(15, "status Ok is final")
def _(t):
    t.equal(status_of(t, (1, ""), (2, "late")), (1, ""), "Ok, then Error")


@row(16, "Ok beats Error, Unset beats nothing")
def _(t):
    t.equal(status_of(t, (2, "bad"), (1, "")), (1, ""), "Error, then Ok")
    t.collector.mark()
    t.equal(status_of(t, (1, ""), (0, "")), (1, ""), "Ok, then Unset")
    t.collector.mark()
    t.equal(status_of(t, (2, "bad"), (0, "")), (2, "bad"), "Error, then Unset")


@row(17, "a description is kept with Error only")
def _(t):
    t.equal(status_of(t, (1, "fine")), (1, ""), "Ok")
    t.collector.mark()
    t.equal(status_of(t, (2, "bad")), (2, "bad"), "Error")


@row(18, "the status of a span that was given none is unset")
def _(t):
    t.equal(status_of(t), (0, ""), "status")


@row(19, "events keep their order, names, times and attributes")
def _(t):
    p = t.sdk()
    p("start", "s", "t", "s", "at=%d" % START)
    for i in (3, 1, 2):
        p("event", "s", "event%d" % i, START + i, *attribute_words({"i": i, "text": "x" * i}))
    p("end", "s")
    events = [(e.name, e.time, e.attributes) for e in t.one(p).events]
    t.equal(events, [("event%d" % i, START + i, {"i": i, "text": "x" * i}) for i in (3, 1, 2)],
            "events")


@row(20, "links at the start and after it keep order, trace state, attributes and flags")
def _(t):
    p = t.sdk()
    link = lambda i: ("%032x" % (i + 1), "%016x" % (i + 9), i % 2, "vendor=%d" % i, "i", "i:%d" % i)
    p("stage", *link(0))
    p("stage", *link(1))
    p("start", "s", "t", "s")
    p("link", "s", *link(2))
    p("link", "s", *link(3))
    p("end", "s")
    links = t.one(p).links
    for i, l in enumerate(links):
        t.equal((l.trace_id, l.span_id, l.trace_state, l.attributes),
                ("%032x" % (i + 1), "%016x" % (i + 9), "vendor=%d" % i, {"i": i}), "link %d" % i)
        t.equal(l.flags & 0xff, i % 2, "flags of link %d" % i)
        t.equal(l.flags & 0x300, 0x300, "link %d is known to be remote" % i)
    t.equal(len(links), 4, "links")


@row(21, "a link with ids of zero but with attributes is recorded")
def _(t):
    p = t.sdk()
    p("start", "s", "t", "s")
    p("link", "s", "0" * 32, "0" * 16, 0, "", "why", "s:because")
    p("link", "s", "0" * 32, "0" * 16, 0, "vendor=1")
    p("end", "s")
    links = t.one(p).links
    t.equal([(l.attributes, l.trace_state) for l in links],
            [({"why": "because"}, ""), ({}, "vendor=1")], "links")


@row(22, "strings, booleans, integers and doubles arrive bit for bit, in JSON too")
def _(t):
    values = {"text": "a", "yes": True, "no": False, "least": -2**63, "most": 2**63 - 1,
              "zero": 0, "real": 0.1, "huge": 1.7976931348623157e308, "tiny": 5e-324,
              "inf": math.inf, "minus": -math.inf, "nan": math.nan, "minus zero": -0.0}
    p = t.sdk()
    p.span("s", values)
    got = t.one(p).attributes
    t.equal(list(got), list(values), "keys in order")
    for key, value in values.items():
        t.equal(type(got[key]), type(value), "type of " + key)
        t.equal(got[key], value, key)
    t.equal(math.copysign(1, got["minus zero"]), -1.0, "the sign of minus zero")
    s = t.json_spans({"most": 2**63 - 1, "inf": math.inf, "nan": math.nan})[0]
    t.equal([a["value"] for a in s["attributes"]],
            [{"intValue": "9223372036854775807"}, {"doubleValue": "Infinity"},
             {"doubleValue": "NaN"}], "values in JSON")


@row(23, "arrays of each type, empty ones, bytes, maps and the empty value arrive")
def _(t):
    values = {"texts": Typed("S", ["a", "b"]), "integers": Typed("I", [1, -2]),
              "reals": Typed("D", [0.5, 1.5]), "booleans": Typed("B", [True, False]),
              "none": Typed("S", []), "mixed": [1, "two", [3.0, True], {"k": None}],
              "bytes": b"\x00\xff", "no bytes": b"", "map": {"k": 1, "m": {"n": "deep"}},
              "no map": {}, "empty": None}
    p = t.sdk()
    p.span("s", values)
    got = t.one(p).attributes
    plain = {k: v.values if isinstance(v, Typed) else v for k, v in values.items()}
    t.equal(repr(got).replace("EMPTY", "None"), repr(plain), "attributes")


@row(24, "a key that is set again has its last value, once")
def _(t):
    p = t.sdk()
    p("start", "s", "t", "s", "a", "i:1", "b", "s:x", "a", "i:2")
    p("set", "s", "b", "s:longer than before")
    p("set", "s", "c", "i:3")
    p("set", "s", "a", "s:three")
    p("end", "s")
    t.equal(t.one(p).attributes, {"a": "three", "b": "longer than before", "c": 3}, "attributes")


@row(25, "an empty string is a value")
def _(t):
    p = t.sdk()
    p.span("s", {"empty": ""})
    t.equal(t.one(p).attributes, {"empty": ""}, "attributes")


@row(26, "an empty key is refused, nothing else is")
def _(t):
    p = t.sdk()
    p.span("s", {"": 1, "k": 2})
    t.equal(t.one(p).attributes, {"k": 2}, "attributes")


@row(27, "characters of four bytes arrive")
def _(t):
    p = t.sdk()
    p.span("name \U0001f9ed", {"key \U0001f600": "value \U0001d11e"})
    s = t.one(p)
    t.equal((s.name, s.attributes),
            ("name \U0001f9ed", {"key \U0001f600": "value \U0001d11e"}), "span")


@row(28, "ill-formed UTF-8 is repaired and costs no other span")
def _(t):
    p = t.sdk()
    p.span("before")
    p("start", "s", "t", b"n\xffame", "k", b"s:a\xff\xc3b", b"k\x80y", "i:1")
    p("event", "s", b"e\xfe", 0)
    p("status", "s", 2, b"\xe2\x82")
    p("end", "s")
    p.span("after")
    spans = t.spans(p)
    t.equal(len(spans), 3, "spans")
    s = spans[1]
    t.equal((s.name, s.attributes["k"], s.events[0].name),
            ("n\ufffdame", "a\ufffd\ufffdb", "e\ufffd"), "repaired text")
    t.equal(s.status_message.strip("\ufffd"), "", "repaired description")
    t.collector.wait_for("the answer", t.collector.answers)
    t.equal(t.collector.answers()[0].status, 200, "the collector's answer")


@row(29, "an exception is an event with the conventional attributes")
def _(t):
    p = t.sdk()
    p("start", "s", "t", "s")
    p("exception", "s", "IOError", "disk full", "at main.c:1")
    p("exception", "s", "E", "m", "", "exception.message", "s:mine", "more", "i:1")
    p("end", "s")
    s = t.one(p)
    t.equal([e.name for e in s.events], ["exception"] * 2, "names")
    t.equal(s.events[0].attributes, {"exception.type": "IOError", "exception.message": "disk full",
                                     "exception.stacktrace": "at main.c:1"}, "attributes")
    t.equal(s.events[1].attributes, {"exception.type": "E", "exception.message": "mine", "more": 1},
            "attributes of the caller win")
    t.equal(s.status_code, 0, "the status is left alone")


@row(30, "spans are grouped by scope: name, version, schema URL, attributes")
def _(t):
    p = t.sdk()
    p("tracer", "u", "library", "2.0", "https://example.com/schema", "k", "s:v")
    for tracer in "tuut":
        p("start", "s", tracer, "by " + tracer)
        p("end", "s")
    spans = t.spans(p)
    scopes = {id(s.scope): s.scope for s in spans}.values()
    t.equal(sorted((s.name, s.version, s.schema_url, tuple(s.attributes.items())) for s in scopes),
            [("library", "2.0", "https://example.com/schema", (("k", "v"),)),
             ("rig", "1", "", ())], "scopes")
    for s in spans:
        t.equal(s.scope.name, "library" if s.name == "by u" else "rig", "scope of " + s.name)


@row(31, "a tracer without a name works")
def _(t):
    p = t.sdk()
    p("tracer", "n", "")
    p("start", "s", "n", "s")
    p("end", "s")
    t.equal(t.one(p).scope.name, "", "scope")


@row(32, "the resource is there once in a batch, with its schema URL")
def _(t):
    p = t.built(before=[("resource", "https://example.com/r", "service.name", "s:rig")])
    p("tracer", "u", "other")
    for tracer in "tutu":
        p("start", "s", tracer, "s")
        p("end", "s")
    spans = t.spans(p)
    requests = t.collector.requests()
    t.equal([otlp.read_spans(r.body)[1] for r in requests], [1], "ResourceSpans of each request")
    t.equal(spans[0].resource.schema_url, "https://example.com/r", "schema URL")
    t.equal(spans[0].resource.attributes["service.name"], "rig", "service.name")


@row(33, "the low byte of Span.flags is that of the trace context")
def _(t):
    p = t.sdk()
    p.span("random")
    p("extract", "c", "w3c", "traceparent", "00-%s-%s-01" % (ID_1, ID_2))
    p.span("not random", {}, "ctx=c")
    flags = {s.name: s.flags & 0xff for s in t.spans(p)}
    t.equal(flags, {"random": 3, "not random": 1}, "flags")


@row(34, "Span.flags says whether the parent is remote")
def _(t):
    p = t.sdk()
    p("extract", "c", "w3c", "traceparent", "00-%s-%s-01" % (ID_1, ID_2))
    p("start", "remote", "t", "remote parent", "ctx=c")
    p("start", "local", "t", "local parent", "parent=remote")
    p("end", "local")
    p("end", "remote")
    flags = {s.name: s.flags & 0x300 for s in t.spans(p)}
    t.equal(flags, {"local parent": 0x100, "remote parent": 0x300}, "flags")


@row(35, "what 16 threads do at once, 10,000 spans each, arrives whole")
def _(t):
    p = t.sdk({"OTEL_BSP_MAX_QUEUE_SIZE": "400000"})
    p("threads", 16, 5000, "t")  # pairs
    p.flush()
    traces, parents, seen = {}, {}, set()  # by span id; by that of the child
    for s in (s for r in t.collector.requests() for s in otlp.read_spans(r.body)[0]):
        t.true(s.span_id not in traces, "the id %s is there twice" % s.span_id)
        traces[s.span_id] = s.trace_id
        if s.name == "child":
            both = "%d/%d" % (s.attributes["thread"], s.attributes["n"])
            t.equal(s.attributes["both"], both, "data")
            parents[s.span_id] = s.parent
            seen.add(both)
    t.equal((len(traces), len(parents), len(seen)), (160000, 80000, 80000),
            "spans, children, children that differ")
    for child, parent in parents.items():
        t.equal(traces[parent], traces[child], "trace of the parent")
