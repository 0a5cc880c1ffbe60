/* SPDX-License-Identifier: Apache-2.0 */
/* otel.sdk.span.*: what a provider shows of the spans that it started. */
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/tests/fake_exporter.h"
#include "sdk/tests/rig.h"
#include "sdk/tests/shown.h"
#include "sdk/tests/threaded.h"

#define STARTED(origin, result)                                                                    \
    "otel.sdk.span.started{otel.span.parent.origin=" origin ",otel.span.sampling_result=" result "}"
#define LIVE(result) "otel.sdk.span.live{otel.span.sampling_result=" result "}"

/* Decides by the first letter of the name. */
static void by_name(struct otel_sdk_sampler *sampler, const struct otel_sdk_sampling_input *input,
                    struct otel_sdk_sampling_result *result)
{
    (void)sampler;
    result->decision = input->name.data[0] == 'd'   ? OTEL_SDK_DROP
                       : input->name.data[0] == 'r' ? OTEL_SDK_RECORD_ONLY
                                                    : OTEL_SDK_RECORD_AND_SAMPLE;
}

static struct otel_str by_name_text(const struct otel_sdk_sampler *sampler)
{
    (void)sampler;
    return otel_str("by name");
}

static void start(struct rig *rig)
{
    static const struct otel_sdk_sampler_ops ops = {.should_sample = by_name,
                                                    .description = by_name_text};
    static struct otel_sdk_sampler sampler = {&ops, 1};

    rig_init(rig);
    rig->options.sampler = &sampler;
    rig_start(rig);
}

static struct otel_span *child_in(struct rig *rig, struct otel_context *context, const char *name)
{
    struct otel_span_options options;
    struct otel_span *span;

    otel_span_options_init(&options);
    options.parent = context;
    span = otel_span_start(rig->tracer, name, &options);
    otel_context_unref(context);
    return span;
}

static void spans_are_counted_by_origin_and_result(void **state)
{
    static const char *const names[] = {"drop", "record", "sample"};
    struct otel_span *parent, *span;
    struct shown shown;
    struct rig rig;

    (void)state;
    start(&rig);
    for (int i = 0; i < 3; i++) /* 1, 2, 3 roots; then as many children of each kind */
        for (int n = 0; n <= i; n++) {
            parent = otel_span_start(rig.tracer, names[i], NULL);
            for (int j = 0; j < 3; j++)
                otel_span_finish(child_of(rig.tracer, parent, names[j]));
            otel_span_finish(parent);
        }
    for (int i = 0; i < 5; i++)
        otel_span_finish(child_in(&rig, remote_parent(OTEL_FLAG_SAMPLED), "drop"));
    otel_span_finish(child_in(&rig, remote_parent(0), "record"));
    span = child_in(&rig, remote_parent(0), "sample");
    shown = show(rig.provider);
    assert_int_equal(shown_number(&shown, STARTED("none", "DROP") " counter {span}"), 1);
    assert_int_equal(shown_number(&shown, STARTED("none", "RECORD_ONLY") " counter {span}"), 2);
    assert_int_equal(shown_number(&shown, STARTED("none", "RECORD_AND_SAMPLE")), 3);
    assert_int_equal(shown_number(&shown, STARTED("local", "DROP")), 6);
    assert_int_equal(shown_number(&shown, STARTED("local", "RECORD_ONLY")), 6);
    assert_int_equal(shown_number(&shown, STARTED("local", "RECORD_AND_SAMPLE")), 6);
    assert_int_equal(shown_number(&shown, STARTED("remote", "DROP")), 5);
    assert_int_equal(shown_number(&shown, STARTED("remote", "RECORD_ONLY")), 1);
    assert_int_equal(shown_number(&shown, STARTED("remote", "RECORD_AND_SAMPLE")), 1);
    assert_int_equal(shown_sum(&shown, "otel.sdk.span.started{"), rig_stats(&rig).started);
    otel_span_finish(span);
    rig_fini(&rig);
}

static void *end_it(void *span)
{
    otel_span_finish(span);
    return NULL;
}

static void live_spans_go_up_and_down_on_any_thread(void **state)
{
    struct otel_span *sampled, *only, *dropped;
    struct shown shown;
    pthread_t thread;
    struct rig rig;

    (void)state;
    start(&rig);
    sampled = otel_span_start(rig.tracer, "sample", NULL);
    only = child_of(rig.tracer, sampled, "record");
    dropped = child_of(rig.tracer, sampled, "drop");
    otel_span_end(child_of(rig.tracer, sampled, "sample")); /* ended, and still held */
    shown = show(rig.provider);
    assert_int_equal(shown_number(&shown, LIVE("RECORD_AND_SAMPLE") " updowncounter {span}"), 1);
    assert_int_equal(shown_number(&shown, LIVE("RECORD_ONLY") " updowncounter {span}"), 1);
    assert_int_equal(shown_lines(&shown, "otel.sdk.span.live{"), 2); /* none for DROP */
    assert_int_equal(pthread_create(&thread, NULL, end_it, only), 0);
    assert_int_equal(pthread_join(thread, NULL), 0); /* gone, its counts are not */
    shown = show(rig.provider);
    assert_int_equal(shown_number(&shown, LIVE("RECORD_AND_SAMPLE")), 1);
    assert_int_equal(shown_number(&shown, LIVE("RECORD_ONLY")), 0);
    otel_span_unref(sampled); /* without an end: it is not there any more */
    otel_span_finish(dropped);
    shown = show(rig.provider);
    assert_int_equal(shown_number(&shown, LIVE("RECORD_AND_SAMPLE")), 0);
    assert_int_equal(rig_stats(&rig).abandoned, 1);
    rig_fini(&rig);
}

static void a_span_without_a_block_was_started_and_never_live(void **state)
{
    struct otel_span *held, *lost, *lost_too;
    struct shown shown;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.options.max_live_spans = 1;
    rig_start(&rig);
    held = otel_span_start(rig.tracer, "held", NULL);
    lost = otel_span_start(rig.tracer, "lost", NULL);
    lost_too = child_in(&rig, remote_parent(OTEL_FLAG_SAMPLED), "lost");
    shown = show(rig.provider);
    assert_int_equal(shown_number(&shown, STARTED("none", "RECORD_AND_SAMPLE")), 2);
    assert_int_equal(shown_number(&shown, STARTED("remote", "RECORD_AND_SAMPLE")), 1);
    assert_int_equal(shown_number(&shown, LIVE("RECORD_AND_SAMPLE")), 1);
    assert_int_equal(rig_stats(&rig).no_memory, 2);
    assert_int_equal(rig_stats(&rig).started, 3);
    assert_int_equal(rig_stats(&rig).not_recorded, 2);
    otel_span_finish(lost_too);
    otel_span_finish(lost);
    otel_span_finish(held);
    rig_fini(&rig);
}

static void after_a_shutdown_spans_are_started_as_dropped(void **state)
{
    struct otel_span_options options;
    struct otel_span *open;
    struct shown shown;
    struct rig rig;

    (void)state;
    start(&rig);
    open = otel_span_start(rig.tracer, "sample", NULL);
    assert_int_equal(otel_sdk_provider_shutdown(rig.provider, 30000), OTEL_OK);
    one_span(&rig, "sample");
    otel_span_finish(child_of(rig.tracer, open, "sample"));
    otel_span_finish(child_in(&rig, remote_parent(0), "sample"));
    otel_span_options_init(&options);
    options.parent = remote_parent(0);
    options.root = true;
    otel_span_finish(otel_span_start(rig.tracer, "sample", &options));
    otel_context_unref((struct otel_context *)(uintptr_t)options.parent);
    shown = show(rig.provider);
    assert_int_equal(shown_number(&shown, STARTED("none", "DROP")), 2);
    assert_int_equal(shown_number(&shown, STARTED("local", "DROP")), 1);
    assert_int_equal(shown_number(&shown, STARTED("remote", "DROP")), 1);
    assert_int_equal(shown_number(&shown, LIVE("RECORD_AND_SAMPLE")), 1);
    otel_span_finish(open);
    shown = show(rig.provider);
    assert_int_equal(shown_number(&shown, LIVE("RECORD_AND_SAMPLE")), 0);
    rig_fini(&rig);
}

static void without_a_provider_nothing_is_shown(void **state)
{
    struct shown shown = show(NULL);

    (void)state;
    assert_int_equal(shown.metrics, 0);
}

struct watch {
    struct rig *rig;
    bool over; /* atomic */
    int64_t started;
};

/* Looks again and again while others work. */
static void *watch(void *arg)
{
    struct watch *watch = arg;

    while (!__atomic_load_n(&watch->over, __ATOMIC_ACQUIRE)) {
        struct shown shown = show(watch->rig->provider);
        int64_t started = shown_sum(&shown, "otel.sdk.span.started{");
        int64_t live = shown_number(&shown, LIVE("RECORD_AND_SAMPLE"));
        if (started < watch->started || live < 0 || live > started)
            return watch; /* something is wrong */
        watch->started = started;
    }
    return NULL;
}

static void figures_hold_while_threads_start_and_end_spans(void **state)
{
    enum { THREADS = 8, SPANS = 2 * THREADS * THREADED_SPANS };
    pthread_t threads[THREADS], watcher;
    struct watch looks = {.over = false};
    struct shown shown;
    struct fake fake;
    struct rig rig;
    void *wrong = NULL;

    (void)state;
    fake_init(&fake, FAKE_OK);
    rig_init(&rig);
    threaded_start_batch(&rig, &fake, 512);
    looks.rig = &rig;
    assert_int_equal(pthread_create(&watcher, NULL, watch, &looks), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, threaded_spans, &rig), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    __atomic_store_n(&looks.over, true, __ATOMIC_RELEASE);
    pthread_join(watcher, &wrong);
    assert_null(wrong);
    assert_int_equal(otel_sdk_provider_shutdown(rig.provider, 60000), OTEL_OK);
    shown = show(rig.provider);
    assert_int_equal(shown_number(&shown, STARTED("none", "RECORD_AND_SAMPLE")), SPANS / 2);
    assert_int_equal(shown_number(&shown, STARTED("local", "RECORD_AND_SAMPLE")), SPANS / 2);
    assert_int_equal(shown_number(&shown, LIVE("RECORD_AND_SAMPLE")), 0);
    assert_int_equal(shown_sum(&shown, "otel.sdk.processor.span.processed{"), SPANS);
    assert_int_equal(shown_sum(&shown, "otel.sdk.exporter.span.exported{"), fake.spans);
    rig_fini(&rig);
    fake_fini(&fake);
}

#ifndef __SANITIZE_THREAD__ /* see fork_test */
static void a_forked_child_begins_at_zero(void **state)
{
    struct otel_span *open;
    struct shown shown;
    struct rig rig;
    int status = -1;
    pid_t child;

    (void)state;
    start(&rig);
    one_span(&rig, "drop");
    one_span(&rig, "sample");
    open = otel_span_start(rig.tracer, "sample", NULL);
    child = fork();
    if (child == 0) {
        shown = show(rig.provider);
        if (shown_sum(&shown, "otel.sdk.") != 0 || shown.seconds > 0)
            _exit(1);
        otel_span_finish(open); /* the parent's */
        one_span(&rig, "sample");
        shown = show(rig.provider);
        _exit(shown_sum(&shown, "otel.sdk.span.started{") == 1 &&
                      shown_sum(&shown, "otel.sdk.span.live{") == 0 &&
                      shown_sum(&shown, "otel.sdk.exporter.span.exported{") == 1
                  ? 0
                  : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    shown = show(rig.provider);
    assert_int_equal(shown_sum(&shown, "otel.sdk.span.started{"), 3);
    assert_int_equal(shown_number(&shown, LIVE("RECORD_AND_SAMPLE")), 1);
    otel_span_finish(open);
    rig_fini(&rig);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_are_counted_by_origin_and_result),
        cmocka_unit_test(live_spans_go_up_and_down_on_any_thread),
        cmocka_unit_test(a_span_without_a_block_was_started_and_never_live),
        cmocka_unit_test(after_a_shutdown_spans_are_started_as_dropped),
        cmocka_unit_test(without_a_provider_nothing_is_shown),
        cmocka_unit_test(figures_hold_while_threads_start_and_end_spans),
#ifndef __SANITIZE_THREAD__
        cmocka_unit_test(a_forked_child_begins_at_zero),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
