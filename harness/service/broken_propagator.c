/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/broken_player.h"

#include <otel/propagation.h>
#include <otel/span_context.h>

#include "sdk/base/text.h"

/* Takes any traceparent for good in which 32 and 16 hex digits stand where ids should: other
 * versions, other lengths, upper case, flags that are none. */

enum { TRACE_AT = 3, TRACE_DIGITS = 32, SPAN_AT = 36, SPAN_DIGITS = 16 };

static struct otel_propagator *right_of(struct otel_propagator *propagator)
{
    return ((struct hx_broken_propagator *)propagator)->right;
}

static void inject(struct otel_propagator *propagator, const struct otel_context *context,
                   void *carrier, const struct otel_text_map_setter *setter)
{
    otel_propagator_inject(right_of(propagator), context, carrier, setter);
}

static struct otel_context *extract(struct otel_propagator *propagator,
                                    struct otel_context *context, const void *carrier,
                                    const struct otel_text_map_getter *getter)
{
    struct hx_broken_propagator *own = (struct hx_broken_propagator *)propagator;
    struct otel_span_context remote = {.flags = 1, .is_remote = true};
    struct otel_context *right, *wrong;
    struct otel_str text;

    right = otel_propagator_extract(right_of(propagator), context, carrier, getter);
    if (otel_span_context_is_valid(otel_context_span_context(right)) ||
        !getter->get(carrier, otel_str("traceparent"), &text) || text.len < SPAN_AT + SPAN_DIGITS ||
        !otl_unhex(text.data + TRACE_AT, TRACE_DIGITS / 2, remote.trace_id) ||
        !otl_unhex(text.data + SPAN_AT, SPAN_DIGITS / 2, remote.span_id) ||
        !otel_span_context_is_valid(&remote))
        return right;
    hx_broken_erred(own->player);
    wrong = otel_context_with_span_context(right, &remote);
    otel_context_unref(right);
    return wrong;
}

static void fields(struct otel_propagator *propagator, otel_text_visit_fn *visit, void *arg)
{
    otel_propagator_fields(right_of(propagator), visit, arg);
}

struct otel_propagator *hx_broken_propagator(struct hx_broken_player *player,
                                             struct otel_propagator *right)
{
    static const struct otel_propagator_ops ops = {inject, extract, fields, NULL};

    if (player == NULL || !player->what.trust_malformed)
        return right;
    player->propagator = (struct hx_broken_propagator){{&ops, 1}, right, player};
    return &player->propagator.head;
}
