/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/exporter/headers.h"

#include <string.h>
#include <strings.h>

static bool is_token(struct otel_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
            return false;
    }
    return text.len > 0;
}

static bool is_value(struct otel_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool is_ours(struct otel_str name)
{
    static const char *const ours[] = {"host",         "content-length",    "content-encoding",
                                       "content-type", "transfer-encoding", "connection"};

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        if (strlen(ours[i]) == name.len && strncasecmp(ours[i], name.data, name.len) == 0)
            return true;
    return false;
}

enum otel_err otl_header_append(const struct otel_sdk_header *header, struct otl_buf *lines)
{
    if (!is_token(header->name) || !is_value(header->value))
        return OTEL_ERR_SYNTAX;
    if (is_ours(header->name))
        return OTEL_ERR_UNSUPPORTED;
    return otl_buf_printf(lines, "%.*s: %.*s\r\n", (int)header->name.len, header->name.data,
                          (int)header->value.len, header->value.len ? header->value.data : "");
}
