/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/pipeline/registry.h"
#include "collector-mock/processors/action.h"
#include "collector-mock/processors/match.h"
#include "collector-mock/processors/rewrite.h"
#include "sdk/base/mem.h"

/*
 * attributes processor: actions on the attributes of the spans that include and exclude leave it.
 * Spans that no action changes go on as the bytes they are.
 */

struct attributes {
    struct col_create create;
    struct col_actions *actions;
    struct col_match *match;
    struct col_rewrite rewrite;
};

static const struct otl_schema keys[] = {
    {.key = "actions", .type = OTL_SCHEMA_LIST, .child = col_action_schema},
    {.key = "include", .type = OTL_SCHEMA_MAP, .child = col_match_schema, .nullable = true},
    {.key = "exclude", .type = OTL_SCHEMA_MAP, .child = col_match_schema, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

static enum otel_err change(struct attributes *self, struct col_span *span)
{
    struct col_attributes attributes;
    enum otel_err err;

    if (!col_match_true(self->match, span))
        return OTEL_OK;
    err = col_attributes_read(&self->rewrite.arena, span->raw, COL_SPAN_ATTRIBUTES, &attributes);
    if (err == OTEL_OK)
        err = col_actions_run(self->actions, &attributes);
    if (err == OTEL_OK && attributes.changed)
        err = col_attributes_put(&attributes, span->raw, COL_SPAN_ATTRIBUTES, &span->raw);
    return err;
}

static enum otel_err consume(void *arg, const struct col_batch *in, struct otl_detail *reterr)
{
    struct attributes *self = arg;
    enum otel_err err = OTEL_OK;
    struct col_traces *traces = col_rewrite_begin(&self->rewrite, in);
    struct col_span span;

    while (err == OTEL_OK && col_traces_next(traces, &span)) {
        err = change(self, &span);
        if (err == OTEL_OK)
            err = col_rewrite_add(&self->rewrite, &span);
    }
    return col_rewrite_send(&self->rewrite, err, &self->create, in, reterr);
}

static void free_self(void *arg)
{
    struct attributes *self = arg;

    col_actions_free(self->actions);
    col_match_free(self->match);
    col_rewrite_fini(&self->rewrite);
    otl_mem_free(self);
}

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    struct attributes *self = otl_mem_zalloc(sizeof(*self));
    enum otel_err err;

    if (self == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    self->create = *args;
    col_rewrite_init(&self->rewrite);
    err = col_actions_new(args, "actions", &self->actions, reterr);
    if (err == OTEL_OK)
        err = col_match_new(args, &self->match, reterr);
    if (err == OTEL_OK)
        *ret = self;
    else
        free_self(self);
    return err;
}

const struct col_component_type col_attributes_processor = {
    .name = "attributes",
    .kind = COL_PROCESSOR,
    .schema = row,
    .create = create,
    .consume = consume,
    .signals = COL_SIGNAL_BIT(COL_TRACES),
    .free = free_self,
};
