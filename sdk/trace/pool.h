/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_POOL_H
#define OTL_POOL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Pool of blocks of one size, with bounded caches for threads.
 *
 * Life      init -> get/put... -> fini, when every block is back. Blocks come from slabs that are
 *           allocated when needed and kept until fini.
 * Threads   the pool locks; a cache belongs to one thread. Blocks may be put by another thread
 *           than the one that got them.
 * Memory    slabs of OTL_POOL_SLAB blocks, aligned to 64 bytes, touched when they are made.
 * Limits    max_blocks in all; a cache holds at most OTL_POOL_CACHE blocks.
 */

enum { OTL_POOL_SLAB = 64, OTL_POOL_CACHE = 64, OTL_POOL_REFILL = 32 };

/* The first word of a free block. */
struct otl_block {
    struct otl_block *next;
};

struct otl_pool {
    pthread_mutex_t lock;
    struct otl_block *free;
    void *slabs; /* linked by their first word */
    size_t block_size;
    size_t max_blocks;
    size_t made;
};

struct otl_pool_cache {
    struct otl_block *free;
    size_t count;
};

void otl_pool_init(struct otl_pool *pool, size_t block_size, size_t max_blocks);
void otl_pool_fini(struct otl_pool *pool);
/* In the child of a fork: be as new; what was inherited is abandoned. */
void otl_pool_forked(struct otl_pool *pool);
void otl_pool_allow(struct otl_pool *pool, size_t more_blocks);

/* Slow paths of the two below. */
struct otl_block *otl_pool_refill(struct otl_pool *pool, struct otl_pool_cache *cache);
void otl_pool_spill(struct otl_pool *pool, struct otl_pool_cache *cache, size_t keep);
/* Give back a list of blocks at once. */
void otl_pool_put_list(struct otl_pool *pool, struct otl_block *first, struct otl_block *last);

/* NULL: the maximum is reached, or no memory. */
static inline void *otl_pool_get(struct otl_pool *pool, struct otl_pool_cache *cache)
{
    struct otl_block *block = cache->free;

    if (__builtin_expect(block == NULL, 0)) {
        block = otl_pool_refill(pool, cache);
        if (block == NULL)
            return NULL;
    }
    cache->free = block->next;
    cache->count--;
    return block;
}

static inline void otl_pool_put(struct otl_pool *pool, struct otl_pool_cache *cache, void *memory)
{
    struct otl_block *block = memory;

    block->next = cache->free;
    cache->free = block;
    if (__builtin_expect(++cache->count > OTL_POOL_CACHE, 0))
        otl_pool_spill(pool, cache, OTL_POOL_CACHE / 2);
}

#endif
