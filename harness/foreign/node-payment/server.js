// SPDX-License-Identifier: Apache-2.0
/*
 * A payment service on the official OpenTelemetry SDK for JavaScript, as a user would write it: the
 * SDK is started from OTEL_* alone and instruments node:http; nothing here knows of tracerig but
 * the address of the acquirer and the header that tells requests apart.
 *
 * PAYMENT_BREAK  (empty) correct
 *                inject   calls go out without the context
 *                extract  the context that comes in is not looked at
 *                silent   tracerig-request is not handed on
 */
'use strict';

const fault = process.env.PAYMENT_BREAK || '';
const api = require('@opentelemetry/api');
const { NodeSDK, core } = require('@opentelemetry/sdk-node');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');

/* The propagators of OTEL_PROPAGATORS with one half taken away. */
class Half {
  constructor(whole) { this.whole = whole; }
  inject(context, carrier, setter) {
    if (fault !== 'inject') this.whole.inject(context, carrier, setter);
  }
  extract(context, carrier, getter) {
    return fault === 'extract' ? context : this.whole.extract(context, carrier, getter);
  }
  fields() { return this.whole.fields(); }
}

const options = { instrumentations: [new HttpInstrumentation()] };
if (fault === 'inject' || fault === 'extract') {
  options.textMapPropagator = new Half(new core.CompositePropagator({
    propagators: [new core.W3CTraceContextPropagator(), new core.W3CBaggagePropagator()],
  }));
}
const sdk = new NodeSDK(options);
sdk.start();

const http = require('node:http');
const tracer = api.trace.getTracer('node-payment');
const agent = new http.Agent({ keepAlive: true });
const acquirer = process.env.TRACERIG_URL_ACQUIRER;

function authorize(request) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const id = request.headers['tracerig-request'];
    if (id && fault !== 'silent') headers['tracerig-request'] = id;
    const call = http.request(`${acquirer}/authorize`, { method: 'POST', agent, headers }, (answer) => {
      answer.resume();
      answer.on('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error('declined'))));
    });
    call.on('error', reject);
    call.end('{"amount_cents":4200}');
  });
}

function charge(request, response) {
  tracer.startActiveSpan('payment.authorize', async (span) => {
    let status = 200;
    try {
      if (acquirer) await authorize(request);
    } catch (error) {
      span.recordException(error);
      span.setStatus({ code: api.SpanStatusCode.ERROR });
      status = 502;
    }
    span.end();
    response.writeHead(status, { 'content-type': 'text/plain' }).end(status === 200 ? 'ok\n' : 'no\n');
  });
}

const server = http.createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    if (request.method === 'POST' && request.url === '/charge') charge(request, response);
    else response.writeHead(request.url === '/health' ? 200 : 404).end();
  });
});
server.keepAliveTimeout = 0;
server.listen(Number(process.env.PORT), '127.0.0.1');

/* SIGTERM flushes: stop accepting, let what is in hand end, shut the SDK down. */
process.on('SIGTERM', () => {
  server.close();
  server.closeIdleConnections();
  agent.destroy();
  sdk.shutdown().catch((error) => console.error('spans were lost:', error)).finally(() => process.exit(0));
});
