# SPDX-License-Identifier: Apache-2.0
"""125 to 157: propagation. Rows 125 to 149 follow the suite of W3C Trace Context."""
from rig import row

TRACE, PARENT = "0123456789abcdef0123456789abcdef", "1234567890abcdef"
GOOD = "00-%s-%s-01" % (TRACE, PARENT)


class Relay:
    """Takes headers, starts a span below them, says what it would send on."""
    def __init__(self, t):
        self.p = t.sdk({"OTEL_TRACES_EXPORTER": "none"})

    def __call__(self, *headers):
        self.p("extract", "c", "-", *headers)
        self.p("start", "s", "t", "hop", "ctx=c")
        sent = self.p.headers("span:s", "-")
        self.p("finish", "s")
        return sent

    def traceparent(self, *headers):
        sent = self(*headers)["traceparent"].split("-")
        return sent[1], sent[2], sent[3]


def continues(t, *values):
    relay = Relay(t)
    for value in values:
        trace, span, _ = relay.traceparent("traceparent", value)
        t.equal(trace, TRACE, "trace id after '%s'" % value)
        t.true(span != PARENT and int(span, 16) != 0, "span id after '%s'" % value)


def restarts(t, *values):
    relay = Relay(t)
    for value in values:
        trace, _, _ = relay.traceparent("traceparent", value)
        t.true(trace != TRACE and int(trace, 16) != 0, "'%s' is taken" % value)


@row(125, "without traceparent a trace begins")
def _(t):
    trace, span, flags = Relay(t).traceparent()
    t.true(int(trace, 16) and int(span, 16), "ids")
    t.equal(flags, "03", "flags")


@row(126, "a valid traceparent is continued with a span id of its own")
def _(t):
    continues(t, GOOD, GOOD[:-2] + "00")


@row(127, "of two traceparents none is taken")
def _(t):
    other = "00-%s-%s-01" % ("f" * 32, PARENT)
    for pair in ((GOOD, other), (GOOD, GOOD)):
        trace, _, _ = Relay(t).traceparent("traceparent", pair[0], "traceparent", pair[1])
        t.true(trace not in (TRACE, "f" * 32), "one of two is taken")


@row(128, "header names are read without regard to case")
def _(t):
    relay = Relay(t)
    for name in ("TraceParent", "TrAcEpArEnT", "TRACEPARENT"):
        t.equal(relay.traceparent(name, GOOD)[0], TRACE, name)


@row(129, "version 00 has 55 characters and no more")
def _(t):
    restarts(t, GOOD + ".", GOOD + "-what", GOOD + "-", GOOD[:-1], GOOD[:-2])


@row(130, "a later version is read as far as it is known, and sent as 00")
def _(t):
    continues(t, "cc" + GOOD[2:], "cc" + GOOD[2:] + "-what-the-future-brings",
              "01" + GOOD[2:] + "-")
    restarts(t, "cc" + GOOD[2:] + ".what", "cc" + GOOD[2:-1])
    sent = Relay(t)("traceparent", "cc" + GOOD[2:])["traceparent"]
    t.equal(sent[:3], "00-", "version sent")


@row(131, "version ff is invalid")
def _(t):
    restarts(t, "ff" + GOOD[2:], "ff" + GOOD[2:] + "-what")


@row(132, "a version of other characters or another length is invalid")
def _(t):
    restarts(t, ".0" + GOOD[2:], "0." + GOOD[2:], "0" + GOOD[2:], "000" + GOOD[2:], "CC" + GOOD[2:])


@row(133, "a trace id of zeros is invalid")
def _(t):
    relay = Relay(t)
    trace, _, _ = relay.traceparent("traceparent", "00-%s-%s-01" % ("0" * 32, PARENT))
    t.true(int(trace, 16) != 0, "trace id of zeros")


@row(134, "a trace id of other characters is invalid, upper case too")
def _(t):
    restarts(t, GOOD.replace("abcdef", "abcde."), GOOD.replace(TRACE, TRACE.upper()),
             GOOD.replace("0123", "01g3"))


@row(135, "a trace id of another length is invalid")
def _(t):
    restarts(t, GOOD.replace(TRACE, TRACE[:-1]), GOOD.replace(TRACE, TRACE + "0"))


@row(136, "a parent id of zeros is invalid")
def _(t):
    restarts(t, GOOD.replace(PARENT, "0" * 16))


@row(137, "a parent id of other characters or another length is invalid")
def _(t):
    restarts(t, *(GOOD.replace(PARENT, p) for p in
                  (PARENT.upper(), ".234567890abcdef", PARENT[:-1], PARENT + "0")))


@row(138, "flags are two digits; bits that nobody knows are sent as 0")
def _(t):
    restarts(t, GOOD[:-2] + ".0", GOOD[:-2] + "0.", GOOD[:-2] + "1", GOOD[:-2] + "001",
             GOOD[:-2] + "FF")
    relay = Relay(t)
    for flags, sent in (("ff", "03"), ("fd", "01"), ("08", "00"), ("0a", "02")):
        trace, _, got = relay.traceparent("traceparent", GOOD[:-2] + flags)
        t.equal((trace, got), (TRACE, sent), "after flags " + flags)


@row(139, "blanks around traceparent are no part of it")
def _(t):
    continues(t, " " + GOOD, "\t" + GOOD, GOOD + " ", GOOD + "\t", "\t " + GOOD + " \t")
    restarts(t, "00 -" + GOOD[3:], GOOD[:3] + " " + GOOD[3:])


def state(t, *values):
    """What is sent as tracestate after these headers; None: none."""
    relay = Relay(t)
    words = [w for v in values for w in ("tracestate", v)]
    sent = relay("traceparent", GOOD, *words)
    t.equal(sent["traceparent"][3:35], TRACE, "trace id")
    return sent.get("tracestate")


@row(140, "tracestate without traceparent is dropped")
def _(t):
    sent = Relay(t)("tracestate", "foo=1")
    t.equal(sent.get("tracestate"), None, "tracestate")
    sent = Relay(t)("traceparent", "bad", "tracestate", "foo=1")
    t.equal(sent.get("tracestate"), None, "tracestate with a bad traceparent")


@row(141, "several tracestate headers are one list, in their order")
def _(t):
    t.equal(state(t, "foo=1,bar=2", "rojo=3", "congo=4"), "foo=1,bar=2,rojo=3,congo=4", "sent")
    t.equal(state(t, "foo=1", "", "bar=2"), "foo=1,bar=2", "with an empty one")


@row(142, "of duplicate keys one is kept")
def _(t):
    for values in (["foo=1,foo=1"], ["foo=1,foo=2"], ["foo=1", "foo=2"], ["foo=1,bar=3,foo=2"]):
        sent = state(t, *values)
        t.true(sent is not None and sent.count("foo=") == 1, "%s -> %s" % (values, sent))


@row(143, "keys have their characters; others cost the tracestate alone")
def _(t):
    for good in ("foo=1", "0foo=1", "foo-_*/@1=1", "fw529a3039@dt=1", "@".join("ab") + "=1"):
        t.equal(state(t, good), good, good)
    for bad in ("foo =1", "FOO=1", "foo.bar=1", "@foo=1", "-foo=1", "foo\u00e9=1", "=1", "foo"):
        t.equal(state(t, bad), None, bad)


@row(144, "blanks around members are no part of them")
def _(t):
    for value in ("foo=1 \t , \t bar=2", "foo=1,bar=2 ", "\tfoo=1\t,\tbar=2"):
        t.equal(state(t, value), "foo=1,bar=2", value)


@row(145, "32 members are kept, of more none")
def _(t):
    members = ["k%d=%d" % (i, i) for i in range(33)]
    t.equal(state(t, ",".join(members[:32])), ",".join(members[:32]), "32")
    t.equal(state(t, ",".join(members)), None, "33")
    t.equal(state(t, ",".join(members[:16]), ",".join(members[16:32])), ",".join(members[:32]),
            "2 x 16")


@row(146, "keys and values have up to 256 characters")
def _(t):
    for good in ("z" * 256 + "=1", "t=" + "v" * 256, "a=" + "".join(
            chr(c) for c in range(0x21, 0x7f) if chr(c) not in ",=")):
        t.equal(state(t, good), good, good)
    for bad in ("z" * 257 + "=1", "t=" + "v" * 257, "t=a=b", "t=a\u00e9"):
        t.equal(state(t, bad), None, bad)


@row(147, "empty members are stepped over")
def _(t):
    for value in ("foo=1,,,bar=2", ",foo=1,bar=2,", "foo=1, ,bar=2"):
        t.equal(state(t, value), "foo=1,bar=2", value)
    t.equal(state(t, ""), None, "an empty header")


@row(148, "the order of members is kept")
def _(t):
    value = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE,a=1,z=2,0=3"
    t.equal(state(t, value), value, "sent")


@row(149, "a bad tracestate leaves traceparent alone; a long good one is passed on")
def _(t):
    t.equal(state(t, "foo=1,%%bad%%"), None, "sent")
    long = ",".join("key%d=%s" % (i, "v" * 100) for i in range(30))
    t.equal(state(t, long), long, "of %d characters" % len(long))


@row(150, "without an SDK the headers are passed on as they came")
def _(t):
    p = t.player()
    p("tracer", "t", "rig")
    for flags in ("00", "01", "03"):
        p("extract", "c", "w3c", "traceparent", GOOD[:-2] + flags, "tracestate", "foo=1,bar=2",
          "baggage", "k=v")
        p("start", "s", "t", "hop", "ctx=c")
        p("with_span", "d", "c", "s")
        t.equal(p.headers("d"), {"traceparent": GOOD[:-2] + flags, "tracestate": "foo=1,bar=2",
                                 "baggage": "k=v"}, "headers")
        p("finish", "s")


def baggage(p, *headers):
    p("extract", "b", "baggage", *(w for h in headers for w in ("baggage", h)))
    got = p("entries", "b")
    return list(zip(got[0::3], got[1::3], got[2::3]))


@row(151, "baggage: percent, plus, UTF-8, metadata, duplicates")
def _(t):
    p = t.player()
    t.equal(baggage(p, "k=a%20b%2Cc,plus=1+1,eq=a=b,u=%C3%A9,m=1;meta;x=y , n = 2 "),
            [("k", "a b,c", ""), ("plus", "1+1", ""), ("eq", "a=b", ""), ("u", "\u00e9", ""),
             ("m", "1", "meta;x=y"), ("n", "2", "")], "extracted")
    t.equal(baggage(p, "k=1,k=2"), [("k", "2", "")], "the later of duplicates")
    t.equal(baggage(p, "a=1", "b=2"), [("a", "1", ""), ("b", "2", "")], "two headers")
    t.equal(baggage(p, "a=1,bad,=2,b=3"), [("a", "1", ""), ("b", "3", "")], "bad members")
    t.equal(baggage(p, "k=%ff%41%zz"), [("k", "\ufffdA%zz", "")], "ill-formed UTF-8")
    value = "a b\"c,d;e\\f%g+h\u00e9"
    p("baggage", "c", "k", value, "meta;x=y")
    sent = p.headers("c", "baggage")["baggage"]
    for c in " \",\\\u00e9":
        t.true(c not in sent.split(";")[0], "%r is in the value as it is" % c)
    t.equal(baggage(p, sent), [("k", value, "meta;x=y")], "back again")


@row(152, "baggage limits hold on extract and inject, by whole members")
def _(t):
    p = t.player()
    for count in (64, 65, 200, 10000):
        header = ",".join("k%d=%d" % (i, i) for i in range(count))
        got = baggage(p, header)
        t.true(len(got) <= 64, "%d of %d members" % (len(got), count))
        if len(header) <= 8192 and count <= 64:
            t.equal(len(got), count, "members of a header within the limits")
    # 9 KB
    got = baggage(p, ",".join("k%d=%s" % (i, "v" * 180) for i in range(50)))
    t.true(0 < len(got) < 50, "%d of 50 members of 9 KB" % len(got))
    t.true(all(v == "v" * 180 for _, v, _ in got), "a member is cut")
    entries = [w for i in range(200) for w in ("k%d" % i, "v" * 100, "")]
    p("baggage", "c", *entries)
    sent = p.headers("c", "baggage")["baggage"]
    t.true(len(sent) <= 8192 and sent.count(",") < 64, "%d characters are sent" % len(sent))
    t.true(all(m.split("=")[1] == "v" * 100 for m in sent.split(",")), "a member is cut")


@row(153, "B3: single before multi, 64-bit ids, debug, a decision alone")
def _(t):
    p = t.sdk({"OTEL_PROPAGATORS": "b3", "OTEL_TRACES_EXPORTER": "none"})

    def hop(*headers):
        p("extract", "c", "b3", *headers)
        p("start", "s", "t", "hop", "ctx=c")
        p("with_span", "out", "c", "s")
        trace, _, got, _ = p.look("s")
        return trace, got["flags"] & 1

    multi = ("X-B3-TraceId", "a" * 32, "X-B3-SpanId", "b" * 16, "X-B3-Sampled", "0")
    t.equal(hop("b3", "%s-%s-1" % (TRACE, PARENT), *multi), (TRACE, 1), "single first")
    t.equal(hop("b3", "bad", *multi)[0], "a" * 32, "multi when single is bad")
    t.equal(hop("b3", "%s-%s-1" % (TRACE[16:], PARENT)), ("0" * 16 + TRACE[16:], 1), "64-bit ids")
    t.equal(hop("b3", "%s-%s-1-%s" % (TRACE, PARENT, "c" * 16)), (TRACE, 1), "with a parent's id")
    t.equal(hop("b3", "%s-%s-0" % (TRACE, PARENT)), (TRACE, 0), "not sampled")
    t.equal(hop(*multi[:4], "X-B3-Sampled", "true"), ("a" * 32, 1), "the word true")
    t.equal(hop(*multi[:4], "X-B3-Flags", "1"), ("a" * 32, 1), "debug")
    sent = {k.lower(): v for k, v in p.headers("out", "b3multi").items()}
    t.equal(sent["x-b3-flags"], "1", "debug is handed on")
    t.equal(hop("b3", "%s-%s-d" % (TRACE, PARENT)), (TRACE, 1), "debug in the single header")
    t.equal(p.headers("out", "b3")["b3"].split("-")[2], "d", "debug is handed on")
    trace, _ = hop("b3", "0")
    t.true(int(trace, 16) != 0, "a decision alone: a new trace")
    p("extract", "c", "b3", "b3", "0")
    t.equal(p.headers("c", "b3"), {"b3": "0"}, "a decision alone is handed on by a relay")
    p("start", "s", "t", "root", "root=1")
    sent = {k.lower(): v for k, v in p.headers("span:s", "b3multi").items()}
    t.equal(sorted(sent), ["x-b3-sampled", "x-b3-spanid", "x-b3-traceid"], "multi headers")


@row(154, "jaeger, xray, ottrace, datadog: ids, flag and baggage come back")
def _(t):
    p = t.player()
    p("extract", "c", "w3c", "traceparent", GOOD)
    expected = {
        "jaeger": {"uber-trace-id": "%s:%s:0:1" % (TRACE, PARENT)},
        "xray": {"x-amzn-trace-id": "Root=1-%s-%s;Parent=%s;Sampled=1"
                 % (TRACE[:8], TRACE[8:], PARENT)},
        "ottrace": {"ot-tracer-traceid": TRACE[16:], "ot-tracer-spanid": PARENT,
                    "ot-tracer-sampled": "true"},
        "datadog": {"x-datadog-trace-id": str(int(TRACE[16:], 16)),
                    "x-datadog-parent-id": str(int(PARENT, 16)),
                    "x-datadog-sampling-priority": "1",
                    "x-datadog-tags": "_dd.p.tid=" + TRACE[:16]}}
    for name, headers in expected.items():
        sent = {k.lower(): v for k, v in p.headers("c", name).items()}
        t.equal(sent, headers, name)
        for flag in (1, 0):
            p("extract", "f", "w3c", "traceparent", GOOD[:-1] + str(flag))
            sent = p.headers("f", name)
            p("extract", "d", name, *(w for kv in sent.items() for w in kv))
            back = p.headers("d").get("traceparent")
            trace = TRACE if name != "ottrace" else "0" * 16 + TRACE[16:]
            t.equal(back, "00-%s-%s-0%d" % (trace, PARENT, flag), name + " and back")
        for garbage in ("", "x", "1:2", "Root=1-0-0", "\u00ff" * 50):
            first = list(headers)[0]
            p("extract", "d", name, first, garbage)
            t.equal(p.headers("d"), {}, "%s after '%s'" % (name, garbage))
    p("baggage", "b", "k", "v", "")
    p("extract", "d", "jaeger", "uberctx-k", "v", "uber-trace-id", "1:2:0:1")
    t.equal(p("entries", "d"), ["k", "v", ""], "jaeger baggage")
    t.equal(p.headers("d")["traceparent"], "00-%032x-%016x-01" % (1, 2), "short ids")


@row(155, "OTEL_PROPAGATORS: order, duplicates, none, unknown words")
def _(t):
    def fields(words):
        p = t.sdk({"OTEL_PROPAGATORS": words, "OTEL_TRACES_EXPORTER": "none"})
        return [w.lower() for w in p("fields", "-")], p("reports"), p

    w3c = ["traceparent", "tracestate", "baggage"]
    t.equal(fields(None)[0], w3c, "unset")
    t.equal(fields("")[0], w3c, "empty")
    t.equal(fields("baggage,tracecontext,baggage")[0], ["baggage", "traceparent", "tracestate"],
            "order, duplicates")
    t.equal(fields("none")[:2], ([], []), "none")
    got, told, _ = fields("tracecontext,nonsense")
    t.equal(got, w3c[:2], "without the unknown one")
    t.true(any("nonsense" in r or "OTEL_PROPAGATORS" in r for r in told), "no report")
    _, _, p = fields("b3,tracecontext")
    p("extract", "c", "-", "b3", "%s-%s-1" % ("a" * 32, PARENT), "traceparent", GOOD)
    t.equal(p.headers("c")["traceparent"], GOOD, "the last that finds something wins")


@row(156, "the environment as a carrier: names of its own, a child reads them")
def _(t):
    p = t.player()
    p("extract", "c", "w3c", "traceparent", GOOD, "tracestate", "foo=1", "baggage", "k=v")
    block = p("spawn_env", "c", "w3c", "x-b3.trace id", "1", "9lives", "2")
    t.equal(sorted(block), ["BAGGAGE=k=v", "TRACEPARENT=" + GOOD, "TRACESTATE=foo=1",
                            "X_B3_TRACE_ID=1", "_9LIVES=2"], "block")
    child = t.player(dict(w.split("=", 1) for w in block))
    child("from_env", "c", "w3c")
    t.equal(child.headers("c"), {"traceparent": GOOD, "tracestate": "foo=1", "baggage": "k=v"},
            "what the child has")


class Messages:
    """A producer and a consumer, each a process with an SDK of its own, and a broker between."""
    def __init__(self, t, *topics):
        at = t.kafka_broker(*topics)
        self.t = t
        self.sender, self.handler = (
            t.sdk({"OTEL_SERVICE_NAME": name}, program="/sdk-put-kafka")
            for name in ("sender", "handler"))
        self.sender("producer", at)
        self.handler("producer", at)
        self.handler("consumer", at, topics[0])
        self.topics = topics

    def send(self, n, *headers):
        """In a span of its own."""
        self.sender("start", "send", "t", "send", "kind=4", "root=1", "n", "i:%d" % n)
        self.sender("send", self.topics[0], "span:send", "w3c", *headers)
        self.sender("finish", "send")

    def send_raw(self, *headers):
        self.sender("send", self.topics[0], "none", "none", *headers)

    def receive(self, name="m"):
        """Its headers in their order, and the context c out of them."""
        words = self.handler("receive", name)
        self.handler("extract_message", "c", name, "w3c")
        return list(zip(words[0::2], words[1::2]))

    def spans(self):
        self.sender.flush()
        return self.t.spans(self.handler)


@row(157, "Kafka: headers in bytes, consumers with a parent or with links, a batch, sent on")
def _(t):
    m = Messages(t, "orders", "invoices")
    for i in range(3):
        m.send(i, "tenant", "x")
    received = [m.receive("m%d" % i) for i in range(3)]
    handler = m.handler
    for i in range(3):
        _, trace, span, flags = dict(received[i])["traceparent"].split("-")
        handler("stage", trace, span, int(flags, 16), "")
    handler.span("batch", {}, "kind=5", "root=1")
    handler("extract_message", "c", "m0", "w3c")
    handler("start", "one", "t", "process", "kind=5", "ctx=c")
    handler("forward", "m0", "invoices", "span:one", "w3c")
    sent_on = handler.headers("span:one", "w3c")
    handler("finish", "one")
    spans = m.spans()
    sent = sorted((s for s in spans if s.name == "send"), key=lambda s: s.attributes["n"])
    t.equal([sorted(headers) for headers in received],
            [[("tenant", "x"), ("traceparent", "00-%s-%s-03" % (s.trace_id, s.span_id))]
             for s in sent], "headers of messages, to the byte")
    one, batch = ([s for s in spans if s.name == name][0] for name in ("process", "batch"))
    t.equal((one.trace_id, one.parent, one.flags & 0x300),
            (sent[0].trace_id, sent[0].span_id, 0x300), "the single message: a remote parent")
    t.equal([(l.trace_id, l.span_id) for l in batch.links],
            [(s.trace_id, s.span_id) for s in sent], "links of the batch")
    t.true(batch.trace_id not in {s.trace_id for s in sent}, "the batch is a trace of its own")
    t.equal([s.kind for s in sent + [one, batch]], [4, 4, 4, 5, 5], "kinds")
    handler("consumer", "", "invoices")
    t.equal(sorted(m.receive()), [("tenant", "x"), ("traceparent", sent_on["traceparent"])],
            "a message that is sent on has one traceparent, and what else it had")


@row("b35", "Kafka: names in their case, two of a kind, values that are none; state and baggage")
def _(t):
    m = Messages(t, "orders")

    def context_of(*headers):
        m.send_raw(*headers)
        t.equal(m.receive(), list(zip(headers[0::2], headers[1::2])), "what came by the broker")
        return m.handler.headers("c")

    whole = {"traceparent": GOOD, "tracestate": "a=1,b=2", "baggage": "k=v"}
    t.equal(context_of("traceparent", GOOD, "tracestate", "a=1", "other", "x", "tracestate", "b=2",
                       "baggage", "k=v"), whole, "two headers of a name are read as one")
    for what, headers in (("upper case", ("Traceparent", GOOD)), ("nothing", ("other", "")),
                          ("empty", ("traceparent", "")), ("a longer name", ("traceparents", GOOD)),
                          ("a shorter name", ("tracepar", GOOD)),
                          ("a blank behind it", ("traceparent", GOOD + "\0")),
                          ("two", ("traceparent", GOOD, "traceparent", GOOD))):
        t.equal(context_of(*headers), {}, "the context of a message with " + what)
    m.handler("extract", "c", "w3c", *(w for kv in whole.items() for w in kv))
    m.handler("start", "s", "t", "s", "ctx=c")
    m.handler("with_span", "d", "c", "s")
    m.handler("send", "orders", "d", "w3c", "baggage", "old=1", "tracestate", "old=1")
    sent = dict(whole, traceparent=m.handler.headers("span:s")["traceparent"])
    t.equal(sorted(m.receive()), sorted(sent.items()), "what is set replaces what was there")
