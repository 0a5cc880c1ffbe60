/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/response.h"

#include <string.h>
#include <strings.h>

enum { HEADER_BLOCK_MAX = 32 * 1024, FIELDS_MAX = 128, INTERIM_MAX = 8, WIRE_SLACK = 64 * 1024 };

static int stop(struct otl_response *r, enum otl_response_state state)
{
    r->state = state;
    return 1; /* http-parser stops */
}

static bool is_token(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_value_char(char c)
{
    return c == '\t' || ((unsigned char)c >= ' ' && c != 0x7f);
}

static bool name_is(const struct otl_response *r, const char *name)
{
    return r->name_len == strlen(name) && strncasecmp(r->name, name, r->name_len) == 0;
}

static void keep(const struct otl_response *r, char *out)
{
    if (r->value_len >= OTL_RESPONSE_HEADER_MAX)
        return;
    memcpy(out, r->value, r->value_len);
    out[r->value_len] = '\0';
}

/* A field is whole: judge it. */
static int field_end(struct otl_response *r)
{
    if (!r->in_value)
        return 0;
    r->in_value = false;
    while (r->value_len > 0 && r->value_len < sizeof(r->value) &&
           (r->value[r->value_len - 1] == ' ' || r->value[r->value_len - 1] == '\t'))
        r->value_len--;
    if (name_is(r, "content-length")) {
        if (r->has_length || r->value_len == 0 || r->value_len > 20)
            return stop(r, OTL_RESPONSE_GARBAGE);
        for (size_t i = 0; i < r->value_len; i++)
            if (r->value[i] < '0' || r->value[i] > '9')
                return stop(r, OTL_RESPONSE_GARBAGE);
        r->has_length = true;
    } else if (name_is(r, "transfer-encoding")) {
        if (r->has_coding || r->value_len != 7 || strncasecmp(r->value, "chunked", 7) != 0)
            return stop(r, OTL_RESPONSE_GARBAGE);
        r->has_coding = true;
    } else if (name_is(r, "retry-after")) {
        keep(r, r->retry_after);
    } else if (name_is(r, "content-type")) {
        keep(r, r->content_type);
    } else if (name_is(r, "content-encoding")) {
        keep(r, r->content_encoding);
    }
    return 0;
}

static int on_message_begin(http_parser *parser)
{
    struct otl_response *r = parser->data;

    r->header_bytes = 0;
    r->fields = 0;
    r->in_value = false;
    r->has_length = false;
    r->has_coding = false;
    r->name_len = 0;
    r->value_len = 0;
    r->retry_after[0] = '\0';
    r->content_type[0] = '\0';
    r->content_encoding[0] = '\0';
    return 0;
}

static int count_header_bytes(struct otl_response *r, size_t len)
{
    r->header_bytes += len;
    return r->header_bytes > HEADER_BLOCK_MAX ? stop(r, OTL_RESPONSE_GARBAGE) : 0;
}

static int on_status(http_parser *parser, const char *at, size_t len)
{
    (void)at;
    return count_header_bytes(parser->data, len);
}

static int on_header_field(http_parser *parser, const char *at, size_t len)
{
    struct otl_response *r = parser->data;

    if (r->in_value) {
        if (field_end(r) != 0)
            return 1;
        r->name_len = 0;
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_token(at[i]))
            return stop(r, OTL_RESPONSE_GARBAGE);
        if (r->name_len < sizeof(r->name))
            r->name[r->name_len] = at[i];
        r->name_len++;
    }
    return count_header_bytes(r, len);
}

static int on_header_value(http_parser *parser, const char *at, size_t len)
{
    struct otl_response *r = parser->data;

    if (!r->in_value) {
        r->in_value = true;
        r->value_len = 0;
        if (++r->fields > FIELDS_MAX)
            return stop(r, OTL_RESPONSE_GARBAGE);
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_value_char(at[i]))
            return stop(r, OTL_RESPONSE_GARBAGE);
        if (r->value_len < sizeof(r->value))
            r->value[r->value_len] = at[i];
        r->value_len++;
    }
    return count_header_bytes(r, len);
}

/* 0: read the body; 1: there is none; anything else would stop http-parser. */
static int on_headers_complete(http_parser *parser)
{
    enum { NO_BODY = 1, FAIL = -1 };
    struct otl_response *r = parser->data;
    uint64_t length = parser->content_length;

    if (field_end(r) != 0)
        return FAIL;
    r->name_len = 0;
    /* 101 would change the protocol, which we never ask for */
    if (parser->http_major != 1 || parser->http_minor > 1 || parser->status_code < 100 ||
        parser->status_code > 599 || parser->status_code == 101 ||
        (r->has_length && r->has_coding)) {
        stop(r, OTL_RESPONSE_GARBAGE);
        return FAIL;
    }
    if (parser->status_code < 200)
        return NO_BODY;
    r->status = parser->status_code;
    r->head_done = true;
    if (parser->status_code == 204 || parser->status_code == 304)
        return NO_BODY;
    if (length != UINT64_MAX && length > r->max_body) {
        stop(r, OTL_RESPONSE_TOO_LARGE);
        return FAIL;
    }
    return 0;
}

static int on_body(http_parser *parser, const char *at, size_t len)
{
    struct otl_response *r = parser->data;
    enum otel_err err = otl_buf_append(&r->body, at, len);

    if (err == OTEL_OK)
        return 0;
    return stop(r, err == OTEL_ERR_LIMIT ? OTL_RESPONSE_TOO_LARGE : OTL_RESPONSE_MEMORY);
}

static int on_message_complete(http_parser *parser)
{
    struct otl_response *r = parser->data;

    if (parser->status_code < 200) {
        if (++r->interim > INTERIM_MAX)
            return stop(r, OTL_RESPONSE_GARBAGE);
        return 0;
    }
    if (r->in_value && field_end(r) != 0) /* a trailer field */
        return 1;
    r->keep_alive = http_should_keep_alive(parser) != 0;
    return stop(r, OTL_RESPONSE_DONE);
}

static int on_chunk(http_parser *parser)
{
    struct otl_response *r = parser->data;

    /* content_length is the size of the coming chunk */
    if (parser->content_length > r->max_body - r->body.len)
        return stop(r, OTL_RESPONSE_TOO_LARGE);
    return 0;
}

void otl_response_init(struct otl_response *response, size_t max_body)
{
    memset(response, 0, sizeof(*response));
    response->max_body = max_body;
    otl_buf_init(&response->body, max_body);
    otl_response_begin(response);
}

void otl_response_fini(struct otl_response *response)
{
    if (response != NULL)
        otl_buf_fini(&response->body);
}

void otl_response_begin(struct otl_response *response)
{
    http_parser_init(&response->parser, HTTP_RESPONSE);
    response->parser.data = response;
    response->state = OTL_RESPONSE_MORE;
    response->wire_bytes = 0;
    response->status = 0;
    response->head_done = false;
    response->keep_alive = false;
    response->interim = 0;
    response->retry_after[0] = '\0';
    response->content_type[0] = '\0';
    response->content_encoding[0] = '\0';
    otl_buf_reset(&response->body);
}

enum otl_response_state otl_response_feed(struct otl_response *r, const char *data, size_t len)
{
    static const http_parser_settings settings = {
        .on_message_begin = on_message_begin,
        .on_status = on_status,
        .on_header_field = on_header_field,
        .on_header_value = on_header_value,
        .on_headers_complete = on_headers_complete,
        .on_body = on_body,
        .on_message_complete = on_message_complete,
        .on_chunk_header = on_chunk,
    };
    size_t used;

    if (r->state != OTL_RESPONSE_MORE)
        return r->state;
    r->wire_bytes += len;
    used = http_parser_execute(&r->parser, &settings, data, len);
    if (r->state == OTL_RESPONSE_DONE) {
        if (used < len)
            r->keep_alive = false;
    } else if (r->state == OTL_RESPONSE_MORE) {
        if (HTTP_PARSER_ERRNO(&r->parser) != HPE_OK || used != len || len == 0 ||
            r->wire_bytes > WIRE_SLACK + 8 * (uint64_t)r->max_body)
            r->state = OTL_RESPONSE_GARBAGE;
    }
    return r->state;
}
