/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <otel/propagators.h>
#include <otel/vendor_propagators.h>

#include "sdk/base/text.h"
#include "sdk/config/file/plugin.h"

static const struct {
    const char *name;
    struct otel_propagator *(*make)(void); /* static, not counted */
} known[] = {{"tracecontext", otel_propagator_tracecontext},
             {"baggage", otel_propagator_baggage},
             {"b3", otel_propagator_b3},
             {"b3multi", otel_propagator_b3_multi},
             {"jaeger", otel_propagator_jaeger},
             {"xray", otel_propagator_xray},
             {"ottrace", otel_propagator_ottrace},
             {"datadog", otel_propagator_datadog}};

enum { KNOWN = sizeof(known) / sizeof(known[0]), WORD_SIZE = 64 };

struct chosen {
    struct otl_config_work *work;
    struct otel_propagator *items[KNOWN + OTEL_CONFIG_PLUGINS_MAX]; /* references */
    const char *names[KNOWN + OTEL_CONFIG_PLUGINS_MAX];
    size_t count;
};

/* The word, where it stands: parent's key, or a text that holds it. */
struct word {
    const char *name;
    const json_t *parent;
    const char *key;
    const json_t *map;
};

static bool is_chosen(const struct chosen *chosen, const char *name)
{
    for (size_t i = 0; i < chosen->count; i++)
        if (strcmp(chosen->names[i], name) == 0)
            return true;
    return false;
}

/* name outlives chosen. */
static void keep(struct chosen *chosen, const char *name, struct otel_propagator *propagator)
{
    chosen->names[chosen->count] = name;
    chosen->items[chosen->count++] = propagator;
}

/* Each counts once, where it was named first. OTEL_ERR_NOT_FOUND: no such name. */
static enum otel_err add(struct chosen *chosen, const struct word *word)
{
    const struct otl_plugin_place place = {chosen->work, word->parent, word->key, word->name,
                                           word->map};
    struct otel_propagator *made = NULL;
    enum otel_err err;

    if (is_chosen(chosen, word->name) || strcmp(word->name, "none") == 0)
        return OTEL_OK;
    for (size_t i = 0; i < KNOWN; i++)
        if (strcmp(known[i].name, word->name) == 0) {
            keep(chosen, known[i].name, otel_propagator_ref(known[i].make()));
            return OTEL_OK;
        }
    for (const char *const *name = otl_plugin_propagators(); *name != NULL; name++)
        if (strcmp(*name, word->name) == 0 && otl_plugin_propagator(&place, &made, &err)) {
            if (err == OTEL_OK)
                keep(chosen, *name, made);
            return err;
        }
    return OTEL_ERR_NOT_FOUND;
}

static enum otel_err unknown(struct otl_config_work *work, const json_t *map, const char *name)
{
    const char *names[KNOWN + OTEL_CONFIG_PLUGINS_MAX + 1] = {NULL};
    char near[128];
    size_t count = 0;

    for (; count < KNOWN; count++)
        names[count] = known[count].name;
    for (const char *const *plugin = otl_plugin_propagators(); *plugin != NULL; plugin++)
        names[count++] = *plugin;
    return otl_config_bad(work, OTEL_ERR_SYNTAX, map, "composite_list",
                          "composite_list: unknown propagator '%s'%s", name,
                          otl_words_suggest(names, name, near, sizeof(near)));
}

static enum otel_err add_list(const json_t *map, struct chosen *chosen)
{
    const char *at = otl_tree_text(map, "composite_list", "");
    enum otel_err err = OTEL_OK;
    char word[WORD_SIZE];

    while (*at != '\0' && err == OTEL_OK) {
        const struct word named = {word, map, "composite_list", NULL};
        size_t len;
        at += strspn(at, ", \t");
        len = strcspn(at, ", \t");
        if (len >= sizeof(word))
            len = sizeof(word) - 1;
        memcpy(word, at, len);
        word[len] = '\0';
        at += len;
        if (len > 0)
            err = add(chosen, &named);
        if (err == OTEL_ERR_NOT_FOUND)
            err = unknown(chosen->work, map, word);
    }
    return err;
}

enum otel_err otl_config_propagator(struct otl_config_work *work, const json_t *node,
                                    struct otel_propagator **ret)
{
    const json_t *list = json_object_get(node, "composite");
    struct chosen chosen = {.work = work, .count = 0};
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; err == OTEL_OK && i < json_array_size(list); i++) {
        struct word word = {.parent = json_array_get(list, i)};
        word.name = word.key = otl_config_kind(word.parent, &word.map);
        err = add(&chosen, &word);
    }
    if (err == OTEL_OK)
        err = add_list(node, &chosen);
    if (err == OTEL_OK && chosen.count > 1)
        err = otel_propagator_composite_new(chosen.items, chosen.count, ret);
    else if (err == OTEL_OK)
        *ret = otel_propagator_ref(chosen.count == 1 ? chosen.items[0] : otel_propagator_noop());
    while (chosen.count > 0)
        otel_propagator_unref(chosen.items[--chosen.count]);
    return err;
}
