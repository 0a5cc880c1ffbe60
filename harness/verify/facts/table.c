/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/facts/table.h"

#include <string.h>

#include "sdk/base/mem.h"

enum otel_err hx_table_init(struct hx_table *table, size_t keys)
{
    size_t slots = 16;

    memset(table, 0, sizeof *table);
    while (slots / 4 * 3 < keys)
        slots *= 2;
    table->keys = otl_mem_alloc(slots * sizeof *table->keys);
    table->rows = otl_mem_alloc(slots * sizeof *table->rows);
    if (table->keys == NULL || table->rows == NULL) {
        hx_table_fini(table);
        return OTEL_ERR_MEMORY;
    }
    memset(table->rows, 0xff, slots * sizeof *table->rows);
    table->mask = slots - 1;
    table->room = keys;
    return OTEL_OK;
}

void hx_table_fini(struct hx_table *table)
{
    otl_mem_free(table->keys);
    otl_mem_free(table->rows);
    memset(table, 0, sizeof *table);
}
