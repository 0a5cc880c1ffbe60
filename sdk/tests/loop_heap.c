/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/tests/loop_heap.h"

#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>

static struct {
    bool exhausted;        /* [a] */
    unsigned long refused; /* [a] */
} g_heap;

static bool refuses(void)
{
    if (!__atomic_load_n(&g_heap.exhausted, __ATOMIC_ACQUIRE))
        return false;
    __atomic_fetch_add(&g_heap.refused, 1, __ATOMIC_RELAXED);
    return true;
}

static void *own_malloc(size_t size)
{
    return refuses() ? NULL : malloc(size);
}

static void *own_realloc(void *memory, size_t size)
{
    return refuses() ? NULL : realloc(memory, size);
}

void loop_heap_install(void)
{
    event_set_mem_functions(own_malloc, own_realloc, free);
}

void loop_heap_exhaust(bool exhausted)
{
    __atomic_store_n(&g_heap.refused, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&g_heap.exhausted, exhausted, __ATOMIC_RELEASE);
}

unsigned long loop_heap_refused(void)
{
    return __atomic_load_n(&g_heap.refused, __ATOMIC_RELAXED);
}

bool loop_heap_await_refusals(unsigned long more)
{
    unsigned long until = loop_heap_refused() + more;

    for (int i = 0; i < 60000 && loop_heap_refused() < until; i++)
        poll(NULL, 0, 1);
    return loop_heap_refused() >= until;
}
