/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sdk/base/mem.h"

enum { FIRST_CAPACITY = 64 };

void otl_buf_init(struct otl_buf *buf, size_t max)
{
    buf->data = NULL;
    buf->len = 0;
    buf->cap = 0;
    buf->max = max;
}

void otl_buf_fini(struct otl_buf *buf)
{
    if (buf == NULL)
        return;
    otl_mem_free(buf->data);
    otl_buf_init(buf, buf->max);
}

void otl_buf_reset(struct otl_buf *buf)
{
    buf->len = 0;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

enum otel_err otl_buf_reserve(struct otl_buf *buf, size_t extra)
{
    size_t need, cap;
    char *grown;

    if (extra > buf->max || buf->len > buf->max - extra)
        return OTEL_ERR_LIMIT;
    need = buf->len + extra + 1;
    if (need <= buf->cap)
        return OTEL_OK;
    cap = buf->cap ? buf->cap : FIRST_CAPACITY;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (cap > buf->max + 1)
        cap = buf->max + 1;
    grown = otl_mem_realloc(buf->data, cap);
    if (grown == NULL)
        return OTEL_ERR_MEMORY;
    buf->data = grown;
    buf->cap = cap;
    return OTEL_OK;
}

enum otel_err otl_buf_append(struct otl_buf *buf, const void *data, size_t len)
{
    enum otel_err err = otl_buf_reserve(buf, len);

    if (err != OTEL_OK)
        return err;
    if (len != 0)
        memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return OTEL_OK;
}

enum otel_err otl_buf_append_str(struct otl_buf *buf, const char *text)
{
    return otl_buf_append(buf, text, strlen(text));
}

enum otel_err otl_buf_append_byte(struct otl_buf *buf, uint8_t byte)
{
    return otl_buf_append(buf, &byte, 1);
}

enum otel_err otl_buf_printf(struct otl_buf *buf, const char *format, ...)
{
    va_list args, again;
    enum otel_err err;
    int need;

    va_start(args, format);
    va_copy(again, args);
    need = vsnprintf(NULL, 0, format, args);
    va_end(args);
    err = need < 0 ? OTEL_ERR_ARGUMENT : otl_buf_reserve(buf, (size_t)need);
    if (err == OTEL_OK) {
        vsnprintf(buf->data + buf->len, (size_t)need + 1, format, again);
        buf->len += (size_t)need;
    }
    va_end(again);
    return err;
}

enum otel_err otl_buf_take(struct otl_buf *buf, char **ret_data, size_t *ret_len)
{
    enum otel_err err = otl_buf_append(buf, "", 0);

    if (err != OTEL_OK)
        return err;
    *ret_data = buf->data;
    if (ret_len != NULL)
        *ret_len = buf->len;
    otl_buf_init(buf, buf->max);
    return OTEL_OK;
}

struct otl_view otl_view_str(const char *text)
{
    return otl_view(text, text ? strlen(text) : 0);
}

bool otl_view_equal(struct otl_view a, struct otl_view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool otl_view_is(struct otl_view a, const char *text)
{
    return otl_view_equal(a, otl_view_str(text));
}
