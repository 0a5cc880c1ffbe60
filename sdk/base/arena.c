/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "sdk/base/mem.h"

enum { CHUNK_SIZE = 16 * 1024 };

struct otl_arena_chunk {
    struct otl_arena_chunk *next;
    size_t size;
    alignas(max_align_t) unsigned char data[];
};

void otl_arena_init(struct otl_arena *arena, size_t max)
{
    memset(arena, 0, sizeof(*arena));
    arena->max = max;
}

static void free_chunks(struct otl_arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct otl_arena_chunk *next = chunk->next;
        otl_mem_free(chunk);
        chunk = next;
    }
}

void otl_arena_fini(struct otl_arena *arena)
{
    if (arena == NULL)
        return;
    free_chunks(arena->chunks);
    otl_arena_init(arena, arena->max);
}

void otl_arena_reset(struct otl_arena *arena)
{
    if (arena->chunks == NULL)
        return;
    free_chunks(arena->chunks->next);
    arena->chunks->next = NULL;
    arena->used = 0;
    arena->total = arena->chunks->size;
}

static struct otl_arena_chunk *add_chunk(struct otl_arena *arena, size_t need)
{
    size_t size = need > CHUNK_SIZE ? need : CHUNK_SIZE;
    struct otl_arena_chunk *chunk;

    if (size > arena->max || arena->total > arena->max - size)
        return NULL;
    chunk = otl_mem_alloc(sizeof(*chunk) + size);
    if (chunk == NULL)
        return NULL;
    chunk->size = size;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->used = 0;
    arena->total += size;
    return chunk;
}

void *otl_arena_alloc(struct otl_arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    struct otl_arena_chunk *chunk = arena->chunks;
    void *result;

    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + align - 1) / align * align;
    if (chunk == NULL || chunk->size - arena->used < size)
        chunk = add_chunk(arena, size);
    if (chunk == NULL)
        return NULL;
    result = chunk->data + arena->used;
    arena->used += size;
    return result;
}

void *otl_arena_zalloc(struct otl_arena *arena, size_t size)
{
    void *result = otl_arena_alloc(arena, size);

    if (result != NULL)
        memset(result, 0, size);
    return result;
}

char *otl_arena_strndup(struct otl_arena *arena, const char *text, size_t len)
{
    char *copy = otl_arena_alloc(arena, len + 1);

    if (copy == NULL)
        return NULL;
    if (len != 0)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *otl_arena_strdup(struct otl_arena *arena, const char *text)
{
    return otl_arena_strndup(arena, text, strlen(text));
}
