/* SPDX-License-Identifier: Apache-2.0 */
/* What the reports say in words: a fixture with one thing changed, in the formats that say it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "reports/tests/help.h"
#include "sdk/base/mem.h"

static const struct rep_render_options plain = {.columns = 120};

static json_t *member(json_t *root, const char *object, const char *key)
{
    json_t *row = json_object_get(root, object);

    return key != NULL ? json_object_get(row, key) : row;
}

static void says(const struct rep_model *model, const char *format, const char *text, bool said)
{
    char *out = help_render(model, format, &plain);

    if ((strstr(out, text) != NULL) != said)
        fail_msg("%s %s '%s'", format, said ? "does not say" : "says", text);
    otl_mem_free(out);
}

static void a_percentile_that_is_left_out_is_not_known(void **state)
{
    struct rep_model *model = help_fixture("failed", "runs/x");
    json_t *latency = member(model->root, "load", "latency");

    (void)state;
    says(model, "text", "too few samples", false);
    says(model, "html", "too few samples", false);
    says(model, "markdown", "too few samples", false);
    json_object_del(latency, "p999");
    json_object_del(latency, "p99");
    says(model, "text", "p99 n/a   p99.9 n/a", true);
    says(model, "text", "(n/a: too few samples)", true);
    says(model, "html", "<div class=\"v\">n/a</div><div class=\"n\">too few samples; median", true);
    says(model, "html", "n/a: too few samples, fewer than 10", true);
    says(model, "markdown", "| n/a | n/a |", true);
    rep_model_free(model);
}

/* How often text stands in what is drawn. */
static size_t times_said(const struct rep_model *model, const char *format, const char *text)
{
    char *out = help_render(model, format, &plain);
    size_t times = 0;

    for (const char *at = out; (at = strstr(at, text)) != NULL; at += strlen(text))
        times++;
    otl_mem_free(out);
    return times;
}

static void what_happens_to_all_replicas_at_once_is_said_once(void **state)
{
    struct rep_model *model = help_fixture("failed", "runs/x");
    json_t *events = json_array();

    (void)state;
    for (int i = 0; i < 4; i++) /* the last one on its own */
        json_array_append_new(events, json_pack("{s:f, s:s, s:s, s:s}", "at_s",
                                                i < 3 ? 4 + i * 1e-5 : 9.0, "what", "restart",
                                                "target", "shop-0", "text", "restart all 3 shop"));
    json_object_set_new(model->root, "events", events);
    assert_int_equal(times_said(model, "text", "restart all 3 shop"), 2);
    assert_int_equal(times_said(model, "markdown", "restart all 3 shop"), 2);
    rep_model_free(model);
}

static void the_generator_limit_has_its_reason(void **state)
{
    struct rep_model *model = help_fixture("failed", "runs/x");
    json_t *load = member(model->root, "load", NULL);
    const char *why = "lateness: 2 ms, limit 1 ms";

    (void)state;
    json_object_set_new(load, "generator_limited", json_true());
    json_object_set_new(load, "generator_limited_by", json_string(why));
    says(model, "text", why, true);
    says(model, "html", why, true);
    says(model, "markdown", why, true);
    rep_model_free(model);
}

static void what_is_only_claimed_has_no_reason_on_record(void **state)
{
    struct rep_model *model = help_fixture("failed", "runs/x");
    json_t *spans = member(model->root, "spans", NULL);
    json_int_t total = json_integer_value(json_object_get(spans, "lost_total"));

    (void)state;
    assert_true(total > 1);
    says(model, "html", "for a reason on record", true);
    json_object_set_new(spans, "lost",
                        json_pack("{s:i, s:I}", "queue_full", 1, "counted_only", total - 1));
    says(model, "html", "of them claimed, not named", true);
    says(model, "html", "for a reason on record", false);
    json_object_set_new(spans, "lost", json_pack("{s:I}", "counted_only", total));
    says(model, "html", "<div class=\"n\">claimed, not named</div>", true);
    says(model, "html", "the reason is on record", false);
    says(model, "text", "lost: claimed, not named", true);
    says(model, "markdown", "lost: claimed, not named", true);
    rep_model_free(model);
}

static void what_was_refused_by_number_is_told_apart(void **state)
{
    struct rep_model *model = help_fixture("failed", "runs/x");
    json_t *spans = member(model->root, "spans", NULL);

    (void)state;
    says(model, "html", "reported lost by count", false);
    says(model, "text", "reported lost by count", false);
    json_object_set_new(spans, "delivered_reported_lost_counted", json_integer(27));
    says(model, "text", "27 delivered, reported lost by count", true);
    says(model, "html", "delivered, reported lost by count", true);
    says(model, "markdown", "| delivered, reported lost by count | 27 |", true);
    rep_model_free(model);
}

static void evidence_names_the_instance_once(void **state)
{
    struct rep_model *model = help_fixture("failed", "runs/x");
    json_t *checks = member(model->root, "checks", NULL), *row;
    size_t i;

    (void)state;
    json_array_foreach(checks, i, row) {
        json_object_set_new(row, "verdict", json_string("fail"));
        json_object_set_new(row, "evidence", json_pack("[{s:s, s:s}]", "text",
                                                       "mid-0: the SDK counts 14", "service",
                                                       "mid-0"));
    }
    says(model, "text", "mid-0: the SDK counts 14\n", true);
    says(model, "text", "; mid-0", false);
    says(model, "html", "<span class=\"id\">mid-0</span>", false);
    rep_model_free(model);
}

static void names_of_instances_are_not_broken(void **state)
{
    struct rep_model *model = help_fixture("failed", "runs/x");

    (void)state;
    says(model, "html", "<td class=\"name\">gateway-0</td>", true);
    rep_model_free(model);
}

/* Beside the figures, and with the machine; a run without such a stretch says nothing of it. */
static void a_load_client_that_was_not_run_is_told(void **state)
{
    struct rep_model *model = help_fixture("failed", "runs/x");
    json_t *load = member(model->root, "load", NULL);

    (void)state;
    says(model, "html", "stood still", false);
    json_object_set_new(load, "pauses", json_pack("{s:i, s:i, s:i}", "count", 0, "longest_ns", 0,
                                                  "total_ns", 0));
    says(model, "html", "stood still", false);
    says(model, "text", "was not run", false);
    json_object_set_new(load, "pauses",
                        json_pack("{s:i, s:i, s:i, s:f}", "count", 1, "longest_ns", 640000000,
                                  "total_ns", 640000000, "longest_at_s", 12.3));
    says(model, "text", "was not run 1 time for more than 100 ms, 640 ms at 12.3 s", true);
    says(model, "markdown", "**Stood still**: the load client was not run 1 time", true);
    assert_int_equal(times_said(model, "html", "640 ms at 12.3 s"), 2);
    rep_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_percentile_that_is_left_out_is_not_known),
        cmocka_unit_test(what_happens_to_all_replicas_at_once_is_said_once),
        cmocka_unit_test(the_generator_limit_has_its_reason),
        cmocka_unit_test(what_is_only_claimed_has_no_reason_on_record),
        cmocka_unit_test(what_was_refused_by_number_is_told_apart),
        cmocka_unit_test(evidence_names_the_instance_once),
        cmocka_unit_test(a_load_client_that_was_not_run_is_told),
        cmocka_unit_test(names_of_instances_are_not_broken),
    };

    return cmocka_run_group_tests_name("say", tests, NULL, NULL);
}
