/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/broken_player.h"

#include "sdk/base/clock.h"

/* A wall clock that is off, or both clocks stepping while every n-th span is open. */

static uint64_t mono_ns(void *state)
{
    struct hx_broken_player *player = state;

    return otl_clock_mono(otl_clock_real()) + (uint64_t)atomic_load(&player->step_ns);
}

static uint64_t wall_ns(void *state)
{
    struct hx_broken_player *player = state;

    return otl_clock_wall(otl_clock_real()) + (uint64_t)player->what.clock_offset_ns +
           (uint64_t)atomic_load(&player->step_ns);
}

void hx_broken_clock_init(struct hx_broken_player *player)
{
    player->clock.mono_ns = mono_ns;
    player->clock.wall_ns = wall_ns;
    player->clock.state = player;
}

void hx_broken_started(struct hx_broken_player *player, uint64_t seq)
{
    if (player->what.clock_offset_ns != 0)
        hx_broken_erred(player);
    if (player->what.clock_step_every == 0 || player->stepping_seq != 0 ||
        ++player->started % player->what.clock_step_every != 0)
        return;
    hx_broken_erred(player);
    player->stepping_seq = seq;
    atomic_store(&player->step_ns, (long)player->what.clock_step_ns);
}

void hx_broken_ended(struct hx_broken_player *player, uint64_t seq)
{
    if (player->stepping_seq != seq)
        return;
    player->stepping_seq = 0;
    atomic_store(&player->step_ns, 0);
}
