/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/propagation/vendor.h"

#include <strings.h>

#include "sdk/base/text.h"
#include "sdk/propagation/traceparent.h"

static const struct otel_context_key wish_key = {"otel.propagation.wish", NULL, NULL};

enum otl_wish otl_wish_of(const struct otel_context *context)
{
    return (enum otl_wish)(uintptr_t)otel_context_value(context, &wish_key);
}

bool otl_carrier_first(const void *carrier, const struct otel_text_map_getter *getter,
                       const char *key, struct otl_view *ret)
{
    struct otel_str value;

    if (getter->get == NULL || !getter->get(carrier, otel_str(key), &value))
        return false;
    *ret = otl_trim_ows(otl_view(value.data, value.len));
    return true;
}

bool otl_hex_id(struct otl_view text, uint8_t *out, size_t size)
{
    char digits[2 * OTEL_TRACE_ID_SIZE];
    uint8_t id[OTEL_TRACE_ID_SIZE], any = 0;

    if (text.len == 0 || text.len > 2 * size || size > sizeof(id))
        return false;
    memset(digits, '0', 2 * size - text.len);
    memcpy(digits + 2 * size - text.len, text.data, text.len);
    if (!otl_unhex(digits, size, id))
        return false;
    for (size_t i = 0; i < size; i++)
        any |= id[i];
    if (any == 0)
        return false;
    memcpy(out, id, size);
    return true;
}

struct otel_context *otl_context_with_remote(struct otel_context *context,
                                             const struct otel_span_context *remote,
                                             enum otl_wish wish)
{
    struct otel_context *with_span, *with_both;

    with_span = otel_span_context_is_valid(remote) ? otel_context_with_span_context(context, remote)
                                                   : otel_context_ref(context);
    if (wish == otl_wish_of(with_span))
        return with_span;
    with_both = otel_context_with_value(with_span, &wish_key, (void *)(uintptr_t)wish);
    otel_context_unref(with_span);
    return with_both;
}
