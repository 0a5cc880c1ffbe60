/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TESTS_LINES_H
#define OTL_TESTS_LINES_H

#include <strings.h>

#include <otel/propagation.h>

/* Headers as text, a line each, "name: value\n": a carrier that is read as it is written in a
 * table, and written the same way. */
struct lines {
    const char *data;
    size_t len;
};

struct written_lines {
    size_t len;
    bool full;
    char text[64 * 1024];
};

static inline bool lines_next(struct lines *rest, struct otel_str *ret_name,
                              struct otel_str *ret_value)
{
    while (rest->len != 0) {
        const char *end = memchr(rest->data, '\n', rest->len);
        size_t len = end != NULL ? (size_t)(end - rest->data) : rest->len;
        const char *line = rest->data, *colon = len != 0 ? memchr(line, ':', len) : NULL;
        rest->data += end != NULL ? len + 1 : len;
        rest->len -= end != NULL ? len + 1 : len;
        if (colon == NULL)
            continue;
        *ret_name = otel_strn(line, (size_t)(colon - line));
        *ret_value = otel_strn(colon + 1, (size_t)(line + len - colon - 1));
        return true;
    }
    return false;
}

static inline bool lines_get(const void *carrier, struct otel_str key, struct otel_str *ret_value)
{
    struct lines rest = *(const struct lines *)carrier;
    struct otel_str name;

    while (lines_next(&rest, &name, ret_value))
        if (name.len == key.len && strncasecmp(name.data, key.data, key.len) == 0)
            return true;
    return false;
}

static inline void lines_keys(const void *carrier, otel_text_visit_fn *visit, void *arg)
{
    struct lines rest = *(const struct lines *)carrier;
    struct otel_str name, value;

    while (lines_next(&rest, &name, &value))
        visit(arg, name);
}

static inline void lines_set(void *carrier, struct otel_str key, struct otel_str value)
{
    struct written_lines *out = carrier;

    if (key.len + value.len + 3 >= sizeof(out->text) - out->len) {
        out->full = true;
        return;
    }
    memcpy(out->text + out->len, key.data, key.len);
    out->len += key.len;
    out->text[out->len++] = ':';
    out->text[out->len++] = ' ';
    if (value.len != 0)
        memcpy(out->text + out->len, value.data, value.len);
    out->len += value.len;
    out->text[out->len++] = '\n';
    out->text[out->len] = '\0';
}

static const struct otel_text_map_getter lines_getter = {lines_get, NULL, lines_keys};
static const struct otel_text_map_setter lines_setter = {lines_set};

#endif
