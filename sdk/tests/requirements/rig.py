# SPDX-License-Identifier: Apache-2.0
"""The program under test and the collector it exports to, as objects; the rows of the table."""
import itertools
import json
import math
import os
import select
import socket
import subprocess
import time
import urllib.request

import network
import otlp
from clock import MS, PATIENCE, Clock, Failed, until

BUILD = "build/%s/bin" % os.environ.get("MODE", "release")
LONG = 100000  # milliseconds that a flush, a shutdown or an export may take when none should hang
# On the machine's clock nothing is to happen because a time has passed, unless a row wants it.
PATIENT_SDK = {"OTEL_BSP_SCHEDULE_DELAY": "3600000", "OTEL_BSP_EXPORT_TIMEOUT": str(LONG),
               "OTEL_EXPORTER_OTLP_TIMEOUT": str(LONG)}
PATIENT_EXPORTER = ("timeout=%d" % LONG,)
PATIENT_BATCH = ("delay=3600000", "timeout=%d" % LONG)


def word(value):
    """One word of a line: blanks and what is no text are percent-encoded."""
    data = value if isinstance(value, bytes) else str(value).encode("utf-8")
    if not data:
        return "%"
    return "".join(chr(b) if 0x20 < b < 0x7f and b != 0x25 else "%%%02x" % b for b in data)


def value_words(value):
    if value is None:
        return ["e:"]
    if isinstance(value, bool):
        return ["b:%d" % value]
    if isinstance(value, int):
        return ["i:%d" % value]
    if isinstance(value, float):
        return ["d:" + ("nan" if math.isnan(value) else repr(value))]
    if isinstance(value, bytes):
        return ["x:" + value.hex()]
    if isinstance(value, Raw):
        return [b"s:" + value.data]
    if isinstance(value, str):
        return ["s:" + value]
    if isinstance(value, dict):
        return ["{"] + attribute_words(value) + ["}"]
    if isinstance(value, Typed):
        return [value.kind + "["] + [w for v in value.values for w in value_words(v)] + ["]"]
    return ["["] + [w for v in value for w in value_words(v)] + ["]"]


class Raw:
    """Text that is not UTF-8."""
    def __init__(self, data):
        self.data = data


class Typed:
    """An array of one type: S, I, D or B."""
    def __init__(self, kind, values):
        self.kind, self.values = kind, values


def attribute_words(attributes):
    words = []
    for key, value in dict(attributes).items():
        words += [key] + value_words(value)
    return words


class Skipped(Exception):
    """The machine does not let the row be judged."""


class Player:
    """sdk-put, or another program made of it: a line to it, a line back."""
    def __init__(self, environment, log, clock=None, program="/sdk-put"):
        if clock:
            environment = dict(environment, PUT_CLOCK=clock.path)
        self.process = subprocess.Popen(
            [BUILD + ("/sdk-put-held" if clock else program)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=log, env=environment)
        self.rest, self.clock, self.sent = b"", clock, ""

    def send(self, *words):
        self.sent = " ".join(map(str, words))
        self.process.stdin.write((" ".join(word(w) for w in words) + "\n").encode())
        self.process.stdin.flush()

    def answer(self):
        end = time.monotonic() + PATIENCE
        while b"\n" not in self.rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise Failed("sdk-put does not answer '%s'" % self.sent[:80])
            got = os.read(self.process.stdout.fileno(), 1 << 16)
            if not got:
                raise Failed("sdk-put ended with status %s" % self.process.wait(PATIENCE))
            self.rest += got
        line, self.rest = self.rest.split(b"\n", 1)
        return [urllib.request.unquote(w) if w != "%" else ""
                for w in line.decode("utf-8").split(" ")]

    def is_silent(self):
        """It has not answered yet."""
        return self.rest == b"" and not select.select([self.process.stdout], [], [], 0)[0]

    def ask(self, *words):
        """The words of the answer, whatever it is."""
        self.send(*words)
        return self.answer()

    def __call__(self, *words):
        got = self.ask(*words)
        if got[0] != "ok":
            raise Failed("'%s' is answered '%s'" % (" ".join(map(str, words)), " ".join(got)))
        return got[1:]

    def many(self, lines):
        """Many lines in one go."""
        for i in range(0, len(lines), 100):
            chunk = lines[i:i + 100]
            for line in chunk:
                self.send(*line)
            for line in chunk:
                got = self.answer()
                if got[0] != "ok":
                    raise Failed("'%s' is answered '%s'" % (line, got))

    def numbers(self, *words):
        """The words KEY=N of the answer."""
        return {k: int(v) for k, v in (w.split("=", 1) for w in self(*words) if "=" in w)}

    def span(self, name="span", attributes=None, *options):
        """A span that is started and ended."""
        self("start", "s", "t", name, *options, *attribute_words(attributes or {}))
        self("finish", "s")

    def flush(self):
        got = self("flush", LONG)
        if got[0] != "OTEL_OK":
            raise Failed("flush: %s" % got[0])

    def next_wait(self, before=0):
        """Nanoseconds that the OTLP exporter has planned to wait between attempts, beyond those
        before; 0: the export has ended."""
        planned = []

        def is_planned():
            planned[:] = [self.numbers("otlp")["backoff_sum_ns"] - before]
            stats = self.numbers("stats")
            return planned[0] > 0 or stats["batches"] > 0 and stats["in_flight"] == 0
        until("a wait between attempts, or the end", is_planned)
        return planned[0]

    def look(self, name):
        """trace_id, span_id, {flags, remote, recording}, trace state"""
        got = self("look", name)
        return got[0], got[1], {k: int(v) for k, v in (w.split("=") for w in got[2:5])}, got[5]

    def headers(self, source, propagator="w3c"):
        got = self("inject", source, propagator)
        return dict(zip(got[0::2], got[1::2]))

    def end(self):
        """End of input: it shuts down and exits; its status."""
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        end = time.monotonic() + PATIENCE
        while self.clock and self.running() and time.monotonic() < end:
            self.clock.words[0] += 100 * MS  # its limits end, too
            time.sleep(0.001)
        return self.process.wait(PATIENCE)

    def running(self):
        return self.process.poll() is None

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except BrokenPipeError:
                pass


CONFIG = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:{http}'}},
                                  grpc: {{endpoint: '127.0.0.1:{grpc}'}}}}}}}}
exporters: {{file: {{path: '{dir}/spans.json', format: json}}}}
service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [file]}}}},
          telemetry: {{metrics: {{level: none}}}}}}
"""


class Collector:
    """collector-mock with both receivers, its tap and its control socket."""
    def __init__(self, directory, log, http=0, grpc=0, config=None):
        self.dir = directory
        os.makedirs(directory, exist_ok=True)
        with open(directory + "/config.yaml", "w") as file:
            file.write(config or CONFIG.format(dir=directory, http=http, grpc=grpc))
        ours, theirs = socket.socketpair()
        ready, ready_end = os.pipe()
        self.process = subprocess.Popen(
            [BUILD + "/collector-mock", "--config", directory + "/config.yaml", "--tap",
             directory + "/tap.bin", "--ready-fd", str(ready_end), "--control-fd",
             str(theirs.fileno())],
            stdout=log, stderr=log, pass_fds=(ready_end, theirs.fileno()))
        theirs.close()
        os.close(ready_end)
        ours.settimeout(PATIENCE)
        self.control = ours.makefile("rw")
        ours.close()
        with os.fdopen(ready) as file:
            line = file.readline()
        if not line:
            raise Failed("collector-mock does not start")
        self.sockets = self.count_sockets()
        self.endpoints = json.loads(line)["endpoints"]
        self.http = [v for k, v in self.endpoints.items() if k.endswith("/http")][0]
        self.grpc = [v for k, v in self.endpoints.items() if k.endswith("/grpc")][0]
        self.at = 0
        self.seen = []
        self.faults = 0
        self.over = []
        self.say({"do": "barrier"})
        self.barrier = json.loads(self.control.readline())["text"]

    def say(self, command):
        self.control.write(json.dumps(command) + "\n")
        self.control.flush()

    def records(self):
        """All records of the tap since the last mark()."""
        with open(self.dir + "/tap.bin", "rb") as file:
            file.seek(self.at)
            found, length = otlp.read_tap(file.read(), 0)
        self.at += length
        self.seen += found
        return self.seen

    def mark(self):
        self.records()
        self.seen = []

    def requests(self):
        return [r for r in self.records() if r.type == otlp.TapRecord.REQUEST]

    def answers(self):
        """Of the requests since mark(); an answer is in the tap a moment after it has arrived."""
        asked = {r.request for r in self.requests()}
        return [r for r in self.seen if r.type == otlp.TapRecord.ANSWER and r.request in asked]

    def most_at_once(self, after=0):
        """Requests that were under way at the same time, at most; of the records after so many."""
        flying, most = set(), 0
        for record in self.records()[after:]:
            if record.type == otlp.TapRecord.REQUEST:
                flying.add(record.request)
            elif record.type == otlp.TapRecord.ANSWER:
                flying.discard(record.request)
            most = max(most, len(flying))
        return most

    def spans(self):
        return [s for r in self.requests() if r.encoding == 1 for s in otlp.read_spans(r.body)[0]]

    def wait_for(self, what, condition):
        """Until condition() holds; it is looked at again and again."""
        until(what, condition)

    def fault(self, **command):
        """Misbehave, from the moment when this returns."""
        self.faults += 1
        self.say(dict({"do": "fault", "id": self.faults}, **command))
        self.say({"do": "barrier"})
        while True:
            line = json.loads(self.control.readline())
            if line.get("event") == "acted":
                self.over.append(line)
            if line.get("event") == "fault":
                if line["text"] != self.barrier:
                    raise Failed("collector-mock: " + line["text"])
                return

    def fault_over(self):
        """Until a fault has ended; what it did."""
        while not self.over:
            line = json.loads(self.control.readline())
            if line.get("event") == "acted":
                self.over.append(line)
        return self.over.pop(0)

    def end_fault(self):
        """End the last one, if it has not ended; what it did."""
        self.say({"do": "end", "id": self.faults})
        return self.fault_over()

    def count_sockets(self):
        """That the process has open."""
        directory, found = "/proc/%d/fd/" % self.process.pid, 0
        for name in os.listdir(directory):
            try:
                found += os.readlink(directory + name).startswith("socket:")
            except OSError:
                pass  # closed meanwhile
        return found

    def is_alone(self):
        """No client is connected: all that those before have sent is in the tap."""
        return self.process.poll() is not None or self.count_sockets() <= self.sockets

    def stop(self, kill=False):
        if self.process.poll() is None:
            self.process.kill() if kill else self.process.terminate()
            self.process.wait()
        self.control.close()


def kafka_broker(directory, log, *topics):
    """Our embedded broker with topics of one partition, as a process; its address."""
    role = {"kind": "broker", "seed": 1, "scenario": {
        "name": "topics", "topics": {topic: {"partitions": 1} for topic in topics},
        "services": {"shop": {"routes": {"GET /": {"steps": []}}}},
        "load": {"route": "shop GET /", "rate": 1, "duration": "1s"}}}
    os.makedirs(directory, exist_ok=True)
    with open(directory + "/broker.json", "w") as file:
        json.dump(role, file)
    process = subprocess.Popen([BUILD + "/tracerig", "broker", "--role", file.name],
                               stdout=subprocess.PIPE, stderr=log, text=True)
    address = process.stdout.readline().strip()
    if not address:
        end_broker(process)
        raise Failed("the broker does not start")
    return process, address


def end_broker(process):
    if process.poll() is None:
        process.kill()
    process.communicate()


def with_defaults(given, defaults):
    names = [option.split("=")[0] for option in given]
    return list(given) + [option for option in defaults if option.split("=")[0] not in names]


class Case:
    """What one row has at hand."""
    def __init__(self, directory, log):
        self.dir, self.log = directory, log
        self.players, self.collectors, self.kept = [], [], []
        self.shared = None
        self.ends = []
        self.files = None
        self.clock = None
        self.names = itertools.count()

    def at_end(self, call):
        """To be called when the row is over."""
        self.ends.append(call)

    def certificates(self):
        """Paths of PEM files by name: ca, server, server_key, client ..."""
        if self.files is None:
            maker = subprocess.Popen([BUILD + "/sdk-put-certificates"], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
            self.files = dict(line.split() for line in iter(maker.stdout.readline, "end .\n"))
            self.kept.append(maker.communicate)
        return self.files

    @property
    def collector(self):
        if self.shared is None:
            self.shared = Collector(self.dir + "/collector", self.log)
        return self.shared

    def own_collector(self, **how):
        """From any thread."""
        made = Collector("%s/own%d" % (self.dir, next(self.names)), self.log, **how)
        self.collectors.append(made)
        return made

    def keep(self, player):
        """Not ended with the row."""
        self.players.remove(player)
        self.kept.append(player.close)
        return player

    def keep_collector(self, **how):
        collector = self.own_collector(**how)
        self.collectors.remove(collector)
        self.kept.append(collector.stop)
        return collector

    def hold_clock(self):
        """The players that come now, in this row, live on a clock that stands still."""
        os.makedirs(self.dir, exist_ok=True)
        self.clock = Clock("%s/clock%d" % (self.dir, next(self.names)))
        return self.clock

    def kafka_broker(self, *topics):
        """Its address; it ends with the row."""
        process, address = kafka_broker(self.dir, self.log, *topics)
        self.at_end(lambda: end_broker(process))
        return address

    def player(self, variables=None, collector=None, **how):
        """sdk-put with nothing in its environment but an endpoint and variables."""
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT":
                       "http://" + (collector or self.collector).http}
        for key, value in (variables or {}).items():
            environment[key] = value
            if value is None:
                del environment[key]
        made = Player(environment, self.log, how.pop("clock", self.clock), **how)
        self.players.append(made)
        return made

    def sdk(self, variables=None, collector=None, options=(), **how):
        """The same, with an SDK by its environment and the tracer t."""
        if not how.get("clock", self.clock):
            variables = dict(PATIENT_SDK, **(variables or {}))
        player = self.player(variables, collector, **how)
        player("env", *options)
        player("tracer", "t", "rig", "1")
        return player

    def built(self, processors="one", sampler=None, collector=None, exporter=(), batch=(),
              provider=(), before=()):
        """The same, put together: exporter OTLP, batch processor."""
        player = self.player({}, collector)
        at = (collector or self.collector).http
        player("exporter", "e", "otlp", "endpoint=http://%s/v1/traces" % at,
               *self.patient(exporter, PATIENT_EXPORTER))
        player("processor", "one", "batch", "e", *self.patient(batch, PATIENT_BATCH))
        for line in before:
            player(*line)
        if sampler:
            player("sampler", "sampler", *sampler)
            provider = ["sampler=sampler"] + list(provider)
        player("provider", *provider, processors)
        player("tracer", "t", "rig", "1")
        return player

    def patient(self, given, defaults):
        """Options of a player; on a clock that stands still the SDK's own defaults hold."""
        return given if self.clock else with_defaults(given, defaults)

    def otlp(self, collector, protocol="http", *exporter, batch=(), provider=()):
        """The same over a protocol (http, json, grpc), with short waits between attempts."""
        player = self.player()
        at = collector.grpc if protocol == "grpc" else collector.http + "/v1/traces"
        exporter = with_defaults(exporter, ("backoff=10", "max_backoff=50"))
        player("exporter", "e", "otlp", "endpoint=http://" + at, "protocol=" + protocol,
               *self.patient(exporter, PATIENT_EXPORTER + ("attempts=1000000",)))
        player("processor", "one", "batch", "e", *self.patient(batch, PATIENT_BATCH))
        player("provider", *provider, "one")
        player("tracer", "t", "rig")
        return player

    def relay(self, target=None, port=0):
        """A relay in front of the collector, or of another target; ended with the row."""
        made = network.Relay(target or self.collector.http, port)
        self.at_end(made.close)
        return made

    def json_requests(self, use):
        """What use(player) makes the file exporter write: OTLP/JSON, a request a line."""
        player, path = self.player(), "%s/spans-%d.json" % (self.dir, time.monotonic_ns())
        os.makedirs(self.dir, exist_ok=True)
        player("exporter", "e", "file", path)
        player("processor", "one", "simple", "e")
        player("provider", "one")
        player("tracer", "t", "rig", "1")
        use(player)
        self.equal(player.end(), 0, "exit status")
        with open(path) as file:
            return [json.loads(line) for line in file]

    def json_spans(self, attributes):
        return [s for r in self.json_requests(lambda p: p.span("s", attributes))
                for rs in r["resourceSpans"] for ss in rs["scopeSpans"] for s in ss["spans"]]

    def spans(self, player, collector=None):
        """What has arrived once player has flushed."""
        player.flush()
        return (collector or self.collector).spans()

    def one(self, player):
        spans = self.spans(player)
        self.equal(len(spans), 1, "spans that arrived")
        return spans[0]

    def equal(self, got, expected, what):
        if got != expected and not (got != got and expected != expected):
            raise Failed("%s: %r, expected %r" % (what, got, expected))

    def true(self, condition, what):
        if not condition:
            raise Failed(what)

    def end_row(self):
        players, self.players, self.clock = self.players, [], None
        left = [p.end() for p in players if p.running()] if os.environ.get("THOROUGH") else []
        for player in players:
            player.close()
        for collector in self.collectors:
            collector.stop()
        for call in self.ends:
            call()
        self.collectors, self.ends = [], []
        if self.shared is not None:
            until("that the collector has read what was left of a row", self.shared.is_alone)
        self.equal([status for status in left if status != 0], [], "how players ended")

    def end(self):
        self.end_row()
        for stop in self.kept:
            stop()
        if self.shared is not None:
            self.shared.stop()


class Row:
    def __init__(self, numbers, title, run, unmet):
        self.numbers, self.title, self.run, self.unmet = numbers, title, run, unmet


ROWS = []


def row(number, title, unmet=None):
    """The check of a requirement by its number in the table of conformance; unmet: why it is known
    to fail."""
    def add(run):
        ROWS.append(Row(number, title, run, unmet))
        return run
    return add
