/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/header_carrier.h>

#include "sdk/base/mem.h"

enum { HEADERS_MAX = 256, BYTES_MAX = 64 * 1024 };

typedef bool same_name_fn(struct otel_str a, struct otel_str b);

static bool same_bytes(struct otel_str a, struct otel_str b)
{
    return otel_str_equal(a, b);
}

/* Not strncasecmp(): it stops at a NUL and asks the locale. */
static bool same_but_case(struct otel_str a, struct otel_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        unsigned char x = (unsigned char)a.data[i], y = (unsigned char)b.data[i];
        if (x != y && ((x ^ y) != 0x20 || (x | 0x20) < 'a' || (x | 0x20) > 'z'))
            return false;
    }
    return true;
}

/* --- reading --- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct otel_str trimmed(struct otel_str text)
{
    while (text.len != 0 && is_blank(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len != 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

static struct otel_str never_null(struct otel_str text)
{
    return text.data != NULL ? text : otel_strn("", 0);
}

static const struct otel_header_view no_headers = {NULL, 0};

static const struct otel_header_view *view_of(const void *carrier)
{
    return carrier != NULL ? carrier : &no_headers;
}

static bool http_get(const void *carrier, struct otel_str key, struct otel_str *ret_value)
{
    const struct otel_header_view *view = view_of(carrier);

    for (size_t i = 0; i < view->count; i++)
        if (same_but_case(view->items[i].name, key)) {
            *ret_value = trimmed(never_null(view->items[i].value));
            return true;
        }
    return false;
}

static void http_get_all(const void *carrier, struct otel_str key, otel_text_visit_fn *visit,
                         void *arg)
{
    const struct otel_header_view *view = view_of(carrier);

    for (size_t i = 0; i < view->count; i++)
        if (same_but_case(view->items[i].name, key))
            visit(arg, trimmed(never_null(view->items[i].value)));
}

static bool kafka_get(const void *carrier, struct otel_str key, struct otel_str *ret_value)
{
    const struct otel_header_view *view = view_of(carrier);

    for (size_t i = 0; i < view->count; i++)
        if (same_bytes(view->items[i].name, key)) {
            *ret_value = never_null(view->items[i].value);
            return true;
        }
    return false;
}

static void kafka_get_all(const void *carrier, struct otel_str key, otel_text_visit_fn *visit,
                          void *arg)
{
    const struct otel_header_view *view = view_of(carrier);

    for (size_t i = 0; i < view->count; i++)
        if (same_bytes(view->items[i].name, key))
            visit(arg, never_null(view->items[i].value));
}

static void keys(const void *carrier, otel_text_visit_fn *visit, void *arg)
{
    const struct otel_header_view *view = view_of(carrier);

    for (size_t i = 0; i < view->count; i++)
        visit(arg, never_null(view->items[i].name));
}

const struct otel_text_map_getter *otel_http_header_getter(void)
{
    static const struct otel_text_map_getter getter = {http_get, http_get_all, keys};

    return &getter;
}

const struct otel_text_map_getter *otel_kafka_header_getter(void)
{
    static const struct otel_text_map_getter getter = {kafka_get, kafka_get_all, keys};

    return &getter;
}

/* --- a list --- */

struct otel_headers {
    struct otel_header_view view; /* of items */
    size_t bytes;
    size_t left_out;
    struct otel_header items[HEADERS_MAX]; /* one block each: the name, then the value */
};

enum otel_err otel_headers_new(struct otel_headers **ret)
{
    struct otel_headers *list;

    if (ret == NULL)
        return OTEL_ERR_ARGUMENT;
    list = otl_mem_zalloc(sizeof(*list));
    if (list == NULL)
        return OTEL_ERR_MEMORY;
    list->view.items = list->items;
    *ret = list;
    return OTEL_OK;
}

static size_t size_of(const struct otel_header *header)
{
    return header->name.len + header->value.len;
}

static void drop(struct otel_headers *list, struct otel_header *header)
{
    list->bytes -= size_of(header);
    otl_mem_free((char *)(uintptr_t)header->name.data);
}

void otel_headers_free(struct otel_headers *list)
{
    if (list == NULL)
        return;
    for (size_t i = 0; i < list->view.count; i++)
        drop(list, &list->items[i]);
    otl_mem_free(list);
}

/* *ret is a copy in a block of its own; nothing is counted yet. */
static enum otel_err copy(struct otel_str name, struct otel_str value, struct otel_header *ret)
{
    char *block = otl_mem_alloc(name.len + value.len + 1);

    if (block == NULL)
        return OTEL_ERR_MEMORY;
    if (name.len != 0)
        memcpy(block, name.data, name.len);
    if (value.len != 0)
        memcpy(block + name.len, value.data, value.len);
    ret->name = otel_strn(block, name.len);
    ret->value = otel_strn(value.data != NULL ? block + name.len : NULL, value.len);
    return OTEL_OK;
}

static bool fits(const struct otel_headers *list, struct otel_str name, struct otel_str value)
{
    return name.len <= BYTES_MAX && value.len <= BYTES_MAX &&
           list->bytes + name.len + value.len <= BYTES_MAX;
}

enum otel_err otel_headers_add(struct otel_headers *list, struct otel_str name,
                               struct otel_str value)
{
    enum otel_err err;

    if (list == NULL)
        return OTEL_ERR_ARGUMENT;
    err = list->view.count < HEADERS_MAX && fits(list, name, value)
              ? copy(name, value, &list->items[list->view.count])
              : OTEL_ERR_LIMIT;
    if (err != OTEL_OK) {
        list->left_out++;
        return err;
    }
    list->bytes += size_of(&list->items[list->view.count++]);
    return OTEL_OK;
}

const struct otel_header_view *otel_headers_view(const struct otel_headers *list)
{
    return list != NULL ? &list->view : &no_headers;
}

size_t otel_headers_left_out(const struct otel_headers *list)
{
    return list != NULL ? list->left_out : 0;
}

/* --- writing --- */

static void remove_named(struct otel_headers *list, struct otel_str name, same_name_fn *same)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->view.count; i++) {
        if (same(list->items[i].name, name))
            drop(list, &list->items[i]);
        else
            list->items[kept++] = list->items[i];
    }
    list->view.count = kept;
}

static bool is_token(struct otel_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c <= ' ' || c > '~' || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
            return false;
    }
    return name.len != 0;
}

static bool is_field_value(struct otel_str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* The old ones go even when the new one cannot be had: a context that is not this one's would be
 * believed. */
static void http_set(void *carrier, struct otel_str key, struct otel_str value)
{
    struct otel_headers *list = carrier;

    if (list == NULL)
        return;
    remove_named(list, key, same_but_case);
    if (is_token(key) && is_field_value(value))
        (void)otel_headers_add(list, key, value);
    else
        list->left_out++;
}

static void kafka_set(void *carrier, struct otel_str key, struct otel_str value)
{
    struct otel_headers *list = carrier;

    if (list == NULL)
        return;
    remove_named(list, key, same_bytes);
    (void)otel_headers_add(list, key, value);
}

const struct otel_text_map_setter *otel_http_header_setter(void)
{
    static const struct otel_text_map_setter setter = {http_set};

    return &setter;
}

const struct otel_text_map_setter *otel_kafka_header_setter(void)
{
    static const struct otel_text_map_setter setter = {kafka_set};

    return &setter;
}
