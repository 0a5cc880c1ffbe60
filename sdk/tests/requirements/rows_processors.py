# SPDX-License-Identifier: Apache-2.0
"""72 to 96: processors, flush, shutdown, and how a process ends."""
import os
import signal
import socket
import subprocess
import time

import network
import otlp
from clock import until
from rig import BUILD, LONG, PATIENT_SDK, Skipped, row

HOUR = "delay=3600000"
MS = 1_000_000


def early(t):
    """A player that waits while the other rows run."""
    t.idle_collector = t.keep_collector()
    t.idle = t.keep(t.sdk({"OTEL_BSP_SCHEDULE_DELAY": "50"}, t.idle_collector))
    t.idle_since, t.idle_before = time.monotonic(), t.idle.numbers("usage")["cpu_ns"]


def count(t, collector=None):
    return len((collector or t.collector).spans())


@row(72, "a full batch is exported without waiting for the delay")
def _(t):
    clock = t.hold_clock()
    p = t.built()
    clock.wait_for(5000)
    p("burst", 511, "t", "n")
    clock.move(4999)
    clock.wait_for(1)
    t.equal(t.collector.requests(), [], "requests before the batch is full, in 4999 ms")
    p("burst", 1, "t", "n")
    t.collector.wait_for("512 spans, while the clock stands", lambda: count(t) == 512)
    t.equal(len(t.collector.requests()), 1, "requests")


@row(74, "no request holds more than the largest batch")
def _(t):
    p = t.built(batch=["batch=100", HOUR])
    p("burst", 2000, "t", "n")
    t.equal(len(t.spans(p)), 2000, "spans")
    sizes = [r.span_count for r in t.collector.requests()]
    t.true(max(sizes) <= 100, "batches of %s" % sizes)


def held_exports(t, p, c, protocol, most):
    """320 spans in batches of 50 while nothing is answered, so that no export ends; and then. The
    spans that were sent after that."""
    what = ", %d at once over %s" % (most, protocol)
    c.fault(kind="stall")
    p("burst", 300, "t", "n")
    c.wait_for("requests" + what, lambda: len(c.requests()) >= most)
    p("burst", 20, "t", "n")  # wakes the worker again
    stats = p.numbers("stats")
    t.equal((stats["in_flight"], stats["queued"]), (most * 50, 320 - most * 50),
            "in flight and queued while nothing is answered" + what)
    t.equal(len(c.requests()), most, "requests that wait" + what)
    t.equal(len({r.connection for r in c.requests()}), most, "connections" + what)
    records = len(c.records())
    c.end_fault()  # their connections are cut, and they are sent again
    p.flush()
    spans = [s for r in c.requests()[most:] for s in otlp.read_spans(r.body)[0]]
    t.equal((len(spans), len({s.span_id for s in spans})), (320, 320), "spans, ids" + what)
    t.true(c.most_at_once(records) <= most, "requests at once" + what)


@row(75, "an export begins when the one before has ended, or beside as many as are wanted")
def _(t):
    batches = {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "50", "OTEL_BSP_SCHEDULE_DELAY": "3600000",
               "OTEL_BSP_EXPORT_TIMEOUT": "0", "OTEL_EXPORTER_OTLP_TIMEOUT": "0"}
    for protocol in ("http/protobuf", "grpc"):
        for exports in (None, 1, 3, 6):
            c = t.own_collector()
            at = c.grpc if protocol == "grpc" else c.http
            p = t.sdk(dict(batches, OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
                           OTEL_EXPORTER_OTLP_ENDPOINT="http://" + at), c,
                      ["exports=%d" % exports] if exports else [])
            held_exports(t, p, c, protocol, exports or 1)


@row("b36", "exporters beside one another: each has a batch of its own, none twice")
def _(t):
    c = t.own_collector()
    p = t.player()
    for name in ("a", "b", "d"):
        p("exporter", name, "otlp", "endpoint=http://%s/v1/traces" % c.http, "timeout=0")
    p("processor", "one", "batch", "a", "batch=50", HOUR, "timeout=0", "b", "d")
    p("provider", "one")
    p("tracer", "t", "rig")
    held_exports(t, p, c, "http", 3)


@row(76, "a full queue drops the newest spans and does not hold up the program")
def _(t):
    c = t.own_collector()
    c.fault(kind="stall")
    p = t.built(collector=c, exporter=["timeout=0"], batch=["timeout=0", HOUR])
    p("burst", 512, "t", "first")
    c.wait_for("a request that is not answered", lambda: c.requests())
    p("burst", 10000, "t", "n")  # all have ended, though nothing has been answered
    stats = p.numbers("stats")
    t.equal([stats[k] for k in ("exported", "in_flight", "queued", "queue_full")],
            [0, 512, 2048, 7952], "exported, in flight, queued, queue_full")
    c.end_fault()
    spans = t.spans(p, c)
    kept = {name: sorted({s.attributes["n"] for s in spans if s.name == name})
            for name in ("first", "n")}  # what the stall met may have come twice
    t.equal(kept, {"first": list(range(512)), "n": list(range(2048))}, "the oldest are kept")
    stats = p.numbers("stats")
    t.equal((stats["exported"], stats["queue_full"]), (2560, 7952), "exported, queue_full")


@row(77, "drops are counted, told to the callback, and reported at a bounded rate")
def _(t):
    c = t.own_collector()
    c.fault(kind="stall")
    p = t.built(collector=c, exporter=["timeout=0"],
                batch=["queue=100", "batch=100", "timeout=0", HOUR])
    p("burst", 5000, "t", "n")
    c.end_fault()
    kept = len({s.attributes["n"] for s in t.spans(p, c)})
    drops = p.numbers("drops")
    t.equal(drops["queue_full"], 5000 - kept, "by the callback")
    t.equal(drops["ids"], 5000 - kept, "with ids")
    t.equal(p.numbers("stats", 0)["queue_full"], 5000 - kept, "by the counter")
    told = [r for r in p("reports") if "queue" in r]
    t.true(1 <= len(told) <= 5, "%d reports: %s" % (len(told), told[:3]))


@row(78, "started = exported + dropped + not sampled + open")
def _(t):
    p = t.built(sampler=["ratio", "0.5"], batch=["queue=64", "batch=64"])
    p("start", "open", "t", "open", "root=1")
    p("burst", 3000, "t", "n")
    arrived = len(t.spans(p))
    s = p.numbers("stats")
    t.equal(s["exported"], arrived, "exported")
    t.equal(s["started"], s["not_recorded"] + s["record_only"] + s["sampled"], "started")
    still_open = p.look("open")[2]["flags"] & 1
    t.equal(s["sampled"], s["exported"] + s["queue_full"] + still_open, "sampled")
    t.equal(s["started"], 3001, "started")


@row(79, "force_flush returns when all that ended before is acknowledged")
def _(t):
    c = t.own_collector()
    c.fault(kind="delay", delay_ns=100 * MS)
    p = t.built(collector=c, batch=["batch=50", HOUR])
    p("burst", 120, "t", "n")
    err, _ = p("flush", LONG)
    returned = time.monotonic_ns()
    t.equal((err, count(t, c)), ("OTEL_OK", 120), "flush, spans when it returned")
    # each answer comes 100 ms after its request, by the clock of the tap, which is this one
    waited = returned - max(r.mono_ns for r in c.requests())
    t.true(waited >= 100 * MS, "it did not wait for the last answer: %d ns" % waited)


def keeps_limit(t, p, call, limit, what):
    """A flush or shutdown that nothing but its limit can end: when that is, to the millisecond. It
    may allow for a tenth beyond, for an exporter that does not come back."""
    p.send(call, limit)
    waits = p.clock.wait_for(limit, 1.1 * limit, caller=True)
    p.clock.move(limit - 1)
    p.clock.wait_for(waits - limit + 1, caller=True)
    t.true(p.is_silent(), "%s gave up before %d ms, %s" % (call, limit, what))
    p.clock.move(1)
    _, err, took = p.answer()
    t.equal((err, took), ("OTEL_ERR_TIMEOUT", "took_ns=%d" % (limit * MS)), "%s, %s" % (call, what))


@row(80, "force_flush keeps its time limit when the collector stalls")
def _(t):
    for protocol in ("http", "grpc"):
        c = t.own_collector()
        c.fault(kind="stall")
        clock = t.hold_clock()
        p = t.player()
        # nothing but its own limit can end the flush: the export has none, and the stall lasts
        p("exporter", "e", "otlp", "protocol=" + protocol, "timeout=0",
          "endpoint=http://" + (c.grpc if protocol == "grpc" else c.http + "/v1/traces"))
        p("processor", "one", "batch", "e", "timeout=0", HOUR)
        p("provider", "one")
        p("tracer", "t", "rig")
        p.span("waits")
        keeps_limit(t, p, "flush", 2000, "over " + protocol)
        t.equal(p.numbers("stats")["exported"], 0, "exported while the collector stalls")
        c.end_fault()

        def goes_on():
            clock.move(100)  # it may have to be tried again
            return "waits" in [s.name for s in c.spans()]
        c.wait_for("the export, which went on, over " + protocol, goes_on)


@row(81, "eight threads flush at once")
def _(t):
    p = t.built(batch=[HOUR])
    p("burst", 100, "t", "n")
    got = p("flushers", 8, LONG)
    t.equal(got[:8], ["OTEL_OK"] * 8, "flushes")
    t.equal(count(t), 100, "spans")


@row(82, "shutdown exports what is left")
def _(t):
    p = t.built(batch=[HOUR])
    p("burst", 10, "t", "n")
    t.equal(p.end(), 0, "exit status")
    t.equal(count(t), 10, "spans")


def no_answer(t):
    """Endpoints of each protocol that never answer an export, by what is wrong with them."""
    stalled, late, drips = (t.own_collector() for _ in range(3))
    stalled.fault(kind="stall")
    late.fault(kind="delay", delay_ns=3600 * 1000 * MS)  # by the machine's clock: never
    drips.fault(kind="slow_answer", rate=1)
    silent, absent = socket.socket(), socket.socket()
    for s in (silent, absent):
        s.bind(("127.0.0.1", 0))
        t.at_end(s.close)
    silent.listen(16)
    hole = network.BlackHole()
    t.at_end(hole.close)
    t.at_end(lambda: [c.stop(kill=True) for c in (stalled, late, drips)])
    for name, http, grpc in (
            ("stalled", stalled.http, stalled.grpc), ("late", late.http, late.grpc),
            ("dripping", drips.http, drips.grpc), ("a black hole", hole.address, hole.address),
            *((name, *["127.0.0.1:%d" % s.getsockname()[1]] * 2)
              for name, s in (("silent", silent), ("absent", absent)))):
        yield name, "http/protobuf", http
        yield name, "grpc", grpc


@row(83, "shutdown and force_flush keep their limits: a collector that stalls, is late, drips, is "
     "silent, absent, a black hole")
def _(t):
    for name, protocol, endpoint in no_answer(t):
        t.hold_clock()
        # exports have no limit: but for its own the shutdown would not end
        p = t.sdk({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + endpoint,
                   "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_TIMEOUT": "0",
                   "OTEL_BSP_EXPORT_TIMEOUT": "0", "OTEL_BSP_SCHEDULE_DELAY": "3600000"})
        what = "%s, %s" % (name, protocol)
        p("burst", 7, "t", "n")
        keeps_limit(t, p, "flush", 3000, what)
        p("burst", 4, "t", "n")
        keeps_limit(t, p, "shutdown", 2000, what)
        lost, told = p.numbers("stats"), p.numbers("drops")
        t.equal(lost["export_failed"] + lost["export_timeout"], 11, "lost and counted, " + what)
        t.equal(told["export_failed"] + told["export_timeout"], 11, "lost and told, " + what)
        t.equal((lost["queued"], lost["in_flight"], lost["exported"]), (0, 0, 0), "left, " + what)
        t.equal(p.end(), 0, "exit status, " + what)
    for name, protocol, endpoint in no_answer(t):
        simple_keeps_limit(t, protocol, endpoint, "%s, %s, simple" % (name, protocol))


def simple_keeps_limit(t, protocol, endpoint, what):
    """The simple processor: an export hangs on one thread, another one shuts down."""
    clock = t.hold_clock()
    p = t.player()
    p("exporter", "e", "otlp", "endpoint=http://%s/v1/traces" % endpoint, "timeout=0",
      "protocol=" + ("grpc" if protocol == "grpc" else "http"))
    p("processor", "one", "simple", "e", "timeout=0")
    p("provider", "one")
    p("tracer", "t", "rig")
    p("busy", 1, "t")
    t.collector.wait_for("an export, " + what, lambda: p.numbers("stats")["in_flight"] == 1)
    keeps_limit(t, p, "flush", 3000, what)
    p.send("shutdown", 2000)
    gives_up = clock.now() + clock.wait_for(2000, 2200, caller=True)
    clock.move(1999)
    t.true(p.is_silent(), "shutdown gave up early, " + what)
    while True:  # the export looks for a shutdown ten times a second
        until("a look, or the end, " + what, lambda: not p.is_silent() or clock.looks(gives_up))
        if not p.is_silent():
            break
        t.true(clock.now() < 3000 + 2200, "shutdown takes more than a tenth too long, " + what)
        clock.move(min(clock.looks(gives_up), default=0))
    _, _, took = p.answer()
    t.true(2000 * MS <= int(took.split("=")[1]) <= 2200 * MS, "shutdown %s, %s" % (took, what))
    lost = p.numbers("stats")
    t.equal((lost["export_failed"] + lost["export_timeout"], lost["in_flight"]), (1, 0),
            "lost and counted, left, " + what)
    t.equal(p.end(), 0, "exit status, " + what)


@row(84, "shutdown twice and from two threads")
def _(t):
    p = t.built(batch=[HOUR])
    p("burst", 10, "t", "n")
    got = p("stoppers", 2, LONG)
    t.equal(sorted(got[:2]), ["OTEL_ERR_CLOSED", "OTEL_OK"], "shutdowns")
    t.equal(p("shutdown", 1000)[0], "OTEL_ERR_CLOSED", "the third")
    t.equal(count(t), 10, "spans")


@row(85, "spans after shutdown are not exported; what ends late is counted")
def _(t):
    p = t.built()
    p("start", "late", "t", "late")
    p("shutdown", LONG)
    p("end", "late")
    p("start", "after", "t", "after")
    t.equal(p.look("after")[2]["recording"], 0, "recording after shutdown")
    p("end", "after")
    t.equal(count(t), 0, "spans")
    stats = p.numbers("stats")
    t.equal((stats["after_shutdown"], stats["not_recorded"]), (1, 1), "counted")
    t.equal(p("enabled", "t"), ["0"], "tracer enabled")


@row(86, "an export that hangs is cancelled after 30 s by default, the next batch flows")
def _(t):
    c = t.own_collector()
    c.fault(kind="stall")
    clock = t.hold_clock()
    # the stall lasts and the exporter has no limit: the processor's alone ends the export
    p = t.built(collector=c, exporter=["timeout=0"], batch=["batch=1", HOUR])
    p.span("hung")
    clock.wait_for(30000)
    clock.move(29999)
    clock.wait_for(1)
    t.equal(p.numbers("stats")["in_flight"], 1, "in flight after 29999 ms")
    clock.move(1)
    c.wait_for("its end after 30 s", lambda: p.numbers("stats")["in_flight"] == 0)
    t.equal(p.numbers("stats")["export_timeout"], 1, "export_timeout")
    c.end_fault()
    c.wait_for("the next batch", lambda: flows(p, c))


def flows(p, c):
    p.span("flows")
    p.clock.move(100)  # it may have to be tried again
    return "flows" in [s.name for s in c.spans()]


@row(87, "no wake-up is lost: a thousand flushes and shutdowns while the clock stands")
def _(t):
    t.hold_clock()
    p = t.player()
    got = p.numbers("races", 1000, 0)
    t.equal((got["slowest_ns"], got["late"], got["failed"]), (0, 0, 0), "slowest, late, failed")


@row(88, "the simple processor: a request for each span, one after another")
def _(t):
    p = t.player()
    p("exporter", "e", "otlp", "endpoint=http://%s/v1/traces" % t.collector.http)
    p("processor", "one", "simple", "e")
    p("provider", "one")
    p("tracer", "t", "rig")
    p("burst", 5, "t", "n")
    t.equal([r.span_count for r in t.collector.requests()], [1] * 5, "spans of the requests")
    p("threads", 4, 20, "t")
    t.equal((t.collector.most_at_once(), count(t)), (1, 165), "requests at once, spans")


@row(89, "of two processors one hangs, the other flows")
def _(t):
    p = t.player()
    p("exporter", "h", "hang")
    p("processor", "hanging", "batch", "h", "batch=1", "timeout=0")
    p("exporter", "e", "otlp", "endpoint=http://%s/v1/traces" % t.collector.http)
    p("processor", "flowing", "batch", "e", "delay=20")
    p("provider", "hanging", "flowing")
    p("tracer", "t", "rig")
    p("burst", 100, "t", "n")
    t.collector.wait_for("100 spans beside a hanging exporter", lambda: count(t) == 100)
    t.equal(p.numbers("stats", 0)["exported"], 0, "exported by the one that hangs")


@row(90, "processors are called in order, on_ending of all before any on_end")
def _(t):
    p = t.player()
    p("processor", "a", "probe")
    p("processor", "b", "probe")
    p("exporter", "e", "otlp", "endpoint=http://%s/v1/traces" % t.collector.http)
    p("processor", "one", "batch", "e")
    p("provider", "a", "b", "one")
    p("tracer", "t", "rig")
    p("start", "s", "t", "s")
    p("end", "s")
    t.equal(p("log"), ["a:start:s", "b:start:s", "a:ending:s", "b:ending:s", "a:end:s", "b:end:s"],
            "calls")
    t.equal(t.one(p).attributes, {"probe.start": "b", "probe.ending": "b"}, "attributes")
    p("shutdown", LONG)
    t.equal([w for w in p("log") if "shutdown" in w], ["a:shutdown:", "b:shutdown:"], "shutdowns")


@row(91, "the exporter does not trace itself")
def _(t):
    c = t.own_collector()
    for protocol, at in (("http", c.http + "/v1/traces"), ("json", c.http + "/v1/traces"),
                         ("grpc", c.grpc)):
        for kind in ("batch", "simple"):
            c.mark()
            p = t.player()
            p("exporter", "e", "otlp", "endpoint=http://" + at, "protocol=" + protocol, "backoff=5")
            p("processor", "one", kind, "e")
            p("provider", "one")  # the global one: what an instrumented client would use
            p("tracer", "t", "rig")
            # a sampled span is current, on the thread that exports too with the simple processor,
            # and the first export is tried twice
            p("start", "around", "t", "around")
            p("attach", "span:around")
            c.fault(kind="status", status=503, count=1)
            for _ in range(4):
                p.span()
                p.flush()
            p("detach")
            p("finish", "around")
            p("shutdown", LONG)
            what = "spans over %s, %s" % (protocol, kind)
            t.equal(p.numbers("stats")["started"], 5, "started: " + what)
            t.equal(c.fault_over()["requests"], 1, "tried again: " + what)
            t.equal(p.numbers("otlp")["spans_delivered"], 5, "delivered: " + what)


@row(92, "after fork the child exports its own spans, the parent its queue, each once")
def _(t):
    for protocol in ("http/protobuf", "grpc"):
        t.collector.mark()
        p = t.sdk({"OTEL_BSP_SCHEDULE_DELAY": "3600000", "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
                   "OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + (
                       t.collector.grpc if protocol == "grpc" else t.collector.http)})
        p("burst", 5, "t", "before")
        p.flush()
        p("burst", 100, "t", "parent")
        p.send("fork", 3)
        for line in (("burst", 10, "t", "child"), ("flush", LONG), ("shutdown", LONG)):
            p.send(*line)
        t.equal(p.answer(), ["ok", "status=0"], "the child")
        p("burst", 7, "t", "parent")
        spans = t.spans(p)
        names = [s.name for s in spans]
        t.equal([names.count(n) for n in ("before", "child", "parent")], [5, 10, 107],
                "spans over " + protocol)
        t.equal(len({s.span_id for s in spans}), 122, "span ids that differ")
        t.equal(len({s.trace_id for s in spans}), 122, "trace ids that differ")


@row(93, "SIGTERM, handled as documented, loses no span")
def _(t):
    p = t.built(batch=[HOUR])
    pid = int(p("signals")[0])
    p("burst", 10, "t", "n")
    os.kill(pid, signal.SIGTERM)
    t.equal(p.process.wait(60), 0, "exit status")
    t.equal(count(t), 10, "spans")


@row(94, "SIGPIPE, EINTR and resets kill nothing; the SDK's threads take no signals")
def _(t):
    c = t.own_collector()
    p = t.built(collector=c, exporter=["backoff=20", "timeout=60000"], batch=["batch=1"])
    pid = int(p("signals")[0])
    p.span("before")
    p.flush()
    for _ in range(20):
        os.kill(pid, signal.SIGUSR1)
    c.fault(kind="refuse")
    p.span("reset")
    p.next_wait()  # it was refused
    c.end_fault()
    p.flush()
    masks = p("masks")
    t.true(int(masks[0].split("=")[1]) >= 1, "the program's own handler ran")
    t.equal(len(masks), 2, "threads of the SDK")
    # all 64 but KILL (9), STOP (19) and the two that the C library keeps (32, 33)
    never = 1 << 8 | 1 << 18 | 1 << 31 | 1 << 32
    t.equal(int(masks[1], 16) | never, 2**64 - 1, "blocked signals " + masks[1])
    t.equal([s.name for s in c.spans()], ["before", "reset"], "spans")


@row(95, "exit() with everything in flight, a span in an exit handler, the library closed")
def _(t):
    for setup in ("env", "built"):
        p = t.sdk() if setup == "env" else t.built()
        p("burst", 10, "t", "n")
        p("start", "open", "t", "open")
        p("at_exit", "t")
        p("leave", 7)
        t.equal(p.process.wait(60), 7, "exit status, " + setup)
    unload(t)


def unload(t):
    """A program that loads the shared library as a plug-in does, three times."""
    built = "build/release/dist"
    if not os.path.exists(built + "/libotel_sdk.so.0"):
        raise Skipped("no shared libraries in " + built)
    done = subprocess.run(
        [BUILD + "/sdk-unload", built + "/libotel_sdk.so.0"], capture_output=True, text=True,
        timeout=60, check=False, env={"LD_LIBRARY_PATH": built, "OTEL_EXPORTER_OTLP_ENDPOINT":
                                      "http://" + t.collector.http})
    t.equal((done.returncode, done.stderr), (0, ""), "a program that closes the library")
    rounds = [dict(w.split("=") for w in line.split()) for line in done.stdout.splitlines()]
    t.equal([r["threads"] for r in rounds], ["1"] * 3, "threads when it is closed")
    t.equal(len({(r["blocks"], r["descriptors"]) for r in rounds}), 1, "left behind: %s" % rounds)
    t.equal([r["mapped"] for r in rounds], ["1"] * 3, "it stays mapped, as its header says")
    t.equal([r["delivered"] for r in rounds], ["20"] * 3, "spans delivered")


def without_a_collector(p, seconds):
    """50,000 spans a second for so long; what is resident every tenth of it, in KiB."""
    began, made, resident = time.monotonic(), 0, []
    while made < 50000 * seconds:
        p("burst", 2500, "t", "n", "bytes=200")
        made += 2500
        if made * 10 // (50000 * seconds) > len(resident):
            resident.append(p.numbers("usage")["rss_kib"])
        time.sleep(max(0, began + made / 50000 - time.monotonic()))
    took = time.monotonic() - began
    print("# %d spans in %.0f s, %.0f a second; resident KiB after each tenth: %s" %
          (made, took, made / took, resident))
    if took > 1.1 * seconds:
        raise Skipped("the machine made %.0f spans a second, not 50,000" % (made / took))
    return resident


@row(96, "memory stays bounded while no collector answers")
def _(t):
    absent = socket.socket()
    absent.bind(("127.0.0.1", 0))
    p = t.sdk(dict(dict.fromkeys(PATIENT_SDK), OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:%d" %
                   absent.getsockname()[1]))  # with the SDK's own limits
    p("burst", 20000, "t", "n", "bytes=200")
    before = p.numbers("usage")["rss_kib"]
    long = int(os.environ.get("LONG", "0"))
    if long:
        resident = without_a_collector(p, long)
        t.true(resident[-1] - resident[0] < 256, "from the first tenth to the last: %s KiB" %
               resident)
    else:
        for _ in range(10):
            p("burst", 20000, "t", "n", "bytes=200")
    after = p.numbers("usage")["rss_kib"]
    # a sanitizer keeps what was freed for a while: there the books alone are judged
    t.true(after - before < 4096 or "asan" in BUILD,
           "%d KiB more than after 20,000 spans" % (after - before))
    stats = p.numbers("stats")
    t.equal(stats["exported"], 0, "exported")
    t.true(stats["queue_full"] + stats["export_failed"] + stats["export_timeout"] >=
           stats["sampled"] - 2048 - 512, "the books: %s" % stats)
    absent.close()


@row(73, "what waits is exported when the delay has passed; 5 s by default")
def _(t):
    for delay, options in ((5000, []), (200, ["delay=200"])):
        t.collector.mark()
        clock = t.hold_clock()
        p = t.built(batch=options)
        for nth in (1, 2):  # the second time from the first export on
            clock.wait_for(delay)
            p.span()
            clock.move(delay - 1)
            clock.wait_for(1)
            t.equal(count(t), nth - 1, "spans after %d ms" % (delay - 1))
            clock.move(1)
            t.collector.wait_for("span %d after %d ms" % (nth, delay), lambda: count(t) == nth)
            t.collector.wait_for("its answer", lambda: p.numbers("stats")["exported"] == nth)
        t.equal(len(t.collector.requests()), 2, "requests")


@row(118, "nothing is sent when there is nothing to send")
def _(t):
    clock, c = t.hold_clock(), t.own_collector()
    p = t.sdk(collector=c)
    for _ in range(100):
        clock.wait_for(5000)
        clock.move(5000)
    t.equal(c.records()[1:], [], "what an idle SDK sent in 500 s")
    t.equal(p.numbers("stats")["batches"], 0, "batches")
    # this one's delay has passed a hundred times while the rows above ran
    t.equal(t.idle_collector.records()[1:], [], "what an idle SDK sent")
    t.equal(t.idle.numbers("stats")["batches"], 0, "batches")
    # It is to sleep: a hundredth of the time is fifty times what waking up takes. A machine that is
    # stopped while it runs may count as its own what others took: that is not so each time.
    for _ in range(3):
        now, at = t.idle.numbers("usage")["cpu_ns"], time.monotonic()
        spent, took = now - t.idle_before, at - t.idle_since
        if spent < took * 1e9 / 100:
            return
        t.idle_before, t.idle_since = now, at
        time.sleep(2)
    t.true(False, "%d ms of CPU in %d s, idle" % (spent / MS, took))
