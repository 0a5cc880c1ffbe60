/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/processors/tests/proc_world.h"
#include "collector-mock/wire/put.h"
#include "sdk/base/file.h"

/*
 * What a processor does not change goes on as the bytes it came in: those of an official encoder,
 * and an unknown field in a group, which grouping anew would lose.
 */

static uint64_t put_request(struct otl_buf *out)
{
    static const char unknown[] = "\n\x04" "\x7a\x02" "hi"; /* resource_spans { 15: "hi" } */
    uint64_t spans = 0;

    /* requests one after another are a request */
    for (unsigned i = 0; i < 3; i++) {
        struct otl_buf one;
        otl_buf_init(&one, 1 << 20);
        assert_int_equal(otl_file_read("ci/witness/official/full.bin", &one, NULL), OTEL_OK);
        assert_int_equal(otl_buf_append(out, one.data, one.len), OTEL_OK);
        otl_buf_fini(&one);
    }
    assert_int_equal(otl_buf_append(out, unknown, sizeof(unknown) - 1), OTEL_OK);
    assert_int_equal(col_traces_check(otl_view(out->data, out->len), &spans, NULL), OTEL_OK);
    assert_true(spans > 1);
    return spans;
}

struct untouched {
    const char *type, *config;
};

static void check(const struct untouched *what, bool same)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_batch batch = {.mono_ns = 1};
    struct proc_world world;
    struct otl_buf request;

    otl_buf_init(&request, 1 << 20);
    batch.items = put_request(&request);
    batch.request = otl_view(request.data, request.len);
    if (proc_world_init(&world, what->type, what->config, &detail) != OTEL_OK)
        fail_msg("%s %s: %s", what->type, what->config, detail.text);
    for (unsigned round = 1; round <= 2; round++) {
        assert_int_equal(world.type->consume(world.self, &batch, &detail), OTEL_OK);
        if (same && world.out.len != round * request.len)
            fail_msg("%s %s: %zu bytes became %zu", what->type, what->config,
                     round * request.len, world.out.len);
    }
    for (unsigned round = 0; same && round < 2; round++)
        assert_memory_equal(world.out.data + round * request.len, request.data, request.len);
    if (!same && (world.out.len == 2 * request.len &&
                  memcmp(world.out.data, request.data, request.len) == 0))
        fail_msg("%s %s: nothing was changed", what->type, what->config);
    proc_world_fini(&world);
    otl_buf_fini(&request);
}

static void bytes_come_out_as_they_came_where_nothing_is_changed(void **state)
{
    static const struct untouched cases[] = {
        {"attributes", "{actions: [{key: nobody, action: delete}]}"},
        {"attributes", "{actions: [{key: nobody, action: update, value: 1}]}"},
        {"attributes", "{actions: [{key: new, action: insert, value: 1}], include: {match_type: "
                       "strict, span_names: [nobody]}}"},
        {"resource", "{attributes: [{key: nobody, action: delete}]}"},
        {"filter", ""},
        {"filter", "{traces: {span: ['name == \"nobody\"']}}"},
        {"filter", "{traces: {spanevent: ['name == \"nobody\"']}}"},
        {"transform", "{trace_statements: [{context: span, statements: ['set(name, \"x\") where "
                      "name == \"nobody\"']}, {context: resource, statements: ["
                      "'delete_key(attributes, \"nobody\")']}]}"},
        {"batch", "{timeout: 0s}"},
        {"batch", "{send_batch_size: 1}"},
        {"batch", "{send_batch_size: 1, send_batch_max_size: 1000}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&cases[i], true);
}

static void one_change_is_enough_to_be_seen(void **state)
{
    static const struct untouched cases[] = {
        {"attributes", "{actions: [{key: new, action: insert, value: 1}]}"},
        {"resource", "{attributes: [{key: new, action: insert, value: 1}]}"},
        {"filter", "{traces: {span: ['not IsRootSpan()']}}"},
        {"transform", "{trace_statements: [{context: span, statements: ['set(name, \"x\")']}]}"},
        {"batch", "{timeout: 0s, send_batch_size: 1, send_batch_max_size: 1}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(&cases[i], false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_out_as_they_came_where_nothing_is_changed),
        cmocka_unit_test(one_change_is_enough_to_be_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
