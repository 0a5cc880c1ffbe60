# SPDX-License-Identifier: Apache-2.0
"""Bug classes that SDKs had in the field: rows of their own, and rows that show the others."""
import random
import re
import shutil
import socket
import subprocess
import time

from rig import BUILD, Skipped, row, word

HOUR = "delay=3600000"
MS = 1_000_000

# class -> title, the rows whose scenario is its own (b...: below)
CLASSES = [
    ("B1", "silent loss when the queue is full", [76, 77]),
    ("B2", "one batch a delay", [72, "b2"]),
    ("B3", "shutdown and flush that hang or ignore their limit", [80, 81, 83, 84, 87]),
    ("B4", "shutdown on the thread that the export needs", ["b4"]),
    ("B5", "fork", [92]),
    ("B6", "loss at exit, at SIGTERM, crashes of late spans", [82, 93, 95]),
    ("B7", "Retry-After ignored or misread, permanent errors retried", [105, 106, 107]),
    ("B8", "export timeouts not kept, or kept per attempt", [86, 117]),
    ("B9", "no recovery after a collector's restart", [109, 113, "b9"]),
    ("B10", "memory and CPU while no collector is there", [96, "b10"]),
    ("B11", "keep-alive pins one backend", ["b11"]),
    ("B12", "ill-formed UTF-8 costs a batch, truncation splits a character", [28, 41]),
    ("B13", "duplicate keys are exported", [24, "b13"]),
    ("B14", "ratio rules that differ between languages", ["b14"]),
    ("B15", "the sampled flag leaks through a dropped span", [50, 51]),
    ("B16", "parentbased is blind to a remote parent", [49, 57]),
    ("B17", "tracestate: one bad member, digits, blanks, duplicates",
     [141, 142, 143, 144, 145, 146, 147, 148, 149]),
    ("B18", "flags compared for equality, 0x02 rejected", [69, 138]),
    ("B19", "baggage without limits, CRLF in headers", [152, "b19"]),
    ("B20", "context lost over topics and threads", [157, "b20"]),
    ("B21", "endpoint paths", [97, 98, 99, 100]),
    ("B22", "headers from the environment", [101]),
    ("B23", "numbers of the environment that crash or spin", [46, 120]),
    ("B24", "OTEL_RESOURCE_ATTRIBUTES not decoded", [122]),
    ("B25", "telemetry about telemetry", [91]),
    ("B26", "the wall clock steps", [8]),
    ("B27", "contention and loss at the end of a span", [35, "b27"]),
    ("B28", "signals, SIGPIPE, descriptors above 1023", [94, "b28"]),
    ("B29", "partial success invisible", [110]),
    ("B30", "a second processor doubles the cost of a span", ["b30"]),
]


@row("b2", "full batches leave one after another, many within one delay")
def _(t):
    p = t.sdk()
    began = time.monotonic()
    for i in range(1, 21):
        p("burst", 512, "t", "n")
        t.collector.wait_for("batch %d" % i, lambda: len(t.collector.requests()) >= i)
    t.true(time.monotonic() - began < 50, "20 batches as by a delay of 5 s each")
    t.equal([r.span_count for r in t.collector.requests()], [512] * 20, "batches")


@row("b4", "flush and shutdown called by the exporter itself are refused, and nothing hangs")
def _(t):
    for kind in ("batch", "simple"):
        p = t.player()
        p("exporter", "e", "reenter")
        p("processor", "one", kind, "e")
        p("provider", "one")
        p("tracer", "t", "rig")
        p.span()
        p("flush", 10000)
        t.equal(p("reentered"), ["OTEL_ERR_BLOCKED"] * 2, "flush, shutdown within " + kind)
        t.equal(p("shutdown", 10000)[0], "OTEL_OK", "shutdown of " + kind)


@row("b10", "a dead port costs next to no CPU")
def _(t):
    absent = socket.socket()
    absent.bind(("127.0.0.1", 0))
    t.at_end(absent.close)
    for protocol in ("http/protobuf", "grpc"):
        p = t.sdk({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:%d" % absent.getsockname()[1],
                   "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_TIMEOUT": "1000"})
        p("burst", 10, "t", "n")
        before = p.numbers("usage")["cpu_ns"]
        p("flush", 10000)
        spent = p.numbers("usage")["cpu_ns"] - before
        # waits of 100 ms and more, doubling: four or five attempts, whatever else runs
        attempts = p.numbers("otlp")["requests"]
        t.true(1 <= attempts <= 10, "%d attempts in a second, %s" % (attempts, protocol))
        t.true(spent < 100 * MS, "%d ms of CPU in a second, %s" % (spent / MS, protocol))


@row("b11", "a connection has a largest age, so that load balancers can move it")
def _(t):
    for protocol in ("http", "grpc"):
        for age, connections in ((1, 3), (3600000, 1), (0, 1)):
            t.collector.mark()
            p = t.player()
            at = t.collector.grpc if protocol == "grpc" else t.collector.http + "/v1/traces"
            p("exporter", "e", "otlp", "endpoint=http://" + at, "protocol=" + protocol,
              "max_connection_age=%d" % age)
            p("processor", "one", "batch", "e")
            p("provider", "one")
            p("tracer", "t", "rig")
            for _ in range(3):
                p.span()
                p.flush()
                time.sleep(0.01)
            t.equal(len({r.connection for r in t.collector.requests()}), connections,
                    "connections with an age of %d ms over %s" % (age, protocol))


@row("b13", "keys are unique in attributes, maps, events, links, scope and resource")
def _(t):
    p = t.sdk({"OTEL_RESOURCE_ATTRIBUTES": "dup=1,dup=2"})
    p("tracer", "d", "lib", "", "", "dup", "i:1", "dup", "i:2")
    twice = ("dup", "i:1", "dup", "s:last")
    p("stage", "1" * 32, "2" * 16, 0, "", *twice)
    p("start", "s", "d", "s", *twice, "map", "{", *twice, "}")
    p("event", "s", "e", 0, *twice)
    p("link", "s", "1" * 32, "2" * 16, 0, "", *twice)
    p("exception", "s", "E", "m", "", "exception.type", "s:mine", "exception.type", "s:last")
    p("end", "s")
    s = t.one(p)  # the decoder refuses duplicates
    t.equal(s.attributes, {"dup": "last", "map": {"dup": "last"}}, "attributes")
    t.equal([e.attributes.get("dup", e.attributes.get("exception.type")) for e in s.events],
            ["last"] * 2, "events")
    t.equal([l.attributes for l in s.links], [{"dup": "last"}] * 2, "links")
    t.equal((s.scope.attributes, s.resource.attributes["dup"]), ({"dup": 2}, "2"),
            "scope, resource")


def big(data):
    return int.from_bytes(data, "big")


def magnitude(data):
    signed = int.from_bytes(data, "big", signed=True)
    return abs(signed)


RULES = {  # the sources of the SDKs, as the public header has them, a second time
    "go": lambda i, r: big(i[8:]) >> 1 < int(r * 2**63),
    "java": lambda i, r: magnitude(i[8:]) < int(r * (2**63 - 1)),
    "dotnet": lambda i, r: big(i[:8]) & 2**63 - 1 < int(r * (2**63 - 1)),
    "cpp": lambda i, r: big(i[:8]) <= int(r * (2**64 - 1)),
    "js": lambda i, r: big(i[:4]) ^ big(i[4:8]) ^ big(i[8:12]) ^ big(i[12:]) < int(r * (2**32 - 1)),
}


@row("b14", "each language's ratio rule by name decides as that language does")
def _(t):
    draw = random.Random(11)
    ids = ["%032x" % draw.getrandbits(128) for _ in range(1000)]
    sets = {}
    for name, rule in RULES.items():
        p = t.built(sampler=["rule", name, 0.1], before=[("ids", 1, *ids)])
        sets[name] = {w for w in p("burst", 1000, "t", "n", "print=1") if "=" not in w}
        t.equal(sets[name], {i for i in ids if rule(bytes.fromhex(i), 0.1)}, name)
    share = len(sets["go"] & sets["java"]) / len(sets["go"])
    t.true(0.3 < share < 0.7, "java keeps %.0f %% of what go keeps" % (100 * share))
    share = len(sets["dotnet"] & sets["cpp"]) / len(sets["cpp"])
    t.true(0.3 < share < 0.7, "dotnet keeps %.0f %% of what cpp keeps" % (100 * share))
    share = len(sets["go"] & sets["js"]) / len(sets["go"])
    t.true(share < 0.3, "js keeps %.0f %% of what go keeps" % (100 * share))


@row("b19", "no CR or LF gets into a header: baggage, metadata, trace state, exporter headers")
def _(t):
    p = t.player()
    evil = "a\r\nInjected: yes\r\n\r\n"
    p("extract", "c", "w3c", "traceparent", "00-%s-%s-01" % ("1" * 32, "2" * 16),
      "tracestate", "k=v\r\nInjected: yes", "baggage",
      "k=a%0d%0aInjected:%20yes,m=1;p=x\r\nInjected: yes")
    p("baggage", "b", "k", evil, "", "m", "1", evil, evil, "2", "")
    p("extract", "j", "jaeger", "uber-trace-id", "1:2:0:1", "uberctx-k", "a%0d%0aInjected")
    p("extract", "d", "datadog", "x-datadog-trace-id", "1", "x-datadog-parent-id", "2",
      "x-datadog-sampling-priority", "1", "x-datadog-origin", evil)
    p("extract", "o", "ottrace", "ot-tracer-traceid", "1" * 16, "ot-tracer-spanid", "2" * 16,
      "ot-tracer-sampled", "true", "ot-baggage-k", evil)
    for context in "cbjdo":
        for propagator in ("w3c", "jaeger", "datadog", "ottrace", "b3", "b3multi", "xray"):
            for name, value in p.headers(context, propagator).items():
                t.true(not re.search(r"[\x00-\x1f\x7f]", name + value),
                       "%s writes %r: %r" % (propagator, name, value))
    r = t.relay()
    p = t.sdk({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + r.address,
               "OTEL_EXPORTER_OTLP_HEADERS": "x-a=1%0d%0aInjected:%20yes,x-b=2"})
    t.true(p("reports") != [], "no report about a header with a line break")
    p.span()
    p("flush", 10000)
    headers = r.requests()[0][2]
    t.true("injected" not in headers and "x-a" not in headers, "headers %s" % headers)


@row("b20", "one trace through two topics and a pool of threads")
def _(t):
    p = t.sdk()
    p("start", "a", "t", "a send", "kind=4")
    carried = p.headers("span:a")
    p("finish", "a")
    for name in ("b", "c"):
        p("extract", "m", "w3c", *(w for kv in carried.items() for w in kv))
        p("start", "process", "t", name + " process", "kind=5", "ctx=m")
        p("attach", "span:process")
        p("start", "send", "t", name + " send", "kind=4")
        p("detach")
        carried = p.headers("span:send")
        p("finish", "send")
        p("finish", "process")
    spans = {s.name: s for s in t.spans(p)}
    t.equal(len({s.trace_id for s in spans.values()}), 1, "traces")
    chain = ["a send", "b process", "b send", "c process", "c send"]
    for parent, child in zip(chain, chain[1:]):
        t.equal(spans[child].parent, spans[parent].span_id, "parent of " + child)
    t.collector.mark()
    p("threads", 8, 50, "t")
    by_id = {s.span_id: s for s in t.spans(p)}
    children = [s for s in by_id.values() if s.name == "child"]
    t.equal(len(children), 400, "children on threads")
    t.true(all(by_id[s.parent].name == "parent" for s in children), "a parent is lost")


@row("b27", "32 threads end spans at a full queue: nothing stops, the books balance")
def _(t):
    p = t.built(batch=["queue=64", "batch=32"])
    p("threads", 32, 500, "t")
    arrived = len(t.spans(p))
    s = p.numbers("stats")
    t.equal((s["started"], s["received"]), (32000, 32000), "started, handed to the processor")
    t.equal(s["exported"] + s["queue_full"], 32000, "exported or dropped")
    t.equal(s["exported"], arrived, "exported")
    t.equal(p.numbers("drops")["queue_full"], s["queue_full"], "told to the callback")


@row("b28", "descriptors above 1023 do")
def _(t):
    for protocol in ("http/protobuf", "grpc"):
        t.collector.mark()
        p = t.player({"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT":
                      "http://" + (t.collector.grpc if protocol == "grpc" else t.collector.http)})
        last = p.numbers("files", 1500)["last"]
        if last < 1100:
            raise Skipped("no more than %d descriptors are allowed here" % last)
        p("env")
        p("tracer", "t", "rig")
        p.span()
        t.one(p)


def instructions(t, processors, spans):
    """Of a run that makes this many spans with so many processors whose workers sleep."""
    lines = []
    for i in range(processors):
        lines += [("exporter", "e", "hang"),
                  ("processor", "p%d" % i, "batch", "e", "queue=8192", "batch=8192", HOUR)]
    lines += [("provider", *("p%d" % i for i in range(processors))), ("tracer", "t", "rig"),
              ("burst", spans, "t", "n"), ("leave", 0)]
    text = "".join(" ".join(word(w) for w in line) + "\n" for line in lines)
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", BUILD + "/sdk-put"],
        input=text, capture_output=True, text=True, timeout=300, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    t.true(done.returncode == 0 and found, "valgrind: " + done.stderr[-300:])
    return int(found.group(1))


@row("b30", "a second processor adds less than half of a span's cost")
def _(t):
    if "asan" in BUILD:
        raise Skipped("a sanitizer and valgrind cannot be together")
    if shutil.which("valgrind") is None:
        raise Skipped("valgrind is not installed")
    one, two = ((instructions(t, n, 4000) - instructions(t, n, 1000)) / 3000 for n in (1, 2))
    t.true(two < 1.5 * one, "%d instructions a span with one processor, %d with two" % (one, two))
