/* SPDX-License-Identifier: Apache-2.0 */
/* How far a body goes. */
#include "harness/relay/http.h"

enum { SIZE_LINE, SIZE_EXTENSION, SIZE_LF, DATA, DATA_CR, DATA_LF, TRAILER, TRAILER_LF };

enum { LENGTH_BITS = 60 };

void hx_relay_body_init(struct hx_relay_body *body, const struct hx_relay_head *head)
{
    *body = (struct hx_relay_body){.framing = head->framing, .state = SIZE_LINE};
    if (head->framing == HX_RELAY_LENGTH)
        body->left = head->length;
    body->over = head->framing == HX_RELAY_NO_BODY ||
                 (head->framing == HX_RELAY_LENGTH && head->length == 0);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void size_line(struct hx_relay_body *body, char c)
{
    int value = digit(c);

    if (++body->line > HX_RELAY_LINE_MAX) {
        body->error = "a chunk's line that is too long";
    } else if (body->state == SIZE_LINE && value >= 0) {
        if (body->left >> (LENGTH_BITS - 4) != 0)
            body->error = "a chunk that is too long";
        body->left = body->left << 4 | (unsigned)value;
        body->digits = true;
    } else if (!body->digits) {
        body->error = "a chunk without a size";
    } else if (c == '\r') {
        body->state = SIZE_LF;
    } else if (body->state == SIZE_LINE && c != ';' && c != ' ' && c != '\t') {
        body->error = "a chunk's size that is no number";
    } else if (c == '\n') {
        body->error = "a chunk's line that does not end with CR LF";
    } else {
        body->state = SIZE_EXTENSION;
    }
}

static void trailer(struct hx_relay_body *body, char c)
{
    if (++body->trailers > HX_RELAY_TRAILER_MAX) {
        body->error = "trailers that are too long";
    } else if (body->state == TRAILER_LF) {
        body->over = c == '\n' && body->line == 0;
        if (c != '\n')
            body->error = "a trailer line that does not end with CR LF";
        body->line = 0;
        body->state = TRAILER;
    } else if (c == '\r') {
        body->state = TRAILER_LF;
    } else if (c == '\n') {
        body->error = "a trailer line that does not end with CR LF";
    } else {
        body->line++;
    }
}

/* One byte outside of a chunk's data. */
static void frame(struct hx_relay_body *body, char c)
{
    switch (body->state) {
    case SIZE_LINE:
    case SIZE_EXTENSION:
        size_line(body, c);
        break;
    case SIZE_LF:
        if (c != '\n')
            body->error = "a chunk's line that does not end with CR LF";
        body->state = body->left > 0 ? DATA : TRAILER;
        body->line = 0;
        break;
    case DATA_CR:
    case DATA_LF:
        if (c != (body->state == DATA_CR ? '\r' : '\n'))
            body->error = "a chunk that is longer than its size";
        body->state = body->state == DATA_CR ? DATA_LF : SIZE_LINE;
        body->digits = false;
        break;
    default:
        trailer(body, c);
        break;
    }
}

static size_t take_data(struct hx_relay_body *body, const char *data, size_t len,
                        hx_relay_payload_fn payload, void *arg)
{
    size_t part = body->left < len ? (size_t)body->left : len;

    if (payload != NULL && part > 0)
        payload(arg, data, part);
    body->left -= part;
    return part;
}

size_t hx_relay_body_take(struct hx_relay_body *body, const char *data, size_t len,
                          hx_relay_payload_fn payload, void *arg)
{
    size_t at = 0;

    if (body->framing == HX_RELAY_UNTIL_CLOSE) {
        if (payload != NULL && len > 0)
            payload(arg, data, len);
        return len;
    }
    if (body->framing == HX_RELAY_LENGTH && !body->over) {
        at = take_data(body, data, len, payload, arg);
        body->over = body->left == 0;
        return at;
    }
    while (at < len && !body->over && body->error == NULL) {
        if (body->state == DATA) {
            at += take_data(body, data + at, len - at, payload, arg);
            if (body->left == 0)
                body->state = DATA_CR;
        } else {
            frame(body, data[at++]);
        }
    }
    return at;
}
