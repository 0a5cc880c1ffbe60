# SPDX-License-Identifier: Apache-2.0
"""The contract of the W3C's trace-context suite, held against w3c-service by a few requests of our
own, or by the suite itself. usage: w3c.py own|suite SERVICE [OPTION...]

suite: test.py below $W3C_TRACE_CONTEXT/test, with all levels on; prints its summary.
"""
import http.client
import http.server
import json
import os
import re
import socket
import subprocess
import sys
import threading

PATIENCE = 60
SUITE = os.environ.get("W3C_TRACE_CONTEXT", "build/trace-context")
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Callee(http.server.ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, json.loads(body), self.headers))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def post(port, body, headers):
    """Headers as pairs: one name may come twice, and values are sent as they are."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.putrequest("POST", "/test")
    for name, value in headers + [("Content-Length", str(len(body)))]:
        connection.putheader(name, value)
    connection.endheaders(body)
    status = connection.getresponse().status
    connection.close()
    return status


def expect(got, wanted, what):
    if got != wanted:
        raise SystemExit("%s: %r, expected %r" % (what, got, wanted))


def own(port):
    callee = Callee()
    url = "http://127.0.0.1:%d" % callee.server_port

    def ask(headers, calls=1):
        callee.got = []
        body = json.dumps([{"url": "%s/%d" % (url, i), "arguments": [i]} for i in range(calls)])
        expect(post(port, body.encode(), headers), 200, "answer")
        expect([g[:2] for g in callee.got], [("/%d" % i, [i]) for i in range(calls)], "calls")
        found = []
        for _, _, got in callee.got:
            match = re.fullmatch("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})",
                                 got.get("traceparent", ""))
            if not match:
                raise SystemExit("traceparent: %r" % got.get("traceparent"))
            found.append(match.groups() + (got.get("tracestate"),))
        return found

    good = ("traceparent", "00-%s-%s-01" % (TRACE, PARENT))
    found = ask([good, ("tracestate", "a=1"), ("tracestate", "\tb=2 ")], 3)
    expect({f[0] for f in found}, {TRACE}, "trace")
    expect(len({f[1] for f in found} | {PARENT}), 4, "parent ids, each new")
    expect({f[2:] for f in found}, {("01", "a=1,b=2")}, "flags and tracestate")
    expect(ask([("traceparent", "\t" + good[1] + "\t")])[0][0], TRACE, "trace with blanks around")
    for headers in ([], [good, good], [("traceparent", good[1][:-1])], [("traceparent", "ff" + good[1][2:])]):
        found = ask(headers + [("tracestate", "a=1")])[0]
        expect((found[0] != TRACE, found[3]), (True, None), "a new trace for %r" % headers)
    expect(post(port, b"no json", []), 400, "answer to what is no request")


def suite(port):
    with socket.socket() as held:  # the suite wants a number
        held.bind(("127.0.0.1", 0))
        harness = held.getsockname()[1]
    ran = subprocess.run([sys.executable, "test.py", "http://127.0.0.1:%d/test" % port],
                         cwd=SUITE + "/test", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                         timeout=5 * PATIENCE, env=dict(os.environ, STRICT_LEVEL="2", SPEC_LEVEL="2",
                                                        HARNESS_HOST="127.0.0.1", HARNESS_PORT=str(harness)))
    print(ran.stdout[-6000:])
    ran_tests = re.search(r"^Ran (\d+) tests", ran.stdout, re.M)
    last = ran.stdout.strip().splitlines()[-1]
    expect((ran.returncode, ran_tests and int(ran_tests[1]), last), (0, 41, "OK"), "41 of 41, none skipped")


def main(how, service, *options):
    process = subprocess.Popen([service, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        {"own": own, "suite": suite}[how](int(process.stdout.readline()))
        process.stdin.close()
        expect(process.wait(PATIENCE), 0, "how the service ended")
    finally:
        process.kill()
        process.wait()


main(*sys.argv[1:])
