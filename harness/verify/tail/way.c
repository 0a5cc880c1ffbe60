/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/tail/way.h"

#include <stdint.h>
#include <string.h>

enum { FORWARDS_MAX = 16 };

struct walk {
    const json_t *pipelines, *connectors;
    const char *processor;
    struct hx_way *way;
    struct otl_detail *reterr;
};

bool hx_way_is(const char *id, const char *type)
{
    size_t len = strlen(type);

    return strncmp(id, type, len) == 0 && (id[len] == '\0' || id[len] == '/');
}

bool hx_way_names(const json_t *list, const char *wanted)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
        if (json_is_string(item) && strcmp(json_string_value(item), wanted) == 0)
            return true;
    return false;
}

/* ---- before ---- */

/* How many pipelines of traces name it under this key; *ret_last: the last of them. */
static size_t count_pipelines(const struct walk *w, const char *key, const char *id,
                              const json_t **ret_last)
{
    const json_t *pipeline;
    const char *name;
    size_t count = 0;

    json_object_foreach((json_t *)(uintptr_t)w->pipelines, name, pipeline)
        if (hx_way_is(name, "traces") && hx_way_names(json_object_get(pipeline, key), id)) {
            count++;
            *ret_last = pipeline;
        }
    return count;
}

/* What other receivers of traces take is received, too, and does not come this way. */
static enum otel_err check_sources(const struct walk *w, const json_t *receivers)
{
    const json_t *pipeline, *item;
    const char *name;
    size_t i;

    json_object_foreach((json_t *)(uintptr_t)w->pipelines, name, pipeline)
        json_array_foreach(json_object_get(pipeline, "receivers"), i, item) {
            const char *id = json_string_value(item);
            if (hx_way_is(name, "traces") && id != NULL && !hx_way_names(receivers, id) &&
                json_object_get(w->connectors, id) == NULL)
                return otl_detail_set(w->reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                                      "what the receiver '%s' takes does not come to '%s': which "
                                      "of the received spans do is not known",
                                      id, w->processor);
        }
    return OTEL_OK;
}

static enum otel_err walk_up(struct walk *w, const json_t *pipeline, unsigned forwards);

static enum otel_err follow(struct walk *w, const json_t *receivers, const char *connector,
                            unsigned forwards)
{
    const json_t *from = NULL;

    if (!hx_way_is(connector, "forward") || json_array_size(receivers) != 1 ||
        forwards == FORWARDS_MAX || count_pipelines(w, "exporters", connector, &from) != 1)
        return otl_detail_set(w->reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                              "the connector '%s' stands before '%s': it is followed only where "
                              "it is a forward, fed by one pipeline, and nothing else comes beside "
                              "it",
                              connector, w->processor);
    w->way->forks |= json_array_size(json_object_get(from, "exporters")) > 1;
    return walk_up(w, from, forwards + 1);
}

/* The receivers' end first. */
static enum otel_err walk_up(struct walk *w, const json_t *pipeline, unsigned forwards)
{
    const json_t *receivers = json_object_get(pipeline, "receivers"), *item, *last;
    const char *connector = NULL;
    enum otel_err err;
    size_t i;

    json_array_foreach(receivers, i, item) {
        const char *id = json_is_string(item) ? json_string_value(item) : "";
        w->way->forks |= count_pipelines(w, "receivers", id, &last) > 1;
        if (json_object_get(w->connectors, id) != NULL)
            connector = id;
    }
    err = connector != NULL ? follow(w, receivers, connector, forwards)
                            : check_sources(w, receivers);
    json_array_foreach(json_object_get(pipeline, "processors"), i, item) {
        if (err != OTEL_OK || !json_is_string(item) ||
            (forwards == 0 && strcmp(json_string_value(item), w->processor) == 0))
            break;
        if (json_array_append(w->way->before, (json_t *)(uintptr_t)item) != 0)
            err = otl_detail_set(w->reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    }
    return err;
}

enum otel_err hx_way_to(const json_t *config, const json_t *pipeline, const char *processor,
                        struct hx_way *ret, struct otl_detail *reterr)
{
    struct walk w = {
        .pipelines = json_object_get(json_object_get(config, "service"), "pipelines"),
        .connectors = json_object_get(config, "connectors"),
        .processor = processor,
        .way = ret,
        .reterr = reterr};

    *ret = (struct hx_way){json_array(), false};
    if (ret->before == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    return walk_up(&w, pipeline, 0);
}

/* ---- behind ---- */

/* Statements that may set trace_id, or whose errors take their request with them. */
static bool harms(const json_t *tree)
{
    const char *text = json_string_value(tree), *key;
    const json_t *part;
    size_t i;

    if (text != NULL)
        return strstr(text, "trace_id") != NULL || strcmp(text, "propagate") == 0;
    json_array_foreach(tree, i, part)
        if (harms(part))
            return true;
    json_object_foreach((json_t *)(uintptr_t)tree, key, part)
        if (harms(part))
            return true;
    return false;
}

static bool keeps_all(const char *id, const json_t *settings, bool old_errors)
{
    return hx_way_is(id, "batch") || hx_way_is(id, "attributes") || hx_way_is(id, "resource") ||
           (hx_way_is(id, "transform") && !old_errors && !harms(settings));
}

const char *hx_way_obstacle(const json_t *config, const json_t *pipeline, const char *processor,
                            bool old_errors)
{
    const json_t *processors = json_object_get(config, "processors"), *item;
    bool behind = false;
    size_t i;

    json_array_foreach(json_object_get(pipeline, "processors"), i, item) {
        const char *id = json_is_string(item) ? json_string_value(item) : "";
        if (behind && !keeps_all(id, json_object_get(processors, id), old_errors))
            return id;
        behind = behind || strcmp(id, processor) == 0;
    }
    return NULL;
}
