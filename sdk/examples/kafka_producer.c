/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends messages to Kafka, each with the context of the span that it was sent in.
 *
 *     cc -o kafka_producer kafka_producer.c $(pkg-config --cflags --libs otel_sdk rdkafka)
 *     OTEL_SERVICE_NAME=shop OTEL_TRACES_EXPORTER=console ./kafka_producer localhost:9092 orders 3
 */
#include <otel/kafka_carrier.h>
#include <otel/sdk/config.h>
#include <otel/trace.h>
#include <stdio.h>
#include <stdlib.h>

static struct otel_tracer *tracer;

/* The broker has the message, or will never have it: from rd_kafka_poll(), on whatever thread calls
 * it. Only now is it known whether sending worked, so only now does the span end. */
static void on_delivery(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *arg)
{
    struct otel_span *span = message->_private;

    (void)kafka;
    (void)arg;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        otel_span_set_status(span, OTEL_STATUS_ERROR, rd_kafka_err2str(message->err));
        otel_span_set_str(span, "error.type", rd_kafka_err2name(message->err));
    } else {
        char partition[16];

        snprintf(partition, sizeof(partition), "%d", (int)message->partition);
        otel_span_set_str(span, "messaging.destination.partition.id", partition);
        otel_span_set_int(span, "messaging.kafka.offset", message->offset);
    }
    otel_span_finish(span);
}

static void send_order(rd_kafka_t *kafka, const char *topic, int number)
{
    struct otel_span_options options;
    struct otel_span *span;
    struct otel_context *context;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
    rd_kafka_resp_err_t err;
    char name[300], text[32];
    int len = snprintf(text, sizeof(text), "order %d", number);

    snprintf(name, sizeof(name), "send %s", topic);
    otel_span_options_init(&options);
    options.kind = OTEL_SPAN_KIND_PRODUCER;
    span = otel_span_start(tracer, name, &options);
    otel_span_set_str(span, "messaging.system", "kafka");
    otel_span_set_str(span, "messaging.destination.name", topic);
    otel_span_set_str(span, "messaging.operation.name", "send");
    otel_span_set_str(span, "messaging.operation.type", "send");
    otel_span_set_int(span, "messaging.message.body.size", len);

    context = otel_context_with_span(otel_context_current(), span);
    otel_propagator_inject(NULL, context, headers, otel_rdkafka_header_setter());
    otel_context_unref(context);

    /* A message that is taken takes the headers and our reference to the span along. */
    err = rd_kafka_producev(kafka, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_VALUE(text, (size_t)len),
                            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(headers),
                            RD_KAFKA_V_OPAQUE(span), RD_KAFKA_V_END);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_headers_destroy(headers);
        otel_span_set_status(span, OTEL_STATUS_ERROR, rd_kafka_err2str(err));
        otel_span_set_str(span, "error.type", rd_kafka_err2name(err));
        otel_span_finish(span);
    }
    rd_kafka_poll(kafka, 0);
}

int main(int argc, char **argv)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    struct otel_sdk *sdk = NULL;
    rd_kafka_t *kafka;
    char error[256];
    int left;

    if (argc != 4 || rd_kafka_conf_set(conf, "bootstrap.servers", argv[1], error, sizeof(error))) {
        fprintf(stderr, "usage: kafka_producer BROKER TOPIC COUNT\n");
        return 2;
    }
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    kafka = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error, sizeof(error));
    if (kafka == NULL)
        return 3;
    if (otel_sdk_from_env(NULL, &sdk) == OTEL_OK)
        otel_sdk_install(sdk);
    tracer = otel_tracer("example.kafka", NULL);

    for (int i = 0; i < (int)strtol(argv[3], NULL, 10); i++)
        send_order(kafka, argv[2], i);

    /* First Kafka, then tracing: a span ends when its delivery is reported. */
    rd_kafka_flush(kafka, 10000);
    left = rd_kafka_outq_len(kafka);
    rd_kafka_destroy(kafka);
    otel_tracer_unref(tracer);
    if (sdk != NULL)
        otel_sdk_shutdown(sdk, 5000);
    otel_sdk_free(sdk);
    return left > 0;
}
