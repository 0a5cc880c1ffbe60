/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/producer.h"

#include <stdio.h>
#include <string.h>

#include "harness/service/kafka.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"

enum { METADATA_TIMEOUT_MILLIS = 30000, VALUE_MAX = 1024 * 1024 };

struct hx_producer {
    rd_kafka_t *rk;
    struct hx_kafka_events events;
    struct hx_runtime *runtime;
    char *value; /* what every message carries; never changed */
};

/* A message whose report is due; lives in the request's arena. */
struct publish {
    struct hx_request *request;
    const struct hx_step *step;
    struct hx_span *span;
};

/* ---- delivery reports ----------------------------------------------------------------------- */

static void close_publish(struct publish *publish, rd_kafka_resp_err_t err, int32_t partition,
                          int64_t offset)
{
    struct hx_led_send_close row = {.head.seq = publish->span->seq,
                                    .mono_ns = otl_clock_mono(otl_clock_real()),
                                    .outcome = HX_LED_OUTCOME_OK,
                                    .status = (int32_t)err,
                                    .partition = partition,
                                    .offset = offset};
    char text[16];

    if (err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT)
        row.outcome = HX_LED_OUTCOME_TIMEOUT;
    else if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        row.outcome = HX_LED_OUTCOME_FAILED;
    hx_led_send_close_row(publish->request->runtime->rig.ledger, &row);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        snprintf(text, sizeof(text), "%d", partition);
        hx_span_set(publish->span, "messaging.destination.partition.id", otel_value_str(text));
        hx_span_set(publish->span, "messaging.kafka.offset", otel_value_int(offset));
    } else {
        hx_span_set(publish->span, "error.type", otel_value_str(rd_kafka_err2name(err)));
        hx_span_status(publish->span, HX_STATUS_ERROR, rd_kafka_err2str(err));
    }
    hx_step_span_end(publish->request, publish->step, publish->span);
}

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct publish *publish = message->_private;

    (void)rk;
    (void)opaque;
    close_publish(publish, message->err, message->partition, message->offset);
    hx_request_unref(publish->request);
}

static void serve_reports(void *arg)
{
    struct hx_producer *producer = arg;

    while (rd_kafka_poll(producer->rk, 0) != 0)
        continue;
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    const struct hx_producer *producer = rd_kafka_opaque(rk);

    if (producer != NULL && producer->runtime->log != NULL)
        otl_log_line(producer->runtime->log, level <= 3 ? OTL_LOG_ERROR : OTL_LOG_WARN,
                     "kafka producer: %s: %s", facility, text);
}

/* ---- life ----------------------------------------------------------------------------------- */

static enum otel_err connect_broker(struct hx_producer *producer, const char *bootstrap,
                                    struct otl_detail *reterr)
{
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t err =
        rd_kafka_metadata(producer->rk, 1, NULL, &metadata, METADATA_TIMEOUT_MILLIS);

    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return otl_detail_set(reterr, OTEL_ERR_UNAVAILABLE, NULL, 0, 0, "kafka at %s: %s",
                              bootstrap, rd_kafka_err2str(err));
    rd_kafka_metadata_destroy(metadata);
    return OTEL_OK;
}

enum otel_err hx_producer_new(struct event_base *base, const char *bootstrap,
                              struct hx_runtime *runtime, struct hx_producer **ret,
                              struct otl_detail *reterr)
{
    const struct hx_kafka_setting settings[] = {{"bootstrap.servers", bootstrap},
                                                {"client.id", runtime->instance},
                                                {"linger.ms", "5"},
                                                {"message.timeout.ms", "15000"},
                                                {"queue.buffering.max.messages", "100000"},
                                                {"socket.nagle.disable", "true"},
                                                {NULL, NULL}};
    struct hx_producer *producer = otl_mem_zalloc(sizeof(*producer));
    rd_kafka_conf_t *conf = NULL;
    enum otel_err err;
    char text[400];

    if (producer == NULL || (producer->value = otl_mem_zalloc(VALUE_MAX)) == NULL) {
        otl_mem_free(producer);
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a producer");
    }
    memset(producer->value, 'x', VALUE_MAX);
    producer->events.fd = -1;
    producer->runtime = runtime;
    err = hx_kafka_conf_new(settings, producer, &conf, reterr);
    if (err != OTEL_OK)
        goto fail;
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    rd_kafka_conf_set_log_cb(conf, on_log);
    producer->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (producer->rk == NULL) {
        rd_kafka_conf_destroy(conf);
        err = otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "kafka producer: %s", text);
        goto fail;
    }
    err = hx_kafka_events_init(&producer->events, base, rd_kafka_queue_get_main(producer->rk),
                               serve_reports, producer, reterr);
    if (err == OTEL_OK)
        err = connect_broker(producer, bootstrap, reterr);
    if (err != OTEL_OK)
        goto fail;
    *ret = producer;
    return OTEL_OK;

fail:
    hx_producer_free(producer, 0);
    return err;
}

void hx_producer_free(struct hx_producer *producer, int timeout_millis)
{
    if (producer == NULL)
        return;
    if (producer->rk != NULL) {
        rd_kafka_flush(producer->rk, timeout_millis);
        rd_kafka_purge(producer->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        serve_reports(producer);
        hx_kafka_events_fini(&producer->events);
        rd_kafka_destroy(producer->rk);
    }
    otl_mem_free(producer->value);
    otl_mem_free(producer);
}

/* ---- the step ------------------------------------------------------------------------------- */

static struct hx_span *start_span(struct hx_frame *frame, const struct hx_step *step,
                                  struct otel_str key)
{
    struct otel_attribute attributes[6] = {
        otel_attr_str("messaging.system", "kafka"),
        otel_attr_str("messaging.operation.name", "publish"),
        otel_attr_str("messaging.operation.type", "send"),
        otel_attr_str("messaging.destination.name", step->topic->name),
        otel_attr_int("messaging.message.body.size", (int64_t)step->message_bytes),
        otel_attr("messaging.kafka.message.key", otel_value_strn(key.data, key.len)),
    };

    return hx_step_span(frame, step, attributes, key.len != 0 ? 6 : 5, true);
}

static rd_kafka_headers_t *make_headers(const struct hx_carrier *carrier)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(carrier->count);

    for (size_t i = 0; i < carrier->count; i++)
        rd_kafka_header_add(headers, carrier->items[i].name.data,
                            (ssize_t)carrier->items[i].name.len, carrier->items[i].value.data,
                            (ssize_t)carrier->items[i].value.len);
    return headers;
}

static rd_kafka_resp_err_t produce(struct hx_producer *producer, struct publish *publish,
                                   const struct hx_carrier *carrier, struct otel_str key,
                                   uint64_t draw)
{
    const struct hx_topic *topic = publish->step->topic;
    size_t bytes = publish->step->message_bytes;
    int32_t partition =
        key.len != 0 ? RD_KAFKA_PARTITION_UA : (int32_t)(draw % topic->partitions);
    rd_kafka_headers_t *headers = make_headers(carrier);
    rd_kafka_resp_err_t err = rd_kafka_producev(
        producer->rk, RD_KAFKA_V_TOPIC(topic->name), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_VALUE(producer->value, bytes < VALUE_MAX ? bytes : VALUE_MAX),
        RD_KAFKA_V_KEY(key.len != 0 ? key.data : NULL, key.len), RD_KAFKA_V_HEADERS(headers),
        RD_KAFKA_V_OPAQUE(publish), RD_KAFKA_V_END);

    if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_headers_destroy(headers);
    return err;
}

enum hx_progress hx_producer_step(struct hx_frame *frame, const struct hx_step *step,
                                  struct hx_producer *producer)
{
    struct hx_request *request = frame->request;
    struct publish *publish = otl_arena_alloc(&request->arena, sizeof(*publish));
    struct hx_carrier *carrier = otl_arena_alloc(&request->arena, sizeof(*carrier));
    struct otl_random random;
    struct hx_fill fill = {&request->arena, &random, request->trail.request,
                           request->runtime->replica, request->runtime->instance};
    struct otel_str key;
    rd_kafka_resp_err_t err;
    bool hot;

    if (publish == NULL || carrier == NULL) {
        hx_frame_fail(frame, HX_LED_OUTCOME_FAILED, 500, "out_of_memory", step->name);
        return HX_GO_ON;
    }
    hx_frame_random(frame, &random);
    hot = step->hot_share > 0 && otl_random_unit(&random) < step->hot_share;
    key = hx_fill_text(&fill, hot ? step->hot_key : step->message_key);
    publish->request = request;
    publish->step = step;
    publish->span = start_span(frame, step, key);
    if (publish->span == NULL)
        return HX_GO_ON;
    hx_carrier_init(carrier, &request->arena);
    hx_step_inject(frame, step, publish->span, UINT32_MAX, step->topic->index, carrier);
    hx_request_ref(request);
    err = produce(producer, publish, carrier, key, otl_random_next(&random));
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        close_publish(publish, err, -1, -1);
        hx_request_unref(request);
        hx_frame_fail(frame, HX_LED_OUTCOME_FAILED, 503, rd_kafka_err2name(err), step->name);
    }
    return HX_GO_ON;
}
