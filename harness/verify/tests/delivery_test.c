/* SPDX-License-Identifier: Apache-2.0 */
/* Players that lose, repeat or alter spans are each caught by name, and nothing else is. */
#include <stdio.h>
#include <string.h>

#include "harness/verify/tests/players.h"

/* ---- losses --------------------------------------------------------------------------------- */

static void lose_one(struct world *w)
{
    world_span(w, OP_PROCESS, 7)->wire.gone = true;
}

static void drop_named(struct world *w, enum hx_drop_reason reason, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct w_span *span = world_span(w, OP_PROCESS, i);

        span->wire.gone = true;
        span->dropped = reason;
        w->closes[W_ORDER].exported--;
        if (reason == HX_DROP_QUEUE_FULL)
            w->closes[W_ORDER].queue_full++;
        else
            w->closes[W_ORDER].export_failed++;
    }
}

static void drop_honestly(struct world *w)
{
    drop_named(w, HX_DROP_QUEUE_FULL, 10);
}

static void lose_and_overcount(struct world *w)
{
    for (unsigned i = 0; i < 10; i++)
        world_span(w, OP_PROCESS, i)->wire.gone = true;
    w->closes[W_ORDER].queue_full = 10;
    w->closes[W_ORDER].exported -= 10;
}

/* Of the first whole request of a process: the SDK has a number and no ids. */
static struct w_request *refuse_some(struct world *w, int process, uint32_t count)
{
    struct w_request *request = w->requests;

    while (request->process != process)
        request++;
    request->rejected = count;
    w->closes[process].rejected = count;
    w->closes[process].exported -= count;
    w->unnamed[process][HX_DROP_REJECTED] = count;
    return request;
}

static void refused_some(struct world *w)
{
    refuse_some(w, W_ORDER, 3);
}

static void overcount_refused(struct world *w)
{
    refuse_some(w, W_ORDER, 4)->rejected = 3;
}

static void invent_refused(struct world *w)
{
    refuse_some(w, W_ORDER, 4)->rejected = 0;
}

/* The refused ones were received: their number excuses no other loss. */
static void refused_some_and_lose_one(struct world *w)
{
    refuse_some(w, W_ORDER, 3);
    lose_one(w);
}

static void refused_some_kept_silent(struct world *w)
{
    refuse_some(w, W_ORDER, 3);
    w->unnamed[W_ORDER][HX_DROP_REJECTED] = 2;
}

static void drop_unnamed(struct world *w)
{
    lose_and_overcount(w);
    w->unnamed[W_ORDER][HX_DROP_QUEUE_FULL] = 10;
}

static void drop_unnamed_and_overcount(struct world *w)
{
    drop_unnamed(w);
    world_span(w, OP_PROCESS, 0)->wire.gone = false;
}

static void acknowledge_and_lose(struct world *w)
{
    w->requests[1].times = 0;
}

static void failed_but_delivered(struct world *w)
{
    drop_named(w, HX_DROP_EXPORT_FAILED, 5);
    for (unsigned i = 0; i < 5; i++)
        world_span(w, OP_PROCESS, i)->wire.gone = false;
}

static void dropped_but_delivered(struct world *w)
{
    drop_honestly(w);
    world_span(w, OP_PROCESS, 0)->wire.gone = false;
}

/* Sampled, but no room to record it: the API says not recording, the drop record says why. */
static void without_memory(struct world *w)
{
    struct w_span *span = world_span(w, OP_CONSUME, 3);

    span->sampled = false;
    span->led.head.flags &= (uint16_t)~(HX_LED_SPAN_RECORDING | HX_LED_SPAN_SAMPLED);
    span->led.trace_flags = 0;
    span->dropped = HX_DROP_NO_MEMORY;
    world_account(w);
    w->closes[W_PROJECTOR].no_memory = 1;
}

static void miscount_started(struct world *w)
{
    w->closes[W_ORDER].started++;
}

static void name_a_stranger(struct world *w)
{
    /* the drop callback gives ids that no span has */
    drop_named(w, HX_DROP_QUEUE_FULL, 1);
    world_span(w, OP_PROCESS, 0)->stranger = true;
}

static void kill_order(struct world *w)
{
    w->killed[W_ORDER] = true;
    for (unsigned i = 15; i < 20; i++)
        world_span(w, OP_PROCESS, i)->wire.gone = true;
}

static void kill_and_lose_too_much(struct world *w)
{
    w->killed[W_ORDER] = true;
    w->services[W_ORDER].tracing.max_queue_size = 2;
    w->services[W_ORDER].tracing.max_export_batch_size = 1;
    for (unsigned i = 0; i < 5; i++)
        world_span(w, OP_PROCESS, i)->wire.gone = true;
}

/* ---- duplicates and ids --------------------------------------------------------------------- */

static void duplicate(struct world *w)
{
    w->requests[1].times = 2;
}

static void retry(struct world *w)
{
    w->requests[1].times = 2;
    w->requests[1].unanswered = true;
}

static void over_grpc(struct world *w)
{
    for (size_t i = 0; i < w->request_count; i++) {
        w->requests[i].grpc = true;
        w->requests[i].status = 0;
    }
}

static void duplicate_over_grpc(struct world *w)
{
    over_grpc(w);
    w->requests[1].times = 2;
}

static void refused_twice_over_grpc(struct world *w)
{
    over_grpc(w);
    w->requests[1].times = 2;
    w->requests[1].status = 14;
}

static void redeliver(struct world *w)
{
    world_redeliver(w, 3);
}

static void reuse_id_in_the_api(struct world *w)
{
    /* leaf spans, so that nothing hangs below the id */
    struct w_span *a = world_span(w, OP_CONSUME, 3), *b = world_span(w, OP_CONSUME, 4);

    memcpy(b->led.span_id, a->led.span_id, 8);
    memcpy(b->wire.span_id, a->led.span_id, 8);
}

static void reuse_id_on_the_way(struct world *w)
{
    struct w_span *a = world_span(w, OP_CONSUME, 3), *b = world_span(w, OP_CONSUME, 4);

    memcpy(b->wire.span_id, a->led.span_id, 8);
}

static void send_unknown(struct world *w)
{
    struct w_span *span = world_span(w, OP_CONSUME, 3);

    span->wire.seq = (int64_t)7 << 40 | 7; /* and the span itself is lost with it */
    memset(span->wire.span_id, 0xee, 8);
}

/* ---- altered -------------------------------------------------------------------------------- */

static void alter_attribute(struct world *w)
{
    snprintf(world_span(w, OP_PROCESS, 3)->wire.order_id, 24, "order-x");
}

static void alter_name(struct world *w)
{
    snprintf(world_span(w, OP_PROCESS, 3)->wire.name, 24, "other");
}

static void alter_event(struct world *w)
{
    world_span(w, OP_PROCESS, 3)->wire.event = false;
}

static void alter_status(struct world *w)
{
    world_span(w, OP_PROCESS, 3)->wire.status = HX_STATUS_OK;
}

static void alter_link(struct world *w)
{
    struct w_wire *wire = &world_span(w, OP_PROCESS, 3)->wire;

    wire->link = true;
    memset(wire->link_trace, 1, 16);
    memset(wire->link_span, 1, 8);
}

static void alter_kind(struct world *w)
{
    world_span(w, OP_PROCESS, 3)->wire.kind = HX_CLIENT;
}

static void alter_remote_bit(struct world *w)
{
    world_span(w, OP_PROCESS, 3)->wire.flags |= 0x200;
}

static void lose_seq(struct world *w)
{
    world_span(w, OP_PROCESS, 3)->wire.seq = 0;
}

static void swap_parents_on_the_way(struct world *w)
{
    struct w_span *a = world_span(w, OP_PROCESS, 3), *b = world_span(w, OP_PUBLISH, 3);
    uint8_t id[8];

    memcpy(id, a->wire.parent, 8);
    memcpy(a->wire.parent, b->wire.parent, 8);
    memcpy(b->wire.parent, id, 8);
}

static void swap_parents_in_the_api(struct world *w)
{
    struct w_span *a = world_span(w, OP_PROCESS, 3), *b = world_span(w, OP_PUBLISH, 3);

    swap_parents_on_the_way(w);
    memcpy(a->led.parent_span_id, a->wire.parent, 8);
    memcpy(b->led.parent_span_id, b->wire.parent, 8);
}

/* ---- behind the pipeline -------------------------------------------------------------------- */

static void pipeline_loses(struct world *w)
{
    w->pipeline_loses = 2;
}

static void pipeline_repeats(struct world *w)
{
    w->pipeline_repeats = 2;
}

static void pipeline_is_cut(struct world *w)
{
    w->pipeline_cut = true;
}

/* The answer rejected three, and the pipeline has left out four. */
static void pipeline_loses_more_than_refused(struct world *w)
{
    refuse_some(w, W_ORDER, 3);
    w->pipeline_short = 1;
}

/* ---- the test ------------------------------------------------------------------------------- */

static const char *const ORDER_KILLED[] = {"order-0", NULL};

static const struct player PLAYERS[] = {
    {.name = "healthy", .caught = ""},
    {.name = "loses one span", .break_it = lose_one, .caught = "lost_unexplained"},
    {.name = "drops ten and says so", .break_it = drop_honestly, .caught = ""},
    {.name = "loses ten and over-counts queue_full", .break_it = lose_and_overcount,
     .caught = "counter_lies"},
    {.name = "is refused three by number", .break_it = refused_some, .caught = ""},
    {.name = "counts more refused than were", .break_it = overcount_refused,
     .caught = "counter_lies"},
    {.name = "counts refused that nobody refused", .break_it = invent_refused,
     .caught = "counter_lies"},
    {.name = "is refused three by number and loses one", .break_it = refused_some_and_lose_one,
     .caught = "lost_unexplained"},
    {.name = "is refused three and tells of two", .break_it = refused_some_kept_silent,
     .caught = "counter_lies"},
    {.name = "drops ten and tells their number", .break_it = drop_unnamed, .caught = ""},
    {.name = "tells of ten by number and loses nine", .break_it = drop_unnamed_and_overcount,
     .caught = "counter_lies"},
    {.name = "acknowledges and loses", .break_it = acknowledge_and_lose,
     .caught = "lost_after_ack"},
    {.name = "reports lost what was delivered", .break_it = failed_but_delivered, .caught = ""},
    {.name = "names as dropped what was delivered", .break_it = dropped_but_delivered,
     .caught = "counter_lies"},
    {.name = "has no memory for a span", .break_it = without_memory, .caught = ""},
    {.name = "miscounts what it started", .break_it = miscount_started, .caught = "books"},
    {.name = "names a stranger as dropped", .break_it = name_a_stranger,
     .caught = "counter_lies"},
    {.name = "killed on purpose", .break_it = kill_order, .caught = "", .killed = ORDER_KILLED},
    {.name = "died", .break_it = kill_order, .caught = "clean_stop"},
    {.name = "killed, and lost more than it held", .break_it = kill_and_lose_too_much,
     .caught = "process_killed", .killed = ORDER_KILLED},
    {.name = "duplicates", .break_it = duplicate, .caught = "duplicates"},
    {.name = "retries", .break_it = retry, .caught = ""},
    {.name = "exports over gRPC", .break_it = over_grpc, .caught = ""},
    {.name = "duplicates over gRPC", .break_it = duplicate_over_grpc, .caught = "duplicates"},
    {.name = "sends again over gRPC", .break_it = refused_twice_over_grpc, .caught = ""},
    {.name = "is given a message twice", .break_it = redeliver, .caught = ""},
    {.name = "reuses an id", .options = {.edge = HX_EDGE_LINK}, .break_it = reuse_id_in_the_api,
     .caught = "id_collisions"},
    {.name = "reuses an id on the way", .options = {.edge = HX_EDGE_LINK},
     .break_it = reuse_id_on_the_way,
     .caught = "id_collisions,identity"},
    {.name = "alters an attribute", .break_it = alter_attribute, .caught = "content"},
    {.name = "alters a name", .break_it = alter_name, .caught = "content"},
    {.name = "loses an event", .break_it = alter_event, .caught = "content"},
    {.name = "alters a status", .break_it = alter_status, .caught = "content"},
    {.name = "adds a link", .break_it = alter_link, .caught = "content"},
    {.name = "alters a kind", .break_it = alter_kind, .caught = "identity"},
    {.name = "alters the remote bit", .break_it = alter_remote_bit, .caught = "identity"},
    {.name = "loses tracerig.seq", .break_it = lose_seq, .caught = "content"},
    {.name = "swaps parents on the way", .break_it = swap_parents_on_the_way,
     .caught = "parents,traces"},
    {.name = "swaps parents in the API", .break_it = swap_parents_in_the_api,
     .caught = "parents,traces"},
    {.name = "loses behind the socket", .break_it = pipeline_loses, .caught = "pipeline"},
    {.name = "loses more behind the socket than was refused",
     .break_it = pipeline_loses_more_than_refused, .caught = "pipeline"},
    {.name = "repeats behind the socket", .break_it = pipeline_repeats, .caught = "pipeline"},
    {.name = "writes half records", .break_it = pipeline_is_cut, .caught = "pipeline"},
    {.name = "sends what nobody started", .break_it = send_unknown,
     .caught = "lost_unexplained,unexpected"},
};

int main(void)
{
    return run_players("delivery", PLAYERS, sizeof PLAYERS / sizeof PLAYERS[0]);
}
