/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/broken_player.h"

#include <stdio.h>
#include <string.h>

#include <otel/sdk/sampler.h>

#include "harness/service/span.h"
#include "sdk/base/mem.h"

static bool is_healthy(const struct hx_broken *what)
{
    return what->drop_context[0] == '\0' && !what->sample_on_its_own &&
           !what->trust_malformed && !what->stale_log_ids &&
           what->lose_link_every == 0 && what->swap_parents_every == 0 && what->lose_one_in == 0 &&
           what->lose_and_overcount == 0 && what->duplicate_every == 0 &&
           what->reuse_id_every == 0 && what->alter_every == 0 && what->clock_offset_ns == 0 &&
           what->clock_step_every == 0;
}

enum otel_err hx_broken_new(const struct hx_broken *what, uint64_t seed,
                            struct hx_broken_player **ret)
{
    struct hx_broken_player *player;

    *ret = NULL;
    if (is_healthy(what))
        return OTEL_OK;
    player = otl_mem_zalloc(sizeof(*player));
    if (player == NULL)
        return OTEL_ERR_MEMORY;
    player->what = *what;
    player->seed = seed;
    hx_broken_clock_init(player);
    hx_broken_ids_init(player);
    *ret = player;
    return OTEL_OK;
}

void hx_broken_free(struct hx_broken_player *player)
{
    if (player != NULL)
        otel_sdk_sampler_unref(player->right_sampler);
    otl_mem_free(player);
}

void hx_broken_options(struct hx_broken_player *player, struct otel_sdk_provider_options *options)
{
    if (player == NULL)
        return;
    if (player->what.clock_offset_ns != 0 || player->what.clock_step_every != 0)
        options->clock = &player->clock;
    if (player->what.reuse_id_every != 0)
        options->id_generator = &player->generator;
}

/* How often it erred. Who loses n and overcounts says too that n more than in truth found the
 * queue full, and names none of them. */
void hx_broken_counters(const struct hx_broken_player *player, struct hx_led_process_close *row)
{
    uint64_t lost;

    if (player == NULL)
        return;
    row->player_errors = atomic_load(&player->errors);
    if (player->what.lose_and_overcount == 0)
        return;
    lost = atomic_load(&player->lost);
    row->exported -= lost < row->exported ? lost : row->exported;
    row->queue_full += lost;
}

/* As where a context stays attached to a thread: the next request's lines are in its name. */
const struct otel_span_context *hx_broken_log_context(struct hx_broken_player *player,
                                                      const struct otel_span_context *right)
{
    if (player == NULL || !player->what.stale_log_ids)
        return right;
    player->logged[1] = player->logged[0];
    player->logged[0] = *right;
    player->logged[0].trace_state = NULL;
    if (!otel_span_context_is_valid(&player->logged[1]))
        return right;
    hx_broken_erred(player);
    return &player->logged[1];
}

bool hx_broken_drops_context(struct hx_broken_player *player, const struct hx_step *step)
{
    char text[1024];

    if (player->what.drop_context[0] == '\0')
        return false;
    if (step->kind == HX_STEP_CALL)
        snprintf(text, sizeof(text), "call %s %s", step->to->name, step->route->name);
    else
        snprintf(text, sizeof(text), "publish %s", step->topic->name);
    if (strcmp(player->what.drop_context, text) != 0)
        return false;
    hx_broken_erred(player);
    return true;
}

/* The first span under a span that has a parent itself is hung one higher; the next one that
 * belongs there is hung in its place. */
const struct otel_context *hx_broken_parent(struct hx_broken_player *player, struct hx_trail *trail,
                                            struct hx_span *parent,
                                            const struct otel_context *right)
{
    unsigned every = player->what.swap_parents_every;
    struct otel_context *wrong;

    if (every == 0 || trail->request % every != 0 || parent == NULL)
        return right;
    if (trail->swap_with == NULL && parent->parent != NULL) {
        hx_broken_erred(player);
        trail->swap_with = parent->parent;
        trail->swapped = otel_context_ref(hx_trail_context(trail, parent));
        return hx_trail_context(trail, parent->parent);
    }
    if (trail->swapped == NULL || trail->swap_with != parent)
        return right;
    hx_broken_erred(player);
    wrong = trail->swapped;
    trail->swapped = NULL;
    otel_context_unref(trail->swap_context);
    trail->swap_context = wrong;
    return wrong;
}

size_t hx_broken_links(struct hx_broken_player *player, size_t right)
{
    if (right == 0 || player->what.lose_link_every == 0 ||
        ++player->linked % player->what.lose_link_every != 0)
        return right;
    hx_broken_erred(player);
    return right - 1;
}
