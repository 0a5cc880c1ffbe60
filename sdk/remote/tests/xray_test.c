/* SPDX-License-Identifier: Apache-2.0 */
/* The sampler of X-Ray against a scripted server, on a clock that the test moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <otel/sdk/xray_sampler.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/base/clock.h"
#include "sdk/tests/every_nth.h"
#include "sdk/tests/heap.h"
#include "sdk/transport/tests/server.h"

#define RULES(rate)                                                                                \
    "{\"SamplingRuleRecords\":[{\"SamplingRule\":{\"RuleName\":\"Default\",\"Version\":1,"         \
    "\"Priority\":10000,\"ReservoirSize\":0,\"FixedRate\":" rate                                   \
    ",\"ServiceName\":\"my shop\",\"ServiceType\":\"*\"}}],\"NextToken\":null}"
#define TARGETS(rate, more)                                                                        \
    "{\"SamplingTargetDocuments\":[{\"RuleName\":\"Default\",\"Interval\":3600,"              \
    "\"FixedRate\":" rate "}]" more "}"
#define HOUR_MILLIS (3600u * 1000)
#define SOON_MILLIS 5

struct rig {
    struct srv *srv;
    struct otel_sdk_resource *resource;
    struct otel_sdk_xray_options options;
    struct otel_sdk_clock clock;
    struct otel_sdk_sampler *sampler;
    char endpoint[64];
    uint64_t moved_ns; /* atomic: the clock is the system's and so much */
    unsigned told;     /* atomic */
};

static uint64_t mono(void *rig)
{
    return otl_clock_mono(otl_clock_real()) +
           __atomic_load_n(&((struct rig *)rig)->moved_ns, __ATOMIC_RELAXED);
}

static uint64_t wall(void *rig)
{
    return otl_clock_wall(otl_clock_real()) +
           __atomic_load_n(&((struct rig *)rig)->moved_ns, __ATOMIC_RELAXED);
}

static void on_error(void *arg, enum otel_err err, const char *text)
{
    struct rig *rig = arg;

    (void)err;
    (void)text;
    __atomic_fetch_add(&rig->told, 1, __ATOMIC_RELAXED);
}

static void prepare(struct rig *rig)
{
    struct otel_attribute name = otel_attr_str("service.name", "my shop");

    memset(rig, 0, sizeof(*rig));
    rig->srv = srv_new();
    assert_int_equal(otel_sdk_resource_new(&name, 1, otel_str(""), &rig->resource), OTEL_OK);
    snprintf(rig->endpoint, sizeof(rig->endpoint), "http://127.0.0.1:%u",
             (unsigned)srv_port(rig->srv));
    rig->clock = (struct otel_sdk_clock){mono, wall, rig};
    otel_sdk_xray_options_init(&rig->options);
    rig->options.endpoint = otel_str(rig->endpoint);
    rig->options.resource = rig->resource;
    rig->options.polling_interval_millis = HOUR_MILLIS;
    rig->options.target_interval_millis = HOUR_MILLIS;
    rig->options.clock = &rig->clock;
    rig->options.error = on_error;
    rig->options.error_arg = rig;
}

static void answer(struct rig *rig, unsigned status, const char *body)
{
    srv_push_answer(rig->srv, status, "", body, strlen(body));
}

static void start(struct rig *rig)
{
    assert_int_equal(otel_sdk_sampler_xray_new(&rig->options, &rig->sampler), OTEL_OK);
}

static void fini(void *arg)
{
    struct rig *rig = arg;

    otel_sdk_sampler_unref(rig->sampler);
    otel_sdk_resource_unref(rig->resource);
    srv_free(rig->srv);
}

static struct otel_sdk_xray_stats stats_of(struct rig *rig)
{
    struct otel_sdk_xray_stats stats = {.struct_size = sizeof(stats)};

    assert_int_equal(otel_sdk_sampler_xray_stats(rig->sampler, &stats), OTEL_OK);
    return stats;
}

static void await(struct rig *rig, uint64_t rules, uint64_t targets)
{
    uint64_t limit = otl_clock_mono(otl_clock_real()) + 60 * OTL_NS_PER_S;

    while (stats_of(rig).rule_questions < rules || stats_of(rig).target_questions < targets) {
        assert_true(otl_clock_mono(otl_clock_real()) < limit);
        sched_yield();
    }
}

/* A trace id that no share below 1 keeps. */
static bool keeps(struct rig *rig)
{
    static const uint8_t id[OTEL_TRACE_ID_SIZE] = {1,    2,    3,    4,    5,    6,    7,    8,
                                                   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct otel_sdk_sampling_input input = {.trace_id = id, .name = otel_str("a")};
    struct otel_sdk_sampling_result result = {.decision = OTEL_SDK_DROP};

    rig->sampler->ops->should_sample(rig->sampler, &input, &result);
    return result.decision == OTEL_SDK_RECORD_AND_SAMPLE;
}

static void it_asks_for_rules_and_for_targets_of_those_that_matched(void **state)
{
    const struct srv_request *asked;
    char type[128];
    struct rig rig;

    (void)state;
    prepare(&rig);
    rig.options.target_interval_millis = SOON_MILLIS;
    answer(&rig, 200, RULES("1"));
    answer(&rig, 200, TARGETS("0", ",\"LastRuleModification\":1.0"));
    start(&rig);
    await(&rig, 1, 0);
    assert_true(keeps(&rig)); /* no target is asked for before */
    await(&rig, 1, 1);
    assert_false(keeps(&rig));
    asked = srv_request(rig.srv, 0);
    assert_memory_equal(asked->head, "POST /GetSamplingRules HTTP/1.1\r\n", 33);
    assert_int_equal(asked->body_len, 18);
    assert_memory_equal(asked->body, "{\"NextToken\":null}", 18);
    assert_true(srv_header(asked, "Content-Type", type, sizeof(type)));
    assert_string_equal(type, "application/json");
    asked = srv_request(rig.srv, 1);
    assert_memory_equal(asked->head, "POST /SamplingTargets HTTP/1.1\r\n", 32);
    assert_memory_equal(asked->body, "{\"SamplingStatisticsDocuments\":[{\"ClientID\":\"", 45);
    assert_memory_equal(asked->body + 69, "\",\"RuleName\":\"Default\",\"Timestamp\":", 35);
    assert_int_equal(stats_of(&rig).rules, 1);
    assert_int_equal(stats_of(&rig).failures, 0);
    assert_int_equal(rig.told, 0);
    snprintf(type, sizeof(type), "AwsXrayRemoteSampler{%s}", rig.endpoint);
    assert_true(otel_str_equal(otel_sdk_sampler_description(rig.sampler), otel_str(type)));
    fini(&rig);
}

static unsigned kept_of(struct rig *rig, unsigned count)
{
    unsigned sum = 0;

    while (count-- > 0)
        sum += keeps(rig);
    return sum;
}

static void without_rules_one_a_second_is_kept(void **state)
{
    struct srv_step silent = {.then = SRV_SILENT};
    struct rig rig;

    (void)state;
    prepare(&rig);
    srv_push(rig.srv, &silent);
    start(&rig);
    assert_true(keeps(&rig));
    for (int i = 0; i < 5; i++) { /* at least one, and one more for each second that it took */
        uint64_t began = otl_clock_mono(otl_clock_real());
        unsigned kept;

        __atomic_fetch_add(&rig.moved_ns, OTL_NS_PER_S, __ATOMIC_RELAXED);
        kept = kept_of(&rig, 50);
        assert_in_range(kept, 1,
                        2 + (otl_clock_mono(otl_clock_real()) - began) / OTL_NS_PER_S);
    }
    fini(&rig);
}

static void rules_hold_for_an_hour_and_failures_are_told_once(void **state)
{
    struct rig rig;

    (void)state;
    prepare(&rig);
    rig.options.polling_interval_millis = SOON_MILLIS;
    answer(&rig, 503, "");
    answer(&rig, 200, "{\"message\":\"Forbidden\"}");
    answer(&rig, 200, RULES("1"));
    for (int i = 0; i < 20; i++)
        answer(&rig, 500, "");
    start(&rig);
    await(&rig, 6, 0);
    assert_int_equal(kept_of(&rig, 10), 10); /* the last rules hold */
    assert_true(stats_of(&rig).failures >= 5);
    assert_int_equal(__atomic_load_n(&rig.told, __ATOMIC_RELAXED), 2); /* once each time */
    __atomic_fetch_add(&rig.moved_ns, 3601 * OTL_NS_PER_S, __ATOMIC_RELAXED);
    assert_true(kept_of(&rig, 10) < 10); /* too old: as without */
    fini(&rig);
}

static void changed_rules_are_asked_for_at_once(void **state)
{
    struct rig rig;

    (void)state;
    prepare(&rig);
    rig.options.target_interval_millis = SOON_MILLIS;
    answer(&rig, 200, RULES("1"));
    answer(&rig, 200, TARGETS("1", ",\"LastRuleModification\":9999999999"));
    answer(&rig, 200, RULES("0"));
    start(&rig);
    await(&rig, 1, 0);
    assert_true(keeps(&rig));
    await(&rig, 2, 1); /* though the next questions for rules are an hour away */
    assert_false(keeps(&rig));
    fini(&rig);
}

static void *decide_on_and_on(void *arg)
{
    for (int i = 0; i < 5000; i++)
        (void)keeps(arg);
    return NULL;
}

static void threads_decide_while_answers_change(void **state)
{
    pthread_t threads[4];
    struct rig rig;

    (void)state;
    prepare(&rig);
    rig.options.polling_interval_millis = 2;
    rig.options.target_interval_millis = 1;
    for (int i = 0; i < 32; i++) /* to whichever question */
        answer(&rig, 200, i % 3 == 0   ? RULES("1")
                          : i % 3 == 1 ? TARGETS("0.5", ",\"SamplingRuleRecords\":[]")
                                       : RULES("0"));
    start(&rig);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, decide_on_and_on, &rig), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    await(&rig, 5, 0);
    fini(&rig);
}

#ifndef __SANITIZE_THREAD__ /* which does not follow a fork of a threaded process */
static int in_child(struct rig *rig)
{
    if (!keeps(rig)) /* what the parent was told; asks */
        return 1;
    await(rig, 1, 0);
    if (keeps(rig))
        return 2;
    otel_sdk_sampler_unref(rig->sampler);
    return 0;
}

static void a_forked_child_keeps_the_rules_and_asks_on_its_own(void **state)
{
    struct rig rig;
    int status = -1;
    pid_t child;

    (void)state;
    prepare(&rig);
    answer(&rig, 200, RULES("1"));
    answer(&rig, 200, RULES("0"));
    start(&rig);
    await(&rig, 1, 0);
    child = fork();
    if (child == 0)
        _exit(in_child(&rig));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(kept_of(&rig, 3), 3);
    assert_int_equal(stats_of(&rig).rule_questions, 1);
    fini(&rig);
}
#endif

static void bad_options_are_refused_by_their_kind(void **state)
{
    struct otel_sdk_xray_options options;
    struct otel_sdk_sampler *sampler = NULL;

    (void)state;
    assert_int_equal(otel_sdk_sampler_xray_new(NULL, &sampler), OTEL_ERR_ARGUMENT);
    otel_sdk_xray_options_init(&options);
    options.target_interval_millis = 0;
    assert_int_equal(otel_sdk_sampler_xray_new(&options, &sampler), OTEL_ERR_ARGUMENT);
    otel_sdk_xray_options_init(&options);
    options.endpoint = otel_str("http://");
    assert_int_equal(otel_sdk_sampler_xray_new(&options, &sampler), OTEL_ERR_SYNTAX);
    options.endpoint = otel_str("ftp://localhost");
    assert_int_equal(otel_sdk_sampler_xray_new(&options, &sampler), OTEL_ERR_UNSUPPORTED);
    assert_null(sampler);
}

static void prepare_answers(void *arg)
{
    struct rig *rig = arg;

    prepare(rig);
    rig->options.polling_interval_millis = 1;
    rig->options.target_interval_millis = 1;
    for (int i = 0; i < 8; i++)
        answer(rig, 200, RULES("1"));
}

static enum otel_err live(void *arg)
{
    struct rig *rig = arg;
    enum otel_err err = otel_sdk_sampler_xray_new(&rig->options, &rig->sampler);
    uint64_t limit = otl_clock_mono(otl_clock_real()) + 60 * OTL_NS_PER_S;

    while (err == OTEL_OK && stats_of(rig).failures + stats_of(rig).rule_questions < 4) {
        (void)keeps(rig);
        assert_true(otl_clock_mono(otl_clock_real()) < limit);
        sched_yield();
    }
    otel_sdk_sampler_unref(rig->sampler);
    rig->sampler = NULL;
    return err;
}

static void when_allocations_fail_nothing_is_left_behind(void **state)
{
    struct rig rig;
    struct every_nth test = {prepare_answers, live, fini, &rig, 20000, true};

    (void)state;
    every_nth(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_asks_for_rules_and_for_targets_of_those_that_matched),
        cmocka_unit_test(without_rules_one_a_second_is_kept),
        cmocka_unit_test(rules_hold_for_an_hour_and_failures_are_told_once),
        cmocka_unit_test(changed_rules_are_asked_for_at_once),
        cmocka_unit_test(threads_decide_while_answers_change),
#ifndef __SANITIZE_THREAD__
        cmocka_unit_test(a_forked_child_keeps_the_rules_and_asks_on_its_own),
#endif
        cmocka_unit_test(bad_options_are_refused_by_their_kind),
        cmocka_unit_test(when_allocations_fail_nothing_is_left_behind),
    };

    heap_install();
    return cmocka_run_group_tests_name("xray", tests, NULL, NULL);
}
