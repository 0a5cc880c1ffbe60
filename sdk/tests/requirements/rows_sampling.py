# SPDX-License-Identifier: Apache-2.0
"""49 to 71: sampling."""
import http.server
import json
import random
import threading

from rig import row

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


@row(60, "attributes of the sampler are on the span")
def _(t):
    p = t.built(sampler=["own", "attribute=why", 2])
    p.span("s", {"k": 1})
    t.equal(t.one(p).attributes, {"k": 1, "sampler.attribute": "why"}, "attributes")


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


class Strategies(http.server.ThreadingHTTPServer):
    """A server of sampling strategies: answer is what it says, or the status it says instead."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Asked)
        self.answer, self.asked = 503, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class Asked(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        answer = self.server.answer
        body = b"" if isinstance(answer, int) else json.dumps(answer).encode()
        self.send_response(answer if isinstance(answer, int) else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.server.asked.append(self.path)  # answered

    def log_message(self, *_):
        pass


def sampled_of(p, name, count=200):
    return p.numbers("burst", count, "t", name)["sampled"]


@row(71, "jaeger_remote asks a server for its strategy")
def _(t):
    server = Strategies()
    t.at_end(server.close)
    p = t.sdk({"OTEL_TRACES_SAMPLER": "parentbased_jaeger_remote", "OTEL_SERVICE_NAME": "a shop",
               "OTEL_TRACES_SAMPLER_ARG": "endpoint=http://127.0.0.1:%d/sampling,pollingIntervalMs=20,"
               "initialSamplingRate=0" % server.server_address[1]})

    def asked_again():
        count = len(server.asked)
        t.collector.wait_for("three more questions", lambda: len(server.asked) >= count + 3)

    asked_again()
    t.equal(server.asked[0], "/sampling?service=a%20shop", "the question")
    t.equal(sampled_of(p, "n"), 0, "sampled by the initial rate")
    t.equal(len(p("reports")), 1, "reports of a server that fails")
    server.answer = {"strategyType": "PROBABILISTIC", "probabilisticSampling": {"samplingRate": 1}}
    asked_again()
    t.equal(sampled_of(p, "n"), 200, "sampled by a share of 1")
    server.answer = {"strategyType": "RATE_LIMITING",
                     "rateLimitingSampling": {"maxTracesPerSecond": 3}}
    asked_again()
    t.true(3 <= sampled_of(p, "n") < 100, "sampled by 3 a second")
    server.answer = {"strategyType": "PROBABILISTIC", "operationSampling": {
        "defaultSamplingProbability": 0, "defaultLowerBoundTracesPerSecond": 0,
        "perOperationStrategies": [{"operation": "GET /", "probabilisticSampling":
                                    {"samplingRate": 1}}]}}
    asked_again()
    t.equal((sampled_of(p, "GET /"), sampled_of(p, "else")), (200, 0), "sampled by the operation")
    server.answer = 500
    asked_again()
    t.equal((sampled_of(p, "GET /"), sampled_of(p, "else")), (200, 0), "when the server fails")
