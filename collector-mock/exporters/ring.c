/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/ring.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "sdk/base/mem.h"

enum { FREE = UINT16_MAX, PROBES_MAX = 10 };

struct col_ring {
    size_t size;
    /* by place: who has it while the ring is made, then who the next point upwards belongs to */
    uint16_t owners[COL_RING_POSITIONS];
};

struct point {
    const char *endpoint;
    uint32_t hash;
    uint16_t index;
};

uint32_t col_ring_key(const void *key, size_t len)
{
    return (uint32_t)(crc32_z(0, key, len) % COL_RING_POSITIONS);
}

static uint32_t hash_of(const char *endpoint, unsigned i)
{
    const uint8_t number[4] = {(uint8_t)i, (uint8_t)(i >> 8)};
    uLong crc = crc32_z(0, (const Bytef *)endpoint, strlen(endpoint));

    return (uint32_t)crc32_z(crc, number, sizeof(number));
}

uint32_t col_ring_point(const char *endpoint, unsigned i)
{
    return hash_of(endpoint, i) % COL_RING_POSITIONS;
}

static int by_place(const void *a, const void *b)
{
    const struct point *left = a, *right = b;
    uint32_t x = left->hash % COL_RING_POSITIONS, y = right->hash % COL_RING_POSITIONS;

    if (x != y)
        return x < y ? -1 : 1;
    if (left->hash != right->hash)
        return left->hash < right->hash ? -1 : 1;
    return strcmp(left->endpoint, right->endpoint);
}

/* One that finds its place taken goes on upwards, and gives up at the tenth step, free or not. */
static void take_place(struct col_ring *ring, const struct point *point)
{
    uint32_t at = point->hash % COL_RING_POSITIONS;
    int steps = 0;

    while (ring->owners[at] != FREE && steps < PROBES_MAX) {
        at = (at + 1) % COL_RING_POSITIONS;
        steps++;
    }
    if (steps == PROBES_MAX)
        return;
    ring->owners[at] = point->index;
    ring->size++;
}

/* Give every free place to the next taken one upwards. */
static void fill(struct col_ring *ring)
{
    uint16_t next = FREE;

    for (size_t i = 0; next == FREE; i++)
        next = ring->owners[i]; /* what comes after the last one: the first */
    for (size_t i = COL_RING_POSITIONS; i > 0; i--) {
        if (ring->owners[i - 1] == FREE)
            ring->owners[i - 1] = next;
        next = ring->owners[i - 1];
    }
}

enum otel_err col_ring_new(const char *const *endpoints, size_t count, struct col_ring **ret)
{
    struct point *points;
    struct col_ring *ring;

    if (count == 0)
        return OTEL_ERR_ARGUMENT;
    if (count > COL_RING_ENDPOINTS_MAX)
        return OTEL_ERR_LIMIT;
    points = otl_mem_alloc(count * COL_RING_POINTS * sizeof(*points));
    ring = otl_mem_zalloc(sizeof(*ring));
    if (points == NULL || ring == NULL) {
        otl_mem_free(points);
        otl_mem_free(ring);
        return OTEL_ERR_MEMORY;
    }
    for (size_t i = 0; i < count * COL_RING_POINTS; i++) {
        size_t owner = i / COL_RING_POINTS;
        points[i] = (struct point){endpoints[owner],
                                   hash_of(endpoints[owner], (unsigned)(i % COL_RING_POINTS)),
                                   (uint16_t)owner};
    }
    qsort(points, count * COL_RING_POINTS, sizeof(*points), by_place);
    for (size_t i = 0; i < COL_RING_POSITIONS; i++)
        ring->owners[i] = FREE;
    for (size_t i = 0; i < count * COL_RING_POINTS; i++)
        take_place(ring, &points[i]);
    fill(ring);
    otl_mem_free(points);
    *ret = ring;
    return OTEL_OK;
}

void col_ring_free(struct col_ring *ring)
{
    otl_mem_free(ring);
}

size_t col_ring_endpoint(const struct col_ring *ring, const void *key, size_t len)
{
    return ring->owners[col_ring_key(key, len)];
}

size_t col_ring_size(const struct col_ring *ring)
{
    return ring->size;
}
