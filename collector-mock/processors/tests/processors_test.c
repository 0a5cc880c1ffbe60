/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "collector-mock/config/config.h"
#include "collector-mock/processors/memory_total.h"
#include "collector-mock/processors/tests/proc_world.h"
#include "collector-mock/wire/regroup.h"
#include "sdk/base/file.h"

/* Processors by themselves: made from their configuration, fed by hand, followed by a recorder. */

enum { ROUNDS_MAX = 5000 };

/* A request of so many spans in two scopes, numbered from *next. */
static void feed(struct proc_world *world, uint64_t spans, uint64_t *next)
{
    static const char scope_names[2][6] = {"one", "two"};
    struct col_batch batch = {.items = spans};
    struct otl_buf request;

    otl_buf_init(&request, 1 << 20);
    for (uint64_t i = 0; i < spans; i++) {
        /* resource_spans { scope_spans { scope { name } spans { span_id } } } */
        char bytes[] = "\n\x15\x12\x13\n\x05\n\x03xxx\x12\n\x12\x08" "12345678";
        memcpy(bytes + 8, scope_names[*next % 2], 3);
        memcpy(bytes + sizeof(bytes) - 9, next, 8);
        ++*next;
        assert_int_equal(otl_buf_append(&request, bytes, sizeof(bytes) - 1), OTEL_OK);
    }
    batch.request = otl_view(request.data, request.len);
    assert_int_equal(world->type->consume(world->self, &batch, NULL), OTEL_OK);
    otl_buf_fini(&request);
}

/* All spans came out, once each and in order, under their own scope. */
static void check_numbers(const struct proc_world *world, uint64_t fed)
{
    struct col_traces traces;
    struct col_span span;
    uint64_t expected = 0, number;

    col_traces_init(&traces, otl_view(world->out.data, world->out.len));
    while (col_traces_next(&traces, &span)) {
        memcpy(&number, span.span_id, 8);
        assert_int_equal(number, expected);
        assert_true(otl_view_is(span.scope->name, expected % 2 ? "two" : "one"));
        expected++;
    }
    assert_int_equal(expected, fed);
}

static void batch_gathers_and_cuts_as_the_collector_does(void **state)
{
    static const struct {
        const char *config;
        uint64_t fed[6];
        uint64_t sent[8];    /* before flush */
        uint64_t flushed[4]; /* by flush */
    } cases[] = {
        {"{timeout: 1h, send_batch_size: 10}", {4, 4, 1}, {0}, {9}},
        {"{timeout: 1h, send_batch_size: 10}", {4, 4, 2}, {10}, {0}},
        {"{timeout: 1h, send_batch_size: 10}", {4, 40, 3}, {44}, {3}},
        {"{timeout: 1h, send_batch_size: 10, send_batch_max_size: 10}", {4, 20}, {10, 10}, {4}},
        {"{timeout: 1h, send_batch_size: 10, send_batch_max_size: 10}", {30}, {10, 10, 10}, {0}},
        {"{timeout: 1h, send_batch_size: 10, send_batch_max_size: 15}", {4, 30, 7},
         {15, 15, 11}, {0}},
        {"{timeout: 1h, send_batch_size: 10, send_batch_max_size: 15}", {27}, {15, 12}, {0}},
        {"{timeout: 1h, send_batch_size: 10, send_batch_max_size: 15}", {24}, {15}, {9}},
        {"{timeout: 0}", {3, 5}, {3, 5}, {0}},
        {"{timeout: 0, send_batch_max_size: 4, send_batch_size: 1}", {3, 9}, {3, 4, 4, 1}, {0}},
        {"{send_batch_size: 0}", {3, 5}, {3, 5}, {0}},
        {"{send_batch_size: 0, send_batch_max_size: 2}", {3}, {2, 1}, {0}},
        {"", {5}, {0}, {5}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        uint64_t next = 0;
        struct proc_world world;
        size_t at = 0;

        if (proc_world_init(&world, "batch", cases[i].config, &detail) != OTEL_OK)
            fail_msg("%s: %s", cases[i].config, detail.text);
        for (size_t k = 0; k < 6 && cases[i].fed[k] != 0; k++)
            feed(&world, cases[i].fed[k], &next);
        for (; cases[i].sent[at] != 0; at++)
            if (at >= world.batches || world.sends[at] != cases[i].sent[at])
                fail_msg("case %zu (%s): send %zu has %llu spans, of %llu sends", i,
                         cases[i].config, at, (unsigned long long)world.sends[at],
                         (unsigned long long)world.batches);
        assert_int_equal(world.batches, at);
        assert_int_equal(world.type->flush(world.self, NULL), OTEL_OK);
        for (size_t k = 0; k < 4 && cases[i].flushed[k] != 0; k++, at++)
            assert_int_equal(world.sends[at], cases[i].flushed[k]);
        assert_int_equal(world.batches, at);
        check_numbers(&world, next);
        proc_world_fini(&world);
    }
}

static void batch_sends_what_is_old_enough(void **state)
{
    struct proc_world world;
    uint64_t next = 0;

    (void)state;
    assert_int_equal(proc_world_init(&world, "batch", "{timeout: 5ms}", NULL), OTEL_OK);
    feed(&world, 3, &next);
    for (int i = 0; i < ROUNDS_MAX && world.batches == 0; i++)
        event_base_loop(world.host.base, EVLOOP_ONCE);
    assert_int_equal(world.batches, 1);
    check_numbers(&world, 3);
    proc_world_fini(&world);
}

static void on_time(evutil_socket_t fd, short what, void *over)
{
    (void)fd, (void)what;
    *(bool *)over = true;
}

/* The loop turns once a millisecond, not as often as it can. */
static void batch_rests_however_short_its_timeout(void **state)
{
    enum { MILLIS = 50, ENOUGH = 10 * MILLIS };
    const struct timeval time = {0, MILLIS * 1000};
    struct proc_world world;
    uint64_t next = 0;
    bool over = false;
    int turns = 0;

    (void)state;
    assert_int_equal(proc_world_init(&world, "batch", "{timeout: 1ns}", NULL), OTEL_OK);
    feed(&world, 1, &next);
    assert_int_equal(event_base_once(world.host.base, -1, EV_TIMEOUT, on_time, &over, &time), 0);
    for (; !over && turns < ENOUGH; turns++)
        event_base_loop(world.host.base, EVLOOP_ONCE);
    assert_int_equal(world.batches, 1);
    assert_true(turns < ENOUGH);
    proc_world_fini(&world);
}

static void batch_swallows_the_errors_of_what_follows_and_counts_them(void **state)
{
    struct proc_world world;
    uint64_t next = 0;

    (void)state;
    assert_int_equal(proc_world_init(&world, "batch", "{timeout: 1h, send_batch_size: 2}", NULL),
                     OTEL_OK);
    world.answer = OTEL_ERR_UNAVAILABLE;
    feed(&world, 3, &next); /* asserts success */
    assert_int_equal(*col_metrics_counter(world.host.metrics, "collector_mock_batch_lost_spans",
                                          "processor=\"batch\"", ""),
                     3);
    proc_world_fini(&world);
}

#define LIMITED "{check_interval: 1s, limit_mib: 4000000, "

static void memory_limiter_refuses_above_its_soft_limit(void **state)
{
    static const struct {
        const char *config;
        enum otel_err answer;
    } cases[] = {
        {"{check_interval: 1s, limit_mib: 4000000}", OTEL_OK},
        {"{check_interval: 1s, limit_mib: 1}", OTEL_ERR_UNAVAILABLE},
        {"{check_interval: 1s, limit_mib: 4000000, spike_limit_mib: 3999999}",
         OTEL_ERR_UNAVAILABLE},
        {"{check_interval: 1s, limit_percentage: 100, spike_limit_percentage: 1}", OTEL_OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct col_batch batch = {.request = {"", 0}, .items = 7};
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct proc_world world;
        uint64_t *refused;

        assert_int_equal(proc_world_init(&world, "memory_limiter", cases[i].config, NULL), OTEL_OK);
        batch.request = otl_view("\n\x04\x12\x02\x12\x00", 6);
        batch.items = 1;
        assert_int_equal(world.type->consume(world.self, &batch, &detail), cases[i].answer);
        assert_int_equal(world.batches, cases[i].answer == OTEL_OK);
        refused = col_metrics_counter(world.host.metrics,
                                      "otelcol_processor_memory_limiter_refused_spans",
                                      "processor=\"memory_limiter\"", "");
        assert_int_equal(*refused, cases[i].answer != OTEL_OK);
        assert_int_equal(otel_err_class(cases[i].answer),
                         cases[i].answer == OTEL_OK ? OTEL_CLASS_NONE : OTEL_CLASS_RETRYABLE);
        proc_world_fini(&world);
    }
}

static enum otel_err consume_one(struct proc_world *world)
{
    struct col_batch batch = {.request = otl_view("\n\x04\x12\x02\x12\x00", 6), .items = 1};
    struct otl_detail detail = OTL_DETAIL_NONE;

    return world->type->consume(world->self, &batch, &detail);
}

/* The processor looks at the memory again and again, until more of it is taken than it allows. */
static void memory_limiter_looks_again_however_short_its_interval(void **state)
{
    enum { MIB = 1 << 20, MORE = 128 * MIB };
    unsigned long size, pages;
    struct proc_world world;
    char config[100];
    void *more;
    FILE *file;

    (void)state;
    file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu %lu", &size, &pages), 2);
    fclose(file);
    snprintf(config, sizeof(config), "{check_interval: 1ns, limit_mib: %lu, spike_limit_mib: 1}",
             pages * (unsigned long)sysconf(_SC_PAGESIZE) / MIB + 65);
    assert_int_equal(proc_world_init(&world, "memory_limiter", config, NULL), OTEL_OK);
    assert_int_equal(consume_one(&world), OTEL_OK);
    more = mmap(NULL, MORE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
                0);
    assert_true(more != MAP_FAILED);
    while (consume_one(&world) == OTEL_OK)
        assert_int_equal(event_base_loop(world.host.base, EVLOOP_ONCE), 0);
    munmap(more, MORE);
    while (consume_one(&world) != OTEL_OK)
        assert_int_equal(event_base_loop(world.host.base, EVLOOP_ONCE), 0);
    proc_world_fini(&world);
}

/* A maximum of 0 is none, whatever the minimum. */
static void intervals_of_collections_may_be_given(void **state)
{
    struct proc_world world;

    (void)state;
    assert_int_equal(proc_world_init(&world, "memory_limiter",
                                     LIMITED "min_gc_interval_when_soft_limited: 50s, "
                                             "max_gc_interval_when_soft_limited: 0, "
                                             "min_gc_interval_when_hard_limited: 40s, "
                                             "max_gc_interval_when_hard_limited: 0}",
                                     NULL),
                     OTEL_OK);
    proc_world_fini(&world);
}

static int remove_one(const char *path, const struct stat *info, int flag, struct FTW *at)
{
    (void)info;
    (void)flag;
    (void)at;
    return remove(path);
}

static void put_file(const char *root, const char *path, const char *text)
{
    char full[256];
    FILE *file;

    for (const char *at = strchr(path + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        snprintf(full, sizeof(full), "%s%.*s", root, (int)(at - path), path);
        assert_true(mkdir(full, 0700) == 0 || errno == EEXIST);
    }
    snprintf(full, sizeof(full), "%s%s", root, path);
    file = fopen(full, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* What a percentage is of: the control group's limit, of its own directory or of where groups are
 * mounted, of either version; without one the machine's memory. */
static void a_share_of_memory_is_one_of_the_control_groups_limit(void **state)
{
    static const char one[] = "/sys/fs/cgroup/memory/memory.limit_in_bytes";
    static const struct {
        const char *groups, *path, *limit;
        uint64_t total; /* 0: the machine's */
    } rows[] = {
        {"0::/\n", "/sys/fs/cgroup/memory.max", "1000000\n", 1000000},
        {"0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max", "2000000\n", 2000000},
        {"0::/elsewhere\n", "/sys/fs/cgroup/memory.max", "3000000\n", 3000000},
        {"0::/\n", "/sys/fs/cgroup/memory.max", "max\n", 0},
        {"0::/\n", "/sys/fs/cgroup/memory.max", "", 0},
        {"5:cpu:/x\n4:cpuset,memory:/x\n", "/sys/fs/cgroup/memory/x/memory.limit_in_bytes",
         "4000000\n", 4000000},
        {"4:memory:/gone\n0::/\n", one, "5000000\n", 5000000},
        {"4:memory:/\n", one, "9223372036854771712\n", 0},
        {"4:memoryless:/\n", one, "6000000\n", 0},
        {"no group\n", one, "6000000\n", 0},
        {"", one, "6000000\n", 0},
    };
    uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char root[] = "/tmp/col_memory_XXXXXX";
        uint64_t total;
        assert_non_null(mkdtemp(root));
        put_file(root, "/proc/self/cgroup", rows[i].groups);
        put_file(root, rows[i].path, rows[i].limit);
        total = col_memory_total(root);
        if (total != (rows[i].total != 0 ? rows[i].total : machine))
            fail_msg("row %zu: %llu", i, (unsigned long long)total);
        assert_int_equal(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    }
}

/* limit_percentage is a share of the group's limit, and what is above it is refused. No process of
 * tests is as large as 1 GB, nor as small as 1 MB. */
static void memory_limiter_refuses_above_a_share_of_the_groups_limit(void **state)
{
    static const struct {
        const char *limit; /* of the group */
        const char *config;
        enum otel_err answer;
    } rows[] = {
        {"1000000000000\n", "limit_percentage: 50", OTEL_OK},
        {"1000000000000\n", "limit_percentage: 50, spike_limit_percentage: 49", OTEL_OK},
        {"1000000\n", "limit_percentage: 100", OTEL_ERR_UNAVAILABLE},
        {"1000000000000\n", "limit_percentage: 50, limit_mib: 1", OTEL_ERR_UNAVAILABLE},
        {"1000000\n", "limit_percentage: 50, limit_mib: 4000000", OTEL_OK}, /* which goes first */
        {"50000000\n", "limit_percentage: 80, spike_limit_percentage: 78", OTEL_ERR_UNAVAILABLE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char root[] = "/tmp/col_memory_XXXXXX", config[128];
        const struct proc_options options = {.type = "memory_limiter", .root = root};
        const struct tail_span span = {.trace = 1};
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct proc_world world;
        enum otel_err answer;

        assert_non_null(mkdtemp(root));
        put_file(root, "/proc/self/cgroup", "0::/\n");
        put_file(root, "/sys/fs/cgroup/memory.max", rows[i].limit);
        snprintf(config, sizeof(config), "{check_interval: 1s, %s}", rows[i].config);
        if (proc_world_init_for(&world, &options, config, &detail) != OTEL_OK)
            fail_msg("row %zu: %s", i, detail.text);
        answer = proc_feed(&world, &span, 1, false);
        if (answer != rows[i].answer)
            fail_msg("row %zu is answered %s", i, otel_err_text(answer));
        assert_int_equal(proc_counter(&world, "otelcol_processor_memory_limiter_refused_spans",
                                      "processor=\"memory_limiter\""),
                         answer != OTEL_OK);
        proc_world_fini(&world);
        assert_int_equal(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    }
}

static void wrong_settings_are_refused(void **state)
{
    static const struct {
        const char *type;
        const char *config;
        const char *says;
    } cases[] = {
        {"batch", "{send_batch_size: 10, send_batch_max_size: 5}",
         "send_batch_max_size must be greater or equal to send_batch_size"},
        {"batch", "{timeout: -1s}", "timeout"},
        {"batch", "{timeout: 5}", "timeout"},
        {"batch", "{send_batch_sise: 5}", "did you mean 'send_batch_size'?"},
        {"batch", "{metadata_keys: [a, A]}", "duplicate entry in metadata_keys: \"a\""},
        {"memory_limiter", "", "check_interval must be greater than zero"},
        {"memory_limiter", "{limit_mib: 5}", "check_interval must be greater than zero"},
        {"memory_limiter", "{check_interval: 1s}", "must be greater than zero"},
        {"memory_limiter", "{check_interval: 1s, limit_percentage: 101}", "must not exceed 100"},
        {"memory_limiter", "{check_interval: 1s, limit_mib: 5, spike_limit_mib: 5}",
         "spike_limit_mib must be below limit_mib"},
        {"memory_limiter",
         "{check_interval: 1s, limit_percentage: 5, spike_limit_percentage: 6}",
         "spike_limit_percentage must be below limit_percentage"},
        {"memory_limiter", LIMITED "min_gc_interval_when_hard_limited: 11s}",
         "'min_gc_interval_when_soft_limited' should be larger"},
        {"memory_limiter", LIMITED "max_gc_interval_when_soft_limited: 9s, "
                                   "max_gc_interval_when_hard_limited: 0}",
         "equal to 'min_gc_interval_when_soft_limited' (or 0 to disable)"},
        {"memory_limiter", LIMITED "min_gc_interval_when_hard_limited: 5s, "
                                   "max_gc_interval_when_hard_limited: 4s}",
         "equal to 'min_gc_interval_when_hard_limited' (or 0 to disable)"},
        {"memory_limiter", LIMITED "max_gc_interval_when_soft_limited: 29s}",
         "(when both are set)"},
        {"memory_limiter", LIMITED "max_gc_interval_when_hard_limited: -1s}",
         "max_gc_interval_when_hard_limited"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct proc_world world;
        enum otel_err err = proc_world_init(&world, cases[i].type, cases[i].config, &detail);

        assert_int_equal(otel_err_class(err), OTEL_CLASS_USAGE);
        if (strstr(detail.text, cases[i].says) == NULL)
            fail_msg("%s: %s", cases[i].config, detail.text);
        proc_world_fini(&world);
    }
}

/* Taken apart span by span and put together again: the same bytes, as these requests have neither
 * unknown fields nor empty groups. */
static void regrouped_requests_are_the_same_bytes(void **state)
{
    static const char *const names[] = {"full", "groups", "extremes"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct col_regroup regroup;
        struct col_traces traces;
        struct otl_buf official;
        struct otl_view whole;
        struct col_span span;
        char path[128];

        otl_buf_init(&official, 1 << 20);
        snprintf(path, sizeof(path), "ci/witness/official/%s.bin", names[i]);
        assert_int_equal(otl_file_read(path, &official, NULL), OTEL_OK);
        col_regroup_init(&regroup, 1 << 20);
        col_traces_init(&traces, otl_view(official.data, official.len));
        while (col_traces_next(&traces, &span))
            assert_int_equal(col_regroup_add(&regroup, &traces, &span), OTEL_OK);
        assert_int_equal(col_regroup_finish(&regroup, &whole), OTEL_OK);
        assert_int_equal(whole.len, official.len);
        assert_memory_equal(whole.data, official.data, official.len);
        col_regroup_fini(&regroup);
        otl_buf_fini(&official);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch_gathers_and_cuts_as_the_collector_does),
        cmocka_unit_test(batch_sends_what_is_old_enough),
        cmocka_unit_test(batch_rests_however_short_its_timeout),
        cmocka_unit_test(batch_swallows_the_errors_of_what_follows_and_counts_them),
        cmocka_unit_test(memory_limiter_refuses_above_its_soft_limit),
        cmocka_unit_test(memory_limiter_looks_again_however_short_its_interval),
        cmocka_unit_test(intervals_of_collections_may_be_given),
        cmocka_unit_test(a_share_of_memory_is_one_of_the_control_groups_limit),
        cmocka_unit_test(memory_limiter_refuses_above_a_share_of_the_groups_limit),
        cmocka_unit_test(wrong_settings_are_refused),
        cmocka_unit_test(regrouped_requests_are_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
