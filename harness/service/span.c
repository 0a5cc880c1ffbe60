/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/span.h"

#include <string.h>

#include <otel/trace_state.h>

#include "harness/service/broken.h"
#include "harness/service/inject.h"
#include "sdk/base/clock.h"

/* ---- the canonical side --------------------------------------------------------------------- */

static void canon_array(struct hx_canon_attrs *attrs, const struct otel_attribute *attribute)
{
    const struct otel_value *value = &attribute->value;
    struct hx_canon_value array;

    hx_canon_array_begin(&array);
    for (size_t i = 0; i < value->count; i++) {
        if (value->type == OTEL_VALUE_STRING_ARRAY)
            hx_canon_array_string(&array, value->as.strings[i].data, value->as.strings[i].len);
        else if (value->type == OTEL_VALUE_BOOL_ARRAY)
            hx_canon_array_bool(&array, value->as.booleans[i]);
        else if (value->type == OTEL_VALUE_INT_ARRAY)
            hx_canon_array_int(&array, value->as.integers[i]);
        else
            hx_canon_array_double(&array, value->as.reals[i]);
    }
    hx_canon_array(attrs, attribute->key.data, attribute->key.len, &array);
}

static void canon_attribute(struct hx_canon_attrs *attrs, const struct otel_attribute *attribute)
{
    const struct otel_value *value = &attribute->value;
    const char *key = attribute->key.data;
    size_t len = attribute->key.len;

    switch (value->type) {
    case OTEL_VALUE_STRING:
        hx_canon_string(attrs, key, len, value->as.string, value->count);
        break;
    case OTEL_VALUE_BOOL:
        hx_canon_bool(attrs, key, len, value->as.boolean);
        break;
    case OTEL_VALUE_INT:
        hx_canon_int(attrs, key, len, value->as.integer);
        break;
    case OTEL_VALUE_DOUBLE:
        hx_canon_double(attrs, key, len, value->as.real);
        break;
    case OTEL_VALUE_STRING_ARRAY:
    case OTEL_VALUE_BOOL_ARRAY:
    case OTEL_VALUE_INT_ARRAY:
    case OTEL_VALUE_DOUBLE_ARRAY:
        canon_array(attrs, attribute);
        break;
    case OTEL_VALUE_EMPTY: /* the rest is never asked for by a scenario */
    case OTEL_VALUE_BYTES:
    case OTEL_VALUE_ARRAY:
    case OTEL_VALUE_MAP:
        break;
    }
}

static void canon_start(struct hx_canon *canon, const struct hx_span_begin *begin)
{
    hx_canon_init(canon, begin->name.data, begin->name.len);
    for (size_t i = 0; i <= begin->attribute_count; i++)
        canon_attribute(&canon->attributes, &begin->attributes[i]);
    for (size_t i = 0; i < begin->link_count; i++) {
        const struct otel_span_context *to = &begin->links[i].context;
        struct otel_str state = otel_trace_state_header(to->trace_state);
        struct hx_canon_attrs attrs;

        hx_canon_attrs_init(&attrs);
        for (size_t k = 0; k < begin->links[i].attribute_count; k++)
            canon_attribute(&attrs, &begin->links[i].attributes[k]);
        hx_canon_link(canon, to->trace_id, to->span_id, state.data, state.len, &attrs);
    }
}

/* ---- start ---------------------------------------------------------------------------------- */

static void fill_row(const struct hx_trail *trail, const struct hx_span_begin *begin,
                     const struct otel_span_context *parent, const struct hx_span *span,
                     struct hx_led_span *row)
{
    const struct otel_span_context *own = otel_span_get_context(span->api);
    unsigned flags = 0;

    if (otel_span_is_recording(span->api))
        flags |= HX_LED_SPAN_RECORDING;
    if (own->flags & OTEL_FLAG_SAMPLED)
        flags |= HX_LED_SPAN_SAMPLED;
    if (begin->async)
        flags |= HX_LED_SPAN_ASYNC;
    if (begin->root || !otel_span_context_is_valid(parent)) {
        flags |= HX_LED_SPAN_ROOT;
    } else {
        if (parent->is_remote)
            flags |= HX_LED_SPAN_REMOTE_PARENT;
        memcpy(row->parent_span_id, parent->span_id, sizeof(row->parent_span_id));
    }
    row->head.seq = span->seq;
    row->head.flags = (uint16_t)flags;
    row->request = trail->request;
    row->entry_seq = trail->entry_seq;
    row->parent_seq = span->parent != NULL && !begin->root ? span->parent->seq : 0;
    row->op = begin->op;
    row->kind = (uint8_t)begin->kind;
    row->trace_flags = own->flags;
    row->link_count = (uint16_t)begin->link_count;
    memcpy(row->trace_id, own->trace_id, sizeof(row->trace_id));
    memcpy(row->span_id, own->span_id, sizeof(row->span_id));
}

void hx_span_start(const struct hx_rig *rig, struct hx_trail *trail,
                   const struct hx_span_begin *begin, struct hx_span *span)
{
    struct otel_context *parent = hx_trail_context(trail, begin->parent);
    struct hx_led_span row = {.head.size = 0};
    struct otel_span_options options;

    span->parent = begin->parent;
    span->context = NULL;
    span->has_status = false;
    span->seq = hx_led_next_seq(rig->ledger);
    begin->attributes[begin->attribute_count] =
        otel_attr("tracerig.seq", otel_value_int((int64_t)span->seq));
    otel_span_options_init(&options);
    options.kind = (enum otel_span_kind)begin->kind;
    options.root = begin->root;
    options.parent = parent;
    options.attributes = begin->attributes;
    options.attribute_count = begin->attribute_count + 1;
    options.links = begin->links;
    options.link_count = begin->link_count;
    if (rig->broken != NULL) {
        options.parent = hx_broken_parent(rig->broken, trail, begin->parent, parent);
        options.link_count = hx_broken_links(rig->broken, begin->link_count);
    }
    row.wall_ns = otl_clock_wall(otl_clock_real());
    row.mono_before_ns = otl_clock_mono(otl_clock_real());
    span->api =
        rig->tracer != NULL ? otel_span_start_str(rig->tracer, begin->name, &options) : NULL;
    row.mono_after_ns = otl_clock_mono(otl_clock_real());
    if (rig->broken != NULL)
        hx_broken_started(rig->broken, span->seq);
    fill_row(trail, begin, otel_context_span_context(parent), span, &row);
    hx_led_span_row(rig->ledger, &row);
    canon_start(&span->canon, begin);
    hx_inject_span(rig->injector, span);
}

/* ---- what happens on the way ---------------------------------------------------------------- */

void hx_span_set(struct hx_span *span, const char *key, struct otel_value value)
{
    struct otel_attribute attribute = otel_attr(key, value);

    if (span->api != NULL)
        otel_span_set(span->api, attribute.key, &attribute.value);
    canon_attribute(&span->canon.attributes, &attribute);
}

void hx_span_event(struct hx_span *span, struct otel_str name,
                   const struct otel_attribute *attributes, size_t count)
{
    struct otel_event event = {name, 0, attributes, count};
    struct hx_canon_attrs attrs;

    if (span->api != NULL)
        otel_span_add_event(span->api, &event);
    hx_canon_attrs_init(&attrs);
    for (size_t i = 0; i < count; i++)
        canon_attribute(&attrs, &attributes[i]);
    hx_canon_event(&span->canon, name.data, name.len, &attrs);
}

void hx_span_exception(struct hx_span *span, const char *type, const char *message)
{
    struct otel_exception exception = {otel_str(type), otel_str(message), {NULL, 0}, NULL, 0};

    if (span->api != NULL)
        otel_span_record_exception(span->api, &exception);
    hx_canon_exception(&span->canon, type, message);
}

void hx_span_status(struct hx_span *span, enum hx_status status, const char *description)
{
    struct otel_str text = otel_str(status == HX_STATUS_ERROR ? description : "");

    if (span->api != NULL)
        otel_span_set_status_str(span->api, (enum otel_status)status, text);
    hx_canon_status(&span->canon, (uint32_t)status, text.data, text.len);
    span->has_status = true;
}

/* ---- end ------------------------------------------------------------------------------------ */

void hx_span_end(const struct hx_rig *rig, struct hx_span *span)
{
    struct hx_led_span_close row = {.head.seq = span->seq};

    hx_canon_finish(&span->canon, &row.content);
    row.wall_ns = otl_clock_wall(otl_clock_real());
    row.mono_before_ns = otl_clock_mono(otl_clock_real());
    if (span->api != NULL)
        otel_span_end(span->api);
    row.mono_after_ns = otl_clock_mono(otl_clock_real());
    if (rig->broken != NULL)
        hx_broken_ended(rig->broken, span->seq);
    hx_led_span_close_row(rig->ledger, &row);
}

void hx_span_release(struct hx_span *span)
{
    if (span == NULL || span->api == NULL)
        return;
    otel_context_unref(span->context);
    otel_span_unref(span->api);
    span->context = NULL;
    span->api = NULL;
}

/* ---- contexts ------------------------------------------------------------------------------- */

struct otel_context *hx_trail_context(const struct hx_trail *trail, struct hx_span *span)
{
    if (span == NULL || span->api == NULL)
        return trail->base;
    if (span->context == NULL || span->context_version != trail->version) {
        otel_context_unref(span->context);
        span->context = otel_context_with_span(trail->base, span->api);
        span->context_version = trail->version;
    }
    return span->context;
}

void hx_trail_rebase(struct hx_trail *trail, struct otel_context *context)
{
    otel_context_unref(trail->base);
    trail->base = context;
    trail->version++;
}

void hx_trail_fini(struct hx_trail *trail)
{
    otel_context_unref(trail->base);
    otel_context_unref(trail->swapped);
    otel_context_unref(trail->swap_context);
    trail->base = NULL;
    trail->swapped = NULL;
    trail->swap_context = NULL;
}
