#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds each program of sdk/examples as a stranger would, by the command that its own head names
against the shared libraries, runs it against collector-mock, and judges it by what arrived. Prints TAP.

usage: run.py [EXAMPLE]...   MODE picks the build.
"""
import collections
import os
import re
import subprocess
import sys
import tempfile
import traceback

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


CASES = [("minimal", minimal), ("minimal", minimal_without), ("worker_pool", worker_pool),
         ("prefork", prefork)]


def judge(bench, name, case, built):
    if name not in built:
        built[name] = None
        bench.build(name)
        built[name] = True
    if not built[name]:
        raise rig.Failed("it could not be built")
    case(bench)


def main(wanted):
    number, bad, built = 0, 0, {}
    with tempfile.TemporaryDirectory() as directory, open(directory + "/log", "w+") as log:
        bench = Bench(directory, log)
        try:
            for name, case in CASES:
                if wanted and name not in wanted:
                    continue
                number += 1
                why = ""
                try:
                    judge(bench, name, case, built)
                except rig.Failed as failure:
                    why = str(failure)
                except Exception:
                    why = traceback.format_exc()
                bench.end_example()
                print("%sok %d - %s: %s" % ("not " if why else "", number, name, case.__doc__))
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
    number += 1
    print("%sok %d - every example has its case" %
          ("" if sources == {name for name, _ in CASES} else "not ", number))
    bad += sources != {name for name, _ in CASES}
    print("1..%d" % number)
    return 1 if bad else 0


sys.exit(main(sys.argv[1:]))
