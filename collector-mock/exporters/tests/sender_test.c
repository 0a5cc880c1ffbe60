/* SPDX-License-Identifier: Apache-2.0 */
/* The attempts of an exporter by themselves: who sends is the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "collector-mock/exporters/sender.h"
#include "collector-mock/pipeline/registry.h"

static unsigned attempts;

static enum otel_err no_memory(void *context, unsigned consumer, const struct col_queue_job *job,
                               uint64_t deadline_ns)
{
    (void)context, (void)consumer, (void)job, (void)deadline_ns;
    attempts++;
    return OTEL_ERR_MEMORY;
}

static void abandon(void *context, unsigned consumer)
{
    (void)context, (void)consumer;
}

static void on_time(evutil_socket_t fd, short what, void *over)
{
    (void)fd, (void)what;
    *(bool *)over = true;
}

/* Once a millisecond, not as often as the loop can turn. */
static void what_is_tried_again_rests_however_short_its_interval(void **state)
{
    enum { MILLIS = 50, ENOUGH = 10 * MILLIS };
    static const char span[] = "\n\x04\x12\x02\x12\x00";
    const struct timeval time = {0, MILLIS * 1000};
    struct col_otlp_settings settings = {
        .signal = COL_TRACES,
        .queue = {.enabled = true, .size = 10, .consumers = 1},
        .retry = {.enabled = true, .max_ns = OTL_NS_PER_S, .multiplier = 1.5},
    };
    const struct col_batch batch = {
        .request = otl_view(span, sizeof(span) - 1), .items = 1, .signal = COL_TRACES};
    struct col_host host = {.base = event_base_new(), .clock = otl_clock_real()};
    const struct col_sender_options options = {
        .settings = &settings, .host = &host, .id = "test", .attempt = no_memory,
        .abandon = abandon};
    struct col_sender *sender = NULL;
    bool over = false;

    (void)state;
    otl_log_init(&host.log, 2, (enum otl_log_level)(OTL_LOG_ERROR + 1), "test");
    assert_int_equal(col_metrics_new(&host.metrics), OTEL_OK);
    assert_int_equal(col_sender_new(&options, &sender), OTEL_OK);
    assert_int_equal(col_sender_put(sender, &batch, NULL), OTEL_OK);
    assert_int_equal(event_base_once(host.base, -1, EV_TIMEOUT, on_time, &over, &time), 0);
    while (!over && attempts < ENOUGH)
        event_base_loop(host.base, EVLOOP_ONCE);
    assert_true(over);
    assert_true(attempts > 1 && attempts < ENOUGH);
    col_sender_free(sender);
    col_metrics_free(host.metrics);
    event_base_free(host.base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_tried_again_rests_however_short_its_interval),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
