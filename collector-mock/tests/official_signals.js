// SPDX-License-Identifier: Apache-2.0
// official_signals.js PROTOCOL ENDPOINT: 20 spans, 3 data points and 10 log records by the official exporters; says which went well.
'use strict';
const { ExportResultCode } = require('@opentelemetry/core');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { MeterProvider, PeriodicExportingMetricReader } = require('@opentelemetry/sdk-metrics');
const { LoggerProvider } = require('@opentelemetry/sdk-logs');

const [protocol, endpoint] = process.argv.slice(2);
const kind = { grpc: 'grpc', 'http/protobuf': 'proto', 'http/json': 'http' }[protocol];
const exporter = (signal, name) => {
  const Exporter = require(`@opentelemetry/exporter-${signal}-otlp-${kind}`)[name];
  const path = { trace: '/v1/traces', metrics: '/v1/metrics', logs: '/v1/logs' }[signal];
  return new Exporter({ url: kind === 'grpc' ? endpoint : endpoint + path });
};
const resource = resourceFromAttributes({ 'service.name': 'official' });
const exported = (to, items) =>
  new Promise((resolve) => to.export(items, (result) => resolve(result.code === ExportResultCode.SUCCESS)));

async function spans() {
  const memory = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(memory)] });
  for (let i = 0; i < 20; i++) provider.getTracer('official').startSpan(`span ${i}`, { attributes: { i } }).end();
  await provider.forceFlush();
  return exported(exporter('trace', 'OTLPTraceExporter'), memory.getFinishedSpans());
}

async function points() {
  const reader = new PeriodicExportingMetricReader({ exporter: exporter('metrics', 'OTLPMetricExporter'), exportIntervalMillis: 3600000 });
  const provider = new MeterProvider({ resource, readers: [reader] });
  const meter = provider.getMeter('official');
  meter.createCounter('requests', { unit: '{request}' }).add(3, { route: '/a' });
  meter.createHistogram('duration', { unit: 's' }).record(0.25, { route: '/a' });
  meter.createUpDownCounter('waiting').add(-1.5);
  await provider.forceFlush();
  return true;
}

async function records() {
  const list = [];
  const processor = { onEmit: (record) => list.push(record), forceFlush: async () => {}, shutdown: async () => {} };
  const provider = new LoggerProvider({ resource, processors: [processor] });
  for (let i = 0; i < 10; i++) provider.getLogger('official').emit({ severityNumber: 9, severityText: 'INFO', body: `record ${i}`, attributes: { i } });
  await provider.forceFlush();
  return exported(exporter('logs', 'OTLPLogExporter'), list);
}

(async () => {
  const good = [];
  if (await spans()) good.push('traces');
  if (await points()) good.push('metrics');
  if (await records()) good.push('logs');
  console.log('good', good.join(' '));
  process.exit(0);
})();
