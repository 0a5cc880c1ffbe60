/* SPDX-License-Identifier: Apache-2.0 */
/* Faults without sockets: who is hit, what is held, when it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <string.h>

#include "collector-mock/faults/faults.h"

#define MS OTL_NS_PER_MS

struct rig {
    struct event_base *base;
    struct col_metrics *metrics;
    struct otl_log log;
    struct col_faults *faults;
    unsigned answered, dropped, ended, refusals, listens, in_order;
    struct col_fault_deeds deeds;
    uint64_t late_ns;
};

static void on_ended(void *arg, const struct col_fault_plan *fault,
                     const struct col_fault_deeds *deeds)
{
    struct rig *rig = arg;

    (void)fault;
    rig->ended++;
    rig->deeds = *deeds;
}

static void on_release(void *arg, bool answer)
{
    struct rig *rig = arg;

    rig->late_ns = otl_clock_mono(otl_clock_real());
    if (answer)
        rig->answered++;
    else
        rig->dropped++;
}

static int64_t on_refuse(void *arg, bool refuse, bool in_order, struct otl_detail *reterr)
{
    struct rig *rig = arg;

    (void)reterr;
    rig->in_order += in_order;
    if (refuse)
        rig->refusals++;
    else
        rig->listens++;
    return refuse ? 3 : 0;
}

static int setup(void **state)
{
    static struct rig rig;
    const struct col_fault_socket socket = {&rig, on_refuse, NULL, NULL, NULL};
    struct col_faults_options options;

    memset(&rig, 0, sizeof(rig));
    rig.base = event_base_new();
    otl_log_init(&rig.log, -1, OTL_LOG_ERROR, "test");
    assert_int_equal(col_metrics_new(&rig.metrics), OTEL_OK);
    options = (struct col_faults_options){rig.base, otl_clock_real(), rig.metrics, &rig.log, NULL};
    assert_int_equal(col_faults_new(&options, &rig.faults, NULL), OTEL_OK);
    col_faults_on_end(rig.faults, on_ended, &rig);
    assert_int_equal(col_faults_attach(rig.faults, &socket), OTEL_OK);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;

    col_faults_free(rig->faults);
    col_metrics_free(rig->metrics);
    event_base_free(rig->base);
    return 0;
}

static void begin(struct rig *rig, struct col_fault_plan fault)
{
    struct otl_detail detail = OTL_DETAIL_NONE;

    assert_int_equal(col_faults_begin(rig->faults, &fault, &detail), OTEL_OK);
}

static const struct col_fault_plan *strike(struct rig *rig)
{
    return col_faults_strike(rig->faults, &(struct col_fault_request){1, 2, 10, NULL});
}

static void test_without_faults_nothing_is_hit(void **state)
{
    assert_null(strike(*state));
    assert_null(col_faults_strike(NULL, &(struct col_fault_request){1, 2, 10, NULL}));
}

static void test_the_first_that_began_decides(void **state)
{
    struct rig *rig = *state;

    begin(rig, (struct col_fault_plan){.id = 7, .kind = COL_FAULT_STATUS, .status = 503,
                                       .probability = 1, .for_ns = MS});
    begin(rig, (struct col_fault_plan){.id = 8, .kind = COL_FAULT_STATUS, .status = 429,
                                       .probability = 1});
    assert_int_equal(strike(rig)->status, 503);
    event_base_loop(rig->base, EVLOOP_ONCE); /* the end of the first */
    assert_int_equal(rig->ended, 1);
    assert_int_equal(rig->deeds.requests, 1);
    assert_int_equal(rig->deeds.spans, 10);
    assert_int_equal(strike(rig)->status, 429);
    col_faults_end_all(rig->faults);
    assert_null(strike(rig));
    assert_int_equal(rig->ended, 2);
}

static void test_draws_repeat_with_the_seed(void **state)
{
    struct rig *rig = *state;
    bool hit[2][64];
    unsigned count = 0;

    for (int round = 0; round < 2; round++) {
        begin(rig, (struct col_fault_plan){.kind = COL_FAULT_STATUS, .status = 503,
                                           .probability = 0.5, .seed = 42});
        for (int i = 0; i < 64; i++)
            hit[round][i] = strike(rig) != NULL;
        col_faults_end_all(rig->faults);
    }
    assert_memory_equal(hit[0], hit[1], sizeof(hit[0]));
    for (int i = 0; i < 64; i++)
        count += hit[0][i];
    assert_in_range(count, 12, 52);
}

static void test_a_delay_answers_late_and_never_early(void **state)
{
    struct rig *rig = *state;
    uint64_t before = otl_clock_mono(otl_clock_real());

    begin(rig, (struct col_fault_plan){.kind = COL_FAULT_DELAY, .delay_ns = 20 * MS,
                                       .probability = 1});
    assert_true(col_faults_hold(rig->faults, strike(rig), on_release, rig));
    event_base_loop(rig->base, EVLOOP_ONCE);
    assert_int_equal(rig->answered, 1);
    assert_true(rig->late_ns - before >= 19 * MS);
}

static void test_the_end_drops_what_stalls_and_answers_what_is_late(void **state)
{
    struct rig *rig = *state;

    begin(rig, (struct col_fault_plan){.kind = COL_FAULT_STALL, .probability = 1, .for_ns = MS});
    assert_true(col_faults_hold(rig->faults, strike(rig), on_release, rig));
    event_base_loop(rig->base, EVLOOP_ONCE);
    assert_int_equal(rig->dropped, 1);
    begin(rig, (struct col_fault_plan){.kind = COL_FAULT_DELAY, .delay_ns = 60000 * MS,
                                       .probability = 1});
    assert_true(col_faults_hold(rig->faults, strike(rig), on_release, rig));
    col_faults_end_all(rig->faults);
    assert_int_equal(rig->answered, 1);
}

static void test_two_refusals_listen_again_after_the_last(void **state)
{
    struct rig *rig = *state;

    begin(rig, (struct col_fault_plan){.kind = COL_FAULT_REFUSE, .probability = 1, .for_ns = MS});
    begin(rig, (struct col_fault_plan){.kind = COL_FAULT_REFUSE, .probability = 1});
    assert_null(strike(rig)); /* what still comes through is no longer its affair */
    event_base_loop(rig->base, EVLOOP_ONCE);
    assert_int_equal(rig->listens, 0);
    assert_int_equal(rig->deeds.connections, 3);
    col_faults_end_all(rig->faults);
    assert_int_equal(rig->listens, 1);
}

static void test_values_that_do_not_fit_are_refused(void **state)
{
    static const struct col_fault_plan bad[] = {
        {.kind = COL_FAULT_STATUS, .status = 200, .probability = 1},
        {.kind = COL_FAULT_DELAY, .probability = 1},
        {.kind = COL_FAULT_STALL, .probability = 1.5},
        {.kind = COL_FAULT_STALL, .probability = -1},
    };
    struct rig *rig = *state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        assert_int_equal(col_faults_begin(rig->faults, &bad[i], &detail), OTEL_ERR_ARGUMENT);
        assert_true(detail.text[0] != '\0');
    }
    for (int i = 0; i < COL_FAULTS_MAX; i++)
        begin(rig, (struct col_fault_plan){.kind = COL_FAULT_STALL, .probability = 0});
    assert_int_equal(col_faults_begin(rig->faults,
                                      &(struct col_fault_plan){.kind = COL_FAULT_STALL}, NULL),
                     OTEL_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_faults_nothing_is_hit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_first_that_began_decides, setup, teardown),
        cmocka_unit_test_setup_teardown(test_draws_repeat_with_the_seed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_delay_answers_late_and_never_early, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_end_drops_what_stalls_and_answers_what_is_late,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_refusals_listen_again_after_the_last, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_values_that_do_not_fit_are_refused, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
