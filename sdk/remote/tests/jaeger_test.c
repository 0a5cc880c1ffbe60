/* SPDX-License-Identifier: Apache-2.0 */
/* The sampler against a scripted server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <otel/sdk/remote_sampler.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/base/clock.h"
#include "sdk/tests/every_nth.h"
#include "sdk/tests/heap.h"
#include "sdk/tests/loop_heap.h"
#include "sdk/transport/tests/server.h"

#define ALL "{\"probabilisticSampling\":{\"samplingRate\":1}}"
#define NONE "{\"probabilisticSampling\":{\"samplingRate\":0}}"
#define HOUR_MILLIS (3600u * 1000)

struct rig {
    struct srv *srv;
    struct otel_sdk_jaeger_remote_options options;
    struct otel_sdk_sampler *sampler;
    char endpoint[64];
    unsigned told; /* atomic */
};

static void on_error(void *arg, enum otel_err err, const char *text)
{
    struct rig *rig = arg;

    (void)err;
    (void)text;
    __atomic_fetch_add(&rig->told, 1, __ATOMIC_RELAXED);
}

static void prepare(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    rig->srv = srv_new();
    snprintf(rig->endpoint, sizeof(rig->endpoint), "http://127.0.0.1:%u/sampling",
             (unsigned)srv_port(rig->srv));
    otel_sdk_jaeger_remote_options_init(&rig->options);
    rig->options.endpoint = otel_str(rig->endpoint);
    rig->options.service = otel_str("my shop/1");
    rig->options.polling_interval_millis = HOUR_MILLIS;
    rig->options.initial = otel_sdk_sampler_always_off();
    rig->options.error = on_error;
    rig->options.error_arg = rig;
}

static void answer(struct rig *rig, unsigned status, const char *body)
{
    srv_push_answer(rig->srv, status, "", body, strlen(body));
}

static void start(struct rig *rig)
{
    assert_int_equal(otel_sdk_sampler_jaeger_remote_new(&rig->options, &rig->sampler), OTEL_OK);
}

static void fini(struct rig *rig)
{
    otel_sdk_sampler_unref(rig->sampler);
    srv_free(rig->srv);
}

static struct otel_sdk_jaeger_remote_stats stats_of(struct rig *rig)
{
    struct otel_sdk_jaeger_remote_stats stats = {.struct_size = sizeof(stats)};

    assert_int_equal(otel_sdk_sampler_jaeger_remote_stats(rig->sampler, &stats), OTEL_OK);
    return stats;
}

static void await_questions(struct rig *rig, uint64_t count)
{
    uint64_t limit = otl_clock_mono(otl_clock_real()) + 60 * OTL_NS_PER_S;

    while (stats_of(rig).questions < count) {
        assert_true(otl_clock_mono(otl_clock_real()) < limit);
        sched_yield();
    }
}

/* Of questions and of those that could not be asked. */
static void await_ends(struct rig *rig, uint64_t count)
{
    uint64_t limit = otl_clock_mono(otl_clock_real()) + 60 * OTL_NS_PER_S;

    while (stats_of(rig).failures + stats_of(rig).strategies < count) {
        assert_true(otl_clock_mono(otl_clock_real()) < limit);
        sched_yield();
    }
}

static void await_strategies(struct rig *rig, uint64_t count)
{
    uint64_t limit = otl_clock_mono(otl_clock_real()) + 60 * OTL_NS_PER_S;

    while (stats_of(rig).strategies < count) {
        assert_true(otl_clock_mono(otl_clock_real()) < limit);
        sched_yield();
    }
}

static bool keeps(struct rig *rig)
{
    static const uint8_t id[OTEL_TRACE_ID_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct otel_sdk_sampling_input input = {.trace_id = id, .name = otel_str("a")};
    struct otel_sdk_sampling_result result = {.decision = OTEL_SDK_DROP};

    rig->sampler->ops->should_sample(rig->sampler, &input, &result);
    return result.decision == OTEL_SDK_RECORD_AND_SAMPLE;
}

static void it_asks_for_its_service_and_does_as_told(void **state)
{
    struct rig rig;

    (void)state;
    prepare(&rig);
    answer(&rig, 200, ALL);
    start(&rig);
    await_questions(&rig, 1);
    assert_true(keeps(&rig));
    assert_memory_equal(srv_request(rig.srv, 0)->head,
                        "GET /sampling?service=my%20shop%2F1 HTTP/1.1\r\n", 46);
    assert_null(strstr(srv_request(rig.srv, 0)->head, "Content-Length"));
    assert_int_equal(stats_of(&rig).strategies, 1);
    assert_int_equal(rig.told, 0);
    fini(&rig);
}

static void the_initial_sampler_decides_until_an_answer_is_understood(void **state)
{
    struct rig rig;

    (void)state;
    prepare(&rig);
    rig.options.initial = otel_sdk_sampler_always_on();
    rig.options.polling_interval_millis = 5;
    answer(&rig, 503, "");
    answer(&rig, 200, "{\"what\": 1}");
    answer(&rig, 200, NONE);
    for (int i = 0; i < 20; i++)
        answer(&rig, 500, "");
    start(&rig);
    assert_true(keeps(&rig) || srv_count(rig.srv) >= 3);
    await_questions(&rig, 3);
    assert_false(keeps(&rig));
    await_questions(&rig, 6); /* failures keep the last */
    assert_false(keeps(&rig));
    assert_true(stats_of(&rig).failures >= 5);
    assert_int_equal(__atomic_load_n(&rig.told, __ATOMIC_RELAXED), 2); /* once each time */
    fini(&rig);
}

static void it_asks_again_and_follows_a_change(void **state)
{
    struct rig rig;

    (void)state;
    prepare(&rig);
    rig.options.polling_interval_millis = 5;
    for (int i = 0; i < 3; i++)
        answer(&rig, 200, NONE);
    for (int i = 0; i < 20; i++)
        answer(&rig, 200, ALL);
    start(&rig);
    await_questions(&rig, 6);
    assert_true(keeps(&rig));
    assert_int_equal(stats_of(&rig).strategies, 2); /* the same answer is no change */
    assert_int_equal(srv_connections(rig.srv), 1);
    fini(&rig);
}

static void a_silent_or_endless_server_is_a_failure_and_no_hold_up(void **state)
{
    struct srv_step silent = {.then = SRV_SILENT}, endless = {.pad = 2 << 20};
    struct srv_step all = {.for_ever = true}; /* each may be too late, on a busy machine */
    struct rig rig;

    (void)state;
    prepare(&rig);
    rig.options.polling_interval_millis = 5;
    rig.options.timeout_millis = 50;
    snprintf(endless.raw, sizeof(endless.raw), "HTTP/1.1 200 x\r\nContent-Length: 2097152\r\n\r\n");
    srv_push(rig.srv, &silent);
    srv_push(rig.srv, &endless);
    snprintf(all.raw, sizeof(all.raw), "HTTP/1.1 200 x\r\nContent-Length: %zu\r\n\r\n" ALL,
             sizeof(ALL) - 1);
    srv_push(rig.srv, &all);
    start(&rig);
    await_strategies(&rig, 1);
    assert_true(stats_of(&rig).failures >= 2);
    assert_true(keeps(&rig));
    fini(&rig);
}

static void it_ends_at_once_though_a_question_is_open(void **state)
{
    struct srv_step silent = {.then = SRV_SILENT};
    struct rig rig;
    uint64_t began;

    (void)state;
    prepare(&rig);
    srv_push(rig.srv, &silent);
    start(&rig);
    assert_true(srv_wait(rig.srv, 1));
    began = otl_clock_mono(otl_clock_real());
    otel_sdk_sampler_unref(rig.sampler);
    assert_true(otl_clock_mono(otl_clock_real()) - began < 5 * OTL_NS_PER_S); /* of 10 */
    srv_free(rig.srv);
}

static void *decide_on_and_on(void *arg)
{
    for (int i = 0; i < 20000; i++)
        (void)keeps(arg);
    return NULL;
}

static void threads_decide_while_answers_change(void **state)
{
    pthread_t threads[4];
    struct rig rig;

    (void)state;
    prepare(&rig);
    rig.options.polling_interval_millis = 1;
    for (int i = 0; i < 32; i++)
        answer(&rig, 200, i % 2 ? ALL : NONE);
    start(&rig);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, decide_on_and_on, &rig), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    await_questions(&rig, 32);
    assert_int_equal(stats_of(&rig).strategies, 32);
    fini(&rig);
}

#ifndef __SANITIZE_THREAD__ /* which does not follow a fork of a threaded process */
static int in_child(struct rig *rig)
{
    if (!keeps(rig)) /* what the parent was told; asks */
        return 1;
    await_questions(rig, 1);
    if (keeps(rig))
        return 2;
    otel_sdk_sampler_unref(rig->sampler);
    return 0;
}

static void a_forked_child_keeps_the_strategy_and_asks_on_its_own(void **state)
{
    struct rig rig;
    int status = -1;
    pid_t child;

    (void)state;
    prepare(&rig);
    answer(&rig, 200, ALL);
    answer(&rig, 200, NONE);
    start(&rig);
    await_questions(&rig, 1);
    child = fork();
    if (child == 0)
        _exit(in_child(&rig));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(keeps(&rig));
    assert_int_equal(stats_of(&rig).questions, 1);
    fini(&rig);
}
#endif

static void bad_options_are_refused_by_their_kind(void **state)
{
    struct otel_sdk_sampler *sampler = NULL;
    struct rig rig;

    (void)state;
    prepare(&rig);
    rig.options.service = otel_str("");
    assert_int_equal(otel_sdk_sampler_jaeger_remote_new(&rig.options, &sampler),
                     OTEL_ERR_ARGUMENT);
    prepare((srv_free(rig.srv), &rig));
    rig.options.endpoint = otel_str("jaeger");
    assert_int_not_equal(otel_sdk_sampler_jaeger_remote_new(&rig.options, &sampler), OTEL_OK);
    prepare((srv_free(rig.srv), &rig));
    rig.options.polling_interval_millis = 0;
    assert_int_equal(otel_sdk_sampler_jaeger_remote_new(&rig.options, &sampler),
                     OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_sdk_sampler_jaeger_remote_new(NULL, &sampler), OTEL_ERR_ARGUMENT);
    assert_null(sampler);
    srv_free(rig.srv);
}

static void prepare_four_answers(void *arg)
{
    struct rig *rig = arg;

    prepare(rig);
    rig->options.polling_interval_millis = 1;
    for (int i = 0; i < 4; i++)
        answer(rig, 200, i % 2 ? NONE : ALL); /* each one is read anew */
}

static enum otel_err ask_four_times(void *arg)
{
    struct rig *rig = arg;
    enum otel_err err = otel_sdk_sampler_jaeger_remote_new(&rig->options, &rig->sampler);

    if (err == OTEL_OK) {
        await_ends(rig, 4);
        (void)keeps(rig);
    }
    otel_sdk_sampler_unref(rig->sampler);
    rig->sampler = NULL;
    return err;
}

static void free_server(void *arg)
{
    fini(arg);
}

static void when_every_nth_allocation_fails_nothing_is_left_behind(void **state)
{
    struct rig rig;
    struct every_nth test = {prepare_four_answers, ask_four_times, free_server, &rig, 20000, true};

    (void)state;
    every_nth(&test);
}

static int exhaust_and_create(void *arg, pthread_t *ret_thread, void *(*run)(void *), void *run_arg)
{
    (void)arg;
    loop_heap_exhaust(true);
    return pthread_create(ret_thread, NULL, run, run_arg);
}

/* Neither for the question nor for the timer to the next. */
static void without_memory_in_its_loop_it_goes_on_when_there_is_some(void **state)
{
    struct rig rig;

    (void)state;
    prepare(&rig);
    rig.options.polling_interval_millis = 1;
    rig.options.create_thread = exhaust_and_create;
    answer(&rig, 200, ALL);
    start(&rig);
    assert_true(loop_heap_await_refusals(20));
    assert_int_equal(stats_of(&rig).failures, 2); /* each once, however often it tries */
    assert_int_equal(__atomic_load_n(&rig.told, __ATOMIC_RELAXED), 1);
    loop_heap_exhaust(false);
    while (stats_of(&rig).strategies == 0) /* at most until the runner's limit */
        sched_yield();
    assert_true(keeps(&rig));
    fini(&rig);
    prepare(&rig); /* and it can be left while it tries */
    rig.options.create_thread = exhaust_and_create;
    start(&rig);
    assert_true(loop_heap_await_refusals(20));
    fini(&rig);
    loop_heap_exhaust(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_asks_for_its_service_and_does_as_told),
        cmocka_unit_test(the_initial_sampler_decides_until_an_answer_is_understood),
        cmocka_unit_test(it_asks_again_and_follows_a_change),
        cmocka_unit_test(a_silent_or_endless_server_is_a_failure_and_no_hold_up),
        cmocka_unit_test(it_ends_at_once_though_a_question_is_open),
        cmocka_unit_test(threads_decide_while_answers_change),
#ifndef __SANITIZE_THREAD__
        cmocka_unit_test(a_forked_child_keeps_the_strategy_and_asks_on_its_own),
#endif
        cmocka_unit_test(bad_options_are_refused_by_their_kind),
        cmocka_unit_test(when_every_nth_allocation_fails_nothing_is_left_behind),
        cmocka_unit_test(without_memory_in_its_loop_it_goes_on_when_there_is_some),
    };

    heap_install();
    loop_heap_install();
    return cmocka_run_group_tests_name("jaeger_remote", tests, NULL, NULL);
}
