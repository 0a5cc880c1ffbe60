/* SPDX-License-Identifier: Apache-2.0 */
/* faults: in a scenario: what loads, what is refused and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/scenario/faults.h"
#include "sdk/base/clock.h"

/* Line 11 is the first fault. */
static const char head[] =
    "# a claim\n"
    "services:\n"
    "  gateway: {routes: {GET /a: {steps: [{call: order POST /b}]}}}\n"
    "  order: {replicas: 2, routes: {POST /b: {steps: [{wait: 1ms}, {fail: {probability: 0.1}},\n"
    "    {span: x, steps: [{work: 1us}]}, {publish: t}]}}}\n"
    "  sink: {consumers: {t: {max_in_hand: 2}}}\n"
    "topics: {t: {}}\n"
    "load: {route: gateway GET /a, rate: 10, warmup: 1s, duration: 9s}\n"
    "# one\n"
    "faults:\n";

static struct hx_scenario *load(const char *faults, struct otl_detail *detail)
{
    struct hx_scenario *scenario = NULL;
    char text[4096];

    snprintf(text, sizeof(text), "%s%s", head, faults);
    if (hx_scenario_load_text(text, strlen(text), "f.yaml", NULL, &scenario, detail) != OTEL_OK)
        return NULL;
    return scenario;
}

static struct hx_scenario *must_load(const char *faults)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario *scenario = load(faults, &detail);

    if (scenario == NULL)
        fail_msg("refused: %u:%u %s", detail.line, detail.column, detail.text);
    return scenario;
}

static void test_every_kind_loads(void **state)
{
    struct hx_scenario *s = must_load(
        "  - {at: 2s, do: kill, service: order, replica: 1}\n"
        "  - {at: 3s, do: restart, service: order, grace: 2s, set: {version: '2'}}\n"
        "  - {at: 4s, do: stop, service: gateway}\n"
        "  - {at: 5s, do: continue, service: gateway}\n"
        "  - {at: 5s, do: set, service: sink, set: {consumers.t.max_in_hand: 8}}\n"
        "  - {when: handled(order-0) > 500, do: collector, fault: status, status: 503,\n"
        "     retry_after: 1s, for: 2s, probability: 0.5}\n"
        "  - {when: spans_received >= 10, do: collector, fault: refuse}\n"
        "  - {at: 9s, do: remove, service: order, replica: 0, grace: 1s}\n");

    (void)state;
    assert_int_equal(s->fault_count, 8);
    assert_int_equal(s->faults[7].what, HX_FAULT_REMOVE);
    assert_string_equal(s->faults[7].text, "remove order-0");
    assert_int_equal(s->faults[7].grace_ns, OTL_NS_PER_S);
    assert_int_equal(s->faults[0].what, HX_FAULT_KILL);
    assert_int_equal(s->faults[0].first_replica, 1);
    assert_int_equal(s->faults[0].replica_count, 1);
    assert_string_equal(s->faults[0].text, "kill order-1");
    assert_int_equal(s->faults[0].at_ns, 2 * OTL_NS_PER_S);
    assert_int_equal(s->faults[1].replica_count, 2);
    assert_int_equal(s->faults[1].grace_ns, 2 * OTL_NS_PER_S);
    assert_string_equal(s->faults[1].settings[0].path, "version");
    assert_int_equal(s->faults[5].condition.figure, HX_WATCHED_HANDLED);
    assert_string_equal(s->faults[5].condition.service->name, "order");
    assert_true(s->faults[5].condition.value > 499 && s->faults[5].condition.value < 501);
    assert_int_equal(s->faults[5].status, 503);
    assert_int_equal(s->faults[5].for_ns, 2 * OTL_NS_PER_S);
    assert_true(s->faults[6].condition.or_equal);
    assert_int_equal(s->faults[6].collector, HX_COLLECTOR_REFUSE);
    hx_scenario_free(s);
}

static void test_the_collector_takes_every_fault_of_its_plans(void **state)
{
    struct hx_scenario *s = must_load(
        "  - {at: 1s, do: collector, fault: partial_success, with: {rejected: 3, count: 2}}\n"
        "  - {at: 1s, do: collector, fault: status, with: {code: 8}, retry_after: 2s}\n"
        "  - {at: 1s, do: collector, fault: slow_read, with: {rate: 100}, probability: 0.5}\n"
        "  - {at: 1s, do: collector, fault: restart, for: 1s}\n");

    (void)state;
    assert_string_equal(hx_collector_fault_word(s->faults[0].collector), "partial_success");
    assert_string_equal(s->faults[0].text, "collector partial_success");
    assert_int_equal(json_integer_value(json_object_get(s->faults[0].with, "rejected")), 3);
    assert_int_equal(s->faults[1].status, 0);
    assert_string_equal(s->faults[1].text, "collector status");
    assert_string_equal(s->faults[3].text, "collector restart");
    hx_scenario_free(s);
}

static void test_resolved_tree_has_the_same_faults(void **state)
{
    struct hx_scenario *s = must_load("  - {at: 2s, do: kill, service: order, replica: 1}\n");
    struct hx_scenario *again;
    struct otl_detail detail = OTL_DETAIL_NONE;

    (void)state;
    assert_int_equal(hx_scenario_load_tree(s->tree, &again, &detail), OTEL_OK);
    assert_int_equal(again->fault_count, 1);
    assert_string_equal(again->faults[0].text, s->faults[0].text);
    hx_scenario_free(again);
    hx_scenario_free(s);
}

static void test_settings_are_taken_over(void **state)
{
    struct hx_scenario *s = must_load("  - {at: 2s, do: kill, service: order}\n");
    const struct hx_step *steps = s->services[1].routes[0].steps;
    struct otl_detail detail = OTL_DETAIL_NONE;

    (void)state;
    assert_int_equal(hx_scenario_adjust(s, "order",
                                        &(struct hx_setting){"routes.POST /b.steps.0.wait",
                                                             "{uniform: [2ms, 3ms]}"},
                                        &detail),
                     OTEL_OK);
    assert_int_equal(hx_scenario_adjust(s, "order",
                                        &(struct hx_setting){
                                            "routes.POST /b.steps.1.fail.probability", "0.75"},
                                        &detail),
                     OTEL_OK);
    assert_int_equal(hx_scenario_adjust(s, "order",
                                        &(struct hx_setting){
                                            "routes.POST /b.steps.2.steps.0.work", "\"7us\""},
                                        &detail),
                     OTEL_OK);
    assert_int_equal(hx_scenario_adjust(
                         s, "sink", &(struct hx_setting){"consumers.t.max_in_hand", "9"}, &detail),
                     OTEL_OK);
    assert_int_equal(steps[0].delay.kind, HX_DELAY_UNIFORM);
    assert_int_equal(steps[0].delay.high_ns, 3 * OTL_NS_PER_MS);
    assert_true(steps[1].probability > 0.74 && steps[1].probability < 0.76);
    assert_int_equal(steps[2].steps[0].delay.low_ns, 7 * OTL_NS_PER_US);
    assert_int_equal(s->services[2].consumers[0].max_in_hand, 9);
    hx_scenario_free(s);
}

static const struct refusal {
    const char *faults;
    unsigned line; /* 0: any */
    const char *words[3];
} refusals[] = {
    {"  - {at: 12s, do: kill, service: order}\n", 11, {"impossible time", "12s", "10s"}},
    {"  - {at: -1s, do: kill, service: order}\n", 11, {"at"}},
    {"  - {do: kill, service: order}\n", 11, {"needs 'at: TIME'"}},
    {"  - {at: 1s, when: spans_received > 1, do: kill, service: order}\n", 11, {"not both"}},
    {"  - {at: 1s, do: kil, service: order}\n", 11, {"kill"}},
    {"  - {at: 1s, do: kill, service: ordre}\n", 11, {"unknown service 'ordre'", "order"}},
    {"  - {at: 1s, do: kill}\n", 11, {"needs a service"}},
    {"  - {at: 1s, do: kill, service: order, replica: 2}\n", 11, {"2 replicas", "no replica 2"}},
    {"  - {at: 1s, do: restart, service: broker}\n", 11,
     {"embedded broker cannot be stopped or restarted", "memory", "broker: HOST:PORT"}},
    {"  - {at: 1s, do: kill, service: collector}\n", 11, {"do: collector", "refuse"}},
    {"  - {at: 1s, do: kill, service: order, grace: 1s}\n", 11, {"'grace' has no meaning"}},
    {"  - {at: 1s, do: set, service: order}\n", 11, {"needs 'set'"}},
    {"  - {at: 1s, do: set, service: order, set: {routes.POST /b.steps.0.wait: soon}}\n", 11,
     {"set routes.POST /b.steps.0.wait", "duration"}},
    {"  - {at: 1s, do: set, service: order, set: {routes.POST /b.steps.9.wait: 1ms}}\n", 11,
     {"no item '9'"}},
    {"  - {at: 1s, do: set, service: order, set: {replicas: 3}}\n", 11,
     {"'replicas' cannot be changed during a run"}},
    {"  - {at: 1s, do: set, service: sink, set: {consumers.t.max_poll_interval: 9s}}\n", 11,
     {"read when a process starts", "do: restart"}},
    {"  - {at: 1s, do: set, service: sink, set: {consumers.t.assignor: cooperative-sticky}}\n",
     11, {"one assignor in common", "INCONSISTENT_GROUP_PROTOCOL", "'do: restart' of all"}},
    {"  - {at: 1s, do: collector}\n", 11, {"needs 'fault'"}},
    {"  - {at: 1s, do: collector, fault: status}\n", 11, {"'status' is needed by 'fault: status'"}},
    {"  - {at: 1s, do: collector, fault: stall, delay: 1s}\n", 11, {"belongs to 'fault: delay'"}},
    {"  - {at: 1s, do: collector, fault: stall, service: order}\n", 11, {"no meaning"}},
    {"  - {at: 1s, do: collector, fault: status, status: 200}\n", 11, {"400"}},
    {"  - {at: 1s, do: collector, fault: refuse, probability: 0.5}\n", 11, {"no probability"}},
    {"  - {at: 1s, do: collector, fault: slow_read}\n", 11, {"needs 'with: {rate: ...}'"}},
    {"  - {at: 1s, do: collector, fault: restart}\n", 11, {"needs 'for'"}},
    {"  - {at: 1s, do: collector, fault: stall, with: {rate: 5}}\n", 11,
     {"'rate' has no meaning for 'fault: stall'"}},
    {"  - {at: 1s, do: collector, fault: stall, with: {raet: 5}}\n", 11, {"did you mean 'rate'"}},
    {"  - {at: 1s, do: kill, service: order, with: {rate: 5}}\n", 11, {"no meaning"}},
    {"  - {when: spams_received > 5, do: collector, fault: stall}\n", 11, {"spans_received"}},
    {"  - {when: spans_received is many, do: collector, fault: stall}\n", 11, {"> or >="}},
    {"  - {when: spans_received > lots, do: collector, fault: stall}\n", 11, {"'lots'"}},
    {"  - {when: handled(order) > 5, do: collector, fault: stall}\n", 11, {"needs an instance"}},
    {"  - {when: handled(order-7) > 5, do: collector, fault: stall}\n", 11, {"order-7"}},
    {"  - {at: 1s, do: kill, service: order}\n  - {at: 2s, do: kill, service: order}\n", 12,
     {"order-0 is already dead"}},
    {"  - {at: 1s, do: continue, service: order}\n", 11, {"is not stopped"}},
    {"  - {at: 1s, do: stop, service: order}\n", 11, {"never continued"}},
    {"  - {at: 2s, do: set, service: order, set: {routes.POST /b.steps.0.wait: 1s}}\n"
     "  - {at: 1s, do: kill, service: order}\n",
     11, {"dead at that time"}},
    {"  - {at: 1s, du: kill}\n", 11, {"do"}},
};

static void test_refused_with_place_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct hx_scenario *scenario = load(refusals[i].faults, &detail);

        if (scenario != NULL)
            fail_msg("loaded: %s", refusals[i].faults);
        if (refusals[i].line != 0 && detail.line != refusals[i].line)
            fail_msg("line %u: %s\n%s", detail.line, detail.text, refusals[i].faults);
        for (size_t w = 0; w < 3 && refusals[i].words[w] != NULL; w++)
            if (strstr(detail.text, refusals[i].words[w]) == NULL)
                fail_msg("'%s' lacks '%s'", detail.text, refusals[i].words[w]);
    }
}

/* Of all its members at once, and of nobody else's group. */
static void test_a_group_changes_its_assignor_by_a_restart_of_all(void **state)
{
    static const char text[] =
        "services:\n"
        "  a: {routes: {GET /a: {steps: [{publish: t}]}}}\n"
        "  b: {replicas: 2, consumers: {t: {group: g}}%s}\n"
        "  c: {consumers: {t: {group: %s}}}\n"
        "topics: {t: {}}\n"
        "load: {route: a GET /a, rate: 10}\n"
        "faults: [{at: 1s, do: restart, service: b%s, set: {consumers.t.assignor: roundrobin}}]\n";
    static const struct {
        const char *settings, *other, *replica, *says;
    } rows[] = {{"", "h", "", NULL},
                {"", "h", ", replica: 1", "f.yaml:7:44: the members of a group have one assignor"},
                {"", "g", "", "f.yaml:7:50: set consumers.t.assignor: group g: b assigns by "},
                {", replica_settings: {1: {consumers.t.assignor: roundrobin}}", "h", "",
                 "f.yaml:3:71: 'consumers.t.assignor' is no replica's own"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct hx_scenario *s = NULL;
        char all[1024], said[1024] = "";
        snprintf(all, sizeof(all), text, rows[i].settings, rows[i].other, rows[i].replica);
        if (hx_scenario_load_text(all, strlen(all), "f.yaml", NULL, &s, &detail) != OTEL_OK)
            otl_detail_format(&detail, said, sizeof(said));
        if (rows[i].says != NULL ? strncmp(said, rows[i].says, strlen(rows[i].says)) != 0 : !s)
            fail_msg("said: %s\nwanted: %s", said, rows[i].says ? rows[i].says : "nothing");
        if (s != NULL)
            assert_true(s->faults[0].together);
        hx_scenario_free(s);
    }
}

static void test_one_group_has_one_assignor(void **state)
{
    static const char text[] =
        "services:\n"
        "  a: {routes: {GET /a: {steps: [{publish: t}]}}}\n"
        "  b: {consumers: {t: {group: g, assignor: cooperative-sticky}}}\n"
        "  c: {consumers: {t: {group: g%s}}}\n"
        "topics: {t: {}}\n"
        "load: {route: a GET /a, rate: 10}\n";
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario *s = NULL;
    char all[1024];

    (void)state;
    snprintf(all, sizeof(all), text, "");
    assert_int_equal(hx_scenario_load_text(all, strlen(all), "f.yaml", NULL, &s, &detail),
                     OTEL_ERR_SYNTAX);
    assert_non_null(strstr(detail.text, "one group has one assignor"));
    assert_int_equal(detail.line, 4);
    snprintf(all, sizeof(all), text, ", assignor: cooperative-sticky, static_membership: true");
    assert_int_equal(hx_scenario_load_text(all, strlen(all), "f.yaml", NULL, &s, NULL), OTEL_OK);
    assert_string_equal(s->services[2].consumers[0].assignor, "cooperative-sticky");
    assert_true(s->services[2].consumers[0].static_membership);
    assert_false(s->services[1].consumers[0].static_membership);
    hx_scenario_free(s);
}

/* ---- statements on a database ---------------------------------------------------------------- */

static const char store[] =
    "services:\n"
    "  store:\n"
    "    database: [CREATE TABLE t (a), CREATE INDEX i ON t (a), INSERT INTO t VALUES (1)]\n"
    "    routes: {GET /a: {steps: [{sql: SELECT a FROM t}]}}\n"
    "  other: {routes: {GET /b: {steps: []}}}\n"
    "load: {route: store GET /a, rate: 10, duration: 9s}\n";

static enum otel_err load_store(const char *text, struct hx_scenario **ret,
                                struct otl_detail *detail)
{
    char all[4096];

    snprintf(all, sizeof(all), "%s%s", store, text);
    return hx_scenario_load_text(all, strlen(all), "f.yaml", NULL, ret, detail);
}

static void test_a_statement_runs_on_the_filled_database(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario *s = NULL;

    (void)state;
    assert_int_equal(load_store("faults:\n  - {at: 1s, do: sql, service: store, statement: DROP "
                                "INDEX i}\nexpect: {critical_path: store SELECT t}\n",
                                &s, &detail), OTEL_OK);
    assert_int_equal(s->faults[0].what, HX_FAULT_SQL);
    assert_string_equal(s->faults[0].text, "sql store-0: DROP INDEX i");
    assert_int_equal(s->services[0].database_count, 3);
    assert_string_equal(s->claims.critical_path, "store SELECT t");
    hx_scenario_free(s);
}

static void test_statements_that_cannot_be_are_refused(void **state)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"faults: [{at: 1s, do: sql, service: store, statement: DROP INDEX j}]\n",
         "no such index: j"},
        {"faults: [{at: 1s, do: sql, service: store, statement: DROP INDEX i},"
         " {at: 2s, do: sql, service: store, statement: DROP INDEX i}]\n", "no such index: i"},
        {"faults: [{at: 1s, do: sql, service: other, statement: SELECT 1}]\n", "has no sql step"},
        {"faults: [{at: 1s, do: sql, service: store}]\n", "needs 'statement'"},
        {"faults: [{at: 1s, do: kill, service: store, statement: SELECT 1}]\n", "has no meaning"},
        {"expect: {critical_path: store SELECT a FROM u}\n", "no span or statement"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct hx_scenario *s = NULL;
        assert_int_equal(load_store(rows[i].text, &s, &detail), OTEL_ERR_SYNTAX);
        if (strstr(detail.text, rows[i].says) == NULL)
            fail_msg("'%s' does not say '%s'", detail.text, rows[i].says);
        assert_true(detail.line > 6);
    }
}

/* Faults of others do not care how many it has. */
static void test_faults_of_the_collector_want_one_worker(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario *s = NULL;

    (void)state;
    assert_int_equal(load_store("collector_workers: 3\n", &s, &detail), OTEL_OK);
    assert_int_equal(s->collector_workers, 3);
    hx_scenario_free(s);
    s = must_load("  - {at: 2s, do: kill, service: order}\n");
    assert_int_equal(s->collector_workers, 1);
    hx_scenario_free(s);
    assert_int_equal(load_store("faults: [{at: 1s, do: kill, service: store}]\n"
                                "collector_workers: 2\n", &s, &detail), OTEL_OK);
    assert_int_equal(s->collector_workers, 2);
    assert_false(hx_scenario_troubles_collector(s, NULL));
    hx_scenario_free(s);
    assert_int_equal(load_store("faults: [{at: 1s, do: kill, service: store}, {at: 2s,"
                                " do: collector, fault: stall, for: 1s}]\n"
                                "collector_workers: 2\n", &s, &detail), OTEL_ERR_SYNTAX);
    assert_non_null(strstr(detail.text, "one worker"));
    assert_int_equal(detail.line, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_loads),
        cmocka_unit_test(test_resolved_tree_has_the_same_faults),
        cmocka_unit_test(test_the_collector_takes_every_fault_of_its_plans),
        cmocka_unit_test(test_settings_are_taken_over),
        cmocka_unit_test(test_refused_with_place_and_reason),
        cmocka_unit_test(test_one_group_has_one_assignor),
        cmocka_unit_test(test_a_group_changes_its_assignor_by_a_restart_of_all),
        cmocka_unit_test(test_faults_of_the_collector_want_one_worker),
        cmocka_unit_test(test_a_statement_runs_on_the_filled_database),
        cmocka_unit_test(test_statements_that_cannot_be_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
