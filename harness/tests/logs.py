# SPDX-License-Identifier: Apache-2.0
"""logs.py RUN: joins each line of logs/ that was written in a request's name with the ledger and the
tap, read here by their published formats alone (harness/ledger/format.h, collector-mock/wire/tap.h).

Prints how many lines there are of each kind, then the first mistakes; exit status 1 if there are any.
  received      the span of the line's ids arrived, and belongs to the line's request and instance
  not sampled   trace_flags and ledger say so, and nothing arrived
  dropped       the drop record names the span
  untraced      a line without ids: no span of its request was started in its instance
"""
import collections
import glob
import json
import os
import struct
import sys

top = os.path.dirname(os.path.abspath(__file__)) + "/../.."
sys.path.insert(0, top + "/sdk/tests/requirements")
import otlp

SPAN = 5  # of enum hx_led_type


def ledger_spans(run):
    """(instance, trace id, span id): (request, trace flags) and the requests traced by instance."""
    spans, traced = {}, set()
    for path in glob.glob(run + "/ledger/*.led"):
        instance = os.path.basename(path).rsplit(".", 3)[0]
        with open(path, "rb") as file:
            data = file.read()
        at = 64
        while at + 16 <= len(data):
            size, kind, _, _ = struct.unpack_from("<IHHQ", data, at)
            if size == 0:
                break
            if kind == SPAN:
                request, flags, trace_id, span_id = struct.unpack_from("<16xQ21xB2x16s8s", data, at)
                spans[instance, trace_id.hex(), span_id.hex()] = request, flags
                traced.add((instance, request))
            at += size
    return spans, traced


def received_spans(run):
    with open(run + "/spans/tap.bin", "rb") as file:
        records = otlp.read_tap(file.read(), 0)[0]
    return {(s.trace_id, s.span_id) for r in records
            if r.type == otlp.TapRecord.REQUEST and r.signal == 1 for s in otlp.read_spans(r.body)[0]}


def dropped_spans(run):
    found = set()
    for path in glob.glob(run + "/ledger/*.drops"):
        with open(path, "rb") as file:
            data = file.read()
        for at in range(64, len(data) - 39, 40):
            trace_id, span_id, reason = struct.unpack_from("<16s8s12xI", data, at)
            if reason:
                found.add((trace_id.hex(), span_id.hex()))
    return found


def judge(line, instance, spans, traced, received, dropped):
    """kind, mistake"""
    request = line["request"]
    ids = [line.get(k) for k in ("trace_id", "span_id", "trace_flags")]
    if ids == [None] * 3:
        return "untraced", "without ids" if (instance, request) in traced else None
    span = spans.get((instance, ids[0], ids[1]))
    if span is None:
        return "unknown", "ids that no span of %s has" % instance
    if span[0] != request:
        return "unknown", "ids of request %d" % span[0]
    if ids[2] != "%02x" % span[1]:
        return "unknown", "trace_flags %s, the API said %02x" % (ids[2], span[1])
    if tuple(ids[:2]) in received:
        return "received", None if span[1] & 1 else "not sampled, and yet received"
    if not span[1] & 1:
        return "not sampled", None
    return "dropped", None if tuple(ids[:2]) in dropped else "a span that is nowhere"


def main(run):
    spans, traced = ledger_spans(run)
    received, dropped = received_spans(run), dropped_spans(run)
    kinds, mistakes = collections.Counter(), []
    for path in sorted(glob.glob(run + "/logs/*.log")):
        instance = os.path.basename(path)[:-len(".log")]
        with open(path) as file:
            for number, text in enumerate(file, 1):
                line = json.loads(text)
                if "request" not in line:
                    continue
                kind, mistake = judge(line, instance, spans, traced, received, dropped)
                kinds[kind] += 1
                if mistake:
                    mistakes.append("%s:%d: %s: %s" % (os.path.basename(path), number, mistake, text))
    print(json.dumps(kinds, sort_keys=True))
    sys.stdout.write("".join(mistakes[:10]))
    return 1 if mistakes else 0


sys.exit(main(sys.argv[1]))
