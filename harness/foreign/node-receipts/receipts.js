// SPDX-License-Identifier: Apache-2.0
/*
 * A service that reads one topic and writes another, on kafkajs and the official OpenTelemetry SDK,
 * as a user would write it. Of tracerig it knows the names of its topics and the header that tells
 * requests apart.
 *
 * RECEIPTS_READ, RECEIPTS_WRITE   which topics: ORDER_CREATED for KAFKA_TOPIC_ORDER_CREATED
 * RECEIPTS_BREAK  (empty) correct
 *                 inject   messages go out without the context
 *                 extract  the context that comes in is not looked at
 */
'use strict';

const fault = process.env.RECEIPTS_BREAK || '';
const { NodeSDK, core } = require('@opentelemetry/sdk-node');
const { KafkaJsInstrumentation } = require('@opentelemetry/instrumentation-kafkajs');

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

const options = { instrumentations: [new KafkaJsInstrumentation()] };
if (fault !== '') {
  options.textMapPropagator = new Half(new core.CompositePropagator({
    propagators: [new core.W3CTraceContextPropagator(), new core.W3CBaggagePropagator()],
  }));
}
const sdk = new NodeSDK(options);
sdk.start();

const { Kafka, Partitioners, logLevel } = require('kafkajs');
const kafka = new Kafka({
  clientId: process.env.TRACERIG_INSTANCE,
  brokers: process.env.KAFKA_BOOTSTRAP_SERVERS.split(','),
  logLevel: logLevel.WARN,
});
const from = process.env[`KAFKA_TOPIC_${process.env.RECEIPTS_READ}`];
const to = process.env[`KAFKA_TOPIC_${process.env.RECEIPTS_WRITE}`];
const consumer = kafka.consumer({
  groupId: process.env[`KAFKA_GROUP_${process.env.RECEIPTS_READ}`],
  sessionTimeout: 6000,
  heartbeatInterval: 200,
  maxWaitTimeInMs: 20,
});
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });

async function run() {
  await producer.connect();
  await consumer.connect();
  await consumer.subscribe({ topic: from });
  await consumer.run({
    autoCommitThreshold: 1, /* what has been handled is committed */
    eachMessage: async ({ message }) => {
      const id = message.headers['tracerig-request'];
      const headers = id ? { 'tracerig-request': id } : {};
      await producer.send({ topic: to, messages: [{ value: 'receipt', headers }] });
    },
  });
}

run().catch((error) => {
  console.error(error);
  process.exit(1);
});

/* SIGTERM flushes: let what is in hand end, shut the SDK down. */
process.on('SIGTERM', async () => {
  await Promise.allSettled([consumer.disconnect(), producer.disconnect()]);
  await sdk.shutdown().catch((error) => console.error('spans were lost:', error));
  process.exit(0);
});
