/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes and the templates in texts. */
#include <stdio.h>
#include <string.h>

#include "harness/scenario/internal.h"
#include "sdk/base/text.h"

/* What stands between ${ and }, len bytes. */
static bool is_range(const char *text, size_t len)
{
    char copy[64], *colon;
    int64_t low, high;

    if (len < 2 || len >= sizeof(copy) || strncmp(text, "n:", 2) != 0)
        return false;
    snprintf(copy, sizeof(copy), "%.*s", (int)(len - 2), text + 2);
    colon = strchr(copy, ':');
    if (colon == NULL)
        return false;
    *colon = '\0';
    return otl_parse_int(copy, INT64_MIN, INT64_MAX, &low) == OTEL_OK &&
           otl_parse_int(colon + 1, INT64_MIN, INT64_MAX, &high) == OTEL_OK && low <= high;
}

enum otel_err hx_check_template(struct hx_loader *l, const char *text, struct otl_yaml_pos pos)
{
    static const char *const names[] = {"request", "replica", "instance", NULL};

    while ((text = strstr(text, "${")) != NULL) {
        const char *name = text + 2, *end = strchr(name, '}');
        size_t len = end ? (size_t)(end - name) : 0;
        char word[64], near[96];
        bool known = end != NULL && is_range(name, len);
        snprintf(word, sizeof(word), "%.*s", (int)(len < 63 ? len : 63), name);
        for (const char *const *n = names; end != NULL && *n != NULL; n++)
            known = known || strcmp(*n, word) == 0;
        if (end == NULL)
            return otl_yaml_error(l->reterr, pos, "'${' without '}'");
        if (!known)
            return otl_yaml_error(l->reterr, pos,
                                  "unknown reference '${%s}'%s; known: ${request}, ${replica}, "
                                  "${instance}, ${n:LOW:HIGH}",
                                  word, otl_words_suggest(names, word, near, sizeof(near)));
        text = end + 1;
    }
    return OTEL_OK;
}

static enum otel_err check_list(struct hx_loader *l, const json_t *list)
{
    const json_t *first = json_array_get(list, 0);

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        struct otl_yaml_pos pos = otl_yaml_item_pos(l->doc, list, i);
        enum otel_err err = OTEL_OK;
        if (json_typeof(item) != json_typeof(first) &&
            !(json_is_boolean(item) && json_is_boolean(first)))
            return otl_yaml_error(l->reterr, pos,
                                  "the items of an attribute's list must be of one kind");
        if (json_is_string(item))
            err = hx_check_template(l, json_string_value(item), pos);
        if (err != OTEL_OK)
            return err;
    }
    return OTEL_OK;
}

enum otel_err hx_load_attributes(struct hx_loader *l, const json_t *map, struct hx_attributes *ret)
{
    struct hx_attribute *items = hx_loader_array(l, json_object_size(map), sizeof(*items));
    const char *key;
    json_t *value;
    size_t count = 0;

    if (items == NULL)
        return OTEL_ERR_MEMORY;
    json_object_foreach((json_t *)map, key, value) {
        struct otl_yaml_pos pos = otl_yaml_value_pos(l->doc, map, key);
        enum otel_err err = OTEL_OK;
        if (*key == '\0' || strncmp(key, "tracerig.", 9) == 0)
            err = otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, map, key),
                                 *key ? "attributes tracerig.* are the harness's own"
                                      : "an attribute needs a name");
        else if (json_is_string(value))
            err = hx_check_template(l, json_string_value(value), pos);
        else if (json_is_array(value))
            err = check_list(l, value);
        if (err != OTEL_OK)
            return err;
        items[count++] = (struct hx_attribute){.key = key, .value = value};
    }
    ret->items = items;
    ret->count = count;
    return OTEL_OK;
}
