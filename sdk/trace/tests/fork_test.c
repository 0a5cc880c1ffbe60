/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/tests/fake_exporter.h"
#include "sdk/tests/rig.h"
#include "sdk/tests/threaded.h"

/* Apart from thread_test: ThreadSanitizer does not follow a forked child that starts threads. */

/* --- fork: the child's verdict comes back as its exit status --- */

static int child_of_fork(struct rig *rig, struct fake *fake, struct otel_span *open)
{
    struct otel_sdk_stats stats;

    if (fake_spans(fake) != 0)
        return 1;
    otel_span_set_int(open, "ignored", 1); /* the parent's span: nothing happens */
    otel_span_finish(open);
    for (int i = 0; i < 10; i++)
        one_span(rig, "child's own");
    if (otel_sdk_provider_force_flush(rig->provider, 10000) != OTEL_OK)
        return 2;
    stats = rig_stats(rig);
    if (stats.started != 10 || stats.total.exported != 10)
        return 3;
    if (fake_spans(fake) != 10)
        return 4; /* none of the parent's queue */
    if (otel_sdk_provider_shutdown(rig->provider, 10000) != OTEL_OK)
        return 5;
    return 0;
}

static void a_forked_child_exports_its_own_spans_and_none_of_its_parents(void **state)
{
    struct otel_span *open;
    struct fake fake;
    struct rig rig;
    int status = -1;
    pid_t pid;

    (void)state;
    fake_init(&fake, FAKE_OK);
    rig_init(&rig);
    threaded_start_batch(&rig, &fake, 2048);
    /* The worker sleeps at the fork and holds no lock of the sanitizer's allocator. */
    one_span(&rig, "warm up");
    assert_int_equal(otel_sdk_provider_force_flush(rig.provider, 10000), OTEL_OK);
    for (int i = 0; i < 100; i++)
        one_span(&rig, "parent's");
    open = otel_span_start(rig.tracer, "open at fork", NULL);
    pid = fork();
    if (pid == 0)
        _exit(child_of_fork(&rig, &fake, open));
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    otel_span_finish(open);
    assert_int_equal(otel_sdk_provider_force_flush(rig.provider, 10000), OTEL_OK);
    assert_int_equal(fake_spans(&fake), 102);
    rig_fini(&rig);
    fake_fini(&fake);
}

static void *fork_often(void *arg)
{
    int *failed = arg;

    for (int i = 0; i < 20; i++) {
        int status = -1;
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
            *failed = 1;
    }
    return NULL;
}

static void forks_while_other_threads_threaded_spans_harm_nobody(void **state)
{
    pthread_t threads[4], forker;
    struct fake fake;
    struct rig rig;
    int failed = 0;

    (void)state;
    fake_init(&fake, FAKE_OK);
    rig_init(&rig);
    threaded_start_batch(&rig, &fake, 1 << 16);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, threaded_spans, &rig), 0);
    assert_int_equal(pthread_create(&forker, NULL, fork_often, &failed), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    pthread_join(forker, NULL);
    assert_int_equal(failed, 0);
    assert_int_equal(otel_sdk_provider_shutdown(rig.provider, 60000), OTEL_OK);
    assert_int_equal(fake.spans, 2 * 4 * THREADED_SPANS);
    rig_fini(&rig);
    fake_fini(&fake);
}

static int open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    while (directory != NULL && readdir(directory) != NULL)
        count++;
    if (directory != NULL)
        closedir(directory);
    return count;
}

static int count_in_child(struct rig *rig, int without, int with)
{
    if (open_descriptors() != without)
        return 1;
    one_span(rig, "child's own");
    if (otel_sdk_provider_force_flush(rig->provider, 10000) != OTEL_OK)
        return 2;
    return open_descriptors() == with ? 0 : 3;
}

static void a_forked_child_keeps_no_inherited_descriptor(void **state)
{
    int without = open_descriptors(), with, status = -1;
    struct fake fake;
    struct rig rig;
    pid_t pid;

    (void)state;
    fake_init(&fake, FAKE_OK);
    rig_init(&rig);
    threaded_start_batch(&rig, &fake, 2048);
    one_span(&rig, "warm up");
    assert_int_equal(otel_sdk_provider_force_flush(rig.provider, 10000), OTEL_OK);
    with = open_descriptors();
    assert_true(with > without);
    pid = fork();
    if (pid == 0)
        _exit(count_in_child(&rig, without, with));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(open_descriptors(), with);
    one_span(&rig, "parent's");
    assert_int_equal(otel_sdk_provider_force_flush(rig.provider, 10000), OTEL_OK);
    rig_fini(&rig);
    fake_fini(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_forked_child_exports_its_own_spans_and_none_of_its_parents),
        cmocka_unit_test(a_forked_child_keeps_no_inherited_descriptor),
        cmocka_unit_test(forks_while_other_threads_threaded_spans_harm_nobody),
    };

    return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
