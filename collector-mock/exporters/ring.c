/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/ring.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "sdk/base/mem.h"

enum { FREE = UINT16_MAX };

struct col_ring {
    size_t size;
    /* by place: who has it while the ring is made, then who the next point upwards belongs to */
    uint16_t owners[COL_RING_POSITIONS];
};

struct endpoint {
    const char *text;
    uint16_t index;
};

uint32_t col_ring_key(const void *key, size_t len)
{
    return (uint32_t)(crc32_z(0, key, len) % COL_RING_POSITIONS);
}

uint32_t col_ring_point(const char *endpoint, unsigned i)
{
    const uint8_t byte = (uint8_t)i;
    uLong crc = crc32_z(0, (const Bytef *)endpoint, strlen(endpoint));

    return (uint32_t)(crc32_z(crc, &byte, 1) % COL_RING_POSITIONS);
}

static int by_text(const void *a, const void *b)
{
    const struct endpoint *left = a, *right = b;

    return strcmp(left->text, right->text);
}

static void take_places(struct col_ring *ring, const struct endpoint *endpoint)
{
    for (unsigned i = 0; i < COL_RING_POINTS; i++) {
        uint32_t at = col_ring_point(endpoint->text, i);
        if (ring->owners[at] != FREE)
            continue;
        ring->owners[at] = endpoint->index;
        ring->size++;
    }
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
    struct endpoint *sorted;
    struct col_ring *ring;

    if (count == 0)
        return OTEL_ERR_ARGUMENT;
    if (count > COL_RING_ENDPOINTS_MAX)
        return OTEL_ERR_LIMIT;
    sorted = otl_mem_alloc(count * sizeof(*sorted));
    ring = otl_mem_zalloc(sizeof(*ring));
    if (sorted == NULL || ring == NULL) {
        otl_mem_free(sorted);
        otl_mem_free(ring);
        return OTEL_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct endpoint){endpoints[i], (uint16_t)i};
    qsort(sorted, count, sizeof(*sorted), by_text);
    for (size_t i = 0; i < COL_RING_POSITIONS; i++)
        ring->owners[i] = FREE;
    for (size_t i = 0; i < count; i++)
        take_places(ring, &sorted[i]);
    fill(ring);
    otl_mem_free(sorted);
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
