/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/vendor_propagators.h>

#include "sdk/base/text.h"
#include "sdk/propagation/vendor.h"

/* One reading of the headers, single or multi. */
struct b3 {
    struct otel_span_context remote; /* invalid: a decision alone */
    enum otl_wish wish;
};

static const char single_key[] = "b3";
static const char trace_key[] = "X-B3-TraceId";
static const char span_key[] = "X-B3-SpanId";
static const char sampled_key[] = "X-B3-Sampled";
static const char flags_key[] = "X-B3-Flags";

static bool read_ids(struct otl_view trace, struct otl_view span, struct b3 *b3)
{
    return (trace.len == 16 || trace.len == 32) && span.len == 16 &&
           otl_hex_id(trace, b3->remote.trace_id, OTEL_TRACE_ID_SIZE) &&
           otl_hex_id(span, b3->remote.span_id, OTEL_SPAN_ID_SIZE);
}

/* "0", "1", "d". */
static bool read_state(struct otl_view state, struct b3 *b3)
{
    if (state.len != 1)
        return false;
    if (state.data[0] == 'd')
        b3->wish = OTL_WISH_DEBUG;
    else if (state.data[0] == '1')
        b3->wish = OTL_WISH_ACCEPT;
    else if (state.data[0] == '0')
        b3->wish = OTL_WISH_DENY;
    else
        return false;
    return true;
}

static struct otl_view next_part(struct otl_view *rest)
{
    const char *dash = rest->len != 0 ? memchr(rest->data, '-', rest->len) : NULL;
    size_t len = dash != NULL ? (size_t)(dash - rest->data) : rest->len;
    struct otl_view part = otl_view(rest->data, len);

    *rest = dash != NULL ? otl_view(dash + 1, rest->len - len - 1) : otl_view(NULL, 0);
    return part;
}

static bool read_single(struct otl_view text, struct b3 *ret)
{
    struct b3 b3 = {.remote = {.is_remote = true}, .wish = OTL_WISH_DEFER};
    struct otl_view rest = text, trace, span, state, parent;
    uint8_t ignored[OTEL_SPAN_ID_SIZE];

    if (read_state(text, &b3)) {
        *ret = b3;
        return true;
    }
    trace = next_part(&rest);
    span = next_part(&rest);
    state = next_part(&rest);
    parent = next_part(&rest);
    if (!read_ids(trace, span, &b3) || rest.data != NULL)
        return false;
    if (state.data != NULL && !read_state(state, &b3))
        return false;
    if (parent.data != NULL && (parent.len != 16 || !otl_hex_id(parent, ignored, sizeof(ignored))))
        return false;
    *ret = b3;
    return true;
}

static bool read_multi(const void *carrier, const struct otel_text_map_getter *getter,
                       struct b3 *ret)
{
    struct b3 b3 = {.remote = {.is_remote = true}, .wish = OTL_WISH_DEFER};
    struct otl_view trace, span, text;
    bool has_trace = otl_carrier_first(carrier, getter, trace_key, &trace);
    bool has_span = otl_carrier_first(carrier, getter, span_key, &span);

    if (has_trace != has_span || (has_trace && !read_ids(trace, span, &b3)))
        return false;
    if (otl_carrier_first(carrier, getter, sampled_key, &text)) {
        if (otl_view_is(text, "true"))
            text = otl_view_str("1");
        else if (otl_view_is(text, "false"))
            text = otl_view_str("0");
        if (!read_state(text, &b3) || b3.wish == OTL_WISH_DEBUG)
            return false;
    }
    if (otl_carrier_first(carrier, getter, flags_key, &text) && otl_view_is(text, "1"))
        b3.wish = OTL_WISH_DEBUG;
    *ret = b3;
    return has_trace || b3.wish != OTL_WISH_DEFER;
}

static struct otel_context *extract(struct otel_propagator *propagator,
                                    struct otel_context *context, const void *carrier,
                                    const struct otel_text_map_getter *getter)
{
    struct otl_view single;
    struct b3 b3;

    (void)propagator;
    if (!(otl_carrier_first(carrier, getter, single_key, &single) && read_single(single, &b3)) &&
        !read_multi(carrier, getter, &b3))
        return otel_context_ref(context);
    if (!otel_span_context_is_valid(&b3.remote))
        return otl_context_with_remote(context, &b3.remote, b3.wish);
    if (b3.wish == OTL_WISH_ACCEPT || b3.wish == OTL_WISH_DEBUG)
        b3.remote.flags = OTEL_FLAG_SAMPLED;
    if (b3.wish == OTL_WISH_ACCEPT || b3.wish == OTL_WISH_DENY)
        b3.wish = OTL_WISH_NONE; /* the flag says it */
    return otl_context_with_remote(context, &b3.remote, b3.wish);
}

/* What to write about sampling: '\0' for nothing. */
static char state_of(const struct otel_context *context)
{
    const struct otel_span_context *span = otel_context_span_context(context);
    enum otl_wish wish = otl_wish_of(context);

    if (wish == OTL_WISH_DEBUG)
        return 'd';
    if (!otel_span_context_is_valid(span))
        return wish == OTL_WISH_DENY ? '0' : wish == OTL_WISH_ACCEPT ? '1' : '\0';
    if (otel_span_context_is_sampled(span))
        return '1';
    return wish == OTL_WISH_DEFER && span->is_remote ? '\0' : '0';
}

static void inject_single(struct otel_propagator *propagator, const struct otel_context *context,
                          void *carrier, const struct otel_text_map_setter *setter)
{
    const struct otel_span_context *span = otel_context_span_context(context);
    char text[32 + 1 + 16 + 1 + 1 + 1], state = state_of(context);
    size_t len = 0;

    (void)propagator;
    if (otel_span_context_is_valid(span)) {
        otel_trace_id_hex(span->trace_id, text);
        text[32] = '-';
        otel_span_id_hex(span->span_id, text + 33);
        len = 49;
        if (state != '\0')
            text[len++] = '-';
    }
    if (state != '\0')
        text[len++] = state;
    if (len != 0)
        setter->set(carrier, otel_str(single_key), otel_strn(text, len));
}

static void inject_multi(struct otel_propagator *propagator, const struct otel_context *context,
                         void *carrier, const struct otel_text_map_setter *setter)
{
    const struct otel_span_context *span = otel_context_span_context(context);
    char text[33], state = state_of(context);

    (void)propagator;
    if (otel_span_context_is_valid(span)) {
        otel_trace_id_hex(span->trace_id, text);
        setter->set(carrier, otel_str(trace_key), otel_strn(text, 32));
        otel_span_id_hex(span->span_id, text);
        setter->set(carrier, otel_str(span_key), otel_strn(text, 16));
    }
    if (state == 'd')
        setter->set(carrier, otel_str(flags_key), otel_str("1"));
    else if (state != '\0')
        setter->set(carrier, otel_str(sampled_key), otel_strn(&state, 1));
}

static void fields_single(struct otel_propagator *propagator, otel_text_visit_fn *visit, void *arg)
{
    (void)propagator;
    visit(arg, otel_str(single_key));
}

static void fields_multi(struct otel_propagator *propagator, otel_text_visit_fn *visit, void *arg)
{
    (void)propagator;
    visit(arg, otel_str(trace_key));
    visit(arg, otel_str(span_key));
    visit(arg, otel_str(sampled_key));
    visit(arg, otel_str(flags_key));
}

struct otel_propagator *otel_propagator_b3(void)
{
    static const struct otel_propagator_ops ops = {inject_single, extract, fields_single, NULL};
    static struct otel_propagator b3 = {&ops, 1};

    return &b3;
}

struct otel_propagator *otel_propagator_b3_multi(void)
{
    static const struct otel_propagator_ops ops = {inject_multi, extract, fields_multi, NULL};
    static struct otel_propagator b3_multi = {&ops, 1};

    return &b3_multi;
}
