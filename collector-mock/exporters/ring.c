/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/ring.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "sdk/base/mem.h"

enum { FREE = UINT16_MAX };

/* The newest first. */
static const struct col_ring_rule rules[] = {
    {.since = 157, .positions = 131071, .points = 200, .number_bytes = 4, .steps = 10,
     .by_place = true},
    {.since = 130, .positions = 36000, .points = 100, .number_bytes = 4, .steps = 10},
    {.since = 0, .positions = 36000, .points = 100, .number_bytes = 1, .steps = 0},
};

struct col_ring {
    const struct col_ring_rule *rule;
    size_t size;
    /* by place: who has it while the ring is made, then who the next point upwards belongs to */
    uint16_t owners[];
};

struct point {
    const char *endpoint;
    uint32_t hash, place;
    uint16_t index, number;
};

const struct col_ring_rule *col_ring_rule(unsigned as_version)
{
    const struct col_ring_rule *rule = rules;

    while (as_version != 0 && as_version < rule->since)
        rule++;
    return rule;
}

uint32_t col_ring_key(const struct col_ring_rule *rule, const void *key, size_t len)
{
    return (uint32_t)(crc32_z(0, key, len) % rule->positions);
}

static uint32_t hash_of(const struct col_ring_rule *rule, const char *endpoint, unsigned i)
{
    const uint8_t number[4] = {(uint8_t)i, (uint8_t)(i >> 8)};
    uLong crc = crc32_z(0, (const Bytef *)endpoint, strlen(endpoint));

    return (uint32_t)crc32_z(crc, number, rule->number_bytes);
}

uint32_t col_ring_point(const struct col_ring_rule *rule, const char *endpoint, unsigned i)
{
    return hash_of(rule, endpoint, i) % rule->positions;
}

static int by_place(const void *a, const void *b)
{
    const struct point *left = a, *right = b;

    if (left->place != right->place)
        return left->place < right->place ? -1 : 1;
    if (left->hash != right->hash)
        return left->hash < right->hash ? -1 : 1;
    return strcmp(left->endpoint, right->endpoint);
}

static int by_text(const void *a, const void *b)
{
    const struct point *left = a, *right = b;
    int order = strcmp(left->endpoint, right->endpoint);

    return order != 0 ? order : (int)left->number - (int)right->number;
}

/* One that finds its place taken goes on upwards, and gives up at the last step, free or not. */
static void take_place(struct col_ring *ring, const struct point *point)
{
    uint32_t at = point->place;
    unsigned steps = 0;

    while (ring->owners[at] != FREE && steps < ring->rule->steps) {
        at = (at + 1) % ring->rule->positions;
        steps++;
    }
    if (ring->owners[at] != FREE || (steps > 0 && steps == ring->rule->steps))
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
    for (size_t i = ring->rule->positions; i > 0; i--) {
        if (ring->owners[i - 1] == FREE)
            ring->owners[i - 1] = next;
        next = ring->owners[i - 1];
    }
}

static void make_points(const struct col_ring_rule *rule, const char *const *endpoints,
                        size_t count, struct point *out)
{
    for (size_t i = 0; i < count * rule->points; i++) {
        size_t owner = i / rule->points, number = i % rule->points;
        uint32_t hash = hash_of(rule, endpoints[owner], (unsigned)number);
        out[i] = (struct point){endpoints[owner], hash, hash % rule->positions, (uint16_t)owner,
                                (uint16_t)number};
    }
    qsort(out, count * rule->points, sizeof(*out), rule->by_place ? by_place : by_text);
}

enum otel_err col_ring_new(const struct col_ring_rule *rule, const char *const *endpoints,
                           size_t count, struct col_ring **ret)
{
    struct point *points;
    struct col_ring *ring;

    if (count == 0)
        return OTEL_ERR_ARGUMENT;
    if (count > COL_RING_ENDPOINTS_MAX)
        return OTEL_ERR_LIMIT;
    points = otl_mem_alloc(count * rule->points * sizeof(*points));
    ring = otl_mem_zalloc(sizeof(*ring) + rule->positions * sizeof(ring->owners[0]));
    if (points == NULL || ring == NULL) {
        otl_mem_free(points);
        otl_mem_free(ring);
        return OTEL_ERR_MEMORY;
    }
    ring->rule = rule;
    make_points(rule, endpoints, count, points);
    for (size_t i = 0; i < rule->positions; i++)
        ring->owners[i] = FREE;
    for (size_t i = 0; i < count * rule->points; i++)
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
    return ring->owners[col_ring_key(ring->rule, key, len)];
}

size_t col_ring_size(const struct col_ring *ring)
{
    return ring->size;
}
