/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/wire/deal.h"
#include "collector-mock/wire/put.h"
#include "collector-mock/wire/traces.h"
#include "sdk/base/random.h"

/* Requests dealt out to owners: which span goes where, and what stays with it. */

enum { MAX = 1 << 20, SPANS = 40 };

static void put(struct otl_buf *out, unsigned field, struct otl_buf *message)
{
    assert_int_equal(col_put_field(out, field, otl_view(message->data, message->len)), OTEL_OK);
    otl_buf_fini(message);
}

static void put_text(struct otl_buf *out, unsigned field, const char *text)
{
    assert_int_equal(col_put_field(out, field, otl_view_str(text)), OTEL_OK);
}

/* Two resources of two scopes each, all named, with so many spans, whose number is their id. */
static void put_request(struct otl_buf *out, size_t spans, size_t traces)
{
    for (size_t i = 0; i < 4; i++) {
        static const char *const names[] = {"one", "two", "three", "four"};
        struct otl_buf group, scope, named, span;
        otl_buf_init(&group, MAX);
        otl_buf_init(&scope, MAX);
        otl_buf_init(&named, MAX);
        put_text(&named, 1, names[i]);
        put(&scope, 1, &named);
        for (size_t k = i; k < spans; k += 4) {
            uint8_t id[16] = {0}, span_id[8] = {0};
            id[0] = (uint8_t)(k % traces + 1);
            span_id[0] = (uint8_t)(k + 1);
            otl_buf_init(&span, MAX);
            assert_int_equal(col_put_field(&span, 1, otl_view((char *)id, 16)), OTEL_OK);
            assert_int_equal(col_put_field(&span, 2, otl_view((char *)span_id, 8)), OTEL_OK);
            put(&scope, 2, &span);
        }
        put_text(&scope, 3, "schema of the scope");
        put(&group, 2, &scope);
        put_text(&group, 3, names[i]);
        put(out, 1, &group);
    }
}

static void every_span_goes_to_the_owner_of_its_trace_with_its_groups(void **state)
{
    static const char *const names[] = {"one", "two", "three", "four"};
    struct otl_buf request;
    struct col_deal deal;
    bool seen[SPANS] = {false};
    unsigned only, with_spans = 0;

    (void)state;
    otl_buf_init(&request, MAX);
    put_request(&request, SPANS, SPANS);
    col_deal_init(&deal, 4, MAX);
    for (unsigned round = 0; round < 2; round++) /* nothing is left of the first */
        assert_int_equal(col_deal(&deal, otl_view(request.data, request.len), &only), OTEL_OK);
    assert_int_equal(only, 4);
    for (unsigned i = 0; i < 4; i++) {
        struct col_traces traces;
        struct col_span span;
        uint64_t count = 0;
        col_traces_init(&traces, otl_view(deal.parts[i].out.data, deal.parts[i].out.len));
        for (; col_traces_next(&traces, &span); count++) {
            unsigned number = span.span_id[0] - 1u;
            const char *name = names[number % 4];
            assert_int_equal(col_deal_owner(span.trace_id, 4), i);
            assert_false(seen[number]);
            seen[number] = true;
            assert_true(otl_view_is(span.scope->name, name));
            assert_true(otl_view_is(span.resource->schema_url, name));
            assert_true(otl_view_is(span.scope->schema_url, "schema of the scope"));
        }
        assert_int_equal(col_traces_error(&traces, NULL), OTEL_OK);
        assert_int_equal(count, deal.parts[i].count);
        with_spans += count > 0;
    }
    for (size_t i = 0; i < SPANS; i++)
        assert_true(seen[i]);
    assert_true(with_spans > 1);
    col_deal_fini(&deal);
    otl_buf_fini(&request);
}

static void what_is_one_owners_alone_is_not_copied(void **state)
{
    static const uint8_t id[16] = {1};
    struct otl_buf request;
    struct col_deal deal;
    unsigned only;

    (void)state;
    otl_buf_init(&request, MAX);
    put_request(&request, SPANS, 1);
    col_deal_init(&deal, 8, MAX);
    assert_int_equal(col_deal(&deal, otl_view(request.data, request.len), &only), OTEL_OK);
    assert_int_equal(only, col_deal_owner(id, 8));
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(deal.parts[i].out.cap, 0);
    col_deal_fini(&deal);
    otl_buf_fini(&request);
}

static void owners_have_equal_shares(void **state)
{
    struct otl_random random;
    unsigned counts[7] = {0};
    uint8_t id[16];

    (void)state;
    otl_random_seed(&random, 7);
    for (unsigned i = 0; i < 70000; i++) {
        uint64_t a = otl_random_next(&random), b = i; /* the right half may be a mere counter */
        memcpy(id, &a, 8);
        memcpy(id + 8, &b, 8);
        counts[col_deal_owner(id, 7)]++;
    }
    for (unsigned i = 0; i < 7; i++) /* 10,000 each; six standard deviations */
        assert_in_range(counts[i], 9440, 10560);
}

static void a_part_never_exceeds_its_limit(void **state)
{
    struct otl_buf request;
    struct col_deal deal;
    unsigned only;

    (void)state;
    otl_buf_init(&request, MAX);
    put_request(&request, SPANS, SPANS);
    col_deal_init(&deal, 2, 256);
    assert_int_equal(col_deal(&deal, otl_view(request.data, request.len), &only), OTEL_ERR_LIMIT);
    col_deal_fini(&deal);
    otl_buf_fini(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_span_goes_to_the_owner_of_its_trace_with_its_groups),
        cmocka_unit_test(what_is_one_owners_alone_is_not_copied),
        cmocka_unit_test(owners_have_equal_shares),
        cmocka_unit_test(a_part_never_exceeds_its_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
