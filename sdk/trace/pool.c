/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/trace/pool.h"

#include "sdk/base/mem.h"

enum { ALIGN = 64 };

void otl_pool_init(struct otl_pool *pool, size_t block_size, size_t max_blocks)
{
    pthread_mutex_init(&pool->lock, NULL);
    pool->free = NULL;
    pool->slabs = NULL;
    pool->block_size = block_size;
    pool->max_blocks = max_blocks;
    pool->made = 0;
}

void otl_pool_fini(struct otl_pool *pool)
{
    void *slab = pool->slabs;

    while (slab != NULL) {
        void *next = *(void **)slab;
        otl_mem_free(slab);
        slab = next;
    }
    pthread_mutex_destroy(&pool->lock);
}

void otl_pool_forked(struct otl_pool *pool)
{
    otl_pool_init(pool, pool->block_size, pool->max_blocks);
}

void otl_pool_allow(struct otl_pool *pool, size_t more_blocks)
{
    pthread_mutex_lock(&pool->lock);
    pool->max_blocks += more_blocks;
    pthread_mutex_unlock(&pool->lock);
}

/* Writes to every block, so that no page of it is touched for the first time on a hot path. */
static void add_slab_locked(struct otl_pool *pool)
{
    size_t count = pool->max_blocks - pool->made;
    char *slab, *at;

    if (count > OTL_POOL_SLAB)
        count = OTL_POOL_SLAB;
    if (count == 0)
        return;
    slab = otl_mem_alloc(sizeof(void *) + ALIGN + count * pool->block_size);
    if (slab == NULL)
        return;
    *(void **)slab = pool->slabs;
    pool->slabs = slab;
    at = slab + sizeof(void *);
    at += (ALIGN - (uintptr_t)at % ALIGN) % ALIGN;
    for (size_t i = count; i-- > 0;) {
        struct otl_block *block = (struct otl_block *)(void *)(at + i * pool->block_size);
        block->next = pool->free;
        pool->free = block;
    }
    pool->made += count;
}

struct otl_block *otl_pool_refill(struct otl_pool *pool, struct otl_pool_cache *cache)
{
    pthread_mutex_lock(&pool->lock);
    if (pool->free == NULL)
        add_slab_locked(pool);
    while (pool->free != NULL && cache->count < OTL_POOL_REFILL) {
        struct otl_block *block = pool->free;
        pool->free = block->next;
        block->next = cache->free;
        cache->free = block;
        cache->count++;
    }
    pthread_mutex_unlock(&pool->lock);
    return cache->free;
}

void otl_pool_spill(struct otl_pool *pool, struct otl_pool_cache *cache, size_t keep)
{
    struct otl_block *first = cache->free, *last = NULL;

    while (cache->count > keep) {
        last = cache->free;
        cache->free = last->next;
        cache->count--;
    }
    if (last != NULL)
        otl_pool_put_list(pool, first, last);
}

void otl_pool_put_list(struct otl_pool *pool, struct otl_block *first, struct otl_block *last)
{
    pthread_mutex_lock(&pool->lock);
    last->next = pool->free;
    pool->free = first;
    pthread_mutex_unlock(&pool->lock);
}
