/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "collector-mock/config/old_names.h"
#include "collector-mock/pipeline/registry.h"
#include "sdk/base/mem.h"

/*
 * What lenient mode puts in the place of a component that is not here: an exporter and a connector
 * count spans and keep nothing, a processor counts them and hands them on unchanged, a receiver
 * never receives, an extension does nothing.
 */

struct stand_in {
    struct col_host *host;
    struct col_consumer next;
    uint64_t *items;
};

static const struct otl_schema any[] = {{.type = OTL_SCHEMA_ANY}, OTL_SCHEMA_END};

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    struct stand_in *self = otl_mem_zalloc(sizeof(*self));
    char labels[160];

    if (self == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    self->host = args->host;
    self->next = args->next;
    snprintf(labels, sizeof(labels), "component=\"%s\"", args->id);
    self->items = col_host_items(args->host, args->signal, "collector_mock_stand_in", labels,
                                 "What came to a component that is not here.");
    if (self->items == NULL) {
        otl_mem_free(self);
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    }
    *ret = self;
    return OTEL_OK;
}

static enum otel_err sink(void *arg, const struct col_batch *batch, struct otl_detail *reterr)
{
    struct stand_in *self = arg;

    (void)reterr;
    *self->items += batch->items;
    return OTEL_OK;
}

static enum otel_err pass(void *arg, const struct col_batch *batch, struct otl_detail *reterr)
{
    struct stand_in *self = arg;

    *self->items += batch->items;
    return self->next.consume(self->next.self, batch, reterr);
}

/* It is empty at once. */
static void drain(void *arg, uint64_t grace_ns)
{
    struct stand_in *self = arg;

    (void)grace_ns;
    self->host->on_drained(self->host->on_drained_context);
}

static const struct col_component_type stand_ins[COL_KIND_COUNT] = {
    [COL_RECEIVER] = {.name = "receiver that is not here",
                      .kind = COL_RECEIVER,
                      .schema = any,
                      .create = create,
                      .signals = COL_ALL_SIGNALS,
                      .drain = drain,
                      .free = otl_mem_free},
    [COL_PROCESSOR] = {.name = "processor that is not here",
                       .kind = COL_PROCESSOR,
                       .schema = any,
                       .create = create,
                       .consume = pass,
                       .signals = COL_ALL_SIGNALS,
                       .free = otl_mem_free},
    [COL_EXPORTER] = {.name = "exporter that is not here",
                      .kind = COL_EXPORTER,
                      .schema = any,
                      .create = create,
                      .consume = sink,
                      .signals = COL_ALL_SIGNALS,
                      .free = otl_mem_free},
    [COL_CONNECTOR] = {.name = "connector that is not here",
                       .kind = COL_CONNECTOR,
                       .schema = any,
                       .create = create,
                       .consume = sink,
                       .signals = COL_ALL_SIGNALS,
                       .free = otl_mem_free},
    [COL_EXTENSION] = {.name = "extension that is not here",
                       .kind = COL_EXTENSION,
                       .schema = any,
                       .create = create,
                       .free = otl_mem_free},
};

const struct col_component_type *col_stand_in(enum col_kind kind)
{
    return &stand_ins[kind];
}
