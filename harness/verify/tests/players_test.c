/* SPDX-License-Identifier: Apache-2.0 */
/* Each broken player is caught by name, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/verify/tests/world.h"
#include "harness/verify/verify.h"

struct player {
    const char *name;
    struct w_options options;
    void (*break_it)(struct world *world);
    const char *caught; /* the checks that do not pass, in their order */
    const char *const *killed;
};

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

static void redeliver(struct world *w)
{
    world_redeliver(w, 3);
}

static void reuse_id_in_the_api(struct world *w)
{
    /* leaf spans, so that nothing hangs below the id */
    struct w_span *a = world_span(w, OP_CONSUME, 3), *b = world_span(w, OP_CONSUME, 4);

    memcpy(b->led.span_id, a->led.span_id, 8);
    memcpy(b->led.trace_id, a->led.trace_id, 16);
    memcpy(b->wire.span_id, a->led.span_id, 8);
    memcpy(b->wire.trace_id, a->led.trace_id, 16);
}

static void reuse_id_on_the_way(struct world *w)
{
    struct w_span *a = world_span(w, OP_CONSUME, 3), *b = world_span(w, OP_CONSUME, 4);

    memcpy(b->wire.span_id, a->led.span_id, 8);
    memcpy(b->wire.trace_id, a->led.trace_id, 16);
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

/* ---- the test ------------------------------------------------------------------------------- */

static void healthy(struct world *w)
{
    (void)w;
}

static const char *const ORDER_KILLED[] = {"order-0", NULL};

static const struct player PLAYERS[] = {
    {.name = "healthy", .break_it = healthy, .caught = ""},
    {.name = "loses one span", .break_it = lose_one, .caught = "lost_unexplained"},
    {.name = "drops ten and says so", .break_it = drop_honestly, .caught = ""},
    {.name = "loses ten and over-counts queue_full", .break_it = lose_and_overcount,
     .caught = "counter_lies"},
    {.name = "acknowledges and loses", .break_it = acknowledge_and_lose,
     .caught = "lost_after_ack"},
    {.name = "reports lost what was delivered", .break_it = failed_but_delivered, .caught = ""},
    {.name = "names as dropped what was delivered", .break_it = dropped_but_delivered,
     .caught = "counter_lies"},
    {.name = "killed on purpose", .break_it = kill_order, .caught = "", .killed = ORDER_KILLED},
    {.name = "died", .break_it = kill_order, .caught = "clean_stop"},
    {.name = "killed, and lost more than it held", .break_it = kill_and_lose_too_much,
     .caught = "process_killed", .killed = ORDER_KILLED},
    {.name = "duplicates", .break_it = duplicate, .caught = "duplicates"},
    {.name = "retries", .break_it = retry, .caught = ""},
    {.name = "is given a message twice", .break_it = redeliver, .caught = ""},
    {.name = "reuses an id", .break_it = reuse_id_in_the_api, .caught = "id_collisions"},
    {.name = "reuses an id on the way", .break_it = reuse_id_on_the_way,
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
     .caught = "parents"},
    {.name = "swaps parents in the API", .break_it = swap_parents_in_the_api,
     .caught = "parents"},
    {.name = "sends what nobody started", .break_it = send_unknown,
     .caught = "lost_unexplained,unexpected"},
};

static json_t *judge(struct world *w, const char *const *killed)
{
    struct hx_verify_options options = {.dir = w->dir, .scenario = &w->scenario, .killed = killed};
    struct otl_detail detail = OTL_DETAIL_NONE;
    json_t *result = NULL;

    while (killed != NULL && killed[options.killed_count] != NULL)
        options.killed_count++;
    if (hx_verify_run(&options, &result, &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
    return result;
}

static void caught_by(const json_t *result, char *out, size_t size)
{
    const json_t *check;
    size_t i, len = 0;

    out[0] = '\0';
    json_array_foreach(json_object_get(result, "checks"), i, check) {
        if (strcmp(json_string_value(json_object_get(check, "verdict")), "pass") != 0)
            len += (size_t)snprintf(out + len, size - len, "%s%s", len > 0 ? "," : "",
                                    json_string_value(json_object_get(check, "id")));
    }
}

static void print_failures(const json_t *result)
{
    const json_t *check;
    char *text;
    size_t i;

    json_array_foreach(json_object_get(result, "checks"), i, check) {
        if (strcmp(json_string_value(json_object_get(check, "verdict")), "pass") == 0)
            continue;
        text = json_dumps(check, JSON_INDENT(1));
        fprintf(stderr, "%s\n", text);
        free(text);
    }
}

static int64_t count_of(const json_t *result, const char *part, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(result, part), key));
}

static void player_is_caught(void **state)
{
    const struct player *player = *state;
    const char *verdict;
    struct world w;
    json_t *result;
    char caught[512];
    bool balanced;

    world_init(&w, &player->options);
    player->break_it(&w);
    world_write(&w);
    result = judge(&w, player->killed);
    world_fini(&w);
    caught_by(result, caught, sizeof caught);
    verdict = json_string_value(json_object_get(result, "verdict"));
    balanced = count_of(result, "spans", "started") == count_of(result, "spans", "accounted");
    if (strcmp(caught, player->caught) != 0 || !balanced ||
        strcmp(verdict, player->caught[0] == '\0' ? "pass" : "fail") != 0) {
        print_failures(result);
        json_decref(result);
        fail_msg("caught by '%s', expected '%s'", caught, player->caught);
    }
    json_decref(result);
}

int main(void)
{
    enum { COUNT = sizeof PLAYERS / sizeof PLAYERS[0] };
    struct CMUnitTest tests[COUNT];

    for (size_t i = 0; i < COUNT; i++)
        tests[i] = (struct CMUnitTest){.name = PLAYERS[i].name, .test_func = player_is_caught,
                                       .initial_state = (void *)(uintptr_t)&PLAYERS[i]};
    return _cmocka_run_group_tests("players", tests, COUNT, NULL, NULL);
}
