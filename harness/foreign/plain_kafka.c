/* SPDX-License-Identifier: Apache-2.0 */
/* The topics of plain-service: an ordinary client of librdkafka. */
#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/foreign/plain.h"

enum { WAIT_MILLIS = 10000, ERROR_SIZE = 512, AGAIN_MILLIS = 100 };

static rd_kafka_t *producer;

static const char *variable(const char *kind, const char *name)
{
    char text[128];

    snprintf(text, sizeof(text), "KAFKA_%s_%s", kind, name);
    return getenv(text);
}

static void give_up(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

static rd_kafka_t *client(rd_kafka_type_t type, const char *group)
{
    const char *settings[][2] = {{"bootstrap.servers", getenv("KAFKA_BOOTSTRAP_SERVERS")},
                                 {"group.id", group},
                                 {"session.timeout.ms", "3100"},
                                 {"heartbeat.interval.ms", "200"},
                                 {"enable.auto.commit", "false"},
                                 {"fetch.wait.max.ms", "15"}};
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[ERROR_SIZE];
    rd_kafka_t *rk;

    for (size_t i = 0; i < (type == RD_KAFKA_CONSUMER ? 6 : 1); i++)
        if (settings[i][1] == NULL || rd_kafka_conf_set(conf, settings[i][0], settings[i][1], error,
                                                        sizeof(error)) != RD_KAFKA_CONF_OK)
            give_up(settings[i][0], settings[i][1] != NULL ? error : "not set");
    rk = rd_kafka_new(type, conf, error, sizeof(error));
    if (rk == NULL)
        give_up("no client of Kafka", error);
    return rk;
}

static void make_producer(void)
{
    producer = client(RD_KAFKA_PRODUCER, NULL);
}

/* "Name: value\r\n..." */
static rd_kafka_headers_t *headers_of(char *lines)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    char *colon, *end;

    for (; (end = strstr(lines, "\r\n")) != NULL; lines = end + 2) {
        *end = '\0';
        colon = strstr(lines, ": ");
        if (colon != NULL)
            rd_kafka_header_add(headers, lines, colon - lines, colon + 2, -1);
    }
    return headers;
}

bool plain_publish(const char *name, const char *head)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const char *topic = variable("TOPIC", name);
    char lines[8192];
    rd_kafka_headers_t *headers;
    rd_kafka_resp_err_t err;

    pthread_once(&once, make_producer);
    if (topic == NULL)
        return false;
    plain_headers(head, lines, sizeof(lines));
    headers = headers_of(lines);
    err = rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_VALUE("passed on", 9),
                            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(headers),
                            RD_KAFKA_V_END);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_headers_destroy(headers);
    return err == RD_KAFKA_RESP_ERR_NO_ERROR &&
           rd_kafka_flush(producer, WAIT_MILLIS) == RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* A message as if it were a request. */
static void handle(const rd_kafka_message_t *message)
{
    char head[PLAIN_HEAD_SIZE] = "MESSAGE\r\n";
    rd_kafka_headers_t *headers;
    const void *value;
    const char *name;
    size_t len;

    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
        for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &len) ==
                           RD_KAFKA_RESP_ERR_NO_ERROR;
             i++)
            if (value != NULL)
                snprintf(head + strlen(head), sizeof(head) - strlen(head), "%s: %.*s\r\n", name,
                         (int)len, (const char *)value);
    snprintf(head + strlen(head), sizeof(head) - strlen(head), "\r\n");
    plain_pass_on(head);
}

/* Whoever got no answer cannot know: it asks again. Of a group that has changed, the message
 * comes again, to whom its partition has been given. */
static void commit(rd_kafka_t *rk, const rd_kafka_message_t *message)
{
    for (;;) {
        switch (rd_kafka_commit_message(rk, message, 0)) {
        case RD_KAFKA_RESP_ERR__TRANSPORT:
        case RD_KAFKA_RESP_ERR__TIMED_OUT:
        case RD_KAFKA_RESP_ERR__WAIT_COORD:
        case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
        case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
        case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
        case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
            poll(NULL, 0, AGAIN_MILLIS);
            break;
        default:
            return;
        }
    }
}

void *plain_read(void *arg)
{
    const char *name = getenv("PLAIN_READS");
    const char *topic = variable("TOPIC", name), *group = variable("GROUP", name);
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, group);

    if (topic == NULL)
        give_up(name, "no such topic");
    rd_kafka_poll_set_consumer(rk);
    rd_kafka_topic_partition_list_add(topics, topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_subscribe(rk, topics);
    for (;;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, 1000);
        if (message != NULL && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            handle(message);
            if (!plain_is_mode("mute"))
                commit(rk, message);
        }
        if (message != NULL)
            rd_kafka_message_destroy(message);
    }
    return arg;
}
