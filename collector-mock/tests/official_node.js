// SPDX-License-Identifier: Apache-2.0
/*
 * The three OTLP exporters of the official SDK for JavaScript: official_node.js GRPC HTTP SPANS
 * sends the same SPANS spans by each (they differ in scope and ids) and prints what each was told.
 */
'use strict';

const [grpc, http, count] = process.argv.slice(2);
const { SpanKind, SpanStatusCode } = require('@opentelemetry/api');
const { BasicTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const exporters = {
  grpc: [require('@opentelemetry/exporter-trace-otlp-grpc'), `http://${grpc}`],
  'http/protobuf': [require('@opentelemetry/exporter-trace-otlp-proto'), `http://${http}/v1/traces`],
  'http/json': [require('@opentelemetry/exporter-trace-otlp-http'), `http://${http}/v1/traces`],
};

async function send(name, compression) {
  const [{ OTLPTraceExporter }, url] = exporters[name];
  const told = { good: 0, bad: 0 };
  const exporter = new OTLPTraceExporter({ url, compression });
  const watched = {
    export(spans, done) {
      exporter.export(spans, (result) => {
        told[result.code === 0 ? 'good' : 'bad'] += spans.length;
        done(result);
      });
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
  const provider = new BasicTracerProvider({
    spanProcessors: [new BatchSpanProcessor(watched, { maxQueueSize: 10000 })],
  });
  const tracer = provider.getTracer(`by ${name}`, '1.2');
  for (let i = 0; i < Number(count); i++) {
    const start = [1700000000 + i, 123456789];
    const span = tracer.startSpan(`span ${i} ünïcode`, {
      kind: [SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER][i % 5],
      startTime: start,
      attributes: {
        text: `t${i}`, empty: '', whole: i - 3, large: 2 ** 53 - 1, real: i + 0.25, negative: -0.5,
        yes: true, no: false, texts: ['a', 'b'], wholes: [1, -2], nothing: [],
      },
      links: [{ context: { traceId: '0123456789abcdef0123456789abcdef', spanId: '0123456789abcdef', traceFlags: 1 }, attributes: { l: i } }],
    });
    span.addEvent('event', { e: i, s: 'x' }, start);
    if (i % 3 === 1) span.setStatus({ code: SpanStatusCode.ERROR, message: 'no' });
    if (i % 3 === 2) span.setStatus({ code: SpanStatusCode.OK });
    span.end([1700000000 + i, 223456789]);
  }
  await provider.forceFlush();
  await provider.shutdown();
  console.log(`${name} ${compression}: good ${told.good} bad ${told.bad}`);
}

(async () => {
  for (const name of Object.keys(exporters)) {
    await send(name, 'none');
    await send(name, 'gzip');
  }
})();
