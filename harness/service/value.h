/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_VALUE_H
#define HX_SERVICE_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include <otel/types.h>

#include "harness/scenario/scenario.h"
#include "sdk/base/arena.h"
#include "sdk/base/random.h"

/*
 * Values of a scenario made concrete for one request: templates filled in, JSON turned into what
 * the tracing API takes, delays drawn.
 *
 * Threads   one owner.
 * Memory    results borrow from the scenario or are made in the arena. A value that the arena has
 *           no room for becomes an empty string.
 */

struct hx_fill {
    struct otl_arena *arena;
    struct otl_random *random; /* of the step, so that values repeat from the seed */
    uint64_t request;
    unsigned replica;
    const char *instance;
};

/* ${request}, ${replica}, ${instance}, ${n:LOW:HIGH}; an unknown ${...} stays as it is. */
struct otel_str hx_fill_text(const struct hx_fill *fill, const char *text);
/* A string that is nothing but ${n:LOW:HIGH} becomes an integer. */
struct otel_value hx_fill_value(const struct hx_fill *fill, const json_t *value);
/* attributes into out[0..attributes->count). */
void hx_fill_attributes(const struct hx_fill *fill, const struct hx_attributes *attributes,
                        struct otel_attribute *out);

uint64_t hx_draw_delay(const struct hx_delay *delay, struct otl_random *random);

#endif
