/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/broken_player.h"

#include <string.h>

#include "sdk/base/random.h"

/* Every n-th span gets the id of the one before. */

static void trace_id(void *state, uint8_t *ret_id)
{
    struct hx_broken_player *player = state;
    struct otl_random random;
    uint64_t words[2];

    otl_random_seed(&random, otl_random_mix(player->seed, atomic_fetch_add(&player->ids, 1)));
    words[0] = otl_random_next(&random);
    words[1] = otl_random_next(&random) | 1;
    memcpy(ret_id, words, sizeof(words));
}

static void span_id(void *state, uint8_t *ret_id)
{
    struct hx_broken_player *player = state;
    uint64_t n = atomic_fetch_add(&player->ids, 1);
    uint64_t last = atomic_load(&player->last_span_id);
    uint64_t id = otl_random_mix(player->seed ^ 0x5bd1e995, n) | 1;

    if (last != 0 && atomic_fetch_add(&player->span_ids, 1) % player->what.reuse_id_every == 0) {
        hx_broken_erred(player);
        id = last;
    }
    atomic_store(&player->last_span_id, id);
    memcpy(ret_id, &id, sizeof(id));
}

void hx_broken_ids_init(struct hx_broken_player *player)
{
    player->generator.trace_id = trace_id;
    player->generator.span_id = span_id;
    player->generator.state = player;
    player->generator.random = true;
}
