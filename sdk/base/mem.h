/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_MEM_H
#define OTL_MEM_H

#include <stddef.h>

/*
 * The one door to the heap, so that tests can make the n-th allocation fail.
 *
 * Threads   the functions are as thread-safe as malloc; otl_mem_fail_at() is for tests and must
 *           be called while no other thread allocates.
 */

void *otl_mem_alloc(size_t size);
void *otl_mem_zalloc(size_t size);
void *otl_mem_realloc(void *memory, size_t size);
char *otl_mem_strdup(const char *text);
char *otl_mem_strndup(const char *text, size_t len);
void otl_mem_free(void *memory);

/* Let the n-th allocation from now (1 = the next) and all later ones fail; 0 = never. */
void otl_mem_fail_at(unsigned long n);
/* Allocations since the last otl_mem_fail_at(). */
unsigned long otl_mem_count(void);

#endif
