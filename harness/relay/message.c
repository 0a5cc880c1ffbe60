/* SPDX-License-Identifier: Apache-2.0 */
/* A Kafka message: what its headers say, and how it is carried over. */
#include <string.h>
#include <strings.h>

#include "harness/relay/bridge.h"

enum { BROKER_MILLIS = 30000 };

/* The i-th header; false: there is none. */
static bool header_at(const rd_kafka_headers_t *headers, size_t i, const char **ret_name,
                      struct otl_view *ret)
{
    const void *value = NULL;
    size_t len = 0;

    if (headers == NULL || rd_kafka_header_get_all(headers, i, ret_name, &value, &len) !=
                               RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    *ret = otl_view(value, value != NULL ? len : 0);
    return true;
}

static rd_kafka_headers_t *headers_of(const rd_kafka_message_t *raw)
{
    rd_kafka_headers_t *headers = NULL;

    return rd_kafka_message_headers(raw, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR ? headers : NULL;
}

void hx_relay_message_caller(const struct hx_foreign *foreign, const rd_kafka_message_t *raw,
                             struct hx_relay_caller *ret)
{
    const rd_kafka_headers_t *headers = headers_of(raw);
    struct otl_view value;
    const char *name;

    memset(ret, 0, sizeof(*ret));
    for (size_t i = 0; header_at(headers, i, &name, &value); i++) {
        if (strcasecmp(name, HX_RELAY_REQUEST_HEADER) == 0)
            ret->has_request = hx_relay_request_read(value, &ret->request, &ret->caller_seq);
        else if (foreign->key_header[0] != '\0' && strcasecmp(name, foreign->key_header) == 0)
            hx_relay_text_key(value, ret->key);
    }
    if (foreign->key_json[0] != '\0' && ret->key[0] == '\0' && raw->payload != NULL &&
        raw->len <= HX_RELAY_KEY_BODY)
        hx_relay_json_key(raw->payload, raw->len, foreign->key_json, ret->key);
}

/* What does not fit is cut off, and then is no traceparent. */
static struct otl_view joined(struct otl_buf *buf, const rd_kafka_headers_t *headers,
                              const char *wanted)
{
    struct otl_view value;
    const char *name;
    bool first = true;

    otl_buf_reset(buf);
    for (size_t i = 0; header_at(headers, i, &name, &value); i++) {
        if (strcasecmp(name, wanted) != 0)
            continue;
        if (!first)
            (void)!otl_buf_append_byte(buf, '\n');
        (void)!otl_buf_append(buf, value.data, value.len);
        first = false;
    }
    return otl_view(buf->data, buf->len);
}

struct hx_led_headers hx_relay_message_texts(struct hx_relay_texts *texts,
                                             const rd_kafka_message_t *raw)
{
    const rd_kafka_headers_t *headers = headers_of(raw);

    return (struct hx_led_headers){joined(&texts->traceparent, headers, "traceparent"),
                                   joined(&texts->tracestate, headers, "tracestate"),
                                   joined(&texts->baggage, headers, "baggage")};
}

/* The same headers in the same order; with a request that one is set, or put behind the others. */
static rd_kafka_headers_t *copy_headers(const rd_kafka_message_t *raw, const char *request)
{
    const rd_kafka_headers_t *headers = headers_of(raw);
    rd_kafka_headers_t *copy;
    struct otl_view value;
    const char *name;
    bool there = false;

    if (request == NULL)
        return headers != NULL ? rd_kafka_headers_copy(headers) : NULL;
    copy = rd_kafka_headers_new(8);
    for (size_t i = 0; header_at(headers, i, &name, &value); i++) {
        bool mine = strcasecmp(name, HX_RELAY_REQUEST_HEADER) == 0;
        there = there || mine;
        if (mine)
            value = otl_view_str(request);
        rd_kafka_header_add(copy, name, -1, value.data, (ssize_t)value.len);
    }
    if (!there)
        rd_kafka_header_add(copy, HX_RELAY_REQUEST_HEADER, -1, request, -1);
    return copy;
}

bool hx_relay_message_carry(struct hx_relay_pipe *pipe, const char *to, rd_kafka_message_t *raw,
                            const char *request, struct hx_relay_message *message)
{
    rd_kafka_headers_t *headers = copy_headers(raw, request);
    rd_kafka_timestamp_type_t type;
    int64_t millis = rd_kafka_message_timestamp(raw, &type);
    rd_kafka_resp_err_t err;

    if (type != RD_KAFKA_TIMESTAMP_CREATE_TIME)
        millis = 0; /* the client's own */
    if (headers == NULL)
        headers = rd_kafka_headers_new(1);
    err = rd_kafka_producev(pipe->bridge->producer, RD_KAFKA_V_TOPIC(to),
                            RD_KAFKA_V_PARTITION(raw->partition),
                            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                            RD_KAFKA_V_VALUE(raw->payload, raw->len),
                            RD_KAFKA_V_KEY(raw->key, raw->key_len), RD_KAFKA_V_TIMESTAMP(millis),
                            RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(message),
                            RD_KAFKA_V_END);
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_headers_destroy(headers);
        return false;
    }
    pipe->unsent++;
    return true;
}

enum otel_err hx_relay_topic_known(const struct hx_relay_bridge *bridge, const char *topic,
                                   struct otl_detail *reterr)
{
    rd_kafka_topic_t *handle = rd_kafka_topic_new(bridge->producer, topic, NULL);
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_resp_err_t err = rd_kafka_last_error();

    if (handle != NULL)
        err = rd_kafka_metadata(bridge->producer, 0, handle, &metadata, BROKER_MILLIS);
    if (metadata != NULL)
        rd_kafka_metadata_destroy(metadata);
    if (handle != NULL)
        rd_kafka_topic_destroy(handle);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return OTEL_OK;
    return otl_detail_set(reterr, OTEL_ERR_UNAVAILABLE, NULL, 0, 0, "kafka at %s, topic %s: %s",
                          bridge->bootstrap, topic, rd_kafka_err2str(err));
}
