/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/processors/tests/tail_world.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"

/* The cells that buffered spans lie in: what is in them stays as it is, holes have a bound. */

enum { THINGS = 3000, STEPS = 60000 };

struct thing {
    uint8_t *at; /* NULL: not there */
    size_t size;
    uint8_t fill;
};

static void make(struct col_tail_cells *cells, struct thing *thing, struct otl_random *random)
{
    size_t most = otl_random_below(random, 50) == 0 ? COL_TAIL_CELL_SHARE + 1000 : 8000;

    thing->size = 1 + (size_t)otl_random_below(random, most);
    thing->fill = (uint8_t)otl_random_next(random);
    thing->at = col_tail_cells_alloc(cells, thing->size);
    assert_non_null(thing->at);
    assert_int_equal((uintptr_t)thing->at % 8, 0);
    memset(thing->at, thing->fill, thing->size);
}

/* Nobody else has written into it. */
static void destroy(struct col_tail_cells *cells, struct thing *thing)
{
    for (size_t i = 0; i < thing->size; i++)
        assert_int_equal(thing->at[i], thing->fill);
    col_tail_cells_free(cells, thing->at, thing->size);
    thing->at = NULL;
}

static void what_lies_in_cells_stays_as_it_is(void **state)
{
    static struct thing things[THINGS];
    struct col_tail_cells cells = {0};
    struct otl_random random;

    (void)state;
    otl_random_seed(&random, 30);
    for (int i = 0; i < STEPS; i++) {
        struct thing *thing = &things[otl_random_below(&random, THINGS)];
        if (thing->at != NULL)
            destroy(&cells, thing);
        else
            make(&cells, thing, &random);
    }
    assert_true(cells.count > 2);
    for (int i = 0; i < THINGS; i++)
        if (things[i].at != NULL)
            destroy(&cells, &things[i]);
    assert_int_equal(cells.live, 0);
    assert_int_equal(cells.count, 1); /* the open one */
    assert_true(col_tail_cells_mapped(&cells) <=
                (COL_TAIL_CELLS_SLACK + 1) * (uint64_t)COL_TAIL_CELL_BYTES);
    col_tail_cells_fini(&cells);
}

static void the_last_one_that_goes_leaves_its_room(void **state)
{
    struct col_tail_cells cells = {0};
    void *stays = col_tail_cells_alloc(&cells, 100), *first = col_tail_cells_alloc(&cells, 100);

    (void)state;
    assert_non_null(first);
    col_tail_cells_free(&cells, first, 100);
    assert_ptr_equal(col_tail_cells_alloc(&cells, 50), first);
    col_tail_cells_free(&cells, first, 50);
    col_tail_cells_free(&cells, stays, 100);
    assert_ptr_equal(col_tail_cells_alloc(&cells, 100), stays);
    col_tail_cells_free(&cells, stays, 100);
    col_tail_cells_fini(&cells);
}

static void without_memory_there_is_no_cell(void **state)
{
    struct col_tail_cells cells = {0};

    (void)state;
    otl_mem_fail_at(1);
    assert_null(col_tail_cells_alloc(&cells, 10));
    assert_null(col_tail_cells_alloc(&cells, COL_TAIL_CELL_SHARE + 1));
    otl_mem_fail_at(0);
    assert_int_equal(col_tail_cells_mapped(&cells), 0);
    col_tail_cells_fini(&cells);
}

/* ---- a sampler whose traces go at different times ---- */

enum { TRACES = 40000, REQUEST = 400, EVERY = 50, TEXT = 1500 };

/* Spans of traces that are step apart. Every 50th trace has no root and stays; what goes between
 * them would hold all cells. The name and the end of the text spell the trace. */
static void take_all(struct tail_world *world, unsigned from, unsigned step)
{
    static struct tail_span spans[REQUEST];
    static char hex[REQUEST][33], text[REQUEST][TEXT + 33];

    for (unsigned i = 0; i < TRACES; i += REQUEST * step) {
        struct col_batch batch = {.items = REQUEST, .mono_ns = world->now_ns};
        for (unsigned n = 0; n < REQUEST; n++) {
            unsigned trace = i + n * step;
            snprintf(hex[n], sizeof(hex[n]), "%032x", from + trace);
            snprintf(text[n], sizeof(text[n]), "%0*d%s", TEXT, 0, hex[n]);
            spans[n] = (struct tail_span){.trace_hex = hex[n], .child = trace % EVERY == 0,
                                          .name = hex[n], .attrs = {{.key = "k", .text = text[n]}}};
        }
        otl_buf_reset(&world->last);
        tail_put_request(&world->last, spans, REQUEST, false);
        batch.request = otl_view(world->last.data, world->last.len);
        assert_int_equal(col_tail_take(world->tail, &batch, NULL), OTEL_OK);
    }
}

static void assert_no_more_holes(const struct tail_world *world)
{
    uint64_t live = world->tail->store.cells.live;

    assert_true(col_tail_cells_mapped(&world->tail->store.cells) <=
                live / 2 * 3 + (2 * COL_TAIL_CELLS_SLACK + 1) * (uint64_t)COL_TAIL_CELL_BYTES);
}

/* Each has the name that its trace id spells. */
static uint64_t check_kept(const struct tail_world *world)
{
    struct col_traces traces;
    struct col_value value;
    struct col_span span;

    col_traces_init(&traces, otl_view(world->out.data, world->out.len));
    while (col_traces_next(&traces, &span)) {
        unsigned number = (unsigned)span.trace_id[13] << 16 | (unsigned)span.trace_id[14] << 8 |
                          span.trace_id[15];
        char name[33];
        snprintf(name, sizeof(name), "%032x", number);
        assert_true(otl_view_is(span.name, name));
        assert_true(col_attribute_find(&span.attributes, "k", &value));
        assert_int_equal(value.text.len, TEXT + 32);
        assert_memory_equal(value.text.data + TEXT, name, 32);
    }
    assert_int_equal(col_traces_error(&traces, NULL), OTEL_OK);
    return traces.spans;
}

static void few_that_stay_do_not_hold_the_memory_of_all(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct tail_world world;
    uint64_t most = 0, stay = 0;

    (void)state;
    if (tail_world_init(&world,
                        "{decision_wait: 600s, decision_wait_after_root_received: 1s, num_traces: "
                        "1000000, policies: [{name: none, type: probabilistic}]}",
                        &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
    for (unsigned round = 0; round < 4; round++) {
        take_all(&world, round * TRACES, 1);
        if (col_tail_cells_mapped(&world.tail->store.cells) > most)
            most = col_tail_cells_mapped(&world.tail->store.cells);
        tail_ticks(&world, 3);
        stay += TRACES / EVERY;
        assert_int_equal(world.tail->books.held, stay);
        assert_no_more_holes(&world);
    }
    assert_true(most > 20 * (uint64_t)COL_TAIL_CELL_BYTES); /* or nothing was to be done */
    tail_world_fini(&world);
}

static void what_was_moved_is_kept_as_it_came(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct tail_world world;

    (void)state;
    if (tail_world_init(&world,
                        "{decision_wait: 20s, decision_wait_after_root_received: 1s, num_traces: "
                        "1000000, policies: [{name: all, type: always_sample}]}",
                        &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
    take_all(&world, 0, 1);
    tail_ticks(&world, 3);
    assert_int_equal(world.kept, TRACES - TRACES / EVERY);
    assert_true(world.tail->store.cells.live < COL_TAIL_CELL_BYTES / 4 * 3);
    assert_no_more_holes(&world);
    otl_buf_reset(&world.out);
    take_all(&world, 0, EVERY); /* behind the pieces that were moved */
    tail_ticks(&world, 20);
    assert_int_equal(check_kept(&world), 2 * (TRACES / EVERY));
    assert_int_equal(world.tail->books.held, 0);
    tail_world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lies_in_cells_stays_as_it_is),
        cmocka_unit_test(the_last_one_that_goes_leaves_its_room),
        cmocka_unit_test(without_memory_there_is_no_cell),
        cmocka_unit_test(few_that_stay_do_not_hold_the_memory_of_all),
        cmocka_unit_test(what_was_moved_is_kept_as_it_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
