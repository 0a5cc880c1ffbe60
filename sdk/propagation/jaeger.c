/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include <otel/vendor_propagators.h>

#include "sdk/base/percent.h"
#include "sdk/base/text.h"
#include "sdk/propagation/vendor.h"

enum { TEXT_MAX = 256, FLAG_SAMPLED = 1, FLAG_DEBUG = 2 };

static const char key[] = "uber-trace-id";
static const char prefix[] = "uberctx-";

static bool read_hex(struct otl_view text, uint64_t max, uint64_t *ret)
{
    uint8_t bytes[8] = {0};
    bool zero = true;

    for (size_t i = 0; i < text.len; i++)
        zero = zero && text.data[i] == '0';
    if (text.len == 0 || text.len > 16 || (!zero && !otl_hex_id(text, bytes, sizeof(bytes))))
        return false;
    *ret = 0;
    for (size_t i = 0; i < sizeof(bytes); i++)
        *ret = *ret << 8 | bytes[i];
    return *ret <= max;
}

static bool read_header(struct otl_view text, struct otel_span_context *remote, enum otl_wish *wish)
{
    struct otl_view parts[4];
    uint64_t flags, parent;
    size_t count = 0;

    while (count < 4) {
        const char *colon = text.len != 0 ? memchr(text.data, ':', text.len) : NULL;
        size_t len = colon != NULL ? (size_t)(colon - text.data) : text.len;
        parts[count++] = otl_view(text.data, len);
        if (colon == NULL)
            break;
        if (count == 4)
            return false;
        text = otl_view(colon + 1, text.len - len - 1);
    }
    if (count != 4 || !otl_hex_id(parts[0], remote->trace_id, OTEL_TRACE_ID_SIZE) ||
        !otl_hex_id(parts[1], remote->span_id, OTEL_SPAN_ID_SIZE) ||
        (parts[2].len != 0 && !read_hex(parts[2], UINT64_MAX, &parent)) ||
        !read_hex(parts[3], 0xff, &flags))
        return false;
    if ((flags & FLAG_DEBUG) != 0)
        *wish = OTL_WISH_DEBUG;
    if ((flags & (FLAG_SAMPLED | FLAG_DEBUG)) != 0)
        remote->flags = OTEL_FLAG_SAMPLED;
    return true;
}

static struct otel_context *extract(struct otel_propagator *propagator,
                                    struct otel_context *context, const void *carrier,
                                    const struct otel_text_map_getter *getter)
{
    struct otel_span_context remote = {.is_remote = true};
    enum otl_wish wish = OTL_WISH_NONE;
    struct otel_context *with_span, *with_both;
    struct otl_view text;
    struct otl_buf plain;

    (void)propagator;
    otl_buf_init(&plain, TEXT_MAX);
    if (otl_carrier_first(carrier, getter, key, &text) &&
        otl_percent_decode(text, &plain) == OTEL_OK &&
        read_header(otl_view(plain.data, plain.len), &remote, &wish))
        with_span = otl_context_with_remote(context, &remote, wish);
    else
        with_span = otel_context_ref(context);
    otl_buf_fini(&plain);
    with_both = otl_prefixed_extract(with_span, carrier, getter, prefix);
    otel_context_unref(with_span);
    return with_both;
}

static void inject(struct otel_propagator *propagator, const struct otel_context *context,
                   void *carrier, const struct otel_text_map_setter *setter)
{
    const struct otel_span_context *span = otel_context_span_context(context);
    char trace_id[33], span_id[17], text[64];
    int flags = otel_span_context_is_sampled(span) ? FLAG_SAMPLED : 0;

    (void)propagator;
    if (otel_span_context_is_valid(span)) {
        if (otl_wish_of(context) == OTL_WISH_DEBUG)
            flags = FLAG_SAMPLED | FLAG_DEBUG;
        otel_trace_id_hex(span->trace_id, trace_id);
        otel_span_id_hex(span->span_id, span_id);
        snprintf(text, sizeof(text), "%s:%s:0:%x", trace_id, span_id, (unsigned)flags);
        setter->set(carrier, otel_str(key), otel_str(text));
    }
    otl_prefixed_inject(context, carrier, setter, prefix);
}

static void fields(struct otel_propagator *propagator, otel_text_visit_fn *visit, void *arg)
{
    (void)propagator;
    visit(arg, otel_str(key));
}

struct otel_propagator *otel_propagator_jaeger(void)
{
    static const struct otel_propagator_ops ops = {inject, extract, fields, NULL};
    static struct otel_propagator jaeger = {&ops, 1};

    return &jaeger;
}
