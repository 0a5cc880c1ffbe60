/* SPDX-License-Identifier: Apache-2.0 */
/* Components of a program's own, named in a configuration file. */
#include <jansson.h>
#include <otel/sdk/config_plugin.h>
#include <stdio.h>
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/tests/heap.h"
#include "sdk/tests/rig.h"

#define FORMAT "file_format: \"1.0\"\n"
#define PROVIDER "tracer_provider:\n  processors:\n    - simple: {exporter: {kept: }}\n"

static struct otel_sdk_memory *g_memory;
static struct otel_config_problem g_problem;
static int g_arg, g_ended;

/* --- the plug-ins --- */

static void keep_named(void *arg, const struct otel_sdk_sampling_input *input,
                       struct otel_sdk_sampling_result *result)
{
    if (otel_str_equal(input->name, otel_str(arg)))
        result->decision = OTEL_SDK_RECORD_AND_SAMPLE;
}

/* {name: TEXT, share: RATIO, loud: BOOL, level: INT} */
static enum otel_err make_sampler(void *arg, const struct otel_config_node *node,
                                  struct otel_sdk_sampler **ret)
{
    static const char *const keys[] = {"name", "share", "loud", "level", NULL};
    struct otel_str name = otel_str("by default");
    double share = 1;
    bool loud = false;
    int64_t level = 7;
    char *wanted;
    enum otel_err err = otel_config_keys(node, keys);

    assert_ptr_equal(arg, &g_arg);
    if (err == OTEL_OK)
        err = otel_config_text(node, "name", &name);
    if (err == OTEL_OK)
        err = otel_config_double(node, "share", &share);
    if (err == OTEL_OK)
        err = otel_config_bool(node, "loud", &loud);
    if (err == OTEL_OK)
        err = otel_config_int(node, "level", &level);
    if (err != OTEL_OK)
        return err;
    if (share > 1)
        return otel_config_refuse(node, "share", "share: more than all");
    if (level == 0)
        return OTEL_ERR_LIMIT; /* without words of its own */
    if (level == 1)
        return otel_config_refuse(node, "not there", "level 1 needs more");
    assert_int_equal(loud, level == 8);
    wanted = otl_mem_strndup(name.data, name.len);
    if (wanted == NULL)
        return OTEL_ERR_MEMORY;
    return otel_sdk_sampler_custom_new(keep_named, "named", otl_mem_free, wanted, ret);
}

/* {root: SAMPLER} */
static enum otel_err make_wrapper(void *arg, const struct otel_config_node *node,
                                  struct otel_sdk_sampler **ret)
{
    (void)arg;
    return otel_config_sampler(node, "root", ret);
}

static enum otel_err make_exporter(void *arg, const struct otel_config_node *node,
                                   struct otel_sdk_exporter **ret)
{
    (void)arg;
    (void)node;
    return otel_sdk_memory_exporter_new(g_memory, ret);
}

static void on_end(struct otel_sdk_processor *processor, struct otel_sdk_readable_span *span)
{
    (void)processor;
    (void)span;
    g_ended++;
}

static enum otel_err nothing(struct otel_sdk_processor *processor, uint32_t timeout_millis)
{
    (void)processor;
    (void)timeout_millis;
    return OTEL_OK;
}

static void free_processor(struct otel_sdk_processor *processor)
{
    otl_mem_free(processor);
}

static enum otel_err make_processor(void *arg, const struct otel_config_node *node,
                                    struct otel_sdk_processor **ret)
{
    static const struct otel_sdk_processor_ops ops = {
        .struct_size = sizeof(ops),
        .on_end = on_end,
        .force_flush = nothing,
        .shutdown = nothing,
        .free = free_processor,
    };
    struct otel_sdk_processor *processor = otl_mem_zalloc(sizeof(*processor));
    struct otel_sdk_exporter *exporter = NULL;
    enum otel_err err = processor != NULL ? otel_config_exporter(node, "exporter", &exporter)
                                          : OTEL_ERR_MEMORY;

    (void)arg;
    otel_sdk_exporter_free(exporter);
    if (err != OTEL_OK) {
        otl_mem_free(processor);
        return err;
    }
    processor->ops = &ops;
    *ret = processor;
    return OTEL_OK;
}

static enum otel_err make_propagator(void *arg, const struct otel_config_node *node,
                                     struct otel_propagator **ret)
{
    static const char *const none[] = {NULL};
    enum otel_err err = otel_config_keys(node, none);

    (void)arg;
    if (err == OTEL_OK)
        *ret = otel_propagator_ref(otel_propagator_w3c());
    return err;
}

/* --- */

static struct otel_sdk *make(const char *text)
{
    struct otel_config *config = NULL;
    struct otel_sdk *sdk = NULL;
    enum otel_err err;

    memset(&g_problem, 0, sizeof(g_problem));
    err = otel_config_read_text(otel_str(text), "otel.yaml", NULL, &config, &g_problem);
    if (err == OTEL_OK)
        err = otel_config_create(config, NULL, &sdk, &g_problem);
    otel_config_free(config);
    assert_true((err == OTEL_OK) == (sdk != NULL));
    return sdk;
}

static void fails(const char *text, unsigned line, unsigned column, const char *words)
{
    assert_null(make(text));
    if (g_problem.line != line || g_problem.column != column ||
        strstr(g_problem.text, words) == NULL)
        fail_msg("%u:%u: %s", g_problem.line, g_problem.column, g_problem.text);
}

static void span_of(struct otel_sdk *sdk, const char *name)
{
    struct otel_tracer *tracer =
        otel_tracer_provider_tracer(otel_sdk_provider_api(otel_sdk_provider_of(sdk)), NULL);

    otel_span_finish(otel_span_start(tracer, name, NULL));
    otel_tracer_unref(tracer);
}

static void components_of_the_programs_own_are_made_by_their_names(void **state)
{
    struct otel_sdk *sdk = make(FORMAT PROVIDER
                                "    - counting: {exporter: {kept: {}}}\n"
                                "  sampler: {parent_based: {root: {wrapped: {root: {by_name: "
                                "{name: wanted, loud: true, level: 8, share: 0.5}}}}}}\n"
                                "propagator: {composite: [{own: }, {b3: }, {own: }]}\n");
    char words[900];

    (void)state;
    if (sdk == NULL)
        fail_msg("%s", otel_config_problem_text(&g_problem, words, sizeof(words)));
    otel_sdk_memory_reset(g_memory);
    g_ended = 0;
    span_of(sdk, "wanted");
    span_of(sdk, "other");
    assert_int_equal(otel_sdk_memory_count(g_memory), 1);
    assert_int_equal(g_ended, 1);
    otel_sdk_free(sdk);
    sdk = make(FORMAT PROVIDER "  sampler: {by_name: }\n"
                               "propagator: {composite_list: \"own,none,own\"}\n");
    assert_non_null(sdk);
    assert_ptr_equal(otel_sdk_propagator_of(sdk), otel_propagator_w3c());
    span_of(sdk, "by default");
    assert_int_equal(otel_sdk_memory_count(g_memory), 2);
    otel_sdk_free(sdk);
}

static void mistakes_have_a_place_and_the_nearest_name(void **state)
{
    (void)state;
    fails(FORMAT PROVIDER "  sampler: {by_nme: }\n", 5, 13, "did you mean 'by_name'?");
    fails(FORMAT PROVIDER "    - countin: {}\n", 5, 7, "did you mean 'counting'?");
    fails(FORMAT "tracer_provider:\n  processors:\n    - simple: {exporter: {keptt: }}\n", 4, 27,
          "did you mean 'kept'?");
    fails(FORMAT "propagator: {composite_list: \"b3,owm\"}\n", 2, 30, "did you mean 'own'?");
    fails(FORMAT "propagator: {composite: [{ownn: }]}\n", 2, 27, "did you mean 'own'?");
    fails(FORMAT PROVIDER "  sampler: {by_name: {nmae: x}}\n", 5, 23, "did you mean 'name'?");
    fails(FORMAT PROVIDER "  sampler: {by_name: {name: 5}}\n", 5, 29, "expected a text");
    fails(FORMAT PROVIDER "  sampler: {by_name: {level: high}}\n", 5, 30, "a whole number");
    fails(FORMAT PROVIDER "  sampler: {by_name: {share: 2}}\n", 5, 30, "more than all");
    fails(FORMAT PROVIDER "  sampler: {by_name: {level: 0}}\n", 5, 22, "by_name: a stated maximum");
    fails(FORMAT PROVIDER "  sampler: {by_name: {level: 1}}\n", 5, 22, "level 1 needs more");
    fails(FORMAT PROVIDER "  sampler: {by_name: 3}\n", 5, 22, "expected a map");
    fails(FORMAT PROVIDER "  sampler: {wrapped: {root: {by_nam: }}}\n", 5, 30,
          "did you mean 'by_name'?");
    fails(FORMAT PROVIDER "  sampler: {wrapped: {}}\n", 5, 22, "wrapped: an argument is missing");
    fails(FORMAT PROVIDER "    - counting: {exporter: {kpt: }}\n", 5, 29, "did you mean 'kept'?");
    fails(FORMAT "propagator: {composite: [{own: {a: 1}}]}\n", 2, 33, "unknown key 'a' of own");
}

/* jansson's memory fails with ours; libyaml's cannot. */
static void when_every_nth_allocation_fails_nothing_is_left_behind(void **state)
{
    static const char text[] = FORMAT PROVIDER
        "    - counting: {exporter: {kept: {}}}\n"
        "  sampler: {parent_based: {root: {wrapped: {root: {by_name: "
        "{name: wanted, loud: true, level: 8, share: 0.5}}}}}}\n"
        "propagator: {composite: [{own: }, {b3: }, {own: }]}\n";
    bool whole = false;
    long blocks;

    (void)state;
    otel_sdk_free(make(text));
    otel_sdk_memory_reset(g_memory);
    blocks = heap_live();
    for (unsigned long nth = 1; nth < 20000 && !whole; nth += 1 + nth / 16) {
        struct otel_sdk *sdk;
        unsigned long failed;
        heap_fail_every(nth);
        sdk = make(text);
        if (sdk != NULL)
            span_of(sdk, "wanted");
        otel_sdk_free(sdk);
        failed = heap_failed();
        heap_fail_every(0);
        otel_sdk_memory_reset(g_memory);
        assert_true(nth > 1 || sdk == NULL);
        if (heap_live() > blocks)
            fail_msg("every %lu: %ld blocks are left", nth, heap_live() - blocks);
        whole = failed == 0;
        assert_true(!whole || sdk != NULL);
    }
    assert_true(whole);
    heap_fail_every(1);
    assert_int_equal(otel_config_register_sampler("never", make_sampler, NULL), OTEL_ERR_MEMORY);
    heap_fail_every(0);
    fails(FORMAT PROVIDER "  sampler: {never: }\n", 5, 13, "never");
}

static void names_are_unique_and_not_the_schemas(void **state)
{
    char name[32];
    enum otel_err err = OTEL_OK;
    int more = 0;

    (void)state;
    assert_int_equal(otel_config_register_sampler("by_name", make_sampler, NULL),
                     OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_config_register_sampler("always_on", make_sampler, NULL),
                     OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_config_register_exporter("otlp_http", make_exporter, NULL),
                     OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_config_register_processor("batch", make_processor, NULL),
                     OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_config_register_propagator("b3", make_propagator, NULL),
                     OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_config_register_sampler("", make_sampler, NULL), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_config_register_sampler("new", NULL, NULL), OTEL_ERR_ARGUMENT);
    while (err == OTEL_OK && more < 100) {
        snprintf(name, sizeof(name), "exporter%d", more++);
        err = otel_config_register_exporter(name, make_exporter, NULL);
    }
    assert_int_equal(err, OTEL_ERR_LIMIT);
    assert_int_equal(more, OTEL_CONFIG_PLUGINS_MAX); /* "kept" was there */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(components_of_the_programs_own_are_made_by_their_names),
        cmocka_unit_test(mistakes_have_a_place_and_the_nearest_name),
        cmocka_unit_test(when_every_nth_allocation_fails_nothing_is_left_behind),
        cmocka_unit_test(names_are_unique_and_not_the_schemas),
    };
    int failed;

    heap_install();
    json_set_alloc_funcs(otl_mem_alloc, otl_mem_free);
    if (otel_sdk_memory_new(100, &g_memory) != OTEL_OK ||
        otel_config_register_sampler("by_name", make_sampler, &g_arg) != OTEL_OK ||
        otel_config_register_sampler("wrapped", make_wrapper, NULL) != OTEL_OK ||
        otel_config_register_exporter("kept", make_exporter, NULL) != OTEL_OK ||
        otel_config_register_processor("counting", make_processor, NULL) != OTEL_OK ||
        otel_config_register_propagator("own", make_propagator, NULL) != OTEL_OK)
        return 3;
    failed = cmocka_run_group_tests_name("config_plugin", tests, NULL, NULL);
    otel_sdk_memory_unref(g_memory);
    return failed;
}
