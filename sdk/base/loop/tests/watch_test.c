/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <otel/sdk/loop.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/base/clock.h"
#include "sdk/base/loop/loop.h"
#include "sdk/base/mem.h"
#include "sdk/tests/loop_heap.h"

enum { WAKERS = 8, WAKES = 500 };

#define PATIENCE (60 * OTL_NS_PER_S) /* until what never comes counts as lost */
#define NEVER OTEL_SDK_WATCH_NO_DELAY

struct seen {
    unsigned came; /* all bits so far */
    unsigned calls;
    bool done;
    struct otel_sdk_watch *to_free;
};

static void on_wake(void *arg)
{
    (void)arg;
}

static struct otel_sdk_loop *new_loop(void)
{
    struct otel_sdk_loop *loop = NULL;

    assert_int_equal(otl_loop_new(on_wake, NULL, &loop), OTEL_OK);
    return loop;
}

static void on_ready(void *arg, unsigned came)
{
    struct seen *seen = arg;

    seen->came |= came;
    seen->calls++;
    seen->done = true;
    otel_sdk_watch_free(seen->to_free);
    seen->to_free = NULL;
}

static void run(struct otel_sdk_loop *loop, struct seen *seen)
{
    seen->done = false;
    assert_true(otl_loop_run_until(loop, &seen->done, otl_clock_mono(otl_clock_real()) + PATIENCE));
}

static void a_descriptor_that_is_ready_is_told_once(void **state)
{
    struct otel_sdk_loop *loop = new_loop();
    struct otel_sdk_watch *watch = NULL;
    struct seen seen = {0};
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(otel_sdk_watch_new(loop, ends[0], on_ready, &seen, &watch), OTEL_OK);
    assert_int_equal(otel_sdk_watch_start(watch, OTEL_SDK_WATCH_WRITE, NEVER), OTEL_OK);
    run(loop, &seen);
    assert_int_equal(seen.came, OTEL_SDK_WATCH_WRITE);
    assert_int_equal(write(ends[1], "x", 1), 1);
    seen.came = 0;
    assert_int_equal(otel_sdk_watch_start(watch, OTEL_SDK_WATCH_READ, NEVER), OTEL_OK);
    run(loop, &seen);
    assert_int_equal(seen.came, OTEL_SDK_WATCH_READ);
    seen.done = false; /* still readable, but nobody waits */
    assert_false(otl_loop_run_until(loop, &seen.done,
                                    otl_clock_mono(otl_clock_real()) + 20 * OTL_NS_PER_MS));
    assert_int_equal(seen.calls, 2);
    otel_sdk_watch_free(watch);
    close(ends[0]);
    close(ends[1]);
    otl_loop_free(loop);
}

static void a_delay_passes_and_what_comes_first_ends_the_wait(void **state)
{
    struct otel_sdk_loop *loop = new_loop();
    struct otel_sdk_watch *timer = NULL, *both = NULL;
    struct seen seen = {0};
    uint64_t began = otl_clock_mono(otl_clock_real());
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(otel_sdk_watch_new(loop, -1, on_ready, &seen, &timer), OTEL_OK);
    assert_int_equal(otel_sdk_watch_start(timer, 0, 30 * OTL_NS_PER_MS), OTEL_OK);
    run(loop, &seen);
    assert_int_equal(seen.came, OTEL_SDK_WATCH_TIME);
    assert_true(otl_clock_mono(otl_clock_real()) - began >= 29 * OTL_NS_PER_MS);
    assert_int_equal(otel_sdk_watch_new(loop, ends[0], on_ready, &seen, &both), OTEL_OK);
    seen.came = 0;
    assert_int_equal(otel_sdk_watch_start(both, OTEL_SDK_WATCH_READ, OTL_NS_PER_MS), OTEL_OK);
    run(loop, &seen);
    assert_int_equal(seen.came, OTEL_SDK_WATCH_TIME); /* nothing to read came */
    seen.came = 0;
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(otel_sdk_watch_start(both, OTEL_SDK_WATCH_READ, PATIENCE), OTEL_OK);
    run(loop, &seen);
    assert_int_equal(seen.came, OTEL_SDK_WATCH_READ);
    otel_sdk_watch_free(both);
    otel_sdk_watch_free(timer);
    close(ends[0]);
    close(ends[1]);
    otl_loop_free(loop);
}

struct late {
    struct seen seen;
    struct otel_sdk_watch *second;
};

/* Takes its time before it asks for a delay. */
static void begin_late(void *arg, unsigned came)
{
    struct late *late = arg;

    (void)came;
    poll(NULL, 0, 30);
    late->seen.done = otel_sdk_watch_start(late->second, 0, 30 * OTL_NS_PER_MS) != OTEL_OK;
}

static void a_delay_counts_from_when_it_is_asked_for(void **state)
{
    struct otel_sdk_loop *loop = new_loop();
    struct otel_sdk_watch *first = NULL;
    struct late late = {{0}, NULL};
    uint64_t began = otl_clock_mono(otl_clock_real());

    (void)state;
    assert_int_equal(otel_sdk_watch_new(loop, -1, begin_late, &late, &first), OTEL_OK);
    assert_int_equal(otel_sdk_watch_new(loop, -1, on_ready, &late.seen, &late.second), OTEL_OK);
    assert_int_equal(otel_sdk_watch_start(first, 0, 0), OTEL_OK);
    run(loop, &late.seen);
    assert_int_equal(late.seen.calls, 1);
    assert_true(otl_clock_mono(otl_clock_real()) - began >= 58 * OTL_NS_PER_MS);
    otel_sdk_watch_free(late.second);
    otel_sdk_watch_free(first);
    otl_loop_free(loop);
}

static void a_stopped_watch_says_nothing_and_a_new_start_replaces_the_old(void **state)
{
    struct otel_sdk_loop *loop = new_loop();
    struct otel_sdk_watch *first = NULL, *second = NULL;
    struct seen stopped = {0}, seen = {0};

    (void)state;
    assert_int_equal(otel_sdk_watch_new(loop, -1, on_ready, &stopped, &first), OTEL_OK);
    assert_int_equal(otel_sdk_watch_new(loop, -1, on_ready, &seen, &second), OTEL_OK);
    assert_int_equal(otel_sdk_watch_start(first, 0, 0), OTEL_OK);
    otel_sdk_watch_stop(first);
    otel_sdk_watch_stop(first);
    assert_int_equal(otel_sdk_watch_start(second, 0, PATIENCE), OTEL_OK);
    assert_int_equal(otel_sdk_watch_start(second, 0, OTL_NS_PER_MS), OTEL_OK);
    run(loop, &seen);
    assert_int_equal(seen.calls, 1);
    assert_int_equal(stopped.calls, 0);
    otel_sdk_watch_free(first);
    otel_sdk_watch_free(second);
    otel_sdk_watch_free(NULL);
    otel_sdk_watch_stop(NULL);
    otel_sdk_watch_forked(NULL);
    otl_loop_free(loop);
}

static void a_watch_may_be_freed_by_what_it_calls(void **state)
{
    struct otel_sdk_loop *loop = new_loop();
    struct seen seen = {0};

    (void)state;
    assert_int_equal(otel_sdk_watch_new(loop, -1, on_ready, &seen, &seen.to_free), OTEL_OK);
    assert_int_equal(otel_sdk_watch_start(seen.to_free, 0, 0), OTEL_OK);
    run(loop, &seen);
    assert_null(seen.to_free);
    otl_loop_free(loop);
}

/* What is written to standard error meanwhile. */
static int begin_listening(int *ret_saved)
{
    int ends[2];

    fflush(stderr);
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    *ret_saved = dup(STDERR_FILENO);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    return ends[0];
}

static ssize_t end_listening(int listener, int saved)
{
    char text[256];
    ssize_t got;

    dup2(saved, STDERR_FILENO);
    close(saved);
    got = read(listener, text, sizeof(text));
    close(listener);
    return got;
}

static void what_cannot_be_watched_is_refused_without_a_word(void **state)
{
    struct otel_sdk_loop *loop = new_loop();
    struct otel_sdk_watch *watch = NULL;
    struct seen seen = {0};
    int saved, listener = begin_listening(&saved);
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    enum otel_err errs[5] = {OTEL_OK};

    (void)state;
    assert_int_equal(otel_sdk_watch_new(loop, file, on_ready, &seen, &watch), OTEL_OK);
    errs[0] = otel_sdk_watch_start(watch, OTEL_SDK_WATCH_READ, NEVER);
    close(file);
    errs[1] = otel_sdk_watch_start(watch, OTEL_SDK_WATCH_READ, NEVER);
    otel_sdk_watch_free(watch);
    assert_int_equal(otel_sdk_watch_new(loop, null, on_ready, &seen, &watch), OTEL_OK);
    errs[2] = otel_sdk_watch_start(watch, OTEL_SDK_WATCH_WRITE, NEVER);
    errs[3] = otel_sdk_watch_start(watch, 0, NEVER);
    errs[4] = otel_sdk_watch_start(watch, OTEL_SDK_WATCH_TIME, 1);
    otel_sdk_watch_free(watch);
    close(null);
    assert_true(end_listening(listener, saved) <= 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(errs[i], i < 3 ? OTEL_ERR_IO : OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_sdk_watch_new(loop, -1, on_ready, &seen, &watch), OTEL_OK);
    assert_int_equal(otel_sdk_watch_start(watch, OTEL_SDK_WATCH_READ, 1), OTEL_ERR_ARGUMENT);
    otel_sdk_watch_free(watch);
    assert_int_equal(otel_sdk_watch_new(NULL, -1, on_ready, &seen, &watch), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_sdk_watch_new(loop, -1, NULL, &seen, &watch), OTEL_ERR_ARGUMENT);
    otl_loop_free(loop);
}

struct office {
    struct otel_sdk_waker *waker;
    pthread_mutex_t lock;
    unsigned written; /* under lock */
    unsigned read, wakes;
    bool done;
};

static void on_woken(void *arg)
{
    struct office *office = arg;

    pthread_mutex_lock(&office->lock);
    office->read = office->written;
    pthread_mutex_unlock(&office->lock);
    office->wakes++;
    office->done = office->read == WAKERS * WAKES;
}

static void *write_and_wake(void *arg)
{
    struct office *office = arg;

    for (int i = 0; i < WAKES; i++) {
        pthread_mutex_lock(&office->lock);
        office->written++;
        pthread_mutex_unlock(&office->lock);
        otel_sdk_waker_wake(office->waker);
    }
    return NULL;
}

static void no_wake_of_many_threads_is_lost(void **state)
{
    struct otel_sdk_loop *loop = new_loop();
    struct office office = {.lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[WAKERS];

    (void)state;
    assert_int_equal(otel_sdk_waker_new(loop, on_woken, &office, &office.waker), OTEL_OK);
    for (int i = 0; i < WAKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_and_wake, &office), 0);
    assert_true(
        otl_loop_run_until(loop, &office.done, otl_clock_mono(otl_clock_real()) + PATIENCE));
    for (int i = 0; i < WAKERS; i++)
        pthread_join(threads[i], NULL);
    assert_in_range(office.wakes, 1, WAKERS * WAKES);
    otel_sdk_waker_free(office.waker);
    otel_sdk_waker_free(NULL);
    otel_sdk_waker_forked(NULL);
    assert_int_equal(otel_sdk_waker_new(loop, NULL, &office, &office.waker), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_sdk_waker_new(NULL, on_woken, &office, &office.waker), OTEL_ERR_ARGUMENT);
    otl_loop_free(loop);
}

static void a_forked_child_lets_go_without_a_word_and_its_parent_keeps_what_it_watches(void **state)
{
    struct otel_sdk_loop *loop = new_loop();
    struct office office = {.lock = PTHREAD_MUTEX_INITIALIZER, .written = WAKERS * WAKES};
    struct otel_sdk_watch *watch = NULL;
    struct seen seen = {0};
    int ends[2], saved, listener, status = -1;
    pid_t pid;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(otel_sdk_watch_new(loop, ends[0], on_ready, &seen, &watch), OTEL_OK);
    assert_int_equal(otel_sdk_watch_start(watch, OTEL_SDK_WATCH_READ, NEVER), OTEL_OK);
    assert_int_equal(otel_sdk_waker_new(loop, on_woken, &office, &office.waker), OTEL_OK);
    listener = begin_listening(&saved);
    pid = fork();
    if (pid == 0) {
        otel_sdk_watch_forked(watch); /* before the loop lets go: what it touched would be shared */
        otel_sdk_waker_forked(office.waker);
        otl_loop_forked(loop);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    assert_true(end_listening(listener, saved) <= 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    run(loop, &seen);
    otel_sdk_waker_wake(office.waker);
    assert_true(
        otl_loop_run_until(loop, &office.done, otl_clock_mono(otl_clock_real()) + PATIENCE));
    otel_sdk_waker_free(office.waker);
    otel_sdk_watch_free(watch);
    close(ends[0]);
    close(ends[1]);
    otl_loop_free(loop);
}

/* No timer of these loops has had memory before. */
static void without_memory_of_libevents_a_bounded_run_ends_and_a_watch_is_refused(void **state)
{
    struct otel_sdk_loop *loop = new_loop();
    struct otel_sdk_watch *watch = NULL;
    struct seen seen = {0};
    uint64_t began = otl_clock_mono(otl_clock_real());

    (void)state;
    assert_int_equal(otel_sdk_watch_new(loop, -1, on_ready, &seen, &watch), OTEL_OK);
    loop_heap_exhaust(true);
    assert_int_equal(otel_sdk_watch_start(watch, 0, 0), OTEL_ERR_MEMORY);
    do /* again where its time was over before it began */
        assert_false(otl_loop_run_until(loop, &seen.done,
                                        otl_clock_mono(otl_clock_real()) + 50 * OTL_NS_PER_MS));
    while (loop_heap_refused() < 2);
    loop_heap_exhaust(false);
    assert_true(otl_clock_mono(otl_clock_real()) - began < 10 * OTL_NS_PER_S);
    assert_int_equal(otel_sdk_watch_start(watch, 0, 0), OTEL_OK);
    run(loop, &seen);
    otel_sdk_watch_free(watch);
    otl_loop_free(loop);
}

static void failing_memory_is_reported_and_nothing_leaks(void **state)
{
    struct otel_sdk_loop *loop = new_loop();
    struct otel_sdk_watch *watch = NULL;
    struct otel_sdk_waker *waker = NULL;
    struct office office = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct seen seen = {0};

    (void)state;
    otl_mem_fail_at(1);
    assert_int_equal(otel_sdk_watch_new(loop, -1, on_ready, &seen, &watch), OTEL_ERR_MEMORY);
    otl_mem_fail_at(1);
    assert_int_equal(otel_sdk_waker_new(loop, on_woken, &office, &waker), OTEL_ERR_MEMORY);
    otl_mem_fail_at(2);
    assert_int_equal(otel_sdk_waker_new(loop, on_woken, &office, &waker), OTEL_ERR_MEMORY);
    otl_mem_fail_at(0);
    otl_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_descriptor_that_is_ready_is_told_once),
        cmocka_unit_test(a_delay_passes_and_what_comes_first_ends_the_wait),
        cmocka_unit_test(a_delay_counts_from_when_it_is_asked_for),
        cmocka_unit_test(a_stopped_watch_says_nothing_and_a_new_start_replaces_the_old),
        cmocka_unit_test(a_watch_may_be_freed_by_what_it_calls),
        cmocka_unit_test(what_cannot_be_watched_is_refused_without_a_word),
        cmocka_unit_test(no_wake_of_many_threads_is_lost),
        cmocka_unit_test(
            a_forked_child_lets_go_without_a_word_and_its_parent_keeps_what_it_watches),
        cmocka_unit_test(without_memory_of_libevents_a_bounded_run_ends_and_a_watch_is_refused),
        cmocka_unit_test(failing_memory_is_reported_and_nothing_leaks),
    };

    loop_heap_install();
    return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
