/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_TAIL_LRU_H
#define COL_PROCESSORS_TAIL_LRU_H

#include <stdbool.h>
#include <stdint.h>

#include <otel/err.h>

/*
 * Keys of 64 bits and a word each, the least recently used one forgotten first.
 *
 * Life      new (of a size above 0) -> get, put... -> free.
 * Threads   one owner.
 * Memory    32 bytes a key, taken as keys come.
 * Limits    size keys.
 */

struct col_lru;

OTEL_MUST_USE enum otel_err col_lru_new(uint32_t size, struct col_lru **ret);
void col_lru_free(struct col_lru *lru); /* may be NULL */

/* A key that is found counts as used. */
bool col_lru_get(struct col_lru *lru, uint64_t key, uint32_t *ret_word);
/* OTEL_ERR_MEMORY: not there. */
OTEL_MUST_USE enum otel_err col_lru_put(struct col_lru *lru, uint64_t key, uint32_t word);
uint32_t col_lru_count(const struct col_lru *lru);

#endif
