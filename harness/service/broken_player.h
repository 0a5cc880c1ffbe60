/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_BROKEN_PLAYER_H
#define HX_SERVICE_BROKEN_PLAYER_H

#include <stdatomic.h>

#include <otel/propagation.h>
#include <otel/sdk/provider.h>

#include "harness/service/broken.h"

struct hx_broken_player;

struct hx_broken_propagator { /* broken_propagator.c */
    struct otel_propagator head;
    struct otel_propagator *right;
    struct hx_broken_player *player;
};

/* What the parts of a broken player share; broken.h is what others see. */
struct hx_broken_player {
    struct hx_broken what;
    uint64_t seed;
    atomic_ulong errors;        /* all of its errors: what a scenario must see at least one of */
    double own_ratio;           /* broken_sampler.c */
    struct otel_sdk_sampler *right_sampler; /* what it does not listen to; NULL: not in use */
    atomic_ulong decisions;
    atomic_ulong ids;           /* broken_ids.c */
    atomic_ulong span_ids;
    _Atomic uint64_t last_span_id;
    atomic_long step_ns;        /* broken_clock.c: added to both clocks now */
    unsigned started;
    uint64_t stepping_seq;      /* the span in whose middle the clock stepped */
    unsigned linked;            /* spans with links */
    atomic_ulong ended;         /* broken_processor.c */
    atomic_ulong exported;      /* broken_exporter.c: spans seen */
    atomic_ulong lost;          /* ... and left out */
    struct otel_span_context logged[2]; /* of the last line, and of the one before */
    struct hx_broken_propagator propagator;
    struct otel_sdk_clock clock;
    struct otel_sdk_id_generator generator;
};

/* It erred once more. */
static inline void hx_broken_erred(struct hx_broken_player *player)
{
    atomic_fetch_add_explicit(&player->errors, 1, memory_order_relaxed);
}

void hx_broken_clock_init(struct hx_broken_player *player);
void hx_broken_ids_init(struct hx_broken_player *player);

#endif
