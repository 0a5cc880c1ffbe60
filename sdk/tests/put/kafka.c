/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of Kafka, by the carrier that programs with librdkafka use: sdk-put-kafka. */
#include <stdlib.h>
#include <string.h>

#include <otel/kafka_carrier.h>

#include "sdk/tests/put/put.h"

enum { MESSAGES_MAX = 64, WAIT_MILLIS = 60000 };

static rd_kafka_t *g_producer, *g_consumer;
static struct {
    char name[32];
    rd_kafka_message_t *message;
} g_messages[MESSAGES_MAX];
static size_t g_message_count;

/* While LeakSanitizer looks, nothing is there any more. */
static void leave(void)
{
    for (size_t i = 0; i < g_message_count; i++)
        rd_kafka_message_destroy(g_messages[i].message);
    g_message_count = 0;
    if (g_consumer != NULL)
        rd_kafka_destroy_flags(g_consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    if (g_producer != NULL)
        rd_kafka_destroy(g_producer);
}

static void on_delivery(rd_kafka_t *kafka, const rd_kafka_message_t *message, void *arg)
{
    (void)kafka;
    (void)arg;
    *(rd_kafka_resp_err_t *)message->_private = message->err;
}

static rd_kafka_t *open_client(rd_kafka_type_t type, struct otel_str broker)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *kafka;
    char error[256];

    if (g_producer == NULL && g_consumer == NULL)
        atexit(leave);
    rd_kafka_conf_set(conf, "bootstrap.servers", broker.data, error, sizeof(error));
    if (type == RD_KAFKA_PRODUCER) {
        rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    } else {
        rd_kafka_conf_set(conf, "group.id", "put", error, sizeof(error));
        rd_kafka_conf_set(conf, "fetch.wait.max.ms", "50", error, sizeof(error));
    }
    kafka = rd_kafka_new(type, conf, error, sizeof(error));
    if (kafka == NULL)
        rd_kafka_conf_destroy(conf);
    return kafka;
}

/* producer BROKER */
static void do_producer(struct put *put, struct put_words *words)
{
    if (g_producer == NULL)
        g_producer = open_client(RD_KAFKA_PRODUCER, put_next(words));
    if (g_producer == NULL)
        put_no(put, "producer");
    else
        fprintf(put->out, "ok");
}

/* consumer BROKER TOPIC: reads partition 0 of it from the beginning */
static void do_consumer(struct put *put, struct put_words *words)
{
    struct otel_str broker = put_next(words), topic = put_next(words);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    if (g_consumer == NULL)
        g_consumer = open_client(RD_KAFKA_CONSUMER, broker);
    rd_kafka_topic_partition_list_add(list, topic.data, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    if (g_consumer == NULL || rd_kafka_assign(g_consumer, list) != RD_KAFKA_RESP_ERR_NO_ERROR)
        put_no(put, "consumer");
    else
        fprintf(put->out, "ok");
    rd_kafka_topic_partition_list_destroy(list);
}

/* Until the broker has it. */
static rd_kafka_resp_err_t produce(struct otel_str topic, rd_kafka_headers_t *headers)
{
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__IN_PROGRESS, taken;

    taken = rd_kafka_producev(g_producer, RD_KAFKA_V_TOPIC(topic.data), RD_KAFKA_V_PARTITION(0),
                              RD_KAFKA_V_VALUE("body", 4),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                              RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(&err), RD_KAFKA_V_END);
    if (taken != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_headers_destroy(headers);
        return taken;
    }
    (void)rd_kafka_flush(g_producer, WAIT_MILLIS);
    if (err == RD_KAFKA_RESP_ERR__IN_PROGRESS) /* err must not be written to behind this call */
        (void)rd_kafka_purge(g_producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    (void)rd_kafka_flush(g_producer, -1);
    return err;
}

static void inject_and_produce(struct put *put, struct put_words *words, struct otel_str topic,
                               rd_kafka_headers_t *headers)
{
    struct otel_context *context = put_context(put, put_next(words));
    struct otel_propagator *propagator = put_propagator(put_next(words));
    rd_kafka_resp_err_t err;

    while (words->at < words->count) {
        struct otel_str name = put_next(words), value = put_next(words);

        rd_kafka_header_add(headers, name.data, (ssize_t)name.len, value.data, (ssize_t)value.len);
    }
    otel_propagator_inject(propagator, context, headers, otel_rdkafka_header_setter());
    otel_context_unref(context);
    err = produce(topic, headers);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        put_no(put, rd_kafka_err2name(err));
    else
        fprintf(put->out, "ok");
}

/* send TOPIC C|span:S PROPAGATOR NAME VALUE...: a message with these headers and the context's */
static void do_send(struct put *put, struct put_words *words)
{
    struct otel_str topic = put_next(words);

    if (g_producer == NULL)
        put_no(put, "producer");
    else
        inject_and_produce(put, words, topic, rd_kafka_headers_new(8));
}

/* receive M -> NAME VALUE...: the next message, and its headers as librdkafka has them */
static void do_receive(struct put *put, struct put_words *words)
{
    struct otel_str keep = put_next(words);
    rd_kafka_message_t *message =
        g_consumer != NULL ? rd_kafka_consumer_poll(g_consumer, WAIT_MILLIS) : NULL;
    rd_kafka_headers_t *headers = NULL;
    const char *name;
    const void *value;
    size_t size;

    if (message == NULL || message->err != RD_KAFKA_RESP_ERR_NO_ERROR ||
        g_message_count == MESSAGES_MAX) {
        put_no(put, message == NULL ? "message" : rd_kafka_err2name(message->err));
        if (message != NULL)
            rd_kafka_message_destroy(message);
        return;
    }
    snprintf(g_messages[g_message_count].name, sizeof(g_messages[0].name), "%s", keep.data);
    g_messages[g_message_count++].message = message;
    fprintf(put->out, "ok");
    (void)rd_kafka_message_headers(message, &headers);
    for (size_t i = 0; headers != NULL && rd_kafka_header_get_all(headers, i, &name, &value,
                                                                  &size) == 0;
         i++) {
        put_say(put, otel_str(name));
        put_say(put, otel_strn(value, value != NULL ? size : 0));
    }
}

/* NULL: no such message, or one without headers. */
static rd_kafka_headers_t *headers_of(struct otel_str name)
{
    rd_kafka_headers_t *headers = NULL;

    for (size_t i = g_message_count; i-- > 0;)
        if (strcmp(g_messages[i].name, name.data) == 0) {
            (void)rd_kafka_message_headers(g_messages[i].message, &headers);
            break;
        }
    return headers;
}

/* extract_message C M PROPAGATOR: context C out of message M */
static void do_extract_message(struct put *put, struct put_words *words)
{
    struct otel_str name = put_next(words);
    rd_kafka_headers_t *headers = headers_of(put_next(words));

    if (headers == NULL) {
        put_no(put, "headers");
        return;
    }
    put_keep(put, PUT_CONTEXT, name,
             otel_propagator_extract(put_propagator(put_next(words)), otel_context_root(), headers,
                                     otel_rdkafka_header_getter()));
    fprintf(put->out, "ok");
}

/* forward M TOPIC C|span:S PROPAGATOR NAME VALUE...: the message is sent on, in another context */
static void do_forward(struct put *put, struct put_words *words)
{
    rd_kafka_headers_t *headers = headers_of(put_next(words));
    struct otel_str topic = put_next(words);

    if (g_producer == NULL || headers == NULL)
        put_no(put, "producer or headers");
    else
        inject_and_produce(put, words, topic, rd_kafka_headers_copy(headers));
}

const struct put_command put_kafka_commands[] = {{"producer", do_producer},
                                                 {"consumer", do_consumer},
                                                 {"send", do_send},
                                                 {"receive", do_receive},
                                                 {"extract_message", do_extract_message},
                                                 {"forward", do_forward},
                                                 {NULL, NULL}};
