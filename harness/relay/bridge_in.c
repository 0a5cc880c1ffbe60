/* SPDX-License-Identifier: Apache-2.0 */
/* From a topic to the program: ENTRY rows, which end when the program's group has committed. */
#include <stdio.h>
#include <string.h>

#include "harness/relay/bridge.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"

enum { POLLS_A_TURN = 256, ASK_MILLIS = 20, ASK_LATER_MILLIS = 200 };

/* ---- what the program has committed --------------------------------------------------------- */

static void ask_in(struct hx_relay_pipe *pipe, int millis)
{
    const struct timeval pause = {0, millis * 1000};

    if (!pipe->asking && pipe->open != NULL && !event_pending(pipe->ask, EV_TIMEOUT, NULL))
        event_add(pipe->ask, &pause);
}

static void close_entry(struct hx_relay_pipe *pipe, struct hx_relay_message *message)
{
    struct hx_relay_bridge *bridge = pipe->bridge;
    struct hx_led_entry_close row = {.head.seq = message->seq,
                                     .mono_ns = otl_clock_mono(otl_clock_real()),
                                     .outcome = HX_LED_OUTCOME_OK};
    struct hx_relay_entry *entry = hx_relay_recall(&bridge->memory, message->seq);

    if (entry != NULL)
        entry->open = false;
    hx_led_entry_close_row(bridge->ledger, &row);
    bridge->in_hand--;
    bridge->handled++;
    otl_mem_free(message);
}

static int64_t offset_in(const rd_kafka_topic_partition_list_t *list, int32_t partition)
{
    for (int i = 0; i < list->cnt; i++)
        if (list->elems[i].partition == partition)
            return list->elems[i].offset;
    return -1;
}

static void take_commits(struct hx_relay_pipe *pipe, const rd_kafka_topic_partition_list_t *list)
{
    struct hx_relay_message **at = &pipe->open;
    bool any = false;

    /* What it wrote before it committed belongs to the only one in hand. */
    if (pipe->bridge->service->foreign->max_in_flight == 1 &&
        !hx_relay_bridge_is_read(pipe->bridge))
        return;
    while (*at != NULL) {
        struct hx_relay_message *message = *at;
        if (message->handed < 0 || offset_in(list, message->partition) <= message->handed) {
            at = &message->next;
            continue;
        }
        *at = message->next;
        close_entry(pipe, message);
        any = true;
    }
    if (any)
        hx_relay_bridge_resume(pipe->bridge);
}

static void on_committed(void *arg, const rd_kafka_topic_partition_list_t *offsets)
{
    struct hx_relay_pipe *pipe = arg;

    pipe->asking = false;
    if (offsets != NULL)
        take_commits(pipe, offsets);
    ask_in(pipe, offsets != NULL ? ASK_MILLIS : ASK_LATER_MILLIS);
}

static void on_ask(evutil_socket_t fd, short what, void *arg)
{
    struct hx_relay_pipe *pipe = arg;

    (void)fd, (void)what;
    pipe->asking = true;
    hx_relay_committed_ask(pipe->committed);
}

/* ---- messages ------------------------------------------------------------------------------- */

static void store_offset(const struct hx_relay_message *message)
{
    rd_kafka_topic_partition_list_t *one = rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(one, message->pipe->topic->name, message->partition)->offset =
        message->offset + 1;
    /* An error means that the partition is gone: it will be delivered again. */
    (void)!rd_kafka_offsets_store(message->pipe->rk, one);
    rd_kafka_topic_partition_list_destroy(one);
}

void hx_relay_pipe_in_reported(struct hx_relay_message *message, const rd_kafka_message_t *report)
{
    struct hx_relay_pipe *pipe = message->pipe;

    if (pipe->unsent-- == HX_RELAY_UNSENT)
        hx_kafka_events_again(&pipe->events);
    if (report->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        pipe->bridge->relay->counts.undelivered++;
        return; /* stays open: nobody has handled it */
    }
    message->handed = report->offset;
    store_offset(message);
    ask_in(pipe, ASK_MILLIS);
}

static void write_entry(struct hx_relay_pipe *pipe, const rd_kafka_message_t *raw,
                        struct hx_relay_message *message)
{
    struct hx_relay_bridge *bridge = pipe->bridge;
    struct hx_led_headers headers = hx_relay_message_texts(&bridge->relay->texts, raw);
    struct hx_relay_caller caller;
    struct hx_relay_entry entry = {.open = true};
    struct hx_led_entry row = {.op = pipe->consumer->op,
                               .kind = HX_LED_ENTRY_KAFKA,
                               .partition = raw->partition,
                               .offset = raw->offset};
    bool again = raw->offset < pipe->next[raw->partition];

    hx_relay_message_caller(bridge->service->foreign, raw, &caller);
    entry.request = row.request = caller.request;
    entry.caller_seq = row.caller_seq = caller.caller_seq;
    entry.seq = message->seq = row.head.seq = hx_led_next_seq(bridge->ledger);
    memcpy(entry.key, caller.key, sizeof(entry.key));
    row.delivery = again ? 2 : 1;
    if (!again)
        pipe->next[raw->partition] = raw->offset + 1;
    row.mono_ns = otl_clock_mono(otl_clock_real());
    row.wall_ns = otl_clock_wall(otl_clock_real());
    hx_led_entry_row(bridge->ledger, &row, &headers);
    hx_relay_remember(&bridge->memory, &entry);
}

static bool take(struct hx_relay_pipe *pipe, rd_kafka_message_t *raw)
{
    struct hx_relay_message *message = otl_mem_zalloc(sizeof(*message));

    if (message == NULL || raw->partition >= (int32_t)pipe->topic->partitions) {
        otl_mem_free(message);
        return false;
    }
    message->pipe = pipe;
    message->partition = raw->partition;
    message->offset = raw->offset;
    message->handed = -1;
    write_entry(pipe, raw, message);
    message->next = pipe->open;
    pipe->open = message;
    pipe->bridge->in_hand++;
    return hx_relay_message_carry(pipe, pipe->name, raw, NULL, message);
}

static bool may_take(const struct hx_relay_pipe *pipe)
{
    unsigned most = pipe->bridge->service->foreign->max_in_flight;

    return pipe->unsent < HX_RELAY_UNSENT &&
           (most == 0 || hx_relay_bridge_busy(pipe->bridge) < most);
}

static void poll_messages(void *arg)
{
    struct hx_relay_pipe *pipe = arg;

    for (int i = 0; i < POLLS_A_TURN; i++) {
        rd_kafka_message_t *raw = may_take(pipe) ? rd_kafka_consumer_poll(pipe->rk, 0) : NULL;
        if (raw == NULL)
            return;
        if (raw->err != RD_KAFKA_RESP_ERR_NO_ERROR)
            fprintf(stderr, "tracerig relay: %s: %s\n", pipe->topic->name,
                    rd_kafka_message_errstr(raw));
        else if (!take(pipe, raw))
            pipe->bridge->relay->counts.undelivered++;
        rd_kafka_message_destroy(raw);
    }
    hx_kafka_events_again(&pipe->events);
}

/* ---- life ----------------------------------------------------------------------------------- */

static void on_second(evutil_socket_t fd, short what, void *arg)
{
    struct hx_relay_pipe *pipe = arg;

    (void)fd, (void)what;
    poll_messages(pipe);
    ask_in(pipe, ASK_MILLIS);
    hx_relay_is_ready(pipe->bridge->relay);
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct hx_relay_pipe *pipe = opaque;

    pipe->changed_ns = otl_clock_mono(otl_clock_real());
    pipe->assigned = err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
    rd_kafka_assign(rk, pipe->assigned ? partitions : NULL);
}

static enum otel_err make_reader(struct hx_relay_pipe *pipe, struct otl_detail *reterr)
{
    const struct hx_consumer *consumer = pipe->consumer;
    unsigned long long session = consumer->session_timeout_ns / OTL_NS_PER_MS;
    char session_text[24], heartbeat[24], text[400] = "";
    const struct hx_kafka_setting settings[] = {{"bootstrap.servers", pipe->bridge->bootstrap},
                                                {"client.id", pipe->bridge->instance},
                                                {"group.id", consumer->group},
                                                {"session.timeout.ms", session_text},
                                                {"heartbeat.interval.ms", heartbeat},
                                                {"max.poll.interval.ms", "86400000"},
                                                {"partition.assignment.strategy", "range"},
                                                {"auto.offset.reset", "earliest"},
                                                {"enable.auto.offset.store", "false"},
                                                {"auto.commit.interval.ms", "200"},
                                                {"fetch.wait.max.ms", "15"},
                                                {"socket.nagle.disable", "true"},
                                                {NULL, NULL}};
    rd_kafka_conf_t *conf = NULL;
    enum otel_err err;

    snprintf(session_text, sizeof(session_text), "%llu", session);
    snprintf(heartbeat, sizeof(heartbeat), "%llu", session / 15 > 0 ? session / 15 : 1);
    err = hx_kafka_conf_new(settings, pipe, &conf, reterr);
    if (err != OTEL_OK)
        return err;
    rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    pipe->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    if (pipe->rk == NULL) {
        rd_kafka_conf_destroy(conf);
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "kafka consumer: %s", text);
    }
    rd_kafka_poll_set_consumer(pipe->rk);
    return hx_kafka_events_init(&pipe->events, pipe->bridge->relay->options.base,
                                rd_kafka_queue_get_consumer(pipe->rk), poll_messages, pipe, reterr);
}

enum otel_err hx_relay_pipe_in(struct hx_relay_pipe *pipe, struct otl_detail *reterr)
{
    struct event_base *base = pipe->bridge->relay->options.base;
    const struct hx_kafka_group group = {pipe->bridge->bootstrap, pipe->group, pipe->name,
                                         pipe->topic->partitions};
    const struct timeval second = {1, 0};
    rd_kafka_topic_partition_list_t *topics;
    rd_kafka_resp_err_t failed;
    enum otel_err err = hx_kafka_group_begin(&group, reterr);

    /* It begins at what comes now, whatever the program's auto.offset.reset. */
    if (err == OTEL_OK)
        err = make_reader(pipe, reterr);
    if (err == OTEL_OK)
        err = hx_relay_committed_new(base, &group, on_committed, pipe, &pipe->committed, reterr);
    if (err != OTEL_OK)
        return err;
    pipe->ask = evtimer_new(base, on_ask, pipe);
    pipe->second = event_new(base, -1, EV_PERSIST, on_second, pipe);
    if (pipe->ask == NULL || pipe->second == NULL || event_add(pipe->second, &second) != 0)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a relay");
    topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, pipe->topic->name, RD_KAFKA_PARTITION_UA);
    failed = rd_kafka_subscribe(pipe->rk, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return failed == RD_KAFKA_RESP_ERR_NO_ERROR
               ? OTEL_OK
               : otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "kafka subscribe: %s",
                                rd_kafka_err2str(failed));
}
