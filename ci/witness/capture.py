#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Encode OTLP messages with the official Python package and write them to official/.

Every field number of the trace, metric and log messages occurs in at least one request, and every kind of
AnyValue. Beside each request NAME.bin stands NAME.json: the same message in the JSON mapping of
OTLP (ids in hexadecimal, enums as numbers), printed by the official package too.

Run once, results committed:

    python3 -m venv /tmp/v && /tmp/v/bin/pip install opentelemetry-proto==1.45.2 protobuf==7.36.2
    /tmp/v/bin/python ci/witness/capture.py
"""
import base64
import json
import math
import os

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs_service
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_service
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as service
from opentelemetry.proto.common.v1 import common_pb2 as common
from opentelemetry.proto.logs.v1 import logs_pb2 as logs
from opentelemetry.proto.metrics.v1 import metrics_pb2 as metrics
from opentelemetry.proto.trace.v1 import trace_pb2 as trace

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "official")
T0 = 1700000000000000000
HEX_FIELDS = ("traceId", "spanId", "parentSpanId")


def any_value(value):
    out = common.AnyValue()
    if value is None:
        return out
    if isinstance(value, bool):
        out.bool_value = value
    elif isinstance(value, str):
        out.string_value = value
    elif isinstance(value, int):
        out.int_value = value
    elif isinstance(value, float):
        out.double_value = value
    elif isinstance(value, bytes):
        out.bytes_value = value
    elif isinstance(value, list):
        out.array_value.SetInParent()
        out.array_value.values.extend(any_value(item) for item in value)
    elif isinstance(value, dict):
        out.kvlist_value.SetInParent()
        out.kvlist_value.values.extend(key_value(k, v) for k, v in value.items())
    else:
        raise TypeError(type(value))
    return out


def key_value(key, value):
    return common.KeyValue(key=key, value=any_value(value))


def key_values(mapping):
    return [key_value(k, v) for k, v in mapping.items()]


def every_kind():
    return {
        "string": "text",
        "string.empty": "",
        "string.utf8": "gr\u00fc\u00df \u4e16\u754c \U0001f680",
        "bool.true": True,
        "bool.false": False,
        "int": 42,
        "int.zero": 0,
        "int.min": -(2**63),
        "int.max": 2**63 - 1,
        "double": 1.5,
        "double.zero": 0.0,
        "double.small": 5e-324,
        "double.big": -1.7976931348623157e308,
        "bytes": b"\x00\x01\xfe\xff",
        "bytes.empty": b"",
        "array": ["a", True, -1, 2.5, b"\x80", None],
        "array.empty": [],
        "array.nested": [[1, [2, [3]]], {"k": ["v"]}],
        "kvlist": {"a": 1, "b": {"c": [{"d": "e"}]}},
        "kvlist.empty": {},
        "none": None,
    }


def span(number, **fields):
    out = trace.Span(
        trace_id=bytes([0xA0 + number % 16]) + bytes(range(1, 16)),
        span_id=number.to_bytes(8, "big"),
        name="span %d" % number,
        kind=number % 6,
        start_time_unix_nano=T0 + number * 1000,
        end_time_unix_nano=T0 + number * 1000 + 750,
    )
    for name, value in fields.items():
        current = getattr(out, name)
        if hasattr(current, "extend"):
            current.extend(value)
        elif hasattr(current, "CopyFrom"):
            current.CopyFrom(value)
        else:
            setattr(out, name, value)
    return out


def full_span():
    return span(
        1,
        trace_state="ot=th:8,vendor=1",
        parent_span_id=b"\x11\x12\x13\x14\x15\x16\x17\x18",
        flags=0x301,
        attributes=key_values(every_kind()),
        dropped_attributes_count=3,
        events=[
            trace.Span.Event(
                time_unix_nano=T0 + 1100,
                name="exception",
                attributes=key_values({"exception.type": "E", "n": [1, 2]}),
                dropped_attributes_count=4,
            ),
            trace.Span.Event(time_unix_nano=T0 + 1200, name="plain"),
        ],
        dropped_events_count=5,
        links=[
            trace.Span.Link(
                trace_id=bytes(range(16, 32)),
                span_id=bytes(range(32, 40)),
                trace_state="k=v",
                attributes=key_values({"messaging.system": "kafka"}),
                dropped_attributes_count=6,
                flags=0x101,
            ),
            trace.Span.Link(trace_id=bytes(range(1, 17)), span_id=bytes(range(1, 9))),
        ],
        dropped_links_count=7,
        status=trace.Status(message="it broke", code=2),
    )


def full():
    request = service.ExportTraceServiceRequest()
    rs = request.resource_spans.add(schema_url="https://opentelemetry.io/schemas/1.37.0")
    rs.resource.attributes.extend(key_values({"service.name": "order", "all": every_kind()}))
    rs.resource.dropped_attributes_count = 1
    rs.resource.entity_refs.add(
        schema_url="https://example.test/e", type="service", id_keys=["service.name", "x"],
        description_keys=["y", "z"],
    )
    ss = rs.scope_spans.add(schema_url="https://example.test/scope")
    ss.scope.name = "lib"
    ss.scope.version = "1.2.3"
    ss.scope.attributes.extend(key_values({"scope.attr": "s"}))
    ss.scope.dropped_attributes_count = 2
    ss.spans.append(full_span())
    return request


def groups():
    request = service.ExportTraceServiceRequest()
    number = 1
    for r in range(3):
        rs = request.resource_spans.add()
        rs.resource.attributes.extend(key_values({"service.name": "s%d" % r}))
        for s in range(r + 1):
            ss = rs.scope_spans.add()
            ss.scope.name = "scope %d.%d" % (r, s)
            for _ in range(4):
                ss.spans.append(span(number, attributes=key_values({"n": number})))
                number += 1
    return request


def extremes():
    request = service.ExportTraceServiceRequest()
    ss = request.resource_spans.add().scope_spans.add()
    top = 2**32 - 1
    ss.spans.append(span(1, dropped_attributes_count=top, dropped_events_count=top,
                         dropped_links_count=top, flags=top, trace_state=",".join(
                             "k%d=%s" % (i, "v" * 10) for i in range(32))))
    ss.spans.append(span(2, attributes=key_values({
        "nan": math.nan, "inf": math.inf, "-inf": -math.inf, "-0": -0.0,
        "long": "x" * 20000, "len127": "y" * 127, "len128": "z" * 128, "": "empty key",
        "nul": "a\x00b"})))
    unknown = span(3, start_time_unix_nano=2**64 - 1, end_time_unix_nano=0)
    unknown.kind = 5
    unknown.status.code = 1
    ss.spans.append(unknown)
    ss.spans.append(trace.Span())
    return request


def strindex():
    """Field numbers that only the profiles signal uses; a trace reader must skip them."""
    request = service.ExportTraceServiceRequest()
    one = request.resource_spans.add().scope_spans.add().spans.add()
    one.CopyFrom(span(1))
    one.attributes.append(common.KeyValue(key_strindex=7,
                                          value=common.AnyValue(string_value_strindex=9)))
    one.attributes.append(key_value("after", "kept"))
    return request


def no_spans():
    request = service.ExportTraceServiceRequest()
    rs = request.resource_spans.add()
    rs.resource.attributes.extend(key_values({"service.name": "idle"}))
    rs.scope_spans.add().scope.name = "nothing"
    return request


def exemplar(**value):
    return metrics.Exemplar(
        filtered_attributes=key_values({"user": "u1"}), time_unix_nano=T0 + 5,
        span_id=bytes(range(8)), trace_id=bytes(range(16)), **value)


def number_points():
    times = {"start_time_unix_nano": T0, "time_unix_nano": T0 + 10}
    return [
        metrics.NumberDataPoint(attributes=key_values({"k": "int"}), as_int=-7,
                                exemplars=[exemplar(as_int=3)], **times),
        metrics.NumberDataPoint(attributes=key_values({"k": "double"}), as_double=2.5,
                                exemplars=[exemplar(as_double=0.5)], **times),
        metrics.NumberDataPoint(attributes=key_values({"k": "none"}), flags=1, **times),
        metrics.NumberDataPoint(attributes=key_values({"k": "zero"}), as_int=0, **times),
    ]


def histogram_points():
    return [
        metrics.HistogramDataPoint(
            attributes=key_values({"route": "/a"}), start_time_unix_nano=T0,
            time_unix_nano=T0 + 10, count=6, sum=31.5, bucket_counts=[1, 2, 3],
            explicit_bounds=[1, 10.5], exemplars=[exemplar(as_double=4.5)], flags=2, min=0.5,
            max=20),
        metrics.HistogramDataPoint(time_unix_nano=T0 + 10, count=1, sum=0),
    ]


def exponential_points():
    buckets = metrics.ExponentialHistogramDataPoint.Buckets
    return [
        metrics.ExponentialHistogramDataPoint(
            attributes=key_values({"route": "/b"}), start_time_unix_nano=T0,
            time_unix_nano=T0 + 10, count=9, sum=-1.5, scale=-3, zero_count=2,
            positive=buckets(offset=-4, bucket_counts=[1, 0, 300]),
            negative=buckets(offset=2, bucket_counts=[4]), flags=4,
            exemplars=[exemplar(as_int=-1)], min=-3, max=8, zero_threshold=0.25),
    ]


def all_metrics():
    request = metrics_service.ExportMetricsServiceRequest()
    rm = request.resource_metrics.add(schema_url="https://opentelemetry.io/schemas/1.37.0")
    rm.resource.attributes.extend(key_values({"service.name": "shop"}))
    sm = rm.scope_metrics.add(schema_url="https://example.test/scope")
    sm.scope.name = "meter"
    sm.scope.version = "2"
    gauge = sm.metrics.add(name="temperature", description="how warm", unit="Cel",
                           metadata=key_values({"source": "thermometer"}))
    gauge.gauge.data_points.extend(number_points())
    for temporality, monotonic in ((2, True), (1, False)):
        total = sm.metrics.add(name="requests", unit="{request}").sum
        total.aggregation_temporality = temporality
        total.is_monotonic = monotonic
        total.data_points.extend(number_points())
    sm = rm.scope_metrics.add()
    histogram = sm.metrics.add(name="duration", unit="s").histogram
    histogram.aggregation_temporality = 2
    histogram.data_points.extend(histogram_points())
    exponential = sm.metrics.add(name="size", unit="By").exponential_histogram
    exponential.aggregation_temporality = 1
    exponential.data_points.extend(exponential_points())
    summary = sm.metrics.add(name="old", unit="ms").summary
    summary.data_points.add(
        attributes=key_values({"a": 1}), start_time_unix_nano=T0, time_unix_nano=T0 + 10,
        count=3, sum=4.5, flags=1, quantile_values=[
            metrics.SummaryDataPoint.ValueAtQuantile(quantile=0.5, value=1),
            metrics.SummaryDataPoint.ValueAtQuantile(quantile=0.99, value=2.25)])
    sm.metrics.add(name="nothing")
    sm.metrics.add(name="no points").gauge.SetInParent()
    return request


def all_logs():
    request = logs_service.ExportLogsServiceRequest()
    for number, service_name in enumerate(("shop", "pay")):
        rl = request.resource_logs.add(schema_url="https://opentelemetry.io/schemas/1.37.0")
        rl.resource.attributes.extend(key_values({"service.name": service_name}))
        sl = rl.scope_logs.add(schema_url="https://example.test/scope")
        sl.scope.name = "logger"
        sl.scope.version = "%d" % number
        sl.log_records.add(
            time_unix_nano=T0 + number, observed_time_unix_nano=T0 + 7, severity_number=9 + number,
            severity_text="INFO", body=any_value("order \u4e16 %d" % number),
            attributes=key_values(every_kind()), dropped_attributes_count=2, flags=0x101,
            trace_id=bytes(range(1, 17)), span_id=bytes(range(1, 9)), event_name="order.placed")
        sl.log_records.add(observed_time_unix_nano=T0 + 8, body=any_value({"a": [1, None], "b": {}}))
        sl.log_records.add()
    return request


def as_hex(node):
    if isinstance(node, list):
        return [as_hex(item) for item in node]
    if isinstance(node, dict):
        return {k: base64.b64decode(v).hex() if k in HEX_FIELDS else as_hex(v)
                for k, v in node.items()}
    return node


def write(name, message, with_json=True):
    with open(os.path.join(OUT, name + ".bin"), "wb") as out:
        out.write(message.SerializeToString(deterministic=True))
    if not with_json:
        return
    tree = as_hex(json_format.MessageToDict(message, use_integers_for_enums=True))
    with open(os.path.join(OUT, name + ".json"), "w", encoding="utf-8") as out:
        json.dump(tree, out, ensure_ascii=False, separators=(",", ":"))
        out.write("\n")


def main():
    os.makedirs(OUT, exist_ok=True)
    write("full", full())
    write("groups", groups())
    write("extremes", extremes())
    write("strindex", strindex())
    write("no-spans", no_spans())
    write("minimal", service.ExportTraceServiceRequest(resource_spans=[
        trace.ResourceSpans(scope_spans=[trace.ScopeSpans(spans=[span(1)])])]))
    write("empty", service.ExportTraceServiceRequest())
    write("metrics", all_metrics())
    write("logs", all_logs())
    write("response-empty", service.ExportTraceServiceResponse(), with_json=False)
    write("response-partial", service.ExportTraceServiceResponse(
        partial_success=service.ExportTracePartialSuccess(
            rejected_spans=3, error_message="three were too old")), with_json=False)


if __name__ == "__main__":
    main()
