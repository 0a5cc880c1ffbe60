# SPDX-License-Identifier: Apache-2.0
"""Starting a Collector, ours or a real one, on a configuration; sending to it; reading what it wrote."""
import hashlib
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

DEADLINE_S = 60


def free_port(host="127.0.0.1"):
    with socket.create_server((host, 0)) as server:
        return server.getsockname()[1]


class Collector:
    """One process; with, it ends by SIGTERM and must end with 0."""

    def __init__(self, program, real, config, out, **environment):
        self.program, self.real, self.config, self.out = program, real, config, pathlib.Path(out)
        self.environment = dict(os.environ, OUT=str(out), **environment)
        self.out.mkdir(parents=True, exist_ok=True)
        self.options = []

    def __enter__(self):
        self.log = open(self.out / "log", "w")
        command = [self.program, "--config", str(self.config)]
        ready, write = None, None
        if self.real:
            self.port = free_port()
            self.environment["OTLP_HTTP"] = f"127.0.0.1:{self.port}"
        else:
            self.environment["OTLP_HTTP"] = "127.0.0.1:0"
            ready, write = os.pipe()
            command += ["--ready-fd", str(write)]
        command += self.options
        self.process = subprocess.Popen(command, env=self.environment, stdout=self.log, stderr=self.log,
                                        pass_fds=[write] if write else [])
        if write:
            os.close(write)
            with os.fdopen(ready) as stream:
                said = stream.readline()
            if not said:
                self.fail("did not become ready")
            self.port = int(re.search(r'"otlp/http":"[^"]*:(\d+)"', said)[1])
        self.wait_for(self.port)
        return self

    def wait_for(self, port):
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), 5).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    self.fail(f"ended with {self.process.returncode}")
                time.sleep(0.02)
        self.fail("did not become ready")

    def fail(self, why):
        self.process.kill()
        self.log.flush()
        raise SystemExit(f"{self.program}: {why}\n" + (self.out / "log").read_text()[-3000:])

    def send(self, lines, path="/v1/traces"):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        for line in lines:
            link.request("POST", path, line, {"Content-Type": "application/json"})
            answer = link.getresponse()
            said = answer.read()
            if answer.status != 200:
                self.fail(f"answered {answer.status} {said[:300]}")
        link.close()

    def settle(self, path, at_least):
        """Until that many spans are written (what still waits for its time is lost when it stops)."""
        end = time.monotonic() + DEADLINE_S
        while path.read_bytes().count(b'"startTimeUnixNano"') < at_least and time.monotonic() < end:
            time.sleep(0.05)

    def __exit__(self, *error):
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.fail("did not stop")
        self.log.close()
        if status != 0 and not error[0]:
            self.fail(f"ended with {status}")


def value(v):
    """What an AnyValue is, whoever wrote it."""
    for key, part in (v or {}).items():
        if key == "arrayValue":
            return ["array", [value(x) for x in part.get("values", [])]]
        if key == "kvlistValue":
            return ["map", attributes(part.get("values"))]
        return [key, str(part) if key == "intValue" else float(part) if key == "doubleValue" else part]
    return ["empty"]


def attributes(pairs):
    return sorted([pair.get("key", ""), value(pair.get("value"))] for pair in pairs or [])


def plain(thing):
    """Without what is as it would be if it were not there; attributes in the order of their keys."""
    ret = {}
    for key, part in thing.items():
        if key == "attributes":
            part = attributes(part)
        elif key in ("events", "links"):
            part = [plain(x) for x in part]
        elif key == "status":
            part = plain(part)
        elif key.endswith("UnixNano"):
            part = int(part)
        if part not in ("", 0, [], {}, None):
            ret[key] = part
    return ret


def spans(lines):
    """Each span with all that is around it."""
    for line in lines:
        for group in json.loads(line).get("resourceSpans", []):
            resource = plain(group.get("resource", {}))
            for part in group.get("scopeSpans", []):
                scope = plain(part.get("scope", {}))
                for span in part.get("spans", []):
                    yield span["traceId"], {"resource": resource, "scope": scope, "schemas": [
                        group.get("schemaUrl", ""), part.get("schemaUrl", "")], "span": plain(span)}


def traces(path):
    """trace id -> its spans, as sorted text"""
    ret = {}
    with open(path, "rb") as lines:
        for trace, span in spans(lines):
            ret.setdefault(trace, []).append(json.dumps(span, sort_keys=True, ensure_ascii=False))
    for found in ret.values():
        found.sort()
    return ret


def digests(kept, order):
    """What was kept, in parts of the traces, shortened: for the record."""
    size = 100 if len(order) > 1000 else 4
    for start in range(0, len(order), size):
        part = [[trace, kept.get(trace)] for trace in order[start:start + size]]
        yield hashlib.sha256(json.dumps(part).encode()).hexdigest()[:8]
