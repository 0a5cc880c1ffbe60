/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/mem.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static atomic_ulong g_fail_at;
static atomic_ulong g_count;

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

void *otl_mem_alloc(size_t size)
{
    return must_fail() ? NULL : malloc(size ? size : 1);
}

void *otl_mem_zalloc(size_t size)
{
    return must_fail() ? NULL : calloc(1, size ? size : 1);
}

void *otl_mem_realloc(void *memory, size_t size)
{
    return must_fail() ? NULL : realloc(memory, size ? size : 1);
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
    free(memory);
}
