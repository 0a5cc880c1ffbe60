/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/tail/table.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "sdk/base/mem.h"
#include "sdk/base/random.h"

enum { FIRST_ROOM = 256 };

/* ---- slots: open addressing, linear, at most half full ---- */

static uint32_t home_of(const struct col_tail_table *table, const uint8_t id[16])
{
    return (uint32_t)XXH3_64bits_withSeed(id, 16, table->seed) & table->slot_mask;
}

static void put_slot(struct col_tail_table *table, uint32_t at)
{
    uint32_t slot = home_of(table, table->traces[at].id);

    while (table->slots[slot] != 0)
        slot = (slot + 1) & table->slot_mask;
    table->slots[slot] = at + 1;
}

/* What stands behind the hole moves up, so that no chain is broken. */
static void clear_slot(struct col_tail_table *table, uint32_t at)
{
    uint32_t mask = table->slot_mask, hole = home_of(table, table->traces[at].id), slot;

    while (table->slots[hole] != at + 1)
        hole = (hole + 1) & mask;
    for (slot = (hole + 1) & mask; table->slots[slot] != 0; slot = (slot + 1) & mask) {
        uint32_t home = home_of(table, table->traces[table->slots[slot] - 1].id);
        if (((slot - home) & mask) >= ((slot - hole) & mask)) {
            table->slots[hole] = table->slots[slot];
            hole = slot;
        }
    }
    table->slots[hole] = 0;
}

static enum otel_err make_room(struct col_tail_table *table, uint32_t room)
{
    uint32_t slots = FIRST_ROOM * 2, *fresh;
    struct col_tail_trace *traces =
        otl_mem_realloc(table->traces, (size_t)room * sizeof(*traces));

    if (traces == NULL)
        return OTEL_ERR_MEMORY;
    table->traces = traces;
    while (slots / 2 < room)
        slots *= 2;
    fresh = otl_mem_zalloc((size_t)slots * sizeof(*fresh));
    if (fresh == NULL)
        return OTEL_ERR_MEMORY;
    otl_mem_free(table->slots);
    table->slots = fresh;
    table->slot_mask = slots - 1;
    table->room = room;
    for (uint32_t at = table->oldest; at != COL_TAIL_NONE; at = table->traces[at].newer)
        put_slot(table, at);
    return OTEL_OK;
}

enum otel_err col_tail_table_init(struct col_tail_table *table, uint32_t max, uint32_t waits,
                                  uint32_t expected)
{
    uint32_t room = expected > max ? max : expected;

    memset(table, 0, sizeof(*table));
    table->max = max;
    table->seed = otl_random_os_seed();
    table->free = table->oldest = table->newest = table->open = COL_TAIL_NONE;
    table->take = 1;
    table->bucket_count = waits + 1;
    table->buckets = otl_mem_alloc(table->bucket_count * sizeof(*table->buckets));
    if (table->buckets == NULL)
        return OTEL_ERR_MEMORY;
    memset(table->buckets, 0xff, table->bucket_count * sizeof(*table->buckets));
    if (room < FIRST_ROOM)
        room = max < FIRST_ROOM ? max : FIRST_ROOM;
    if (make_room(table, room) != OTEL_OK) {
        col_tail_table_fini(table);
        return OTEL_ERR_MEMORY;
    }
    return OTEL_OK;
}

void col_tail_table_fini(struct col_tail_table *table)
{
    otl_mem_free(table->traces);
    otl_mem_free(table->slots);
    otl_mem_free(table->buckets);
    memset(table, 0, sizeof(*table));
}

uint32_t col_tail_find(const struct col_tail_table *table, const uint8_t id[16])
{
    uint32_t slot = home_of(table, id), at;

    for (; (at = table->slots[slot]) != 0; slot = (slot + 1) & table->slot_mask)
        if (memcmp(table->traces[at - 1].id, id, 16) == 0)
            return at - 1;
    return COL_TAIL_NONE;
}

/* ---- buckets: a trace of tick n is in buckets[n % count] ---- */

static void plan(struct col_tail_table *table, uint32_t at, uint32_t tick)
{
    struct col_tail_trace *trace = &table->traces[at];
    struct col_tail_bucket *bucket = &table->buckets[tick % table->bucket_count];

    trace->bucket = tick;
    trace->after = COL_TAIL_NONE;
    trace->before = bucket->last;
    *(bucket->last != COL_TAIL_NONE ? &table->traces[bucket->last].after : &bucket->first) = at;
    bucket->last = at;
}

void col_tail_unplan(struct col_tail_table *table, uint32_t at)
{
    struct col_tail_trace *trace = &table->traces[at];
    struct col_tail_bucket *bucket;

    if (trace->bucket == 0)
        return;
    bucket = &table->buckets[trace->bucket % table->bucket_count];
    *(trace->before != COL_TAIL_NONE ? &table->traces[trace->before].after : &bucket->first) =
        trace->after;
    *(trace->after != COL_TAIL_NONE ? &table->traces[trace->after].before : &bucket->last) =
        trace->before;
    trace->bucket = 0;
}

void col_tail_sooner(struct col_tail_table *table, uint32_t at, uint32_t ticks)
{
    uint32_t tick = table->take + ticks;

    if (table->traces[at].bucket == 0 || tick >= table->traces[at].bucket)
        return;
    col_tail_unplan(table, at);
    plan(table, at, tick);
}

uint32_t col_tail_tick_take(struct col_tail_table *table)
{
    struct col_tail_bucket *bucket = &table->buckets[table->take % table->bucket_count];
    uint32_t first = bucket->first;

    bucket->first = bucket->last = COL_TAIL_NONE;
    for (uint32_t at = first; at != COL_TAIL_NONE; at = table->traces[at].after)
        table->traces[at].bucket = 0;
    table->take++;
    return first;
}

bool col_tail_planned(const struct col_tail_table *table)
{
    for (uint32_t i = 0; i < table->bucket_count; i++)
        if (table->buckets[i].first != COL_TAIL_NONE)
            return true;
    return false;
}

/* ---- traces ---- */

enum otel_err col_tail_add(struct col_tail_table *table, const uint8_t id[16], uint32_t *ret)
{
    struct col_tail_trace *trace;
    uint32_t at = table->free;

    if (at == COL_TAIL_NONE && table->used == table->room) {
        uint32_t room = table->room > table->max / 2 ? table->max : table->room * 2;
        enum otel_err err = make_room(table, room);
        if (err != OTEL_OK)
            return err;
    }
    if (at == COL_TAIL_NONE)
        at = table->used++;
    else
        table->free = table->traces[at].newer;
    trace = &table->traces[at];
    memset(trace, 0, sizeof(*trace));
    memcpy(trace->id, id, 16);
    trace->newer = COL_TAIL_NONE;
    trace->older = table->newest;
    *(table->newest != COL_TAIL_NONE ? &table->traces[table->newest].newer : &table->oldest) = at;
    table->newest = at;
    if (table->open == COL_TAIL_NONE)
        table->open = at;
    table->count++;
    put_slot(table, at);
    plan(table, at, table->take + table->bucket_count - 1);
    *ret = at;
    return OTEL_OK;
}

uint32_t col_tail_oldest_open(struct col_tail_table *table)
{
    while (table->open != COL_TAIL_NONE &&
           table->traces[table->open].decision != COL_TAIL_UNDECIDED)
        table->open = table->traces[table->open].newer;
    return table->open;
}

void col_tail_remove(struct col_tail_table *table, uint32_t at)
{
    struct col_tail_trace *trace = &table->traces[at];

    if (table->open == at)
        table->open = trace->newer;
    col_tail_unplan(table, at);
    clear_slot(table, at);
    *(trace->older != COL_TAIL_NONE ? &table->traces[trace->older].newer : &table->oldest) =
        trace->newer;
    *(trace->newer != COL_TAIL_NONE ? &table->traces[trace->newer].older : &table->newest) =
        trace->older;
    trace->newer = table->free;
    table->free = at;
    table->count--;
}
