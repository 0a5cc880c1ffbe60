# SPDX-License-Identifier: Apache-2.0
"""b40, b41: what a forked child goes on with; row 92 is the batch processor's."""
import otlp
from rig import LONG, row
from strategies import Strategies, xray_rule


def forked(p, *lines):
    """A child that does these lines, with its answer still to come."""
    p.send("fork", len(lines))
    for line in lines:
        p.send(*line)


@row("b40", "after a fork the simple processor exports in parent and child, each span once")
def _(t):
    for protocol in ("http", "grpc"):
        c = t.own_collector()
        p = t.player()
        p("exporter", "e", "otlp", "protocol=" + protocol, "timeout=%d" % LONG, "endpoint=http://" +
          (c.grpc if protocol == "grpc" else c.http + "/v1/traces"))
        p("processor", "one", "simple", "e")
        p("provider", "one")
        p("tracer", "t", "rig")
        p("burst", 3, "t", "parent")  # by a connection that the child inherits
        p("start", "open", "t", "open", "root=1")
        forked(p, ("burst", 5, "t", "child"), ("finish", "open"), ("shutdown", LONG))
        t.equal(p.answer(), ["ok", "status=0"], "the child over " + protocol)
        p("burst", 4, "t", "parent")
        p("finish", "open")  # whose end in the child was not the child's to export
        by = {"parent": [], "child": [], "open": []}
        for request in c.requests():
            for span in otlp.read_spans(request.body)[0]:
                by[span.name].append((span.span_id, request.connection))
        t.equal({k: len(v) for k, v in by.items()}, {"parent": 7, "child": 5, "open": 1},
                "spans over " + protocol)
        t.equal(len({i for v in by.values() for i, _ in v}), 13, "ids that differ over " + protocol)
        of = [{connection for _, connection in by[name]} for name in ("parent", "child")]
        t.equal((len(of[0]), len(of[1]), of[0] & of[1]), (1, 1, set()),
                "connections over " + protocol)


@row("b41", "after a fork xray decides by the rules that were known, and the child asks for its own")
def _(t):
    server = Strategies()
    t.at_end(server.close)
    c = t.own_collector()
    server.answer = {"/GetSamplingRules": {"SamplingRuleRecords": [
        xray_rule("all", 1, 1, ServiceName="shop")]}, "/SamplingTargets": {}}

    def asked():
        return sum(path == "/GetSamplingRules" for path, _ in list(server.bodies))

    p = t.sdk({"OTEL_TRACES_SAMPLER": "xray", "OTEL_SERVICE_NAME": "shop",
               "OTEL_TRACES_SAMPLER_ARG":
               "endpoint=http://127.0.0.1:%d,polling_interval=3600" % server.server_address[1]}, c)
    c.wait_for("the rules", lambda: p.numbers("burst", 100, "t", "wait")["sampled"] == 100)
    p.flush()
    c.mark()
    server.answers.clear()  # what the child asks is not answered: it has what it inherited
    c.fault(kind="stall")   # and it waits in its flush
    forked(p, ("burst", 50, "t", "child"), ("flush", LONG), ("shutdown", LONG))
    c.wait_for("a question of the child's", lambda: asked() == 2)
    c.end_fault()
    t.equal(p.answer(), ["ok", "status=0"], "the child")
    server.answers.set()
    t.equal(len({s.span_id for s in c.spans() if s.name == "child"}), 50, "sampled in the child")
    t.equal(p.numbers("burst", 50, "t", "parent")["sampled"], 50, "sampled in the parent")
    t.equal(asked(), 2, "questions: the parent's, the child's")
