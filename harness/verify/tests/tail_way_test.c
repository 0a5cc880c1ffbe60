/* SPDX-License-Identifier: Apache-2.0 */
/* The pipelines around tail_sampling: what the oracle follows, refuses and compares. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/verify/tail/rules.h"
#include "sdk/base/yaml/yaml.h"

static enum otel_err load(const char *text, struct hx_tail_oracle **ret,
                          struct otl_detail *reterr)
{
    struct otl_yaml *doc;
    enum otel_err err;

    *ret = NULL;
    assert_int_equal(otl_yaml_load_text(text, strlen(text), NULL, &doc, reterr), OTEL_OK);
    err = hx_tail_oracle_new(&(struct hx_tail_asked){.config = otl_yaml_root(doc)}, ret, reterr);
    otl_yaml_free(doc);
    return err;
}

static struct hx_tail_oracle *oracle_of(const char *text)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_tail_oracle *oracle;

    if (load(text, &oracle, &detail) != OTEL_OK)
        fail_msg("%s: %s", text, detail.text);
    return oracle;
}

static void processors_before_a_forward_are_followed(void **state)
{
    static const char text[] =
        "{processors: {tail_sampling: {}, batch: {timeout: 3s}, batch/b: {timeout: 2s}, resource: "
        "{attributes: [{key: a, value: b, action: insert}]}}, connectors: {forward: {}}, service: "
        "{pipelines: {metrics: {receivers: [prometheus]}, traces/kept: {receivers: [forward], "
        "processors: [batch/b, tail_sampling, batch]}, traces/in: {receivers: [otlp], processors: "
        "[batch, resource], exporters: [forward]}}}}";
    struct hx_tail_oracle *oracle = oracle_of(text);
    const struct hx_rules *rules = hx_tail_oracle_rules(oracle);

    (void)state;
    assert_int_equal(rules->spread_ns, 5000000000);
    assert_int_equal(rules->before.count, 1);
    assert_string_equal(rules->before.stages[0].id, "resource");
    hx_tail_oracle_free(oracle);
}

/* One pipeline alone: what it refused before tail_sampling that never saw. */
static void an_answer_is_the_worst_of_all_that_get_the_spans(void **state)
{
    static const struct {
        const char *pipelines;
        bool forks;
    } cases[] = {
        {"traces: {receivers: [otlp, jaeger], processors: [tail_sampling], exporters: [a, b]}",
         false},
        {"traces: {receivers: [otlp], processors: [tail_sampling]}, logs: {receivers: [otlp]}",
         false},
        {"traces: {receivers: [otlp], processors: [tail_sampling]}, traces/b: {receivers: [otlp]}",
         true},
        {"traces: {receivers: [forward], processors: [tail_sampling]}, traces/b: {receivers: "
         "[otlp], exporters: [forward]}", false},
        {"traces: {receivers: [forward], processors: [tail_sampling]}, traces/b: {receivers: "
         "[otlp], exporters: [forward, file]}", true},
        {"traces: {receivers: [forward], processors: [tail_sampling]}, traces/b: {receivers: "
         "[otlp], exporters: [forward]}, traces/c: {receivers: [forward]}", true},
    };
    char text[1000];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct hx_tail_oracle *oracle;
        snprintf(text, sizeof(text),
                 "{processors: {tail_sampling: {}}, connectors: {forward: {}}, service: "
                 "{pipelines: {%s}}}", cases[i].pipelines);
        oracle = oracle_of(text);
        assert_int_equal(hx_tail_oracle_forks(oracle), cases[i].forks);
        hx_tail_oracle_free(oracle);
    }
}

static void only_what_drops_nothing_may_stand_behind(void **state)
{
    static const struct {
        const char *behind;
        const char *obstacle;
    } cases[] = {
        {"", NULL},
        {", batch, attributes/x, resource, transform", NULL},
        {", filter, batch", "filter"},
        {", batch, probabilistic_sampler/x", "probabilistic_sampler/x"},
        {", groupbytrace", "groupbytrace"},
        {", memory_limiter", "memory_limiter"}, /* refuses when memory is short: then it is lost */
        {", transform/ids", "transform/ids"},
        {", transform/errors", "transform/errors"},
        {", transform/group", "transform/group"},
    };
    char text[1000];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct hx_tail_oracle *oracle;
        const char *obstacle;
        snprintf(text, sizeof(text),
                 "{processors: {tail_sampling: {}, filter: {}, transform: {trace_statements: "
                 "['set(span.name, \"x\")']}, transform/ids: {trace_statements: ['set(span."
                 "trace_id, TraceID(0x00000000000000000000000000000001))']}, transform/errors: "
                 "{error_mode: propagate}, transform/group: {trace_statements: [{error_mode: "
                 "propagate}]}}, service: {pipelines: {traces: {processors: [filter], exporters: "
                 "[file]}, traces/kept: {processors: [tail_sampling%s], exporters: [file/kept]}}}}",
                 cases[i].behind);
        oracle = oracle_of(text);
        obstacle = hx_tail_oracle_obstacle(oracle);
        assert_string_equal(obstacle != NULL ? obstacle : "none",
                            cases[i].obstacle != NULL ? cases[i].obstacle : "none");
        assert_int_equal(hx_tail_oracle_feeds(oracle, "file/kept"), cases[i].obstacle == NULL);
        assert_false(hx_tail_oracle_feeds(oracle, "file"));
        hx_tail_oracle_free(oracle);
    }
}

#define PIPELINES(more, pipelines)                                                                 \
    "{processors: {tail_sampling: {}, 'filter': {traces: {span: ['What(name)']}}, batch: {}}, "    \
    more "service: {pipelines: {" pipelines "}}}"
static const struct {
    const char *text;
    const char *says;
} refused[] = {
    {PIPELINES("", "traces/a: {receivers: [otlp/a], processors: [tail_sampling]}, traces/b: "
               "{receivers: [otlp/b]}"), "what the receiver 'otlp/b' takes does not come to"},
    {PIPELINES("connectors: {forward: {}}, ", "traces/in: {receivers: [otlp], processors: "
               "[filter], exporters: [forward]}, traces/kept: {receivers: [forward], processors: "
               "[tail_sampling]}"), "'What(name)' is not understood"},
    {PIPELINES("connectors: {forward: {}}, ", "traces/in: {receivers: [otlp], processors: "
               "[tail_sampling], exporters: [forward]}, traces/kept: {receivers: [forward], "
               "processors: [tail_sampling]}"), "stands in several pipelines"},
    {PIPELINES("connectors: {forward: {}}, ", "traces/in: {receivers: [otlp], exporters: "
               "[forward]}, traces/kept: {receivers: [otlp, forward], processors: "
               "[tail_sampling]}"), "the connector 'forward' stands before 'tail_sampling'"},
    {PIPELINES("connectors: {forward: {}}, ", "traces/a: {receivers: [otlp], processors: [batch], "
               "exporters: [forward]}, traces/b: {receivers: [otlp], exporters: [forward]}, "
               "traces/kept: {receivers: [forward], processors: [tail_sampling]}"),
     "the connector 'forward' stands before 'tail_sampling'"},
    {PIPELINES("connectors: {routing: {}}, ", "traces/in: {receivers: [otlp], exporters: "
               "[routing]}, traces/kept: {receivers: [routing], processors: [tail_sampling]}"),
     "the connector 'routing' stands before 'tail_sampling'"},
    {PIPELINES("connectors: {forward: {}, forward/b: {}}, ", "traces/a: {receivers: [forward], "
               "exporters: [forward/b]}, traces/b: {receivers: [forward/b], processors: "
               "[tail_sampling], exporters: [forward]}"),
     "the connector 'forward/b' stands before 'tail_sampling'"},
    {PIPELINES("connectors: {forward: {}}, ", "traces/in: {receivers: [otlp/a], exporters: "
               "[forward]}, traces/kept: {receivers: [forward], processors: [tail_sampling]}, "
               "traces: {receivers: [otlp/a, otlp/b]}"),
     "what the receiver 'otlp/b' takes does not come to"},
};

static void what_comes_by_other_ways_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct hx_tail_oracle *oracle;
        enum otel_err err = load(refused[i].text, &oracle, &detail);
        if (err != OTEL_ERR_UNSUPPORTED || strstr(detail.text, refused[i].says) == NULL)
            fail_msg("%s: %d %s", refused[i].text, (int)err, detail.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processors_before_a_forward_are_followed),
        cmocka_unit_test(only_what_drops_nothing_may_stand_behind),
        cmocka_unit_test(an_answer_is_the_worst_of_all_that_get_the_spans),
        cmocka_unit_test(what_comes_by_other_ways_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
