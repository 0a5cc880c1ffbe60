/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/broken_player.h"

#include <otel/sdk/exporter.h>

#include "sdk/base/mem.h"

/* Leaves spans out of a batch and lets the processor believe that they were exported; or puts some
 * into it twice. */

struct losing {
    struct otel_sdk_exporter head;
    struct otel_sdk_exporter *inner;
    struct hx_broken_player *player;
    const struct otel_sdk_readable_span **kept; /* of the export in progress */
    struct otel_sdk_batch batch;
    otel_sdk_export_done_fn *done;
    void *done_arg;
};

static struct losing *losing_of(struct otel_sdk_exporter *exporter)
{
    return (struct losing *)(void *)exporter;
}

/* How often the next span is to be sent: once, if the player does not err. */
static unsigned copies(struct hx_broken_player *player)
{
    unsigned long n = atomic_fetch_add(&player->exported, 1) + 1;
    bool twice = player->what.duplicate_every != 0 && n % player->what.duplicate_every == 0;
    bool lost = (player->what.lose_one_in != 0 && n % player->what.lose_one_in == 0) ||
                atomic_load(&player->lost) < player->what.lose_and_overcount;

    if (lost || twice)
        hx_broken_erred(player);
    if (lost)
        atomic_fetch_add(&player->lost, 1);
    return lost ? 0 : twice ? 2 : 1;
}

static void on_done(void *arg, const struct otel_sdk_export_result *result)
{
    struct losing *losing = arg;

    otl_mem_free(losing->kept);
    losing->kept = NULL;
    losing->done(losing->done_arg, result);
}

static enum otel_err start(struct otel_sdk_exporter *exporter, struct otel_sdk_loop *loop)
{
    struct otel_sdk_exporter *inner = losing_of(exporter)->inner;

    return inner->ops->start != NULL ? inner->ops->start(inner, loop) : OTEL_OK;
}

static void export_batch(struct otel_sdk_exporter *exporter, const struct otel_sdk_batch *batch,
                         otel_sdk_export_done_fn *done, void *done_arg)
{
    struct losing *losing = losing_of(exporter);
    struct otel_sdk_export_result nothing = {.err = OTEL_OK};

    losing->kept = otl_mem_alloc(2 * batch->count * sizeof(const void *));
    if (losing->kept == NULL) {
        losing->inner->ops->export_batch(losing->inner, batch, done, done_arg);
        return;
    }
    losing->batch = *batch;
    losing->batch.spans = losing->kept;
    losing->batch.count = 0;
    losing->done = done;
    losing->done_arg = done_arg;
    for (size_t i = 0; i < batch->count; i++)
        for (unsigned times = copies(losing->player); times > 0; times--)
            losing->kept[losing->batch.count++] = batch->spans[i];
    if (losing->batch.count == 0)
        on_done(losing, &nothing);
    else
        losing->inner->ops->export_batch(losing->inner, &losing->batch, on_done, losing);
}

static void cancel(struct otel_sdk_exporter *exporter)
{
    struct otel_sdk_exporter *inner = losing_of(exporter)->inner;

    if (inner->ops->cancel != NULL)
        inner->ops->cancel(inner);
}

static enum otel_err force_flush(struct otel_sdk_exporter *exporter, uint64_t deadline_mono_ns)
{
    struct otel_sdk_exporter *inner = losing_of(exporter)->inner;

    return inner->ops->force_flush != NULL ? inner->ops->force_flush(inner, deadline_mono_ns)
                                           : OTEL_OK;
}

static enum otel_err shut_down(struct otel_sdk_exporter *exporter, uint64_t deadline_mono_ns)
{
    struct otel_sdk_exporter *inner = losing_of(exporter)->inner;

    return inner->ops->shutdown != NULL ? inner->ops->shutdown(inner, deadline_mono_ns) : OTEL_OK;
}

static void free_losing(struct otel_sdk_exporter *exporter)
{
    struct losing *losing = losing_of(exporter);

    otel_sdk_exporter_free(losing->inner);
    otl_mem_free(losing->kept);
    otl_mem_free(losing);
}

static const struct otel_sdk_exporter_ops losing_ops = {
    .struct_size = sizeof(struct otel_sdk_exporter_ops),
    .start = start,
    .export_batch = export_batch,
    .cancel = cancel,
    .force_flush = force_flush,
    .shutdown = shut_down,
    .free = free_losing,
};

enum otel_err hx_broken_exporter(struct hx_broken_player *player,
                                 struct otel_sdk_exporter **exporter)
{
    struct losing *losing;

    if (player == NULL ||
        (player->what.lose_one_in == 0 && player->what.lose_and_overcount == 0 &&
         player->what.duplicate_every == 0))
        return OTEL_OK;
    losing = otl_mem_zalloc(sizeof(*losing));
    if (losing == NULL) {
        otel_sdk_exporter_free(*exporter);
        *exporter = NULL;
        return OTEL_ERR_MEMORY;
    }
    losing->head.ops = &losing_ops;
    losing->inner = *exporter;
    losing->player = player;
    *exporter = &losing->head;
    return OTEL_OK;
}
