/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/pipeline/registry.h"
#include "collector-mock/processors/groups.h"
#include "collector-mock/processors/transform_group.h"
#include "sdk/base/mem.h"

/*
 * transform processor: runs the groups of statements of its signal, one after another, on whatever
 * each is for. A group says its context, or its paths do (the innermost that they name).
 *
 * All lists are read, those of other signals too: a mistake is one wherever it stands.
 */

enum { GROUPS_MAX = 64 };

struct transform {
    struct col_create create;
    struct col_transform_group groups[GROUPS_MAX];
    size_t count;
    struct col_rewrite rewrite;
};

#define LIST(name)                                                                                 \
    {.key = name, .type = OTL_SCHEMA_LIST, .child = col_statement_groups, .nullable = true}

static const struct otl_schema keys[] = {
    {.key = "error_mode", .type = OTL_SCHEMA_ENUM, .words = col_error_modes},
    LIST("trace_statements"),
    LIST("metric_statements"),
    LIST("log_statements"),
    OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

static const struct col_group_list lists[] = {{"trace_statements", COL_TRACES, "statements"},
                                              {"metric_statements", COL_METRICS, "statements"},
                                              {"log_statements", COL_LOGS, "statements"}};

/* ---- running ---- */

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
    enum otel_err err = OTEL_OK;
    uint64_t failed = 0;

    for (size_t i = 0; i < self->count && err == OTEL_OK; i++) {
        const struct col_transform_group *group = &self->groups[i];
        uint64_t of_group = 0;
        if (group->signal != in->signal)
            continue;
        err = col_transform_group_run(group, &self->rewrite, &out, &of_group);
        failed += group->mode.silent ? 0 : of_group;
    }
    if (failed > 0 && err == OTEL_OK)
        otl_log_line(&self->create.host->log, OTL_LOG_WARN,
                     "processor '%s': %llu statements failed: a value of the wrong kind",
                     self->create.id, (unsigned long long)failed);
    if (err == OTEL_OK)
        err = self->create.next.consume(self->create.next.self, &out, reterr);
    else
        err = forget(self, err, reterr);
    otl_arena_reset(&self->rewrite.arena);
    return err;
}

/* ---- reading ---- */

static enum otel_err add(struct transform *self, const json_t *list, size_t index, bool condition,
                         struct otl_detail *reterr)
{
    struct col_statements *to = self->groups[self->count - 1].statements;
    const char *text = json_string_value(json_array_get(list, index));
    struct otl_detail why = OTL_DETAIL_NONE;
    enum otel_err err = text == NULL ? OTEL_OK
                        : condition  ? col_statements_add_condition(to, text, &why)
                                     : col_statements_add(to, text, &why);

    return err == OTEL_OK ? err
                          : col_groups_error(&self->create, list, index, err, &why, reterr);
}

static enum otel_err take_group(void *arg, const struct col_group *source,
                                struct otl_detail *reterr)
{
    struct transform *self = arg;
    struct col_transform_group *group = &self->groups[self->count];
    enum otel_err err = OTEL_OK;

    if (self->count == GROUPS_MAX)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0,
                              "processor '%s': more than 64 groups of statements",
                              self->create.id);
    group->on = source->on;
    group->signal = source->list->signal;
    group->mode = col_error_mode_of(&self->create, source->error_mode);
    if (col_statements_new(group->on, source->named, &group->statements) != OTEL_OK)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    self->count++;
    for (size_t i = 0; i < json_array_size(source->conditions) && err == OTEL_OK; i++)
        err = add(self, source->conditions, i, true, reterr);
    for (size_t i = source->first; i < json_array_size(source->texts) && err == OTEL_OK; i++)
        err = add(self, source->texts, i, false, reterr);
    return err;
}

/* ---- life ---- */

static void free_self(void *arg)
{
    struct transform *self = arg;

    for (size_t i = 0; i < self->count; i++)
        col_statements_free(self->groups[i].statements);
    col_rewrite_fini(&self->rewrite);
    otl_mem_free(self);
}

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    struct transform *self = otl_mem_zalloc(sizeof(*self));
    enum otel_err err = OTEL_OK;

    if (self == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    self->create = *args;
    col_rewrite_init(&self->rewrite);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]) && err == OTEL_OK; i++)
        err = col_groups_read(args, &lists[i], take_group, self, reterr);
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
    .signals = COL_ALL_SIGNALS,
    .free = free_self,
};
