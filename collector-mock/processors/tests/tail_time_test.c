/* SPDX-License-Identifier: Apache-2.0 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/processors/tests/tail_world.h"
#include "sdk/base/random.h"

/* When traces are decided, what becomes of late spans, limits over time, and the books. The world
 * holds the books after every step of every test. */

#define ALWAYS "policies: [{name: all, type: always_sample}]"
#define NONE "policies: [{name: none, type: probabilistic}]"
#define ERRORS "policies: [{name: e, type: status_code, status_code: {status_codes: [ERROR]}}]"

static void begin(struct tail_world *world, const char *config)
{
    struct otl_detail detail = OTL_DETAIL_NONE;

    if (tail_world_init(world, config, &detail) != OTEL_OK)
        fail_msg("%s: %s", config, detail.text);
}

static void feed(struct tail_world *world, unsigned trace, unsigned status)
{
    const struct tail_span span = {.trace = trace, .child = true, .status = status};

    assert_int_equal(tail_feed(world, &span, 1, false), OTEL_OK);
}

static void a_decision_falls_between_the_wait_and_a_second_more(void **state)
{
    static const struct {
        const char *config;
        unsigned ticks; /* until the decision */
    } cases[] = {
        {"{decision_wait: 3s, " ALWAYS "}", 4},   {"{decision_wait: 1s, " ALWAYS "}", 2},
        {"{decision_wait: 10ms, " ALWAYS "}", 2}, {"{decision_wait: 2900ms, " ALWAYS "}", 3},
        {"{" ALWAYS "}", 31},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tail_world world;

        begin(&world, cases[i].config);
        tail_ticks(&world, 5);
        feed(&world, 1, 0);
        tail_ticks(&world, cases[i].ticks - 1);
        assert_int_equal(world.kept, 0);
        tail_ticks(&world, 1);
        assert_int_equal(world.kept, 1);
        tail_world_fini(&world);
    }
}

static void a_root_can_bring_the_decision_forward_but_never_back(void **state)
{
    static const struct {
        const char *after_root;
        unsigned ticks;
    } cases[] = {{"2s", 3}, {"500ms", 1}, {"20s", 11}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const struct tail_span root = {.trace = 1};
        struct tail_world world;
        char config[256];

        snprintf(config, sizeof(config),
                 "{decision_wait: 10s, decision_wait_after_root_received: %s, " ALWAYS "}",
                 cases[i].after_root);
        begin(&world, config);
        feed(&world, 2, 0); /* without a root: the whole wait */
        assert_int_equal(tail_feed(&world, &root, 1, false), OTEL_OK);
        tail_ticks(&world, cases[i].ticks - 1);
        assert_int_equal(world.sent[1], 0);
        tail_ticks(&world, 1);
        assert_int_equal(world.sent[1], 1);
        assert_int_equal(world.sent[2], i == 2);
        tail_world_fini(&world);
    }
}

static void late_spans_follow_the_decision_while_it_is_remembered(void **state)
{
    struct tail_world world;

    (void)state;
    begin(&world, "{decision_wait: 1s, num_traces: 2, " ERRORS "}");
    feed(&world, 1, 2);
    feed(&world, 2, 0);
    tail_ticks(&world, 2);
    feed(&world, 1, 0); /* late, of a kept trace: at once */
    assert_int_equal(world.sent[1], 2);
    feed(&world, 2, 2); /* late, of one that was not: dropped, though it is an error */
    assert_int_equal(world.tail->books.sampled_out, 2);
    feed(&world, 3, 0); /* makes the table forget trace 1 */
    feed(&world, 1, 0); /* a new trace, then: and it has no error */
    tail_ticks(&world, 2);
    assert_int_equal(world.sent[1], 2);
    assert_int_equal(world.tail->books.dropped[COL_TAIL_DROP_TOO_EARLY], 0);
    tail_world_fini(&world);
}

static void decision_caches_remember_longer_than_the_table(void **state)
{
    struct tail_world world;

    (void)state;
    begin(&world, "{decision_wait: 1s, num_traces: 2, decision_cache: {sampled_cache_size: 100, "
                  "non_sampled_cache_size: 2}, " ERRORS "}");
    for (unsigned i = 1; i <= 20; i++) {
        feed(&world, i, i % 2 ? 2 : 0);
        tail_ticks(&world, 2);
        assert_int_equal(world.tail->table.count, 0);
    }
    feed(&world, 1, 0); /* kept long ago */
    assert_int_equal(world.sent[1], 2);
    feed(&world, 20, 2); /* dropped just now */
    assert_int_equal(world.sent[20], 0);
    feed(&world, 2, 2); /* dropped long ago, forgotten: a new trace with an error */
    tail_ticks(&world, 2);
    assert_int_equal(world.sent[2], 1);
    tail_world_fini(&world);
}

static void the_oldest_trace_makes_room(void **state)
{
    struct tail_world world;

    (void)state;
    begin(&world, "{decision_wait: 10s, num_traces: 3, " ALWAYS "}");
    for (unsigned i = 1; i <= 5; i++)
        feed(&world, i, 0);
    assert_int_equal(world.tail->books.dropped[COL_TAIL_DROP_TOO_EARLY], 2);
    tail_ticks(&world, 11);
    assert_int_equal(world.kept, 3);
    assert_int_equal(world.sent[1] + world.sent[2], 0);
    tail_world_fini(&world);
}

/* Over max_bytes the oldest that wait is lost, decided ones keep their place; what is held of the
 * newest is always less. */
static void the_oldest_that_waits_makes_room_for_bytes(void **state)
{
    enum { MAX = 6000, DECIDED = 10, OPEN = 200 };
    const struct col_tail_books *books;
    struct tail_world world;
    uint64_t most = 0;

    (void)state;
    begin(&world, "{decision_wait: 1s, compat: {max_bytes: 6000}, " ALWAYS "}");
    books = &world.tail->books;
    for (unsigned i = 1; i <= DECIDED; i++)
        feed(&world, i, 0);
    tail_ticks(&world, 2);
    assert_int_equal(world.kept, DECIDED);
    for (unsigned i = 1; i <= OPEN; i++) {
        feed(&world, DECIDED + i, 0);
        assert_in_range(world.tail->store.bytes, 1, MAX);
        most = world.tail->store.bytes > most ? world.tail->store.bytes : most;
    }
    assert_true(most > MAX - 500);
    assert_int_equal(books->dropped[COL_TAIL_DROP_BYTES] + books->held, OPEN);
    assert_true(books->held > 20 && books->held < 100);
    assert_int_equal(world.tail->table.count, DECIDED + books->held);
    feed(&world, 1, 0); /* late: its decision is still known */
    assert_int_equal(world.sent[1], 2);
    tail_ticks(&world, 2);
    assert_int_equal(world.sent[DECIDED + 1], 0);
    assert_int_equal(world.sent[DECIDED + OPEN], 1);
    assert_int_equal(world.kept, DECIDED + 1 + OPEN - books->dropped[COL_TAIL_DROP_BYTES]);
    tail_world_fini(&world);
}

/* A trace that grows without end loses itself, again and again; and no trace has more spans than
 * fit when it is decided, however small they are. */
static void a_trace_without_end_is_bounded(void **state)
{
    static const struct {
        const char *config;
        uint64_t bytes;
        unsigned spans; /* that one trace may have */
    } cases[] = {
        {"{decision_wait: 60s, compat: {max_bytes: 2048}, " ALWAYS "}", 2048, 4},
        {"{decision_wait: 60s, compat: {max_bytes: 5120}, " ALWAYS "}", 5120, 10},
        {"{decision_wait: 60s, compat: {max_bytes: 1}, " ALWAYS "}", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tail_world world;

        begin(&world, cases[i].config);
        for (unsigned k = 0; k < 1000; k++) {
            feed(&world, 1, 0);
            assert_true(world.tail->store.bytes <= cases[i].bytes);
            assert_true(world.tail->books.held <= cases[i].spans);
        }
        assert_true(world.tail->books.dropped[COL_TAIL_DROP_BYTES] >= 1000 - cases[i].spans);
        col_tail_finish(world.tail);
        assert_int_equal(world.kept + world.tail->books.dropped[COL_TAIL_DROP_BYTES], 1000);
        tail_world_fini(&world);
    }
}

static void a_blocking_sampler_takes_no_new_trace_until_there_is_room(void **state)
{
    const struct tail_span two[] = {{.trace = 3}, {.trace = 4}};
    struct tail_world world;
    size_t waiting = 0;

    (void)state;
    begin(&world, "{decision_wait: 1s, num_traces: 2, block_on_overflow: true, decision_cache: "
                  "{sampled_cache_size: 100, non_sampled_cache_size: 100}, " ALWAYS "}");
    feed(&world, 1, 0);
    feed(&world, 2, 0);
    assert_int_equal(tail_feed(&world, two, 2, false), OTEL_OK);
    feed(&world, 1, 0); /* waits behind them */
    assert_int_equal(world.tail->waiting_count, 2);
    assert_int_equal(world.tail->books.held, 5);
    tail_ticks(&world, 2);
    assert_int_equal(world.tail->waiting_count, 0);
    assert_int_equal(world.sent[1], 2);
    tail_ticks(&world, 2);
    assert_int_equal(world.kept, 6 - 1);
    feed(&world, 11, 0);
    feed(&world, 12, 0);
    for (unsigned i = 0; i < COL_TAIL_WAITING; i++, waiting++)
        feed(&world, 20 + i, 0);
    assert_int_equal(tail_feed(&world, two, 2, false), OTEL_ERR_UNAVAILABLE);
    assert_int_equal(world.tail->books.refused, 2);
    col_tail_finish(world.tail);
    assert_int_equal(world.tail->books.held, 0);
    assert_true(col_tail_balanced(&world.tail->books));
    tail_world_fini(&world);
}

static void a_trace_that_grows_too_large_is_dropped_whole(void **state)
{
    struct tail_world world;

    (void)state;
    begin(&world, "{decision_wait: 1s, maximum_trace_size_bytes: 300, " ALWAYS "}");
    for (unsigned i = 0; i < 5; i++)
        feed(&world, 1, 0);
    feed(&world, 2, 0);
    tail_ticks(&world, 2);
    assert_int_equal(world.sent[1], 0);
    assert_int_equal(world.sent[2], 1);
    assert_true(world.tail->books.dropped[COL_TAIL_DROP_TOO_LARGE] > 0);
    assert_true(world.tail->books.sampled_out > 0); /* what came behind */
    tail_world_fini(&world);
}

static void span_ingest_decides_when_spans_arrive(void **state)
{
    struct tail_world world;

    (void)state;
    begin(&world, "{decision_wait: 1s, sampling_strategy: span-ingest, " ERRORS "}");
    feed(&world, 1, 0);
    assert_int_equal(world.kept, 0);
    feed(&world, 1, 2);
    assert_int_equal(world.sent[1], 2);
    feed(&world, 1, 0);
    assert_int_equal(world.sent[1], 3);
    feed(&world, 2, 0);
    tail_ticks(&world, 2);
    feed(&world, 2, 2); /* as upstream: forgotten, so this is a trace of its own */
    assert_int_equal(world.sent[2], 1);
    tail_world_fini(&world);
}

static void the_end_decides_on_what_is_there_or_drops_it(void **state)
{
    struct tail_world world;

    (void)state;
    begin(&world, "{decision_wait: 60s, " ALWAYS "}");
    feed(&world, 1, 0);
    col_tail_finish(world.tail);
    assert_int_equal(world.kept, 1);
    tail_world_fini(&world);
    begin(&world, "{decision_wait: 60s, drop_pending_traces_on_shutdown: true, " ALWAYS "}");
    feed(&world, 1, 0);
    col_tail_finish(world.tail);
    assert_int_equal(world.kept, 0);
    assert_int_equal(world.tail->books.dropped[COL_TAIL_DROP_SHUTDOWN], 1);
    assert_true(col_tail_balanced(&world.tail->books));
    tail_world_fini(&world);
}

/* so many traces of two spans at once, a second after the other; the spans kept in each */
static void limits_hold_over_time(void **state)
{
    static const struct {
        const char *policy;
        unsigned kept[3];
    } cases[] = {
        {"{name: r, type: rate_limiting, rate_limiting: {spans_per_second: 10}}", {20, 10, 10}},
        {"{name: r, type: rate_limiting, rate_limiting: {spans_per_second: 10, burst_capacity: 6}}",
         {6, 6, 6}},
        {"{name: r, type: rate_limiting, rate_limiting: {spans_per_second: 1, burst_capacity: 1}}",
         {0, 0, 0}},
        {"{name: r, type: bytes_limiting, bytes_limiting: {bytes_per_second: 280, burst_capacity: "
         "560}}", {6, 4, 4}},
        {"{name: c, type: composite, composite: {max_total_spans_per_second: 12, policy_order: [a, "
         "b], composite_sub_policy: [{name: a, type: always_sample}, {name: b, type: "
         "always_sample}], rate_allocation: [{policy: a, percent: 50}]}}", {6, 6, 6}},
        {"{name: c, type: composite, composite: {max_total_spans_per_second: 12, policy_order: [n, "
         "b], composite_sub_policy: [{name: n, type: probabilistic}, {name: b, type: "
         "always_sample}], rate_allocation: [{policy: b, percent: 100}]}}", {12, 12, 12}},
        /* asked as they stand: policy_order is not looked at, as upstream */
        {"{name: c, type: composite, composite: {max_total_spans_per_second: 12, policy_order: [b, "
         "a], composite_sub_policy: [{name: a, type: always_sample}, {name: b, type: "
         "always_sample}], rate_allocation: [{policy: a, percent: 25}, {policy: b, percent: 75}]}}",
         {2, 2, 2}},
        /* not allocated: its share of the total */
        {"{name: c, type: composite, composite: {max_total_spans_per_second: 12, policy_order: "
         "[b], composite_sub_policy: [{name: n, type: probabilistic}, {name: b, type: "
         "always_sample}]}}", {6, 6, 6}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tail_world world;
        char config[1024];
        uint64_t before = 0;

        snprintf(config, sizeof(config), "{decision_wait: 1s, policies: [%s]}", cases[i].policy);
        begin(&world, config);
        for (unsigned second = 0; second < 3 + 1; second++) {
            for (unsigned k = 0; k < 20 && second < 3; k++) {
                const struct tail_span spans[2] = {{.trace = second * 20 + k + 1},
                                                   {.trace = second * 20 + k + 1}};
                assert_int_equal(tail_feed(&world, spans, 2, false), OTEL_OK);
            }
            tail_ticks(&world, 1);
            if (second == 0)
                continue;
            if (world.kept - before != cases[i].kept[second - 1])
                fail_msg("case %zu, second %u: kept %llu", i, second,
                         (unsigned long long)(world.kept - before));
            before = world.kept;
        }
        tail_world_fini(&world);
    }
}

/* What is kept goes on as the bytes it came in. */
static void kept_spans_are_the_bytes_that_came(void **state)
{
    const struct tail_span spans[] = {
        {.trace = 1, .ms = 5, .trace_state = "a=b", .attrs = {{.key = "k", .text = "v"}}},
        {.trace = 1, .child = true, .status = 2, .event = {.key = "e", .number = 1}}};
    struct tail_world world;

    (void)state;
    for (int apart = 0; apart < 2; apart++) {
        begin(&world, "{decision_wait: 1s, " ALWAYS "}");
        assert_int_equal(tail_feed(&world, spans, 2, apart == 1), OTEL_OK);
        tail_ticks(&world, 2);
        assert_int_equal(world.batches, 1);
        assert_int_equal(world.out.len, world.last.len);
        assert_memory_equal(world.out.data, world.last.data, world.last.len);
        tail_world_fini(&world);
    }
}

/* Random lives: received = kept + sampled out + refused + dropped + held, at every moment. */
static void the_books_balance_at_every_moment(void **state)
{
    static const char *const configs[] = {
        "{decision_wait: 2s, num_traces: 5, " ERRORS "}",
        "{decision_wait: 3s, num_traces: 8, block_on_overflow: true, " ERRORS "}",
        "{decision_wait: 2s, num_traces: 6, block_on_overflow: true, decision_cache: "
        "{sampled_cache_size: 4, non_sampled_cache_size: 4}, " ERRORS "}",
        "{decision_wait: 2s, num_traces: 20, maximum_trace_size_bytes: 500, decision_cache: "
        "{sampled_cache_size: 4}, " ALWAYS "}",
        "{decision_wait: 2s, sampling_strategy: span-ingest, num_traces: 9, " ERRORS "}",
        "{decision_wait: 2s, drop_pending_traces_on_shutdown: true, policies: [{name: d, type: "
        "drop, drop: {drop_sub_policy: [{name: e, type: status_code, status_code: {status_codes: "
        "[ERROR]}}]}}, {name: r, type: rate_limiting, rate_limiting: {spans_per_second: 7}}]}",
        "{decision_wait: 5s, decision_wait_after_root_received: 1s, " NONE "}",
        "{decision_wait: 3s, compat: {max_bytes: 1500}, " ERRORS "}",
        "{decision_wait: 3s, num_traces: 5, block_on_overflow: true, compat: {max_bytes: 700}, "
        "decision_cache: {sampled_cache_size: 4}, " ERRORS "}",
        "{decision_wait: 2s, sampling_strategy: span-ingest, compat: {max_bytes: 1100}, " ERRORS
        "}",
    };
    struct otl_random random;

    (void)state;
    otl_random_seed(&random, 7);
    for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]) * 4; i++) {
        struct tail_world world;

        begin(&world, configs[i / 4]);
        for (unsigned step = 0; step < 400; step++) {
            struct tail_span spans[4] = {{.ms = 1}};
            size_t count = 1 + otl_random_below(&random, 4);
            for (size_t k = 0; k < count; k++)
                spans[k] = (struct tail_span){
                    .trace = (unsigned)otl_random_below(&random, 30) + 1,
                    .child = otl_random_below(&random, 2) == 0,
                    .status = otl_random_below(&random, 6) == 0 ? 2 : 0};
            world.answer =
                otl_random_below(&random, 10) == 0 ? OTEL_ERR_UNAVAILABLE : OTEL_OK;
            if (otl_random_below(&random, 4) == 0)
                tail_ticks(&world, 1);
            else
                (void)!tail_feed(&world, spans, count, otl_random_below(&random, 2) == 0);
        }
        col_tail_finish(world.tail);
        assert_true(col_tail_balanced(&world.tail->books));
        assert_int_equal(world.tail->books.held, 0);
        assert_int_equal(world.tail->store.bytes, 0);
        assert_int_equal(world.tail->store.context_count, 0);
        tail_world_fini(&world);
    }
}

/* Whole cells, and the heap; under a sanitizer, whose heap is another one, from the sampler's own
 * count. */
static uint64_t memory_bytes(const struct tail_world *world)
{
    uint64_t cells = col_tail_cells_mapped(&world->tail->store.cells);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    const struct col_tail_table *table = &world->tail->table;

    return cells + (uint64_t)table->room * sizeof(*table->traces) +
           ((uint64_t)table->slot_mask + 1) * sizeof(*table->slots);
#else
    struct mallinfo2 info = mallinfo2();

    return cells + info.uordblks + info.hblkhd;
#endif
}

/* 100,000 live traces of 10 spans, each span in a request of its own: the worst case. */
static void a_buffered_span_takes_its_size_and_64_bytes(void **state)
{
    enum { TRACES = 100000, SPANS = 10, BATCH = 500 };
    static struct tail_span spans[BATCH];
    struct tail_world world;
    uint64_t wire = 0, took;

    (void)state;
    begin(&world, "{decision_wait: 30s, num_traces: 100000, " ALWAYS "}");
    took = memory_bytes(&world);
    for (unsigned k = 0; k < SPANS; k++)
        for (unsigned i = 0; i < TRACES; i += BATCH) {
            struct col_batch batch = {.items = BATCH, .mono_ns = world.now_ns};
            for (unsigned n = 0; n < BATCH; n++) {
                static char hex[BATCH][33];
                snprintf(hex[n], sizeof(hex[n]), "%032x", i + n + 1);
                spans[n] = (struct tail_span){.trace_hex = hex[n], .child = k > 0, .ms = 5,
                                              .attrs = {{.key = "k", .text = "some value"}}};
            }
            otl_buf_reset(&world.last);
            tail_put_request(&world.last, spans, BATCH, false);
            wire += world.last.len;
            batch.request = otl_view(world.last.data, world.last.len);
            assert_int_equal(col_tail_take(world.tail, &batch, NULL), OTEL_OK);
        }
    took = memory_bytes(&world) - took;
    print_message("# %.1f bytes on the wire, %.1f more in memory, a span\n",
                  (double)wire / (TRACES * SPANS),
                  ((double)took - (double)wire) / (TRACES * SPANS));
    assert_int_equal(world.tail->table.count, TRACES);
    assert_true(took <= wire + 64ULL * TRACES * SPANS);
    tail_world_fini(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_decision_falls_between_the_wait_and_a_second_more),
        cmocka_unit_test(a_root_can_bring_the_decision_forward_but_never_back),
        cmocka_unit_test(late_spans_follow_the_decision_while_it_is_remembered),
        cmocka_unit_test(decision_caches_remember_longer_than_the_table),
        cmocka_unit_test(the_oldest_trace_makes_room),
        cmocka_unit_test(the_oldest_that_waits_makes_room_for_bytes),
        cmocka_unit_test(a_trace_without_end_is_bounded),
        cmocka_unit_test(a_blocking_sampler_takes_no_new_trace_until_there_is_room),
        cmocka_unit_test(a_trace_that_grows_too_large_is_dropped_whole),
        cmocka_unit_test(span_ingest_decides_when_spans_arrive),
        cmocka_unit_test(the_end_decides_on_what_is_there_or_drops_it),
        cmocka_unit_test(limits_hold_over_time),
        cmocka_unit_test(kept_spans_are_the_bytes_that_came),
        cmocka_unit_test(the_books_balance_at_every_moment),
        cmocka_unit_test(a_buffered_span_takes_its_size_and_64_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
