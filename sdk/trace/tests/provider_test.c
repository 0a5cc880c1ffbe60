/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/tests/every_nth.h"
#include "sdk/tests/fake_exporter.h"
#include "sdk/tests/heap.h"
#include "sdk/tests/rig.h"

static uint64_t g_mono, g_wall;

static uint64_t fake_mono(void *state)
{
    (void)state;
    return g_mono;
}

static uint64_t fake_wall(void *state)
{
    (void)state;
    return g_wall;
}

static const struct otel_sdk_clock g_clock = {fake_mono, fake_wall, NULL};

static void a_wall_clock_that_steps_back_leaves_durations_monotonic(void **state)
{
    struct otel_span *span, *child;
    struct seen seen;
    struct rig rig;

    (void)state;
    g_mono = 1000000000000ULL;
    g_wall = 1700000000000000000ULL;
    rig_init(&rig);
    rig.options.clock = &g_clock;
    rig_start(&rig);
    span = otel_span_start(rig.tracer, "stepped", NULL);
    g_mono += 5000000;
    g_wall -= 3600000000000ULL;
    child = child_of(rig.tracer, span, "child");
    g_mono += 2000000000; /* the next look at the wall clock is due */
    otel_span_finish(child);
    otel_span_finish(span);
    seen = rig_seen(&rig, "stepped");
    assert_int_equal(seen.info.start_unix_nanos, 1700000000000000000ULL);
    assert_int_equal(seen.info.end_unix_nanos - seen.info.start_unix_nanos, 2005000000);
    seen = rig_seen(&rig, "child");
    assert_int_equal(seen.info.start_unix_nanos, 1700000000005000000ULL);
    one_span(&rig, "next trace");
    assert_int_equal(rig_seen(&rig, "next trace").info.start_unix_nanos, g_wall);
    rig_fini(&rig);
}

static void the_same_seed_gives_the_same_ids(void **state)
{
    struct otel_span_context first[2][10];

    (void)state;
    for (int run = 0; run < 2; run++) {
        struct rig rig;
        rig_init(&rig);
        rig.options.seeded = true;
        rig.options.seed = 42;
        rig_start(&rig);
        for (int i = 0; i < 10; i++) {
            struct otel_span *span = otel_span_start(rig.tracer, "s", NULL);
            first[run][i] = *otel_span_get_context(span);
            otel_span_finish(span);
        }
        rig_fini(&rig);
    }
    for (int i = 0; i < 10; i++) {
        assert_memory_equal(first[0][i].trace_id, first[1][i].trace_id, 16);
        assert_memory_equal(first[0][i].span_id, first[1][i].span_id, 8);
    }
}

static void no_block_left_means_not_recorded_counted_and_reported(void **state)
{
    struct otel_span *held[8], *refused, *child;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.options.max_live_spans = 8;
    rig_start(&rig);
    for (int i = 0; i < 8; i++)
        held[i] = otel_span_start(rig.tracer, "held", NULL);
    refused = otel_span_start(rig.tracer, "refused", NULL);
    assert_false(otel_span_is_recording(refused));
    assert_true(otel_span_context_is_valid(otel_span_get_context(refused)));
    /* never the sampled flag without recording: the children agree */
    assert_int_equal(otel_span_get_context(refused)->flags & OTEL_FLAG_SAMPLED, 0);
    child = child_of(rig.tracer, refused, "child");
    assert_false(otel_span_is_recording(child));
    otel_span_finish(child);
    otel_span_finish(refused);
    assert_int_equal(rig_stats(&rig).no_memory, 1);
    assert_int_equal(rig_stats(&rig).total.dropped[OTEL_SDK_DROP_NO_MEMORY], 1);
    assert_int_equal(rig_stats(&rig).not_recorded, 2);
    for (int i = 0; i < 8; i++)
        otel_span_finish(held[i]);
    one_span(&rig, "again");
    rig_seen(&rig, "again");
    rig_fini(&rig);
}

/* A provider with all that it can have, and a span with all that a span can. */
static enum otel_err make_provider(struct otel_sdk_memory *memory, struct otel_sdk_provider **ret)
{
    struct otel_attribute attributes[] = {otel_attr_str("service.name", "shop"),
                                          otel_attr_int("n", 1)};
    struct otel_sdk_processor *processors[2] = {NULL, NULL};
    struct otel_sdk_exporter *exporters[2] = {NULL, NULL};
    struct otel_sdk_provider_options options;
    struct otel_sdk_resource *resource = NULL;
    enum otel_err err = otel_sdk_resource_new(attributes, 2, otel_str("http://x/1"), &resource);

    otel_sdk_provider_options_init(&options);
    options.resource = resource;
    options.processors = processors;
    for (int i = 0; i < 2 && err == OTEL_OK; i++) {
        err = otel_sdk_memory_exporter_new(memory, &exporters[i]);
        if (err == OTEL_OK) /* consumes the exporter */
            err = i == 0 ? otel_sdk_simple_new(NULL, exporters[i], &processors[i])
                         : otel_sdk_batch_new(NULL, exporters[i], &processors[i]);
        options.processor_count += err == OTEL_OK;
    }
    if (err == OTEL_OK)
        err = otel_sdk_provider_new(&options, ret); /* consumes the processors */
    else
        otel_sdk_processor_free(processors[0]);
    otel_sdk_resource_unref(resource);
    return err;
}

static void make_rich_span(struct otel_sdk_provider *provider)
{
    static char large[5000];
    struct otel_tracer_options options;
    struct otel_tracer *tracer;
    struct otel_span *span, *child;

    memset(large, 'x', sizeof(large) - 1);
    otel_tracer_options_init(&options);
    options.name = otel_str("lib");
    tracer = otel_tracer_provider_tracer(otel_sdk_provider_api(provider), &options);
    span = otel_span_start(tracer, "s", NULL);
    child = child_of(tracer, span, "child");
    otel_span_set_str(span, "large", large);
    otel_span_add_event_named(span, "event");
    otel_span_set_status(span, OTEL_STATUS_ERROR, "why");
    otel_span_finish(child);
    otel_span_finish(span);
    otel_tracer_unref(tracer);
}

static enum otel_err live_with_provider(void *arg)
{
    struct otel_sdk_memory *memory = NULL;
    struct otel_sdk_provider *provider = NULL;
    enum otel_err err = otel_sdk_memory_new(100, &memory);

    if (err == OTEL_OK)
        err = make_provider(memory, &provider);
    assert_true((err == OTEL_OK) == (provider != NULL));
    if (err == OTEL_OK) {
        make_rich_span(provider);
        (void)otel_sdk_provider_shutdown(provider, 60000);
        *(size_t *)arg = otel_sdk_memory_count(memory);
    }
    otel_sdk_provider_free(provider);
    otel_sdk_memory_unref(memory);
    return err;
}

static void when_allocations_fail_nothing_is_left_behind(void **state)
{
    size_t arrived = 0;
    struct every_nth test = {.live = live_with_provider, .arg = &arrived, .most = 500};

    (void)state;
    assert_int_equal(live_with_provider(&arrived), OTEL_OK); /* what stays is made now */
    every_nth(&test);
    assert_int_equal(arrived, 4); /* of the last life, which was whole: two spans, twice */
}

static void steady_state_allocates_nothing(void **state)
{
    struct otel_sdk_processor *processor = NULL;
    struct fake fake;
    struct rig rig;

    (void)state;
    fake_init(&fake, FAKE_OK);
    rig_init(&rig);
    assert_int_equal(otel_sdk_batch_new(NULL, &fake.exporter, &processor), OTEL_OK);
    rig_start_with(&rig, processor);
    for (int round = 0; round < 3; round++) {
        otl_mem_fail_at(0);
        for (int i = 0; i < 400; i++) {
            struct otel_span *span = otel_span_start(rig.tracer, "s", NULL);
            otel_span_set_str(span, "a.string", "twenty characters it");
            otel_span_set_int(span, "an.int", i);
            otel_span_finish(span);
        }
        assert_int_equal(otel_sdk_provider_force_flush(rig.provider, 10000), OTEL_OK);
    }
    assert_int_equal(otl_mem_count(), 0);
    rig_fini(&rig);
    fake_fini(&fake);
}

/* --- custom processors --- */

struct watcher {
    struct otel_sdk_processor processor;
    char id;
    char *log;
};

static void note(struct otel_sdk_processor *processor, char what)
{
    struct watcher *watcher = (struct watcher *)processor;
    size_t at = strlen(watcher->log);

    watcher->log[at] = what;
    watcher->log[at + 1] = watcher->id;
}

static void on_start(struct otel_sdk_processor *processor, struct otel_span *span,
                     const struct otel_context *parent)
{
    (void)parent;
    note(processor, 's');
    otel_span_set_int(span, "from.start", 1);
}

static void on_ending(struct otel_sdk_processor *processor, struct otel_span *span)
{
    note(processor, 'g');
    otel_span_set_int(span, "from.ending", 1);
    otel_span_end(span); /* ignored */
}

static void on_end(struct otel_sdk_processor *processor, struct otel_sdk_readable_span *span)
{
    struct otel_sdk_span_info info;

    note(processor, 'e');
    otel_sdk_span_info(span, &info);
    assert_true(info.has_ended);
    assert_int_equal(info.attribute_count, 2);
}

static enum otel_err fine(struct otel_sdk_processor *processor, uint32_t timeout_millis)
{
    (void)timeout_millis;
    note(processor, 'x');
    return OTEL_OK;
}

static void nothing(struct otel_sdk_processor *processor)
{
    (void)processor;
}

static const struct otel_sdk_processor_ops watcher_ops = {.struct_size = sizeof(watcher_ops),
                                                          .on_start = on_start,
                                                          .on_ending = on_ending,
                                                          .on_end = on_end,
                                                          .force_flush = fine,
                                                          .shutdown = fine,
                                                          .free = nothing};

static void processors_are_called_in_order_and_all_on_ending_before_any_on_end(void **state)
{
    static char log[256];
    struct watcher a = {{&watcher_ops, 0}, '1', log}, b = {{&watcher_ops, 0}, '2', log};
    struct rig rig;

    (void)state;
    memset(log, 0, sizeof(log));
    rig_init(&rig);
    rig_start_with(&rig, &a.processor);
    /* also for tracers that were handed out before */
    assert_int_equal(otel_sdk_provider_add_processor(rig.provider, &b.processor), OTEL_OK);
    one_span(&rig, "s");
    assert_string_equal(log, "s1s2g1g2e1e2");
    otel_sdk_provider_force_flush(rig.provider, 1000);
    assert_string_equal(log, "s1s2g1g2e1e2x1x2");
    rig_fini(&rig);
}

static void note_end(struct otel_sdk_processor *processor, struct otel_sdk_readable_span *span)
{
    (void)span;
    note(processor, 'e');
}

static void after_shutdown_a_span_is_nobodys_to_change(void **state)
{
    static const struct otel_sdk_processor_ops ops = {.struct_size = sizeof(ops),
                                                      .on_start = on_start,
                                                      .on_ending = on_ending,
                                                      .on_end = note_end,
                                                      .shutdown = fine,
                                                      .free = nothing};
    static char log[256];
    struct watcher watcher = {{&ops, 0}, '1', log};
    struct otel_span *span;
    struct rig rig;

    (void)state;
    memset(log, 0, sizeof(log));
    rig_init(&rig);
    rig_start_with(&rig, &watcher.processor);
    span = otel_span_start(rig.tracer, "late", NULL);
    assert_int_equal(otel_sdk_provider_shutdown(rig.provider, 1000), OTEL_OK);
    otel_span_finish(span);
    one_span(&rig, "too late");
    assert_string_equal(log, "s1x1e1");
    rig_fini(&rig);
}

static void one_exporter_that_hangs_does_not_keep_the_other_from_flowing(void **state)
{
    struct otel_sdk_processor *first = NULL, *second = NULL;
    struct otel_sdk_batch_options options;
    struct fake hanging, flowing;
    struct rig rig;

    (void)state;
    fake_init(&hanging, FAKE_HANG);
    fake_init(&flowing, FAKE_OK);
    rig_init(&rig);
    otel_sdk_batch_options_init(&options);
    options.schedule_delay_millis = 1;
    assert_int_equal(otel_sdk_batch_new(NULL, &hanging.exporter, &first), OTEL_OK);
    assert_int_equal(otel_sdk_batch_new(&options, &flowing.exporter, &second), OTEL_OK);
    rig_start_with(&rig, first);
    assert_int_equal(otel_sdk_provider_add_processor(rig.provider, second), OTEL_OK);
    for (int i = 0; i < 1100; i++)
        one_span(&rig, "s");
    assert_true(fake_wait_spans(&flowing, 1100));
    assert_int_equal(otel_sdk_provider_shutdown(rig.provider, 1000), OTEL_ERR_TIMEOUT);
    assert_int_equal(fake_spans(&flowing), 1100);
    rig_fini(&rig);
    fake_fini(&hanging);
    fake_fini(&flowing);
}

static void without_processors_spans_have_ids_and_go_nowhere(void **state)
{
    struct otel_sdk_provider *provider = NULL;
    struct otel_tracer *tracer;
    struct otel_span *span;

    (void)state;
    assert_int_equal(otel_sdk_provider_new(NULL, &provider), OTEL_OK);
    tracer = otel_tracer_provider_tracer(otel_sdk_provider_api(provider), NULL);
    assert_false(otel_tracer_enabled(tracer));
    span = otel_span_start(tracer, "s", NULL);
    assert_true(otel_span_is_recording(span));
    assert_true(otel_span_context_is_valid(otel_span_get_context(span)));
    assert_true(otel_span_context_is_sampled(otel_span_get_context(span)));
    otel_span_finish(span);
    otel_tracer_unref(tracer);
    otel_sdk_provider_free(provider);
}

static void spans_and_tracers_outlive_their_provider(void **state)
{
    struct otel_span *span, *late;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig_start(&rig);
    span = otel_span_start(rig.tracer, "s", NULL);
    otel_sdk_provider_free(rig.provider);
    otel_span_set_int(span, "k", 1);
    late = otel_span_start(rig.tracer, "late", NULL);
    otel_span_finish(late);
    otel_span_finish(span);
    otel_tracer_unref(rig.tracer);
    otel_sdk_memory_unref(rig.memory);
}

static void keep_text(void *arg, enum otel_err err, const char *text)
{
    assert_int_equal(err, OTEL_ERR_LIMIT);
    snprintf(arg, 200, "%s", text);
}

static void there_are_at_most_sixteen_providers(void **state)
{
    struct otel_sdk_provider *providers[16], *one_more = NULL;
    struct otel_sdk_provider_options options;
    char said[200] = "";

    (void)state;
    for (int i = 0; i < 16; i++)
        assert_int_equal(otel_sdk_provider_new(NULL, &providers[i]), OTEL_OK);
    otel_sdk_provider_options_init(&options);
    options.error = keep_text;
    options.error_arg = said;
    assert_int_equal(otel_sdk_provider_new(&options, &one_more), OTEL_ERR_LIMIT);
    assert_non_null(strstr(said, "at most 16 tracer providers in a process"));
    assert_int_equal(otel_sdk_provider_new(NULL, &one_more), OTEL_ERR_LIMIT);
    otel_sdk_provider_free(providers[7]); /* makes room */
    assert_int_equal(otel_sdk_provider_new(&options, &providers[7]), OTEL_OK);
    for (int i = 0; i < 16; i++)
        otel_sdk_provider_free(providers[i]);
}

static void a_provider_has_at_most_sixteen_processors(void **state)
{
    struct otel_sdk_provider_options options;
    struct otel_sdk_provider *provider = NULL;
    char said[200] = "";

    (void)state;
    otel_sdk_provider_options_init(&options);
    options.error = keep_text;
    options.error_arg = said;
    assert_int_equal(otel_sdk_provider_new(&options, &provider), OTEL_OK);
    for (int i = 0; i <= 16; i++) {
        struct otel_sdk_memory *memory = NULL;
        struct otel_sdk_exporter *exporter = NULL;
        struct otel_sdk_processor *processor = NULL;
        assert_string_equal(said, "");
        assert_int_equal(otel_sdk_memory_new(1, &memory), OTEL_OK);
        assert_int_equal(otel_sdk_memory_exporter_new(memory, &exporter), OTEL_OK);
        otel_sdk_memory_unref(memory);
        assert_int_equal(otel_sdk_simple_new(NULL, exporter, &processor), OTEL_OK);
        assert_int_equal(otel_sdk_provider_add_processor(provider, processor),
                         i < 16 ? OTEL_OK : OTEL_ERR_LIMIT);
    }
    assert_string_equal(said, "at most 16 span processors in a provider");
    otel_sdk_provider_free(provider);
}

static void count_errors(void *arg, enum otel_err err, const char *text)
{
    unsigned *errors = arg;

    assert_int_not_equal(err, OTEL_OK);
    assert_non_null(text);
    errors[0]++;
}

static void misuse_is_told_to_the_error_handler_and_rate_limited(void **state)
{
    unsigned errors = 0;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.options.error = count_errors;
    rig.options.error_arg = &errors;
    rig_start(&rig);
    for (int i = 0; i < 100; i++)
        otel_tracer_unref(rig_tracer(&rig, "")); /* works, but it is reported */
    assert_in_range(errors, 1, 10);
    rig_fini(&rig);
}

static void tracers_have_a_maximum_beyond_which_they_do_nothing(void **state)
{
    struct otel_tracer *tracer = NULL;
    struct otel_span *span;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig_start(&rig);
    for (int i = 0; i < 1024; i++) {
        char name[32];
        snprintf(name, sizeof(name), "tracer %d", i);
        otel_tracer_unref(tracer);
        tracer = rig_tracer(&rig, name);
        assert_int_equal(otel_tracer_enabled(tracer), i < 1023); /* the rig has one */
    }
    span = otel_span_start(tracer, "s", NULL);
    assert_false(otel_span_is_recording(span));
    otel_span_finish(span);
    otel_tracer_unref(tracer);
    rig_fini(&rig);
}

static void a_span_id_of_ones_own(void *state, uint8_t *ret_id)
{
    memset(ret_id, 0, OTEL_SPAN_ID_SIZE);
    ret_id[0] = ++*(uint8_t *)state;
}

static void a_trace_id_of_ones_own(void *state, uint8_t *ret_id)
{
    memset(ret_id, 0, OTEL_TRACE_ID_SIZE);
    a_span_id_of_ones_own(state, ret_id);
}

static void a_custom_generator_makes_all_ids_and_says_whether_they_are_random(void **state)
{
    uint8_t next = 0;
    struct otel_sdk_id_generator ids = {a_trace_id_of_ones_own, a_span_id_of_ones_own, &next,
                                        false};
    struct otel_span *span;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.options.id_generator = &ids;
    rig_start(&rig);
    span = otel_span_start(rig.tracer, "s", NULL);
    assert_int_equal(otel_span_get_context(span)->trace_id[0], 1);
    assert_int_equal(otel_span_get_context(span)->span_id[0], 2);
    assert_int_equal(otel_span_get_context(span)->flags, OTEL_FLAG_SAMPLED);
    otel_span_finish(span);
    rig_fini(&rig);
}

static void every_reason_of_loss_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < OTEL_SDK_DROP_COUNT; i++)
        assert_string_not_equal(otel_sdk_drop_name((enum otel_sdk_drop_reason)i), "unknown");
    assert_string_equal(otel_sdk_drop_name(OTEL_SDK_DROP_QUEUE_FULL), "queue_full");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wall_clock_that_steps_back_leaves_durations_monotonic),
        cmocka_unit_test(the_same_seed_gives_the_same_ids),
        cmocka_unit_test(no_block_left_means_not_recorded_counted_and_reported),
        cmocka_unit_test(when_allocations_fail_nothing_is_left_behind),
        cmocka_unit_test(steady_state_allocates_nothing),
        cmocka_unit_test(processors_are_called_in_order_and_all_on_ending_before_any_on_end),
        cmocka_unit_test(after_shutdown_a_span_is_nobodys_to_change),
        cmocka_unit_test(one_exporter_that_hangs_does_not_keep_the_other_from_flowing),
        cmocka_unit_test(without_processors_spans_have_ids_and_go_nowhere),
        cmocka_unit_test(misuse_is_told_to_the_error_handler_and_rate_limited),
        cmocka_unit_test(tracers_have_a_maximum_beyond_which_they_do_nothing),
        cmocka_unit_test(a_custom_generator_makes_all_ids_and_says_whether_they_are_random),
        cmocka_unit_test(every_reason_of_loss_has_a_name),
        cmocka_unit_test(there_are_at_most_sixteen_providers),
        cmocka_unit_test(a_provider_has_at_most_sixteen_processors),
        cmocka_unit_test(spans_and_tracers_outlive_their_provider),
    };

    heap_install();
    return cmocka_run_group_tests_name("provider", tests, NULL, NULL);
}
