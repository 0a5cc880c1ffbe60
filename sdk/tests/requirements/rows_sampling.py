# SPDX-License-Identifier: Apache-2.0
"""49 to 71: sampling."""
import random
import struct

from rig import row
from strategies import GrpcStrategies, Strategies, xray_rule

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HALF = 1 << 55  # the threshold of 1/2


def trace_id(randomness):
    """A trace id whose low 56 bits are given."""
    return "%018x%014x" % (0x112233445566778899, randomness)


def remote(p, flags="01", state=None, trace=TRACE, name="c"):
    """The context c: a remote parent."""
    words = ["traceparent", "00-%s-%s-%s" % (trace, SPAN, flags)]
    p("extract", name, "w3c", *words, *(["tracestate", state] if state else []))


def begun(p, *options):
    """A span s that is started: ids, flags, trace state."""
    p("start", "s", "t", "s", *options)
    return p.look("s")


@row(49, "the default is parentbased_always_on")
def _(t):
    p = t.sdk()
    remote(p, "00")
    p.span("under a dropped parent", {}, "ctx=c")
    remote(p, "01")
    p.span("under a sampled parent", {}, "ctx=c")
    p("start", "a", "t", "root")
    p.span("child of a root", {}, "parent=a")
    p("end", "a")
    t.equal([s.name for s in t.spans(p)],
            ["under a sampled parent", "child of a root", "root"], "exported")


@row(50, "always_off exports nothing and propagates ids with flag 0")
def _(t):
    p = t.sdk({"OTEL_TRACES_SAMPLER": "always_off"})
    trace, span, got, _ = begun(p)
    t.equal((got["flags"] & 1, got["recording"]), (0, 0), "sampled, recording")
    header = p.headers("span:s")["traceparent"]
    t.equal(header, "00-%s-%s-02" % (trace, span), "traceparent")
    remote(p, "01")
    begun(p, "ctx=c")
    t.equal(p.headers("span:s")["traceparent"][-2:], "00", "flags below a sampled parent")
    p("end", "s")
    t.equal(t.spans(p), [], "exported")


@row(51, "a dropped span has a span id of its own in the headers")
def _(t):
    p = t.sdk()
    remote(p, "00")
    trace, span, _, _ = begun(p, "ctx=c")
    t.equal(trace, TRACE, "trace id")
    t.true(span != SPAN and int(span, 16) != 0, "span id " + span)
    t.equal(p.headers("span:s")["traceparent"], "00-%s-%s-00" % (TRACE, span), "traceparent")


def sampled(t, ratio, count):
    p = t.sdk({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": ratio,
               "OTEL_TRACES_EXPORTER": "otlp"})
    return p.numbers("burst", count, "t", "n")["sampled"]


@row(52, "ratio 0 keeps nothing, ratio 1 everything")
def _(t):
    t.equal(sampled(t, "0", 10000), 0, "at 0")
    t.equal(sampled(t, "1", 10000), 10000, "at 1")


@row(53, "ratio 0.1 keeps a tenth")
def _(t):
    got = sampled(t, "0.1", 100000)
    # five standard deviations of 95: by chance once in 1.7 million runs
    t.true(abs(got - 10000) < 475, "%d of 100000" % got)


def kept(t, ratio, ids):
    p = t.built(sampler=["ratio", ratio], before=[("ids", 1, *ids)])
    return {w for w in p("burst", len(ids), "t", "n", "print=1") if "=" not in w}


def some_ids():
    draw = random.Random(7)
    return ["%032x" % draw.getrandbits(128) for _ in range(1000)]


@row(54, "the ratio decides alike in every process")
def _(t):
    first = kept(t, 0.3, some_ids())
    t.equal(kept(t, 0.3, some_ids()), first, "kept")
    t.true(200 < len(first) < 400, "%d of 1000" % len(first))


@row(55, "a higher ratio keeps all that a lower one kept")
def _(t):
    few, more = kept(t, 0.05, some_ids()), kept(t, 0.2, some_ids())
    t.true(few < more, "%d are no subset of %d" % (len(few), len(more)))


@row(56, "the ratio alone ignores the parent's flag")
def _(t):
    for ratio, flags, expected in (("0", "01", 0), ("1", "00", 1)):
        p = t.sdk({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": ratio})
        remote(p, flags)
        t.equal(begun(p, "ctx=c")[2]["flags"] & 1, expected, "at %s under %s" % (ratio, flags))


@row(57, "parentbased asks the delegate that fits")
def _(t):
    p = t.player()
    for name in ("root", "rs", "rn", "ls", "ln"):
        p("sampler", name, "own", "attribute=" + name, 2)
    p("exporter", "e", "otlp", "endpoint=http://%s/v1/traces" % t.collector.http)
    p("processor", "one", "batch", "e")
    p("sampler", "off", "off")
    p("sampler", "sampler", "parentbased", "root", "rs", "rn", "ls", "ln")
    p("provider", "sampler=sampler", "one")
    p("tracer", "t", "rig")
    p.span("root", {}, "root=1")
    for flags, name in (("01", "rs"), ("00", "rn")):
        remote(p, flags)
        p.span(name, {}, "ctx=c")
    p("start", "a", "t", "root")
    p.span("ls", {}, "parent=a")
    p("end", "a")
    # a local parent that is not sampled: a span that another provider dropped
    p("processor", "none", "probe")
    p("provider", "sampler=off", "none")
    p("tracer", "other", "rig")
    p("start", "dropped", "other", "dropped")
    p.span("ln", {}, "parent=dropped")
    p("swap")
    t.equal(sorted((s.name, s.attributes["sampler.attribute"]) for s in t.spans(p)),
            [("ln", "ln"), ("ls", "ls"), ("rn", "rn"), ("root", "root"), ("root", "root"),
             ("rs", "rs")], "who decided")


@row(58, "an unknown sampler is reported and the default holds")
def _(t):
    p = t.sdk({"OTEL_TRACES_SAMPLER": "sometimes"})
    t.true(any("OTEL_TRACES_SAMPLER" in r for r in p("reports")), "no report")
    p.span("root")
    remote(p, "00")
    p.span("dropped", {}, "ctx=c")
    t.equal([s.name for s in t.spans(p)], ["root"], "exported")


@row(59, "an argument that is no ratio is reported and counts as unset")
def _(t):
    for wrong in ("2", "-1", "x", "nan", "0.5x"):
        t.collector.mark()
        p = t.sdk({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": wrong})
        t.true(any("OTEL_TRACES_SAMPLER_ARG" in r for r in p("reports")), wrong + ": no report")
        t.equal(p.numbers("burst", 200, "t", "n")["sampled"], 200, "sampled with " + wrong)


@row(60, "attributes and trace state of the sampler are on the span, and on the wire")
def _(t):
    def under(state_of_parent, *state):
        """The span below a remote parent, one below it, and the header of the first."""
        p = t.built(sampler=["own", "attribute=why", *state, 2])
        t.collector.mark()
        remote(p, "01", state_of_parent)
        p("start", "a", "t", "s", "ctx=c", "k", "i:1")
        header = p.headers("span:a")
        p.span("child", {}, "parent=a")
        p("end", "a")
        spans = {s.name: s for s in t.spans(p)}
        t.equal(header["traceparent"],
                "00-%s-%s-01" % (TRACE, spans["s"].span_id), "traceparent of the span")
        t.equal(spans["s"].attributes, {"k": 1, "sampler.attribute": "why"}, "attributes")
        return spans["s"].trace_state, header.get("tracestate"), spans["child"].trace_state

    t.equal(under("a=1"), ("a=1",) * 3, "a sampler that says nothing of it keeps the parent's")
    t.equal(under(None), ("", None, ""), "there is none")
    t.equal(under("a=1,b=2", "state=own=x,a=1"), ("own=x,a=1",) * 3, "it gives another")
    t.equal(under(None, "state=own=x"), ("own=x",) * 3, "it gives one to a span without")
    t.equal(under("a=1", "state="), ("", None, ""), "it gives an empty one")


@row(61, "RECORD_ONLY is seen by processors and never exported")
def _(t):
    p = t.player()
    p("exporter", "e", "otlp", "endpoint=http://%s/v1/traces" % t.collector.http)
    p("processor", "one", "batch", "e")
    p("processor", "probe", "probe")
    p("sampler", "off", "off")
    p("sampler", "s", "always_record", "off")
    p("provider", "sampler=s", "one", "probe")
    p("tracer", "t", "rig")
    _, _, got, _ = begun(p)
    t.equal((got["flags"] & 1, got["recording"]), (0, 1), "sampled, recording")
    p("end", "s")
    t.equal(t.spans(p), [], "exported")
    t.equal(p("log")[:3], ["probe:start:s", "probe:ending:s", "probe:end-not-sampled:s"], "seen")


def probability(t, ratio, ids=(), random_ids=1):
    return t.built(sampler=["probability", ratio],
                   before=[("ids", random_ids, *ids)] if ids else [])


@row(62, "the probability sampler keeps a trace iff R >= T")
def _(t):
    vectors = [(HALF - 1, 0), (HALF, 1), (HALF + 1, 1), (0, 0), (2**56 - 1, 1)]
    p = probability(t, 0.5, [trace_id(r) for r, _ in vectors])
    for randomness, expected in vectors:
        t.equal(begun(p, "root=1")[2]["flags"] & 1, expected, "R = %014x" % randomness)


TH = [("1", "0"), ("0.75", "4"), ("0.5", "8"), ("0.3333333333333333", "aaab"), ("0.25", "c"),
      ("0.2", "cccd"), ("0.125", "e"), ("0.1", "e666"), ("0.0625", "f"), ("0.01", "fd70a"),
      ("0.001", "ffbe77"), ("0.0001", "fff9724"), ("0.00001", "ffff583a"),
      ("0.000001", "ffffef39")]


@row(63, "th has the digits of the specification's vectors")
def _(t):
    for ratio, th in TH:
        p = probability(t, ratio, [trace_id(2**56 - 1)])
        t.equal(begun(p, "root=1")[3], "ot=th:" + th, "trace state at " + ratio)


@row(64, "rv decides instead of the trace id")
def _(t):
    p = probability(t, 0.5)
    for rv, low, expected in (("ff" * 7, 0, 1), ("00" * 7, 2**56 - 1, 0)):
        remote(p, "03", "ot=rv:" + rv, trace_id(low))
        t.equal(begun(p, "ctx=c")[2]["flags"] & 1, expected, "rv " + rv)


@row(65, "rv and other sub-keys of ot stay as they came")
def _(t):
    p = probability(t, 0.5)
    for rv in ("ff" * 7, "00" * 7):
        remote(p, "03", "ot=rv:%s;xy:abc;th:1" % rv)
        begun(p, "ctx=c")
        state = p.headers("span:s")["tracestate"]
        t.equal(state[:3], "ot=", "the member")
        parts = dict(w.split(":") for w in state[3:].split(";"))
        t.equal((parts["rv"], parts["xy"]), (rv, "abc"), "rv and xy")
        t.equal(parts.get("th"), "8" if rv[0] == "f" else None, "th")


@row(66, "a changed ot comes first, other vendors keep their place")
def _(t):
    p = probability(t, 0.5)
    remote(p, "03", "a=1,ot=rv:%s,b=2" % ("ff" * 7))
    begun(p, "ctx=c")
    state = p.headers("span:s")["tracestate"].split(",")
    t.equal(state[1:], ["a=1", "b=2"], "other vendors")
    t.equal(sorted(state[0][3:].split(";")), ["rv:" + "ff" * 7, "th:8"], "ot")


@row(67, "parentbased erases a threshold that contradicts the flag")
def _(t):
    p = t.sdk()
    remote(p, "03", "ot=th:8;rv:00000000000000")
    begun(p, "ctx=c")
    t.equal(p.headers("span:s")["tracestate"], "ot=rv:00000000000000", "sampled, R < T")
    remote(p, "03", "ot=th:8;rv:ffffffffffffff")
    begun(p, "ctx=c")
    state = p.headers("span:s")["tracestate"]
    t.equal(sorted(state[3:].split(";")), ["rv:ffffffffffffff", "th:8"], "sampled, R >= T")
    remote(p, "02", "ot=th:8;rv:ffffffffffffff")
    begun(p, "ctx=c")
    t.equal(p.headers("span:s")["tracestate"], "ot=rv:ffffffffffffff", "not sampled, R >= T")


@row(68, "new roots carry the Random flag")
def _(t):
    p = t.sdk()
    begun(p)
    t.equal(p.headers("span:s")["traceparent"][-3:], "-03", "flags")
    p = t.built(before=[("ids", 0, trace_id(1))])
    begun(p)
    t.equal(p.headers("span:s")["traceparent"][-3:], "-01", "flags, ids that are not random")


@row(69, "the Random flag of the parent is kept, set or not")
def _(t):
    p = t.sdk()
    for flags in ("01", "03", "00", "02"):
        remote(p, flags)
        begun(p, "ctx=c")
        t.equal(p.headers("span:s")["traceparent"][-2:], flags, "flags")


@row(70, "composite samplers: rules, annotations, the parent's threshold")
def _(t):
    p = t.player()
    p("exporter", "e", "otlp", "endpoint=http://%s/v1/traces" % t.collector.http)
    p("processor", "one", "batch", "e")
    p("part", "on", "on")
    p("part", "off", "off")
    p("part", "noted", "annotating", "on", "rule", "s:checkout")
    p("part", "rules", "rules", "checkout", "noted", "health", "off")
    p("part", "all", "parent_threshold", "rules")
    p("sampler", "s", "composite", "all")
    p("provider", "sampler=s", "one")
    p("tracer", "t", "rig")
    for name in ("checkout/1", "health", "unknown"):
        p.span(name, {}, "root=1")
    remote(p, "03", "ot=th:8;rv:ffffffffffffff")
    p.span("child", {}, "ctx=c")
    spans = {s.name: s for s in t.spans(p)}
    t.equal(sorted(spans), ["checkout/1", "child"], "exported")
    t.equal(spans["checkout/1"].attributes, {"rule": "checkout"}, "attributes")
    t.equal(spans["checkout/1"].trace_state, "ot=th:0", "threshold of the rule")
    t.true("th:8" in spans["child"].trace_state, "threshold of the parent")


def sampled_of(p, name, count=200):
    return p.numbers("burst", count, "t", name)["sampled"]


JSON_ANSWERS = {
    "share": {"strategyType": "PROBABILISTIC", "probabilisticSampling": {"samplingRate": 1}},
    "rate": {"strategyType": "RATE_LIMITING", "rateLimitingSampling": {"maxTracesPerSecond": 3}},
    "operations": {"strategyType": "PROBABILISTIC", "operationSampling": {
        "defaultSamplingProbability": 0, "defaultLowerBoundTracesPerSecond": 0,
        "perOperationStrategies": [{"operation": "GET /", "probabilisticSampling":
                                    {"samplingRate": 1}}]}},
    "failure": 500}
ALL = b"\x09" + struct.pack("<d", 1)  # ProbabilisticSamplingStrategy
GET = b"\x0a\x05GET /\x12\x09" + ALL  # OperationSamplingStrategy
GRPC_ANSWERS = {
    "share": b"\x12\x09" + ALL,
    "rate": b"\x08\x01\x1a\x02\x08\x03",
    "operations": b"\x22" + bytes([2 + len(GET)]) + b"\x1a" + bytes([len(GET)]) + GET,
    "failure": 13}


def steered(t, server, answers, endpoint):
    """The sampler does as the server says; the server fails at first and at last."""
    p = t.sdk({"OTEL_TRACES_SAMPLER": "parentbased_jaeger_remote", "OTEL_SERVICE_NAME": "a shop",
               "OTEL_TRACES_SAMPLER_ARG": "endpoint=http://127.0.0.1:%d%s,pollingIntervalMs=20,"
               "initialSamplingRate=0" % (server.server_address[1], endpoint)})

    def asked_again():
        count = len(server.asked)
        t.collector.wait_for("three more questions", lambda: len(server.asked) >= count + 3)

    asked_again()
    t.equal(sampled_of(p, "n"), 0, "sampled by the initial rate")
    t.equal(len(p("reports")), 1, "reports of a server that fails")
    server.answer = answers["share"]
    asked_again()
    t.equal(sampled_of(p, "n"), 200, "sampled by a share of 1")
    server.answer = answers["rate"]
    asked_again()
    t.true(3 <= sampled_of(p, "n") < 100, "sampled by 3 a second")
    server.answer = answers["operations"]
    asked_again()
    t.equal((sampled_of(p, "GET /"), sampled_of(p, "else")), (200, 0), "sampled by the operation")
    server.answer = answers["failure"]
    asked_again()
    t.equal((sampled_of(p, "GET /"), sampled_of(p, "else")), (200, 0), "when the server fails")


@row(71, "jaeger_remote asks a server for its strategy")
def _(t):
    server = Strategies()
    t.at_end(server.close)
    steered(t, server, JSON_ANSWERS, "/sampling")
    t.equal(server.asked[0], "/sampling?service=a%20shop", "the question")


@row("b39", "jaeger_remote asks over gRPC where its endpoint has no path")
def _(t):
    server = GrpcStrategies()
    t.at_end(server.close)
    steered(t, server, GRPC_ANSWERS, "")
    t.equal(set(server.asked), {b"\x0a\x06a shop"}, "the questions")
    asked = [dict(headers) for headers in server.calls()]
    t.equal({(a[":method"], a[":path"], a["content-type"]) for a in asked},
            {("POST", "/jaeger.api_v2.SamplingManager/GetSamplingStrategy", "application/grpc")},
            "the calls")


@row("b38", "xray asks a server for its rules, tells it what matched, and does as it is told")
def _(t):
    server = Strategies()
    t.at_end(server.close)
    clock = t.hold_clock()
    p = t.sdk({"OTEL_TRACES_SAMPLER": "parentbased_xray", "OTEL_SERVICE_NAME": "shop",
               "OTEL_TRACES_SAMPLER_ARG":
               "endpoint=http://127.0.0.1:%d,polling_interval=300" % server.server_address[1]})

    def begin(count=20, *attributes):
        """How many of so many roots with these attributes are sampled."""
        kept = 0
        for _ in range(count):
            kept += begun(p, "root=1", *attributes)[2]["flags"] & 1
            p("end", "s")
        return kept

    def answered(count):
        t.collector.wait_for("answer %d" % count, lambda: len(server.asked) >= count)

    answered(1)
    clock.wait_for(300000)  # the next question, whatever the answer was
    t.equal(server.bodies, [("/GetSamplingRules", {"NextToken": None})], "the question")
    t.equal(len(p("reports")), 1, "reports of a server that fails")
    t.true(1 <= begin(100) < 60, "sampled by the fallback: one a second, and 5 %")
    server.answer = {"/GetSamplingRules": {"SamplingRuleRecords": [
        xray_rule("Default", 10000, 0, ReservoirSize=3),
        xray_rule("other", 1, 1, ServiceName="other"),
        xray_rule("orders", 5, 1, HTTPMethod="POST", URLPath="/orders/*", Host="*.example"),
        xray_rule("vip", 6, 1, Attributes={"customer": "vip-?"})]}}
    server.answers.clear()
    clock.move(300000)
    t.collector.wait_for("the second question", lambda: len(server.bodies) >= 2)
    clock.move(5000)  # of the ten that it may take
    server.answers.set()
    clock.wait_for(10000)  # until the question about targets
    t.equal(begin(20, "http.request.method", "s:POST", "url.path", "s:/orders/7",
                  "server.address", "s:shop.example"), 20, "sampled of a rule that fits")
    t.equal(begin(20, "customer", "s:vip-1"), 20, "sampled of a rule that fits by attributes")
    t.equal(begin(20, "customer", "s:vip-12"), 1, "borrowed: one a second")
    remote(p, "00")
    t.equal(begun(p, "ctx=c", "customer", "s:vip-1")[2]["flags"] & 1, 0, "under a dropped parent")
    server.answer["/SamplingTargets"] = {"LastRuleModification": 0, "SamplingTargetDocuments": [
        {"RuleName": "vip", "FixedRate": 0, "Interval": 60},
        {"RuleName": "Default", "FixedRate": 0, "ReservoirQuota": 2,
         "ReservoirQuotaTTL": 4102444800, "Interval": 60}]}
    clock.move(10000)
    answered(3)
    clock.wait_for(60000)
    path, told = server.bodies[2]
    told = {d["RuleName"]: d for d in told["SamplingStatisticsDocuments"]}
    t.equal((path, {k: (d["RequestCount"], d["SampledCount"], d["BorrowCount"])
                    for k, d in told.items()}),
            ("/SamplingTargets", {"orders": (20, 20, 0), "vip": (20, 20, 0),
                                  "Default": (20, 1, 1)}), "what it told")
    t.equal({len(d["ClientID"]) for d in told.values()}, {24}, "characters of the client's id")
    t.equal((begin(20, "customer", "s:vip-1"), begin(20)), (0, 2), "by the rate and quota told")
    server.answer = 500
    clock.move(60000)
    answered(4)
    t.equal(begin(20), 2, "when the server fails")
    clock.move(3600 * 1000)
    t.equal(begin(1, "customer", "s:vip-1"), 1, "by the fallback when the rules are too old")
    t.collector.wait_for("a report of a server that fails", lambda: p("reports") != [])
