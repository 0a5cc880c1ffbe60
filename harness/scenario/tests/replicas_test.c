/* SPDX-License-Identifier: Apache-2.0 */
/* What single replicas, keys and requests have of their own; what the namer must say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "harness/scenario/replicas.h"
#include "sdk/base/clock.h"

static struct hx_scenario *load(const char *settings, const char *step, const char *namer,
                                struct otl_detail *detail)
{
    struct hx_scenario *scenario = NULL;
    char text[4096];

    snprintf(text, sizeof(text),
             "services:\n"
             "  push:\n"
             "    routes: {POST /r: {steps: [\n"
             "      {publish: t, key: a, hot_key: {key: b, share: 0.2}}]}}\n"
             "  sink:\n"
             "    replicas: 6\n"
             "    version: 1.4.2\n"
             "    consumers: {t: {max_poll_interval: 9s, steps: [%s]}}\n"
             "    replica_settings: %s\n"
             "topics: {t: {}}\n"
             "load: {route: push POST /r, rate: 10}\n"
             "expect: {namer: %s}\n",
             step, settings, namer);
    if (hx_scenario_load_text(text, strlen(text), "r.yaml", NULL, &scenario, detail) != OTEL_OK)
        return NULL;
    return scenario;
}

static const char stale[] = "{3: {version: 1.3.0, consumers.t.max_poll_interval: 3100ms, "
                            "consumers.t.steps.0.probability: 0.5}}";
static const char slow[] = "{wait: 4s, probability: 0.0, only_key: b}";

static void one_replica_has_its_own_settings(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario *s = load(stale, slow, "sink-3", &detail), *own = NULL;
    json_t *tree = NULL;
    const struct hx_service *sink;

    (void)state;
    if (s == NULL)
        fail_msg("refused: %u:%u %s", detail.line, detail.column, detail.text);
    assert_string_equal(s->claims.namer, "sink-3");
    assert_int_equal(hx_scenario_replica_tree(s, &s->services[1], 3, &tree, &detail), OTEL_OK);
    assert_int_equal(hx_scenario_load_tree(tree, &own, &detail), OTEL_OK);
    sink = &own->services[1];
    assert_string_equal(sink->version, "1.3.0");
    assert_int_equal(sink->consumers[0].max_poll_interval_ns, 3100 * OTL_NS_PER_MS);
    assert_true(sink->consumers[0].steps[0].probability > 0.4);
    assert_string_equal(sink->consumers[0].steps[0].only_key, "b");
    assert_int_equal(own->operation_count, s->operation_count);
    hx_scenario_free(own);
    json_decref(tree);
    assert_int_equal(hx_scenario_replica_tree(s, &s->services[1], 2, &tree, &detail), OTEL_OK);
    assert_ptr_equal(tree, s->tree);
    json_decref(tree);
    assert_string_equal(s->services[0].routes[0].steps[0].hot_key, "b");
    hx_scenario_free(s);
}

static void refuse(const char *settings, const char *step, const char *namer, unsigned line,
                   const char *words)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario *s = load(settings, step, namer, &detail);

    hx_scenario_free(s);
    assert_null(s);
    assert_int_equal(detail.line, line);
    if (strstr(detail.text, words) == NULL)
        fail_msg("'%s' does not say '%s'", detail.text, words);
}

static void mistakes_are_refused_with_place_and_reason(void **state)
{
    (void)state;
    refuse("{6: {version: 1.3.0}}", slow, "none", 9, "there is no replica 6");
    refuse("{three: {version: 1.3.0}}", slow, "none", 9, "there is no replica three");
    refuse("{3: {replicas: 2}}", slow, "none", 9, "cannot be changed");
    refuse("{3: {consumers.t.max_poll_interval: 1ms}}", slow, "none", 9, "session_timeout");
    refuse("{3: {consumers.u.max_poll_interval: 9s}}", slow, "none", 9, "consumers.u");
    refuse(stale, "{wait: 4s, probability: 2}", "none", 8, "probability");
    refuse(stale, slow, "sink-6", 12, "sink-");
    refuse(stale, slow, "push-0", 12, "no instance that consumes");
}

static void a_route_has_no_message_key(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario *s = NULL;
    static const char text[] = "services:\n"
                               "  a: {routes: {GET /: {steps: [{wait: 1s, only_key: b}]}}}\n"
                               "load: {route: a GET /, rate: 1}\n";

    (void)state;
    assert_int_equal(hx_scenario_load_text(text, sizeof(text) - 1, "r.yaml", NULL, &s, &detail),
                     OTEL_ERR_SYNTAX);
    assert_int_equal(detail.line, 2);
    assert_non_null(strstr(detail.text, "a route has no message"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_replica_has_its_own_settings),
        cmocka_unit_test(mistakes_are_refused_with_place_and_reason),
        cmocka_unit_test(a_route_has_no_message_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
