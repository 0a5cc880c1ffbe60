/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "collector-mock/grpc/conn.h"

/* The header block of a request. Kept as records one after another: the lengths of name and
 * value, four bytes each, then the two. */

struct record {
    uint32_t name_len, value_len;
};

bool col_stream_header(struct col_stream *stream, struct otl_view name, struct otl_view value)
{
    struct record record = {(uint32_t)name.len, (uint32_t)value.len};
    size_t need = sizeof(record) + name.len + value.len, cap;

    if (stream->head_too_large || need > stream->head.max - stream->head.len) {
        stream->head_too_large = true;
        return true;
    }
    cap = stream->head.cap;
    if (otl_buf_reserve(&stream->head, need) != OTEL_OK ||
        !col_stream_charge(stream, stream->head.cap - cap))
        return false;
    return otl_buf_append(&stream->head, &record, sizeof(record)) == OTEL_OK &&
           otl_buf_append(&stream->head, name.data, name.len) == OTEL_OK &&
           otl_buf_append(&stream->head, value.data, value.len) == OTEL_OK;
}

static const struct col_stream *stream_of(const struct col_grpc_request *request)
{
    return (const struct col_stream *)(const void *)((const char *)request -
                                                     offsetof(struct col_stream, request));
}

struct otl_view col_grpc_header_nth(const struct col_grpc_request *request, const char *name,
                                    size_t index)
{
    const struct col_stream *stream = stream_of(request);
    struct record record;

    for (size_t at = 0; at < stream->head.len;
         at += sizeof(record) + record.name_len + record.value_len) {
        const char *data = stream->head.data + at + sizeof(record);
        memcpy(&record, stream->head.data + at, sizeof(record));
        if (otl_view_is(otl_view(data, record.name_len), name) && index-- == 0)
            return otl_view(data + record.name_len, record.value_len);
    }
    return otl_view(NULL, 0);
}

struct otl_view col_grpc_header_of(const struct col_grpc_request *request, const char *name)
{
    struct otl_view value = col_grpc_header_nth(request, name, 0);

    return value.data != NULL ? value : otl_view("", 0);
}

bool col_grpc_peer(const struct col_grpc_request *request, char *out, size_t size)
{
    return col_socket_peer(stream_of(request)->conn->socket.fd, out, size);
}

/* application/grpc, application/grpc+proto, either with parameters */
static bool is_grpc(struct otl_view type)
{
    static const char base[] = "application/grpc", suffix[] = "+proto";
    size_t at = sizeof(base) - 1;

    if (type.len < at || strncasecmp(type.data, base, at) != 0)
        return false;
    if (type.len - at >= sizeof(suffix) - 1 &&
        strncasecmp(type.data + at, suffix, sizeof(suffix) - 1) == 0)
        at += sizeof(suffix) - 1;
    return at == type.len || type.data[at] == ';' || type.data[at] == ' ';
}

/* One to eight digits and a unit; false: it is not one. */
static bool parse_timeout(struct otl_view text, uint64_t *ret_ns)
{
    static const char units[] = "HMSmun";
    static const uint64_t factors[] = {3600 * OTL_NS_PER_S, 60 * OTL_NS_PER_S, OTL_NS_PER_S,
                                       OTL_NS_PER_MS,       OTL_NS_PER_US,     1};
    uint64_t value = 0, factor;
    const char *unit;

    if (text.len < 2 || text.len > 9)
        return false;
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    unit = memchr(units, text.data[text.len - 1], sizeof(units) - 1);
    if (unit == NULL)
        return false;
    factor = factors[unit - units];
    *ret_ns = value > UINT64_MAX / 2 / factor ? UINT64_MAX / 2 : value * factor;
    return true;
}

struct refusal {
    unsigned http_status;
    enum col_grpc_code code;
    const char *before, *after; /* of what the client sent */
};

static void refuse(struct col_stream *stream, const struct refusal *why, struct otl_view what)
{
    struct col_grpc_answer answer = {.code = why->code};
    char text[256];

    snprintf(text, sizeof(text), "%s%.*s%s", why->before, (int)(what.len < 128 ? what.len : 128),
             what.len > 0 ? what.data : "", why->after);
    answer.text = otl_view_str(text);
    col_stream_refuse(stream, why->http_status, &answer);
}

static bool set_deadline(struct col_stream *stream, struct otl_view timeout)
{
    uint64_t timeout_ns;

    if (timeout.len == 0)
        return true;
    if (!parse_timeout(timeout, &timeout_ns))
        return false;
    stream->deadline_ns = stream->since_ns + timeout_ns;
    col_grpc_deadline(stream->conn->server, stream->deadline_ns);
    return true;
}

/* What gRPC itself asks of a head; false: refused. Words and order are grpc-go's. */
static bool check(struct col_stream *stream)
{
    static const struct refusal
        large = {200, COL_GRPC_RESOURCE_EXHAUSTED, "the header list is too large", ""},
        type_wrong = {415, COL_GRPC_INVALID_ARGUMENT, "invalid gRPC request content-type \"", "\""},
        method_wrong = {405, COL_GRPC_INTERNAL, "Received a HEADERS frame with :method \"",
                        "\" which should be POST"},
        timeout_wrong = {400, COL_GRPC_INTERNAL, "malformed grpc-timeout: \"", "\""},
        encoding_unknown = {200, COL_GRPC_UNIMPLEMENTED,
                            "grpc: Decompressor is not installed for grpc-encoding \"", "\""};
    const struct col_grpc_request *request = &stream->request;
    struct otl_view type = col_grpc_header_of(request, "content-type");
    struct otl_view method = col_grpc_header_of(request, ":method");
    struct otl_view timeout = col_grpc_header_of(request, "grpc-timeout");
    struct otl_view encoding = request->encoding;

    if (stream->head_too_large)
        refuse(stream, &large, otl_view("", 0));
    else if (!is_grpc(type))
        refuse(stream, &type_wrong, type);
    else if (!otl_view_is(method, "POST"))
        refuse(stream, &method_wrong, method);
    else if (!set_deadline(stream, timeout))
        refuse(stream, &timeout_wrong, timeout);
    else if (encoding.len > 0 && !otl_view_is(encoding, "identity") &&
             !otl_view_is(encoding, "gzip") && !otl_view_is(encoding, "zstd"))
        refuse(stream, &encoding_unknown, encoding);
    return stream->state == COL_STREAM_HEAD;
}

void col_stream_head_done(struct col_stream *stream)
{
    const struct col_grpc_options *options = &stream->conn->server->options;
    struct col_grpc_answer refusal = {.code = COL_GRPC_UNIMPLEMENTED};

    stream->request.path = col_grpc_header_of(&stream->request, ":path");
    stream->request.encoding = col_grpc_header_of(&stream->request, "grpc-encoding");
    if (!check(stream))
        return;
    stream->state = COL_STREAM_BODY;
    if (options->on_head != NULL &&
        !options->on_head(options->context, &stream->request, &refusal))
        col_stream_refuse(stream, 200, &refusal);
}
