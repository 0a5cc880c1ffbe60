/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/carrier.h"

#include <string.h>
#include <strings.h>

#include "sdk/base/text.h"

void hx_carrier_init(struct hx_carrier *carrier, struct otl_arena *arena)
{
    carrier->arena = arena;
    carrier->count = 0;
    carrier->left_out = 0;
}

void hx_carrier_add(struct hx_carrier *carrier, struct otl_view name, struct otl_view value)
{
    if (carrier->count == HX_CARRIER_MAX) {
        carrier->left_out++;
        return;
    }
    carrier->items[carrier->count].name = name;
    carrier->items[carrier->count].value = value;
    carrier->count++;
}

void hx_carrier_add_header(void *arg, const struct hx_http_header *header)
{
    hx_carrier_add(arg, header->name, header->value);
}

static bool is_named(const struct hx_http_header *header, const char *name, size_t len)
{
    return header->name.len == len && strncasecmp(header->name.data, name, len) == 0;
}

bool hx_carrier_get(const struct hx_carrier *carrier, const char *name, struct otl_view *ret)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < carrier->count; i++) {
        if (is_named(&carrier->items[i], name, len)) {
            *ret = carrier->items[i].value;
            return true;
        }
    }
    return false;
}

/* ---- for propagators ------------------------------------------------------------------------ */

static bool get(const void *carrier, struct otel_str key, struct otel_str *ret_value)
{
    const struct hx_carrier *c = carrier;

    for (size_t i = 0; i < c->count; i++) {
        if (is_named(&c->items[i], key.data, key.len)) {
            *ret_value = otel_strn(c->items[i].value.data, c->items[i].value.len);
            return true;
        }
    }
    return false;
}

static void get_all(const void *carrier, struct otel_str key, otel_text_visit_fn *visit, void *arg)
{
    const struct hx_carrier *c = carrier;

    for (size_t i = 0; i < c->count; i++)
        if (is_named(&c->items[i], key.data, key.len))
            visit(arg, otel_strn(c->items[i].value.data, c->items[i].value.len));
}

static void keys(const void *carrier, otel_text_visit_fn *visit, void *arg)
{
    const struct hx_carrier *c = carrier;

    for (size_t i = 0; i < c->count; i++)
        visit(arg, otel_strn(c->items[i].name.data, c->items[i].name.len));
}

const struct otel_text_map_getter hx_carrier_getter = {get, get_all, keys};

static void set(void *carrier, struct otel_str key, struct otel_str value)
{
    struct hx_carrier *c = carrier;
    char *name = otl_arena_strndup(c->arena, key.data, key.len);
    char *text = otl_arena_strndup(c->arena, value.data, value.len);

    if (name == NULL || text == NULL) {
        c->left_out++;
        return;
    }
    for (size_t i = 0; i < c->count; i++) {
        if (is_named(&c->items[i], key.data, key.len)) {
            c->items[i].value = otl_view(text, value.len);
            return;
        }
    }
    hx_carrier_add(c, otl_view(name, key.len), otl_view(text, value.len));
}

const struct otel_text_map_setter hx_carrier_setter = {set};

/* ---- for the ledger ------------------------------------------------------------------------- */

static struct otl_view joined(const struct hx_carrier *carrier, const char *name)
{
    size_t len = strlen(name), total = 0, found = 0;
    struct otl_view first = {NULL, 0};
    char *text, *at;

    for (size_t i = 0; i < carrier->count; i++) {
        if (is_named(&carrier->items[i], name, len)) {
            total += carrier->items[i].value.len + 1;
            if (found++ == 0)
                first = carrier->items[i].value;
        }
    }
    if (found <= 1)
        return first;
    text = at = otl_arena_alloc(carrier->arena, total);
    if (text == NULL)
        return first;
    for (size_t i = 0; i < carrier->count; i++) {
        const struct otl_view value = carrier->items[i].value;
        if (!is_named(&carrier->items[i], name, len))
            continue;
        memcpy(at, value.data, value.len);
        at += value.len;
        *at++ = '\n';
    }
    return otl_view(text, total - 1);
}

void hx_carrier_headers(const struct hx_carrier *carrier, struct hx_led_headers *ret)
{
    ret->traceparent = joined(carrier, "traceparent");
    ret->tracestate = joined(carrier, "tracestate");
    ret->baggage = joined(carrier, "baggage");
}

/* ---- tracerig-request ----------------------------------------------------------------------- */

static bool read_hex(const char *text, uint64_t *ret)
{
    uint8_t bytes[8];
    uint64_t value = 0;

    if (!otl_unhex(text, sizeof(bytes), bytes))
        return false;
    for (size_t i = 0; i < sizeof(bytes); i++)
        value = value << 8 | bytes[i];
    *ret = value;
    return true;
}

bool hx_request_header_read(const struct hx_carrier *carrier, uint64_t *ret_request,
                            uint64_t *ret_caller_seq)
{
    struct otl_view text;

    return hx_carrier_get(carrier, HX_REQUEST_HEADER, &text) &&
           text.len == HX_REQUEST_HEADER_LEN && text.data[16] == '-' &&
           read_hex(text.data, ret_request) && read_hex(text.data + 17, ret_caller_seq);
}

static void write_hex(uint64_t value, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 15; i >= 0; i--, value >>= 4)
        out[i] = digits[value & 15];
}

struct otl_view hx_request_header_write(uint64_t request, uint64_t seq, char *out)
{
    write_hex(request, out);
    out[16] = '-';
    write_hex(seq, out + 17);
    out[HX_REQUEST_HEADER_LEN] = '\0';
    return otl_view(out, HX_REQUEST_HEADER_LEN);
}
