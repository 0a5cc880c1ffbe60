/* SPDX-License-Identifier: Apache-2.0 */
/* W3C Trace Context level 2, in the order of the specification's own scenarios. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <otel/propagators.h>
#include <otel/trace_state.h>

#include "sdk/propagation/tests/carrier.h"
#include "sdk/propagation/traceparent.h"
#include "sdk/tests/every_nth.h"
#include "sdk/tests/heap.h"

#define GOOD "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define IDS "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"

/* What a relay sends on when it received these headers (context left as it came: no span). */
static struct header_list *relay(const struct header_list *in)
{
    static struct header_list out;
    struct otel_propagator *w3c = otel_propagator_tracecontext();
    struct otel_context *context =
        otel_propagator_extract(w3c, otel_context_root(), in, &header_getter);

    out.count = 0;
    otel_propagator_inject(w3c, context, &out, &header_setter);
    otel_context_unref(context);
    return &out;
}

static const char *relay_parent(const char *traceparent)
{
    struct header_list in = {.count = 0};

    header_add(&in, "traceparent", traceparent);
    return header_value(relay(&in), "traceparent");
}

static const char *relay_state(const char *first, const char *second)
{
    static struct header_list in;
    struct header_list *out;

    in.count = 0;
    header_add(&in, "traceparent", GOOD);
    header_add(&in, "tracestate", first);
    if (second != NULL)
        header_add(&in, "tracestate", second);
    out = relay(&in);
    assert_string_equal(header_value(out, "traceparent"), GOOD); /* whatever tracestate is */
    return header_value(out, "tracestate");
}

static void a_valid_traceparent_is_passed_on(void **state)
{
    (void)state;
    assert_string_equal(relay_parent(GOOD), GOOD);
    assert_string_equal(relay_parent(" \t" GOOD "\t "), GOOD);
    assert_string_equal(relay_parent("cc-" IDS "-01"), GOOD);
    assert_string_equal(relay_parent("cc-" IDS "-01-what-the-future-brings"), GOOD);
    assert_string_equal(relay_parent("cc-" IDS "-01-"), GOOD);
    assert_string_equal(relay_parent("fe-" IDS "-01"), GOOD);
}

static void an_invalid_traceparent_restarts_the_trace(void **state)
{
    static const char *const cases[] = {
        "",
        "00",
        "ff-" IDS "-01",
        "0-" IDS "-01",
        "000-" IDS "-01",
        "0x-" IDS "-01",
        "CC-" IDS "-01",
        "00-" IDS "-01-",
        "00-" IDS "-01.",
        "00-" IDS "-01-extra",
        "cc-" IDS "-01.what",
        "cc-" IDS "-0",
        "00-" IDS "-1",
        "00-" IDS "-0x",
        "00-" IDS "-0A",
        "00-" IDS,
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067aa0ba902b7-01",
        "00-.bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e47361-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b70-01",
        "00 -" IDS "-01",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (relay_parent(cases[i])[0] != '\0')
            fail_msg("accepted: %s", cases[i]);
}

static void only_known_flags_are_passed_on(void **state)
{
    (void)state;
    assert_string_equal(relay_parent("00-" IDS "-00"), "00-" IDS "-00");
    assert_string_equal(relay_parent("00-" IDS "-02"), "00-" IDS "-02");
    assert_string_equal(relay_parent("00-" IDS "-03"), "00-" IDS "-03");
    assert_string_equal(relay_parent("00-" IDS "-ff"), "00-" IDS "-03");
    assert_string_equal(relay_parent("00-" IDS "-fc"), "00-" IDS "-00");
    assert_string_equal(relay_parent("cc-" IDS "-f5"), "00-" IDS "-01");
}

static void two_traceparents_are_invalid(void **state)
{
    struct header_list in = {.count = 0};
    struct otel_text_map_getter first_only = header_getter;
    struct otel_context *context;

    (void)state;
    header_add(&in, "TraceParent", GOOD);
    header_add(&in, "traceparent", GOOD);
    header_add(&in, "tracestate", "a=1");
    assert_int_equal(relay(&in)->count, 0);
    first_only.get_all = NULL; /* a carrier that cannot tell */
    context = otel_propagator_extract(otel_propagator_tracecontext(), NULL, &in, &first_only);
    assert_true(otel_span_context_is_valid(otel_context_span_context(context)));
    otel_context_unref(context);
}

static void the_extracted_span_context_is_remote(void **state)
{
    struct header_list in = {.count = 0};
    struct otel_context *context;

    (void)state;
    header_add(&in, "TRACEPARENT", GOOD);
    context = otel_propagator_extract(otel_propagator_tracecontext(), NULL, &in, &header_getter);
    assert_true(otel_context_span_context(context)->is_remote);
    assert_int_equal(otel_context_span_context(context)->flags, OTEL_FLAG_SAMPLED);
    otel_context_unref(context);
}

static void garbage_never_changes_the_context(void **state)
{
    struct header_list good = {.count = 0}, bad = {.count = 0};
    struct otel_propagator *w3c = otel_propagator_w3c();
    struct otel_context *context, *after;

    (void)state;
    header_add(&good, "traceparent", GOOD);
    header_add(&good, "baggage", "a=1");
    context = otel_propagator_extract(w3c, NULL, &good, &header_getter);
    header_add(&bad, "traceparent", "00-" IDS "-0g");
    header_add(&bad, "tracestate", "a=1");
    header_add(&bad, "baggage", "no equals sign,=,;");
    after = otel_propagator_extract(w3c, context, &bad, &header_getter);
    assert_ptr_equal(after, context);
    otel_context_unref(after);
    otel_context_unref(context);
}

static void tracestate_without_traceparent_is_ignored(void **state)
{
    struct header_list in = {.count = 0};

    (void)state;
    header_add(&in, "tracestate", "a=1");
    assert_int_equal(relay(&in)->count, 0);
}

static void tracestate_is_passed_on_in_its_order(void **state)
{
    (void)state;
    assert_string_equal(relay_state("foo=1,bar=2", NULL), "foo=1,bar=2");
    assert_string_equal(relay_state("foo=1", "bar=2"), "foo=1,bar=2");
    assert_string_equal(relay_state("foo=1", ""), "foo=1");
    assert_string_equal(relay_state("", "bar=2"), "bar=2");
    assert_string_equal(relay_state("foo=1 \t , \t bar=2, \t baz=3", NULL), "foo=1,bar=2,baz=3");
    assert_string_equal(relay_state("foo=1,", ",,bar=2"), "foo=1,bar=2");
    assert_string_equal(relay_state("foo= lead", NULL), "foo= lead"); /* blank is part of it */
    assert_string_equal(relay_state("", NULL), "");
}

static void tracestate_keys_follow_level_2(void **state)
{
    static const char *const good[] = {"foo@=1", "foo@@bar=1", "0a=1", "a_-*/@=1", "a@b@c=1"};
    static const char *const bad[] = {"@foo=1", "Foo=1", "foo =1", "_a=1", "=1", "fo\xc3\xb6=1",
                                      "foo"};
    char text[700];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_string_equal(relay_state(good[i], NULL), good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_string_equal(relay_state(bad[i], NULL), "");
    assert_string_equal(relay_state("ok=1,Bad=2", NULL), ""); /* one bad member: all go */
    memset(text, 'z', 256);
    memcpy(text + 256, "=1", 3);
    assert_string_equal(relay_state(text, NULL), text);
    memset(text, 'z', 257);
    memcpy(text + 257, "=1", 3);
    assert_string_equal(relay_state(text, NULL), "");
}

static void tracestate_values_are_printable(void **state)
{
    static const char *const bad[] = {"foo=", "foo=a=b", "foo=a\tb", "foo=\x7f", "foo=\xc3\xb6"};
    char text[700] = "foo=";

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_string_equal(relay_state(bad[i], NULL), "");
    memset(text + 4, '~', 256);
    text[260] = '\0';
    assert_string_equal(relay_state(text, NULL), text);
    text[260] = '~';
    text[261] = '\0';
    assert_string_equal(relay_state(text, NULL), "");
}

static void of_duplicate_tracestate_keys_one_is_kept(void **state)
{
    (void)state;
    assert_string_equal(relay_state("foo=1,foo=2", NULL), "foo=1");
    assert_string_equal(relay_state("foo=1,bar=2", "foo=3"), "foo=1,bar=2");
}

static void tracestate_holds_32_members_and_512_bytes(void **state)
{
    char text[1000] = "";
    size_t len = 0;

    (void)state;
    for (int i = 0; i < 32; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%sbar%02d=%02d%013d",
                                i ? "," : "", i, i, 0);
    assert_true(len > 512);
    assert_string_equal(relay_state(text, NULL), text);
    assert_string_equal(relay_state(text, "bar32=32"), "");
}

static void inject_writes_nothing_without_a_span(void **state)
{
    struct header_list out = {.count = 0};

    (void)state;
    otel_propagator_inject(otel_propagator_w3c(), otel_context_root(), &out, &header_setter);
    assert_int_equal(out.count, 0);
}

static void count_field(void *arg, struct otel_str text)
{
    assert_true(text.len > 0);
    ++*(int *)arg;
}

static void fields_name_all_that_inject_may_set(void **state)
{
    int count = 0;

    (void)state;
    otel_propagator_fields(otel_propagator_w3c(), count_field, &count);
    assert_int_equal(count, 3);
}

/* What comes out is never half of something. Baggage has a test of its own. */
static enum otel_err read_and_write(void *arg)
{
    static struct header_list in, out;
    struct otel_propagator *w3c = otel_propagator_w3c();
    struct otel_context *context;

    (void)arg;
    in.count = out.count = 0;
    header_add(&in, "traceparent", GOOD);
    header_add(&in, "tracestate", "a=1,b=2");
    header_add(&in, "tracestate", "c=3");
    header_add(&in, "baggage", "k=v,user=al%20ice;ttl=5");
    context = otel_propagator_extract(w3c, otel_context_root(), &in, &header_getter);
    assert_non_null(context);
    otel_propagator_inject(w3c, context, &out, &header_setter);
    otel_context_unref(context);
    for (size_t i = 0; i < out.count; i++) {
        if (strcmp(out.items[i].name, "traceparent") == 0)
            assert_string_equal(out.items[i].value, GOOD);
        if (strcmp(out.items[i].name, "tracestate") == 0)
            assert_string_equal(out.items[i].value, "a=1,b=2,c=3");
    }
    return out.count == 3 ? OTEL_OK : OTEL_ERR_MEMORY;
}

static void when_allocations_fail_nothing_is_left_behind_and_nothing_is_half(void **state)
{
    struct every_nth test = {.live = read_and_write, .most = 100};

    (void)state;
    every_nth(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_valid_traceparent_is_passed_on),
        cmocka_unit_test(an_invalid_traceparent_restarts_the_trace),
        cmocka_unit_test(only_known_flags_are_passed_on),
        cmocka_unit_test(two_traceparents_are_invalid),
        cmocka_unit_test(the_extracted_span_context_is_remote),
        cmocka_unit_test(garbage_never_changes_the_context),
        cmocka_unit_test(tracestate_without_traceparent_is_ignored),
        cmocka_unit_test(tracestate_is_passed_on_in_its_order),
        cmocka_unit_test(tracestate_keys_follow_level_2),
        cmocka_unit_test(tracestate_values_are_printable),
        cmocka_unit_test(of_duplicate_tracestate_keys_one_is_kept),
        cmocka_unit_test(tracestate_holds_32_members_and_512_bytes),
        cmocka_unit_test(inject_writes_nothing_without_a_span),
        cmocka_unit_test(fields_name_all_that_inject_may_set),
        cmocka_unit_test(when_allocations_fail_nothing_is_left_behind_and_nothing_is_half),
    };

    heap_install();
    return cmocka_run_group_tests_name("tracecontext", tests, NULL, NULL);
}
