/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles messages from Kafka, each in a CONSUMER span that is tied to the one it was sent in: as
 * its child ("parent": one trace from the sender to here), or in a trace of its own that names the
 * sender ("link": where a message is handled long afterwards, or many at once).
 *
 *     cc -o kafka_consumer kafka_consumer.c $(pkg-config --cflags --libs otel_sdk rdkafka)
 *     ./kafka_consumer localhost:9092 orders billing 3 parent
 */
#include <otel/kafka_carrier.h>
#include <otel/sdk/config.h>
#include <otel/trace.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static struct otel_tracer *tracer;
static volatile sig_atomic_t stopped;

/* Ctrl-C and SIGTERM end the loop: a program that a signal ends sends nothing of what is queued. */
static void stop(int number)
{
    (void)number;
    stopped = 1;
}

static void set_attributes(struct otel_span *span, const rd_kafka_message_t *message,
                           const char *group)
{
    char partition[16];

    snprintf(partition, sizeof(partition), "%d", (int)message->partition);
    otel_span_set_str(span, "messaging.system", "kafka");
    otel_span_set_str(span, "messaging.destination.name", rd_kafka_topic_name(message->rkt));
    otel_span_set_str(span, "messaging.operation.name", "process");
    otel_span_set_str(span, "messaging.operation.type", "process");
    otel_span_set_str(span, "messaging.consumer.group.name", group);
    otel_span_set_str(span, "messaging.destination.partition.id", partition);
    otel_span_set_int(span, "messaging.kafka.offset", message->offset);
}

/* What the program is there for. It needs no context: the caller has attached it. */
static void handle(const rd_kafka_message_t *message)
{
    struct otel_span *span = otel_span_start(tracer, "write invoice", NULL);

    otel_span_set_int(span, "example.bytes", (int64_t)message->len);
    otel_span_finish(span);
}

static void on_message(const rd_kafka_message_t *message, const char *group, bool by_link)
{
    struct otel_context *sender = otel_context_ref(otel_context_root()), *context;
    struct otel_context_token token;
    struct otel_span_options options;
    struct otel_link link = {.attribute_count = 0};
    rd_kafka_headers_t *headers;
    struct otel_span *span;
    char name[300];

    /* The headers belong to the message, and so do the values in them: extract copies. */
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        sender = otel_propagator_extract(NULL, otel_context_root(), headers,
                                         otel_rdkafka_header_getter());

    otel_span_options_init(&options);
    options.kind = OTEL_SPAN_KIND_CONSUMER;
    options.parent = sender;
    link.context = *otel_context_span_context(sender);
    if (by_link) {
        options.root = true;
        options.links = &link;
        options.link_count = otel_span_context_is_valid(&link.context) ? 1 : 0;
    }
    snprintf(name, sizeof(name), "process %s", rd_kafka_topic_name(message->rkt));
    span = otel_span_start(tracer, name, &options);
    set_attributes(span, message, group);

    context = otel_context_with_span(sender, span); /* the sender's baggage is in it, either way */
    token = otel_context_attach(context);
    handle(message);
    otel_context_detach(token); /* before the next message: its spans are not this one's */
    otel_context_unref(context);
    otel_span_finish(span);
    otel_context_unref(sender);
}

static rd_kafka_t *subscribe(const char *broker, const char *topic, const char *group)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_t *kafka;
    char error[256];

    rd_kafka_conf_set(conf, "bootstrap.servers", broker, error, sizeof(error));
    rd_kafka_conf_set(conf, "group.id", group, error, sizeof(error));
    rd_kafka_conf_set(conf, "auto.offset.reset", "earliest", error, sizeof(error));
    kafka = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof(error));
    rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    if (kafka != NULL) {
        rd_kafka_poll_set_consumer(kafka);
        rd_kafka_subscribe(kafka, topics);
    }
    rd_kafka_topic_partition_list_destroy(topics);
    return kafka;
}

int main(int argc, char **argv)
{
    struct otel_sdk *sdk = NULL;
    rd_kafka_t *kafka;
    int left;

    if (argc != 6 || (strcmp(argv[5], "parent") != 0 && strcmp(argv[5], "link") != 0)) {
        fprintf(stderr, "usage: kafka_consumer BROKER TOPIC GROUP COUNT parent|link\n");
        return 2;
    }
    kafka = subscribe(argv[1], argv[2], argv[3]);
    if (kafka == NULL)
        return 3;
    if (otel_sdk_from_env(NULL, &sdk) == OTEL_OK)
        otel_sdk_install(sdk);
    tracer = otel_tracer("example.kafka", NULL);
    signal(SIGINT, stop);
    signal(SIGTERM, stop);

    for (left = (int)strtol(argv[4], NULL, 10); left > 0 && !stopped;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(kafka, 1000);

        if (message == NULL)
            continue;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            on_message(message, argv[3], strcmp(argv[5], "link") == 0);
            left--;
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(kafka);
    rd_kafka_destroy(kafka);
    otel_tracer_unref(tracer);
    if (sdk != NULL)
        otel_sdk_shutdown(sdk, 5000);
    otel_sdk_free(sdk);
    return 0;
}
