/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/exporter.h>
#include <pthread.h>

#include "sdk/base/mem.h"

struct otel_sdk_memory {
    size_t refs; /* atomic */
    pthread_mutex_t lock;
    size_t max_spans;
    size_t count;
    size_t cap;
    uint64_t batches;
    struct otel_sdk_memory_span *spans;
};

struct memory_exporter {
    struct otel_sdk_exporter exporter;
    struct otel_sdk_memory *memory;
    bool shut_down;
};

void otel_sdk_exporter_free(struct otel_sdk_exporter *exporter)
{
    if (exporter != NULL)
        exporter->ops->free(exporter);
}

enum otel_err otel_sdk_memory_new(size_t max_spans, struct otel_sdk_memory **ret)
{
    struct otel_sdk_memory *memory = otl_mem_zalloc(sizeof(*memory));

    if (memory == NULL)
        return OTEL_ERR_MEMORY;
    memory->refs = 1;
    memory->max_spans = max_spans;
    pthread_mutex_init(&memory->lock, NULL);
    *ret = memory;
    return OTEL_OK;
}

static void free_span(struct otel_sdk_memory_span *span)
{
    otl_mem_free((char *)(uintptr_t)span->scope.name.data);
    otl_mem_free((char *)(uintptr_t)span->scope.version.data);
    otl_mem_free((char *)(uintptr_t)span->scope.schema_url.data);
    otl_mem_free((char *)(uintptr_t)span->scope.encoded.data);
    otl_mem_free((char *)(uintptr_t)span->encoded.data);
}

static void forget_locked(struct otel_sdk_memory *memory)
{
    for (size_t i = 0; i < memory->count; i++)
        free_span(&memory->spans[i]);
    memory->count = 0;
}

void otel_sdk_memory_unref(struct otel_sdk_memory *memory)
{
    if (memory == NULL || __atomic_fetch_sub(&memory->refs, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    forget_locked(memory);
    otl_mem_free(memory->spans);
    pthread_mutex_destroy(&memory->lock);
    otl_mem_free(memory);
}

static bool copy(struct otel_str from, struct otel_str *to)
{
    to->data = otl_mem_strndup(from.data, from.len);
    to->len = from.len;
    return to->data != NULL;
}

static bool keep_locked(struct otel_sdk_memory *memory, const struct otel_sdk_readable_span *span)
{
    const struct otel_sdk_scope *scope = otel_sdk_span_scope(span);
    struct otel_sdk_memory_span kept;

    memset(&kept, 0, sizeof(kept));
    kept.batch = memory->batches;
    if (!copy(otel_sdk_span_encoded(span), &kept.encoded) || !copy(scope->name, &kept.scope.name) ||
        !copy(scope->version, &kept.scope.version) ||
        !copy(scope->schema_url, &kept.scope.schema_url) ||
        !copy(scope->encoded, &kept.scope.encoded)) {
        free_span(&kept);
        return false;
    }
    memory->spans[memory->count++] = kept;
    return true;
}

static bool make_room_locked(struct otel_sdk_memory *memory, size_t more)
{
    size_t cap = memory->cap != 0 ? memory->cap : 64;
    struct otel_sdk_memory_span *grown;

    while (cap < memory->count + more)
        cap *= 2;
    if (cap == memory->cap)
        return true;
    grown = otl_mem_realloc(memory->spans, cap * sizeof(*grown));
    if (grown == NULL)
        return false;
    memory->spans = grown;
    memory->cap = cap;
    return true;
}

/* All or nothing. */
static enum otel_err keep_batch_locked(struct otel_sdk_memory *memory,
                                       const struct otel_sdk_batch *batch)
{
    size_t before = memory->count;

    if (batch->count > memory->max_spans - before)
        return OTEL_ERR_LIMIT;
    if (!make_room_locked(memory, batch->count))
        return OTEL_ERR_MEMORY;
    for (size_t i = 0; i < batch->count; i++)
        if (!keep_locked(memory, batch->spans[i])) {
            while (memory->count > before)
                free_span(&memory->spans[--memory->count]);
            return OTEL_ERR_MEMORY;
        }
    memory->batches++;
    return OTEL_OK;
}

static void export_batch(struct otel_sdk_exporter *exporter, const struct otel_sdk_batch *batch,
                         otel_sdk_export_done_fn *done, void *done_arg)
{
    struct memory_exporter *mine = (struct memory_exporter *)exporter;
    struct otel_sdk_export_result result = {.err = OTEL_ERR_CLOSED, .requests = 1};

    if (!mine->shut_down) {
        pthread_mutex_lock(&mine->memory->lock);
        result.err = keep_batch_locked(mine->memory, batch);
        pthread_mutex_unlock(&mine->memory->lock);
    }
    done(done_arg, &result);
}

static enum otel_err shut_down(struct otel_sdk_exporter *exporter, uint64_t deadline_mono_ns)
{
    (void)deadline_mono_ns;
    ((struct memory_exporter *)exporter)->shut_down = true;
    return OTEL_OK;
}

static void forked(struct otel_sdk_exporter *exporter)
{
    struct otel_sdk_memory *memory = ((struct memory_exporter *)exporter)->memory;

    pthread_mutex_init(&memory->lock, NULL);
}

static void free_exporter(struct otel_sdk_exporter *exporter)
{
    otel_sdk_memory_unref(((struct memory_exporter *)exporter)->memory);
    otl_mem_free(exporter);
}

static void describe(const struct otel_sdk_exporter *exporter,
                     struct otel_sdk_exporter_description *ret)
{
    (void)exporter;
    ret->type = "memory_span_exporter";
}

static const struct otel_sdk_exporter_ops memory_ops = {
    .struct_size = sizeof(memory_ops),
    .export_batch = export_batch,
    .shutdown = shut_down,
    .forked = forked,
    .free = free_exporter,
    .describe = describe,
};

enum otel_err otel_sdk_memory_exporter_new(struct otel_sdk_memory *memory,
                                           struct otel_sdk_exporter **ret)
{
    struct memory_exporter *exporter = otl_mem_zalloc(sizeof(*exporter));

    if (exporter == NULL)
        return OTEL_ERR_MEMORY;
    __atomic_fetch_add(&memory->refs, 1, __ATOMIC_RELAXED);
    exporter->exporter.ops = &memory_ops;
    exporter->memory = memory;
    *ret = &exporter->exporter;
    return OTEL_OK;
}

size_t otel_sdk_memory_count(struct otel_sdk_memory *memory)
{
    size_t count;

    pthread_mutex_lock(&memory->lock);
    count = memory->count;
    pthread_mutex_unlock(&memory->lock);
    return count;
}

bool otel_sdk_memory_at(struct otel_sdk_memory *memory, size_t i,
                        struct otel_sdk_memory_span *ret_span)
{
    bool found;

    pthread_mutex_lock(&memory->lock);
    found = i < memory->count;
    if (found)
        *ret_span = memory->spans[i];
    pthread_mutex_unlock(&memory->lock);
    return found;
}

void otel_sdk_memory_reset(struct otel_sdk_memory *memory)
{
    pthread_mutex_lock(&memory->lock);
    forget_locked(memory);
    pthread_mutex_unlock(&memory->lock);
}
