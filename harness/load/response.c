/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/response.h"

#include <string.h>
#include <strings.h>

enum { INTERIM_MAX = 16 };

static enum hx_response_state bad(struct hx_response *response, const char *problem)
{
    response->step = HX_RESPONSE_FAILED;
    response->problem = problem;
    return HX_RESPONSE_BAD;
}

static enum hx_response_state done(struct hx_response *response)
{
    response->step = HX_RESPONSE_FINISHED;
    return HX_RESPONSE_DONE;
}

static void begin_head(struct hx_response *response)
{
    response->step = HX_RESPONSE_STATUS_LINE;
    response->status = 0;
    response->keep_alive = true;
    response->chunked = false;
    response->has_length = false;
    response->left = 0;
    response->headers = 0;
}

void hx_response_init(struct hx_response *response)
{
    memset(response, 0, sizeof(*response));
    otl_buf_init(&response->line, HX_RESPONSE_LINE_MAX);
    hx_response_begin(response, false);
}

void hx_response_fini(struct hx_response *response)
{
    if (response != NULL)
        otl_buf_fini(&response->line);
}

void hx_response_begin(struct hx_response *response, bool head_only)
{
    begin_head(response);
    response->head_only = head_only;
    response->started = false;
    response->body_bytes = 0;
    response->interim = 0;
    response->problem = NULL;
    otl_buf_reset(&response->line);
}

/* ---- the head ------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_token_char(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_text_char(char c)
{
    return (unsigned char)c >= ' ' ? c != 0x7f : c == '\t';
}

static bool is_text(struct otl_view text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_text_char(text.data[i]))
            return false;
    return true;
}

/* "HTTP/1.1 200 OK"; the reason and the blank before it may be missing. */
static enum hx_response_state read_status_line(struct hx_response *response, struct otl_view line)
{
    const char *at = line.data;

    if (line.len < 12 || memcmp(at, "HTTP/1.", 7) != 0 || (at[7] != '0' && at[7] != '1') ||
        at[8] != ' ' || !is_digit(at[9]) || !is_digit(at[10]) || !is_digit(at[11]))
        return bad(response, "malformed status line");
    if (line.len > 12 && (at[12] != ' ' || !is_text(otl_view(at + 13, line.len - 13))))
        return bad(response, "malformed status line");
    response->status = (at[9] - '0') * 100 + (at[10] - '0') * 10 + (at[11] - '0');
    response->keep_alive = at[7] == '1';
    if (response->status < 100 || response->status > 599)
        return bad(response, "status code outside 100 to 599");
    if (response->status == 101)
        return bad(response, "101 without an upgrade asked for");
    response->step = HX_RESPONSE_HEADER;
    return HX_RESPONSE_MORE;
}

static struct otl_view trim(struct otl_view text)
{
    while (text.len != 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = otl_view(text.data + 1, text.len - 1);
    while (text.len != 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

static bool is_word(struct otl_view text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.data, word, text.len) == 0;
}

static enum hx_response_state read_length(struct hx_response *response, struct otl_view value)
{
    uint64_t length = 0;

    if (response->has_length)
        return bad(response, "more than one Content-Length");
    if (value.len == 0 || value.len > 18)
        return bad(response, "malformed Content-Length");
    for (size_t i = 0; i < value.len; i++) {
        if (!is_digit(value.data[i]))
            return bad(response, "malformed Content-Length");
        length = length * 10 + (uint64_t)(value.data[i] - '0');
    }
    response->has_length = true;
    response->left = length;
    return HX_RESPONSE_MORE;
}

/* A comma-separated list; HTTP/1.0 may ask to keep the connection. */
static void read_connection(struct hx_response *response, struct otl_view value)
{
    while (value.len != 0) {
        const char *comma = memchr(value.data, ',', value.len);
        size_t len = comma == NULL ? value.len : (size_t)(comma - value.data);
        struct otl_view word = trim(otl_view(value.data, len));

        if (is_word(word, "close"))
            response->keep_alive = false;
        else if (is_word(word, "keep-alive"))
            response->keep_alive = true;
        value = comma == NULL ? otl_view(NULL, 0) : otl_view(comma + 1, value.len - len - 1);
    }
}

static enum hx_response_state read_field(struct hx_response *response, struct otl_view name,
                                         struct otl_view value)
{
    if (name.len == 14 && is_word(name, "content-length"))
        return read_length(response, value);
    if (name.len == 17 && is_word(name, "transfer-encoding")) {
        if (response->chunked || !is_word(value, "chunked"))
            return bad(response, "a transfer coding other than chunked");
        response->chunked = true;
    } else if (name.len == 10 && is_word(name, "connection")) {
        read_connection(response, value);
    }
    return HX_RESPONSE_MORE;
}

/* All header lines were read: what follows? */
static enum hx_response_state end_head(struct hx_response *response)
{
    if (response->chunked && response->has_length)
        return bad(response, "Content-Length beside Transfer-Encoding");
    if (response->status < 200) {
        unsigned interim = ++response->interim;

        if (interim > INTERIM_MAX)
            return bad(response, "too many interim answers");
        begin_head(response);
        return HX_RESPONSE_MORE;
    }
    if (response->head_only || response->status == 204 || response->status == 304)
        return done(response);
    if (response->chunked) {
        response->step = HX_RESPONSE_CHUNK_SIZE;
        return HX_RESPONSE_MORE;
    }
    if (!response->has_length) {
        response->step = HX_RESPONSE_BODY_CLOSE;
        response->keep_alive = false;
        return HX_RESPONSE_MORE;
    }
    if (response->left == 0)
        return done(response);
    response->step = HX_RESPONSE_BODY_LENGTH;
    return HX_RESPONSE_MORE;
}

static enum hx_response_state read_header(struct hx_response *response, struct otl_view line)
{
    size_t name_len = 0;
    struct otl_view value;

    if (++response->headers > HX_RESPONSE_HEADERS_MAX)
        return bad(response, "too many header lines");
    while (name_len < line.len && is_token_char(line.data[name_len]))
        name_len++;
    if (name_len == 0 || name_len == line.len || line.data[name_len] != ':')
        return bad(response, "malformed header line");
    value = trim(otl_view(line.data + name_len + 1, line.len - name_len - 1));
    if (!is_text(value))
        return bad(response, "control character in a header");
    if (response->step == HX_RESPONSE_TRAILER)
        return HX_RESPONSE_MORE; /* a trailer changes nothing */
    return read_field(response, otl_view(line.data, name_len), value);
}

/* ---- chunks --------------------------------------------------------------------------------- */

static int hex_value(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "1a;extension=..." */
static enum hx_response_state read_chunk_size(struct hx_response *response, struct otl_view line)
{
    uint64_t size = 0;
    size_t i = 0;

    for (; i < line.len && hex_value(line.data[i]) >= 0; i++) {
        if (i == 15)
            return bad(response, "chunk size too long");
        size = size << 4 | (uint64_t)hex_value(line.data[i]);
    }
    if (i == 0 || (i < line.len && line.data[i] != ';') ||
        !is_text(otl_view(line.data + i, line.len - i)))
        return bad(response, "malformed chunk size");
    response->left = size;
    response->step = size == 0 ? HX_RESPONSE_TRAILER : HX_RESPONSE_CHUNK_DATA;
    return HX_RESPONSE_MORE;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static enum hx_response_state read_line(struct hx_response *response, struct otl_view line)
{
    switch (response->step) {
    case HX_RESPONSE_STATUS_LINE:
        return read_status_line(response, line);
    case HX_RESPONSE_HEADER:
        return line.len == 0 ? end_head(response) : read_header(response, line);
    case HX_RESPONSE_CHUNK_SIZE:
        return read_chunk_size(response, line);
    case HX_RESPONSE_CHUNK_END:
        if (line.len != 0)
            return bad(response, "a chunk longer than its size");
        response->step = HX_RESPONSE_CHUNK_SIZE;
        return HX_RESPONSE_MORE;
    case HX_RESPONSE_TRAILER:
        return line.len == 0 ? done(response) : read_header(response, line);
    case HX_RESPONSE_BODY_LENGTH:
    case HX_RESPONSE_BODY_CLOSE:
    case HX_RESPONSE_CHUNK_DATA:
    case HX_RESPONSE_FINISHED:
    case HX_RESPONSE_FAILED:
        break;
    }
    return bad(response, "bytes that nothing announced");
}

/* Take one line off data, or keep what there is of it. */
static enum hx_response_state feed_line(struct hx_response *response, struct otl_view data,
                                        size_t *ret_used)
{
    const char *end = memchr(data.data, '\n', data.len);
    size_t len = end == NULL ? data.len : (size_t)(end - data.data) + 1;
    struct otl_view line = otl_view(data.data, len);
    enum hx_response_state state;

    *ret_used = len;
    if (end == NULL || response->line.len != 0) {
        if (otl_buf_append(&response->line, data.data, len) != OTEL_OK)
            return bad(response, "a line longer than the limit");
        if (end == NULL)
            return HX_RESPONSE_MORE;
        line = otl_view(response->line.data, response->line.len);
    }
    if (line.len > HX_RESPONSE_LINE_MAX)
        return bad(response, "a line longer than the limit");
    if (line.len < 2 || line.data[line.len - 2] != '\r')
        return bad(response, "a line that does not end in CRLF");
    state = read_line(response, otl_view(line.data, line.len - 2));
    otl_buf_reset(&response->line);
    return state;
}

static enum hx_response_state feed_body(struct hx_response *response, size_t len,
                                        size_t *ret_used)
{
    bool until_close = response->step == HX_RESPONSE_BODY_CLOSE;
    size_t used = until_close || len < response->left ? len : (size_t)response->left;

    *ret_used = used;
    response->body_bytes += used;
    if (until_close)
        return HX_RESPONSE_MORE;
    response->left -= used;
    if (response->left != 0)
        return HX_RESPONSE_MORE;
    if (response->step == HX_RESPONSE_BODY_LENGTH)
        return done(response);
    response->step = HX_RESPONSE_CHUNK_END;
    return HX_RESPONSE_MORE;
}

enum hx_response_state hx_response_feed(struct hx_response *response, struct otl_view data,
                                        size_t *ret_used)
{
    enum hx_response_state state = HX_RESPONSE_MORE;
    size_t used = 0;

    if (response->step == HX_RESPONSE_FINISHED)
        state = HX_RESPONSE_DONE;
    else if (response->step == HX_RESPONSE_FAILED)
        state = HX_RESPONSE_BAD;
    while (state == HX_RESPONSE_MORE && used < data.len) {
        struct otl_view rest = otl_view(data.data + used, data.len - used);
        size_t step_used = 0;

        response->started = true;
        if (response->step == HX_RESPONSE_BODY_LENGTH ||
            response->step == HX_RESPONSE_BODY_CLOSE || response->step == HX_RESPONSE_CHUNK_DATA)
            state = feed_body(response, rest.len, &step_used);
        else
            state = feed_line(response, rest, &step_used);
        used += step_used;
    }
    *ret_used = used;
    return state;
}

enum hx_response_state hx_response_end(struct hx_response *response)
{
    if (response->step == HX_RESPONSE_FINISHED || response->step == HX_RESPONSE_BODY_CLOSE)
        return done(response);
    return bad(response, response->started ? "closed in the middle of an answer"
                                           : "closed without an answer");
}
