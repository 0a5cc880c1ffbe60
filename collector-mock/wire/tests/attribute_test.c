/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/wire/parse.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"

/*
 * The usual form of an attribute is judged at one look, all others by reading field by field. A
 * field that means nothing in front of an attribute (number 15) leaves only the second way, and
 * must not change the verdict.
 */

enum { ROUNDS = 200000, ATTRIBUTE_MAX = 160, BEFORE = 2 };

struct attribute {
    uint8_t bytes[BEFORE + ATTRIBUTE_MAX];
    size_t len; /* without what stands before */
};

static bool good(const uint8_t *bytes, size_t len)
{
    struct col_fault fault = {0};
    char *copy = otl_mem_alloc(len); /* of its size: a byte behind is the sanitizer's */
    bool result;

    assert_non_null(copy);
    memcpy(copy, bytes, len);
    result = col_check_attribute(otl_view(copy, len), 1, &fault);
    otl_mem_free(copy);
    return result;
}

static void put_byte(struct attribute *a, unsigned byte)
{
    a->bytes[BEFORE + a->len++] = (uint8_t)byte;
}

static void put_text(struct attribute *a, struct otl_random *random, size_t len)
{
    bool ascii = otl_random_below(random, 4) != 0;

    for (size_t i = 0; i < len; i++)
        put_byte(a, (unsigned)otl_random_below(random, ascii ? 0x80 : 0x100));
}

static void put_scalar(struct attribute *a, struct otl_random *random)
{
    size_t len = (size_t)otl_random_below(random, 40);

    switch (otl_random_below(random, 4)) {
    case 0:
        put_byte(a, 1 << 3 | COL_WIRE_BYTES);
        put_byte(a, (unsigned)len);
        put_text(a, random, len);
        break;
    case 1:
    case 2:
        put_byte(a, 3 << 3 | COL_WIRE_VARINT);
        for (size_t i = otl_random_below(random, 12); i > 0; i--)
            put_byte(a, 0x80 | (unsigned)otl_random_below(random, 0x80));
        put_byte(a, (unsigned)otl_random_below(random, 3));
        break;
    default:
        put_byte(a, 4 << 3 | COL_WIRE_FIXED64);
        put_text(a, random, otl_random_below(random, 8) ? 8 : 9);
        break;
    }
}

/* An attribute that is right, or nearly. */
static void draw(struct attribute *a, struct otl_random *random)
{
    size_t key_len = (size_t)otl_random_below(random, 50), value;

    a->len = 0;
    put_byte(a, 0x0a);
    put_byte(a, (unsigned)key_len);
    put_text(a, random, key_len);
    put_byte(a, 0x12);
    value = a->len;
    put_byte(a, 0);
    put_scalar(a, random);
    a->bytes[BEFORE + value] = (uint8_t)(a->len - value - 1);
    if (otl_random_below(random, 3) == 0)
        a->bytes[BEFORE + otl_random_below(random, a->len)] =
            (uint8_t)otl_random_below(random, 0x100);
    if (otl_random_below(random, 8) == 0)
        a->len = (size_t)otl_random_below(random, a->len + 1);
}

static void the_short_way_says_what_the_long_way_says(void **state)
{
    struct otl_random random;
    size_t accepted = 0;

    (void)state;
    otl_random_seed(&random, 20);
    for (int i = 0; i < ROUNDS; i++) {
        struct attribute a = {{15 << 3 | COL_WIRE_VARINT, 0}, 0};
        bool verdict;
        draw(&a, &random);
        verdict = good(a.bytes, BEFORE + a.len);
        accepted += verdict;
        if (good(a.bytes + BEFORE, a.len) != verdict) {
            for (size_t at = 0; at < a.len; at++)
                print_message("%02x", a.bytes[BEFORE + at]);
            fail_msg(": %s field by field", verdict ? "accepted" : "refused");
        }
    }
    /* Both verdicts must have been asked for. */
    assert_in_range(accepted, ROUNDS / 10, ROUNDS - ROUNDS / 10);
}

/* ---- attributes within a span ---- */

enum { SPANS = 20000, IN_A_SPAN = 6, SPAN_MAX = 2048 };

/* A span written twice: as usual, and with the tag of each attribute in two bytes, which nobody
 * writes and which is read field by field. */
struct twice {
    uint8_t bytes[2][SPAN_MAX];
    size_t len[2];
};

static void put_both(struct twice *span, const uint8_t *bytes, size_t len)
{
    for (int way = 0; way < 2; way++) {
        memcpy(span->bytes[way] + span->len[way], bytes, len);
        span->len[way] += len;
    }
}

static void put_attribute(struct twice *span, const struct attribute *a)
{
    static const uint8_t tags[2][2] = {{9 << 3 | COL_WIRE_BYTES}, {0x80 | 9 << 3 | COL_WIRE_BYTES}};
    const uint8_t length[2] = {(uint8_t)(a->len % 128 | (a->len > 127 ? 0x80 : 0)),
                               (uint8_t)(a->len / 128)};

    for (size_t way = 0; way < 2; way++) {
        memcpy(span->bytes[way] + span->len[way], tags[way], way + 1);
        span->len[way] += way + 1;
    }
    put_both(span, length, a->len > 127 ? 2 : 1);
    put_both(span, a->bytes + BEFORE, a->len);
}

static void draw_span(struct twice *span, struct otl_random *random)
{
    static const uint8_t kind[] = {6 << 3, 2}, name[] = {5 << 3 | COL_WIRE_BYTES, 1, 'n'},
                         flags[] = {0x85, 1, 0, 0, 0, 0}, dropped[] = {10 << 3, 1};
    static const struct {
        const uint8_t *bytes;
        size_t len;
    } others[] = {{kind, sizeof(kind)}, {name, sizeof(name)}, {flags, sizeof(flags)},
                  {dropped, sizeof(dropped)}};

    span->len[0] = span->len[1] = 0;
    for (uint64_t i = otl_random_below(random, IN_A_SPAN + 1); i > 0; i--) {
        size_t other = (size_t)otl_random_below(random, 8);
        struct attribute a;
        do
            draw(&a, random);
        while (otl_random_below(random, 20) != 0 && !good(a.bytes + BEFORE, a.len));
        put_attribute(span, &a);
        if (other < 4)
            put_both(span, others[other].bytes, others[other].len);
    }
}

static bool same_value(const struct col_value *a, const struct col_value *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == COL_VALUE_STRING || a->kind == COL_VALUE_BYTES)
        return otl_view_equal(a->text, b->text);
    return a->kind != COL_VALUE_INT || a->integer == b->integer;
}

/* The value of a key, and of one that is a letter shorter, as either list has it. */
static void check_found(const struct col_list lists[2], struct otl_view key)
{
    char text[2][ATTRIBUTE_MAX] = {"", ""};

    if (key.len == 0 || key.len >= ATTRIBUTE_MAX || memchr(key.data, '\0', key.len) != NULL)
        return;
    memcpy(text[0], key.data, key.len);
    memcpy(text[1], key.data, key.len - 1);
    for (int which = 0; which < 2; which++) {
        struct col_value values[2];
        bool first = col_attribute_find(&lists[0], text[which], &values[0]);
        bool second = col_attribute_find(&lists[1], text[which], &values[1]);
        assert_true(first || which == 1);
        if (first != second || (first && !same_value(&values[0], &values[1])))
            fail_msg("'%s' is found by one way alone", text[which]);
    }
}

static void attributes_of_a_span_are_read_alike_by_either_way(void **state)
{
    struct otl_random random;
    size_t accepted = 0, attributes = 0;

    (void)state;
    otl_random_seed(&random, 21);
    for (int i = 0; i < SPANS; i++) {
        struct col_attribute ours[2];
        struct col_span spans[2];
        struct col_list lists[2];
        struct twice span;
        bool verdicts[2];

        draw_span(&span, &random);
        for (size_t way = 0; way < 2; way++) {
            struct col_fault fault = {0};
            verdicts[way] =
                col_read_span(otl_view((const char *)span.bytes[way], span.len[way]),
                              &spans[way], &fault);
        }
        assert_int_equal(verdicts[0], verdicts[1]);
        accepted += verdicts[0];
        if (!verdicts[0])
            continue;
        for (size_t way = 0; way < 2; way++) {
            struct col_span again;
            lists[way] = spans[way].attributes;
            col_span_split(otl_view((const char *)span.bytes[way], span.len[way]), &again);
            assert_memory_equal(&again.attributes, &lists[way], sizeof(lists[way]));
        }
        assert_int_equal(lists[0].count, lists[1].count);
        while (col_attribute_next(&lists[0], &ours[0])) {
            assert_true(col_attribute_next(&lists[1], &ours[1]));
            assert_true(otl_view_equal(ours[0].key, ours[1].key));
            assert_true(same_value(&ours[0].value, &ours[1].value));
            attributes++;
            check_found((const struct col_list[2]){spans[0].attributes, spans[1].attributes},
                        ours[0].key);
        }
        assert_false(col_attribute_next(&lists[1], &ours[1]));
    }
    assert_in_range(accepted, SPANS / 2, SPANS - SPANS / 50);
    assert_true(attributes > SPANS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes_of_a_span_are_read_alike_by_either_way),
        cmocka_unit_test(the_short_way_says_what_the_long_way_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
