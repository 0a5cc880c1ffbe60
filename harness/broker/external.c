/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/broker/external.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <string.h>

#include "harness/scenario/foreign.h"
#include "harness/service/kafka.h"
#include "sdk/base/clock.h"

enum { LIMIT_MILLIS = 10000, ASK_MILLIS = 50 };

struct kafka {
    rd_kafka_t *client;
    const char *address;
    struct otl_detail *reterr;
    char last[300]; /* what librdkafka said last: why nobody answers */
};

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    (void)level;
    (void)facility;
    (void)text;
}

static void on_error(rd_kafka_t *rk, int err, const char *reason, void *opaque)
{
    struct kafka *kafka = opaque;

    (void)rk;
    (void)err;
    snprintf(kafka->last, sizeof(kafka->last), "%s", reason);
}

static enum otel_err say(const struct kafka *kafka, const char *what, const char *why)
{
    return otl_detail_set(kafka->reterr, OTEL_ERR_IO, NULL, 0, 0, "broker %s: %s: %s",
                          kafka->address, what, why);
}

static const rd_kafka_metadata_topic_t *find(const rd_kafka_metadata_t *metadata, const char *name)
{
    for (int i = 0; i < metadata->topic_cnt; i++)
        if (strcmp(metadata->topics[i].topic, name) == 0)
            return &metadata->topics[i];
    return NULL;
}

/* The answer about the one topic that was asked for. */
static enum otel_err made(const struct kafka *kafka, const char *what, rd_kafka_event_t *event)
{
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    const rd_kafka_topic_result_t **topics = NULL;
    size_t count = 0;

    if (event == NULL)
        return say(kafka, what, "no answer in time");
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return say(kafka, what, rd_kafka_event_error_string(event));
    if (result != NULL)
        topics = rd_kafka_CreateTopics_result_topics(result, &count);
    if (count != 1)
        return say(kafka, what, "an answer about another topic");
    if (rd_kafka_topic_result_error(topics[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return say(kafka, what, rd_kafka_topic_result_error_string(topics[0]));
    return OTEL_OK;
}

static enum otel_err create(const struct kafka *kafka, const char *name, unsigned partitions)
{
    char what[HX_FOREIGN_NAME_SIZE + 40], text[300] = "";
    rd_kafka_NewTopic_t *topic =
        rd_kafka_NewTopic_new(name, (int)partitions, 1, text, sizeof(text));
    rd_kafka_queue_t *queue;
    rd_kafka_event_t *event;
    enum otel_err err;

    snprintf(what, sizeof(what), "topic '%s' cannot be made", name);
    if (topic == NULL)
        return say(kafka, what, text);
    queue = rd_kafka_queue_new(kafka->client);
    rd_kafka_CreateTopics(kafka->client, &topic, 1, NULL, queue);
    event = rd_kafka_queue_poll(queue, LIMIT_MILLIS);
    err = made(kafka, what, event);
    rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_NewTopic_destroy(topic);
    return err;
}

/* A topic that has just been made takes a while until the broker tells of it and of its leaders. */
static bool is_ready(const rd_kafka_metadata_topic_t *topic)
{
    bool ready = topic != NULL && topic->err == RD_KAFKA_RESP_ERR_NO_ERROR;

    for (int i = 0; ready && i < topic->partition_cnt; i++)
        ready = topic->partitions[i].leader >= 0;
    return ready;
}

static rd_kafka_resp_err_t ask(const struct kafka *kafka, const rd_kafka_metadata_t **ret)
{
    return rd_kafka_metadata(kafka->client, 1, NULL, ret, LIMIT_MILLIS);
}

static enum otel_err await_ready(const struct kafka *kafka, const char *name)
{
    uint64_t limit = otl_clock_mono(otl_clock_real()) + LIMIT_MILLIS * (uint64_t)OTL_NS_PER_MS;
    const rd_kafka_metadata_t *metadata;
    char what[HX_FOREIGN_NAME_SIZE + 40];
    bool ready = false;

    while (!ready && otl_clock_mono(otl_clock_real()) < limit) {
        if (ask(kafka, &metadata) == RD_KAFKA_RESP_ERR_NO_ERROR) {
            ready = is_ready(find(metadata, name));
            rd_kafka_metadata_destroy(metadata);
        }
        if (!ready)
            rd_kafka_poll(kafka->client, ASK_MILLIS); /* Kafka tells nobody by itself */
    }
    snprintf(what, sizeof(what), "topic '%s'", name);
    return ready ? OTEL_OK : say(kafka, what, "was made and has no leader after 10 s");
}

static enum otel_err see_to(const struct kafka *kafka, const rd_kafka_metadata_t *metadata,
                            const char *name, unsigned partitions)
{
    const rd_kafka_metadata_topic_t *there = find(metadata, name);
    char what[HX_FOREIGN_NAME_SIZE + 40], why[100];
    enum otel_err err = OTEL_OK;

    if (there == NULL) {
        err = create(kafka, name, partitions);
        return err == OTEL_OK ? await_ready(kafka, name) : err;
    }
    if (there->partition_cnt == (int)partitions)
        return OTEL_OK;
    snprintf(what, sizeof(what), "topic '%s'", name);
    snprintf(why, sizeof(why), "has %d partitions, the scenario says %u", there->partition_cnt,
             partitions);
    return say(kafka, what, why);
}

/* The scenario's, and for each service with a command those between it and the relay. */
static enum otel_err see_to_all(const struct kafka *kafka, const struct hx_scenario *scenario,
                                const rd_kafka_metadata_t *metadata)
{
    enum otel_err err = OTEL_OK;
    char name[HX_FOREIGN_NAME_SIZE];

    for (size_t i = 0; i < scenario->topic_count && err == OTEL_OK; i++) {
        const struct hx_topic *topic = &scenario->topics[i];
        err = see_to(kafka, metadata, topic->name, topic->partitions);
        for (size_t s = 0; s < scenario->service_count && err == OTEL_OK; s++) {
            const struct hx_service *service = &scenario->services[s];
            if (service->foreign == NULL || hx_foreign_topic_use(scenario, service, topic) == 0)
                continue;
            hx_foreign_name(service, topic->name, name);
            err = see_to(kafka, metadata, name, topic->partitions);
        }
    }
    return err;
}

/* What an earlier run left in a topic is not this one's. A program's own group is the relay's to
 * see to. */
static enum otel_err begin_groups(const struct kafka *kafka, const struct hx_scenario *scenario)
{
    enum otel_err err = OTEL_OK;

    for (size_t s = 0; s < scenario->service_count; s++)
        for (size_t c = 0; c < scenario->services[s].consumer_count && err == OTEL_OK; c++) {
            const struct hx_consumer *consumer = &scenario->services[s].consumers[c];
            const struct hx_kafka_group group = {kafka->address, consumer->group,
                                                 consumer->topic->name,
                                                 consumer->topic->partitions};
            err = hx_kafka_group_begin(&group, kafka->reterr);
        }
    return err;
}

static enum otel_err connect_to(struct kafka *kafka)
{
    const struct hx_kafka_setting settings[] = {{"bootstrap.servers", kafka->address},
                                                {NULL, NULL}};
    rd_kafka_conf_t *conf = NULL;
    char text[300] = "";
    enum otel_err err = hx_kafka_conf_new(settings, kafka, &conf, kafka->reterr);

    if (err != OTEL_OK)
        return err;
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    kafka->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (kafka->client != NULL)
        return OTEL_OK;
    rd_kafka_conf_destroy(conf);
    return say(kafka, "no client", text);
}

enum otel_err hx_broker_external(const struct hx_scenario *scenario, struct otl_detail *reterr)
{
    struct kafka kafka = {.address = scenario->broker, .reterr = reterr};
    const rd_kafka_metadata_t *metadata = NULL;
    enum otel_err err = connect_to(&kafka);
    rd_kafka_resp_err_t answer;

    if (err != OTEL_OK)
        return err;
    answer = ask(&kafka, &metadata);
    if (answer != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_poll(kafka.client, 0); /* on_error */
        err = say(&kafka, "no Kafka answers there",
                  kafka.last[0] != '\0' ? kafka.last : rd_kafka_err2str(answer));
    } else {
        err = see_to_all(&kafka, scenario, metadata);
        rd_kafka_metadata_destroy(metadata);
        if (err == OTEL_OK)
            err = begin_groups(&kafka, scenario);
    }
    rd_kafka_destroy(kafka.client);
    return err;
}
