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
 * The fields that a span begins with are taken at one look where they stand in their usual order
 * and form. A field that nobody knows (number 17) in front of them leaves only the way field by
 * field, and must change neither the verdict nor what is read.
 */

enum { ROUNDS = 300000, SPAN_MAX = 512, BEFORE = 3 };

struct written {
    uint8_t bytes[SPAN_MAX];
    size_t len;
};

static void put(struct written *span, const void *bytes, size_t len)
{
    memcpy(span->bytes + span->len, bytes, len);
    span->len += len;
}

static void put_random(struct written *span, struct otl_random *random, size_t len, unsigned below)
{
    for (size_t i = 0; i < len; i++)
        span->bytes[span->len++] = (uint8_t)otl_random_below(random, below);
}

static void put_bytes(struct written *span, struct otl_random *random, unsigned tag, size_t len,
                      unsigned below)
{
    span->bytes[span->len++] = (uint8_t)tag;
    if (len > 127)
        span->bytes[span->len++] = (uint8_t)(0x80 | len);
    span->bytes[span->len++] = (uint8_t)(len > 127 ? len / 128 : len);
    put_random(span, random, len, below);
}

/* One field as it should be, or nearly. */
static void put_field(struct written *span, struct otl_random *random, unsigned number)
{
    static const uint8_t attribute[] = {0x4a, 7, 0x0a, 1, 'k', 0x12, 2, 0x18, 5},
                         flags[] = {0x85, 1};
    bool usual = otl_random_below(random, 30) != 0;
    size_t id = number == 1 ? 16 : 8;

    switch (number) {
    case 1:
    case 2:
    case 4:
        put_bytes(span, random, number << 3 | COL_WIRE_BYTES,
                  usual ? id : (size_t)otl_random_below(random, 20), 0x100);
        break;
    case 3:
    case 5:
        put_bytes(span, random, number << 3 | COL_WIRE_BYTES,
                  (size_t)otl_random_below(random, usual ? 40 : 150), usual ? 0x80 : 0x100);
        break;
    case 6:
        span->bytes[span->len++] = 6 << 3;
        put_random(span, random, 1, usual ? 6 : 0x100);
        break;
    case 7:
    case 8:
        span->bytes[span->len++] = (uint8_t)(number << 3 | COL_WIRE_FIXED64);
        put_random(span, random, 8, 0x100);
        break;
    case 9:
        put(span, attribute, sizeof(attribute));
        break;
    default:
        put(span, flags, sizeof(flags));
        put_random(span, random, 4, 0x100);
        break;
    }
}

/* Fields in their order, some left out, some out of order or twice; then damaged, or cut. */
static void draw(struct written *span, struct otl_random *random)
{
    static const uint8_t unknown[BEFORE] = {0x88, 1, 0};

    span->len = 0;
    put(span, unknown, sizeof(unknown));
    for (unsigned number = 1; number <= 10; number++) {
        if (otl_random_below(random, number == 3 ? 2 : 12) != 0)
            put_field(span, random, number);
        if (otl_random_below(random, 25) == 0)
            put_field(span, random, 1 + (unsigned)otl_random_below(random, 10));
    }
    if (otl_random_below(random, 4) == 0)
        span->bytes[BEFORE + otl_random_below(random, span->len - BEFORE + 1)] =
            (uint8_t)otl_random_below(random, 0x100);
    if (otl_random_below(random, 4) == 0)
        span->len = BEFORE + (size_t)otl_random_below(random, span->len - BEFORE + 1);
}

/* copy: of its size, so that a byte behind is the sanitizer's. */
static bool read_copy(const uint8_t *bytes, size_t len, char **copy, struct col_span *ret)
{
    struct col_fault fault = {0};

    *copy = otl_mem_alloc(len > 0 ? len : 1);
    assert_non_null(*copy);
    memcpy(*copy, bytes, len);
    ret->raw = otl_view(*copy, len);
    return col_read_span(ret->raw, ret, &fault);
}

static void assert_same(const struct col_span *a, const struct col_span *b)
{
    assert_memory_equal(a->trace_id, b->trace_id, 16);
    assert_memory_equal(a->span_id, b->span_id, 8);
    assert_memory_equal(a->parent_span_id, b->parent_span_id, 8);
    assert_true(otl_view_equal(a->trace_state, b->trace_state));
    assert_true(otl_view_equal(a->name, b->name));
    assert_int_equal(a->start_time_unix_nano, b->start_time_unix_nano);
    assert_int_equal(a->end_time_unix_nano, b->end_time_unix_nano);
    assert_int_equal(a->attributes.count, b->attributes.count);
    assert_int_equal(a->events.count, b->events.count);
    assert_int_equal(a->links.count, b->links.count);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->has_status, b->has_status);
    assert_int_equal(a->dropped_attributes_count, b->dropped_attributes_count);
}

static void the_front_of_a_span_is_read_alike_by_either_way(void **state)
{
    struct otl_random random;
    size_t accepted = 0, named = 0, usual = 0;

    (void)state;
    otl_random_seed(&random, 22);
    for (int i = 0; i < ROUNDS; i++) {
        struct col_span spans[3];
        struct written span;
        char *copies[2];
        bool verdict;

        draw(&span, &random);
        verdict = read_copy(span.bytes, span.len, &copies[0], &spans[0]);
        assert_int_equal(read_copy(span.bytes + BEFORE, span.len - BEFORE, &copies[1], &spans[1]),
                         verdict);
        if (col_is_usual_span(spans[1].raw)) {
            assert_true(verdict);
            usual++;
        }
        if (verdict) {
            assert_same(&spans[0], &spans[1]);
            col_span_split(spans[1].raw, &spans[2]);
            assert_same(&spans[1], &spans[2]);
            accepted++;
            named += spans[1].name.len > 0 && spans[1].end_time_unix_nano != 0;
        }
        for (int way = 0; way < 2; way++)
            otl_mem_free(copies[way]);
    }
    assert_in_range(accepted, ROUNDS / 3, ROUNDS - ROUNDS / 10);
    assert_in_range(named, ROUNDS / 5, accepted);
    assert_in_range(usual, ROUNDS / 20, named);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_front_of_a_span_is_read_alike_by_either_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
