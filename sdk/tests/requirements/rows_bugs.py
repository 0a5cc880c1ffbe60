# SPDX-License-Identifier: Apache-2.0
"""Bug classes that SDKs had in the field: rows of their own, and rows that show the others."""
import os
import random
import re
import shutil
import signal
import socket
import subprocess

import network
from rig import BUILD, LONG, Skipped, row, word

HOUR = "delay=3600000"
MS = 1_000_000

# class -> title, the rows whose scenario is its own (b...: below)
CLASSES = [
    ("B1", "silent loss when the queue is full", [76, 77]),
    ("B2", "one batch a delay", [72, "b2"]),
    ("B3", "shutdown and flush that hang or ignore their limit", [80, 81, 83, 84, 87]),
    ("B4", "shutdown on the thread that the export needs", ["b4"]),
    ("B5", "fork", [92, "b40", "b41"]),
    ("B6", "loss at exit, at SIGTERM, crashes of late spans", [82, 93, 95, "b6"]),
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
    ("B28", "signals, SIGPIPE, threads, descriptors above 1023",
     [94, "b28", "b33", "b34"]),
    ("B29", "partial success invisible", [110]),
    ("B30", "a second processor doubles the cost of a span", ["b30"]),
]


@row("b2", "full batches leave one after another, many within one delay")
def _(t):
    t.hold_clock()  # no delay ever passes
    p = t.sdk()
    for i in range(1, 21):
        p("burst", 512, "t", "n")
        t.collector.wait_for("batch %d" % i, lambda: len(t.collector.requests()) >= i)
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
        p("flush", LONG)
        t.equal(p("reentered"), ["OTEL_ERR_BLOCKED"] * 2, "flush, shutdown within " + kind)
        t.equal(p("shutdown", LONG)[0], "OTEL_OK", "shutdown of " + kind)


@row("b6", "a short program that exits, SIGTERM under load, late spans: none is lost in silence")
def _(t):
    for protocol in ("http/protobuf", "grpc"):
        for kind in ("batch", "simple"):
            short_programs(t, protocol, kind)
            busy_program(t, protocol, kind)
    # a shutdown that lost spans says so
    c = t.own_collector()
    c.fault(kind="status", status=400, code=3)
    for protocol in ("http", "grpc"):
        p = t.otlp(c, protocol)
        p.span()
        t.equal(p("shutdown", LONG)[0], "OTEL_ERR_REFUSED", "shutdown, over " + protocol)
        t.equal(p.numbers("stats")["export_failed"], 1, "export_failed, over " + protocol)


def farewell(t, protocol, kind, exporter=()):
    c = t.collector
    at = c.grpc if protocol == "grpc" else c.http + "/v1/traces"
    p = t.player()
    p("exporter", "e", "otlp", "endpoint=http://" + at, "protocol=" + protocol, *exporter)
    p("processor", "one", kind, "e", *([HOUR] if kind == "batch" else []))
    p("provider", "one")
    p("tracer", "t", "rig")
    c.mark()
    return p


def short_programs(t, protocol, kind):
    """One span and exit(0), the shutdown in an exit handler: and one span in another handler, that
    runs before it, or behind it."""
    for order in (("at_exit_shutdown",), ("at_exit_shutdown", "at_exit t"),
                  ("at_exit t", "at_exit_shutdown")):
        p = farewell(t, protocol, kind)
        for line in order:
            p(*line.split())
        p.span("only")
        p("leave", 0)
        t.equal(p.process.wait(60), 0, "exit status, %s, %s, %s" % (order, protocol, kind))
        t.equal([s.name for s in t.collector.spans()],
                ["only", "at-exit"] if order[-1] == "at_exit t" else ["only"],
                "spans, %s, %s, %s" % (order, protocol, kind))


def busy_program(t, protocol, kind):
    """SIGTERM while four threads end spans, which they go on to do through the shutdown."""
    p = farewell(t, protocol, kind)
    pid = int(p("signals")[0])
    p("busy", 4, "t")
    t.collector.wait_for("spans of busy threads", lambda: len(t.collector.requests()) >= 5)
    os.kill(pid, signal.SIGTERM)
    books = dict(w.split("=") for w in p.answer()[1:])
    t.equal(p.process.wait(60), 0, "exit status, %s, %s" % (protocol, kind))
    books = {k: int(n) for k, n in books.items()}
    what = "%s, %s: %s" % (protocol, kind, books)
    t.equal(books["exported"], sum(r.span_count for r in t.collector.requests()),
            "exported, " + what)
    t.equal(books["sampled"], books["exported"] + books["queue_full"] + books["after_shutdown"],
            "the books, " + what)
    t.equal((books["queued"], books["in_flight"]), (0, 0), "left behind, " + what)


@row("b10", "a dead port costs next to no CPU")
def _(t):
    absent = socket.socket()
    absent.bind(("127.0.0.1", 0))
    t.at_end(absent.close)
    for protocol in ("http/protobuf", "grpc"):
        p = t.sdk({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:%d" % absent.getsockname()[1],
                   "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_TIMEOUT": "1000"})
        for tries in (1, 2, 3):
            p("burst", 10, "t", "n")
            before, seen = p.numbers("usage")["cpu_ns"], p.numbers("otlp")["requests"]
            p("flush", LONG)
            spent = p.numbers("usage")["cpu_ns"] - before
            # waits of 100 ms and more, doubling: four or five attempts, none when the machine
            # stood still for the second
            attempts = p.numbers("otlp")["requests"] - seen
            t.true(attempts <= 10, "%d attempts in a second, %s" % (attempts, protocol))
            if attempts >= 1 and spent < 100 * MS:
                break  # else the machine may have been stopped, at our expense
            t.true(tries < 3, "%d attempts, %d ms of CPU in a second, %s" %
                   (attempts, spent / MS, protocol))


@row("b11", "a connection has a largest age, so that a balancer gets to share the load out")
def _(t):
    collectors = [t.own_collector() for _ in range(3)]
    for protocol in ("http", "grpc"):
        balancer = t.relay([c.grpc if protocol == "grpc" else c.http for c in collectors])
        balancer.http, balancer.grpc = balancer.address, balancer.address
        for age, shares in ((1000, [3, 3, 3]), (3600000, [9, 0, 0]), (0, [9, 0, 0])):
            clock = t.hold_clock()
            p = t.otlp(balancer, protocol, "max_connection_age=%d" % age)
            for c in collectors:
                c.mark()
            for _ in range(9):
                p.span()
                p.flush()
                clock.move(1000)
            what = "age of %d ms over %s" % (age, protocol)
            t.equal(sorted((len(c.spans()) for c in collectors), reverse=True), shares,
                    "spans of each collector, " + what)
            t.equal(p.numbers("otlp")["connections"], 9 if age == 1000 else 1,
                    "connections, " + what)


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


def kept_of(t, ids, rule=None):
    """By an SDK that has the rule from its environment."""
    p = t.player({"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1",
                  "OTEL_C_TRACES_SAMPLER_RATIO_RULE": rule, "OTEL_BSP_MAX_QUEUE_SIZE": "4096"})
    p("ids", 1, *ids)
    p("env")
    t.equal(p("reports"), [], "reports with the rule %s" % rule)
    p("tracer", "t", "rig")
    t.collector.mark()
    said = {w for w in p("burst", len(ids), "t", "n", "print=1") if "=" not in w}
    t.equal({s.trace_id for s in t.spans(p)}, said, "what arrives by the rule %s" % rule)
    return said


@row("b14", "each language's ratio rule by name decides as that language does; X-Ray's ids")
def _(t):
    draw = random.Random(11)
    ids = ["%032x" % draw.getrandbits(128) for _ in range(1000)]
    sets = {}
    for name, rule in RULES.items():
        p = t.built(sampler=["rule", name, 0.1], before=[("ids", 1, *ids)])
        sets[name] = {w for w in p("burst", 1000, "t", "n", "print=1") if "=" not in w}
        p.close()  # what it has not sent yet is not to arrive among others' spans
        t.equal(sets[name], {i for i in ids if rule(bytes.fromhex(i), 0.1)}, name)
        t.equal(kept_of(t, ids, name), sets[name], name + ", by the environment")
    t.equal(kept_of(t, ids), sets["go"], "by default")
    share = len(sets["go"] & sets["java"]) / len(sets["go"])
    t.true(0.3 < share < 0.7, "java keeps %.0f %% of what go keeps" % (100 * share))
    share = len(sets["dotnet"] & sets["cpp"]) / len(sets["cpp"])
    t.true(0.3 < share < 0.7, "dotnet keeps %.0f %% of what cpp keeps" % (100 * share))
    share = len(sets["go"] & sets["js"]) / len(sets["go"])
    t.true(share < 0.3, "js keeps %.0f %% of what go keeps" % (100 * share))
    # X-Ray's begin with the second in which they were made: with rules that read the first bytes
    # all traces of a time are kept or none; the other rules, and the default, keep their tenth
    for second, first_bytes in ((0x01234567, 1000), (0x6720f000, 0)):
        ids = ["%08x%024x" % (second, draw.getrandbits(96)) for _ in range(1000)]
        for name, rule in list(RULES.items()) + [(None, RULES["go"])]:
            kept = kept_of(t, ids, name)
            t.equal(kept, {i for i in ids if rule(bytes.fromhex(i), 0.1)}, "%s, X-Ray" % name)
            t.true(len(kept) == first_bytes if name in ("cpp", "dotnet") else
                   50 < len(kept) < 150, "%s keeps %d of 1000 of X-Ray's" % (name, len(kept)))


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
    p("flush", LONG)
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


@row("b33", "writing to a connection that the other end has left sends the program no SIGPIPE")
def _(t):
    # by the simple processor the export is on the program's own thread, where nothing is blocked,
    # and nobody looks at the connection between two exports
    for protocol in ("http", "grpc"):
        t.collector.mark()
        r = t.relay(t.collector.grpc if protocol == "grpc" else None)
        p = t.player()
        p("exporter", "e", "otlp", "endpoint=http://%s/v1/traces" % r.address,
          "protocol=" + protocol, "backoff=5")
        p("processor", "one", "simple", "e")
        p("provider", "one")
        p("tracer", "t", "rig")
        for _ in range(20):
            p.span()
            r.slam()
        t.equal(len(t.collector.spans()), 20, "spans over " + protocol)
        t.equal(p.numbers("otlp")["connections"], 20, "connections over " + protocol)


@row("b34", "the program makes the SDK's threads: in a network that it has left itself")
def _(t):
    if not network.isolated:
        raise Skipped("networks cannot be made on this machine")
    here = "/proc/%d/ns/net" % os.getpid()
    for protocol in ("http", "grpc"):
        for net in ([], ["net=" + here]):
            c = t.collector
            c.mark()
            p = t.player()
            p("exporter", "e", "otlp", "protocol=" + protocol, "attempts=1", "endpoint=http://" +
              (c.grpc if protocol == "grpc" else c.http + "/v1/traces"))
            p("leave_net")
            p("processor", "one", "batch", "e", *net)
            p("provider", "one")
            p("tracer", "t", "rig")
            p.span()
            t.equal(p("flush", LONG)[0] == "OTEL_OK", bool(net), "flush over %s, %s" %
                    (protocol, net))
            t.equal(len(c.spans()), len(net), "spans over %s, %s" % (protocol, net))


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
