# SPDX-License-Identifier: Apache-2.0
"""Spans that two collectors are compared by: seeded, the same bytes with every Python."""
import base64
import json

EPOCH_NS = 1700000000000000000


class Stream:
    """splitmix64"""

    def __init__(self, seed):
        self.state = seed

    def bits(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) % 2**64
        z = self.state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        return z ^ z >> 31

    def below(self, n):
        return self.bits() % n

    def of(self, items):
        return items[self.below(len(items))]

    def chance(self, one_in):
        return self.below(one_in) == 0


def value(v):
    if isinstance(v, bool):
        return {"boolValue": v}
    if isinstance(v, int):
        return {"intValue": str(v)}
    if isinstance(v, float):
        return {"doubleValue": v}
    if isinstance(v, bytes):
        return {"bytesValue": base64.b64encode(v).decode()}
    if isinstance(v, list):
        return {"arrayValue": {"values": [value(x) for x in v]}}
    if isinstance(v, dict):
        return {"kvlistValue": {"values": attributes(v)}}
    return {"stringValue": v}


def attributes(pairs):
    return [{"key": k, "value": value(v)} for k, v in pairs.items()]


def resource(s):
    pairs = {"service.name": s.of(["gateway", "order", "payment", "checkout-élan", "kafka"]),
             "deployment.environment": s.of(["prod", "staging", "test"]),
             "host.cpus": s.of([0, 2, 64]), "canary": s.chance(4)}
    if s.chance(3):
        pairs["tenant"] = s.of(["acme", "", "globex"])
    if s.chance(5):
        pairs["labels"] = {"team": s.of(["a", "b"]), "tier": s.below(3)}
    return {"attributes": attributes(pairs)}


def span_attributes(s):
    pairs = {"http.method": s.of(["GET", "POST", "DELETE"]),
             "http.status_code": s.of([200, 200, 200, 201, 404, 500, 503]),
             "http.url": "https://shop.example/" + s.of(["cart", "pay", "health", "api/v1/users/42", "api/v2"])}
    for one_in, key, choices in (
            (2, "retries", [0, 1, 2, 3, -1, 100, 2**53]), (3, "cache.hit", [True, False]),
            (3, "score", [0.0, 0.5, -2.25, 1e300]), (4, "user.email", ["ann@example.org", "bob+x@example.com", ""]),
            (4, "text.number", ["42", "-7", "3.5", "x1", " 8"]), (5, "tags", [["a", "b"], [], [1, 2]]),
            (6, "blob", [b"\x00\x01\xff", b""]), (6, "map", [{"k": "v", "n": 1}, {}]),
            (8, "sampling.priority", [0, 1, 2, "0", "1", "x", 0.5, 0.0, True]), (5, "long", ["z" * 300, "é" * 40])):
        if s.chance(one_in):
            pairs[key] = s.of(choices)
    return attributes(pairs)


STATES = ["vendor=a", "vendor=b,other=1", "ot=th:c", "ot=th:8;rv:abcdef01234567", "ot=rv:00000000000001",
          "ot=rv:ffffffffffffff", "ot=th:0", "ot=th:fff,vendor=a", "x=y,vendor=c", "ot=rv:12", "bad state",
          "ot=th:e;rv:d0000000000000", "other=1,ot=k:v;th:4", " vendor=a ", "vendor="]


def one_span(s, trace, number, parent, start_ns):
    span = {"traceId": trace, "spanId": "%016x" % s.bits(), "name": s.of(
                ["GET /cart", "POST /pay", "SELECT", "health", "publish orders", "naïve", ""]),
            "kind": s.below(6), "startTimeUnixNano": str(start_ns + s.below(40) * 1000000),
            "attributes": span_attributes(s)}
    length_ms = s.of([0, 1, 3, 20, 49, 50, 51, 120, 400, 900])
    span["endTimeUnixNano"] = str(int(span["startTimeUnixNano"]) + length_ms * 1000000 + s.below(2) * 999)
    if number > 0:
        span["parentSpanId"] = parent
    status = s.of([None, None, None, {"code": 1}, {"code": 2}, {"code": 2, "message": "card declined"}])
    if status:
        span["status"] = status
    if s.chance(4):
        span["traceState"] = s.of(STATES)
    if s.chance(2):
        span["flags"] = s.of([0, 1, 257, 256, 769])
    if s.chance(5):
        span["events"] = [{"name": s.of(["exception", "retry", "log"]), "timeUnixNano": span["startTimeUnixNano"],
                           "attributes": attributes({"exception.type": s.of(["io", "panic"]), "n": s.below(5)})}
                          for _ in range(1 + s.below(3))]
    if s.chance(9):
        span["links"] = [{"traceId": "%032x" % s.bits(), "spanId": "%016x" % s.bits(), "attributes":
                          attributes({"l": s.below(9)})}]
    return span


def mixed(seed, traces):
    """Requests in which traces are torn over resources and requests."""
    s = Stream(seed)
    spans = []
    for _ in range(traces):
        trace = "%016x%016x" % (s.bits(), s.bits())
        start, parent = EPOCH_NS + s.below(10**9) * 1000, ""
        for number in range(s.of([1, 1, 2, 3, 5, 8, 13])):
            span = one_span(s, trace, number, parent, start)
            parent = span["spanId"]
            spans.append((len(spans) + s.below(40), len(spans), span))
    spans.sort(key=lambda item: item[:2])
    spans = [item[2] for item in spans]
    while spans:
        groups = []
        for _ in range(1 + s.below(4)):
            count = 1 + s.below(9)
            taken, spans = spans[:count], spans[count:]
            if taken:
                cut = s.below(len(taken) + 1)
                group = {"resource": resource(s), "scopeSpans": [
                    {"scope": {"name": s.of(["http", "sql"]), "version": "1." + str(s.below(3))}, "spans": part}
                    for part in (taken[:cut], taken[cut:]) if part]}
                if s.chance(4):
                    group["schemaUrl"] = "https://opentelemetry.io/schemas/1.30.0"
                    group["scopeSpans"][0]["schemaUrl"] = "https://opentelemetry.io/schemas/1.31.0"
                groups.append(group)
        yield {"resourceSpans": groups}


def single(seed, traces):
    """Traces of one span each, half of them with a tracestate: for the probabilistic sampler."""
    s = Stream(seed)
    ot = ["", "", "", "", "ot=rv:%(r)s", "ot=th:%(t)s", "ot=rv:%(r)s;th:%(t)s", "vendor=1,ot=th:%(t)s", "vendor=1"]
    for start in range(0, traces, 100):
        spans = []
        for i in range(min(100, traces - start)):
            span = {"traceId": "%016x%016x" % (s.bits(), s.bits()), "spanId": "%016x" % s.bits(), "name": "one",
                    "kind": 2, "startTimeUnixNano": str(EPOCH_NS), "endTimeUnixNano": str(EPOCH_NS + 1000)}
            state = s.of(ot) % {"r": "%014x" % (s.bits() >> 8), "t": s.of(["8", "c", "e6", "fd70a", "0", "4", "ffff"])}
            if state:
                span["traceState"] = state
            if s.chance(20):
                span["attributes"] = attributes({"sampling.priority": s.of([0, 1, "1", "0", 7, -1, 0.0, "no"])})
            spans.append(span)
        yield {"resourceSpans": [{"resource": {"attributes": attributes({"service.name": "s"})},
                                  "scopeSpans": [{"spans": spans}]}]}


def lines(requests):
    return [json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode() for request in requests]
