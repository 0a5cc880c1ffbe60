/* SPDX-License-Identifier: Apache-2.0 */
/* The sampler against a scripted gRPC server, and the threads it makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <event2/event.h>
#include <otel/sdk/remote_sampler.h>
#include <sched.h>

#include "sdk/base/clock.h"
#include "sdk/tests/every_nth.h"
#include "sdk/tests/heap.h"
#include "sdk/transport/tests/grpc_server.h"

#define ALL "\x12\x09\x09\0\0\0\0\0\0\xf0\x3f"
#define NONE "\x12\x00"
#define HOUR_MILLIS (3600u * 1000)

struct rig {
    struct event_base *base;
    struct gsrv *srv;
    struct otel_sdk_jaeger_remote_options options;
    struct otel_sdk_sampler *sampler;
    char endpoint[64];
    char told[256]; /* written by the sampler's thread before it counts a question */
};

static void on_error(void *arg, enum otel_err err, const char *text)
{
    struct rig *rig = arg;

    snprintf(rig->told, sizeof(rig->told), "%s: %s", otel_err_name(err), text);
}

static void prepare(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    rig->base = event_base_new();
    rig->srv = gsrv_new(rig->base);
    snprintf(rig->endpoint, sizeof(rig->endpoint), "http://127.0.0.1:%u",
             (unsigned)gsrv_port(rig->srv));
    otel_sdk_jaeger_remote_options_init(&rig->options);
    rig->options.endpoint = otel_str(rig->endpoint); /* no path: gRPC */
    rig->options.service = otel_str("my shop/1");
    rig->options.polling_interval_millis = HOUR_MILLIS;
    rig->options.initial = otel_sdk_sampler_always_off();
    rig->options.error = on_error;
    rig->options.error_arg = rig;
}

static void answer(struct rig *rig, const char *message, size_t len)
{
    struct gsrv_step step = {.then = GSRV_ANSWER, .message = message, .message_len = len};

    gsrv_push(rig->srv, &step);
}

static void start(struct rig *rig)
{
    assert_int_equal(otel_sdk_sampler_jaeger_remote_new(&rig->options, &rig->sampler), OTEL_OK);
}

static void fini(struct rig *rig)
{
    otel_sdk_sampler_unref(rig->sampler);
    gsrv_free(rig->srv);
    event_base_free(rig->base);
}

static struct otel_sdk_jaeger_remote_stats stats_of(struct rig *rig)
{
    struct otel_sdk_jaeger_remote_stats stats = {.struct_size = sizeof(stats)};

    assert_int_equal(otel_sdk_sampler_jaeger_remote_stats(rig->sampler, &stats), OTEL_OK);
    return stats;
}

/* The server lives on this thread. */
static void await_questions(struct rig *rig, uint64_t count)
{
    uint64_t limit = otl_clock_mono(otl_clock_real()) + 60 * OTL_NS_PER_S;

    while (stats_of(rig).questions < count) {
        assert_true(otl_clock_mono(otl_clock_real()) < limit);
        event_base_loop(rig->base, EVLOOP_NONBLOCK);
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

static void it_calls_jaegers_method_and_does_as_told(void **state)
{
    struct rig rig;
    const char *data;
    size_t len;

    (void)state;
    prepare(&rig);
    answer(&rig, ALL, sizeof(ALL) - 1);
    start(&rig);
    await_questions(&rig, 1);
    assert_true(keeps(&rig));
    assert_non_null(strstr(gsrv_headers(rig.srv),
                           ":path: /jaeger.api_v2.SamplingManager/GetSamplingStrategy\n"));
    assert_non_null(strstr(gsrv_headers(rig.srv), "content-type: application/grpc\n"));
    data = gsrv_data(rig.srv, &len);
    assert_int_equal(len, 16); /* flag, length, {serviceName = 1} */
    assert_memory_equal(data, "\0\0\0\0\x0b\x0a\x09my shop/1", 16);
    assert_int_equal(stats_of(&rig).failures, 0);
    fini(&rig);
}

static void it_asks_again_and_keeps_the_last_when_the_server_fails(void **state)
{
    struct gsrv_step refuse = {.then = GSRV_ERROR, .grpc_status = "5"};
    struct gsrv_step garbage = {.then = GSRV_GARBAGE};
    struct rig rig;

    (void)state;
    prepare(&rig);
    rig.options.polling_interval_millis = 5;
    answer(&rig, NONE, sizeof(NONE) - 1);
    answer(&rig, ALL, sizeof(ALL) - 1);
    gsrv_push(rig.srv, &refuse);
    gsrv_push(rig.srv, &garbage);
    start(&rig);
    await_questions(&rig, 2);
    await_questions(&rig, 6); /* then: empty messages, which are no strategies */
    assert_true(keeps(&rig));
    assert_int_equal(stats_of(&rig).strategies, 2);
    assert_true(stats_of(&rig).failures >= 4);
    fini(&rig);
}

static void what_the_server_refuses_is_told_by_its_status(void **state)
{
    struct gsrv_step refuse = {.then = GSRV_ERROR, .grpc_status = "12"};
    struct rig rig;

    (void)state;
    prepare(&rig);
    gsrv_push(rig.srv, &refuse);
    start(&rig);
    await_questions(&rig, 1);
    assert_string_equal(rig.told,
                        "OTEL_ERR_REFUSED: sampling strategy: the server answers gRPC status 12");
    assert_false(keeps(&rig)); /* the initial one */
    fini(&rig);
}

static void the_protocol_may_be_named(void **state)
{
    struct rig rig;

    (void)state;
    prepare(&rig);
    snprintf(rig.endpoint, sizeof(rig.endpoint), "http://127.0.0.1:%u/sampling",
             (unsigned)gsrv_port(rig.srv));
    rig.options.endpoint = otel_str(rig.endpoint); /* HTTP by its form */
    rig.options.protocol = OTEL_SDK_JAEGER_GRPC;
    answer(&rig, ALL, sizeof(ALL) - 1);
    start(&rig);
    await_questions(&rig, 1);
    assert_true(keeps(&rig));
    otel_sdk_sampler_unref(rig.sampler);
    rig.sampler = NULL;
    rig.options.protocol = (enum otel_sdk_jaeger_protocol)3;
    assert_int_equal(otel_sdk_sampler_jaeger_remote_new(&rig.options, &rig.sampler),
                     OTEL_ERR_ARGUMENT);
    fini(&rig);
}

/* ---- threads -------------------------------------------------------------------------------- */

struct hook {
    unsigned calls; /* atomic */
    bool refuse;
};

static int create(void *arg, pthread_t *ret_thread, void *(*run)(void *), void *run_arg)
{
    struct hook *hook = arg;

    __atomic_fetch_add(&hook->calls, 1, __ATOMIC_RELAXED);
    return hook->refuse ? EAGAIN : pthread_create(ret_thread, NULL, run, run_arg);
}

static void its_thread_is_made_by_the_program(void **state)
{
    struct hook hook = {.refuse = true};
    struct rig rig;

    (void)state;
    prepare(&rig);
    rig.options.create_thread = create;
    rig.options.create_thread_arg = &hook;
    assert_int_equal(otel_sdk_sampler_jaeger_remote_new(&rig.options, &rig.sampler),
                     OTEL_ERR_THREAD);
    assert_null(rig.sampler);
    hook.refuse = false;
    answer(&rig, ALL, sizeof(ALL) - 1);
    start(&rig);
    await_questions(&rig, 1);
    assert_true(keeps(&rig));
    fini(&rig);
    assert_int_equal(hook.calls, 2);
}

/* .invalid is nobody's name: whatever the system says to it, it was asked on a thread. */
static void its_look_ups_are_made_by_the_program(void **state)
{
    struct hook hook = {.refuse = false};
    struct rig rig;

    (void)state;
    prepare(&rig);
    rig.options.endpoint = otel_str("http://jaeger.invalid:14250");
    rig.options.create_thread = create;
    rig.options.create_thread_arg = &hook;
    rig.options.timeout_millis = 50;
    start(&rig);
    await_questions(&rig, 1);
    assert_int_equal(__atomic_load_n(&hook.calls, __ATOMIC_RELAXED), 2);
    assert_int_equal(stats_of(&rig).failures, 1);
    fini(&rig);
}

static void options_of_an_older_header_are_filled_up(void **state)
{
    struct rig rig;

    (void)state;
    prepare(&rig);
    rig.options.struct_size = offsetof(struct otel_sdk_jaeger_remote_options, protocol);
    rig.options.protocol = (enum otel_sdk_jaeger_protocol)99;
    rig.options.create_thread = (int (*)(void *, pthread_t *, void *(*)(void *), void *))1;
    start(&rig); /* what lies behind struct_size was not looked at */
    await_questions(&rig, 1);
    fini(&rig);
}

static void prepare_two_answers(void *arg)
{
    struct rig *rig = arg;

    prepare(rig);
    rig->options.polling_interval_millis = 1;
    answer(rig, ALL, sizeof(ALL) - 1);
    answer(rig, NONE, sizeof(NONE) - 1);
}

static enum otel_err ask_three_times(void *arg)
{
    struct rig *rig = arg;
    enum otel_err err = otel_sdk_sampler_jaeger_remote_new(&rig->options, &rig->sampler);

    if (err == OTEL_OK) {
        while (stats_of(rig).failures < 3 && stats_of(rig).questions < 3)
            event_base_loop(rig->base, EVLOOP_NONBLOCK);
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

/* The server's buffers are of the same heap: a question that it cannot take fails, too. */
static void when_every_nth_allocation_fails_nothing_is_left_behind(void **state)
{
    struct rig rig;
    struct every_nth test = {prepare_two_answers, ask_three_times, free_server, &rig, 20000, true};

    (void)state;
    every_nth(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_calls_jaegers_method_and_does_as_told),
        cmocka_unit_test(it_asks_again_and_keeps_the_last_when_the_server_fails),
        cmocka_unit_test(what_the_server_refuses_is_told_by_its_status),
        cmocka_unit_test(the_protocol_may_be_named),
        cmocka_unit_test(its_thread_is_made_by_the_program),
        cmocka_unit_test(options_of_an_older_header_are_filled_up),
        cmocka_unit_test(when_every_nth_allocation_fails_nothing_is_left_behind),
        /* last: its thread outlives it, and frees memory when the system has answered */
        cmocka_unit_test(its_look_ups_are_made_by_the_program),
    };

    heap_install();
    return cmocka_run_group_tests_name("jaeger_grpc", tests, NULL, NULL);
}
