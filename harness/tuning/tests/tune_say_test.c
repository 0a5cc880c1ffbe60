/* SPDX-License-Identifier: Apache-2.0 */
/* What tracerig tune says, and with which exit status, of runs that are given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/cli/commands.h"
#include "harness/tuning/tune.h"

static char said[8192];

/* 800 requests of 5 spans, in bursts of 100 every 500 ms, of which all is well. */
static struct hx_tune_tried all_is_well(struct hx_tune *tune)
{
    struct hx_tune_tried tried = {.setting = {.queue = 2048, .batch = 512, .delay_ms = 1000,
                                              .timeout_ms = 30000},
                                  .started = 4000, .exporter_ns = 100, .exports = 8,
                                  .bytes_per_span = 200, .high_water = 480, .rate = 200,
                                  .planned = 200};

    memset(tune, 0, sizeof(*tune));
    tune->asked = (struct hx_tune_asked){.rate = 200, .spans = 5, .burst = 100};
    tune->advice = hx_tune_advise(&tune->asked);
    tune->protocol = "http/protobuf";
    tune->confirm = 1;
    snprintf(tune->dir, sizeof(tune->dir), "nowhere");
    tried.burst = (struct hx_tune_burst){.within_ns = 5e6, .high_water = 480, .pace = 1000,
                                         .requests = 800, .answered = 800};
    return tried;
}

static int say(const struct hx_tune *tune, const struct hx_tune_tried *tried)
{
    FILE *file = tmpfile();
    int out = dup(STDOUT_FILENO), status;
    size_t len;

    assert_non_null(file);
    fflush(stdout);
    dup2(fileno(file), STDOUT_FILENO);
    status = hx_tune_say(tune, tried);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    close(out);
    rewind(file);
    len = fread(said, 1, sizeof(said) - 1, file);
    said[len] = '\0';
    fclose(file);
    return status;
}

static void a_burst_that_was_made_is_promised(void **state)
{
    struct hx_tune tune;
    struct hx_tune_tried tried = all_is_well(&tune);

    (void)state;
    assert_int_equal(say(&tune, &tried), HX_EXIT_OK);
    assert_non_null(strstr(said, "the burst was made: 500 spans within 5.00 ms, every 500 "
                                 "ms; at one instant"));
    assert_non_null(strstr(said, "Promised and proved"));
    assert_non_null(strstr(said, "costs   exporter thread 100 ns a span, 0.01 % of a core at 1000 "
                                 "spans/s; 2.0 exports/s of 500 spans; 0.2 MB/s"));
    assert_null(strstr(said, "only of the"));
    tune.asked.rate = 25;
    say(&tune, &tried);
    assert_non_null(strstr(said, "500 spans within 5.00 ms, every 4.00 s; at one instant"));
}

static void a_burst_that_was_not_made_proves_nothing(void **state)
{
    struct hx_tune tune;
    struct hx_tune_tried tried = all_is_well(&tune);

    (void)state;
    tried.burst.within_ns = 126e6;
    assert_int_equal(say(&tune, &tried), HX_EXIT_INCONCLUSIVE);
    assert_non_null(strstr(said, "Not proved: the burst was not made: its 500 spans took 126 ms"));
    assert_null(strstr(said, "Promised"));
    tried.burst.within_ns = 5e6;
    tried.burst.answered = 790;
    assert_int_equal(say(&tune, &tried), HX_EXIT_INCONCLUSIVE);
    assert_non_null(strstr(said, "of 800 requests that were due 790 were answered"));
}

static void a_standstill_is_told_with_what_ends_it(void **state)
{
    struct hx_tune tune;
    struct hx_tune_tried tried = all_is_well(&tune);

    (void)state;
    say(&tune, &tried);
    assert_non_null(strstr(said, "stands  a standstill of the collector of 2 s from an empty "
                                 "queue, then it drops\n"));
    tried.setting.queue = 100000;
    say(&tune, &tried);
    assert_non_null(strstr(said, "of 30 s from an empty queue, then its exports time out\n"));
    tried.setting.queue = 499;
    say(&tune, &tried);
    assert_non_null(strstr(said, "stands  no standstill of the collector: the next burst may "
                                 "drop at once\n"));
    tune.asked.burst = 0;
    tried.setting.queue = 2048; /* 1.68 s: never rounded up */
    say(&tune, &tried);
    assert_non_null(strstr(said, "a standstill of the collector of 1.6 s from"));
}

static void memory_is_told_in_a_unit_that_shows_it(void **state)
{
    struct hx_tune tune;
    struct hx_tune_tried tried = all_is_well(&tune);

    (void)state;
    tune.asked.memory_bytes = 3000;
    tried.setting.queue = tried.setting.batch = 1;
    say(&tune, &tried);
    assert_non_null(strstr(said, ", 2.93 KiB for queued spans,"));
    assert_non_null(strstr(said, "memory  at most 2.00 KiB for spans that wait\n"));
    tried.setting = (struct hx_tune_setting){.queue = 6144, .batch = 512, .timeout_ms = 30000};
    say(&tune, &tried);
    assert_non_null(strstr(said, "memory  at most 6.50 MiB for spans that wait\n"));
}

static void a_promise_that_was_broken_is_a_verdict(void **state)
{
    struct hx_tune tune;
    struct hx_tune_tried tried = all_is_well(&tune);

    (void)state;
    tried.dropped = 1;
    assert_int_equal(say(&tune, &tried), HX_EXIT_VERDICT);
}

/* Where most spans drop, the costs are of those that were sent, and say so. */
static void costs_name_their_base(void **state)
{
    struct hx_tune tune;
    struct hx_tune_tried tried = all_is_well(&tune);

    (void)state;
    tune.advice.fits = false;
    tried.dropped = 3000;
    tried.exports = 4;
    assert_int_equal(say(&tune, &tried), HX_EXIT_OK);
    assert_non_null(strstr(said, "costs   only of the 25 % of the spans that were sent in the "
                                 "confirming runs, 250 of 1000 spans/s:"));
    assert_non_null(strstr(said, "0.0025 % of a core at 250 spans/s; 1.0 exports/s of 250 spans; "
                                 "0.05 MB/s"));
    assert_non_null(strstr(said, "No promise"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_that_was_made_is_promised),
        cmocka_unit_test(a_burst_that_was_not_made_proves_nothing),
        cmocka_unit_test(a_standstill_is_told_with_what_ends_it),
        cmocka_unit_test(memory_is_told_in_a_unit_that_shows_it),
        cmocka_unit_test(a_promise_that_was_broken_is_a_verdict),
        cmocka_unit_test(costs_name_their_base),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
