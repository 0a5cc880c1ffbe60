/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <otel/vendor_propagators.h>

#include "sdk/propagation/traceparent.h"
#include "sdk/propagation/vendor.h"

enum { ROOT_LEN = 35, TEXT_MAX = 4096 };

static const char key[] = "X-Amzn-Trace-Id";

/* 1-8HEX-24HEX. */
static bool read_root(struct otl_view text, uint8_t *trace_id)
{
    char digits[32];

    if (text.len != ROOT_LEN || text.data[0] != '1' || text.data[1] != '-' || text.data[10] != '-')
        return false;
    memcpy(digits, text.data + 2, 8);
    memcpy(digits + 8, text.data + 11, 24);
    return otl_hex_id(otl_view(digits, sizeof(digits)), trace_id, OTEL_TRACE_ID_SIZE);
}

static bool read_part(struct otl_view name, struct otl_view value, unsigned *seen,
                      struct otel_span_context *remote)
{
    enum { ROOT = 1, PARENT = 2, SAMPLED = 4 };
    unsigned which = otl_view_is(name, "Root")      ? ROOT
                     : otl_view_is(name, "Parent")  ? PARENT
                     : otl_view_is(name, "Sampled") ? SAMPLED
                                                    : 0;
    if ((*seen & which) != 0)
        return false;
    *seen |= which;
    switch (which) {
    case ROOT:
        return read_root(value, remote->trace_id);
    case PARENT:
        return value.len == 16 && otl_hex_id(value, remote->span_id, OTEL_SPAN_ID_SIZE);
    case SAMPLED:
        if (otl_view_is(value, "1"))
            remote->flags = OTEL_FLAG_SAMPLED;
        return otl_view_is(value, "1") || otl_view_is(value, "0") || otl_view_is(value, "?");
    default:
        return true;
    }
}

static bool read_header(struct otl_view text, struct otel_span_context *remote)
{
    unsigned seen = 0;

    while (text.len != 0 && text.len <= TEXT_MAX) {
        const char *end = memchr(text.data, ';', text.len), *equals;
        size_t len = end != NULL ? (size_t)(end - text.data) : text.len;
        struct otl_view part = otl_trim_ows(otl_view(text.data, len));
        text = end != NULL ? otl_view(end + 1, text.len - len - 1) : otl_view(NULL, 0);
        equals = part.len != 0 ? memchr(part.data, '=', part.len) : NULL;
        if (equals == NULL && part.len != 0)
            return false;
        if (equals != NULL &&
            !read_part(otl_view(part.data, (size_t)(equals - part.data)),
                       otl_view(equals + 1, (size_t)(part.data + part.len - equals - 1)), &seen,
                       remote))
            return false;
    }
    return text.len == 0 && otel_span_context_is_valid(remote);
}

static struct otel_context *extract(struct otel_propagator *propagator,
                                    struct otel_context *context, const void *carrier,
                                    const struct otel_text_map_getter *getter)
{
    struct otel_span_context remote = {.is_remote = true};
    struct otl_view text;

    (void)propagator;
    if (!otl_carrier_first(carrier, getter, key, &text) || !read_header(text, &remote))
        return otel_context_ref(context);
    return otl_context_with_remote(context, &remote, OTL_WISH_NONE);
}

static void inject(struct otel_propagator *propagator, const struct otel_context *context,
                   void *carrier, const struct otel_text_map_setter *setter)
{
    const struct otel_span_context *span = otel_context_span_context(context);
    char trace_id[33], span_id[17], text[96];

    (void)propagator;
    if (!otel_span_context_is_valid(span))
        return;
    otel_trace_id_hex(span->trace_id, trace_id);
    otel_span_id_hex(span->span_id, span_id);
    snprintf(text, sizeof(text), "Root=1-%.8s-%s;Parent=%s;Sampled=%d", trace_id, trace_id + 8,
             span_id, otel_span_context_is_sampled(span));
    setter->set(carrier, otel_str(key), otel_str(text));
}

static void fields(struct otel_propagator *propagator, otel_text_visit_fn *visit, void *arg)
{
    (void)propagator;
    visit(arg, otel_str(key));
}

struct otel_propagator *otel_propagator_xray(void)
{
    static const struct otel_propagator_ops ops = {inject, extract, fields, NULL};
    static struct otel_propagator xray = {&ops, 1};

    return &xray;
}
