/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/memory.h>

#include "sdk/base/mem.h"

static struct otel_allocator g_allocator;
static const struct otel_allocator *g_in_use;

enum otel_err otel_set_allocator(const struct otel_allocator *allocator)
{
    if (allocator == NULL || allocator->alloc == NULL || allocator->realloc == NULL ||
        allocator->free == NULL)
        return OTEL_ERR_ARGUMENT;
    if (g_in_use != NULL || otl_mem_count() != 0)
        return OTEL_ERR_CLOSED;
    g_allocator = *allocator;
    __atomic_store_n(&g_in_use, &g_allocator, __ATOMIC_RELEASE);
    return OTEL_OK;
}

const struct otel_allocator *otel_allocator_in_use(void)
{
    return __atomic_load_n(&g_in_use, __ATOMIC_ACQUIRE);
}
