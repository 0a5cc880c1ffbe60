/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/tail/lru.h"

#include <stddef.h>
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/base/random.h"

enum { NONE = UINT32_MAX, FIRST_ROOM = 64 };

struct node {
    uint64_t key;
    uint32_t word;
    uint32_t older, newer;
    uint32_t next; /* of the same slot */
};

struct col_lru {
    struct node *nodes;
    uint32_t *slots;
    uint32_t size, count, room; /* room: of both arrays, a power of two */
    uint32_t oldest, newest;
    uint64_t seed;
};

static uint32_t slot_of(const struct col_lru *lru, uint64_t key)
{
    return (uint32_t)(otl_random_mix(lru->seed, key) >> 32) & (lru->room - 1);
}

static void link_slot(struct col_lru *lru, uint32_t at)
{
    uint32_t slot = slot_of(lru, lru->nodes[at].key);

    lru->nodes[at].next = lru->slots[slot];
    lru->slots[slot] = at;
}

static void unlink_slot(struct col_lru *lru, uint32_t at)
{
    uint32_t *link = &lru->slots[slot_of(lru, lru->nodes[at].key)];

    while (*link != at)
        link = &lru->nodes[*link].next;
    *link = lru->nodes[at].next;
}

static void unlink_age(struct col_lru *lru, uint32_t at)
{
    struct node *node = &lru->nodes[at];

    *(node->older != NONE ? &lru->nodes[node->older].newer : &lru->oldest) = node->newer;
    *(node->newer != NONE ? &lru->nodes[node->newer].older : &lru->newest) = node->older;
}

static void link_newest(struct col_lru *lru, uint32_t at)
{
    struct node *node = &lru->nodes[at];

    node->newer = NONE;
    node->older = lru->newest;
    *(lru->newest != NONE ? &lru->nodes[lru->newest].newer : &lru->oldest) = at;
    lru->newest = at;
}

static enum otel_err grow(struct col_lru *lru)
{
    uint32_t room = lru->room > 0 ? lru->room * 2 : FIRST_ROOM;
    struct node *nodes = otl_mem_realloc(lru->nodes, room * sizeof(*nodes));
    uint32_t *slots;

    if (nodes == NULL)
        return OTEL_ERR_MEMORY;
    lru->nodes = nodes;
    slots = otl_mem_alloc(room * sizeof(*slots));
    if (slots == NULL)
        return OTEL_ERR_MEMORY;
    otl_mem_free(lru->slots);
    lru->slots = slots;
    lru->room = room;
    memset(slots, 0xff, room * sizeof(*slots));
    for (uint32_t i = 0; i < lru->count; i++)
        link_slot(lru, i);
    return OTEL_OK;
}

enum otel_err col_lru_new(uint32_t size, struct col_lru **ret)
{
    struct col_lru *lru = otl_mem_zalloc(sizeof(*lru));

    if (lru == NULL)
        return OTEL_ERR_MEMORY;
    lru->size = size;
    lru->oldest = lru->newest = NONE;
    lru->seed = otl_random_os_seed();
    if (grow(lru) != OTEL_OK) {
        col_lru_free(lru);
        return OTEL_ERR_MEMORY;
    }
    *ret = lru;
    return OTEL_OK;
}

void col_lru_free(struct col_lru *lru)
{
    if (lru == NULL)
        return;
    otl_mem_free(lru->nodes);
    otl_mem_free(lru->slots);
    otl_mem_free(lru);
}

static uint32_t find(const struct col_lru *lru, uint64_t key)
{
    uint32_t at = lru->slots[slot_of(lru, key)];

    while (at != NONE && lru->nodes[at].key != key)
        at = lru->nodes[at].next;
    return at;
}

bool col_lru_get(struct col_lru *lru, uint64_t key, uint32_t *ret_word)
{
    uint32_t at = find(lru, key);

    if (at == NONE)
        return false;
    unlink_age(lru, at);
    link_newest(lru, at);
    *ret_word = lru->nodes[at].word;
    return true;
}

enum otel_err col_lru_put(struct col_lru *lru, uint64_t key, uint32_t word)
{
    uint32_t at = find(lru, key);

    if (at != NONE) {
        unlink_age(lru, at);
    } else {
        if (lru->count == lru->size) {
            at = lru->oldest;
            unlink_age(lru, at);
            unlink_slot(lru, at);
        } else if (lru->count == lru->room && grow(lru) != OTEL_OK) {
            return OTEL_ERR_MEMORY;
        } else {
            at = lru->count++;
        }
        lru->nodes[at].key = key;
        link_slot(lru, at);
    }
    lru->nodes[at].word = word;
    link_newest(lru, at);
    return OTEL_OK;
}

uint32_t col_lru_count(const struct col_lru *lru)
{
    return lru->count;
}
