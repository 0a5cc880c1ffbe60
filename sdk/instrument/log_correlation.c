/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/log_correlation.h>

static char *put(char *out, const char *text)
{
    size_t len = strlen(text);

    memcpy(out, text, len);
    return out + len;
}

size_t otel_log_fields(const struct otel_span_context *context, char *out)
{
    static const char digits[] = "0123456789abcdef";
    char *at = out;

    if (out == NULL)
        return 0;
    *out = '\0';
    if (!otel_span_context_is_valid(context))
        return 0;
    at = put(at, ",\"trace_id\":\"");
    otel_trace_id_hex(context->trace_id, at);
    at = put(at + 2 * OTEL_TRACE_ID_SIZE, "\",\"span_id\":\"");
    otel_span_id_hex(context->span_id, at);
    at = put(at + 2 * OTEL_SPAN_ID_SIZE, "\",\"trace_flags\":\"");
    *at++ = digits[context->flags >> 4];
    *at++ = digits[context->flags & 15];
    *at++ = '"';
    *at = '\0';
    return (size_t)(at - out);
}
