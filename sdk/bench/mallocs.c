/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/bench/mallocs.h"

#include <stdlib.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static uint64_t g_calls; /* atomic */

static void count(void)
{
    __atomic_fetch_add(&g_calls, 1, __ATOMIC_RELAXED);
}

void *malloc(size_t size)
{
    count();
    return __libc_malloc(size);
}

void *calloc(size_t items, size_t size)
{
    count();
    return __libc_calloc(items, size);
}

void *realloc(void *memory, size_t size)
{
    count();
    return __libc_realloc(memory, size);
}

uint64_t mallocs(void)
{
    return __atomic_load_n(&g_calls, __ATOMIC_RELAXED);
}
