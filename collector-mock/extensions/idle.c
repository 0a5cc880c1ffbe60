/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/pipeline/registry.h"
#include "sdk/base/mem.h"

/* pprof and zpages: accepted because configurations have them; they look into a Go program. */

static const struct otl_schema any_key[] = {
    {.key = "*", .type = OTL_SCHEMA_ANY, .nullable = true}, OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = any_key},
                                        OTL_SCHEMA_END};

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    *ret = otl_mem_alloc(1);
    if (*ret == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    otl_log_line(&args->host->log, OTL_LOG_WARN,
                 "extension '%s': accepted and without effect here; nothing listens", args->id);
    return OTEL_OK;
}

const struct col_component_type col_pprof_extension = {
    .name = "pprof", .kind = COL_EXTENSION, .schema = row, .create = create, .free = otl_mem_free};
const struct col_component_type col_zpages_extension = {
    .name = "zpages",
    .kind = COL_EXTENSION,
    .schema = row,
    .create = create,
    .free = otl_mem_free};
