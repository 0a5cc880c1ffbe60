/* SPDX-License-Identifier: Apache-2.0 */
/* What went wrong is kept, however long its text is; and for whom the collector is waited. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "harness/topology/parts.h"
#include "sdk/base/text.h"

static struct hx_run run; /* too large for the stack */
static struct hx_child child = {.name = "pay-0"};

static int setup(void **state)
{
    (void)state;
    memset(&run, 0, sizeof(run));
    run.incidents = json_array();
    run.events = json_array();
    return run.incidents != NULL && run.events != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    json_decref(run.incidents);
    json_decref(run.events);
    return 0;
}

/* Lead bytes, then characters of three, beyond what any buffer holds: one of three such texts at
 * least is cut inside a character. */
static const char *long_text(size_t lead)
{
    static char text[2000];

    memset(text, 'x', lead);
    for (size_t at = lead; at + 3 < sizeof(text); at += 3) {
        memcpy(text + at, "\xe2\x82\xac", 3);
        text[at + 3] = '\0';
    }
    return text;
}

static void a_long_incident_is_kept(void **state)
{
    (void)state;
    for (size_t lead = 0; lead < 3; lead++)
        hx_run_incident(&run, "died", &child, "%s", long_text(lead));
    assert_int_equal(json_array_size(run.incidents), 3);
    assert_string_equal(run.fault, "");
}

/* A run of which something went wrong that cannot be told has no verdict. */
static void an_incident_that_cannot_be_kept_is_a_fault(void **state)
{
    (void)state;
    json_decref(run.incidents);
    run.incidents = NULL;
    hx_run_incident(&run, "died", &child, "pay-0 died");
    assert_string_equal(run.fault, "no memory to keep what went wrong: pay-0 died");
}

static void a_long_fault_is_cut_between_characters(void **state)
{
    (void)state;
    for (size_t lead = 0; lead < 3; lead++) {
        run.fault[0] = '\0';
        hx_run_environment(&run, "%s", long_text(lead));
        assert_true(strlen(run.fault) > 600);
        assert_true(otl_utf8_valid(run.fault, strlen(run.fault)));
    }
}

static void a_long_event_is_kept(void **state)
{
    (void)state;
    for (size_t lead = 0; lead < 3; lead++) {
        size_t event = hx_run_event(&run, "sql", "pay-0", "%s", long_text(lead));
        const char *text;
        assert_int_equal(event, lead);
        hx_run_event_add(&run, event, "and %s", long_text(lead));
        text = json_string_value(json_object_get(json_array_get(run.events, event), "text"));
        assert_non_null(text);
        assert_non_null(strstr(text, "; and "));
    }
}

static void a_run_in_a_hurry_does_not_wait_for_the_last_figures(void **state)
{
    (void)state;
    assert_int_equal(hx_run_last_metrics_millis(&run), 15000);
    run.options.patience_ns = 120 * OTL_NS_PER_S;
    assert_int_equal(hx_run_last_metrics_millis(&run), 15000);
    run.interrupted = true;
    assert_int_equal(hx_run_last_metrics_millis(&run), 500);
    run.interrupted = false;
    run.hurry = true;
    assert_int_equal(hx_run_last_metrics_millis(&run), 500);
    run.hurry = false;
    run.options.patience_ns = 6 * OTL_NS_PER_S;
    assert_int_equal(hx_run_last_metrics_millis(&run), 500);
    run.options.patience_ns = 0;
    assert_int_equal(hx_run_last_metrics_millis(&run), 15000);
}

static void the_second_interrupt_is_in_a_hurry(void **state)
{
    (void)state;
    run.options.quiet = true;
    run.fleet.interrupts = 1;
    hx_run_interrupt(&run);
    assert_true(run.interrupted);
    assert_false(run.hurry);
    run.fleet.interrupts = 2;
    hx_run_interrupt(&run);
    assert_true(run.hurry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_long_incident_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(an_incident_that_cannot_be_kept_is_a_fault, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_long_fault_is_cut_between_characters, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_event_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(the_second_interrupt_is_in_a_hurry, setup, teardown),
        cmocka_unit_test_setup_teardown(a_run_in_a_hurry_does_not_wait_for_the_last_figures, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("incident", tests, NULL, NULL);
}
