/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/consumer.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "harness/service/batch.h"
#include "harness/service/deliveries.h"
#include "harness/service/kafka.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"

enum { POLLS_A_TURN = 256, BOOTSTRAP_SIZE = 512 };
#define STABLE_NS (3 * OTL_NS_PER_S)

struct hx_member {
    rd_kafka_t *rk;
    struct hx_kafka_events events;
    struct event *waited; /* a batch has waited for company long enough */
    struct event *second; /* polls once a second, as long as polling is allowed */
    const struct hx_consumer *consumer;
    struct hx_runtime *runtime;
    struct event_base *base;
    char bootstrap[BOOTSTRAP_SIZE];
    hx_member_event_fn *changed;
    void *changed_arg;
    struct hx_entry entry;
    struct hx_deliveries deliveries;
    struct hx_batch batch;
    unsigned in_hand; /* handlings */
    bool paused;
    bool over;                /* librdkafka has given its handle up */
    bool abandoned;           /* callbacks of an earlier handle may still come */
    int assigned;             /* partitions, as the callback was told them */
    bool stands;              /* assigned at least once, be it none, and not revoked since */
    uint64_t changed_mono_ns; /* last rebalance */
    uint64_t committed;
    int64_t seen_lag;
    int64_t last_commit[HX_DELIVERIES_PARTITIONS]; /* -1: nothing of this assignment yet */
};

struct message {
    rd_kafka_message_t *raw;
    struct hx_delivery *delivery;
};

/* In hand: one message, or a batch. */
struct handling {
    struct hx_member *member;
    size_t count;
    struct message messages[];
};

/* ---- a message ------------------------------------------------------------------------------ */

static void store_offset(struct hx_member *member, const struct message *message)
{
    int64_t upto = hx_deliveries_done(&member->deliveries, message->delivery);

    /* rd_kafka_offset_store() adds one. An error means that the partition is gone: the message
     * will be delivered again. So will one that took longer than the poll interval: the member has
     * been put out of its group, even if nobody has told it yet. */
    if (upto >= 0 && !rd_kafka_assignment_lost(member->rk))
        (void)rd_kafka_offset_store(message->raw->rkt, message->raw->partition, upto - 1);
}

static void on_handled(void *arg, struct hx_request *request)
{
    struct handling *handling = arg;
    struct hx_member *member = handling->member;

    (void)request;
    for (size_t i = 0; i < handling->count; i++) {
        store_offset(member, &handling->messages[i]);
        rd_kafka_message_destroy(handling->messages[i].raw);
    }
    otl_mem_free(handling);
    /* Polling was off: begin again, from the loop. */
    if (member->in_hand-- == member->consumer->max_in_hand)
        hx_kafka_events_again(&member->events);
}

static void read_headers(struct hx_carrier *carrier, rd_kafka_message_t *raw)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t len;

    if (rd_kafka_message_headers(raw, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &len) ==
                       RD_KAFKA_RESP_ERR_NO_ERROR;
         i++)
        hx_carrier_add(carrier, otl_view_str(name), otl_view(value, value != NULL ? len : 0));
}

/* Where the message stands is said by the span of a single one, by the links of several. */
static void begin(struct hx_request *request, struct hx_member *member,
                  const struct handling *handling)
{
    const rd_kafka_message_t *raw = handling->messages[0].raw;
    char partition[16];
    struct otel_attribute attributes[] = {
        otel_attr_str("messaging.system", "kafka"),
        otel_attr_str("messaging.operation.name", "process"),
        otel_attr_str("messaging.operation.type", "process"),
        otel_attr_str("messaging.destination.name", member->consumer->topic->name),
        otel_attr_str("messaging.consumer.group.name", member->consumer->group),
        otel_attr_str("messaging.client.id", member->runtime->instance),
        /* no semantic convention: the member's own max.poll.interval.ms */
        otel_attr_int("kafka.consumer.max.poll.interval.ms",
                      (int64_t)(member->consumer->max_poll_interval_ns / OTL_NS_PER_MS)),
        otel_attr_int("messaging.message.body.size", (int64_t)raw->len), /* or of the batch: */
        otel_attr_str("messaging.destination.partition.id", NULL),       /* below */
        otel_attr_int("messaging.kafka.offset", raw->offset),
    };
    size_t count = sizeof(attributes) / sizeof(attributes[0]);

    snprintf(partition, sizeof(partition), "%d", raw->partition);
    attributes[count - 2].value = otel_value_str(partition);
    if (handling->count > 1) {
        count -= 2;
        attributes[count - 1] =
            otel_attr_int("messaging.batch.message_count", (int64_t)handling->count);
    }
    hx_request_begin(request, &member->entry, attributes, count);
}

/* Neither handled nor stored, nor any after it: it comes with the next assignment. */
static void give_up(struct hx_member *member, rd_kafka_message_t **raws, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct hx_delivery *never_done;
        hx_deliveries_add(&member->deliveries, raws[i]->partition, raws[i]->offset, &never_done);
        rd_kafka_message_destroy(raws[i]);
    }
    if (member->runtime->log != NULL)
        otl_log_line(member->runtime->log, OTL_LOG_ERROR, "no memory for a message");
}

static uint32_t take(struct hx_member *member, rd_kafka_message_t *raw, struct message *message,
                     struct hx_carrier *incoming)
{
    message->raw = raw;
    read_headers(incoming, raw);
    if (raw->partition < HX_DELIVERIES_PARTITIONS && member->last_commit[raw->partition] < 0)
        member->last_commit[raw->partition] = raw->offset;
    return hx_deliveries_add(&member->deliveries, raw->partition, raw->offset, &message->delivery);
}

/* Consumes the messages. */
static void handle(struct hx_member *member, rd_kafka_message_t **raws, size_t count)
{
    struct hx_request *request = hx_request_take(member->runtime);
    struct handling *handling =
        otl_mem_alloc(sizeof(*handling) + count * sizeof(handling->messages[0]));
    struct hx_companion *others =
        request != NULL ? otl_arena_zalloc(&request->arena, count * sizeof(*others)) : NULL;

    if (others == NULL || handling == NULL) {
        if (request != NULL)
            hx_request_cancel(request);
        otl_mem_free(handling);
        give_up(member, raws, count);
        return;
    }
    handling->member = member;
    handling->count = count;
    request->partition = raws[0]->partition;
    request->offset = raws[0]->offset;
    request->key = otl_view(raws[0]->key, raws[0]->key != NULL ? raws[0]->key_len : 0);
    request->delivery = take(member, raws[0], &handling->messages[0], &request->incoming);
    for (size_t i = 1; i < count; i++) {
        struct hx_companion *other = &others[i - 1];
        hx_carrier_init(&other->incoming, &request->arena);
        other->partition = raws[i]->partition;
        other->offset = raws[i]->offset;
        other->delivery = take(member, raws[i], &handling->messages[i], &other->incoming);
    }
    request->companions = others;
    request->companion_count = count - 1;
    request->done = on_handled;
    request->done_arg = handling;
    member->in_hand++;
    begin(request, member, handling);
}

/* What has been waiting for company. */
static void handle_batch(struct hx_member *member)
{
    rd_kafka_message_t *raws[HX_MAX_BATCH];
    size_t count = member->batch.count;

    event_del(member->waited);
    if (count == 0)
        return;
    memcpy(raws, member->batch.items, count * sizeof(raws[0]));
    member->batch.count = 0;
    handle(member, raws, count);
}

static void on_waited(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    handle_batch(arg);
}

static void on_message(struct hx_member *member, rd_kafka_message_t *raw)
{
    uint64_t wait_ns = member->consumer->batch_wait_ns;
    struct timeval wait = {(time_t)(wait_ns / OTL_NS_PER_S),
                           (suseconds_t)(wait_ns % OTL_NS_PER_S / OTL_NS_PER_US)};

    if (member->consumer->batch <= 1) {
        handle(member, &raw, 1);
        return;
    }
    hx_batch_add(&member->batch, raw);
    if (member->batch.count == 1)
        event_add(member->waited, &wait);
    if (member->batch.count >= member->consumer->batch)
        handle_batch(member);
}

static void tell(const struct hx_member *member, enum hx_member_event event, int count)
{
    if (member->changed != NULL)
        member->changed(member->changed_arg, member->consumer, event, count);
}

/* As many as may be in hand; comes back by itself when there may be more. */
static void poll_messages(void *arg)
{
    struct hx_member *member = arg;

    for (int i = 0; i < POLLS_A_TURN; i++) {
        rd_kafka_message_t *raw;
        if (member->paused || member->over || member->in_hand >= member->consumer->max_in_hand ||
            member->runtime->in_hand >= member->runtime->max_in_hand)
            return;
        raw = rd_kafka_consumer_poll(member->rk, 0);
        if (raw == NULL)
            return;
        if (raw->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            on_message(member, raw);
            continue;
        }
        if (raw->err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED)
            tell(member, HX_MEMBER_EXPELLED, 0);
        member->over = raw->err == RD_KAFKA_RESP_ERR__FATAL;
        if (member->runtime->log != NULL)
            otl_log_line(member->runtime->log, OTL_LOG_WARN, "kafka consumer: %s",
                         rd_kafka_message_errstr(raw));
        rd_kafka_message_destroy(raw);
    }
    hx_kafka_events_again(&member->events);
}


/* ---- librdkafka's callbacks, served by the polls --------------------------------------------- */

/* A partition came or went: what is in hand of it will not be stored. */
static void forget(struct hx_member *member, int32_t partition)
{
    hx_batch_drop(&member->batch, partition);
    hx_deliveries_forget_one(&member->deliveries, partition);
    if (partition >= 0 && partition < HX_DELIVERIES_PARTITIONS)
        member->last_commit[partition] = -1;
}

/* A cooperative assignor gives and takes some partitions, the others all of them. */
static void assign(const struct hx_member *member, rd_kafka_t *rk, bool given,
                   rd_kafka_topic_partition_list_t *partitions)
{
    if (strcmp(member->consumer->assignor, "cooperative-sticky") != 0)
        rd_kafka_assign(rk, given ? partitions : NULL);
    else
        rd_kafka_error_destroy(given ? rd_kafka_incremental_assign(rk, partitions)
                                     : rd_kafka_incremental_unassign(rk, partitions));
}

/* What the callback is told is counted here, and not asked of the handle: while it closes it may
 * throw the question away, and who asked waits without end (librdkafka 2.0.2). */
static void count(struct hx_member *member, bool given, int partitions)
{
    if (strcmp(member->consumer->assignor, "cooperative-sticky") != 0)
        member->assigned = given ? partitions : 0;
    else
        member->assigned += given ? partitions : -partitions;
    member->stands = given || member->assigned > 0;
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct hx_member *member = opaque;
    bool lost = rd_kafka_assignment_lost(rk) != 0;
    bool given = err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    int number = partitions != NULL ? partitions->cnt : 0;

    member->changed_mono_ns = otl_clock_mono(otl_clock_real());
    for (int i = 0; i < number; i++)
        forget(member, partitions->elems[i].partition);
    assign(member, rk, given, partitions);
    count(member, given, number);
    if (member->runtime->log != NULL)
        otl_log_line(member->runtime->log, OTL_LOG_INFO, "group %s: %d partitions of %s %s%s",
                     member->consumer->group, number, member->consumer->topic->name,
                     given ? "assigned" : "revoked", lost ? " (lost)" : "");
    tell(member, given ? HX_MEMBER_ASSIGNED : lost ? HX_MEMBER_LOST : HX_MEMBER_REVOKED, number);
}

static void on_commit(rd_kafka_t *rk, rd_kafka_resp_err_t err,
                      rd_kafka_topic_partition_list_t *offsets, void *opaque)
{
    struct hx_member *member = opaque;

    (void)rk;
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    for (int i = 0; i < offsets->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &offsets->elems[i];
        int64_t *last;
        if (one->err != RD_KAFKA_RESP_ERR_NO_ERROR || one->offset < 0 || one->partition < 0 ||
            one->partition >= HX_DELIVERIES_PARTITIONS)
            continue;
        last = &member->last_commit[one->partition];
        if (*last >= 0 && one->offset > *last)
            member->committed += (uint64_t)(one->offset - *last);
        *last = one->offset;
    }
}

/* topics.NAME.partitions.N.consumer_lag; -1 where this member has none. */
static int on_statistics(rd_kafka_t *rk, char *text, size_t len, void *opaque)
{
    struct hx_member *member = opaque;
    json_t *tree = json_loadb(text, len, 0, NULL), *partition;
    json_t *topic = json_object_get(json_object_get(tree, "topics"), member->consumer->topic->name);
    const char *name;
    int64_t lag = 0;

    (void)rk;
    json_object_foreach (json_object_get(topic, "partitions"), name, partition) {
        int64_t one = json_integer_value(json_object_get(partition, "consumer_lag"));
        lag += one > 0 ? one : 0;
    }
    member->seen_lag = lag;
    json_decref(tree);
    return 0;
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    const struct hx_member *member = rd_kafka_opaque(rk);

    if (member != NULL && member->runtime->log != NULL)
        otl_log_line(member->runtime->log, level <= 3 ? OTL_LOG_ERROR : OTL_LOG_WARN,
                     "kafka consumer: %s: %s", facility, text);
}

/* ---- life ----------------------------------------------------------------------------------- */

static enum otel_err make_handle(struct hx_member *member, struct otl_detail *reterr)
{
    const struct hx_consumer *consumer = member->consumer;
    unsigned long long session = consumer->session_timeout_ns / OTL_NS_PER_MS;
    unsigned long long poll = consumer->max_poll_interval_ns / OTL_NS_PER_MS;
    char session_text[24], heartbeat[24], poll_text[24], text[400];
    const struct hx_kafka_setting settings[] = {
        {"bootstrap.servers", member->bootstrap},
        {"client.id", member->runtime->instance},
        {"group.id", consumer->group},
        {"session.timeout.ms", session_text},
        {"heartbeat.interval.ms", heartbeat},
        {"max.poll.interval.ms", poll_text},
        {"partition.assignment.strategy", consumer->assignor},
        {"auto.offset.reset", "earliest"},
        {"enable.auto.offset.store", "false"},
        {"enable.auto.commit", "true"},
        {"auto.commit.interval.ms", "200"},
        {"fetch.wait.max.ms", "15"},
        {"socket.nagle.disable", "true"},
        {"statistics.interval.ms", "1000"},
        {consumer->static_membership ? "group.instance.id" : NULL, member->runtime->instance},
        {NULL, NULL}};
    rd_kafka_conf_t *conf = NULL;
    enum otel_err err;

    snprintf(session_text, sizeof(session_text), "%llu", session);
    snprintf(heartbeat, sizeof(heartbeat), "%llu", session / 15 > 0 ? session / 15 : 1);
    snprintf(poll_text, sizeof(poll_text), "%llu", poll > session ? poll : session);
    err = hx_kafka_conf_new(settings, member, &conf, reterr);
    if (err != OTEL_OK)
        return err;
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rd_kafka_conf_set_offset_commit_cb(conf, on_commit);
    rd_kafka_conf_set_stats_cb(conf, on_statistics);
    rd_kafka_conf_set_log_cb(conf, on_log);
    member->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    if (member->rk == NULL) {
        rd_kafka_conf_destroy(conf);
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "kafka consumer: %s", text);
    }
    rd_kafka_poll_set_consumer(member->rk);
    return OTEL_OK;
}

static enum otel_err subscribe(struct hx_member *member, struct otl_detail *reterr)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t err;

    rd_kafka_topic_partition_list_add(topics, member->consumer->topic->name,
                                      RD_KAFKA_PARTITION_UA);
    err = rd_kafka_subscribe(member->rk, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "kafka subscribe: %s",
                              rd_kafka_err2str(err));
    return OTEL_OK;
}

static void fill_entry(struct hx_entry *entry, const struct hx_consumer *consumer)
{
    entry->op = consumer->op;
    entry->kind = HX_LED_ENTRY_KAFKA;
    entry->name = consumer->name;
    entry->span_kind = HX_CONSUMER;
    entry->span = true;
    entry->edge = consumer->edge;
    entry->attributes = &consumer->attributes;
    entry->steps = consumer->steps;
    entry->step_count = consumer->step_count;
}

static enum otel_err join(struct hx_member *member, struct otl_detail *reterr)
{
    enum otel_err err = make_handle(member, reterr);

    if (err == OTEL_OK)
        err = hx_kafka_events_init(&member->events, member->base,
                                   rd_kafka_queue_get_consumer(member->rk), poll_messages, member,
                                   reterr);
    return err == OTEL_OK ? subscribe(member, reterr) : err;
}

/* librdkafka takes a static member that was put out for one that another has fenced, and gives its
 * handle up for good: whoever runs such a consumer makes a new one, or is started again. */
static void begin_anew(struct hx_member *member)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    rd_kafka_t *old = member->rk;

    event_del(member->waited);
    hx_batch_fini(&member->batch);
    hx_batch_init(&member->batch);
    hx_kafka_events_fini(&member->events);
    member->abandoned = !hx_kafka_close(old, HX_KAFKA_CLOSE_MILLIS);
    member->rk = NULL;
    member->over = member->stands = false;
    member->assigned = 0;
    member->seen_lag = 0;
    member->paused = member->abandoned || join(member, &detail) != OTEL_OK;
    if (member->runtime->log != NULL)
        otl_log_line(member->runtime->log, member->rk != NULL ? OTL_LOG_WARN : OTL_LOG_ERROR,
                     "group %s: its consumer gave up; %s%s", member->consumer->group,
                     member->rk != NULL ? "a new one joins" : "no new one: ", detail.text);
}

static void on_second(evutil_socket_t fd, short what, void *arg)
{
    struct hx_member *member = arg;

    (void)fd;
    (void)what;
    if (member->over && member->in_hand == 0 && !member->paused)
        begin_anew(member);
    poll_messages(member);
}

enum otel_err hx_member_new(const struct hx_member_options *options, struct hx_member **ret,
                            struct otl_detail *reterr)
{
    static const struct timeval second = {1, 0};
    struct hx_member *member = otl_mem_zalloc(sizeof(*member));
    enum otel_err err = OTEL_OK;

    if (member == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a consumer");
    snprintf(member->bootstrap, sizeof(member->bootstrap), "%s", options->bootstrap);
    member->base = options->base;
    member->events.fd = -1;
    member->consumer = options->consumer;
    member->runtime = options->runtime;
    member->changed = options->changed;
    member->changed_arg = options->changed_arg;
    hx_deliveries_init(&member->deliveries);
    hx_batch_init(&member->batch);
    fill_entry(&member->entry, options->consumer);
    member->second = event_new(options->base, -1, EV_PERSIST, on_second, member);
    member->waited = event_new(options->base, -1, 0, on_waited, member);
    if (member->second == NULL || member->waited == NULL ||
        event_add(member->second, &second) != 0)
        err = otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a timer");
    if (err == OTEL_OK)
        err = join(member, reterr);
    if (err != OTEL_OK) {
        hx_member_free(member);
        return err;
    }
    *ret = member;
    return OTEL_OK;
}

void hx_member_free(struct hx_member *member)
{
    if (member == NULL)
        return;
    if (member->second != NULL)
        event_free(member->second);
    if (member->waited != NULL)
        event_free(member->waited);
    hx_batch_fini(&member->batch); /* before their queue goes */
    hx_kafka_events_fini(&member->events);
    if (member->abandoned ||
        (member->rk != NULL && !hx_kafka_close(member->rk, HX_KAFKA_CLOSE_MILLIS))) {
        if (member->runtime->log != NULL)
            otl_log_line(member->runtime->log, OTL_LOG_WARN, "group %s: not left in time",
                         member->consumer->group);
        return; /* its callbacks may still come */
    }
    hx_deliveries_fini(&member->deliveries);
    otl_mem_free(member);
}

void hx_member_pause(struct hx_member *member)
{
    member->paused = true;
    handle_batch(member);
}

/* ---- questions ------------------------------------------------------------------------------ */

bool hx_member_is_stable(const struct hx_member *member)
{
    return member->stands &&
           otl_clock_mono(otl_clock_real()) - member->changed_mono_ns >= STABLE_NS;
}

int64_t hx_member_lag(struct hx_member *member)
{
    int64_t lag = member->stands ? hx_kafka_lag(member->rk) : -1;

    return lag < 0 ? -1 : lag + (int64_t)member->in_hand + (int64_t)member->batch.count;
}

bool hx_member_commit(struct hx_member *member)
{
    return hx_kafka_commit(member->rk);
}

bool hx_member_group_is_done(struct hx_member *member)
{
    const struct hx_topic *topic = member->consumer->topic;

    return hx_kafka_group_lag(member->rk, topic->name, topic->partitions) == 0;
}

uint64_t hx_member_committed(const struct hx_member *member)
{
    return member->committed;
}

int64_t hx_member_seen_lag(const struct hx_member *member)
{
    return member->seen_lag;
}
