/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "collector-mock/pipeline/registry.h"
#include "collector-mock/processors/rewrite.h"
#include "collector-mock/processors/statement.h"
#include "sdk/base/mem.h"

/*
 * transform processor: runs the groups of trace_statements, one after another, on every resource
 * or every span. A statement without a group is of the context that its paths name.
 *
 * Contexts scope and spanevent are refused by name; what is said of metrics and logs is let be:
 * this one is for traces pipelines.
 */

enum { GROUPS_MAX = 64 };

struct group {
    struct col_statements *statements;
    bool on_resource;
};

struct transform {
    struct col_create create;
    struct group groups[GROUPS_MAX];
    size_t count;
    bool go_on, silent; /* error_mode */
    struct col_rewrite rewrite;
    uint64_t failed;
};

static const char *const error_modes[] = {"propagate", "ignore", "silent", NULL};
static const char *const contexts[] = {"resource", "span", "scope", "spanevent", NULL};
static const struct otl_schema text_item[] = {{.type = OTL_SCHEMA_STRING}, OTL_SCHEMA_END};
static const struct otl_schema group_keys[] = {
    {.key = "context", .type = OTL_SCHEMA_ENUM, .words = contexts},
    {.key = "conditions", .type = OTL_SCHEMA_LIST, .child = text_item},
    {.key = "statements", .type = OTL_SCHEMA_LIST, .required = true, .child = text_item},
    OTL_SCHEMA_END};
static const struct otl_schema group_item[] = {{.type = OTL_SCHEMA_STRING},
                                               {.type = OTL_SCHEMA_MAP, .child = group_keys},
                                               OTL_SCHEMA_END};
static const struct otl_schema list_item[] = {{.type = OTL_SCHEMA_ONE_OF, .child = group_item},
                                              OTL_SCHEMA_END};
static const struct otl_schema keys[] = {
    {.key = "error_mode", .type = OTL_SCHEMA_ENUM, .words = error_modes},
    {.key = "trace_statements", .type = OTL_SCHEMA_LIST, .child = list_item, .nullable = true},
    {.key = "metric_statements", .type = OTL_SCHEMA_ANY, .nullable = true},
    {.key = "log_statements", .type = OTL_SCHEMA_ANY, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

/* One group over the whole request; what comes out is the next one's. */
static enum otel_err run_group(struct transform *self, const struct group *group,
                               struct col_batch *batch)
{
    struct col_resource resource;
    enum otel_err err = OTEL_OK;
    struct col_traces *traces = col_rewrite_begin(&self->rewrite, batch);
    uint64_t at = 0; /* the number of the resource */
    uint64_t spans;
    struct col_span span;
    struct otl_view out;
    char *copy;

    memset(&resource, 0, sizeof(resource));
    while (err == OTEL_OK && col_traces_next(traces, &span)) {
        const struct col_draft draft = {&self->rewrite.arena, group->on_resource ? NULL : &span,
                                        &resource};
        bool new_one = at != traces->resources;
        if (new_one)
            resource = *span.resource;
        at = traces->resources;
        span.resource = &resource;
        if (!group->on_resource || new_one)
            err = col_statements_run(group->statements, &draft, self->go_on, &self->failed);
        if (err == OTEL_OK)
            err = col_rewrite_add(&self->rewrite, &span);
    }
    if (err == OTEL_OK)
        err = col_rewrite_finish(&self->rewrite, &out, &spans);
    if (err != OTEL_OK || out.data == batch->request.data)
        return err;
    copy = otl_arena_alloc(&self->rewrite.arena, out.len);
    if (copy == NULL)
        return OTEL_ERR_MEMORY;
    memcpy(copy, out.data, out.len);
    batch->request = otl_view(copy, out.len);
    return OTEL_OK;
}

/* Half a request may have been put together. */
static enum otel_err forget(struct transform *self, enum otel_err err, struct otl_detail *reterr)
{
    col_rewrite_fini(&self->rewrite);
    col_rewrite_init(&self->rewrite);
    return otl_detail_set(reterr, err, NULL, 0, 0, "processor '%s': %s", self->create.id,
                          otel_err_text(err));
}

static enum otel_err consume(void *arg, const struct col_batch *in, struct otl_detail *reterr)
{
    struct transform *self = arg;
    struct col_batch out = *in;
    uint64_t before = self->failed;
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < self->count && err == OTEL_OK; i++)
        err = run_group(self, &self->groups[i], &out);
    if (self->failed > before && self->go_on && !self->silent)
        otl_log_line(&self->create.host->log, OTL_LOG_WARN,
                     "processor '%s': %llu statements failed: a value of the wrong kind",
                     self->create.id, (unsigned long long)(self->failed - before));
    if (err == OTEL_OK)
        err = self->create.next.consume(self->create.next.self, &out, reterr);
    else
        err = forget(self, err, reterr);
    otl_arena_reset(&self->rewrite.arena);
    return err;
}

static void free_self(void *arg)
{
    struct transform *self = arg;

    for (size_t i = 0; i < self->count; i++)
        col_statements_free(self->groups[i].statements);
    col_rewrite_fini(&self->rewrite);
    otl_mem_free(self);
}

struct texts {
    const json_t *list;
    size_t index;
};

static enum otel_err add(struct transform *self, const struct texts *at, bool condition,
                         struct otl_detail *reterr)
{
    struct col_statements *to = self->groups[self->count - 1].statements;
    const char *text = json_string_value(json_array_get(at->list, at->index));
    struct otl_detail why = OTL_DETAIL_NONE;
    enum otel_err err = condition ? col_statements_add_condition(to, text, &why)
                                  : col_statements_add(to, text, &why);

    if (err == OTEL_OK)
        return err;
    return otl_yaml_error(reterr, otl_yaml_item_pos(self->create.doc, at->list, at->index),
                          "processor '%s': %s", self->create.id, why.text);
}

static enum otel_err open_group(struct transform *self, bool on_resource,
                                struct otl_detail *reterr)
{
    if (self->count == GROUPS_MAX)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0,
                              "processor '%s': more than 64 groups of statements",
                              self->create.id);
    self->groups[self->count].on_resource = on_resource;
    if (col_statements_new(on_resource, &self->groups[self->count].statements) != OTEL_OK)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    self->count++;
    return OTEL_OK;
}

static enum otel_err read_group(struct transform *self, const struct texts *at,
                                struct otl_detail *reterr)
{
    const json_t *item = json_array_get(at->list, at->index);
    const char *context = otl_tree_text(item, "context", "span");
    struct texts texts = {json_object_get(item, "conditions"), 0};
    enum otel_err err;

    if (json_is_string(item)) {
        bool names_span = strstr(json_string_value(item), "span.") != NULL;
        bool names_resource = strstr(json_string_value(item), "resource.") != NULL;
        if (!names_span && !names_resource)
            return otl_yaml_error(reterr, otl_yaml_item_pos(self->create.doc, at->list, at->index),
                                  "processor '%s': no path tells the context: write span. or "
                                  "resource. before it",
                                  self->create.id);
        err = open_group(self, !names_span, reterr);
        return err == OTEL_OK ? add(self, at, false, reterr) : err;
    }
    if (strcmp(context, "span") != 0 && strcmp(context, "resource") != 0)
        return otl_yaml_error(reterr, otl_yaml_value_pos(self->create.doc, item, "context"),
                              "processor '%s': '%s' is a context of the Collector that this one "
                              "does not have yet",
                              self->create.id, context);
    err = open_group(self, strcmp(context, "resource") == 0, reterr);
    for (; texts.index < json_array_size(texts.list) && err == OTEL_OK; texts.index++)
        err = add(self, &texts, true, reterr);
    texts.list = json_object_get(item, "statements");
    for (texts.index = 0; texts.index < json_array_size(texts.list) && err == OTEL_OK;
         texts.index++)
        err = add(self, &texts, false, reterr);
    return err;
}

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    struct transform *self = otl_mem_zalloc(sizeof(*self));
    struct texts at = {json_object_get(args->config, "trace_statements"), 0};
    const char *mode = otl_tree_text(args->config, "error_mode", "propagate");
    enum otel_err err = OTEL_OK;

    if (self == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    self->create = *args;
    self->silent = strcmp(mode, "silent") == 0;
    self->go_on = strcmp(mode, "propagate") != 0;
    col_rewrite_init(&self->rewrite);
    for (; at.index < json_array_size(at.list) && err == OTEL_OK; at.index++)
        err = read_group(self, &at, reterr);
    if (err == OTEL_OK)
        *ret = self;
    else
        free_self(self);
    return err;
}

const struct col_component_type col_transform_processor = {
    .name = "transform",
    .kind = COL_PROCESSOR,
    .schema = row,
    .create = create,
    .consume = consume,
    .signals = COL_SIGNAL_BIT(COL_TRACES),
    .free = free_self,
};
