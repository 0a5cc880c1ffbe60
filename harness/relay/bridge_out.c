/* SPDX-License-Identifier: Apache-2.0 */
/* From the program to a topic: SEND rows, which end with the broker's report. */
#include <stdio.h>
#include <string.h>

#include "harness/relay/bridge.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"

enum { POLLS_A_TURN = 256 };

static void close_send(struct hx_relay_message *message, rd_kafka_resp_err_t err,
                       int32_t partition, int64_t offset)
{
    struct hx_led_send_close row = {.head.seq = message->seq,
                                    .mono_ns = otl_clock_mono(otl_clock_real()),
                                    .outcome = HX_LED_OUTCOME_OK,
                                    .status = (int32_t)err,
                                    .partition = partition,
                                    .offset = offset};

    if (err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT)
        row.outcome = HX_LED_OUTCOME_TIMEOUT;
    else if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        row.outcome = HX_LED_OUTCOME_FAILED;
    hx_led_send_close_row(message->pipe->bridge->ledger, &row);
    message->pipe->bridge->relay->counts.undelivered += err != RD_KAFKA_RESP_ERR_NO_ERROR;
    otl_mem_free(message);
}

void hx_relay_pipe_out_reported(struct hx_relay_message *message,
                                const rd_kafka_message_t *report)
{
    struct hx_relay_pipe *pipe = message->pipe;

    if (pipe->unsent-- == HX_RELAY_UNSENT)
        hx_kafka_events_again(&pipe->events);
    close_send(message, report->err, report->partition, report->offset);
}

static void write_send(struct hx_relay_pipe *pipe, const rd_kafka_message_t *raw,
                       struct hx_relay_message *message, char request[HX_RELAY_REQUEST_LEN + 1])
{
    struct hx_relay_bridge *bridge = pipe->bridge;
    struct hx_led_headers headers = hx_relay_message_texts(&bridge->relay->texts, raw);
    struct hx_led_send row = {.to_op = UINT32_MAX, .topic = pipe->topic->index};
    const struct hx_relay_entry *entry;
    struct hx_relay_caller caller;

    hx_relay_message_caller(bridge->service->foreign, raw, &caller);
    entry = hx_relay_join_message(bridge, &caller);
    row.request = entry != NULL ? entry->request : 0;
    row.entry_seq = entry != NULL ? entry->seq : 0;
    message->seq = row.head.seq = hx_led_next_seq(bridge->ledger);
    row.mono_ns = otl_clock_mono(otl_clock_real());
    hx_led_send_row(bridge->ledger, &row, &headers);
    hx_relay_request_write(row.request, message->seq, request);
}

static void take(struct hx_relay_pipe *pipe, rd_kafka_message_t *raw)
{
    struct hx_relay_message *message = otl_mem_zalloc(sizeof(*message));
    char request[HX_RELAY_REQUEST_LEN + 1];

    if (message == NULL || raw->partition >= (int32_t)pipe->topic->partitions) {
        pipe->bridge->relay->counts.undelivered++;
        otl_mem_free(message);
        return;
    }
    pipe->next[raw->partition] = raw->offset + 1;
    message->pipe = pipe;
    message->partition = raw->partition;
    message->offset = raw->offset;
    write_send(pipe, raw, message, request);
    if (!hx_relay_message_carry(pipe, pipe->topic->name, raw, request, message))
        close_send(message, RD_KAFKA_RESP_ERR__QUEUE_FULL, -1, -1);
}

static void poll_messages(void *arg)
{
    struct hx_relay_pipe *pipe = arg;

    for (int i = 0; i < POLLS_A_TURN; i++) {
        rd_kafka_message_t *raw =
            pipe->unsent < HX_RELAY_UNSENT ? rd_kafka_consumer_poll(pipe->rk, 0) : NULL;
        if (raw == NULL)
            return;
        if (raw->err != RD_KAFKA_RESP_ERR_NO_ERROR)
            fprintf(stderr, "tracerig relay: %s: %s\n", pipe->name, rd_kafka_message_errstr(raw));
        else
            take(pipe, raw);
        rd_kafka_message_destroy(raw);
    }
    hx_kafka_events_again(&pipe->events);
}

static void on_second(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    poll_messages(arg);
}

/* No group: all partitions, from what comes now. */
static enum otel_err assign(struct hx_relay_pipe *pipe, struct otl_detail *reterr)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)pipe->topic->partitions);
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;

    for (unsigned p = 0; p < pipe->topic->partitions && err == RD_KAFKA_RESP_ERR_NO_ERROR; p++) {
        pipe->next[p] = hx_kafka_topic_end(pipe->rk, pipe->name, (int32_t)p);
        if (pipe->next[p] < 0)
            err = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        rd_kafka_topic_partition_list_add(list, pipe->name, (int32_t)p)->offset = pipe->next[p];
    }
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        err = rd_kafka_assign(pipe->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return OTEL_OK;
    return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0,
                          "topic %s, between %s and the relay, with %u partitions: %s", pipe->name,
                          pipe->bridge->service->name, pipe->topic->partitions,
                          rd_kafka_err2str(err));
}

enum otel_err hx_relay_pipe_out(struct hx_relay_pipe *pipe, struct otl_detail *reterr)
{
    const struct hx_kafka_setting settings[] = {{"bootstrap.servers", pipe->bridge->bootstrap},
                                                {"client.id", pipe->bridge->instance},
                                                {"group.id", pipe->name}, /* never joined */
                                                {"enable.auto.commit", "false"},
                                                {"fetch.wait.max.ms", "15"},
                                                {"socket.nagle.disable", "true"},
                                                {NULL, NULL}};
    struct event_base *base = pipe->bridge->relay->options.base;
    const struct timeval second = {1, 0};
    rd_kafka_conf_t *conf = NULL;
    char text[400] = "";
    enum otel_err err = hx_kafka_conf_new(settings, pipe, &conf, reterr);

    if (err != OTEL_OK)
        return err;
    pipe->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    if (pipe->rk == NULL) {
        rd_kafka_conf_destroy(conf);
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "kafka consumer: %s", text);
    }
    rd_kafka_poll_set_consumer(pipe->rk);
    err = hx_kafka_events_init(&pipe->events, base, rd_kafka_queue_get_consumer(pipe->rk),
                               poll_messages, pipe, reterr);
    if (err != OTEL_OK)
        return err;
    pipe->second = event_new(base, -1, EV_PERSIST, on_second, pipe);
    if (pipe->second == NULL || event_add(pipe->second, &second) != 0)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a relay");
    return assign(pipe, reterr);
}
