/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/value.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/base/buf.h"

enum { TEXT_MAX = 64 * 1024 };

/* "n:LOW:HIGH}" at text: the number drawn. False if it is not of that form. */
static bool draw_number(const struct hx_fill *fill, const char *text, int64_t *ret)
{
    char *end;
    long long low, high;
    uint64_t span;

    if (strncmp(text, "n:", 2) != 0)
        return false;
    low = strtoll(text + 2, &end, 10);
    if (end == text + 2 || *end != ':')
        return false;
    text = end + 1;
    high = strtoll(text, &end, 10);
    if (end == text || *end != '}' || high < low)
        return false;
    span = (uint64_t)high - (uint64_t)low + 1; /* 0: every number there is */
    *ret = (int64_t)((uint64_t)low + (span != 0 ? otl_random_below(fill->random, span)
                                                : otl_random_next(fill->random)));
    return true;
}

/* What ${name} stands for, at the text after "${"; the error is ignored on purpose: a text over
 * the limit is cut. */
static bool append_variable(const struct hx_fill *fill, const char *text, struct otl_buf *out)
{
    enum otel_err err;
    int64_t number;

    if (strncmp(text, "request}", 8) == 0)
        err = otl_buf_printf(out, "%016llx", (unsigned long long)fill->request);
    else if (strncmp(text, "replica}", 8) == 0)
        err = otl_buf_printf(out, "%u", fill->replica);
    else if (strncmp(text, "instance}", 9) == 0)
        err = otl_buf_append_str(out, fill->instance);
    else if (draw_number(fill, text, &number))
        err = otl_buf_printf(out, "%lld", (long long)number);
    else
        return false;
    return err == OTEL_OK;
}

static struct otel_str fill_slowly(const struct hx_fill *fill, const char *text)
{
    struct otl_buf out;
    struct otel_str result = {"", 0};
    char *copy;

    otl_buf_init(&out, TEXT_MAX);
    while (*text != '\0') {
        const char *open = strstr(text, "${");
        size_t plain = open != NULL ? (size_t)(open - text) : strlen(text);
        if (otl_buf_append(&out, text, plain) != OTEL_OK)
            break;
        text += plain;
        if (open == NULL)
            break;
        if (append_variable(fill, text + 2, &out))
            text = strchr(text, '}') + 1;
        else if (otl_buf_append(&out, "${", 2) == OTEL_OK)
            text += 2;
        else
            break;
    }
    copy = out.len != 0 ? otl_arena_strndup(fill->arena, out.data, out.len) : NULL;
    if (copy != NULL)
        result = otel_strn(copy, out.len);
    otl_buf_fini(&out);
    return result;
}

struct otel_str hx_fill_text(const struct hx_fill *fill, const char *text)
{
    return strstr(text, "${") != NULL ? fill_slowly(fill, text) : otel_str(text);
}

static struct otel_value string_value(const struct hx_fill *fill, const json_t *value)
{
    const char *text = json_string_value(value);
    struct otel_str filled;
    int64_t number;

    if (text[0] == '$' && text[1] == '{' && strchr(text, '}') == text + strlen(text) - 1 &&
        draw_number(fill, text + 2, &number))
        return otel_value_int(number);
    filled = hx_fill_text(fill, text);
    return otel_value_strn(filled.data, filled.len);
}

/* Homogeneous by the loader's promise: the first element gives the type. */
static struct otel_value array_value(const struct hx_fill *fill, const json_t *value)
{
    size_t count = json_array_size(value);
    const json_t *first = json_array_get(value, 0);
    void *items = otl_arena_alloc(fill->arena, count * sizeof(struct otel_str));
    enum otel_value_type type = OTEL_VALUE_STRING_ARRAY;

    if (items == NULL)
        return otel_value_str("");
    if (json_is_boolean(first))
        type = OTEL_VALUE_BOOL_ARRAY;
    else if (json_is_integer(first))
        type = OTEL_VALUE_INT_ARRAY;
    else if (json_is_real(first))
        type = OTEL_VALUE_DOUBLE_ARRAY;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(value, i);
        if (type == OTEL_VALUE_BOOL_ARRAY)
            ((bool *)items)[i] = json_is_true(item);
        else if (type == OTEL_VALUE_INT_ARRAY)
            ((int64_t *)items)[i] = json_integer_value(item);
        else if (type == OTEL_VALUE_DOUBLE_ARRAY)
            ((double *)items)[i] = json_number_value(item);
        else
            ((struct otel_str *)items)[i] = hx_fill_text(fill, json_string_value(item));
    }
    return otel_value_many(type, items, count);
}

struct otel_value hx_fill_value(const struct hx_fill *fill, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return string_value(fill, value);
    case JSON_TRUE:
    case JSON_FALSE:
        return otel_value_bool(json_is_true(value));
    case JSON_INTEGER:
        return otel_value_int(json_integer_value(value));
    case JSON_REAL:
        return otel_value_double(json_real_value(value));
    case JSON_ARRAY:
        return array_value(fill, value);
    case JSON_OBJECT:
    case JSON_NULL:
        break;
    }
    return otel_value_str("");
}

void hx_fill_attributes(const struct hx_fill *fill, const struct hx_attributes *attributes,
                        struct otel_attribute *out)
{
    for (size_t i = 0; i < attributes->count; i++)
        out[i] = otel_attr(attributes->items[i].key,
                           hx_fill_value(fill, attributes->items[i].value));
}

uint64_t hx_draw_delay(const struct hx_delay *delay, struct otl_random *random)
{
    double ns;

    switch (delay->kind) {
    case HX_DELAY_CONSTANT:
        return delay->low_ns;
    case HX_DELAY_UNIFORM:
        return delay->low_ns + otl_random_below(random, delay->high_ns - delay->low_ns + 1);
    case HX_DELAY_LOGNORMAL:
        ns = (double)delay->low_ns * exp(delay->sigma * otl_random_normal(random));
        return ns < 3.6e12 ? (uint64_t)ns : 3600000000000ULL;
    }
    return 0;
}
