/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/propagation/traceparent.h"

#include <string.h>

#include "sdk/base/text.h"

enum { TRACE_ID_AT = 3, SPAN_ID_AT = 36, FLAGS_AT = 53 };

struct otl_view otl_trim_ows(struct otl_view text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 &&
           (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* len bytes from lower-case digits. */
static bool unhex_lower(const char *text, size_t len, uint8_t *out)
{
    for (size_t i = 0; i < 2 * len; i++)
        if (text[i] >= 'A' && text[i] <= 'F')
            return false;
    return otl_unhex(text, len, out);
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
    uint8_t any = 0;

    for (size_t i = 0; i < len; i++)
        any |= bytes[i];
    return any == 0;
}

bool otl_traceparent_parse(struct otl_view text, struct otl_traceparent *ret)
{
    struct otl_traceparent read;
    uint8_t version;

    text = otl_trim_ows(text);
    if (text.len < OTL_TRACEPARENT_LEN || text.data[2] != '-' || text.data[35] != '-' ||
        text.data[52] != '-')
        return false;
    if (!unhex_lower(text.data, 1, &version) || version == 0xff)
        return false;
    if (text.len > OTL_TRACEPARENT_LEN &&
        (version == 0 || text.data[OTL_TRACEPARENT_LEN] != '-'))
        return false;
    if (!unhex_lower(text.data + TRACE_ID_AT, 16, read.trace_id) ||
        !unhex_lower(text.data + SPAN_ID_AT, 8, read.span_id) ||
        !unhex_lower(text.data + FLAGS_AT, 1, &read.flags))
        return false;
    if (is_zero(read.trace_id, 16) || is_zero(read.span_id, 8))
        return false;
    read.flags &= OTL_TRACEPARENT_FLAGS;
    *ret = read;
    return true;
}

void otl_traceparent_format(const struct otl_traceparent *traceparent, char *out)
{
    uint8_t flags = traceparent->flags & OTL_TRACEPARENT_FLAGS;

    memcpy(out, "00-", 3);
    otl_hex(traceparent->trace_id, 16, out + TRACE_ID_AT);
    out[SPAN_ID_AT - 1] = '-';
    otl_hex(traceparent->span_id, 8, out + SPAN_ID_AT);
    out[FLAGS_AT - 1] = '-';
    otl_hex(&flags, 1, out + FLAGS_AT);
}
