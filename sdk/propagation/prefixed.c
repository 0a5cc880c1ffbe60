/* SPDX-License-Identifier: Apache-2.0 */
/* Baggage with a header for each entry: uberctx-NAME, ot-baggage-NAME. */
#include <strings.h>

#include <otel/propagators.h>

#include "sdk/base/percent.h"
#include "sdk/propagation/baggage_text.h"
#include "sdk/propagation/traceparent.h"
#include "sdk/propagation/vendor.h"

struct reading {
    const void *carrier;
    const struct otel_text_map_getter *getter;
    const char *prefix;
    struct otel_baggage_entry entries[OTEL_W3C_BAGGAGE_MAX_MEMBERS];
    size_t count;
    size_t bytes;          /* names and encoded values so far */
    struct otl_buf values; /* decoded; never grows, so that entries may point into it */
};

/* key lives during the call only, so its name is copied, too. */
static void visit_key(void *arg, struct otel_str key)
{
    struct reading *reading = arg;
    size_t len = strlen(reading->prefix), at = reading->values.len;
    struct otel_baggage_entry *entry = &reading->entries[reading->count];
    struct otel_str text;
    struct otl_view name;

    if (reading->count == OTEL_W3C_BAGGAGE_MAX_MEMBERS || key.len <= len ||
        strncasecmp(key.data, reading->prefix, len) != 0 ||
        !reading->getter->get(reading->carrier, key, &text))
        return;
    name = otl_view(key.data + len, key.len - len);
    if (!otl_is_token(name) || name.len + text.len > OTEL_W3C_BAGGAGE_MAX_BYTES - reading->bytes)
        return;
    if (otl_buf_append(&reading->values, name.data, name.len) != OTEL_OK ||
        otl_percent_decode_lenient(otl_trim_ows(otl_view(text.data, text.len)), &reading->values) !=
            OTEL_OK)
        return;
    reading->bytes += name.len + text.len;
    entry->name = otel_strn(reading->values.data + at, name.len);
    entry->value =
        otel_strn(reading->values.data + at + name.len, reading->values.len - at - name.len);
    entry->metadata = otel_strn(NULL, 0);
    reading->count++;
}

struct otel_context *otl_prefixed_extract(struct otel_context *context, const void *carrier,
                                          const struct otel_text_map_getter *getter,
                                          const char *prefix)
{
    struct reading reading = {.carrier = carrier, .getter = getter, .prefix = prefix};
    struct otel_baggage *baggage = NULL;

    if (getter->keys == NULL || getter->get == NULL)
        return otel_context_ref(context);
    otl_buf_init(&reading.values, OTEL_W3C_BAGGAGE_MAX_BYTES);
    if (otl_buf_reserve(&reading.values, OTEL_W3C_BAGGAGE_MAX_BYTES) == OTEL_OK)
        getter->keys(carrier, visit_key, &reading);
    if (reading.count > 0 && otel_baggage_set_many(otel_context_baggage(context), reading.entries,
                                                   reading.count, &baggage) == OTEL_OK)
        context = otel_context_with_baggage(context, baggage);
    else
        context = otel_context_ref(context);
    otel_baggage_unref(baggage);
    otl_buf_fini(&reading.values);
    return context;
}

void otl_prefixed_inject(const struct otel_context *context, void *carrier,
                         const struct otel_text_map_setter *setter, const char *prefix)
{
    const struct otel_baggage *baggage = otel_context_baggage(context);
    struct otel_baggage_entry entry;
    struct otl_buf name, value;
    size_t bytes = 0, members = 0;

    otl_buf_init(&name, OTEL_W3C_BAGGAGE_MAX_BYTES);
    otl_buf_init(&value, OTEL_W3C_BAGGAGE_MAX_BYTES);
    for (size_t i = 0; otel_baggage_at(baggage, i, &entry); i++) {
        otl_buf_reset(&name);
        otl_buf_reset(&value);
        if (members == OTEL_W3C_BAGGAGE_MAX_MEMBERS)
            break;
        if (!otl_is_token(otl_view(entry.name.data, entry.name.len)) ||
            otl_buf_append_str(&name, prefix) != OTEL_OK ||
            otl_buf_append(&name, entry.name.data, entry.name.len) != OTEL_OK ||
            otl_percent_encode(otl_view(entry.value.data, entry.value.len), &value) != OTEL_OK ||
            bytes + entry.name.len + value.len > OTEL_W3C_BAGGAGE_MAX_BYTES)
            continue;
        bytes += entry.name.len + value.len;
        members++;
        setter->set(carrier, otel_strn(name.data, name.len), otel_strn(value.data, value.len));
    }
    otl_buf_fini(&name);
    otl_buf_fini(&value);
}
