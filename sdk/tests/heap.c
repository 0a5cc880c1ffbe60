/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/tests/heap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <otel/memory.h>

enum { HEAD = 16 };

static struct {
    long live;            /* [a] */
    unsigned long calls;  /* [a] */
    unsigned long nth;    /* [a] the nth call fails; 0: none */
    bool every;           /* [a] and so does every nth */
    unsigned long since;  /* [a] calls since nth was set */
    unsigned long failed; /* [a] */
} g_heap;

/* Blocks of ours are known by what stands before them: malloc()'s would be found out. */
static const char g_mark[HEAD] = "ours, all of it";

static bool fails(void)
{
    unsigned long nth = __atomic_load_n(&g_heap.nth, __ATOMIC_RELAXED);
    unsigned long call = __atomic_add_fetch(&g_heap.since, 1, __ATOMIC_RELAXED);

    __atomic_add_fetch(&g_heap.calls, 1, __ATOMIC_RELAXED);
    if (nth == 0 ||
        (__atomic_load_n(&g_heap.every, __ATOMIC_RELAXED) ? call % nth != 0 : call != nth))
        return false;
    __atomic_add_fetch(&g_heap.failed, 1, __ATOMIC_RELAXED);
    return true;
}

static char *head_of(void *arg, void *memory)
{
    char *block = (char *)memory - HEAD;

    if (arg != &g_heap || memcmp(block, g_mark, HEAD) != 0)
        abort();
    return block;
}

static void *own_alloc(void *arg, size_t size)
{
    char *block;

    if (arg != &g_heap || size == 0)
        abort();
    block = fails() ? NULL : malloc(size + HEAD);
    if (block == NULL)
        return NULL;
    memcpy(block, g_mark, HEAD);
    __atomic_add_fetch(&g_heap.live, 1, __ATOMIC_RELAXED);
    return block + HEAD;
}

static void *own_realloc(void *arg, void *memory, size_t size)
{
    char *block = head_of(arg, memory);

    block = fails() ? NULL : realloc(block, size + HEAD);
    return block != NULL ? block + HEAD : NULL;
}

static void own_free(void *arg, void *memory)
{
    char *block = head_of(arg, memory);

    memset(block, 0, HEAD);
    free(block);
    __atomic_sub_fetch(&g_heap.live, 1, __ATOMIC_RELAXED);
}

void heap_install(void)
{
    struct otel_allocator own = {own_alloc, own_realloc, own_free, &g_heap};

    if (otel_set_allocator(&own) != OTEL_OK)
        abort();
}

static void fail_at(unsigned long n, bool every)
{
    __atomic_store_n(&g_heap.since, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&g_heap.failed, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&g_heap.every, every, __ATOMIC_RELAXED);
    __atomic_store_n(&g_heap.nth, n, __ATOMIC_RELAXED);
}

void heap_fail_every(unsigned long n)
{
    fail_at(n, true);
}

void heap_fail_nth(unsigned long n)
{
    fail_at(n, false);
}

long heap_live(void)
{
    return __atomic_load_n(&g_heap.live, __ATOMIC_RELAXED);
}

unsigned long heap_calls(void)
{
    return __atomic_load_n(&g_heap.calls, __ATOMIC_RELAXED);
}

unsigned long heap_failed(void)
{
    return __atomic_load_n(&g_heap.failed, __ATOMIC_RELAXED);
}
