/* SPDX-License-Identifier: Apache-2.0 */
/* A run with tail sampling: what its pipelines and answers let the check conclude. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/verify/tests/world.h"
#include "harness/verify/verify.h"
#include "sdk/base/text.h"
#include "sdk/base/yaml/yaml.h"

/* Everything is kept. */
#define CONFIG                                                                                     \
    "{exporters: {file: {path: spans/traces.bin, format: proto}, file/kept: {path: spans/%s, "     \
    "format: proto}}, processors: {filter: {}, tail_sampling: {policies: [{name: all, type: "      \
    "always_sample}]}}, service: {pipelines: {%s traces/kept: {receivers: [otlp], processors: "    \
    "[tail_sampling%s], exporters: [file/kept]}}}}"
#define NEIGHBOUR "traces: {receivers: [otlp], exporters: [file]},"
#define HIT(exporter)                                                                              \
    "{\"event\":\"begin\",\"fault\":0,\"kind\":\"disk_full\"}\n"                                   \
    "{\"event\":\"hit\",\"kind\":\"disk_full\",\"exporter\":\"" exporter "\"}\n"

struct recorded {
    const char *kept;      /* "traces.bin" has all, "kept.bin" nothing */
    const char *neighbour; /* another pipeline of the same receiver */
    const char *behind;
    const char *faults;
    unsigned status;       /* of the first request; 0: 200 */
};

static FILE *create(const struct world *w, const char *name)
{
    char path[300];
    FILE *file;

    snprintf(path, sizeof(path), "%s/spans/%s", w->dir, name);
    file = fopen(path, "w");
    assert_non_null(file);
    return file;
}

/* Each trace was sampled, whatever was answered. */
static void write_decisions(const struct world *w)
{
    FILE *file = create(w, "decisions.jsonl");

    for (size_t i = 0; i < w->span_count; i++) {
        char hex[33];
        if (!w->spans[i].sampled)
            continue;
        otl_hex(w->spans[i].wire.trace_id, 16, hex);
        fprintf(file,
                "{\"event\":\"decision\",\"processor\":\"tail_sampling\",\"trace_id\":\"%s\","
                "\"decision\":\"sampled\",\"policy\":\"all\",\"mono_ns\":9000000000000000000}\n",
                hex);
    }
    fclose(file);
}

/* "VERDICT: why it is not known", of the check of tail sampling. */
static void judge(const struct recorded *recorded, char *out, size_t size)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    json_t *result = NULL, *check;
    struct otl_yaml *doc;
    struct world w;
    char config[1000];
    FILE *file;
    size_t i;

    world_init(&w, &(struct w_options){.requests = 20});
    snprintf(config, sizeof(config), CONFIG, recorded->kept, recorded->neighbour,
             recorded->behind);
    assert_int_equal(otl_yaml_load_text(config, strlen(config), NULL, &doc, &detail), OTEL_OK);
    w.scenario.collector = otl_yaml_root(doc);
    if (recorded->status != 0)
        w.requests[0].status = recorded->status;
    world_write(&w);
    write_decisions(&w);
    fclose(create(&w, "kept.bin"));
    file = create(&w, "faults.jsonl");
    fputs(recorded->faults, file);
    fclose(file);
    if (hx_verify_run(&(struct hx_verify_options){.dir = w.dir, .scenario = &w.scenario}, &result,
                      &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
    snprintf(out, size, "there is no such check");
    json_array_foreach(json_object_get(result, "checks"), i, check)
        if (strcmp(json_string_value(json_object_get(check, "id")), "tail_sampling") == 0) {
            const char *reason = json_string_value(json_object_get(check, "reason"));
            snprintf(out, size, "%s: %s",
                     json_string_value(json_object_get(check, "verdict")),
                     reason != NULL ? reason : "");
        }
    json_decref(result);
    otl_yaml_free(doc);
    world_fini(&w);
}

static void the_check_says_what_can_be_known(void **state)
{
    static const struct {
        struct recorded recorded;
        const char *says;
    } cases[] = {
        {{"traces.bin", NEIGHBOUR, "", "", 0}, "pass: "},
        {{"kept.bin", NEIGHBOUR, "", "", 0}, "fail: "},
        /* what was kept and dropped behind it is nobody's mistake */
        {{"kept.bin", NEIGHBOUR, ", filter", "", 0}, "pass: "},
        /* 503 may have been the neighbour's; alone, it never came to tail_sampling */
        {{"traces.bin", NEIGHBOUR, "", "", 503}, "pass: "},
        {{"traces.bin", "", "", "", 503}, "fail: "},
        {{"kept.bin", NEIGHBOUR, "", HIT("file/kept"), 0},
         "inconclusive: file/kept found no room (disk_full): not all that was kept stands in its "
         "file"},
        {{"kept.bin", NEIGHBOUR, "", HIT("file"), 0}, "fail: "},
    };
    char text[600];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        judge(&cases[i].recorded, text, sizeof(text));
        if (strcmp(text, cases[i].says) != 0)
            fail_msg("case %zu: %s", i, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_check_says_what_can_be_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
