/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/broken_player.h"

#include <otel/sdk/processor.h>

#include "sdk/base/mem.h"

/* Alters one attribute of every n-th span just before it ends. */

struct altering {
    struct otel_sdk_processor head;
    struct hx_broken_player *player;
};

static void on_ending(struct otel_sdk_processor *processor, struct otel_span *span)
{
    struct hx_broken_player *player = ((struct altering *)(void *)processor)->player;
    const struct otel_sdk_readable_span *readable = otel_sdk_span_readable(span);
    struct otel_sdk_read_attribute attribute;
    struct otel_value value = otel_value_str("altered");
    struct otel_sdk_iter it;

    if ((atomic_fetch_add(&player->ended, 1) + 1) % player->what.alter_every != 0)
        return;
    hx_broken_erred(player);
    it = otel_sdk_span_attributes(readable);
    while (otel_sdk_next_attribute(&it, &attribute)) {
        if (attribute.type == OTEL_VALUE_STRING) {
            otel_span_set(span, attribute.key, &value);
            return;
        }
    }
    otel_span_set(span, otel_str("altered"), &value);
}

static void on_end(struct otel_sdk_processor *processor, struct otel_sdk_readable_span *span)
{
    (void)processor;
    (void)span;
}

static enum otel_err nothing_to_do(struct otel_sdk_processor *processor, uint32_t timeout_millis)
{
    (void)processor;
    (void)timeout_millis;
    return OTEL_OK;
}

static void free_altering(struct otel_sdk_processor *processor)
{
    otl_mem_free(processor);
}

static const struct otel_sdk_processor_ops altering_ops = {
    .struct_size = sizeof(struct otel_sdk_processor_ops),
    .on_ending = on_ending,
    .on_end = on_end,
    .force_flush = nothing_to_do,
    .shutdown = nothing_to_do,
    .free = free_altering,
};

enum otel_err hx_broken_processor(struct hx_broken_player *player,
                                  struct otel_sdk_processor **ret)
{
    struct altering *altering;

    *ret = NULL;
    if (player == NULL || player->what.alter_every == 0)
        return OTEL_OK;
    altering = otl_mem_zalloc(sizeof(*altering));
    if (altering == NULL)
        return OTEL_ERR_MEMORY;
    altering->head.ops = &altering_ops;
    altering->player = player;
    *ret = &altering->head;
    return OTEL_OK;
}
