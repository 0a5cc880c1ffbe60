/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/groups.h"

#include <string.h>

#include "collector-mock/config/version.h"

const char *const col_error_modes[] = {"propagate", "ignore", "silent", NULL};
static const char *const contexts[] = {"resource", "scope",  "span",      "spanevent",
                                       "log",      "metric", "datapoint", NULL};
static const struct otl_schema text_item[] = {{.type = OTL_SCHEMA_STRING}, OTL_SCHEMA_END};

#define CONTEXT {.key = "context", .type = OTL_SCHEMA_ENUM, .words = contexts}
#define ERROR_MODE {.key = "error_mode", .type = OTL_SCHEMA_ENUM, .words = col_error_modes}

static const struct otl_schema statement_keys[] = {
    CONTEXT,
    ERROR_MODE,
    {.key = "shared_cache", .type = OTL_SCHEMA_BOOL}, /* there is no cache to share */
    {.key = "conditions", .type = OTL_SCHEMA_LIST, .child = text_item},
    {.key = "statements", .type = OTL_SCHEMA_LIST, .required = true, .child = text_item},
    OTL_SCHEMA_END};
static const struct otl_schema condition_keys[] = {
    CONTEXT,
    ERROR_MODE,
    {.key = "conditions", .type = OTL_SCHEMA_LIST, .required = true, .child = text_item},
    OTL_SCHEMA_END};
static const struct otl_schema statement_item[] = {
    {.type = OTL_SCHEMA_STRING},
    {.type = OTL_SCHEMA_MAP, .child = statement_keys},
    OTL_SCHEMA_END};
static const struct otl_schema condition_item[] = {
    {.type = OTL_SCHEMA_STRING},
    {.type = OTL_SCHEMA_MAP, .child = condition_keys},
    OTL_SCHEMA_END};
const struct otl_schema col_statement_groups[] = {
    {.type = OTL_SCHEMA_ONE_OF, .child = statement_item}, OTL_SCHEMA_END};
const struct otl_schema col_condition_groups[] = {
    {.type = OTL_SCHEMA_ONE_OF, .child = condition_item}, OTL_SCHEMA_END};

#define BIT(on) (1u << (on))
static const struct {
    unsigned contexts;
    const char *says;
} signals[COL_SIGNALS] = {
    [COL_TRACES] = {BIT(COL_ON_RESOURCE) | BIT(COL_ON_SCOPE) | BIT(COL_ON_SPAN) |
                        BIT(COL_ON_EVENT),
                    "resource, scope, span and spanevent"},
    [COL_METRICS] = {BIT(COL_ON_RESOURCE) | BIT(COL_ON_SCOPE) | BIT(COL_ON_METRIC) |
                         BIT(COL_ON_POINT),
                     "resource, scope, metric and datapoint"},
    [COL_LOGS] = {BIT(COL_ON_RESOURCE) | BIT(COL_ON_SCOPE) | BIT(COL_ON_LOG),
                  "resource, scope and log"},
};

static void infer(struct col_inference *names, const json_t *texts, size_t first)
{
    for (size_t i = first; i < json_array_size(texts); i++)
        if (json_is_string(json_array_get(texts, i)))
            col_context_infer(names, json_string_value(json_array_get(texts, i)));
}

/* The context that the group says or its paths name. */
static enum otel_err find_context(const struct col_create *create, struct col_group *group,
                                  const char *context, struct otl_yaml_pos pos,
                                  struct otl_detail *reterr)
{
    unsigned of_signal = signals[group->list->signal].contexts;
    struct col_inference names = {0, 0};

    group->named = context == NULL;
    if (context != NULL) {
        (void)col_context_find(context, strlen(context), &group->on);
    } else {
        infer(&names, group->conditions, 0);
        infer(&names, group->texts, group->first);
        if (!col_context_inferred(&names, of_signal, &group->on))
            return otl_yaml_error(reterr, pos,
                                  "processor '%s': no path tells the context: begin paths with "
                                  "its name, one of %s",
                                  create->id, signals[group->list->signal].says);
    }
    if ((of_signal & BIT(group->on)) != 0)
        return OTEL_OK;
    return otl_yaml_error(reterr, pos, "processor '%s': '%s' is no context of %s: there are %s",
                          create->id, col_context_name(group->on), group->list->key,
                          signals[group->list->signal].says);
}

static enum otel_err read_group(const struct col_create *create, const struct col_group_list *list,
                                size_t at, struct col_group *ret, struct otl_detail *reterr)
{
    const json_t *items = json_object_get(create->config, list->key);
    const json_t *item = json_array_get(items, at);
    bool says = json_object_get(item, "context") != NULL;

    ret->list = list;
    if (!json_is_object(item)) {
        ret->texts = items;
        ret->first = at;
    } else {
        ret->texts = json_object_get(item, list->texts);
        ret->error_mode = otl_tree_text(item, "error_mode", NULL);
        if (strcmp(list->texts, "conditions") != 0)
            ret->conditions = json_object_get(item, "conditions");
    }
    return find_context(create, ret, otl_tree_text(item, "context", NULL),
                        says ? otl_yaml_value_pos(create->doc, item, "context")
                             : otl_yaml_item_pos(create->doc, items, at),
                        reterr);
}

/* Statements may stand behind groups, conditions may not. */
static enum otel_err check_mixture(const struct col_create *create, const json_t *items,
                                   const struct col_group_list *list, size_t first_text,
                                   struct otl_detail *reterr)
{
    bool strict = strcmp(list->texts, "conditions") == 0 && first_text > 0;

    for (size_t i = first_text; i < json_array_size(items); i++)
        if (strict || json_is_object(json_array_get(items, i)))
            return otl_yaml_error(reterr, otl_yaml_item_pos(create->doc, items, i),
                                  "processor '%s': configuring multiple configuration styles is "
                                  "not supported: %s alone, or groups alone",
                                  create->id, list->texts);
    return OTEL_OK;
}

static bool has_text(const json_t *texts, size_t first)
{
    for (size_t i = first; i < json_array_size(texts); i++)
        if (json_is_string(json_array_get(texts, i)))
            return true;
    return false;
}

enum otel_err col_groups_read(const struct col_create *create, const struct col_group_list *list,
                              col_group_fn *take, void *arg, struct otl_detail *reterr)
{
    const json_t *items = json_object_get(create->config, list->key);
    size_t count = json_array_size(items), first_text = 0;
    enum otel_err err;

    while (first_text < count && json_is_object(json_array_get(items, first_text)))
        first_text++;
    err = check_mixture(create, items, list, first_text, reterr);
    for (size_t i = 0; i < count && i <= first_text && err == OTEL_OK; i++) {
        struct col_group group = {.list = NULL};
        const json_t *texts = json_object_get(json_array_get(items, i), list->texts);
        if (i < first_text ? !has_text(texts, 0) : !has_text(items, i))
            continue; /* nothing to do */
        err = read_group(create, list, i, &group, reterr);
        if (err == OTEL_OK)
            err = take(arg, &group, reterr);
    }
    return err;
}

enum otel_err col_groups_error(const struct col_create *create, const json_t *list, size_t index,
                               enum otel_err err, const struct otl_detail *why,
                               struct otl_detail *reterr)
{
    struct otl_yaml_pos pos = otl_yaml_item_pos(create->doc, list, index);

    return otl_detail_set(reterr, err, pos.source, pos.line, pos.column, "processor '%s': %s",
                          create->id, why->text);
}

struct col_error_mode col_error_mode_of(const struct col_create *create, const char *of_group)
{
    bool old = col_version_before(create->host->as_version, 153);
    const char *mode = of_group != NULL ? of_group
                                        : otl_tree_text(create->config, "error_mode",
                                                        old ? "propagate" : "ignore");
    const struct col_error_mode ret = {strcmp(mode, "propagate") != 0,
                                       strcmp(mode, "silent") == 0};

    return ret;
}
