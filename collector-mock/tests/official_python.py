# SPDX-License-Identifier: Apache-2.0
"""Export spans with the official OTLP/gRPC exporter: official_python.py ENDPOINT SPANS none|gzip"""
import sys

import grpc
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export import BatchSpanProcessor


class Counting(SpanExporter):
    """Passes batches on and remembers what became of them."""

    def __init__(self, inner):
        self.inner, self.good, self.bad = inner, 0, 0

    def export(self, spans):
        result = self.inner.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.good += len(spans)
        else:
            self.bad += len(spans)
        return result

    def shutdown(self):
        self.inner.shutdown()

    def force_flush(self, timeout_millis=30000):
        return self.inner.force_flush(timeout_millis)


def main():
    endpoint, count, compression = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    exporter = Counting(OTLPSpanExporter(
        endpoint=endpoint, insecure=True, timeout=10,
        compression=grpc.Compression.Gzip if compression == "gzip" else None))
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=count + 1))
    tracer = provider.get_tracer("official")
    for i in range(count):
        with tracer.start_as_current_span("span %d" % i) as span:
            span.set_attribute("n", i)
            span.add_event("event")
    provider.force_flush()
    provider.shutdown()
    print("good %d bad %d" % (exporter.good, exporter.bad))


main()
