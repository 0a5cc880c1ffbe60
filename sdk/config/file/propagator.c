/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <otel/propagators.h>
#include <otel/vendor_propagators.h>

#include "sdk/base/text.h"
#include "sdk/config/file/impl.h"

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
    struct otel_propagator *items[KNOWN];
    size_t count;
};

/* False: no such name. Each counts once, where it was named first. */
static bool add(struct chosen *chosen, const char *name)
{
    for (size_t i = 0; i < KNOWN; i++) {
        struct otel_propagator *one;
        if (strcmp(known[i].name, name) != 0)
            continue;
        one = known[i].make();
        for (size_t k = 0; k < chosen->count; k++)
            if (chosen->items[k] == one)
                return true;
        chosen->items[chosen->count++] = one;
        return true;
    }
    return strcmp(name, "none") == 0;
}

static enum otel_err unknown(struct otl_config_work *work, const json_t *map, const char *name)
{
    const char *names[KNOWN + 1] = {NULL};
    char near[128];

    for (size_t i = 0; i < KNOWN; i++)
        names[i] = known[i].name;
    return otl_config_bad(work, OTEL_ERR_SYNTAX, map, "composite_list",
                          "composite_list: unknown propagator '%s'%s", name,
                          otl_words_suggest(names, name, near, sizeof(near)));
}

static enum otel_err add_list(struct otl_config_work *work, const json_t *map,
                              struct chosen *chosen)
{
    const char *at = otl_tree_text(map, "composite_list", "");
    char word[WORD_SIZE];

    while (*at != '\0') {
        size_t len;
        at += strspn(at, ", \t");
        len = strcspn(at, ", \t");
        if (len >= sizeof(word))
            len = sizeof(word) - 1;
        memcpy(word, at, len);
        word[len] = '\0';
        at += len;
        if (len > 0 && !add(chosen, word))
            return unknown(work, map, word);
    }
    return OTEL_OK;
}

enum otel_err otl_config_propagator(struct otl_config_work *work, const json_t *node,
                                    struct otel_propagator **ret)
{
    const json_t *list = json_object_get(node, "composite");
    struct chosen chosen = {.count = 0};
    enum otel_err err;

    for (size_t i = 0; i < json_array_size(list); i++)
        (void)add(&chosen, otl_config_kind(json_array_get(list, i), NULL)); /* all are known */
    err = add_list(work, node, &chosen);
    if (err != OTEL_OK)
        return err;
    if (chosen.count > 1)
        return otel_propagator_composite_new(chosen.items, chosen.count, ret);
    *ret = otel_propagator_ref(chosen.count == 1 ? chosen.items[0] : otel_propagator_noop());
    return OTEL_OK;
}
