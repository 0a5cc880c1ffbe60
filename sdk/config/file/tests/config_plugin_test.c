/* SPDX-License-Identifier: Apache-2.0 */
/* Components of a program's own, named in a configuration file. */
#include <jansson.h>
#include <otel/sdk/config_plugin.h>
#include <otel/sdk/entity.h>
#include <stdio.h>
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/tests/heap.h"
#include "sdk/tests/rig.h"

#define FORMAT "file_format: \"1.0\"\n"
#define PROVIDER "tracer_provider:\n  processors:\n    - simple: {exporter: {kept: }}\n"

static struct otel_sdk_memory *g_memory;
static struct otel_config_problem g_problem;
static int g_arg, g_byte, g_ended;
/* Of the last span that ended. */
static char g_answer[32], g_secret[32], g_host[32];
static size_t g_entities;
static uint8_t g_trace_id[OTEL_TRACE_ID_SIZE];

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
    if (level == 2)
        return OTEL_ERR_THREAD;
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

static void keep_text(const struct otel_sdk_readable_span *span, const char *key, char *out)
{
    struct otel_value value;

    out[0] = '\0';
    if (otel_sdk_resource_get(otel_sdk_span_resource(span), otel_str(key), &value) &&
        value.type == OTEL_VALUE_STRING)
        snprintf(out, 32, "%.*s", (int)value.count, value.as.string);
}

static void on_end(struct otel_sdk_processor *processor, struct otel_sdk_readable_span *span)
{
    (void)processor;
    keep_text(span, "own.answer", g_answer);
    keep_text(span, "own.secret", g_secret);
    keep_text(span, "host.name", g_host);
    g_entities = otel_sdk_resource_entity_count(otel_sdk_span_resource(span));
    memcpy(g_trace_id, otel_sdk_span_context(span)->trace_id, sizeof(g_trace_id));
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

/* {keep: BOOL}, or {as: PART} */
static enum otel_err make_part(void *arg, const struct otel_config_node *node,
                               struct otel_sdk_composable **ret)
{
    static const char *const keys[] = {"keep", "as", NULL};
    enum otel_err err = otel_config_keys(node, keys);
    bool keep = false;

    (void)arg;
    if (err == OTEL_OK)
        err = otel_config_bool(node, "keep", &keep);
    if (err == OTEL_OK)
        err = otel_config_composable(node, "as", ret);
    if (err == OTEL_OK && *ret == NULL)
        *ret = keep ? otel_sdk_composable_always_on() : otel_sdk_composable_always_off();
    return err;
}

/* {answer: TEXT}; without it nothing is found */
static enum otel_err make_detector(void *arg, const struct otel_config_node *node,
                                   struct otel_sdk_resource **ret)
{
    static const char *const keys[] = {"answer", NULL};
    struct otel_str answer = otel_str(NULL);
    struct otel_attribute found[3];
    enum otel_err err = otel_config_keys(node, keys);

    (void)arg;
    if (err == OTEL_OK)
        err = otel_config_text(node, "answer", &answer);
    if (err != OTEL_OK || answer.data == NULL)
        return err;
    found[0] = otel_attr("own.answer", otel_value_strn(answer.data, answer.len));
    found[1] = otel_attr_str("own.secret", "told");
    found[2] = otel_attr_str("host.name", "own");
    return otel_sdk_resource_new(found, 3, otel_str(NULL), ret);
}

static enum otel_err make_entity(void *arg, const struct otel_config_node *node,
                                 struct otel_sdk_resource **ret)
{
    const struct otel_attribute id = otel_attr_str("own.answer", "entity");
    const struct otel_sdk_entity own = {.type = otel_str("own"), .id = &id, .id_count = 1};

    (void)arg;
    (void)node;
    return otel_sdk_resource_of_entities(&own, 1, ret);
}

static void fixed_trace_id(void *state, uint8_t *ret_id)
{
    memset(ret_id, *(const int *)state, OTEL_TRACE_ID_SIZE);
}

/* {byte: INT} of the program's state; 0: makes nothing */
static enum otel_err make_ids(void *arg, const struct otel_config_node *node,
                              struct otel_sdk_id_generator *ret)
{
    static const char *const keys[] = {"byte", NULL};
    enum otel_err err = otel_config_keys(node, keys);
    int64_t byte = 7;

    if (err == OTEL_OK)
        err = otel_config_int(node, "byte", &byte);
    if (err != OTEL_OK || byte == 0)
        return err;
    *(int *)arg = (int)byte;
    ret->trace_id = fixed_trace_id;
    ret->state = arg;
    return OTEL_OK;
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

static void entities_of_a_detector_are_kept_without_a_filter(void **state)
{
    static const char *const filters[] = {"", "attributes: {included: ['own.*']}, "};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct otel_sdk *sdk;
        char text[400];
        snprintf(text, sizeof(text),
                 FORMAT PROVIDER "    - counting: {exporter: {kept: }}\n"
                                 "resource: {detection/development: {%sdetectors: [{is_one: }]}}\n",
                 filters[i]);
        sdk = make(text);
        assert_non_null(sdk);
        g_entities = 9;
        span_of(sdk, "by default");
        assert_string_equal(g_answer, "entity");
        assert_int_equal(g_entities, i == 0 ? 1 : 0);
        otel_sdk_free(sdk);
    }
}

static void id_generators_detectors_and_parts_are_made_by_their_names(void **state)
{
    static const char resource[] =
        "resource:\n"
        "  detection/development:\n"
        "    attributes: {excluded: ['*.secret']}\n"
        "    detectors: [{host: }, {finds: {answer: no}}, {finds: }, {finds: {answer: '42'}}]\n";
    char text[1000], words[900];
    struct otel_sdk *sdk;

    (void)state;
    snprintf(text, sizeof(text),
             FORMAT PROVIDER "    - counting: {exporter: {kept: }}\n"
                             "  id_generator: {fixed: {byte: 9}}\n"
                             "  sampler: {composite/development: {rule_based: {rules: ["
                             "{span_kinds: [client], sampler: {part: {as: {part: {keep: "
                             "false}}}}}, "
                             "{sampler: "
                             "{part: {keep: true}}}]}}}\n%s",
             resource);
    sdk = make(text);
    if (sdk == NULL)
        fail_msg("%s", otel_config_problem_text(&g_problem, words, sizeof(words)));
    g_ended = 0;
    span_of(sdk, "s");
    assert_int_equal(g_ended, 1); /* kept by the second rule */
    for (int i = 0; i < OTEL_TRACE_ID_SIZE; i++)
        assert_int_equal(g_trace_id[i], 9);
    assert_string_equal(g_answer, "42"); /* the later detector's */
    assert_string_equal(g_secret, "");   /* the filter is for all of them */
    assert_string_equal(g_host, "own");
    otel_sdk_free(sdk);
    sdk = make(FORMAT PROVIDER "    - counting: {exporter: {kept: }}\n"
                               "  id_generator: {random: }\n"
                               "  sampler: {composite/development: {part: {as: {part: }}}}\n");
    assert_non_null(sdk);
    span_of(sdk, "s");
    assert_int_equal(g_ended, 1); /* dropped */
    otel_sdk_free(sdk);
}

static void mistakes_of_theirs_have_a_place_too(void **state)
{
    (void)state;
    fails(FORMAT PROVIDER "  id_generator: {fixd: }\n", 5, 18, "did you mean 'fixed'?");
    fails(FORMAT PROVIDER "  id_generator: {fixed: {byte: x}}\n", 5, 32, "a whole number");
    fails(FORMAT PROVIDER "  id_generator: {fixed: {byte: 0}}\n", 5, 25,
          "fixed: an argument is missing");
    fails(FORMAT PROVIDER "  sampler: {composite/development: {prt: }}\n", 5, 37,
          "did you mean 'part'?");
    fails(FORMAT PROVIDER "  sampler: {composite/development: {part: {as: {prt: }}}}\n", 5, 49,
          "did you mean 'part'?");
    fails(FORMAT PROVIDER "resource: {detection/development: {detectors: [{finds: 1}]}}\n", 5, 56,
          "expected a map");
    fails(FORMAT PROVIDER "resource: {detection/development: {detectors: [{finds: {a: 1}}]}}\n", 5,
          57, "unknown key 'a' of finds");
}

/* A sampler that gets no thread falls back on its initial one: not where that is what failed. */
static void an_initial_sampler_that_gets_no_thread_is_told(void **state)
{
    (void)state;
    fails(FORMAT PROVIDER "  sampler: {jaeger_remote/development: {endpoint: "
                          "'http://127.0.0.1:9/s', initial_sampler: {by_name: {level: 2}}}}\n",
          5, 102, "by_name: a thread could not be created");
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
        "  id_generator: {fixed: }\n"
        "  sampler: {parent_based: {root: {wrapped: {root: {by_name: "
        "{name: wanted, loud: true, level: 8, share: 0.5}}}}, local_parent_sampled: "
        "{composite/development: {part: {as: {part: }}}}}}\n"
        "resource: {detection/development: {detectors: [{finds: {answer: yes}}]}}\n"
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
    assert_int_equal(otel_config_register_composable("always_on", make_part, NULL),
                     OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_config_register_composable("part", make_part, NULL), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_config_register_detector("host", make_detector, NULL),
                     OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_config_register_detector("new", NULL, NULL), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_config_register_id_generator("random", make_ids, NULL),
                     OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_config_register_id_generator("new", NULL, NULL), OTEL_ERR_ARGUMENT);
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
        cmocka_unit_test(entities_of_a_detector_are_kept_without_a_filter),
        cmocka_unit_test(id_generators_detectors_and_parts_are_made_by_their_names),
        cmocka_unit_test(mistakes_of_theirs_have_a_place_too),
        cmocka_unit_test(an_initial_sampler_that_gets_no_thread_is_told),
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
        otel_config_register_propagator("own", make_propagator, NULL) != OTEL_OK ||
        otel_config_register_composable("part", make_part, NULL) != OTEL_OK ||
        otel_config_register_detector("finds", make_detector, NULL) != OTEL_OK ||
        otel_config_register_detector("is_one", make_entity, NULL) != OTEL_OK ||
        otel_config_register_id_generator("fixed", make_ids, &g_byte) != OTEL_OK)
        return 3;
    failed = cmocka_run_group_tests_name("config_plugin", tests, NULL, NULL);
    otel_sdk_memory_unref(g_memory);
    return failed;
}
