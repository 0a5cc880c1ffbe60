/* SPDX-License-Identifier: Apache-2.0 */
/* What our span context has no member for (priority, origin, tags) travels as the trace state's
 * member dd: "s:2;o:rum;t.dm:-4". */
#include <inttypes.h>
#include <stdio.h>

#include <otel/trace_state.h>
#include <otel/vendor_propagators.h>

#include "sdk/base/text.h"
#include "sdk/propagation/vendor.h"

enum { DD_MAX = 256, TAGS_MAX = 512, TAG_PREFIX_LEN = 6 };

static const char trace_key[] = "x-datadog-trace-id";
static const char parent_key[] = "x-datadog-parent-id";
static const char priority_key[] = "x-datadog-sampling-priority";
static const char origin_key[] = "x-datadog-origin";
static const char tags_key[] = "x-datadog-tags";
static const char tag_prefix[] = "_dd.p.";
static const char tid_key[] = "_dd.p.tid";

/* ---- numbers -------------------------------------------------------------------------------- */

static bool read_decimal(struct otl_view text, uint64_t *ret)
{
    char digits[21];

    if (text.len == 0 || text.len >= sizeof(digits))
        return false;
    memcpy(digits, text.data, text.len);
    digits[text.len] = '\0';
    return strlen(digits) == text.len && otl_parse_uint(digits, 1, UINT64_MAX, ret) == OTEL_OK;
}

static bool read_priority(struct otl_view text, int *ret)
{
    char digits[5];
    int64_t value;

    if (text.len == 0 || text.len >= sizeof(digits))
        return false;
    memcpy(digits, text.data, text.len);
    digits[text.len] = '\0';
    if (strlen(digits) != text.len || otl_parse_int(digits, INT8_MIN, INT8_MAX, &value) != OTEL_OK)
        return false;
    *ret = (int)value;
    return true;
}

static void put_be64(uint8_t *out, uint64_t value)
{
    for (int i = 7; i >= 0; i--, value >>= 8)
        out[i] = (uint8_t)value;
}

static uint64_t get_be64(const uint8_t *in)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value = value << 8 | in[i];
    return value;
}

/* ---- the member dd -------------------------------------------------------------------------- */

/* text with what a trace state or its list cannot hold replaced; '=' travels as '~'. */
static enum otel_err append_escaped(struct otl_view text, const char *refused, struct otl_buf *out)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; err == OTEL_OK && i < text.len; i++) {
        char c = text.data[i];
        if (c <= ' ' || c >= 0x7f || strchr(refused, c) != NULL)
            c = '_';
        else if (c == '=')
            c = '~';
        err = otl_buf_append_byte(out, (uint8_t)c);
    }
    return err;
}

static enum otel_err append_unescaped(struct otl_view text, struct otl_buf *out)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; err == OTEL_OK && i < text.len; i++)
        err = otl_buf_append_byte(out, (uint8_t)(text.data[i] == '~' ? '=' : text.data[i]));
    return err;
}

/* "t.NAME:VALUE" or "o:VALUE"; whole or not at all. */
static void add_entry(struct otl_buf *dd, const char *kind, struct otl_view name,
                      struct otl_view value)
{
    size_t before = dd->len;
    enum otel_err err = before != 0 ? otl_buf_append_byte(dd, ';') : OTEL_OK;

    if (err == OTEL_OK)
        err = otl_buf_append_str(dd, kind);
    if (err == OTEL_OK)
        err = append_escaped(name, ",;:=~", dd);
    if (err == OTEL_OK)
        err = otl_buf_append_byte(dd, ':');
    if (err == OTEL_OK)
        err = append_escaped(value, ",;~", dd);
    if (err != OTEL_OK)
        dd->len = before;
}

/* Split *rest at the first c. */
static struct otl_view take(struct otl_view *rest, char c)
{
    const char *at = rest->len != 0 ? memchr(rest->data, c, rest->len) : NULL;
    struct otl_view head = otl_view(rest->data, at != NULL ? (size_t)(at - rest->data) : rest->len);

    *rest = at != NULL ? otl_view(at + 1, rest->len - head.len - 1) : otl_view(NULL, 0);
    return head;
}

/* The tags that are handed on go to dd, the upper half of the trace id to trace_id. */
static void read_tags(struct otl_view tags, uint8_t *trace_id, struct otl_buf *dd)
{
    if (tags.len > TAGS_MAX)
        return;
    while (tags.len != 0) {
        struct otl_view value = take(&tags, ','), name = take(&value, '=');
        if (name.len <= TAG_PREFIX_LEN || memcmp(name.data, tag_prefix, TAG_PREFIX_LEN) != 0)
            continue;
        if (!otl_view_is(name, tid_key))
            add_entry(dd, "t.", otl_view(name.data + TAG_PREFIX_LEN, name.len - TAG_PREFIX_LEN),
                      value);
        else if (value.len == 16)
            (void)otl_hex_id(value, trace_id, 8); /* malformed: the upper half stays zero */
    }
}

/* ---- extract -------------------------------------------------------------------------------- */

static bool read_headers(const void *carrier, const struct otel_text_map_getter *getter,
                         struct otel_span_context *remote, enum otl_wish *wish, struct otl_buf *dd)
{
    struct otl_view text;
    uint64_t trace, parent;
    int priority = 0;
    char digits[8];

    if (!otl_carrier_first(carrier, getter, trace_key, &text) || !read_decimal(text, &trace) ||
        !otl_carrier_first(carrier, getter, parent_key, &text) || !read_decimal(text, &parent))
        return false;
    put_be64(remote->trace_id + 8, trace);
    put_be64(remote->span_id, parent);
    *wish = OTL_WISH_DEFER;
    if (otl_carrier_first(carrier, getter, priority_key, &text) && read_priority(text, &priority)) {
        *wish = OTL_WISH_NONE;
        remote->flags = priority > 0 ? OTEL_FLAG_SAMPLED : 0;
        snprintf(digits, sizeof(digits), "%d", priority);
        add_entry(dd, "s", otl_view(NULL, 0), otl_view_str(digits));
    }
    if (otl_carrier_first(carrier, getter, origin_key, &text) && text.len != 0)
        add_entry(dd, "o", otl_view(NULL, 0), text);
    if (otl_carrier_first(carrier, getter, tags_key, &text))
        read_tags(text, remote->trace_id, dd);
    return true;
}

static struct otel_context *extract(struct otel_propagator *propagator,
                                    struct otel_context *context, const void *carrier,
                                    const struct otel_text_map_getter *getter)
{
    const struct otel_span_context *known = otel_context_span_context(context);
    struct otel_span_context remote = {.is_remote = true};
    struct otel_trace_state *state = NULL;
    enum otl_wish wish;
    struct otl_buf dd;

    (void)propagator;
    otl_buf_init(&dd, DD_MAX);
    if (!read_headers(carrier, getter, &remote, &wish, &dd)) {
        otl_buf_fini(&dd);
        return otel_context_ref(context);
    }
    /* the same trace in two formats: what tracestate said stays */
    if (known->is_remote && memcmp(known->trace_id, remote.trace_id, OTEL_TRACE_ID_SIZE) == 0)
        remote.trace_state = known->trace_state;
    if (dd.len != 0 && otel_trace_state_set(remote.trace_state, otel_str("dd"),
                                            otel_strn(dd.data, dd.len), &state) == OTEL_OK)
        remote.trace_state = state;
    context = otl_context_with_remote(context, &remote, wish);
    otel_trace_state_unref(state);
    otl_buf_fini(&dd);
    return context;
}

/* ---- inject --------------------------------------------------------------------------------- */

/* What was kept in dd, as headers have it. */
struct kept {
    bool has_priority;
    int priority;
    struct otl_buf origin;
    struct otl_buf tags;
};

static void append_tag(struct otl_buf *tags, struct otl_view name, struct otl_view value)
{
    size_t before = tags->len;
    enum otel_err err = before != 0 ? otl_buf_append_byte(tags, ',') : OTEL_OK;

    if (err == OTEL_OK)
        err = otl_buf_printf(tags, "%s%.*s=", tag_prefix, (int)name.len, name.data);
    if (err == OTEL_OK)
        err = append_unescaped(value, tags);
    if (err != OTEL_OK)
        tags->len = before;
}

static void read_kept(struct otel_str dd, struct kept *kept)
{
    struct otl_view rest = otl_view(dd.data, dd.len);

    while (rest.len != 0) {
        struct otl_view value = take(&rest, ';'), name = take(&value, ':');
        if (otl_view_is(name, "s"))
            kept->has_priority = read_priority(value, &kept->priority);
        else if (otl_view_is(name, "o") && kept->origin.len == 0 &&
                 append_unescaped(value, &kept->origin) != OTEL_OK)
            kept->origin.len = 0;
        else if (name.len > 2 && memcmp(name.data, "t.", 2) == 0 && !otl_view_is(name, "t.tid"))
            append_tag(&kept->tags, otl_view(name.data + 2, name.len - 2), value);
    }
}

static void set_number(void *carrier, const struct otel_text_map_setter *setter, const char *key,
                       const char *text)
{
    setter->set(carrier, otel_str(key), otel_str(text));
}

static void inject(struct otel_propagator *propagator, const struct otel_context *context,
                   void *carrier, const struct otel_text_map_setter *setter)
{
    const struct otel_span_context *span = otel_context_span_context(context);
    bool sampled = otel_span_context_is_sampled(span);
    struct kept kept = {.has_priority = false};
    struct otel_str dd;
    char text[32];

    (void)propagator;
    if (!otel_span_context_is_valid(span) || get_be64(span->trace_id + 8) == 0)
        return;
    otl_buf_init(&kept.origin, DD_MAX);
    otl_buf_init(&kept.tags, TAGS_MAX);
    if (get_be64(span->trace_id) != 0) {
        snprintf(text, sizeof(text), "%016" PRIx64, get_be64(span->trace_id));
        append_tag(&kept.tags, otl_view_str("tid"), otl_view_str(text));
    }
    if (otel_trace_state_get(span->trace_state, otel_str("dd"), &dd))
        read_kept(dd, &kept);
    if (!kept.has_priority || (kept.priority > 0) != sampled)
        kept.priority = sampled;
    snprintf(text, sizeof(text), "%" PRIu64, get_be64(span->trace_id + 8));
    set_number(carrier, setter, trace_key, text);
    snprintf(text, sizeof(text), "%" PRIu64, get_be64(span->span_id));
    set_number(carrier, setter, parent_key, text);
    if (!(otl_wish_of(context) == OTL_WISH_DEFER && span->is_remote)) {
        snprintf(text, sizeof(text), "%d", kept.priority);
        set_number(carrier, setter, priority_key, text);
    }
    if (kept.origin.len != 0)
        setter->set(carrier, otel_str(origin_key), otel_strn(kept.origin.data, kept.origin.len));
    if (kept.tags.len != 0)
        setter->set(carrier, otel_str(tags_key), otel_strn(kept.tags.data, kept.tags.len));
    otl_buf_fini(&kept.tags);
    otl_buf_fini(&kept.origin);
}

static void fields(struct otel_propagator *propagator, otel_text_visit_fn *visit, void *arg)
{
    (void)propagator;
    visit(arg, otel_str(trace_key));
    visit(arg, otel_str(parent_key));
    visit(arg, otel_str(priority_key));
    visit(arg, otel_str(origin_key));
    visit(arg, otel_str(tags_key));
}

struct otel_propagator *otel_propagator_datadog(void)
{
    static const struct otel_propagator_ops ops = {inject, extract, fields, NULL};
    static struct otel_propagator datadog = {&ops, 1};

    return &datadog;
}
