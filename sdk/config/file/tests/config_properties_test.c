/* SPDX-License-Identifier: Apache-2.0 */
/* instrumentation/development of a file, as instrumentation libraries get to see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <otel/sdk/config_file.h>

#include "sdk/base/mem.h"
#include "sdk/config/hook.h"
#include "sdk/config/tests/fake_env.h"

/* Names the library, so that it is linked. */
static const struct otl_config_hook *const g_linked = &otel_config_hook_0;

static struct fake_env g_env;

#define FORMAT "file_format: \"1.0\"\n"
#define WHOLE                                                                                      \
    FORMAT "instrumentation/development:\n"                                                        \
           "  general: {http: {client: {request_captured_headers: [accept, \"${NAME}\"]}}}\n"      \
           "  c:\n"                                                                                \
           "    text: t\n"                                                                         \
           "    quoted: \"1\"\n"                                                                   \
           "    yes: true\n"                                                                       \
           "    count: 9007199254740993\n"                                                         \
           "    share: 0.25\n"                                                                     \
           "    null_one:\n"                                                                       \
           "    numbers: [1, 2.5, -3]\n"                                                           \
           "    flags: [true, false]\n"                                                            \
           "    none: []\n"                                                                        \
           "    rules: [{name: a}, {name: b, deep: {er: [x]}}]\n"

static struct otel_config *read_file(const char *text)
{
    struct otel_config_env env = {fake_getenv, &g_env};
    struct otel_config_problem problem;
    struct otel_config *config = NULL;
    char words[900];

    assert_non_null(g_linked);
    memset(&g_env, 0, sizeof(g_env));
    fake_set(&g_env, "NAME", "x-user");
    if (otel_config_read_text(otel_str(text), "otel.yaml", &env, &config, &problem) != OTEL_OK)
        fail_msg("%s", otel_config_problem_text(&problem, words, sizeof(words)));
    return config;
}

static struct otel_sdk *create(const struct otel_config *config)
{
    struct otel_sdk_env_options options;
    struct otel_sdk *sdk = NULL;

    otel_sdk_env_options_init(&options);
    options.error = fake_error;
    options.error_arg = &g_env;
    assert_int_equal(otel_config_create(config, &options, &sdk, NULL), OTEL_OK);
    return sdk;
}

static void is_text(struct otel_str found, const char *expected)
{
    assert_true(otel_str_equal(found, otel_str(expected)));
}

static void scalars_have_the_types_of_yaml(const struct otel_properties *c)
{
    struct otel_str text = otel_str(NULL);
    int64_t integer = 0;
    double real = 0;
    bool yes = false;

    assert_true(otel_properties_string(c, "text", &text));
    is_text(text, "t");
    assert_true(otel_properties_string(c, "quoted", &text));
    assert_false(otel_properties_int(c, "quoted", &integer));
    assert_true(otel_properties_bool(c, "yes", &yes));
    assert_true(yes);
    assert_true(otel_properties_int(c, "count", &integer));
    assert_true(integer == 9007199254740993); /* more than a double holds */
    assert_true(otel_properties_double(c, "share", &real));
    assert_int_equal((int)(real * 100), 25);
    assert_int_equal(otel_properties_find(c, "null_one")->type, OTEL_VALUE_EMPTY);
    assert_null(otel_properties_find(c, "null_two"));
}

static void sequences_are_walked(const struct otel_properties *c)
{
    struct otel_properties rule, deep;
    struct otel_str text = otel_str(NULL);
    double real = 0;
    bool yes = true;

    assert_int_equal(otel_properties_length(c, "numbers"), 3);
    assert_true(otel_properties_double_at(c, "numbers", 1, &real));
    assert_int_equal((int)(real * 10), 25);
    assert_true(otel_properties_double_at(c, "numbers", 2, &real));
    assert_int_equal((int)real, -3);
    assert_int_equal(otel_properties_length(c, "flags"), 2);
    assert_true(otel_properties_bool_at(c, "flags", 1, &yes));
    assert_false(yes);
    assert_non_null(otel_properties_find(c, "none"));
    assert_int_equal(otel_properties_length(c, "none"), 0);
    assert_int_equal(otel_properties_length(c, "rules"), 2);
    assert_true(otel_properties_mapping_at(c, "rules", 1, &rule));
    assert_true(otel_properties_string(&rule, "name", &text));
    is_text(text, "b");
    assert_true(otel_properties_mapping(&rule, "deep", &deep));
    assert_true(otel_properties_string_at(&deep, "er", 0, &text));
    is_text(text, "x");
}

static void instrumentation_reads_what_the_file_says(void **state)
{
    struct otel_config *config = read_file(WHOLE);
    struct otel_config_provider *provider = NULL;
    struct otel_properties all, c, inner;
    struct otel_str text = otel_str(NULL);

    (void)state;
    assert_int_equal(otel_config_instrumentation(config, &provider), OTEL_OK);
    otel_config_free(config); /* the provider outlives it */
    all = otel_config_provider_instrumentation(provider);
    assert_int_equal(all.count, 2);
    is_text(all.items[0].key, "general");
    is_text(all.items[1].key, "c");
    assert_true(otel_properties_mapping(&all, "c", &c));
    assert_int_equal(c.count, 10);
    scalars_have_the_types_of_yaml(&c);
    sequences_are_walked(&c);
    assert_true(otel_properties_mapping(&all, "general", &inner));
    assert_true(otel_properties_mapping(&inner, "http", &inner));
    assert_true(otel_properties_mapping(&inner, "client", &inner));
    assert_int_equal(otel_properties_length(&inner, "request_captured_headers"), 2);
    assert_true(otel_properties_string_at(&inner, "request_captured_headers", 1, &text));
    is_text(text, "x-user");
    otel_config_provider_unref(provider);
}

static void a_file_that_says_nothing_makes_no_provider(void **state)
{
    struct otel_config *config = read_file(FORMAT);
    struct otel_config_provider *provider = NULL;
    struct otel_sdk *sdk = create(config);

    (void)state;
    assert_int_equal(otel_config_instrumentation(config, &provider), OTEL_OK);
    assert_ptr_equal(provider, otel_config_provider_noop());
    assert_ptr_equal(otel_sdk_config_provider_of(sdk), otel_config_provider_noop());
    otel_sdk_free(sdk);
    otel_config_free(config);
    assert_ptr_equal(otel_sdk_config_provider_of(NULL), otel_config_provider_noop());
}

static bool global_is(struct otel_config_provider *expected)
{
    struct otel_config_provider *provider = otel_config_provider_global();

    otel_config_provider_unref(provider);
    return provider == expected;
}

static void an_installed_sdk_has_the_global_slot_until_its_end(void **state)
{
    struct otel_config *config = read_file(WHOLE), *silent = read_file(FORMAT);
    struct otel_sdk *sdk = create(config), *other = create(silent);

    (void)state;
    assert_int_equal(g_env.told, 0);
    assert_true(global_is(otel_config_provider_noop()));
    assert_int_equal(
        otel_config_provider_instrumentation(otel_sdk_config_provider_of(sdk)).count, 2);
    otel_sdk_install(sdk);
    assert_true(global_is(otel_sdk_config_provider_of(sdk)));
    otel_sdk_install(other); /* one without leaves it alone */
    assert_true(global_is(otel_sdk_config_provider_of(sdk)));
    otel_sdk_free(other);
    assert_true(global_is(otel_sdk_config_provider_of(sdk)));
    otel_sdk_free(sdk);
    assert_true(global_is(otel_config_provider_noop()));
    otel_config_free(config);
    otel_config_free(silent);
}

static void without_a_file_there_is_none(void **state)
{
    struct otel_sdk_env_options options;
    struct otel_sdk *sdk = NULL;

    (void)state;
    memset(&g_env, 0, sizeof(g_env));
    fake_set(&g_env, "OTEL_TRACES_EXPORTER", "none");
    otel_sdk_env_options_init(&options);
    options.getenv = fake_getenv;
    options.getenv_arg = &g_env;
    assert_int_equal(otel_sdk_from_env(&options, &sdk), OTEL_OK);
    assert_ptr_equal(otel_sdk_config_provider_of(sdk), otel_config_provider_noop());
    otel_sdk_install(sdk);
    assert_true(global_is(otel_config_provider_noop()));
    otel_sdk_free(sdk);
}

static void the_variable_names_a_file_that_instrumentation_reads(void **state)
{
    char path[] = "/tmp/otel-properties-XXXXXX";
    struct otel_sdk_env_options options;
    struct otel_sdk *sdk = NULL;
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0 && write(fd, WHOLE, strlen(WHOLE)) == (ssize_t)strlen(WHOLE));
    close(fd);
    memset(&g_env, 0, sizeof(g_env));
    fake_set(&g_env, "OTEL_CONFIG_FILE", path);
    otel_sdk_env_options_init(&options);
    options.getenv = fake_getenv;
    options.getenv_arg = &g_env;
    assert_int_equal(otel_sdk_from_env(&options, &sdk), OTEL_OK);
    assert_int_equal(
        otel_config_provider_instrumentation(otel_sdk_config_provider_of(sdk)).count, 2);
    otel_sdk_free(sdk);
    unlink(path);
}

static void it_has_to_be_a_mapping(void **state)
{
    static const char *const wrong[] = {"[]", "text", "1", ""};
    struct otel_config_problem problem;
    struct otel_config *config = NULL;
    char text[100];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        snprintf(text, sizeof(text), FORMAT "instrumentation/development: %s\n", wrong[i]);
        assert_int_equal(
            otel_config_read_text(otel_str(text), "otel.yaml", NULL, &config, &problem),
            OTEL_ERR_SYNTAX);
        assert_int_equal(problem.line, 2);
    }
}

static void failing_allocation_makes_nothing(void **state)
{
    struct otel_config *config = read_file(WHOLE);
    enum otel_err err = OTEL_ERR_MEMORY;
    unsigned long n = 0;

    (void)state;
    while (err != OTEL_OK) {
        struct otel_config_provider *provider = NULL;
        struct otel_sdk *sdk = NULL;
        otl_mem_fail_at(++n);
        err = otel_config_instrumentation(config, &provider);
        if (err == OTEL_OK)
            err = otel_config_create(config, NULL, &sdk, NULL);
        otl_mem_fail_at(0);
        assert_true(err == OTEL_OK || err == OTEL_ERR_MEMORY);
        assert_int_equal(sdk != NULL, err == OTEL_OK);
        assert_true(n < 5000);
        otel_config_provider_unref(provider);
        otel_sdk_free(sdk);
    }
    assert_true(n > 4);
    otel_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instrumentation_reads_what_the_file_says),
        cmocka_unit_test(a_file_that_says_nothing_makes_no_provider),
        cmocka_unit_test(an_installed_sdk_has_the_global_slot_until_its_end),
        cmocka_unit_test(without_a_file_there_is_none),
        cmocka_unit_test(the_variable_names_a_file_that_instrumentation_reads),
        cmocka_unit_test(it_has_to_be_a_mapping),
        cmocka_unit_test(failing_allocation_makes_nothing),
    };

    return cmocka_run_group_tests_name("config properties", tests, NULL, NULL);
}
