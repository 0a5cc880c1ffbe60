/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/ledger/drops.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "harness/ledger/map.h"
#include "sdk/base/clock.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

enum { DEFAULT_CAPACITY = 65536 };

_Static_assert(sizeof(struct hx_drop_header) == 64, "format.h fixes the size");
_Static_assert(sizeof(struct hx_drop_row) == 40, "format.h fixes the size");

struct hx_drops {
    struct hx_drop_header *header;
    struct hx_drop_row *rows;
    uint64_t capacity;
    size_t bytes;
    char path[PATH_MAX];
};

enum otel_err hx_drops_new(const struct hx_drops_options *options, struct hx_drops **ret,
                           struct otl_detail *reterr)
{
    struct hx_drops *drops = otl_mem_zalloc(sizeof(*drops));
    void *map = NULL;
    enum otel_err err;

    if (drops == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a drop record");
    err = otl_make_dirs(options->dir, reterr);
    if (err != OTEL_OK)
        goto fail;
    drops->capacity = options->capacity != 0 ? options->capacity : DEFAULT_CAPACITY;
    drops->bytes = sizeof(*drops->header) + drops->capacity * sizeof(*drops->rows);
    snprintf(drops->path, sizeof(drops->path), "%s/%s.%u.drops", options->dir, options->instance,
             options->incarnation);
    err = hx_map_create(drops->path, drops->bytes, &map, reterr);
    if (err != OTEL_OK)
        goto fail;
    drops->header = map;
    drops->rows = (struct hx_drop_row *)(drops->header + 1);
    drops->header->version = HX_LED_VERSION;
    drops->header->process = options->process;
    drops->header->capacity = drops->capacity;
    memcpy(drops->header->magic, HX_DROP_MAGIC, sizeof(drops->header->magic));
    *ret = drops;
    return OTEL_OK;

fail:
    otl_mem_free(drops);
    return err;
}

void hx_drops_free(struct hx_drops *drops)
{
    uint64_t count;

    if (drops == NULL)
        return;
    count = hx_drops_count(drops);
    if (count > drops->capacity)
        count = drops->capacity;
    hx_map_close(drops->header, drops->bytes, drops->path,
                 sizeof(*drops->header) + count * sizeof(*drops->rows));
    otl_mem_free(drops);
}

static void add_row(struct hx_drops *drops, const uint8_t trace_id[16], const uint8_t span_id[8],
                    uint32_t spans, enum hx_drop_reason reason)
{
    _Atomic uint64_t *count = (_Atomic uint64_t *)&drops->header->count;
    uint64_t index = atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
    struct hx_drop_row *row;

    if (index >= drops->capacity)
        return;
    row = &drops->rows[index];
    memcpy(row->trace_id, trace_id, sizeof(row->trace_id));
    memcpy(row->span_id, span_id, sizeof(row->span_id));
    row->count = spans;
    row->mono_ns = otl_clock_mono(otl_clock_real());
    atomic_store_explicit((_Atomic uint32_t *)&row->reason, (uint32_t)reason,
                          memory_order_release);
}

void hx_drops_add(struct hx_drops *drops, const uint8_t trace_id[16], const uint8_t span_id[8],
                  enum hx_drop_reason reason)
{
    add_row(drops, trace_id, span_id, 1, reason);
}

void hx_drops_add_unnamed(struct hx_drops *drops, uint64_t count, enum hx_drop_reason reason)
{
    static const uint8_t nobody[16];

    while (count > 0) {
        uint32_t spans = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;

        add_row(drops, nobody, nobody, spans, reason);
        count -= spans;
    }
}

uint64_t hx_drops_count(const struct hx_drops *drops)
{
    return atomic_load_explicit((_Atomic uint64_t *)&drops->header->count, memory_order_relaxed);
}
