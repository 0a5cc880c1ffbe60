/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/ledger/canon.h"

#define TEXT(s) (s), sizeof(s) - 1

static const uint8_t TRACE[16] = {1};
static const uint8_t SPAN[8] = {2};
static const uint8_t ZERO[16] = {0};

static uint64_t one_int(const char *key, int64_t value)
{
    struct hx_canon_attrs a;

    hx_canon_attrs_init(&a);
    hx_canon_int(&a, key, strlen(key), value);
    return hx_canon_attrs_sum(&a);
}

static void attribute_order_does_not_matter(void **state)
{
    struct hx_canon_attrs a, b;

    (void)state;
    hx_canon_attrs_init(&a);
    hx_canon_attrs_init(&b);
    hx_canon_int(&a, TEXT("x"), 1);
    hx_canon_string(&a, TEXT("y"), TEXT("v"));
    hx_canon_string(&b, TEXT("y"), TEXT("v"));
    hx_canon_int(&b, TEXT("x"), 1);
    assert_int_equal(hx_canon_attrs_sum(&a), hx_canon_attrs_sum(&b));
}

static void a_later_value_replaces_the_earlier(void **state)
{
    struct hx_canon_attrs a;

    (void)state;
    hx_canon_attrs_init(&a);
    hx_canon_string(&a, TEXT("x"), TEXT("old"));
    hx_canon_int(&a, TEXT("x"), 7);
    assert_int_equal(hx_canon_attrs_sum(&a), one_int("x", 7));
    assert_int_equal(a.count, 1);
    hx_canon_int(&a, TEXT(""), 7);
    assert_int_equal(hx_canon_attrs_sum(&a), one_int("x", 7));
}

static void values_moved_between_keys_are_seen(void **state)
{
    (void)state;
    assert_int_not_equal(one_int("a", 1) + one_int("b", 2), one_int("a", 2) + one_int("b", 1));
}

/* Every pair of these values must hash apart, though bytes or numbers look alike. */
static void type_counts(void **state)
{
    struct hx_canon_attrs sets[16];
    struct hx_canon_value array;
    size_t n = 0;

    (void)state;
#define NEXT (hx_canon_attrs_init(&sets[n]), &sets[n++]), TEXT("k")
    hx_canon_string(NEXT, TEXT("1"));
    hx_canon_bool(NEXT, true);
    hx_canon_int(NEXT, 1);
    hx_canon_double(NEXT, 1.0);
    hx_canon_double(NEXT, 0.0);
    hx_canon_double(NEXT, -0.0);
    hx_canon_bool(NEXT, false);
    hx_canon_int(NEXT, 0);
    hx_canon_string(NEXT, NULL, 0);
    hx_canon_other(NEXT, TEXT("1"));
    hx_canon_array_begin(&array);
    hx_canon_array(NEXT, &array);
    hx_canon_array_int(&array, 1);
    hx_canon_array(NEXT, &array);
    hx_canon_array_int(&array, 2);
    hx_canon_array(NEXT, &array);
    hx_canon_array_begin(&array);
    hx_canon_array_int(&array, 2);
    hx_canon_array_int(&array, 1);
    hx_canon_array(NEXT, &array);
    hx_canon_array_begin(&array);
    hx_canon_array_bool(&array, true);
    hx_canon_array(NEXT, &array);
    hx_canon_array_begin(&array);
    hx_canon_array_string(&array, TEXT("1"));
    hx_canon_array(NEXT, &array);
#undef NEXT
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (sets[i].sum == sets[j].sum)
                fail_msg("values %zu and %zu hash alike", j, i);
        }
    }
}

static void all_nan_are_one(void **state)
{
    struct hx_canon_attrs a, b;

    (void)state;
    hx_canon_attrs_init(&a);
    hx_canon_attrs_init(&b);
    hx_canon_double(&a, TEXT("k"), (double)NAN);
    hx_canon_double(&b, TEXT("k"), -(double)NAN);
    assert_int_equal(a.sum, b.sum);
}

static void keys_over_the_limit_are_left_out(void **state)
{
    struct hx_canon_attrs a, b;
    char key[16];

    (void)state;
    hx_canon_attrs_init(&a);
    for (int i = 0; i < HX_CANON_MAX_ATTRIBUTES; i++) {
        int len = snprintf(key, sizeof key, "k%d", i);

        hx_canon_int(&a, key, (size_t)len, i);
    }
    b = a;
    hx_canon_int(&a, TEXT("one more"), 1);
    assert_int_equal(a.sum, b.sum);
    assert_int_equal(a.dropped, 1);
    hx_canon_int(&a, TEXT("k5"), 6);
    assert_int_not_equal(a.sum, b.sum);
}

static void finish_with(struct hx_led_content *ret, void (*change)(struct hx_canon *))
{
    struct hx_canon c;

    hx_canon_init(&c, TEXT("name"));
    hx_canon_int(&c.attributes, TEXT("x"), 1);
    if (change != NULL)
        change(&c);
    hx_canon_finish(&c, ret);
}

static void two_events(struct hx_canon *c)
{
    hx_canon_event(c, TEXT("a"), NULL);
    hx_canon_event(c, TEXT("b"), NULL);
}

static void two_events_swapped(struct hx_canon *c)
{
    hx_canon_event(c, TEXT("b"), NULL);
    hx_canon_event(c, TEXT("a"), NULL);
}

static void an_exception(struct hx_canon *c)
{
    hx_canon_exception(c, "Type", "text");
}

static void an_exception_by_hand(struct hx_canon *c)
{
    struct hx_canon_attrs a;

    hx_canon_attrs_init(&a);
    hx_canon_string(&a, TEXT("exception.message"), TEXT("text"));
    hx_canon_string(&a, TEXT("exception.type"), TEXT("Type"));
    hx_canon_event(c, TEXT("exception"), &a);
}

static void a_link(struct hx_canon *c)
{
    hx_canon_link(c, TRACE, SPAN, NULL, 0, NULL);
}

static void an_invalid_link(struct hx_canon *c)
{
    hx_canon_link(c, ZERO, SPAN, NULL, 0, NULL);
}

static void an_invalid_link_with_state(struct hx_canon *c)
{
    hx_canon_link(c, ZERO, SPAN, TEXT("a=b"), NULL);
}

static void parts_are_told_apart(void **state)
{
    struct hx_led_content plain, changed, other;

    (void)state;
    finish_with(&plain, NULL);
    finish_with(&changed, two_events);
    assert_int_not_equal(plain.events, changed.events);
    assert_int_equal(plain.attributes, changed.attributes);
    assert_int_equal(plain.name, changed.name);
    assert_int_equal(plain.links, changed.links);
    assert_int_equal(plain.status, changed.status);
    finish_with(&other, two_events_swapped);
    assert_int_not_equal(changed.events, other.events);
    finish_with(&changed, an_exception);
    finish_with(&other, an_exception_by_hand);
    assert_memory_equal(&changed, &other, sizeof other);
    finish_with(&changed, a_link);
    assert_int_not_equal(plain.links, changed.links);
    finish_with(&changed, an_invalid_link);
    assert_memory_equal(&plain, &changed, sizeof plain);
    finish_with(&changed, an_invalid_link_with_state);
    assert_int_not_equal(plain.links, changed.links);
}

static uint64_t status_after(uint32_t first, const char *text, uint32_t second)
{
    struct hx_canon c;
    struct hx_led_content content;

    hx_canon_init(&c, TEXT("name"));
    hx_canon_status(&c, first, text, strlen(text));
    hx_canon_status(&c, second, "later", 5);
    hx_canon_finish(&c, &content);
    return content.status;
}

static void status_follows_the_specification(void **state)
{
    (void)state;
    assert_int_equal(status_after(0, "", 0), status_after(0, "ignored", 0));
    assert_int_equal(status_after(1, "", 0), status_after(1, "ignored", 2));
    assert_int_equal(status_after(2, "why", 0), status_after(2, "why", 0));
    assert_int_not_equal(status_after(2, "why", 0), status_after(2, "other", 0));
    assert_int_equal(status_after(2, "why", 1), status_after(1, "", 0));
    assert_int_not_equal(status_after(0, "", 0), status_after(1, "", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attribute_order_does_not_matter),
        cmocka_unit_test(a_later_value_replaces_the_earlier),
        cmocka_unit_test(values_moved_between_keys_are_seen),
        cmocka_unit_test(type_counts),
        cmocka_unit_test(all_nan_are_one),
        cmocka_unit_test(keys_over_the_limit_are_left_out),
        cmocka_unit_test(parts_are_told_apart),
        cmocka_unit_test(status_follows_the_specification),
    };

    return cmocka_run_group_tests_name("canon", tests, NULL, NULL);
}
