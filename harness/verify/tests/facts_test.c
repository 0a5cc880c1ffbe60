/* SPDX-License-Identifier: Apache-2.0 */
/* The referee's own readers: raw headers, the table, and failing allocations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/verify/facts/context.h"
#include "harness/verify/facts/table.h"
#include "harness/verify/judge/ratio.h"
#include "harness/verify/tests/world.h"
#include "harness/verify/verify.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"
#include "sdk/base/text.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"

static void traceparent_is_read_strictly(void **state)
{
    static const struct {
        const char *header;
        bool good;
    } cases[] = {
        {"00-" TRACE "-" SPAN "-01", true},
        {"00-" TRACE "-" SPAN "-ff", true},
        {"00-" TRACE "-" SPAN "-01-x", false},
        {"cc-" TRACE "-" SPAN "-01-x", true},
        {"cc-" TRACE "-" SPAN "-01x", false},
        {"ff-" TRACE "-" SPAN "-01", false},
        {"00-" TRACE "-" SPAN "-1", false},
        {"00-" TRACE "-" SPAN "-0G", false},
        {"00-0AF7651916cd43dd8448eb211c80319c-" SPAN "-01", false},
        {"00-00000000000000000000000000000000-" SPAN "-01", false},
        {"00-" TRACE "-0000000000000000-01", false},
        {"00-" TRACE "_" SPAN "-01", false},
        {"00-" TRACE "-" SPAN "-01\n00-" TRACE "-" SPAN "-01", false},
        {"", false},
    };
    struct hx_context context;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (hx_context_parse(otl_view_str(cases[i].header), &context) != cases[i].good)
            fail_msg("'%s'", cases[i].header);
    }
    assert_true(hx_context_parse(otl_view_str(cases[0].header), &context));
    assert_int_equal(context.trace_id[0], 0x0a);
    assert_int_equal(context.trace_id[15], 0x9c);
    assert_int_equal(context.span_id[7], 0x31);
    assert_int_equal(context.flags, 1);
}

static void baggage_members_are_found_and_decoded(void **state)
{
    static const struct {
        const char *header, *value; /* NULL: not found */
    } cases[] = {
        {"k=v", "v"},          {"a=1,k=v", "v"},        {" k = v ;p=1,b=2", "v"},
        {"k=a%20b%C3%a4", "a b\xc3\xa4"}, {"k=%4", "%4"}, {"k=%zz", "%zz"},
        {"k=", ""},            {"kk=v", NULL},          {"k", NULL},
        {"a=1\nk=v", "v"},     {"k=a=b", "a=b"},        {"k=1,k=2", "1"},
        {"", NULL},            {",,,", NULL},
    };
    char out[HX_BAGGAGE_VALUE_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = 0;
        bool found = hx_baggage_find(otl_view_str(cases[i].header), otl_view_str("k"), out, &len);

        if (found != (cases[i].value != NULL) ||
            (found && (len != strlen(cases[i].value) || memcmp(out, cases[i].value, len) != 0)))
            fail_msg("'%s'", cases[i].header);
    }
}

static void a_table_holds_as_many_keys_as_it_was_made_for(void **state)
{
    struct hx_table table;

    (void)state;
    assert_int_equal(hx_table_init(&table, 10000), OTEL_OK);
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(hx_table_put(&table, (uint64_t)i << 40, i), i);
    assert_int_equal(hx_table_put(&table, 1, 1), HX_NONE);
    assert_int_equal(hx_table_put(&table, 0, 77), 0); /* the earlier row stays */
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(hx_table_get(&table, (uint64_t)i << 40), i);
    assert_int_equal(hx_table_get(&table, 3), HX_NONE);
    hx_table_fini(&table);
    assert_int_equal(hx_table_init(&table, 0), OTEL_OK);
    assert_int_equal(hx_table_get(&table, 3), HX_NONE);
    hx_table_fini(&table);
}

/* Ids at the edges of each rule's bound, worked out by hand. */
static void each_ratio_rule_keeps_what_its_language_keeps(void **state)
{
    static const struct {
        enum hx_ratio_rule rule;
        double ratio;
        const char *id;
        bool kept;
    } rows[] = {
        {HX_RULE_JAVA, 0.25, "ffffffffffffffff1fffffffffffffff", true},
        {HX_RULE_JAVA, 0.25, "00000000000000002000000000000000", false},
        {HX_RULE_JAVA, 0.25, "0000000000000000e000000000000001", true},
        {HX_RULE_JAVA, 0.25, "0000000000000000e000000000000000", false},
        {HX_RULE_JAVA, 0.25, "00000000000000008000000000000000", true},
        {HX_RULE_JAVA, 0, "00000000000000018000000000000000", false},
        {HX_RULE_JAVA, 1, "00000000000000017fffffffffffffff", false},
        {HX_RULE_JAVA, 1, "00000000000000017ffffffffffffffe", true},
        {HX_RULE_DOTNET, 0.25, "1fffffffffffffffffffffffffffffff", true},
        {HX_RULE_DOTNET, 0.25, "20000000000000000000000000000000", false},
        {HX_RULE_DOTNET, 0.25, "9fffffffffffffff0000000000000000", true},
        {HX_RULE_DOTNET, 0.25, "e0000000000000010000000000000000", false},
        {HX_RULE_DOTNET, 0, "80000000000000000000000000000001", false},
        {HX_RULE_DOTNET, 1, "fffffffffffffffe0000000000000000", true},
        {HX_RULE_DOTNET, 1, "ffffffffffffffff0000000000000000", false},
        {HX_RULE_CPP, 0.25, "3fffffff00000000ffffffffffffffff", true},
        {HX_RULE_CPP, 0.25, "40000001000000000000000000000000", false},
        {HX_RULE_CPP, 0.25, "ffffffffffffff000000000000000000", false},
        {HX_RULE_CPP, 0, "00000000000000000000000000000001", false},
        {HX_RULE_CPP, 1, "ffffffffffffffffffffffffffffffff", true},
        {HX_RULE_JS, 0.25, "3ffffffe000000000000000000000000", true},
        {HX_RULE_JS, 0.25, "3fffffff000000000000000000000000", false},
        {HX_RULE_JS, 0.25, "f0000000f0000000f0000000f0000001", true},
        {HX_RULE_JS, 1, "ffffffff000000000000000000000000", true},
        {HX_RULE_PROBABILITY, 0.1, "000000000000000000e6660000000000", true},
        {HX_RULE_PROBABILITY, 0.1, "ffffffffffffffffffe665ffffffffff", false},
        {HX_RULE_PROBABILITY, 0.01, "000000000000000000fd70a000000000", true},
        {HX_RULE_PROBABILITY, 0.01, "000000000000000000fd709fffffffff", false},
        {HX_RULE_PROBABILITY, 1e-6, "000000000000000000ffffef39000000", true},
        {HX_RULE_PROBABILITY, 1e-6, "000000000000000000ffffef38ffffff", false},
        {HX_RULE_PROBABILITY, 1, "00000000000000000000000000000000", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t id[16];
        assert_true(otl_unhex(rows[i].id, 16, id));
        if (hx_ratio_says(rows[i].rule, rows[i].ratio, id) != rows[i].kept)
            fail_msg("row %zu: %s", i, rows[i].id);
    }
}

/* The share of traces that rules cut, computed and counted. */
static void rules_together_cut_traces_in_the_computed_share(void **state)
{
    static const struct {
        double shares[HX_RULES]; /* negative: no such service */
        double expected;
    } rows[] = {
        {{0.1, -1, -1, -1, -1, -1}, 0},
        {{0.1, 0.1, -1, -1, -1, -1}, 0.1},    /* half of each one's */
        {{0.1, -1, 0.1, -1, -1, -1}, 0.18},   /* 1 - 0.01 - 0.81 */
        {{0.9, 0.9, -1, -1, -1, -1}, 0.2},
        {{-1, -1, 0.1, 0.1, -1, -1}, 0.1},    /* likewise */
        {{-1, -1, 0.4, 0.8, -1, -1}, 0.4},    /* 0.8 + 0.4 - 2 * (0.2 + 0.2) */
        {{0.1, 0.1, 0.1, 0.1, 0.1, -1}, 0.3495}, /* 1 - 0.05^2 * 0.1 - 0.85^2 * 0.9 */
        {{-1, 0.5, 0.3, -1, 0.2, 0.7}, 0.895},
        {{-1, -1, -1, 0.3, -1, -1}, 0},
    };
    uint64_t seed = 1;

    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        enum { TRIALS = 40000 };
        struct hx_ratio_bounds bounds;
        unsigned partial = 0;
        hx_ratio_bounds_init(&bounds);
        for (int i = 0; i < HX_RULES; i++)
            if (rows[r].shares[i] >= 0)
                hx_ratio_bounds_add(&bounds, (enum hx_ratio_rule)i, rows[r].shares[i]);
        assert_true(fabs(hx_ratio_partial(&bounds) - rows[r].expected) < 1e-9);
        for (int n = 0; n < TRIALS; n++) {
            uint64_t words[2] = {otl_random_mix(seed, 1), otl_random_mix(seed, 2)};
            bool any = false, all = true;
            uint8_t id[16];
            seed++;
            memcpy(id, words, 16);
            for (int i = 0; i < HX_RULES; i++) {
                bool kept = rows[r].shares[i] >= 0 &&
                            hx_ratio_says((enum hx_ratio_rule)i, rows[r].shares[i], id);
                any = any || kept;
                all = all && (kept || rows[r].shares[i] < 0);
            }
            partial += any && !all;
        }
        assert_true(fabs((double)partial / TRIALS - rows[r].expected) < 0.015);
    }
}

/* (low 8 bytes big-endian >> 1) < ratio * 2^63 */
static void the_ratio_rule_is_that_of_go_and_rust(void **state)
{
    uint8_t id[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80};

    (void)state;
    assert_false(hx_ratio_says(HX_RULE_GO, 0.5, id));
    id[8] = 0x7f;
    memset(id + 9, 0xff, 7);
    assert_true(hx_ratio_says(HX_RULE_GO, 0.5, id));
    assert_false(hx_ratio_says(HX_RULE_GO, 0.25, id));
    assert_true(hx_ratio_says(HX_RULE_GO, 1.0, id));
    assert_false(hx_ratio_says(HX_RULE_GO, 0.0, id));
    memset(id + 8, 0, 8);
    assert_true(hx_ratio_says(HX_RULE_GO, 1e-18, id));
    assert_false(hx_ratio_says(HX_RULE_GO, 0.0, id));
}

static void every_failing_allocation_ends_the_judgement_cleanly(void **state)
{
    const struct w_options none = {.requests = 3};
    struct hx_verify_options options;
    enum otel_err err = OTEL_ERR_MEMORY;
    unsigned long failures = 0;
    struct world w;
    json_t *result;

    (void)state;
    world_init(&w, &none);
    world_write(&w);
    options = (struct hx_verify_options){.dir = w.dir, .scenario = &w.scenario};
    for (unsigned long n = 1; err != OTEL_OK && n < 1000; n++) {
        result = NULL;
        otl_mem_fail_at(n);
        err = hx_verify_run(&options, &result, NULL);
        otl_mem_fail_at(0);
        assert_true(err == OTEL_OK || err == OTEL_ERR_MEMORY);
        failures += err != OTEL_OK;
    }
    assert_int_equal(err, OTEL_OK);
    assert_true(failures > 20);
    json_decref(result);
    world_fini(&w);
}

static void write_file(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_TRUNC);

    assert_true(fd >= 0);
    assert_int_equal(otl_fd_write_all(fd, data, len), OTEL_OK);
    close(fd);
}

/* Some bytes changed, sometimes cut. */
static size_t damage(char *data, size_t len, struct otl_random *random)
{
    static const uint8_t odd[] = {0x00, 0x01, 0x7f, 0x80, 0xff};

    for (int i = 0; i < 4; i++)
        data[otl_random_below(random, len)] = (char)odd[otl_random_below(random, sizeof odd)];
    return otl_random_below(random, 4) == 0 ? otl_random_below(random, len) : len;
}

/* Judges the world with its n-th file damaged; true: the run does not pass. */
static bool damaged_run(const struct world *w, const char *name, struct otl_random *random)
{
    const struct hx_verify_options options = {.dir = w->dir, .scenario = &w->scenario};
    struct otl_buf good, bad;
    json_t *result = NULL;
    char path[256];
    enum otel_err err;
    bool passed;

    snprintf(path, sizeof path, "%s/%s", w->dir, name);
    otl_buf_init(&good, 64u << 20);
    otl_buf_init(&bad, 64u << 20);
    assert_int_equal(otl_file_read(path, &good, NULL), OTEL_OK);
    assert_int_equal(otl_buf_append(&bad, good.data, good.len), OTEL_OK);
    write_file(path, bad.data, damage(bad.data, bad.len, random));
    err = hx_verify_run(&options, &result, NULL);
    if (err != OTEL_OK)
        fail_msg("%s: %s", name, otel_err_name(err));
    passed = strcmp(json_string_value(json_object_get(result, "verdict")), "pass") == 0;
    json_decref(result);
    write_file(path, good.data, good.len);
    otl_buf_fini(&good);
    otl_buf_fini(&bad);
    return !passed;
}

static void damaged_files_are_judged_without_harm(void **state)
{
    static const char *const files[] = {"ledger/gateway-0.0.0000.led", "ledger/order-0.0.0000.led",
                                        "ledger/projector-0.0.0000.led", "ledger/load-0.0.0000.led",
                                        "ledger/order-0.0.drops", "spans/tap.bin",
                                        "spans/traces.bin"};
    enum { ROUNDS = 840 };
    struct otl_random random;
    unsigned seen = 0;

    (void)state;
    otl_random_seed(&random, 4);
    for (int edge = 0; edge < 2; edge++) {
        const struct w_options options = {.requests = 4,
                                          .edge = edge == 0 ? HX_EDGE_LINK : HX_EDGE_PARENT};
        struct world w;

        world_init(&w, &options);
        w.scenario.claims.partial_traces = edge == 0;
        world_write(&w);
        for (unsigned i = 0; i < ROUNDS / 2; i++)
            seen += damaged_run(&w, files[i % (sizeof files / sizeof files[0])], &random);
        world_fini(&w);
    }
    assert_true(seen > ROUNDS / 2); /* some bytes mean nothing */
}

static void a_directory_without_ledger_is_an_error(void **state)
{
    struct hx_scenario scenario = {.name = "none"};
    struct hx_verify_options options = {.dir = "/nonexistent", .scenario = &scenario};
    struct otl_detail detail = OTL_DETAIL_NONE;
    json_t *result = NULL;

    (void)state;
    assert_int_equal(hx_verify_run(&options, &result, &detail), OTEL_ERR_NOT_FOUND);
    assert_non_null(strstr(detail.source, "/nonexistent/ledger"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traceparent_is_read_strictly),
        cmocka_unit_test(baggage_members_are_found_and_decoded),
        cmocka_unit_test(a_table_holds_as_many_keys_as_it_was_made_for),
        cmocka_unit_test(the_ratio_rule_is_that_of_go_and_rust),
        cmocka_unit_test(each_ratio_rule_keeps_what_its_language_keeps),
        cmocka_unit_test(rules_together_cut_traces_in_the_computed_share),
        cmocka_unit_test(every_failing_allocation_ends_the_judgement_cleanly),
        cmocka_unit_test(damaged_files_are_judged_without_harm),
        cmocka_unit_test(a_directory_without_ledger_is_an_error),
    };

    return cmocka_run_group_tests_name("facts", tests, NULL, NULL);
}
