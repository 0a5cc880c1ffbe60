/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TESTS_CARRIER_H
#define OTL_TESTS_CARRIER_H

#include <stdio.h>
#include <strings.h>

#include <otel/propagation.h>

/* A list of headers as a carrier: several of one name, names without regard to case. */
struct header_list {
    size_t count;
    struct {
        char name[32];
        char value[20000];
        size_t value_len;
    } items[8];
};

static inline void header_add(struct header_list *list, const char *name, const char *value)
{
    size_t len = strlen(value);

    if (list->count == 8 || len >= sizeof(list->items[0].value))
        return;
    snprintf(list->items[list->count].name, sizeof(list->items[0].name), "%.31s", name);
    memcpy(list->items[list->count].value, value, len + 1);
    list->items[list->count++].value_len = len;
}

static inline bool header_is(const char *name, struct otel_str key)
{
    return strlen(name) == key.len && strncasecmp(name, key.data, key.len) == 0;
}

static inline void header_get_all(const void *carrier, struct otel_str key,
                                  otel_text_visit_fn *visit, void *arg)
{
    const struct header_list *list = carrier;

    for (size_t i = 0; i < list->count; i++)
        if (header_is(list->items[i].name, key))
            visit(arg, otel_strn(list->items[i].value, list->items[i].value_len));
}

static inline bool header_get(const void *carrier, struct otel_str key, struct otel_str *ret_value)
{
    const struct header_list *list = carrier;

    for (size_t i = 0; i < list->count; i++)
        if (header_is(list->items[i].name, key)) {
            *ret_value = otel_strn(list->items[i].value, list->items[i].value_len);
            return true;
        }
    return false;
}

static inline void header_set(void *carrier, struct otel_str key, struct otel_str value)
{
    char name[32], text[20000];

    snprintf(name, sizeof(name), "%.*s", (int)key.len, key.data);
    snprintf(text, sizeof(text), "%.*s", (int)value.len, value.data);
    header_add(carrier, name, text);
}

/* "" if absent. */
static inline const char *header_value(const struct header_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcasecmp(list->items[i].name, name) == 0)
            return list->items[i].value;
    return "";
}

static const struct otel_text_map_getter header_getter = {header_get, header_get_all, NULL};
static const struct otel_text_map_setter header_setter = {header_set};

#endif
