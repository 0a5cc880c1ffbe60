# SPDX-License-Identifier: Apache-2.0
"""72 to 96: processors, flush, shutdown, and how a process ends."""
import os
import signal
import socket
import subprocess
import time

from rig import BUILD, Skipped, row

HOUR = "delay=3600000"
MS = 1_000_000


def early(t):
    """Players that wait for seconds while the other rows run."""
    t.defaults_collector = t.keep_collector()
    t.defaults = t.keep(t.sdk(collector=t.defaults_collector))
    t.defaults_began = time.monotonic_ns()
    for name in "abc":
        t.defaults.span(name)
    t.idle_collector = t.keep_collector()
    t.idle = t.keep(t.sdk({"OTEL_BSP_SCHEDULE_DELAY": "50"}, t.idle_collector))


def count(t, collector=None):
    return len((collector or t.collector).spans())


@row(72, "a full batch is exported without waiting for the delay")
def _(t):
    p = t.built(batch=[HOUR])
    p("burst", 511, "t", "n")
    t.equal(t.collector.requests(), [], "requests before the batch is full")
    p("burst", 1, "t", "n")
    t.collector.wait_for("512 spans", lambda: count(t) == 512)
    t.equal(len(t.collector.requests()), 1, "requests")


@row(74, "no request holds more than the largest batch")
def _(t):
    p = t.built(batch=["batch=100", HOUR])
    p("burst", 2000, "t", "n")
    t.equal(len(t.spans(p)), 2000, "spans")
    sizes = [r.span_count for r in t.collector.requests()]
    t.true(max(sizes) <= 100, "batches of %s" % sizes)


@row(75, "an export begins when the one before has ended")
def _(t):
    c = t.own_collector()
    c.fault(kind="delay", delay_ns=20 * MS)
    p = t.built(collector=c, batch=["batch=50"])
    p("burst", 300, "t", "n")
    t.equal(len(t.spans(p, c)), 300, "spans")
    t.equal(c.most_at_once(), 1, "requests in flight at once")


@row(76, "a full queue drops the newest spans and does not hold up the program")
def _(t):
    c = t.own_collector()
    c.fault(kind="delay", delay_ns=200 * MS)
    p = t.built(collector=c, batch=["queue=256", "batch=256", HOUR])
    ended = p.numbers("burst", 10000, "t", "n")
    t.true(ended["p99_ns"] < 10000, "99 of 100 ends within %d ns" % ended["p99_ns"])
    spans = t.spans(p, c)
    kept = [s.attributes["n"] for s in spans]
    t.true(256 <= len(kept) <= 512, "%d spans kept" % len(kept))
    t.equal(kept[:256], list(range(256)), "the oldest are kept")
    t.equal(p.numbers("stats")["queue_full"], 10000 - len(kept), "queue_full")


@row(77, "drops are counted, told to the callback, and reported at a bounded rate")
def _(t):
    c = t.own_collector()
    c.fault(kind="delay", delay_ns=200 * MS)
    p = t.built(collector=c, batch=["queue=100", "batch=100", HOUR])
    p("burst", 5000, "t", "n")
    kept = len(t.spans(p, c))
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
    err, took = p("flush", 30000)
    t.equal((err, count(t, c)), ("OTEL_OK", 120), "flush, spans when it returned")
    # each answer comes 100 ms after its request, the requests one after another
    t.true(int(took.split("=")[1]) >= len(c.requests()) * 95 * MS, "it did not wait: " + took)


@row(80, "force_flush keeps its time limit when the collector stalls")
def _(t):
    c = t.own_collector()
    c.fault(kind="stall")
    # nothing but its own limit can end the flush: the export has none, and the stall lasts
    p = t.built(collector=c, exporter=["timeout=0"], batch=["timeout=0"])
    p.span("waits")
    err, took = p("flush", 300)
    t.equal(err, "OTEL_ERR_TIMEOUT", "flush")
    t.true(int(took.split("=")[1]) >= 290 * MS, "it gave up too early: " + took)
    t.equal(p.numbers("stats")["exported"], 0, "exported while the collector stalls")
    c.end_fault()
    t.true("waits" in [s.name for s in t.spans(p, c)], "the export went on")


@row(81, "eight threads flush at once")
def _(t):
    p = t.built(batch=[HOUR])
    p("burst", 100, "t", "n")
    got = p("flushers", 8, 30000)
    t.equal(got[:8], ["OTEL_OK"] * 8, "flushes")
    t.equal(count(t), 100, "spans")


@row(82, "shutdown exports what is left")
def _(t):
    p = t.built(batch=[HOUR])
    p("burst", 10, "t", "n")
    t.equal(p.end(), 0, "exit status")
    t.equal(count(t), 10, "spans")


@row(83, "shutdown keeps its time limit: a stalled, a silent, an absent collector")
def _(t):
    c = t.own_collector()
    c.fault(kind="stall")
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen(1)
    absent = socket.socket()
    absent.bind(("127.0.0.1", 0))
    ports = (c.http, "127.0.0.1:%d" % silent.getsockname()[1],
             "127.0.0.1:%d" % absent.getsockname()[1])
    for endpoint in ports:
        for protocol in ("http/protobuf", "grpc"):
            # exports have no limit: but for its own the shutdown would not end
            p = t.sdk({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + endpoint,
                       "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
                       "OTEL_EXPORTER_OTLP_TIMEOUT": "0", "OTEL_BSP_EXPORT_TIMEOUT": "0"})
            p.span()
            p("shutdown", 300)
            lost = p.numbers("stats")
            t.equal(lost["export_failed"] + lost["export_timeout"], 1,
                    "lost and counted, %s over %s" % (endpoint, protocol))
    silent.close()
    absent.close()


@row(84, "shutdown twice and from two threads")
def _(t):
    p = t.built(batch=[HOUR])
    p("burst", 10, "t", "n")
    got = p("stoppers", 2, 30000)
    t.equal(sorted(got[:2]), ["OTEL_ERR_CLOSED", "OTEL_OK"], "shutdowns")
    t.equal(p("shutdown", 1000)[0], "OTEL_ERR_CLOSED", "the third")
    t.equal(count(t), 10, "spans")


@row(85, "spans after shutdown are not exported; what ends late is counted")
def _(t):
    p = t.built()
    p("start", "late", "t", "late")
    p("shutdown", 10000)
    p("end", "late")
    p("start", "after", "t", "after")
    t.equal(p.look("after")[2]["recording"], 0, "recording after shutdown")
    p("end", "after")
    t.equal(count(t), 0, "spans")
    stats = p.numbers("stats")
    t.equal((stats["after_shutdown"], stats["not_recorded"]), (1, 1), "counted")
    t.equal(p("enabled", "t"), ["0"], "tracer enabled")


@row(86, "an export that hangs is cancelled, the next batch flows")
def _(t):
    c = t.own_collector()
    c.fault(kind="stall")
    # the stall lasts and the exporter has no limit: the processor's alone ends the export
    p = t.built(collector=c, exporter=["timeout=0"], batch=["timeout=200"])
    p.span("hung")
    t.true(p("flush", 30000)[0] != "OTEL_OK", "the flush of a hung export")
    t.equal(p.numbers("stats")["export_timeout"], 1, "export_timeout")
    c.end_fault()
    c.wait_for("the next batch", lambda: flows(p, c))


def flows(p, c):
    p.span("flows")
    return p("flush", 20000)[0] == "OTEL_OK" and "flows" in [s.name for s in c.spans()]


@row(87, "no wake-up is lost: a thousand shutdowns with a delay of an hour")
def _(t):
    p = t.player()
    got = p.numbers("races", 1000, 1000)
    t.equal((got["late"], got["failed"]), (0, 0), "over a second, failed")


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
    p("shutdown", 10000)
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
            p("shutdown", 10000)
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
        for line in (("burst", 10, "t", "child"), ("flush", 20000), ("shutdown", 20000)):
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
    p = t.built(collector=c, exporter=["backoff=20", "timeout=5000"])
    pid = int(p("signals")[0])
    p.span("before")
    p.flush()
    for _ in range(20):
        os.kill(pid, signal.SIGUSR1)
    c.fault(kind="refuse", for_ns=100 * MS)
    p.span("reset")
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
    p = t.sdk({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:%d" % absent.getsockname()[1]})
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
    # Both clocks are the machine's monotonic one, and counted from before the span ends: whatever
    # else runs can make it later, never earlier. The upper limit of the first is what it would be
    # by default, 25 times what is expected.
    p = t.built(batch=["delay=200"])
    began = time.monotonic_ns()
    p.span()
    t.collector.wait_for("a span by time", lambda: count(t) == 1)
    late = (t.collector.requests()[0].mono_ns - began) / MS
    t.true(190 <= late <= 4900, "a span waited %d ms of 200" % late)
    c = t.defaults_collector
    c.wait_for("spans by default", lambda: count(t, c) == 3)
    late = (c.requests()[0].mono_ns - t.defaults_began) / MS
    t.true(4900 <= late <= 50000, "spans waited %d ms of 5000" % late)


@row(118, "nothing is sent when there is nothing to send")
def _(t):
    # its delay has passed a hundred times while the rows above ran
    t.equal(t.idle_collector.records()[1:], [], "what an idle SDK sent")
    t.equal(t.idle.numbers("stats")["batches"], 0, "batches")
    t.true(t.idle.numbers("usage")["cpu_ns"] < 200 * MS, "CPU of an idle SDK")
