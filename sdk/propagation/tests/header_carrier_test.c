/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of headers as carriers: how HTTP reads and writes names, and how Kafka does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <otel/header_carrier.h>
#include <otel/propagators.h>
#include <otel/vendor_propagators.h>

#include "sdk/base/mem.h"

#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define OTHER "00-11111111111111111111111111111111-2222222222222222-01"

static struct otel_header header(const char *name, const char *value)
{
    struct otel_header made = {otel_str(name), otel_str(value)};

    return made;
}

/* Is there a span context in these headers? */
static bool finds(const struct otel_text_map_getter *getter, const struct otel_header *items,
                  size_t count)
{
    struct otel_header_view view = {items, count};
    struct otel_context *context =
        otel_propagator_extract(otel_propagator_w3c(), otel_context_root(), &view, getter);
    bool found = otel_span_context_is_valid(otel_context_span_context(context));

    otel_context_unref(context);
    return found;
}

static void http_names_have_no_case_and_kafkas_have(void **state)
{
    static const char *const names[] = {"traceparent", "Traceparent", "TRACEPARENT"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct otel_header one = header(names[i], PARENT);
        assert_true(finds(otel_http_header_getter(), &one, 1));
        assert_int_equal(finds(otel_kafka_header_getter(), &one, 1), i == 0);
    }
}

/* Only letters have a case: '@' and '`' differ by the same bit. */
static void other_bytes_are_not_taken_for_letters(void **state)
{
    const struct otel_header items[] = {header("x-\x60", "grave"), header("x-@", "at")};
    struct otel_header_view view = {items, 2};
    struct otel_str value;

    (void)state;
    assert_true(otel_http_header_getter()->get(&view, otel_str("X-@"), &value));
    assert_true(otel_str_equal(value, otel_str("at")));
    assert_false(otel_http_header_getter()->get(&view, otel_str("x-"), &value));
}

static void http_values_have_no_blanks_around_them_and_kafkas_have(void **state)
{
    struct otel_header one = header("traceparent", " \t" PARENT "\t ");
    struct otel_header_view view = {&one, 1};
    struct otel_str value;

    (void)state;
    assert_true(otel_http_header_getter()->get(&view, otel_str("traceparent"), &value));
    assert_true(otel_str_equal(value, otel_str(PARENT)));
    assert_true(otel_kafka_header_getter()->get(&view, otel_str("traceparent"), &value));
    assert_int_equal(value.len, strlen(PARENT) + 4);
    one = header("traceparent", "  ");
    assert_true(otel_http_header_getter()->get(&view, otel_str("traceparent"), &value));
    assert_int_equal(value.len, 0);
}

struct collected {
    unsigned count;
    char text[256];
};

static void collect(void *arg, struct otel_str text)
{
    struct collected *all = arg;
    size_t len = strlen(all->text);

    assert_non_null(text.data);
    all->count++;
    snprintf(all->text + len, sizeof(all->text) - len, "%.*s;", (int)text.len, text.data);
}

static void every_value_of_a_name_is_given_in_order(void **state)
{
    const struct otel_header items[] = {header("tracestate", "a=1"), header("x", "y"),
                                        header("TraceState", "b=2"), header("tracestate", NULL)};
    struct otel_header_view view = {items, 4};
    struct collected http = {0, ""}, kafka = {0, ""}, keys = {0, ""};

    (void)state;
    otel_http_header_getter()->get_all(&view, otel_str("TRACESTATE"), collect, &http);
    assert_string_equal(http.text, "a=1;b=2;;");
    otel_kafka_header_getter()->get_all(&view, otel_str("tracestate"), collect, &kafka);
    assert_string_equal(kafka.text, "a=1;;"); /* a value that is NULL reads as empty */
    otel_http_header_getter()->keys(&view, collect, &keys);
    assert_string_equal(keys.text, "tracestate;x;TraceState;tracestate;");
}

static void of_two_traceparents_none_counts(void **state)
{
    struct otel_header items[] = {header("traceparent", PARENT), header("Traceparent", OTHER)};

    (void)state;
    assert_false(finds(otel_http_header_getter(), items, 2));
    assert_true(finds(otel_kafka_header_getter(), items, 2)); /* another name there */
    items[1] = header("traceparent", NULL);
    assert_false(finds(otel_kafka_header_getter(), items, 2));
}

/* "NAME=VALUE;" of all in the list. */
static const char *shown(const struct otel_headers *list, char out[512])
{
    const struct otel_header_view *view = otel_headers_view(list);
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < view->count; i++)
        len += (size_t)snprintf(out + len, 512 - len, "%.*s=%.*s;", (int)view->items[i].name.len,
                                view->items[i].name.data, (int)view->items[i].value.len,
                                view->items[i].value.len ? view->items[i].value.data : "");
    return out;
}

static struct otel_headers *a_list(void)
{
    struct otel_headers *list = NULL;

    assert_int_equal(otel_headers_new(&list), OTEL_OK);
    assert_int_equal(otel_headers_add(list, otel_str("A"), otel_str("1")), OTEL_OK);
    assert_int_equal(otel_headers_add(list, otel_str("b"), otel_str("2")), OTEL_OK);
    assert_int_equal(otel_headers_add(list, otel_str("a"), otel_str("3")), OTEL_OK);
    return list;
}

static void set_replaces_all_of_a_name(void **state)
{
    struct otel_headers *http = a_list(), *kafka = a_list();
    char text[512];

    (void)state;
    otel_http_header_setter()->set(http, otel_str("a"), otel_str("new"));
    assert_string_equal(shown(http, text), "b=2;a=new;");
    otel_kafka_header_setter()->set(kafka, otel_str("a"), otel_str("new"));
    assert_string_equal(shown(kafka, text), "A=1;b=2;a=new;");
    otel_headers_free(http);
    otel_headers_free(kafka);
}

static void what_was_injected_is_extracted(void **state)
{
    struct otel_header arrived[] = {header("traceparent", PARENT), header("tracestate", "a=1"),
                                    header("baggage", "k=v")};
    struct otel_header_view view = {arrived, 3};
    struct otel_headers *list = NULL;
    struct otel_context *context = otel_propagator_extract(
        otel_propagator_w3c(), otel_context_root(), &view, otel_http_header_getter());
    char text[512];

    (void)state;
    assert_int_equal(otel_headers_new(&list), OTEL_OK);
    assert_int_equal(otel_headers_add(list, otel_str("Traceparent"), otel_str(OTHER)), OTEL_OK);
    otel_propagator_inject(otel_propagator_w3c(), context, list, otel_http_header_setter());
    assert_string_equal(shown(list, text),
                        "traceparent=" PARENT ";tracestate=a=1;baggage=k=v;");
    assert_int_equal(otel_headers_left_out(list), 0);
    otel_headers_free(list);
    otel_context_unref(context);
}

static void http_headers_cannot_be_broken_open(void **state)
{
    static const char *const names[] = {"", "a b", "a:", "a\r\nb", "a\x80", "\x7f"};
    static const char *const values[] = {"x\r\nInjected: y", "x\n", "\x7f", "\x01"};
    struct otel_headers *list = NULL;

    (void)state;
    assert_int_equal(otel_headers_new(&list), OTEL_OK);
    for (size_t i = 0; i < 6; i++)
        otel_http_header_setter()->set(list, otel_str(names[i]), otel_str("v"));
    for (size_t i = 0; i < 4; i++)
        otel_http_header_setter()->set(list, otel_str("n"), otel_str(values[i]));
    otel_http_header_setter()->set(list, otel_str("n"), otel_strn("a\0b", 3));
    assert_int_equal(otel_headers_view(list)->count, 0);
    assert_int_equal(otel_headers_left_out(list), 11);
    otel_http_header_setter()->set(list, otel_str("n"), otel_str("a\tb \xc3\xa9"));
    assert_int_equal(otel_headers_view(list)->count, 1);
    otel_kafka_header_setter()->set(list, otel_str("n 2"), otel_strn("a\0b", 3)); /* just bytes */
    assert_int_equal(otel_headers_view(list)->items[1].value.len, 3);
    otel_headers_free(list);
}

static void a_list_has_limits_and_counts_what_it_leaves_out(void **state)
{
    static char large[70000];
    struct otel_headers *list = NULL;

    (void)state;
    memset(large, 'x', sizeof(large));
    assert_int_equal(otel_headers_new(&list), OTEL_OK);
    assert_int_equal(otel_headers_add(list, otel_str("n"), otel_strn(large, sizeof(large))),
                     OTEL_ERR_LIMIT);
    assert_int_equal(otel_headers_add(list, otel_str("n"), otel_strn(large, 65535)), OTEL_OK);
    assert_int_equal(otel_headers_add(list, otel_str("n"), otel_str("")), OTEL_ERR_LIMIT);
    otel_http_header_setter()->set(list, otel_str("N"), otel_str("v")); /* the room comes back */
    for (int i = 1; i < 256; i++)
        assert_int_equal(otel_headers_add(list, otel_str("n"), otel_strn(NULL, 0)), OTEL_OK);
    assert_int_equal(otel_headers_add(list, otel_str("n"), otel_str("")), OTEL_ERR_LIMIT);
    assert_int_equal(otel_headers_view(list)->count, 256);
    assert_null(otel_headers_view(list)->items[255].value.data);
    assert_int_equal(otel_headers_left_out(list), 3);
    otel_headers_free(list);
    otel_headers_free(NULL);
}

static void failing_allocation_leaves_out_whole_headers(void **state)
{
    struct otel_headers *list = NULL;

    (void)state;
    otl_mem_fail_at(1);
    assert_int_equal(otel_headers_new(&list), OTEL_ERR_MEMORY);
    otl_mem_fail_at(0);
    assert_null(list);
    assert_int_equal(otel_headers_new(&list), OTEL_OK);
    assert_int_equal(otel_headers_add(list, otel_str("n"), otel_str("old")), OTEL_OK);
    otl_mem_fail_at(1);
    otel_http_header_setter()->set(list, otel_str("n"), otel_str("v"));
    otl_mem_fail_at(0);
    assert_int_equal(otel_headers_view(list)->count, 0); /* nobody reads the old one as ours */
    assert_int_equal(otel_headers_left_out(list), 1);
    otel_headers_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_names_have_no_case_and_kafkas_have),
        cmocka_unit_test(other_bytes_are_not_taken_for_letters),
        cmocka_unit_test(http_values_have_no_blanks_around_them_and_kafkas_have),
        cmocka_unit_test(every_value_of_a_name_is_given_in_order),
        cmocka_unit_test(of_two_traceparents_none_counts),
        cmocka_unit_test(set_replaces_all_of_a_name),
        cmocka_unit_test(what_was_injected_is_extracted),
        cmocka_unit_test(http_headers_cannot_be_broken_open),
        cmocka_unit_test(a_list_has_limits_and_counts_what_it_leaves_out),
        cmocka_unit_test(failing_allocation_leaves_out_whole_headers),
    };

    return cmocka_run_group_tests_name("header_carrier", tests, NULL, NULL);
}
