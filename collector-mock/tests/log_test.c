/* SPDX-License-Identifier: Apache-2.0 */
/* service.telemetry.logs: how the collector's own log looks, and what of it is left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "collector-mock/tests/lone.h"

enum { LINE_MAX_BYTES = 1000 };

static void configure(const char *logs)
{
    char text[1200];

    snprintf(text, sizeof(text),
             "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
             "exporters: {debug: }\n"
             "service:\n"
             "  telemetry:\n"
             "    logs: %s\n"
             "    metrics: {address: '127.0.0.1:0'}\n"
             "  pipelines: {traces: {receivers: [otlp], exporters: [debug]}}\n",
             logs);
    rig_config(&lone, text);
}

/* How many lines of the log hold the text; the first of them. */
static size_t logged(const char *text, char first[LINE_MAX_BYTES])
{
    struct otl_buf log;
    size_t count = 0;

    rig_read(lone.log, &log);
    first[0] = '\0';
    for (char *line = log.data, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (strstr(line, text) != NULL && count++ == 0)
            snprintf(first, LINE_MAX_BYTES, "%s", line);
    }
    otl_buf_fini(&log);
    return count;
}

static void serve(unsigned requests)
{
    rig_start(&lone, NULL);
    for (unsigned i = 0; i < requests; i++)
        assert_int_equal(lone_post(""), 200);
}

static void json_lines_have_the_initial_fields(void **state)
{
    static const char *const ways[] = {
        "{initial_fields: {site: 'a \"b\"', number: 3, map: {k: [true, null]}}}",
        "{encoding: json, initial_fields: {site: 'a \"b\"', number: 3, map: {k: [true, null]}}}"};

    for (size_t i = 0; i < 2; i++) {
        char line[LINE_MAX_BYTES];
        json_t *tree;
        configure(ways[i]);
        serve(1);
        assert_int_equal(rig_stop(&lone), 0);
        assert_int_equal(logged("Traces: resource spans", line), 1);
        tree = json_loads(line, 0, NULL);
        assert_non_null(tree);
        assert_string_equal(json_string_value(json_object_get(tree, "level")), "info");
        assert_string_equal(json_string_value(json_object_get(tree, "site")), "a \"b\"");
        assert_int_equal(json_integer_value(json_object_get(tree, "number")), 3);
        assert_int_equal(json_array_size(json_object_get(json_object_get(tree, "map"), "k")), 2);
        json_decref(tree);
        lone_teardown(state);
        lone_setup(state);
    }
}

/* TIME, level, name and message between tabs, and the members as one object. */
static void console_lines_are_for_people(void **state)
{
    char line[LINE_MAX_BYTES], *save = NULL, *word;

    (void)state;
    configure("{encoding: console, initial_fields: {site: here, number: 3}}");
    serve(1);
    assert_int_equal(rig_stop(&lone), 0);
    assert_int_equal(logged("Traces: resource spans", line), 1);
    word = strtok_r(line, "\t", &save);
    assert_int_equal(strlen(word), strlen("2026-01-02T03:04:05.678Z"));
    assert_int_equal(word[strlen(word) - 1], 'Z');
    assert_string_equal(strtok_r(NULL, "\t", &save), "info");
    assert_string_equal(strtok_r(NULL, "\t", &save), "collector-mock");
    assert_memory_equal(strtok_r(NULL, "\t", &save), "Traces: resource spans ", 23);
    assert_string_equal(strtok_r(NULL, "\t", &save), "{\"site\":\"here\",\"number\":3}");
    assert_null(strtok_r(NULL, "\t", &save));
    assert_int_equal(logged("{\"time\"", line), 0);
}

static void without_fields_there_is_no_object(void **state)
{
    char line[LINE_MAX_BYTES];

    (void)state;
    configure("{encoding: console}");
    serve(1);
    assert_int_equal(rig_stop(&lone), 0);
    assert_int_equal(logged("Traces: resource spans", line), 1);
    assert_null(strchr(line, '{'));
}

/* The tick outlives the test. */
static void lines_of_a_kind_are_thinned_out(void **state)
{
    static const struct {
        const char *sampling;
        size_t lines; /* of ten */
    } rows[] = {{"{tick: 1000s, initial: 2, thereafter: 3}", 4},
                {"{tick: 1000s, initial: 1, thereafter: 0}", 1},
                {"{initial: 20}", 10},
                {"{enabled: false, initial: 1, thereafter: 0}", 10},
                {"", 10}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char line[LINE_MAX_BYTES], text[200];
        snprintf(text, sizeof(text), "{level: info, sampling: %s}", rows[i].sampling);
        configure(text);
        serve(10);
        if (i < 3)
            assert_true(rig_metric(&lone, "collector_mock_log_lines_dropped_total") ==
                        (double)(10 - rows[i].lines));
        assert_int_equal(rig_stop(&lone), 0);
        if (logged("Traces: resource spans", line) != rows[i].lines)
            fail_msg("%s: %zu lines", rows[i].sampling, logged("Traces: resource spans", line));
        assert_int_equal(logged("stopped", line), 1); /* another kind */
        lone_teardown(state);
        lone_setup(state);
    }
}

static void mistakes_are_told_with_their_place(void **state)
{
    static const char *const rows[][2] = {
        {"{encoding: xml}", ":5:22: "},
        {"{sampling: {tick: 0s}}", ":5:29: "},
        {"{sampling: {initial: -1}}", ":5:32: "},
        {"{initial_fields: [a]}", ":5:28: "},
        {"{initial_fields: {a: '%0250d'}}", ":5:28: initial_fields: more than 255 bytes"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *arguments[] = {"--config", lone.config, NULL};
        char line[LINE_MAX_BYTES], text[600], digits[300];
        const char *percent = strchr(rows[i][0], '%');
        snprintf(digits, sizeof(digits), "%0250d", 7);
        snprintf(text, sizeof(text), "%.*s%s%s",
                 percent != NULL ? (int)(percent - rows[i][0]) : (int)strlen(rows[i][0]),
                 rows[i][0], percent != NULL ? digits : "", percent != NULL ? percent + 6 : "");
        configure(text);
        assert_int_equal(rig_run(&lone, arguments), 2);
        if (logged(rows[i][1], line) == 0) {
            logged("", line);
            fail_msg("%s: %s", rows[i][0], line);
        }
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, lone_setup, lone_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(json_lines_have_the_initial_fields),
        CASE(console_lines_are_for_people),
        CASE(without_fields_there_is_no_object),
        CASE(lines_of_a_kind_are_thinned_out),
        CASE(mistakes_are_told_with_their_place),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
