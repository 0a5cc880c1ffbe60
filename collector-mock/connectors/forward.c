/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/pipeline/registry.h"
#include "sdk/base/mem.h"

/* forward connector: joins pipelines, changes nothing. */

static const struct otl_schema keys[] = {OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    struct col_consumer *next = otl_mem_alloc(sizeof(*next));

    if (next == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    *next = args->next;
    *ret = next;
    return OTEL_OK;
}

static enum otel_err consume(void *self, const struct col_batch *batch, struct otl_detail *reterr)
{
    struct col_consumer *next = self;

    return next->consume(next->self, batch, reterr);
}

const struct col_component_type col_forward_connector = {
    .name = "forward",
    .kind = COL_CONNECTOR,
    .schema = row,
    .create = create,
    .consume = consume,
    .signals = COL_ALL_SIGNALS,
    .free = otl_mem_free,
};
