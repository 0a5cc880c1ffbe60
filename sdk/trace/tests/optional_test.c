/* SPDX-License-Identifier: Apache-2.0 */
/* What a program may leave out: operations of a processor, members of options, whole tracers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/tests/rig.h"

/* ---- processors ----------------------------------------------------------------------------- */

struct bare {
    struct otel_sdk_processor api;
    unsigned *freed;
};

static void free_bare(struct otel_sdk_processor *processor)
{
    ++*((struct bare *)processor)->freed;
    free(processor);
}

static struct otel_sdk_processor *bare_new(unsigned *freed)
{
    static const struct otel_sdk_processor_ops ops = {.struct_size = sizeof(ops),
                                                      .free = free_bare};
    struct bare *bare = calloc(1, sizeof(*bare));

    assert_non_null(bare);
    bare->api.ops = &ops;
    bare->freed = freed;
    return &bare->api;
}

static void a_processor_needs_nothing_but_free(void **state)
{
    struct otel_sdk_processor_stats stats;
    unsigned freed = 0;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig_start(&rig);
    assert_int_equal(otel_sdk_provider_add_processor(rig.provider, bare_new(&freed)), OTEL_OK);
    one_span(&rig, "s");
    assert_int_equal(otel_sdk_provider_force_flush(rig.provider, 1000), OTEL_OK);
    assert_true(otel_sdk_provider_processor_stats(rig.provider, 1, &stats));
    assert_int_equal(stats.received, 0);
    assert_int_equal(otel_sdk_memory_count(rig.memory), 1); /* the other one works on */
    assert_int_equal(otel_sdk_provider_shutdown(rig.provider, 1000), OTEL_OK);
    rig_fini(&rig);
    assert_int_equal(freed, 1);
    otel_sdk_processor_free(bare_new(&freed)); /* that no provider had */
    assert_int_equal(freed, 2);
}

/* ---- tracers -------------------------------------------------------------------------------- */

struct choice {
    unsigned asked, released;
    char seen[256];
};

static void release(void *arg)
{
    ((struct choice *)arg)->released++;
}

/* All but those of the noisy library. */
static bool enabled(void *arg, const struct otel_sdk_scope *scope)
{
    struct choice *choice = arg;

    choice->asked++;
    snprintf(choice->seen, sizeof(choice->seen), "%.*s %.*s", (int)scope->name.len,
             scope->name.data, (int)scope->version.len, scope->version.data);
    return !otel_str_equal(scope->name, otel_str("noisy"));
}

static void a_disabled_tracer_is_as_without_an_sdk(void **state)
{
    struct choice choice = {.asked = 0};
    struct otel_tracer *noisy;
    struct otel_span *parent, *span;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.options.tracer_enabled = enabled;
    rig.options.tracer_enabled_arg = &choice;
    rig_start(&rig);
    assert_true(otel_tracer_enabled(rig.tracer));
    noisy = rig_tracer(&rig, "noisy");
    assert_int_equal(choice.asked, 2);
    assert_string_equal(choice.seen, "noisy ");
    assert_false(otel_tracer_enabled(noisy));
    span = otel_span_start(noisy, "n", NULL);
    assert_false(otel_span_is_recording(span));
    assert_false(otel_span_context_is_valid(otel_span_get_context(span)));
    otel_span_finish(span);

    parent = otel_span_start(rig.tracer, "parent", NULL);
    span = child_of(noisy, parent, "n"); /* hands its parent on */
    assert_memory_equal(otel_span_get_context(span)->span_id,
                        otel_span_get_context(parent)->span_id, OTEL_SPAN_ID_SIZE);
    assert_false(otel_span_is_recording(span));
    otel_span_finish(span);
    assert_true(otel_span_is_recording(parent));
    otel_span_finish(parent);
    assert_int_equal(otel_sdk_memory_count(rig.memory), 1);
    assert_int_equal(rig_stats(&rig).started, 1);
    otel_tracer_unref(noisy);
    rig_fini(&rig);
}

static void the_choice_is_released_with_its_provider(void **state)
{
    struct otel_sdk_provider_options options;
    struct otel_sdk_provider *provider = NULL;
    struct choice choice = {.asked = 0};
    unsigned failures = 0;

    (void)state;
    otel_sdk_provider_options_init(&options);
    options.tracer_enabled = enabled;
    options.tracer_enabled_arg = &choice;
    options.tracer_enabled_release = release;
    for (unsigned long n = 1; provider == NULL; n++) {
        otl_mem_fail_at(n);
        failures += otel_sdk_provider_new(&options, &provider) != OTEL_OK;
        otl_mem_fail_at(0);
        assert_int_equal(choice.released, failures);
        assert_true(n < 100);
    }
    assert_true(failures > 2);
    otel_sdk_provider_free(provider);
    assert_int_equal(choice.released, failures + 1);
}

static void the_same_scope_is_the_same_disabled_tracer(void **state)
{
    struct choice choice = {.asked = 0};
    struct otel_tracer *first, *second;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.options.tracer_enabled = enabled;
    rig.options.tracer_enabled_arg = &choice;
    rig_start(&rig);
    first = rig_tracer(&rig, "noisy");
    second = rig_tracer(&rig, "noisy");
    assert_ptr_equal(first, second);
    assert_false(otel_tracer_enabled(second));
    otel_tracer_unref(first);
    otel_tracer_unref(second);
    rig_fini(&rig);
}

/* ---- options -------------------------------------------------------------------------------- */

static void options_of_an_older_header_are_filled_up(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.options.struct_size = offsetof(struct otel_sdk_provider_options, tracer_enabled);
    rig.options.tracer_enabled = (bool (*)(void *, const struct otel_sdk_scope *))1;
    rig_start(&rig); /* what lies behind struct_size was not looked at */
    assert_true(otel_tracer_enabled(rig.tracer));
    rig_fini(&rig);
}

static void options_that_were_not_initialised_are_refused_and_consumed(void **state)
{
    struct otel_sdk_provider_options options;
    struct otel_sdk_provider *provider = NULL;
    struct otel_sdk_processor *processor;
    unsigned freed = 0;

    (void)state;
    otel_sdk_provider_options_init(&options);
    processor = bare_new(&freed);
    options.processors = &processor;
    options.processor_count = 1;
    options.struct_size = 0;
    assert_int_equal(otel_sdk_provider_new(&options, &provider), OTEL_ERR_ARGUMENT);
    assert_int_equal(freed, 1);
    assert_null(provider);
}

/* ---- the provider --------------------------------------------------------------------------- */

static void without_a_provider_there_is_nothing_to_do_and_nothing_was_counted(void **state)
{
    static const struct otel_sdk_processor_stats no_stats;
    struct otel_sdk_processor_stats one;
    struct otel_sdk_stats all, none;

    (void)state;
    memset(&all, 0xff, sizeof(all));
    memset(&one, 0xff, sizeof(one));
    memset(&none, 0, sizeof(none));
    all.struct_size = none.struct_size = sizeof(all);
    otel_sdk_provider_stats(NULL, &all);
    assert_memory_equal(&all, &none, sizeof(all));
    assert_false(otel_sdk_provider_processor_stats(NULL, 0, &one));
    assert_memory_equal(&one, &no_stats, sizeof(one));
    assert_int_equal(otel_sdk_provider_force_flush(NULL, 1000), OTEL_OK);
    assert_int_equal(otel_sdk_provider_shutdown(NULL, 1000), OTEL_OK);
    assert_int_equal(otel_sdk_provider_shutdown(NULL, 1000), OTEL_OK); /* nothing was closed */
    otel_sdk_provider_free(NULL);
    assert_null(otel_sdk_provider_api(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_processor_needs_nothing_but_free),
        cmocka_unit_test(a_disabled_tracer_is_as_without_an_sdk),
        cmocka_unit_test(the_choice_is_released_with_its_provider),
        cmocka_unit_test(the_same_scope_is_the_same_disabled_tracer),
        cmocka_unit_test(options_of_an_older_header_are_filled_up),
        cmocka_unit_test(options_that_were_not_initialised_are_refused_and_consumed),
        cmocka_unit_test(without_a_provider_there_is_nothing_to_do_and_nothing_was_counted),
    };

    return cmocka_run_group_tests_name("optional", tests, NULL, NULL);
}
