/* SPDX-License-Identifier: Apache-2.0 */
/* Players that lose context, sample wrongly, or lie about time, baggage and resource are each
 * caught by name, and nothing else is. */
#include <stdio.h>
#include <string.h>

#include "harness/verify/tests/players.h"

enum { MS = 1000000, FEW = 20 };

/* ---- context -------------------------------------------------------------------------------- */

/* Order begins its own trace for request n, as it does when no context came in. */
static void order_on_its_own(struct world *w, unsigned n)
{
    static const enum w_op below[] = {OP_ORDERS, OP_PROCESS, OP_PUBLISH, OP_CONSUME};
    struct w_span *server = world_span(w, OP_ORDERS, n);
    uint8_t trace_id[16];

    memcpy(trace_id, server->led.trace_id, 16);
    trace_id[0] ^= 0x55;
    trace_id[15] ^= 0x55;
    for (size_t i = 0; i < sizeof below / sizeof below[0]; i++) {
        struct w_span *span = world_span(w, below[i], n);

        memcpy(span->led.trace_id, trace_id, 16);
        memcpy(span->wire.trace_id, trace_id, 16);
    }
    memset(server->led.parent_span_id, 0, 8);
    memset(server->wire.parent, 0, 8);
    server->led.head.flags = HX_LED_SPAN_RECORDING | HX_LED_SPAN_SAMPLED | HX_LED_SPAN_ROOT;
    server->wire.flags &= ~0x200u;
}

/* The same change in the headers of the message that order sends. */
static void republish(struct world *w, unsigned n)
{
    static const char digits[] = "0123456789abcdef";
    struct w_send *send = world_send(w, OP_PUBLISH, n);
    struct w_entry *entry = world_entry(w, OP_CONSUME, n);
    const struct w_span *span = world_span(w, OP_PUBLISH, n);

    for (int i = 0; i < 16; i++) {
        send->traceparent[3 + 2 * i] = digits[span->led.trace_id[i] >> 4];
        send->traceparent[4 + 2 * i] = digits[span->led.trace_id[i] & 15];
    }
    memcpy(entry->traceparent, send->traceparent, sizeof entry->traceparent);
}

static void drop_context(struct world *w)
{
    for (unsigned n = 0; n < FEW; n++) {
        order_on_its_own(w, n);
        republish(w, n);
        world_send(w, OP_CALL, n)->traceparent[0] = '\0';
        world_entry(w, OP_ORDERS, n)->traceparent[0] = '\0';
    }
}

static void lose_header_on_the_way(struct world *w)
{
    order_on_its_own(w, 3);
    republish(w, 3);
    world_entry(w, OP_ORDERS, 3)->traceparent[0] = '\0';
}

static void ignore_header(struct world *w)
{
    order_on_its_own(w, 3);
    republish(w, 3);
}

/* The fourth request came with a context, the gateway makes itself another parent. */
static void ignore_load(struct world *w)
{
    struct w_span *server = world_span(w, OP_CHECKOUT, 3);

    memset(server->led.parent_span_id, 0, 8);
    memset(server->wire.parent, 0, 8);
    server->led.head.flags = HX_LED_SPAN_RECORDING | HX_LED_SPAN_SAMPLED | HX_LED_SPAN_ROOT;
    server->wire.flags &= ~0x200u;
}

static void send_another_context(struct world *w)
{
    struct w_span *server = world_span(w, OP_CHECKOUT, 3), *callee = world_span(w, OP_ORDERS, 3);
    struct w_send *send = world_send(w, OP_CALL, 3);
    char *id = send->traceparent + 36;

    for (int i = 0; i < 8; i++)
        snprintf(id + 2 * i, 3, "%02x", server->led.span_id[i]);
    id[16] = '-';
    memcpy(world_entry(w, OP_ORDERS, 3)->traceparent, send->traceparent, 64);
    memcpy(callee->led.parent_span_id, server->led.span_id, 8);
    memcpy(callee->wire.parent, server->led.span_id, 8);
}

static const struct hx_edge_claim CALL_EDGE = {"gateway POST /checkout -> order POST /orders",
                                               OP_CHECKOUT, OP_ORDERS};
static const struct hx_edge_claim MESSAGE_EDGE = {
    "order POST /orders -> projector process order.created", OP_ORDERS, OP_CONSUME};

static void claim_broken(struct world *w)
{
    w->scenario.claims.broken = &CALL_EDGE;
    w->scenario.claims.broken_count = 1;
    w->scenario.claims.required = &MESSAGE_EDGE;
    w->scenario.claims.required_count = 1;
}

static void drop_context_as_claimed(struct world *w)
{
    drop_context(w);
    claim_broken(w);
}

static void break_another_than_claimed(struct world *w)
{
    drop_context(w);
    claim_broken(w);
    w->scenario.claims.broken = &MESSAGE_EDGE;
    w->scenario.claims.required_count = 0;
}

static void require_and_forbid(struct world *w)
{
    static const struct hx_edge_claim shortcut = {"gateway -> projector", OP_CHECKOUT, OP_CONSUME};

    w->scenario.claims.required = &CALL_EDGE;
    w->scenario.claims.required_count = 1;
    w->scenario.claims.forbidden = &shortcut;
    w->scenario.claims.forbidden_count = 1;
    w->scenario.claims.spans_per_request_min = 6;
}

static void require_both(struct world *w)
{
    static struct hx_edge_claim both[2];

    both[0] = CALL_EDGE;
    both[1] = MESSAGE_EDGE;
    w->scenario.claims.required = both;
    w->scenario.claims.required_count = 2;
}

static void require_the_impossible(struct world *w)
{
    require_and_forbid(w);
    w->scenario.claims.required = w->scenario.claims.forbidden;
    w->scenario.claims.forbidden = &CALL_EDGE;
    w->scenario.claims.spans_per_request_min = 7;
}

static const char *const TWO_CHECKS[] = {"content", "durations"};

static void claim_checks(struct world *w)
{
    w->scenario.claims.checks = TWO_CHECKS;
    w->scenario.claims.check_count = 2;
}

static void break_what_is_not_claimed(struct world *w)
{
    drop_context(w);
    claim_checks(w);
}

static void break_what_is_claimed(struct world *w)
{
    drop_context(w);
    claim_checks(w);
    world_span(w, OP_PROCESS, 3)->wire.event = false;
}

static const char *const WITHOUT_MATTER[] = {"sampling_share"};

static void claim_what_cannot_be_judged(struct world *w)
{
    w->scenario.claims.checks = WITHOUT_MATTER; /* no service samples by ratio */
    w->scenario.claims.check_count = 1;
}

static void link_elsewhere(struct world *w)
{
    struct w_span *span = world_span(w, OP_CONSUME, 3);

    span->led.link_count = 0;
    span->wire.link = false;
}

/* ---- sampling ------------------------------------------------------------------------------- */

/* The consumer's span is not sampled though its parent is, or the reverse. */
static void sample_on_its_own(struct world *w)
{
    struct w_span *span = world_span(w, OP_CONSUME, 3);

    span->sampled = !span->sampled;
    span->led.trace_flags ^= 1;
    span->led.head.flags ^= HX_LED_SPAN_RECORDING | HX_LED_SPAN_SAMPLED;
    world_account(w);
}

static void record_what_is_not_sampled(struct world *w)
{
    struct w_span *span = world_span(w, OP_CONSUME, 3);

    span->led.head.flags |= HX_LED_SPAN_RECORDING;
    w->closes[W_PROJECTOR].not_recorded--;
    w->closes[W_PROJECTOR].record_only++;
}

static void claim_partial(struct world *w)
{
    w->scenario.claims.partial_traces = true;
}

/* Trace ids that are not random: the ratio keeps all of them. */
static void stuck_ids(struct world *w)
{
    for (size_t i = 0; i < w->span_count; i++) {
        if (w->spans[i].led.op == OP_CONSUME) {
            w->spans[i].led.trace_id[12] = 0x11;
            w->spans[i].wire.trace_id[12] = 0x11;
        }
    }
}

/* ---- resource, baggage ---------------------------------------------------------------------- */

static void wrong_resource(struct world *w)
{
    w->wrong_instance = "gateway-1";
}

static void anothers_resource(struct world *w)
{
    for (size_t i = 0; i < w->span_count; i++) {
        if (w->spans[i].process == W_ORDER)
            w->spans[i].wire.resource = W_PROJECTOR;
    }
}

static void read_other_baggage(struct world *w)
{
    snprintf(w->baggage[3].value, 32, "globex"); /* odd ones are reads */
}

static void read_no_baggage(struct world *w)
{
    w->baggage[3].led.found = 0;
    w->baggage[3].value[0] = '\0';
}

static void change_baggage_on_the_way(struct world *w)
{
    snprintf(world_entry(w, OP_ORDERS, 3)->baggage, 64, "tenant.id=globex");
}

static void send_no_baggage(struct world *w)
{
    world_send(w, OP_CALL, 3)->baggage[0] = '\0';
    world_entry(w, OP_ORDERS, 3)->baggage[0] = '\0';
}

/* ---- time ----------------------------------------------------------------------------------- */

static void clock_is_off(struct world *w)
{
    for (size_t i = 0; i < w->span_count; i++) {
        if (w->spans[i].process != W_PROJECTOR)
            continue;
        w->spans[i].wire.start += 500 * MS;
        w->spans[i].wire.end += 500 * MS;
    }
}

static void clock_steps(struct world *w)
{
    world_span(w, OP_PUBLISH, 3)->wire.end += 5 * MS;
}

static void end_before_start(struct world *w)
{
    struct w_wire *wire = &world_span(w, OP_PUBLISH, 3)->wire;

    wire->end = wire->start - 1;
}

static void leave_the_parent(struct world *w)
{
    struct w_span *span = world_span(w, OP_PROCESS, 3);

    /* the whole child is late, by its own clock readings too */
    span->led.mono_before_ns += 80 * MS;
    span->led.mono_after_ns += 80 * MS;
    span->led.wall_ns += 80 * MS;
    span->close.mono_before_ns += 80 * MS;
    span->close.mono_after_ns += 80 * MS;
    span->wire.start += 80 * MS;
    span->wire.end += 80 * MS;
}

static void outlive_the_parent(struct world *w)
{
    leave_the_parent(w);
    world_span(w, OP_PROCESS, 3)->led.head.flags |= HX_LED_SPAN_ASYNC;
    world_span(w, OP_PUBLISH, 3)->led.head.flags |= HX_LED_SPAN_ASYNC;
}

/* ---- calls, empty runs ---------------------------------------------------------------------- */

/* Order's row is missing: what hangs on it can only be unknown. */
static void answer_unseen(struct world *w)
{
    world_entry(w, OP_ORDERS, 3)->gone = true;
}

static void never_handled(struct world *w)
{
    world_entry(w, OP_CONSUME, 3)->open = true;
}

static void nothing_at_all(struct world *w)
{
    w->load_count = w->entry_count = w->span_count = w->send_count = 0;
    w->tapes = w->request_count = 0;
    memset(w->closes, 0, sizeof w->closes);
}

#define HEAD(ratio) {"parentbased_traceidratio " ratio, "parentbased_traceidratio " ratio,         \
                     "parentbased_traceidratio " ratio}
#define ALONE(a, b, c) {"traceidratio " a, "traceidratio " b, "traceidratio " c}

static const struct player PLAYERS[] = {
    {.name = "links", .options = {.edge = HX_EDGE_LINK}, .caught = ""},
    {.name = "parents and links", .options = {.edge = HX_EDGE_BOTH}, .caught = ""},
    {.name = "a parent from the load client", .options = {.load_parent_every = 1}, .caught = ""},
    {.name = "a parent from the load client now and then", .options = {.load_parent_every = 2},
     .caught = ""},
    {.name = "ignores the load client's context", .options = {.load_parent_every = 2},
     .break_it = ignore_load, .caught = "propagation"},
    {.name = "claims that hold", .break_it = require_and_forbid, .caught = ""},
    {.name = "claims that do not hold", .break_it = require_the_impossible, .caught = "",
     .refuted = "required.1,forbidden.1,spans_per_request"},
    {.name = "breaks what is not claimed", .break_it = break_what_is_not_claimed, .caught = ""},
    {.name = "breaks what is claimed", .break_it = break_what_is_claimed, .caught = "content",
     .refuted = "check.content"},
    {.name = "claims what has no matter", .break_it = claim_what_cannot_be_judged, .caught = "",
     .refuted = "check.sampling_share"},
    {.name = "drops context at one edge", .break_it = drop_context, .caught = "propagation"},
    {.name = "drops context where it is claimed", .break_it = drop_context_as_claimed,
     .caught = ""},
    {.name = "drops context elsewhere than claimed", .break_it = break_another_than_claimed,
     .caught = "propagation", .refuted = "broken.1"},
    {.name = "is whole where it is claimed broken", .break_it = claim_broken, .caught = "",
     .refuted = "broken.1"},
    {.name = "loses a header on the way", .break_it = lose_header_on_the_way,
     .caught = "propagation"},
    {.name = "ignores a header", .break_it = ignore_header, .caught = "propagation"},
    {.name = "sends another span's context", .break_it = send_another_context,
     .caught = "propagation"},
    {.name = "makes no link", .options = {.edge = HX_EDGE_LINK}, .break_it = link_elsewhere,
     .caught = "content,propagation"},
    {.name = "samples at the head", .options = {.requests = 400, .sampler = HEAD("0.25")},
     .caught = ""},
    {.name = "samples at the head, and again behind a link",
     .options = {.requests = 400, .sampler = HEAD("0.25"), .edge = HX_EDGE_LINK},
     .break_it = require_both, .caught = ""},
    {.name = "samples on its own", .break_it = sample_on_its_own,
     .caught = "sampling_decision,whole_traces"},
    {.name = "records what is not sampled",
     .options = {.requests = 400, .sampler = HEAD("0.01")},
     .break_it = record_what_is_not_sampled, .caught = "sampling_decision"},
    {.name = "samples independently, as claimed",
     .options = {.requests = 400, .sampler = ALONE("0.5", "0.25", "0.4")},
     .break_it = claim_partial, .caught = ""},
    {.name = "samples with the rules of three languages, as claimed",
     .options = {.requests = 400, .sampler = {"traceidratio 0.5", "traceidratio_java 0.5",
                                              "traceidratio_js 0.4"}},
     .break_it = claim_partial, .caught = ""},
    {.name = "samples with the rules of three languages, unclaimed",
     .options = {.requests = 400, .sampler = {"traceidratio_dotnet 0.5", "traceidratio_cpp 0.5",
                                              "probability 0.5"}},
     .caught = "whole_traces"},
    {.name = "samples with three rules below a parent",
     .options = {.requests = 400, .sampler = {"parentbased_traceidratio_js 0.5",
                                              "parentbased_traceidratio_cpp 0.1",
                                              "parentbased_probability 0.2"}},
     .caught = ""},
    {.name = "samples independently, unclaimed",
     .options = {.requests = 400, .sampler = ALONE("0.5", "0.25", "0.4")},
     .caught = "whole_traces"},
    {.name = "is whole where partial traces are claimed", .options = {.requests = 400},
     .break_it = claim_partial, .caught = "whole_traces", .refuted = "partial_traces"},
    {.name = "has ids that are not random",
     .options = {.requests = 400, .edge = HX_EDGE_LINK}, .break_it = stuck_ids,
     .caught = "trace_id_randomness"},
    {.name = "has ids that a ratio always keeps",
     .options = {.requests = 400, .edge = HX_EDGE_LINK, .sampler = HEAD("0.25"),
                 .narrow_ids = true},
     .caught = "sampling_share"},
    {.name = "samples nothing", .options = {.sampler = HEAD("0")}, .caught = "not_empty"},
    {.name = "has another's instance id", .break_it = wrong_resource, .caught = "resource"},
    {.name = "sends under another's resource", .break_it = anothers_resource,
     .caught = "resource"},
    {.name = "reads other baggage", .break_it = read_other_baggage, .caught = "baggage"},
    {.name = "reads no baggage", .break_it = read_no_baggage, .caught = "baggage"},
    {.name = "changes baggage on the way", .break_it = change_baggage_on_the_way,
     .caught = "baggage"},
    {.name = "sends no baggage", .break_it = send_no_baggage, .caught = "baggage"},
    {.name = "has a clock 500 ms off", .break_it = clock_is_off, .caught = "start_times"},
    {.name = "steps the clock", .break_it = clock_steps, .caught = "durations"},
    {.name = "ends before it starts", .break_it = end_before_start, .caught = "durations"},
    {.name = "has a child outside its parent", .break_it = leave_the_parent,
     .caught = "containment"},
    {.name = "has an asynchronous child", .break_it = outlive_the_parent, .caught = ""},
    {.name = "answers without a ledger row", .break_it = answer_unseen,
     .caught = "ledger,calls,sampling_decision,baggage"},
    {.name = "leaves a message unhandled", .break_it = never_handled, .caught = "messages"},
    {.name = "does nothing at all", .break_it = nothing_at_all, .caught = "not_empty"},
};

int main(void)
{
    return run_players("hops", PLAYERS, sizeof PLAYERS / sizeof PLAYERS[0]);
}
