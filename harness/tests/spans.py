# SPDX-License-Identifier: Apache-2.0
"""A service in a node's place that sends spans, with nothing but Python: each request is answered 200 and is one SERVER span that
continues the traceparent it came with, sent as OTLP/JSON before the answer to where OTEL_EXPORTER_OTLP_ENDPOINT points."""
import http.server
import json
import os
import random
import signal
import time
import urllib.request

resource = [{"key": "service.name", "value": {"stringValue": os.environ["OTEL_SERVICE_NAME"]}}]
for pair in os.environ["OTEL_RESOURCE_ATTRIBUTES"].split(","):
    key, _, value = pair.partition("=")
    resource.append({"key": key, "value": {"stringValue": value}})


direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def send(span):
    body = {"resourceSpans": [{"resource": {"attributes": resource}, "scopeSpans": [{"scope": {"name": "spans.py"}, "spans": [span]}]}]}
    url = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] + "/v1/traces"
    direct.open(urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"}), timeout=10).read()


class Service(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        start = time.time_ns()
        _, trace, parent, flags = self.headers["traceparent"].split("-")
        if int(flags, 16) & 1:
            send({"traceId": trace, "spanId": f"{random.getrandbits(63) + 1:016x}", "parentSpanId": parent, "name": "GET /pay",
                  "kind": 2, "startTimeUnixNano": str(start), "endTimeUnixNano": str(time.time_ns())})
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Service).serve_forever()
