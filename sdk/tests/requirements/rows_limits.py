# SPDX-License-Identifier: Apache-2.0
"""36 to 48: limits."""
from rig import Typed, attribute_words, row


def numbered(count, prefix="k"):
    return {"%s%d" % (prefix, i): i for i in range(count)}


@row(36, "128 attributes are kept, the others counted")
def _(t):
    p = t.sdk()
    p.span("s", numbered(200))
    s = t.one(p)
    t.equal(list(s.attributes), list(numbered(128)), "attributes kept")
    t.equal(s.dropped_attributes, 72, "dropped_attributes_count")


@row(37, "at the limit a key that is there can be set again")
def _(t):
    p = t.sdk()
    p("start", "s", "t", "s", *attribute_words(numbered(128)))
    p("set", "s", "k1", "s:again")
    p("set", "s", "new", "i:1")
    p("end", "s")
    s = t.one(p)
    t.equal((len(s.attributes), s.attributes["k1"]), (128, "again"), "attributes")
    t.equal(s.dropped_attributes, 1, "dropped_attributes_count")


@row(38, "128 events are kept, the others counted")
def _(t):
    p = t.sdk()
    p("start", "s", "t", "s")
    p.many([("event", "s", "e%d" % i, 0) for i in range(150)])
    p("end", "s")
    s = t.one(p)
    t.equal((len(s.events), s.dropped_events), (128, 22), "events kept, dropped")


@row(39, "128 links are kept, the others counted, at the start and after it")
def _(t):
    p = t.sdk()
    link = lambda i: ("%032x" % (i + 1), "%016x" % (i + 1), 1, "")
    p.many([("stage",) + link(i) for i in range(100)])
    p("start", "s", "t", "s")
    p.many([("link", "s") + link(i) for i in range(100, 150)])
    p("end", "s")
    s = t.one(p)
    t.equal((len(s.links), s.dropped_links), (128, 22), "links kept, dropped")


@row(40, "events and links have limits of attributes of their own")
def _(t):
    p = t.sdk({"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "3", "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "2"})
    p("start", "s", "t", "s")
    p("event", "s", "e", 0, *attribute_words(numbered(10)))
    p("link", "s", "1" * 32, "2" * 16, 0, "", *attribute_words(numbered(10)))
    p("set", "s", *attribute_words(numbered(10)))
    p("end", "s")
    s = t.one(p)
    t.equal((len(s.events[0].attributes), s.events[0].dropped_attributes), (3, 7), "event")
    t.equal((len(s.links[0].attributes), s.links[0].dropped_attributes), (2, 8), "link")
    t.equal(len(s.attributes), 10, "attributes of the span")


@row(41, "texts are cut by characters, and stay UTF-8")
def _(t):
    p = t.sdk({"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "5"})
    p.span("s", {"a": "h\u00e9llo w\u00f6rld", "b": "\U0001f600" * 9, "c": "short", "d": "abc"})
    t.equal(t.one(p).attributes,
            {"a": "h\u00e9llo", "b": "\U0001f600" * 5, "c": "short", "d": "abc"}, "values")


@row(42, "the length counts inside arrays, maps and bytes, and for nothing else")
def _(t):
    p = t.sdk({"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "3"})
    p.span("s", {"texts": Typed("S", ["abcdef", "x"]), "mixed": ["abcdef", ["uvwxyz"]],
                 "map": {"long key": {"k": "abcdef"}}, "bytes": b"123456", "integer": 123456,
                 "real": 1234.5678, "yes": True})
    t.equal(t.one(p).attributes,
            {"texts": ["abc", "x"], "mixed": ["abc", ["uvw"]], "map": {"long key": {"k": "abc"}},
             "bytes": b"123", "integer": 123456, "real": 1234.5678, "yes": True}, "values")


@row(43, "values are nested 64 deep, what is deeper is empty")
def _(t):
    value = "bottom"
    for _ in range(70):
        value = [value]
    p = t.sdk()
    p.span("s", {"deep": value, "k": 1})
    s = t.one(p)
    got, depth = s.attributes["deep"], 0
    while isinstance(got, list):
        got, depth = got[0], depth + 1
    t.equal((depth, repr(got)), (64, "EMPTY"), "depth and what is there")
    t.equal(s.attributes["k"], 1, "its neighbour")


@row(44, "0 is a limit")
def _(t):
    p = t.sdk({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "0", "OTEL_SPAN_EVENT_COUNT_LIMIT": "0",
               "OTEL_SPAN_LINK_COUNT_LIMIT": "0"})
    p("start", "s", "t", "s", "k", "i:1")
    p("event", "s", "e", 0)
    p("link", "s", "1" * 32, "2" * 16, 0, "")
    p("end", "s")
    s = t.one(p)
    t.equal((s.attributes, s.events, s.links), ({}, [], []), "kept")
    t.equal((s.dropped_attributes, s.dropped_events, s.dropped_links), (1, 1, 1), "counted")
    t.collector.mark()
    p = t.sdk({"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "0"})
    p.span("s", {"text": "abc", "n": 1})
    t.equal(t.one(p).attributes, {"text": "", "n": 1}, "no characters")


@row(45, "the limit of spans beats the general one, which holds without it")
def _(t):
    p = t.sdk({"OTEL_ATTRIBUTE_COUNT_LIMIT": "7", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "4",
               "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "9",
               "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "2"})
    p.span("s", dict(numbered(3), text="abcdef", last=1))
    s = t.one(p)
    t.equal((len(s.attributes), s.attributes["text"]), (4, "ab"), "both set")
    t.collector.mark()
    p = t.sdk({"OTEL_ATTRIBUTE_COUNT_LIMIT": "2", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "3"})
    p.span("s", {"text": "abcdef", "k": 1, "l": 2})
    t.equal(t.one(p).attributes, {"text": "abc", "k": 1}, "the general one alone")


@row(46, "a limit that is negative or no number is reported and the default holds")
def _(t):
    for wrong in ("-1", "abc", "1.5", "99999999999999999999", "0x10"):
        t.collector.mark()
        p = t.sdk({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": wrong})
        told = p("reports")
        t.true(any("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT" in r for r in told), "%s: no report" % wrong)
        p.span("s", numbered(130))
        t.equal(len(t.one(p).attributes), 128, "attributes with limit " + wrong)


@row(47, "limits do not cut the resource")
def _(t):
    many = ",".join("r%d=%s" % (i, "x" * 50) for i in range(300))
    p = t.sdk({"OTEL_ATTRIBUTE_COUNT_LIMIT": "5", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "4",
               "OTEL_RESOURCE_ATTRIBUTES": many})
    p.span("s", {"text": "abcdef"})
    s = t.one(p)
    t.equal(s.attributes["text"], "abcd", "the span's value")
    t.equal([s.resource.attributes["r%d" % i] for i in range(300)], ["x" * 50] * 300, "resource")


@row(48, "what a span loses to limits is reported once at most, and counted")
def _(t):
    p = t.sdk({"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "1"})
    p("reports")
    p("start", "s", "t", "s", *attribute_words(numbered(50)))
    p.many([("set", "s", "more%d" % i, "i:1") for i in range(50)])
    p("end", "s")
    p.flush()
    t.true(len(p("reports")) <= 1, "more than one report")
    t.equal(p.numbers("stats")["attributes_dropped"], 99, "attributes_dropped")
