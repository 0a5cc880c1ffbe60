/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <otel/memory.h>

static atomic_ulong g_fail_at;
static atomic_ulong g_count;

/* libotel_api's, if that is in the process: each library has this file, the API the choice. */
#pragma weak otel_allocator_in_use

void otl_mem_fail_at(unsigned long n)
{
    atomic_store(&g_count, 0);
    atomic_store(&g_fail_at, n);
}

unsigned long otl_mem_count(void)
{
    return atomic_load(&g_count);
}

static bool must_fail(void)
{
    unsigned long count = atomic_fetch_add_explicit(&g_count, 1, memory_order_relaxed) + 1;
    unsigned long at = atomic_load_explicit(&g_fail_at, memory_order_relaxed);

    return at != 0 && count >= at;
}

static const struct otel_allocator *users(void)
{
    return otel_allocator_in_use != NULL ? otel_allocator_in_use() : NULL;
}

void *otl_mem_alloc(size_t size)
{
    const struct otel_allocator *own = users();

    if (must_fail())
        return NULL;
    size = size ? size : 1;
    return own != NULL ? own->alloc(own->arg, size) : malloc(size);
}

void *otl_mem_zalloc(size_t size)
{
    const struct otel_allocator *own = users();
    void *memory;

    if (must_fail())
        return NULL;
    size = size ? size : 1;
    if (own == NULL)
        return calloc(1, size);
    memory = own->alloc(own->arg, size);
    return memory != NULL ? memset(memory, 0, size) : NULL;
}

void *otl_mem_realloc(void *memory, size_t size)
{
    const struct otel_allocator *own = users();

    if (must_fail())
        return NULL;
    size = size ? size : 1;
    if (own == NULL)
        return realloc(memory, size);
    return memory != NULL ? own->realloc(own->arg, memory, size) : own->alloc(own->arg, size);
}

char *otl_mem_strndup(const char *text, size_t len)
{
    char *copy = otl_mem_alloc(len + 1);

    if (copy == NULL)
        return NULL;
    if (len != 0)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *otl_mem_strdup(const char *text)
{
    return otl_mem_strndup(text, strlen(text));
}

void otl_mem_free(void *memory)
{
    const struct otel_allocator *own = users();

    if (memory == NULL)
        return;
    if (own != NULL)
        own->free(own->arg, memory);
    else
        free(memory);
}
