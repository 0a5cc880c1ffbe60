/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/propagators.h>

#include "sdk/base/percent.h"
#include "sdk/propagation/baggage_text.h"
#include "sdk/propagation/carrier.h"

/* Header values, joined with ',' and cut behind the last whole member that fits. */
struct joined {
    struct otl_buf text;
    bool full;
};

static void visit_header(void *arg, struct otel_str header)
{
    struct joined *joined = arg;
    size_t comma = joined->text.len > 0, room = joined->text.max - joined->text.len;

    if (joined->full || header.len == 0 || room <= comma) {
        joined->full |= header.len > 0;
        return;
    }
    if (header.len > room - comma) {
        joined->full = true;
        header.len = room - comma;
        while (header.len > 0 && header.data[header.len] != ',') /* header is longer than that */
            header.len--;
    }
    if (comma && otl_buf_append_byte(&joined->text, ',') != OTEL_OK)
        joined->full = true;
    else if (otl_buf_append(&joined->text, header.data, header.len) != OTEL_OK)
        joined->full = true;
}

static struct otel_str to_str(struct otl_view view)
{
    return otel_strn(view.data, view.len);
}

/* Fill entries from text; the decoded values go to values, which has room for all of them. */
static size_t read_members(struct otl_view text, struct otel_baggage_entry *entries,
                           struct otl_buf *values)
{
    struct otl_baggage_member member;
    unsigned malformed = 0;
    size_t count = 0;

    while (count < OTEL_W3C_BAGGAGE_MAX_MEMBERS && otl_baggage_next(&text, &member, &malformed)) {
        size_t at = values->len;
        if (otl_percent_decode_lenient(member.value, values) != OTEL_OK)
            break;
        entries[count].name = to_str(member.key);
        entries[count].value = otel_strn(values->data + at, values->len - at);
        entries[count++].metadata = to_str(member.metadata);
    }
    return count;
}

static struct otel_context *extract(struct otel_propagator *propagator,
                                    struct otel_context *context, const void *carrier,
                                    const struct otel_text_map_getter *getter)
{
    struct otel_baggage_entry entries[OTEL_W3C_BAGGAGE_MAX_MEMBERS];
    struct joined joined = {.full = false};
    struct otel_baggage *baggage = NULL;
    struct otl_buf values;
    size_t count = 0;

    (void)propagator;
    otl_buf_init(&joined.text, OTEL_W3C_BAGGAGE_MAX_BYTES);
    otl_buf_init(&values, OTEL_W3C_BAGGAGE_MAX_BYTES);
    otl_carrier_each(carrier, getter, "baggage", visit_header, &joined);
    /* decoding never lengthens, so the values do not move */
    if (joined.text.len > 0 && otl_buf_reserve(&values, joined.text.len) == OTEL_OK)
        count = read_members(otl_view(joined.text.data, joined.text.len), entries, &values);
    if (count > 0 && otel_baggage_set_many(NULL, entries, count, &baggage) == OTEL_OK)
        context = otel_context_with_baggage(context, baggage);
    else
        context = otel_context_ref(context);
    otel_baggage_unref(baggage);
    otl_buf_fini(&values);
    otl_buf_fini(&joined.text);
    return context;
}

/* Append one member, if it fits whole. */
static bool write_entry(const struct otel_baggage_entry *entry, struct otl_buf *text)
{
    const struct otl_baggage_member member = {otl_view(entry->name.data, entry->name.len),
                                              otl_view(entry->value.data, entry->value.len),
                                              otl_view(entry->metadata.data, entry->metadata.len)};
    size_t before = text->len;

    if (before > 0 && otl_buf_append_byte(text, ',') != OTEL_OK)
        return false;
    if (otl_baggage_write(&member, text) == OTEL_OK)
        return true;
    text->len = before;
    return false;
}

static void inject(struct otel_propagator *propagator, const struct otel_context *context,
                   void *carrier, const struct otel_text_map_setter *setter)
{
    const struct otel_baggage *baggage = otel_context_baggage(context);
    struct otel_baggage_entry entry;
    struct otl_buf text;
    unsigned members = 0;

    (void)propagator;
    otl_buf_init(&text, OTEL_W3C_BAGGAGE_MAX_BYTES);
    for (size_t i = 0; otel_baggage_at(baggage, i, &entry); i++) {
        if (members == OTEL_W3C_BAGGAGE_MAX_MEMBERS)
            break;
        members += write_entry(&entry, &text);
    }
    if (members > 0)
        setter->set(carrier, otel_str("baggage"), otel_strn(text.data, text.len));
    otl_buf_fini(&text);
}

static void fields(struct otel_propagator *propagator, otel_text_visit_fn *visit, void *arg)
{
    (void)propagator;
    visit(arg, otel_str("baggage"));
}

struct otel_propagator *otel_propagator_baggage(void)
{
    static const struct otel_propagator_ops ops = {inject, extract, fields, NULL};
    static struct otel_propagator propagator = {&ops, 1};

    return &propagator;
}
