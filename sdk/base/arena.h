/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_ARENA_H
#define OTL_ARENA_H

#include <stddef.h>

#include <otel/err.h>

/*
 * Arena: many small allocations that die together.
 *
 * Life      init -> alloc... -> reset (keeps the first chunk) or fini.
 * Threads   one owner; an arena may move whole between owners.
 * Memory    results are aligned for any type and live until reset or fini.
 * Limits    the sum of the chunks never exceeds max bytes; then alloc returns NULL.
 */

struct otl_arena_chunk;

struct otl_arena {
    struct otl_arena_chunk *chunks; /* newest first */
    size_t used;                    /* bytes in the newest chunk */
    size_t total;                   /* bytes in all chunks */
    size_t max;
};

void otl_arena_init(struct otl_arena *arena, size_t max);
void otl_arena_fini(struct otl_arena *arena);
void otl_arena_reset(struct otl_arena *arena);
/* NULL: out of memory or over max. The memory is not zeroed; zalloc's is. */
void *otl_arena_alloc(struct otl_arena *arena, size_t size);
void *otl_arena_zalloc(struct otl_arena *arena, size_t size);
char *otl_arena_strndup(struct otl_arena *arena, const char *text, size_t len);
char *otl_arena_strdup(struct otl_arena *arena, const char *text);

#endif
