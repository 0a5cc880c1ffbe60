/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/pipeline/registry.h"
#include "sdk/base/mem.h"

/* nop exporter: takes everything, keeps nothing. */

static const struct otl_schema keys[] = {OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    void *self = otl_mem_alloc(1);

    (void)args;
    if (self == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    *ret = self;
    return OTEL_OK;
}

static enum otel_err consume(void *self, const struct col_batch *batch, struct otl_detail *reterr)
{
    (void)self;
    (void)batch;
    (void)reterr;
    return OTEL_OK;
}

const struct col_component_type col_nop_exporter = {
    .name = "nop",
    .kind = COL_EXPORTER,
    .schema = row,
    .create = create,
    .consume = consume,
    .signals = COL_ALL_SIGNALS,
    .free = otl_mem_free,
};
