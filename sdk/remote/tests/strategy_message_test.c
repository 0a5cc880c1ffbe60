/* SPDX-License-Identifier: Apache-2.0 */
/* Strategies as they come over gRPC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <otel/sdk/remote_sampler.h>

#include "sdk/base/clock.h"
#include "sdk/base/random.h"
#include "sdk/remote/strategy.h"
#include "sdk/tests/every_nth.h"
#include "sdk/tests/heap.h"

/* What protoc's encoders write. */
#define ONE "\0\0\0\0\0\0\xf0\x3f"
#define HALF "\0\0\0\0\0\0\xe0\x3f"
#define QUARTER "\0\0\0\0\0\0\xd0\x3f"
#define TWO "\0\0\0\0\0\0\0\x40"
#define BYTES(literal) otl_view(literal, sizeof(literal) - 1)

static struct otl_strategy *read(struct otl_view body)
{
    struct otl_strategy *strategy = NULL;

    assert_int_equal(otl_strategy_read_message(body, &strategy), OTEL_OK);
    return strategy;
}

/* How many of count random traces of that name are kept, all at this moment. */
static unsigned kept(struct otl_strategy *strategy, const char *name, unsigned count, uint64_t now)
{
    struct otl_random random;
    unsigned result = 0;

    otl_random_seed(&random, 11);
    for (unsigned i = 0; i < count; i++) {
        uint64_t words[2] = {otl_random_next(&random), otl_random_next(&random)};
        uint8_t id[OTEL_TRACE_ID_SIZE];
        struct otel_sdk_sampling_input input = {.trace_id = id, .name = otel_str(name)};
        memcpy(id, words, sizeof(id));
        result += otl_strategy_keeps(strategy, &input, now);
    }
    return result;
}

static void a_message_decides_as_the_same_json(void **state)
{
    struct otl_strategy *message = read(BYTES("\x12\x09\x09" QUARTER)), *json = NULL;
    struct otl_random random;

    (void)state;
    assert_int_equal(
        otl_strategy_read(otl_view_str("{\"probabilisticSampling\":{\"samplingRate\":0.25}}"),
                          &json),
        OTEL_OK);
    otl_random_seed(&random, 5);
    for (int i = 0; i < 10000; i++) {
        uint64_t words[2] = {otl_random_next(&random), otl_random_next(&random)};
        uint8_t id[OTEL_TRACE_ID_SIZE];
        struct otel_sdk_sampling_input input = {.trace_id = id};
        memcpy(id, words, sizeof(id));
        assert_int_equal(otl_strategy_keeps(message, &input, 1),
                         otl_strategy_keeps(json, &input, 1));
    }
    otl_strategy_free(message);
    otl_strategy_free(json);
}

static void zeros_are_not_on_the_wire(void **state)
{
    struct otl_strategy *share = read(BYTES("\x12\x00"));
    struct otl_strategy *rate = read(BYTES("\x08\x01\x1a\x00"));

    (void)state;
    assert_int_equal(kept(share, "a", 1000, 1), 0);
    assert_int_equal(kept(rate, "a", 1000, 1), 0);
    otl_strategy_free(share);
    otl_strategy_free(rate);
}

static void a_rate_lets_so_many_through_a_second(void **state)
{
    struct otl_strategy *strategy = read(BYTES("\x08\x01\x1a\x02\x08\x0a"));

    (void)state;
    assert_int_equal(kept(strategy, "a", 100, 1), 10);
    assert_int_equal(kept(strategy, "a", 100, 1 + 100 * OTL_NS_PER_MS), 1);
    otl_strategy_free(strategy);
}

static void operations_have_shares_and_a_least_rate_each(void **state)
{
    /* default 0.5, least 2 a second (most 0.5, which is nothing to us), "GET /": 1, "no": nothing,
     * and fields of a later version of each message */
    struct otl_strategy *strategy =
        read(BYTES("\x22\x3a\x09" HALF "\x11" TWO "\x21" HALF
                   "\x1a\x12\x0a\x05GET /\x12\x09\x09" ONE
                   "\x1a\x06\x0a\x02no\x12\x00\xf8\x01"
                   "\x07"
                   "\x2a\x01x\xf0\x02\x05"));

    (void)state;
    assert_int_equal(kept(strategy, "GET /", 1000, 1), 1000);
    assert_int_equal(kept(strategy, "no", 1000, 1), 2);
    assert_int_equal(kept(strategy, "no", 1000, 1 + OTL_NS_PER_S), 2);
    assert_in_range(kept(strategy, "else", 10000, 1), 4700, 5300);
    otl_strategy_free(strategy);
}

static void what_is_no_strategy_is_refused(void **state)
{
    static const struct {
        struct otl_view body;
        enum otel_err err;
    } wrong[] = {
        {{"", 0}, OTEL_ERR_SYNTAX},
        {{"\x08\x01", 2}, OTEL_ERR_SYNTAX},                 /* a rate, but which? */
        {{"\x08\x02\x12\x00", 4}, OTEL_ERR_SYNTAX},         /* no such type */
        {{"\x1a\x02\x08\x0a", 4}, OTEL_ERR_SYNTAX},         /* a rate without its type */
        {{"\x12\x09\x09" ONE, 10}, OTEL_ERR_SYNTAX},        /* cut */
        {{"\x12\x09\x09" TWO, 11}, OTEL_ERR_ARGUMENT},      /* a share of 2 */
        {{"\x12\x09\x09\0\0\0\0\0\0\xf8\x7f", 11}, OTEL_ERR_ARGUMENT}, /* of NaN */
        {{"\x12\x09\x09\0\0\0\0\0\0\xf0\xbf", 11}, OTEL_ERR_ARGUMENT}, /* of -1 */
        {{"\x08\x01\x1a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 15}, OTEL_ERR_ARGUMENT},
        {{"\x22\x05\x1a\x03\x0a\x05x", 7}, OTEL_ERR_SYNTAX}, /* a name that ends too early */
        {{"<html>", 6}, OTEL_ERR_SYNTAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct otl_strategy *strategy = NULL;
        enum otel_err err = otl_strategy_read_message(wrong[i].body, &strategy);
        if (err != wrong[i].err || strategy != NULL)
            fail_msg("row %zu: %s", i, otel_err_name(err));
    }
}

static void put_operation(struct otl_buf *body, unsigned i)
{
    char name[16];
    int len = snprintf(name, sizeof(name), "o%04u", i);

    assert_int_equal(len, 5);
    assert_int_equal(otl_buf_append(body, "\x1a\x07\x0a\x05", 4), OTEL_OK);
    assert_int_equal(otl_buf_append(body, name, 5), OTEL_OK);
}

static void more_operations_than_the_limit_are_refused(void **state)
{
    (void)state;
    for (unsigned count = OTEL_SDK_REMOTE_MAX_OPERATIONS;
         count <= OTEL_SDK_REMOTE_MAX_OPERATIONS + 1; count++) {
        struct otl_strategy *strategy = NULL;
        uint8_t head[] = {0x22, (uint8_t)((count * 9) | 0x80), (uint8_t)((count * 9 >> 7) | 0x80),
                          (uint8_t)(count * 9 >> 14)};
        struct otl_buf body;
        otl_buf_init(&body, 1 << 20);
        assert_int_equal(otl_buf_append(&body, head, sizeof(head)), OTEL_OK);
        for (unsigned i = 0; i < count; i++)
            put_operation(&body, i);
        assert_int_equal(otl_strategy_read_message(otl_view(body.data, body.len), &strategy),
                         count == OTEL_SDK_REMOTE_MAX_OPERATIONS ? OTEL_OK : OTEL_ERR_LIMIT);
        otl_strategy_free(strategy);
        otl_buf_fini(&body);
    }
}

static enum otel_err read_two_operations(void *arg)
{
    struct otl_strategy *strategy = NULL;
    enum otel_err err = otl_strategy_read_message(BYTES("\x22\x0a\x1a\x03\x0a\x01"
                                                        "a\x1a\x03\x0a\x01"
                                                        "b"),
                                                  &strategy);

    (void)arg;
    assert_true((err == OTEL_OK) == (strategy != NULL));
    otl_strategy_free(strategy);
    return err;
}

static void when_every_nth_allocation_fails_nothing_is_left_behind(void **state)
{
    struct every_nth test = {.live = read_two_operations, .most = 100};

    (void)state;
    every_nth(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_decides_as_the_same_json),
        cmocka_unit_test(zeros_are_not_on_the_wire),
        cmocka_unit_test(a_rate_lets_so_many_through_a_second),
        cmocka_unit_test(operations_have_shares_and_a_least_rate_each),
        cmocka_unit_test(what_is_no_strategy_is_refused),
        cmocka_unit_test(more_operations_than_the_limit_are_refused),
        cmocka_unit_test(when_every_nth_allocation_fails_nothing_is_left_behind),
    };

    heap_install();
    return cmocka_run_group_tests_name("strategy_message", tests, NULL, NULL);
}
