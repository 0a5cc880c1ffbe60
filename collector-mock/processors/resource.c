/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/pipeline/registry.h"
#include "collector-mock/processors/action.h"
#include "collector-mock/processors/rewrite.h"
#include "sdk/base/mem.h"

/* resource processor: actions on the attributes of each resource. */

struct resource {
    struct col_create create;
    struct col_actions *actions;
    struct col_rewrite rewrite;
};

static const struct otl_schema keys[] = {
    {.key = "attributes", .type = OTL_SCHEMA_LIST, .child = col_action_schema}, OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

/* One that was not there comes to be when it is given an attribute. */
static enum otel_err change(struct resource *self, struct col_resource *resource)
{
    struct col_attributes attributes;
    enum otel_err err = col_attributes_read(&self->rewrite.arena, resource->raw,
                                            COL_RESOURCE_ATTRIBUTES, &attributes);

    if (err == OTEL_OK)
        err = col_actions_run(self->actions, &attributes);
    if (err != OTEL_OK || !attributes.changed)
        return err;
    resource->present = true;
    return col_attributes_put(&attributes, resource->raw, COL_RESOURCE_ATTRIBUTES,
                              &resource->raw);
}

static enum otel_err consume(void *arg, const struct col_batch *in, struct otl_detail *reterr)
{
    struct resource *self = arg;
    struct col_resource resource;
    enum otel_err err = OTEL_OK;
    struct col_traces *items = col_rewrite_begin(&self->rewrite, in);
    uint64_t changed = 0; /* the number of the resource */
    struct col_item item;

    while (err == OTEL_OK && col_items_next(items, &item)) {
        if (changed != items->resources) {
            changed = items->resources;
            resource = *item.resource;
            err = change(self, &resource);
        }
        item.resource = &resource;
        if (err == OTEL_OK)
            err = col_rewrite_item(&self->rewrite, &item);
    }
    return col_rewrite_send(&self->rewrite, err, &self->create, in, reterr);
}

static void free_self(void *arg)
{
    struct resource *self = arg;

    col_actions_free(self->actions);
    col_rewrite_fini(&self->rewrite);
    otl_mem_free(self);
}

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    struct resource *self = otl_mem_zalloc(sizeof(*self));
    enum otel_err err;

    if (self == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    self->create = *args;
    col_rewrite_init(&self->rewrite);
    err = col_actions_new(args, "attributes", &self->actions, reterr);
    if (err == OTEL_OK)
        *ret = self;
    else
        free_self(self);
    return err;
}

const struct col_component_type col_resource_processor = {
    .name = "resource",
    .kind = COL_PROCESSOR,
    .schema = row,
    .create = create,
    .consume = consume,
    .signals = COL_ALL_SIGNALS,
    .free = free_self,
};
