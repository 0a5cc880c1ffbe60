/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings that are missing or cut off are no verdict against the fleet, nor a pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/verify/tests/world.h"
#include "harness/verify/verify.h"

static json_t *judge(struct world *w)
{
    struct hx_verify_options options = {.dir = w->dir, .scenario = &w->scenario};
    struct otl_detail detail = OTL_DETAIL_NONE;
    json_t *result = NULL;

    if (hx_verify_run(&options, &result, &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
    world_fini(w);
    return result;
}

static const char *text_of(const json_t *result, const char *id, const char *key)
{
    const json_t *check;
    const char *text;
    size_t i;

    json_array_foreach(json_object_get(result, "checks"), i, check) {
        if (strcmp(json_string_value(json_object_get(check, "id")), id) != 0)
            continue;
        text = json_string_value(json_object_get(check, key));
        return text != NULL ? text : "";
    }
    return "";
}

static void expect_inconclusive(const json_t *result, const char *const *ids)
{
    const json_t *check;
    size_t i;

    json_array_foreach(json_object_get(result, "checks"), i, check)
        if (strcmp(json_string_value(json_object_get(check, "verdict")), "fail") == 0)
            fail_msg("%s", json_dumps(check, 0));
    assert_string_equal(json_string_value(json_object_get(result, "verdict")), "inconclusive");
    for (; *ids != NULL; ids++)
        if (strcmp(text_of(result, *ids, "verdict"), "inconclusive") != 0)
            fail_msg("%s is '%s'", *ids, text_of(result, *ids, "verdict"));
}

static void start(struct world *w)
{
    world_init(w, &(struct w_options){.requests = 20});
    world_write(w);
}

static void remove_file(const struct world *w, const char *name)
{
    char path[300];

    snprintf(path, sizeof path, "%s/%s", w->dir, name);
    assert_int_equal(unlink(path), 0);
}

static void a_missing_tap_is_no_loss(void **state)
{
    static const char *const ids[] = {"not_empty", "tap", "lost_unexplained", "lost_after_ack",
                                      "pipeline", NULL};
    struct world w;
    json_t *result;

    (void)state;
    start(&w);
    remove_file(&w, "spans/tap.bin");
    result = judge(&w);
    expect_inconclusive(result, ids);
    assert_string_equal(text_of(result, "tap", "reason"), "there is no tap");
    assert_string_equal(text_of(result, "lost_after_ack", "reason"), "there is no tap");
    json_decref(result);
}

static void a_tap_that_is_cut_off_is_no_loss(void **state)
{
    static const char *const ids[] = {"tap", "lost_after_ack", "pipeline", NULL};
    struct world w;
    struct stat info;
    json_t *result;
    char path[300];

    (void)state;
    start(&w);
    snprintf(path, sizeof path, "%s/spans/tap.bin", w.dir);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, info.st_size * 2 / 3), 0);
    result = judge(&w);
    expect_inconclusive(result, ids);
    json_decref(result);
}

static void a_missing_ledger_is_named(void **state)
{
    static const struct {
        const char *file, *who;
    } cases[] = {{"ledger/gateway-0.0.0000.led", "there is no ledger of gateway-0"},
                 {"ledger/order-0.0.0000.led", "there is no ledger of order-0"},
                 {"ledger/projector-0.0.0000.led", "there is no ledger of projector-0"},
                 {"ledger/load-0.0.0000.led", "there is no ledger of the load client"}};
    static const char *const ids[] = {"ledger", "clean_stop", "lost_unexplained", "content", NULL};
    struct world w;
    json_t *result;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start(&w);
        remove_file(&w, cases[i].file);
        result = judge(&w);
        expect_inconclusive(result, ids);
        assert_string_equal(text_of(result, "ledger", "reason"), cases[i].who);
        json_decref(result);
    }
}

static void claimed_edges_are_not_refuted_by_a_missing_ledger(void **state)
{
    static const char *const ids[] = {"ledger", NULL};
    struct hx_edge_claim edge = {"gateway POST /checkout -> order POST /orders", OP_CHECKOUT,
                                 OP_ORDERS};
    struct world w;
    json_t *result;

    (void)state;
    start(&w);
    w.scenario.claims.required = &edge;
    w.scenario.claims.required_count = 1;
    remove_file(&w, "ledger/order-0.0.0000.led");
    result = judge(&w);
    expect_inconclusive(result, ids);
    json_decref(result);
}

/* ---- no span at all ------------------------------------------------------------------------- */

/* A world whose fleet is not traced: requests, and no span. */
static void start_untraced(struct world *w)
{
    world_init(w, &(struct w_options){.requests = 20});
    for (int i = 0; i < W_SERVICES; i++)
        w->services[i].tracing.enabled = false;
    for (size_t i = 0; i < w->span_count; i++)
        w->spans[i].wire.gone = true;
    for (size_t i = 0; i < w->send_count; i++)
        w->sends[i].traceparent[0] = '\0';
    for (size_t i = 0; i < w->entry_count; i++)
        w->entries[i].traceparent[0] = '\0';
    for (size_t i = 0; i < w->request_count; i++)
        w->requests[i].times = 0;
    world_write(w);
}

static void without_spans_there_is_neither_a_pass_nor_a_verdict(void **state)
{
    static const char *const ids[] = {"not_empty", NULL};
    struct world w;
    json_t *result;

    (void)state;
    start_untraced(&w);
    result = judge(&w);
    expect_inconclusive(result, ids);
    json_decref(result);
}

static void without_spans_other_claims_are_judged(void **state)
{
    static const char *const claimed[] = {"calls", "clean_stop"};
    struct world w;
    json_t *result;

    (void)state;
    start_untraced(&w);
    w.scenario.claims.checks = claimed;
    w.scenario.claims.check_count = 2;
    result = judge(&w);
    assert_string_equal(json_string_value(json_object_get(result, "verdict")), "pass");
    json_decref(result);
}

/* ---- broken players that do not err ---------------------------------------------------------- */

static const char *verdict_of_player(uint64_t errors, bool killed)
{
    static char verdict[32];
    struct world w;
    json_t *result;

    world_init(&w, &(struct w_options){.requests = 20});
    w.services[W_ORDER].broken.alter_every = 100000;
    w.closes[W_ORDER].player_errors = errors;
    w.killed[W_ORDER] = killed;
    world_write(&w);
    result = judge(&w);
    snprintf(verdict, sizeof verdict, "%s", text_of(result, "player_erred", "verdict"));
    json_decref(result);
    return verdict;
}

static void a_broken_player_must_err(void **state)
{
    (void)state;
    assert_string_equal(verdict_of_player(0, false), "fail");
    assert_string_equal(verdict_of_player(3, false), "pass");
    assert_string_equal(verdict_of_player(0, true), "inconclusive");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_tap_is_no_loss),
        cmocka_unit_test(a_tap_that_is_cut_off_is_no_loss),
        cmocka_unit_test(a_missing_ledger_is_named),
        cmocka_unit_test(claimed_edges_are_not_refuted_by_a_missing_ledger),
        cmocka_unit_test(without_spans_there_is_neither_a_pass_nor_a_verdict),
        cmocka_unit_test(without_spans_other_claims_are_judged),
        cmocka_unit_test(a_broken_player_must_err),
    };

    return cmocka_run_group_tests_name("recordings", tests, NULL, NULL);
}
