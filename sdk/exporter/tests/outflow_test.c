/* SPDX-License-Identifier: Apache-2.0 */
/* Records on their way to a pipe that takes a part, while time or memory to wait is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sdk/base/clock.h"
#include "sdk/base/loop/loop.h"
#include "sdk/exporter/outflow.h"
#include "sdk/tests/loop_heap.h"

enum { BIG = 200000, TEXT_MAX = 1 << 20 };

struct bench {
    struct otel_sdk_loop *loop;
    struct otl_outflow outflow;
    int near, far;
    unsigned done;
    bool is_done;
    enum otel_err err;
    char text[2 * BIG]; /* read from far */
    size_t len;
};

static void on_wake(void *arg)
{
    (void)arg;
}

static int set_up(void **state)
{
    static struct bench bench;
    int ends[2];

    memset(&bench, 0, sizeof(bench));
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    bench.near = ends[1];
    bench.far = ends[0];
    fcntl(bench.far, F_SETFL, O_NONBLOCK);
    assert_int_equal(otl_loop_new(on_wake, NULL, &bench.loop), OTEL_OK);
    otl_outflow_init(&bench.outflow, TEXT_MAX);
    otl_outflow_loop(&bench.outflow, bench.loop);
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    loop_heap_exhaust(false);
    otl_outflow_fini(&bench->outflow);
    otl_loop_free(bench->loop);
    if (bench->near >= 0)
        close(bench->near);
    close(bench->far);
    return 0;
}

static void on_done(void *arg, enum otel_err err)
{
    struct bench *bench = arg;

    bench->done++;
    bench->is_done = true;
    bench->err = err;
}

/* A record of size times c, then a line's end. */
static void begin(struct bench *bench, char c, size_t size)
{
    struct otl_buf *text = otl_outflow_text(&bench->outflow);

    bench->is_done = false;
    assert_int_equal(otl_buf_reserve(text, size + 1), OTEL_OK);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(otl_buf_append_byte(text, (uint8_t)c), OTEL_OK);
    assert_int_equal(otl_buf_append_byte(text, '\n'), OTEL_OK);
    assert_int_equal(otl_outflow_size(&bench->outflow), size + 1);
    otl_outflow_begin(&bench->outflow, bench->near, on_done, bench);
}

static void read_some(struct bench *bench)
{
    ssize_t got;

    while ((got = read(bench->far, bench->text + bench->len, sizeof(bench->text) - bench->len)) > 0)
        bench->len += (size_t)got;
}

static void until_done(struct bench *bench)
{
    uint64_t patience = otl_clock_mono(otl_clock_real()) + 60 * OTL_NS_PER_S;

    while (!bench->is_done && otl_clock_mono(otl_clock_real()) < patience) {
        read_some(bench);
        otl_loop_run_until(bench->loop, &bench->is_done,
                           otl_clock_mono(otl_clock_real()) + OTL_NS_PER_MS);
    }
    read_some(bench);
    assert_true(bench->is_done);
}

static void is_line(const struct bench *bench, size_t at, char c, size_t size)
{
    assert_true(at + size < bench->len);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(bench->text[at + i], c);
    assert_int_equal(bench->text[at + size], '\n');
}

static void what_is_not_taken_at_once_goes_when_there_is_room(void **state)
{
    struct bench *bench = *state;

    begin(bench, 'a', BIG);
    assert_int_equal(bench->done, 0);
    until_done(bench);
    assert_int_equal(bench->err, OTEL_OK);
    assert_int_equal(bench->len, BIG + 1);
    is_line(bench, 0, 'a', BIG);
}

static void after_a_cancel_the_rest_goes_first_and_what_was_not_begun_is_gone(void **state)
{
    struct bench *bench = *state;

    begin(bench, 'a', BIG);
    otl_outflow_cancel(&bench->outflow);
    otl_outflow_cancel(&bench->outflow); /* nothing under way any more */
    assert_int_equal(bench->done, 1);
    assert_int_equal(bench->err, OTEL_ERR_TIMEOUT);
    begin(bench, 'b', 10);
    otl_outflow_cancel(&bench->outflow);
    begin(bench, 'c', 10);
    until_done(bench);
    assert_int_equal(bench->err, OTEL_OK);
    assert_int_equal(bench->done, 3);
    assert_int_equal(bench->len, BIG + 1 + 11);
    is_line(bench, 0, 'a', BIG);
    is_line(bench, BIG + 1, 'c', 10);
}

static void without_memory_to_wait_it_is_as_after_a_cancel(void **state)
{
    struct bench *bench = *state;

    loop_heap_exhaust(true);
    begin(bench, 'a', BIG);
    assert_int_equal(bench->done, 1);
    assert_int_equal(bench->err, OTEL_ERR_MEMORY);
    loop_heap_exhaust(false);
    begin(bench, 'b', 10);
    until_done(bench);
    assert_int_equal(bench->err, OTEL_OK);
    assert_int_equal(bench->len, BIG + 1 + 11);
    is_line(bench, BIG + 1, 'b', 10);
}

static void the_end_takes_as_much_of_a_rest_as_goes(void **state)
{
    struct bench *bench = *state;
    size_t size = (size_t)fcntl(bench->near, F_GETPIPE_SZ) + 100;

    begin(bench, 'a', size); /* more than the pipe takes at once, less than twice as much */
    otl_outflow_cancel(&bench->outflow);
    assert_int_equal(bench->err, OTEL_ERR_TIMEOUT);
    read_some(bench);
    otl_outflow_last(&bench->outflow, bench->near);
    read_some(bench);
    assert_int_equal(bench->len, size + 1);
    is_line(bench, 0, 'a', size);
    otl_outflow_last(&bench->outflow, bench->near); /* nothing is left */
    read_some(bench);
    assert_int_equal(bench->len, size + 1);
}

static void a_reader_that_goes_ends_it_and_nothing_of_it_is_kept(void **state)
{
    struct bench *bench = *state;
    int ends[2];

    begin(bench, 'a', BIG);
    assert_int_equal(bench->done, 0);
    close(bench->far);
    until_done(bench);
    assert_int_equal(bench->err, OTEL_ERR_IO);
    close(bench->near);
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    bench->near = ends[1];
    bench->far = ends[0];
    begin(bench, 'b', 10);
    until_done(bench);
    assert_int_equal(bench->err, OTEL_OK);
    assert_int_equal(bench->len, 11);
    is_line(bench, 0, 'b', 10);
}

int main(void)
{
#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        BENCH_TEST(what_is_not_taken_at_once_goes_when_there_is_room),
        BENCH_TEST(after_a_cancel_the_rest_goes_first_and_what_was_not_begun_is_gone),
        BENCH_TEST(without_memory_to_wait_it_is_as_after_a_cancel),
        BENCH_TEST(the_end_takes_as_much_of_a_rest_as_goes),
        BENCH_TEST(a_reader_that_goes_ends_it_and_nothing_of_it_is_kept),
    };

    loop_heap_install();
    return cmocka_run_group_tests_name("outflow", tests, NULL, NULL);
}
