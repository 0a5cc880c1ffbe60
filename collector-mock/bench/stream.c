/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/bench/stream.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ci/witness/otlp_pb.h"
#include "collector-mock/wire/traces.h"
#include "sdk/base/random.h"

enum { TAIL_SPANS = 5 }; /* of one trace in a request; the next request has as many more */

void stream_die(const char *what)
{
    perror(what);
    exit(3);
}

static Otlp__KeyValue *attribute(const char *key, const char *text, int64_t number)
{
    Otlp__KeyValue *kv = calloc(1, sizeof(*kv));
    Otlp__AnyValue *value = calloc(1, sizeof(*value));

    if (kv == NULL || value == NULL)
        stream_die("memory");
    otlp__key_value__init(kv);
    otlp__any_value__init(value);
    kv->key.data = (uint8_t *)(uintptr_t)key;
    kv->key.len = strlen(key);
    kv->value = value;
    if (text != NULL) {
        value->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
        value->string_value.data = (uint8_t *)(uintptr_t)text;
        value->string_value.len = strlen(text);
    } else {
        value->value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
        value->int_value = number;
    }
    return kv;
}

static uint8_t *random_bytes(struct otl_random *random, size_t len)
{
    uint8_t *bytes = malloc(len);

    if (bytes == NULL)
        stream_die("memory");
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)otl_random_next(random);
    return bytes;
}

struct otl_view stream_body(size_t count)
{
    static Otlp__ExportTraceServiceRequest request = OTLP__EXPORT_TRACE_SERVICE_REQUEST__INIT;
    static Otlp__ResourceSpans rs = OTLP__RESOURCE_SPANS__INIT, *rss[] = {&rs};
    static Otlp__ScopeSpans ss = OTLP__SCOPE_SPANS__INIT, *sss[] = {&ss};
    static Otlp__Resource resource = OTLP__RESOURCE__INIT;
    static Otlp__Span spans[STREAM_SPANS], *slots[STREAM_SPANS];
    static Otlp__KeyValue *attributes[8], *resource_attributes[1];
    struct otl_random random;
    uint8_t *out;
    size_t len;

    otl_random_seed(&random, 1);
    attributes[0] = attribute("http.request.method", "POST /api/v1/orders", 0);
    attributes[1] = attribute("url.path", "/api/v1/orders/12345", 0);
    attributes[2] = attribute("server.address", "orders.internal.svc", 0);
    attributes[3] = attribute("user_agent.original", "tracerig-load/1.0.0", 0);
    attributes[4] = attribute("http.response.status_code", NULL, 200);
    attributes[5] = attribute("server.port", NULL, 8080);
    attributes[6] = attribute("order.items", NULL, 3);
    attributes[7] = attribute("order.total_cents", NULL, 129900);
    resource_attributes[0] = attribute("service.name", "order", 0);
    for (size_t i = 0; i < count; i++) {
        otlp__span__init(&spans[i]);
        spans[i].trace_id.data = random_bytes(&random, 16);
        spans[i].trace_id.len = 16;
        spans[i].span_id.data = random_bytes(&random, 8);
        spans[i].span_id.len = 8;
        spans[i].parent_span_id.data = random_bytes(&random, 8);
        spans[i].parent_span_id.len = 8;
        spans[i].name.data = (uint8_t *)(uintptr_t)"POST /api/v1/orders/{id}";
        spans[i].name.len = 24;
        spans[i].kind = 2;
        spans[i].flags = 0x101;
        spans[i].start_time_unix_nano = 1700000000000000000ULL + i;
        spans[i].end_time_unix_nano = 1700000000000500000ULL + i;
        spans[i].n_attributes = 8;
        spans[i].attributes = attributes;
        slots[i] = &spans[i];
    }
    ss.n_spans = count;
    ss.spans = slots;
    resource.n_attributes = 1;
    resource.attributes = resource_attributes;
    rs.resource = &resource;
    rs.n_scope_spans = 1;
    rs.scope_spans = sss;
    request.n_resource_spans = 1;
    request.resource_spans = rss;
    len = otlp__export_trace_service_request__get_packed_size(&request);
    out = malloc(len);
    if (out == NULL)
        stream_die("memory");
    otlp__export_trace_service_request__pack(&request, out);
    return otl_view((char *)out, len);
}

struct otl_view stream_http(struct otl_view body)
{
    char *http = malloc(body.len + 256);
    int head;

    if (http == NULL)
        stream_die("memory");
    head = snprintf(http, 256,
                    "POST /v1/traces HTTP/1.1\r\nHost: bench\r\n"
                    "Content-Type: application/x-protobuf\r\nContent-Length: %zu\r\n\r\n",
                    body.len);
    memcpy(http + head, body.data, body.len);
    return otl_view(http, (size_t)head + body.len);
}

static size_t put_frame(char *out, unsigned type, unsigned flags, const void *payload, size_t len)
{
    const unsigned char head[9] = {(unsigned char)(len >> 16), (unsigned char)(len >> 8),
                                   (unsigned char)len, (unsigned char)type, (unsigned char)flags};

    memcpy(out, head, sizeof(head));
    memcpy(out + sizeof(head), payload, len);
    return sizeof(head) + len;
}

/* HEADERS whose fields are literals (the same bytes each time), DATA in frames of 16 KiB. */
struct otl_view stream_grpc(struct otl_view body)
{
    static const char *const fields[][2] = {
        {":path", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"},
        {":authority", "bench"},
        {"te", "trailers"},
        {"content-type", "application/grpc"},
        {"grpc-timeout", "10S"}};
    size_t len = body.len;
    char *out = malloc(len + len / 16384 * 9 + 512), *message = malloc(len + 5);
    char head[256] = "\x83\x86"; /* :method POST, :scheme http */
    size_t at = 2, used, count = sizeof(fields) / sizeof(fields[0]);

    if (out == NULL || message == NULL)
        stream_die("memory");
    for (size_t i = 0; i < count; i++) {
        size_t name = strlen(fields[i][0]), value = strlen(fields[i][1]);
        head[at++] = 0;
        head[at++] = (char)name;
        memcpy(head + at, fields[i][0], name);
        at += name;
        head[at++] = (char)value;
        memcpy(head + at, fields[i][1], value);
        at += value;
    }
    used = put_frame(out, 1, 4, head, at);
    for (int i = 0; i < 5; i++)
        message[i] = (char)(i == 0 ? 0 : len >> (8 * (4 - i)));
    memcpy(message + 5, body.data, len);
    for (size_t done = 0; done < len + 5;) {
        size_t part = len + 5 - done < 16384 ? len + 5 - done : 16384;
        used += put_frame(out + used, 0, done + part == len + 5, message + done, part);
        done += part;
    }
    free(message);
    return otl_view(out, used);
}

struct stream stream_tail(const struct stream *stream, struct otl_view body)
{
    struct stream ret = *stream;
    size_t *ids = malloc(STREAM_SPANS * sizeof(*ids)), count = 0;
    char *bytes = malloc(stream->bytes.len), *at = bytes;
    struct col_traces traces;
    struct col_span span;

    if (ids == NULL || bytes == NULL)
        stream_die("memory");
    memcpy(bytes, stream->bytes.data, stream->bytes.len);
    col_traces_init(&traces, body);
    while (col_traces_next(&traces, &span)) {
        at = memmem(at, stream->bytes.len - (size_t)(at - bytes), span.trace_id, 16);
        if (at == NULL) /* a frame's head stands in it: this one stays */
            at = bytes + (count > 0 ? ids[count - 1] : 0);
        else {
            for (int i = 0; i < 8; i++)
                at[8 + i] = (char)(traces.spans / TAIL_SPANS >> (8 * i));
            ids[count++] = (size_t)(at - bytes);
        }
    }
    ret.bytes = otl_view(bytes, stream->bytes.len);
    ret.ids = ids;
    ret.id_count = count;
    return ret;
}
