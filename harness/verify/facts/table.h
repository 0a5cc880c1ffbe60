/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TABLE_H
#define HX_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include <otel/err.h>

/*
 * Table from 64-bit keys to row numbers: open addressing, linear probing, made for its size.
 *
 * Life      init for so many keys -> put, get -> fini.
 * Threads   one owner.
 * Memory    12 bytes a slot, 1.33 to 2.67 slots a key.
 * Limits    never more keys than init was told (put beyond is refused: HX_NONE comes back).
 */

#define HX_NONE UINT32_MAX

struct hx_table {
    uint64_t *keys;
    uint32_t *rows; /* HX_NONE: free */
    size_t mask;
    size_t room; /* keys that may still be put */
};

OTEL_MUST_USE enum otel_err hx_table_init(struct hx_table *table, size_t keys);
void hx_table_fini(struct hx_table *table);

/* Mixes well enough that neighbouring keys do not pile up. */
static inline size_t hx_table_slot(const struct hx_table *table, uint64_t key)
{
    uint64_t h = key * UINT64_C(0x9e3779b97f4a7c15);

    return (size_t)(h ^ (h >> 32)) & table->mask;
}

static inline uint32_t hx_table_get(const struct hx_table *table, uint64_t key)
{
    size_t at = hx_table_slot(table, key);

    while (table->rows[at] != HX_NONE && table->keys[at] != key)
        at = (at + 1) & table->mask;
    return table->rows[at];
}

/* Returns the row that the key had before and still has, or row when it was new. */
static inline uint32_t hx_table_put(struct hx_table *table, uint64_t key, uint32_t row)
{
    size_t at = hx_table_slot(table, key);

    while (table->rows[at] != HX_NONE && table->keys[at] != key)
        at = (at + 1) & table->mask;
    if (table->rows[at] != HX_NONE)
        return table->rows[at];
    if (table->room == 0)
        return HX_NONE;
    table->room--;
    table->keys[at] = key;
    table->rows[at] = row;
    return row;
}

#endif
