# SPDX-License-Identifier: Apache-2.0
"""Each fault of collector-mock met by our SDK: what it saw, what was counted, what was lost."""
import concurrent.futures
import re
import urllib.request

from clock import Clock, until
from rig import LONG, Failed, row

MS = 1_000_000
SPANS = 10      # of the export that is hit
AT_ONCE = 8     # rows: they wait more than they work
HASTY = 1000    # milliseconds, of a clock that stands still, that an export may take

CONFIG = """
receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'TLS}, grpc: {endpoint: '127.0.0.1:0'TLS}}}}
exporters: {file: {path: 'FILE', format: json}}
service: {pipelines: {traces: {receivers: [otlp], exporters: [file]}},
          telemetry: {metrics: {address: '127.0.0.1:0'}}}
"""
TLS = ", tls: {cert_file: CERT, key_file: KEY}"


class Outcome:
    """How an export ends: the exporter's word, the spans that are lost for the SDK and why, and the
    spans that the collector's pipeline has got all the same. again: more than one attempt."""
    def __init__(self, result, lost=None, arrived=SPANS, again=False):
        self.result, self.lost, self.arrived, self.again = result, lost or {}, arrived, again


DELIVERED = Outcome("delivered")
AGAIN = Outcome("delivered", again=True)


def failed(result, arrived=0):
    return Outcome(result, {"export_failed": SPANS}, arrived)


def timeout(arrived=0):
    return Outcome("timeout", {"export_timeout": SPANS}, arrived)


PARTIAL = Outcome("partial", {"rejected": 3}, SPANS - 3)

# kind, what it is told, how an export ends over HTTP, over gRPC. An answer that says 200 and then
# damages itself is a success over HTTP, where the status is the verdict; gRPC's stands behind it.
FAULTS = [
    ("delay", {"delay": "20ms", "count": 1}, DELIVERED, DELIVERED),
    ("status", {"status": 503, "code": 14, "count": 1}, AGAIN, AGAIN),
    ("status", {"status": 400, "code": 3, "count": 1}, failed("refused"), failed("refused")),
    ("stall", {}, timeout(), timeout()),
    ("refuse", {"for_ns": 100 * MS}, DELIVERED, DELIVERED),
    ("partial_success", {"rejected": 3, "count": 1}, PARTIAL, PARTIAL),
    ("rst_stream", {"count": 1}, AGAIN, AGAIN),
    ("goaway", {"count": 1}, AGAIN, AGAIN),
    ("half_open", {}, timeout(), timeout()),
    ("truncated_answer", {"count": 1}, DELIVERED, failed("refused", SPANS)),
    ("corrupt_gzip", {"count": 1}, DELIVERED, failed("garbage", SPANS)),
    ("wrong_content_type", {"count": 1}, DELIVERED, failed("refused", SPANS)),
    ("oversized_answer", {"size": 5 << 20, "count": 1}, failed("response_too_large", SPANS),
     failed("response_too_large", SPANS)),
    ("slow_answer", {"rate": 1}, timeout(SPANS), timeout(SPANS)),
    ("duplicate", {"count": 1}, Outcome("delivered", {}, 2 * SPANS),
     Outcome("delivered", {}, 2 * SPANS)),
    ("clock_skew", {"skew": "1h", "count": 1}, DELIVERED, DELIVERED),
    ("memory_pressure", {"count": 1}, AGAIN, AGAIN),
    ("disk_full", {"count": 1}, AGAIN, AGAIN),
    ("accept_stall", {}, timeout(), timeout()),
    ("slow_read", {"rate": 1}, timeout(), timeout()),
    ("tls_refuse", {}, failed("untrusted"), failed("untrusted")),
    ("tls_certificate", {"cert_file": "stranger", "key_file": "stranger_key"},
     failed("untrusted"), failed("untrusted")),
    ("restart", {"for_ns": 100 * MS}, DELIVERED, DELIVERED),
]
BREAKS_CONNECTIONS = ("refuse", "restart")  # of an export before


def kinds():
    """The words that the collector knows."""
    with open("collector-mock/faults/fault.c") as file:
        text = re.search(r"col_fault_words\[\] = \{(.*?)NULL\}", file.read(), re.S).group(1)
    return re.findall(r'"([a-z_]+)"', text)


class Met:
    """One row: a fault, a protocol, and what came of it."""
    def __init__(self, number, kind, told, protocol, outcome):
        self.number, self.kind, self.told = number, kind, dict(told)
        self.protocol, self.outcome = protocol, outcome
        self.result = self.attempts = self.lost = self.did = self.counted = self.clock = None

    def name(self):
        return "%s over %s" % (self.kind, self.protocol)

    def start(self, t):
        files = t.certificates()
        secure = self.kind.startswith("tls_")
        for key in ("cert_file", "key_file"):
            if key in self.told:
                self.told[key] = files[self.told[key]]
        tls = TLS.replace("CERT", files["server"]).replace("KEY", files["server_key"])
        config = CONFIG.replace("TLS", tls if secure else "").replace(
            "FILE", "%s/each-%d-%s.json" % (t.dir, self.number, self.protocol))
        collector = t.own_collector(config=config)
        port = (collector.grpc if self.protocol == "grpc" else collector.http).rsplit(":", 1)[1]
        variables = {
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": str(SPANS),
            "OTEL_EXPORTER_OTLP_ENDPOINT": "%s://localhost:%s" % ("https" if secure else "http",
                                                                  port),
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc" if self.protocol == "grpc" else "http/protobuf",
            "OTEL_EXPORTER_OTLP_CERTIFICATE": files["ca"] if secure else None}
        if self.outcome.result == "timeout":
            self.clock = Clock("%s/each-%d-%s.clock" % (t.dir, self.number, self.protocol))
            variables["OTEL_EXPORTER_OTLP_TIMEOUT"] = str(HASTY)
        return collector, t.sdk(variables, collector, clock=self.clock)

    def run(self, t):
        collector, player = self.start(t)
        if self.kind in BREAKS_CONNECTIONS:
            player.span("before")
            player.flush()
        before, counted = player.numbers("otlp"), self.count(collector)
        lost = player.numbers("drops")
        collector.fault(kind=self.kind, **self.told)
        player("burst", SPANS, "t", "n")
        if self.clock:
            until("the fault, and what arrives all the same, " + self.name(),
                  lambda: self.is_hit(collector, counted))
            self.clock.move(HASTY)
        player("flush", LONG)
        after = player.numbers("otlp")
        grown = {key: after[key] - before[key] for key in after if after[key] != before[key]}
        self.attempts = grown.get("requests", 0)
        words = [w for w in RESULTS if w in grown]
        self.result = "+".join(words)
        self.lost = {key: n - lost[key] for key, n in player.numbers("drops").items()
                     if key != "ids" and n != lost[key]}
        now = self.count(collector)
        self.counted = {key: now[key] - counted[key] for key in now}
        self.did = collector.end_fault()
        player.close()
        collector.stop()
        return self

    def is_hit(self, collector, before):
        text = metrics_of(collector)
        hits = re.findall(r'collector_mock_fault_(?:requests|hit_connections)(?:_total)?'
                          r'{[^}]*"%s"[^}]*} (\d+)' % self.kind, text)
        arrived = self.count(collector)["accepted"] - before["accepted"]
        return sum(map(int, hits)) > 0 and arrived == self.outcome.arrived

    def count(self, collector):
        text, found = metrics_of(collector), {}
        for what in ("accepted", "refused", "failed"):
            series = 'otelcol_receiver_%s_spans_total{receiver="otlp",transport="%s"} ' % (
                what, self.protocol)
            if series not in text:
                raise Failed("no %sin /metrics" % series)
            found[what] = int(float(text.split(series, 1)[1].split("\n", 1)[0]))
        return found

    def judge(self, t):
        want = self.outcome
        t.equal((self.result, self.lost), (want.result, want.lost), self.name())
        t.equal(self.counted["accepted"], want.arrived, "spans that arrived, " + self.name())
        t.true(self.did["requests"] + self.did["connections"] >= 1, self.name() + " hit nothing")
        t.true(not want.again or self.attempts >= 2, "attempts, " + self.name())

    def line(self):
        hits = ", ".join("%d %s" % (self.did[k], k) for k in ("requests", "connections")
                         if self.did[k])
        counts = ", ".join("%s %d" % (k, n) for k, n in self.counted.items() if n)
        lost = ", ".join("%d %s" % (n, k) for k, n in self.lost.items())
        return "# | %s | %s | %s, %d attempts | %s | %s | %s |" % (
            self.kind, self.protocol, self.result, self.attempts, hits or "nothing",
            counts or "nothing", lost or "none")


def metrics_of(collector):
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open("http://%s/metrics" % collector.endpoints["metrics"]) as answer:
        return answer.read().decode()


RESULTS = ("delivered", "partial", "refused", "unavailable", "timeout", "request_too_large",
           "response_too_large", "garbage", "no_memory", "closed", "untrusted")


@row("b31", "each fault of the collector: what the SDK saw, what was counted, what was lost")
def _(t):
    t.equal(sorted(set(f[0] for f in FAULTS)), sorted(kinds()), "kinds of faults with a row")
    t.certificates()
    rows = [Met(i, kind, told, protocol, outcome)
            for i, (kind, told, http, grpc) in enumerate(FAULTS)
            for protocol, outcome in (("http", http), ("grpc", grpc))]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        met = list(pool.map(lambda r: r.run(t), rows))
    print("# | fault | over | the SDK saw | the fault hit | the receiver counted spans | the SDK "
          "lost spans |")
    for one in met:
        print(one.line())
    for one in met:
        one.judge(t)
