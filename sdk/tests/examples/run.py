#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds each program of sdk/examples as a stranger would, by the command that its own head names
against the shared libraries, runs it against collector-mock, and judges it by what arrived. Prints TAP.

usage: run.py [EXAMPLE]...   MODE picks the build.
"""
import collections
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "requirements"))
import rig

TOP = os.getcwd()
EXAMPLES = TOP + "/sdk/examples"
DIST = "%s/build/%s/dist" % (TOP, os.environ.get("MODE", "release"))
INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5
PATIENCE = 60  # seconds until what never ends counts as hung


class Bench:
    """A directory with the built examples, and a collector."""
    def __init__(self, directory, log):
        self.dir, self.log = directory, log
        self.collector = rig.Collector(directory + "/collector", log)
        self.running = []
        self.make_pkg_config()

    def make_pkg_config(self):
        """As `make install` would write them, of libraries that lie where they were built."""
        os.mkdir(self.dir + "/pkgconfig")
        for name in ("otel_api", "otel_sdk"):
            with open("%s/sdk/packaging/%s.pc.in" % (TOP, name)) as file:
                text = file.read()
            for key, value in (("@PREFIX@", self.dir), ("@LIBDIR@", DIST), ("@VERSION@", "0"),
                               ("@INCLUDEDIR@", TOP + "/sdk/include")):
                text = text.replace(key, value)
            with open("%s/pkgconfig/%s.pc" % (self.dir, name), "w") as file:
                file.write(text)

    def build(self, name):
        """By the line "cc -o NAME ..." of its own comment, with all warnings as errors."""
        with open("%s/%s.c" % (EXAMPLES, name)) as file:
            line = re.search(r"^ \* +(cc -o %s .*)$" % name, file.read(), re.M)
        if not line:
            raise rig.Failed("its head does not say how to build it")
        command = line[1].replace("cc ", "cc -std=gnu11 -Wall -Wextra -Wshadow -Werror ", 1)
        command = command.replace("-o %s " % name, "-o %s/%s " % (self.dir, name))
        made = subprocess.run(["sh", "-c", command], cwd=EXAMPLES, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, env=dict(
                                  os.environ, PKG_CONFIG_PATH=self.dir + "/pkgconfig"))
        if made.returncode:
            raise rig.Failed(command + "\n" + made.stdout)

    def start(self, name, *arguments, **variables):
        """An example, with nothing but what is needed in its environment."""
        environment = {"LD_LIBRARY_PATH": DIST, "OTEL_SERVICE_NAME": name,
                       "OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + self.collector.http}
        environment.update(variables)
        self.running.append(subprocess.Popen(
            [self.dir + "/" + name, *map(str, arguments)], env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=self.log, text=True))
        return self.running[-1]

    def finish(self, process):
        """Waits until it has ended by itself, well; what it said."""
        said = process.communicate(timeout=PATIENCE)[0]
        equal(process.returncode, 0, "exit status")
        return said

    def run(self, name, *arguments, **variables):
        """What arrived of a program that ends by itself: spans by their names."""
        self.collector.mark()
        self.finish(self.start(name, *arguments, **variables))
        return self.by_name()

    def by_name(self):
        found = collections.defaultdict(list)
        spans = self.collector.spans()
        for span in spans:
            found[span.name].append(span)
        equal(len({s.span_id for s in spans}), len(spans), "span ids")
        return found

    def end_example(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.communicate()
        self.running = []


def equal(got, expected, what):
    if got != expected:
        raise rig.Failed("%s: %r, expected %r" % (what, got, expected))


def counts(found):
    return {name: len(spans) for name, spans in found.items()}


def minimal(bench):
    """two spans and an error arrive"""
    found = bench.run("minimal")
    equal(counts(found), {"GET /users": 1, "SELECT users": 1}, "spans")
    request, query = found["GET /users"][0], found["SELECT users"][0]
    equal((request.parent, query.parent), ("", request.span_id), "parents")
    equal(query.trace_id, request.trace_id, "trace")
    equal((query.kind, query.status_code, query.status_message), (CLIENT, 2, "no such user"),
          "kind and status")
    equal([e.name for e in query.events], ["cache miss"], "events")
    equal(request.attributes["user.id"], "42", "attribute")
    equal(request.resource.attributes["service.name"], "minimal", "service")


def minimal_without(bench):
    """runs on untraced when its tracing cannot be set up"""
    found = bench.run("minimal", OTEL_EXPORTER_OTLP_ENDPOINT="https://127.0.0.1:9",
                      OTEL_EXPORTER_OTLP_CERTIFICATE="/does/not/exist")
    equal(counts(found), {}, "spans")


def worker_pool(bench):
    """each job belongs to its own request, whichever thread does it"""
    requests, jobs = 20, 10
    found = bench.run("worker_pool", requests, jobs)
    equal(counts(found), {"request": requests, "job": requests * jobs, "compute": requests * jobs},
          "spans")
    request = {s.span_id: s for s in found["request"]}
    job = {s.span_id: s for s in found["job"]}
    equal(sorted(collections.Counter(s.parent for s in job.values()).values()), [jobs] * requests,
          "jobs of a request")
    for s in found["job"]:
        equal(s.trace_id, request[s.parent].trace_id, "trace of a job")
        equal(s.end <= request[s.parent].end, True, "the request ends with its last job")
    for s in found["compute"]:
        equal(s.trace_id, job[s.parent].trace_id, "trace of what a job calls")
        equal(s.attributes["example.square"], job[s.parent].attributes["example.number"] ** 2,
              "the job that called")
    equal({s.parent for s in found["request"]}, {""}, "parents of requests")
    equal(len({s.trace_id for s in found["request"]}), requests, "traces")


def prefork(bench):
    """children trace after fork, nothing comes twice"""
    children, requests = 3, 5
    found = bench.run("prefork", children, requests)
    equal(counts(found), {"read configuration": 1, "start children": 1,
                          "request": children * requests}, "spans")
    told = collections.Counter((s.attributes["process.pid"], s.attributes["example.request"])
                               for s in found["request"])
    equal(len({pid for pid, _ in told}), children, "processes")
    equal(set(told.values()), {1}, "how often a request is told")
    equal(len({s.trace_id for s in found["request"]}), children * requests, "traces")


DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def get(port, path, headers):
    request = urllib.request.Request("http://127.0.0.1:%s%s" % (port, path), headers=headers)
    try:
        with DIRECT.open(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def nobody_at(port):
    """Holds the port without listening: who connects is refused, and nobody else is given it."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

    def is_bound():
        try:
            held.bind(("127.0.0.1", int(port)))
        except OSError:
            return False  # the client's end of somebody's connection just now
        return True
    rig.until("that the port %s can be held" % port, is_bound)
    return held


def without_descriptors(bench, server, at):
    """A request that cannot be accepted is answered when it can."""
    said = bench.dir + "/log"
    old = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (3, old[1]))
    try:
        client = socket.create_connection(("127.0.0.1", int(at)), PATIENCE)
        client.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        rig.until("that accept fails", lambda: "http_server: accept: " in open(said).read())
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, old)
    with client, client.makefile() as answer:
        equal(answer.readline().split()[1], "404", "answer to who had to wait")


def http_server(bench):
    """a trace goes through two servers; bad headers begin a new one"""
    bench.collector.mark()
    last = bench.start("http_server", OTEL_SERVICE_NAME="last")
    port = last.stdout.readline().strip()
    first = bench.start("http_server", port, OTEL_SERVICE_NAME="first")
    at = first.stdout.readline().strip()
    asked = {"traceparent": "00-%s-%s-01" % CALLER, "tracestate": "a=1", "baggage": "tenant=x"}
    equal(get(at, "/hello", asked), (200, "hello, and from there: hello\n"), "answer")
    equal(get(at, "/hello", {"traceparent": "00-%s-%s-01" % (CALLER[0], "no")})[0], 200, "answer")
    equal(get(at, "/health", asked)[0], 404, "another path")
    last.terminate()
    bench.finish(last)
    with nobody_at(port):
        equal(get(at, "/hello", asked)[0], 502, "answer without the other server")
    without_descriptors(bench, first, at)
    first.send_signal(signal.SIGINT)
    bench.finish(first)
    found = bench.by_name()
    equal(counts(found), {"GET /hello": 5, "GET": 3}, "spans")
    by_id = {s.span_id: s for s in bench.collector.spans()}
    whole = [s for s in by_id.values() if s.parent == CALLER[1]]
    equal([(s.trace_id, s.kind, s.trace_state, s.resource.attributes["service.name"])
           for s in whole], [(CALLER[0], SERVER, "a=1", "first")] * 2, "what the caller asked for")
    calls = found["GET"]
    equal([(s.kind, by_id[s.parent].kind, by_id[s.parent].trace_id == s.trace_id)
           for s in calls], [(CLIENT, SERVER, True)] * 3, "calls")
    served = [s for s in found["GET /hello"] if s.resource.attributes["service.name"] == "last"]
    equal([(by_id[s.parent].name, by_id[s.parent].trace_id == s.trace_id, s.kind) for s in served],
          [("GET", True, SERVER)] * 2, "what the last server served")
    new = [s for s in found["GET /hello"] if s.parent == ""]
    equal(len(new), 1, "new traces")
    equal(new[0].trace_id != CALLER[0], True, "a bad header begins a new trace")
    equal(sorted((s.name, s.status_code) for s in by_id.values() if s.status_code),
          [("GET", 2), ("GET /hello", 2)], "errors: of the call without answer")


def broker(bench):
    """Our embedded broker, started by hand; its address."""
    process, address = rig.kafka_broker(bench.dir, bench.log, "orders")
    bench.running.append(process)
    return address


def kafka(bench):
    """each message is handled as the child of its sending, or linked to it"""
    bench.collector.mark()
    at, messages = broker(bench), 5
    billing = bench.start("kafka_consumer", at, "orders", "billing", messages, "parent",
                          OTEL_SERVICE_NAME="billing")
    archive = bench.start("kafka_consumer", at, "orders", "archive", messages + 1, "link",
                          OTEL_SERVICE_NAME="archive", OTEL_BSP_SCHEDULE_DELAY="1")
    bench.finish(bench.start("kafka_producer", at, "orders", messages))
    bench.finish(billing)
    rig.until("what the archive has handled", lambda: len(
        [s for s in bench.by_name()["process orders"] if not s.parent]) == messages)
    archive.send_signal(signal.SIGINT)  # it waits for one more
    bench.finish(archive)
    found = bench.by_name()
    equal(counts(found), {"send orders": messages, "process orders": 2 * messages,
                          "write invoice": 2 * messages}, "spans")
    by_id = {s.span_id: s for spans in found.values() for s in spans}
    sent = {s.span_id: s for s in found["send orders"]}
    equal({s.kind for s in sent.values()}, {PRODUCER}, "kind")
    children = [s for s in found["process orders"] if s.parent]
    equal({(s.kind, s.resource.attributes["service.name"]) for s in children},
          {(CONSUMER, "billing")}, "children")
    equal(sorted((s.parent, s.trace_id) for s in children),
          sorted((s.span_id, s.trace_id) for s in sent.values()), "a child of each sending")
    linked = [s for s in found["process orders"] if not s.parent]
    equal({(s.kind, s.resource.attributes["service.name"]) for s in linked},
          {(CONSUMER, "archive")}, "linked")
    equal(sorted((s.links[0].span_id, s.links[0].trace_id) for s in linked if len(s.links) == 1),
          sorted((s.span_id, s.trace_id) for s in sent.values()), "a link to each sending")
    equal(len({s.trace_id for s in linked} | {s.trace_id for s in sent.values()}), 2 * messages,
          "traces")
    for s in found["process orders"]:
        sending = sent[s.parent or s.links[0].span_id]
        equal((s.attributes["messaging.destination.partition.id"],
               s.attributes["messaging.kafka.offset"]),
              (sending.attributes["messaging.destination.partition.id"],
               sending.attributes["messaging.kafka.offset"]), "where the message lay")
    equal(sorted((s.parent, s.trace_id) for s in found["write invoice"]),
          sorted((s.span_id, s.trace_id) for s in found["process orders"]), "what a handler does")


class LineServer:
    """Takes batches of lines; answers each, later, or never."""
    def __init__(self, answers):
        self.answers, self.names = answers, []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            with connection, connection.makefile("r") as lines:
                for line in lines:
                    if line != "\n":
                        self.names.append(line.split()[1])
                    elif self.answers:
                        time.sleep(0.02)
                        connection.sendall(b"ok\n")

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(PATIENCE)
        self.socket.close()


def own_exporter(bench):
    """an exporter of one's own waits for answers, and gives up in time"""
    shown = "otel.sdk.exporter.span.exported %d otel.component.name=com.example.liner/0 " \
            "otel.component.type=com.example.liner%s\n"
    lost = shown % (0, "") + shown % (1000, " error.type=%s")
    for answers, arguments, said in (
            (True, (), "1000 answered, 0 not in time, 0 failed\n" + shown % (1000, "")),
            (False, (200,), "0 answered, 1000 not in time, 0 failed\n" + lost % "timeout")):
        server = LineServer(answers)
        try:
            equal(bench.finish(bench.start("own_exporter", server.port, *arguments)), said,
                  "what became of the spans")
        finally:
            server.stop()
        equal(collections.Counter(server.names), {"work": 1000}, "spans sent")
    with nobody_at(0) as held:
        equal(bench.finish(bench.start("own_exporter", held.getsockname()[1])),
              "0 answered, 0 not in time, 1000 failed\n" + lost % "unavailable",
              "without a server")


CASES = [(["minimal"], minimal), (["minimal"], minimal_without), (["worker_pool"], worker_pool),
         (["prefork"], prefork), (["http_server"], http_server),
         (["own_exporter"], own_exporter), (["kafka_producer", "kafka_consumer"], kafka)]


def judge(bench, names, case):
    for name in names:
        bench.build(name)
    case(bench)


def main(wanted):
    number, bad = 0, 0
    with tempfile.TemporaryDirectory() as directory, open(directory + "/log", "w+") as log:
        bench = Bench(directory, log)
        try:
            for names, case in CASES:
                if wanted and not set(names) & set(wanted):
                    continue
                number += 1
                why = ""
                try:
                    judge(bench, names, case)
                except rig.Failed as failure:
                    why = str(failure)
                except Exception:
                    why = traceback.format_exc()
                bench.end_example()
                print("%sok %d - %s: %s" % ("not " if why else "", number, ", ".join(names),
                                            case.__doc__))
                for line in why.splitlines():
                    print("# " + line)
                sys.stdout.flush()
                bad += bool(why)
        finally:
            bench.end_example()
            bench.collector.stop()
        if bad:
            log.seek(0)
            sys.stderr.write(log.read())
    sources = {f[:-2] for f in os.listdir(EXAMPLES) if f.endswith(".c")}
    judged = {name for names, _ in CASES for name in names}
    number += 1
    print("%sok %d - every example is built and run here" % ("not " if sources != judged else "",
                                                             number))
    print("1..%d" % number)
    return 1 if bad or sources != judged else 0


sys.exit(main(sys.argv[1:]))
