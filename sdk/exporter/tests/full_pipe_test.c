/* SPDX-License-Identifier: Apache-2.0 */
/* Several exporters of one provider, one of which writes where nobody reads: the others get
 * their spans, and whoever ends a span waits so long as the processor says and no longer. */
#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <otel/sdk/file_exporter.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/tests/rig.h"

enum { SPANS = 20, THREADS = 64, TIMEOUT_MILLIS = 300, PATIENCE_MILLIS = 60000 };

/* What an exporter writes to; nobody reads from the other end unless the test does. */
struct outlet {
    int near, far;
    bool own_flags; /* the near end is not blocking anyway */
};

static void fill(int fd)
{
    static const char blanks[4096];
    struct pollfd room = {fd, POLLOUT, 0};
    int flags = fcntl(fd, F_GETFL);

    assert_int_equal(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 0);
    do /* a terminal makes room for a while, by moving what it was given */
        for (size_t size = sizeof(blanks); size > 0; size /= 2)
            while (write(fd, blanks, size) > 0)
                continue;
    while (poll(&room, 1, 50) == 1);
    assert_int_equal(fcntl(fd, F_SETFL, flags), 0);
}

static struct outlet full_pipe(void)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fill(ends[1]);
    return (struct outlet){ends[1], ends[0], false};
}

static struct outlet full_socket(void)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    fill(ends[1]);
    return (struct outlet){ends[1], ends[0], false};
}

/* A terminal at which nobody looks. */
static struct outlet full_terminal(void)
{
    struct outlet outlet = {-1, posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), false};

    assert_true(outlet.far >= 0);
    assert_int_equal(grantpt(outlet.far), 0);
    assert_int_equal(unlockpt(outlet.far), 0);
    outlet.near = open(ptsname(outlet.far), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(outlet.near >= 0);
    fill(outlet.near);
    return outlet;
}

static struct outlet full_pipe_that_does_not_block(void)
{
    struct outlet outlet = full_pipe();

    outlet.own_flags = true;
    assert_int_equal(fcntl(outlet.near, F_SETFL, O_NONBLOCK), 0);
    return outlet;
}

static struct outlet (*const outlets[])(void) = {full_pipe, full_socket, full_terminal,
                                                 full_pipe_that_does_not_block};

enum { OUTLETS = sizeof(outlets) / sizeof(outlets[0]) };

static void outlet_close(struct outlet *outlet)
{
    assert_int_equal((fcntl(outlet->near, F_GETFL) & O_NONBLOCK) != 0, outlet->own_flags);
    close(outlet->near);
    close(outlet->far);
}

static struct otel_sdk_exporter *console_on(const struct outlet *outlet)
{
    struct otel_sdk_exporter *exporter = NULL;
    struct otel_sdk_console_options options;

    otel_sdk_console_options_init(&options);
    options.fd = outlet->near;
    assert_int_equal(otel_sdk_console_exporter_new(&options, &exporter), OTEL_OK);
    return exporter;
}

static struct otel_sdk_exporter *json_on(const struct outlet *outlet)
{
    struct otel_sdk_exporter *exporter = NULL;
    struct otel_sdk_file_options options;

    otel_sdk_file_options_init(&options);
    options.fd = outlet->near;
    assert_int_equal(otel_sdk_file_exporter_new(&options, &exporter), OTEL_OK);
    return exporter;
}

static struct otel_sdk_processor *simple_of(struct otel_sdk_exporter *exporter)
{
    struct otel_sdk_processor *processor = NULL;
    struct otel_sdk_simple_options options;

    otel_sdk_simple_options_init(&options);
    options.export_timeout_millis = TIMEOUT_MILLIS;
    assert_int_equal(otel_sdk_simple_new(&options, exporter, &processor), OTEL_OK);
    return processor;
}

static struct otel_sdk_processor *batch_of(struct otel_sdk_exporter *exporter)
{
    struct otel_sdk_processor *processor = NULL;
    struct otel_sdk_batch_options options;

    otel_sdk_batch_options_init(&options);
    options.schedule_delay_millis = 1;
    assert_int_equal(otel_sdk_batch_new(&options, exporter, &processor), OTEL_OK);
    return processor;
}

/* first, and behind it a processor that keeps what it gets in rig->memory. */
static void start_beside(struct rig *rig, struct otel_sdk_processor *first, bool batch)
{
    struct otel_sdk_exporter *exporter = NULL;

    rig_init(rig);
    rig_start_with(rig, first);
    assert_int_equal(otel_sdk_memory_new(1 << 16, &rig->memory), OTEL_OK);
    assert_int_equal(otel_sdk_memory_exporter_new(rig->memory, &exporter), OTEL_OK);
    assert_int_equal(otel_sdk_provider_add_processor(rig->provider, batch ? batch_of(exporter)
                                                                          : simple_of(exporter)),
                     OTEL_OK);
}

static struct otel_sdk_processor_stats stats_of(struct rig *rig, unsigned processor)
{
    struct otel_sdk_processor_stats stats;

    assert_true(otel_sdk_provider_processor_stats(rig->provider, processor, &stats));
    return stats;
}

static void wait_for_memory(struct rig *rig, size_t spans)
{
    uint64_t began = now_millis();

    while (otel_sdk_memory_count(rig->memory) < spans && now_millis() - began < PATIENCE_MILLIS)
        poll(NULL, 0, 1);
    assert_int_equal(otel_sdk_memory_count(rig->memory), spans);
}

static void a_batch_that_goes_nowhere_holds_up_no_other_and_no_shutdown(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * OUTLETS; i++) {
        struct outlet outlet = outlets[i / 2]();
        struct otel_sdk_processor_stats stats;
        struct rig rig;
        uint64_t began;
        start_beside(&rig, batch_of(i % 2 ? json_on(&outlet) : console_on(&outlet)), true);
        for (int n = 0; n < SPANS; n++)
            one_span(&rig, "s");
        wait_for_memory(&rig, SPANS);
        assert_int_equal(stats_of(&rig, 0).exported, 0);
        began = now_millis();
        assert_int_equal(otel_sdk_provider_shutdown(rig.provider, 100), OTEL_ERR_TIMEOUT);
        assert_in_range(now_millis() - began, 0, 10000);
        do /* a worker that is late may still be counting */
            stats = stats_of(&rig, 0);
        while (stats.dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT] < SPANS && poll(NULL, 0, 1) == 0);
        assert_int_equal(stats.dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT], SPANS);
        rig_fini(&rig);
        outlet_close(&outlet);
    }
}

static void a_simple_one_makes_the_end_wait_for_its_time_and_no_longer(void **state)
{
    (void)state;
    for (int i = 0; i < OUTLETS; i++) {
        struct outlet outlet = outlets[i]();
        struct otel_sdk_processor_stats stats;
        struct rig rig;
        uint64_t began = now_millis();
        start_beside(&rig, simple_of(console_on(&outlet)), false);
        one_span(&rig, "s");
        assert_in_range(now_millis() - began, TIMEOUT_MILLIS - 10, 20 * TIMEOUT_MILLIS);
        assert_int_equal(otel_sdk_memory_count(rig.memory), 1);
        stats = stats_of(&rig, 0);
        assert_int_equal(stats.received, 1);
        assert_int_equal(stats.dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT], 1);
        assert_int_equal(stats.exported, 0);
        rig_fini(&rig);
        outlet_close(&outlet);
    }
}

struct ender {
    struct rig *rig;
    pthread_barrier_t *together;
    uint64_t took;
};

static void *end_one(void *arg)
{
    struct ender *ender = arg;
    uint64_t began;

    pthread_barrier_wait(ender->together);
    began = now_millis();
    one_span(ender->rig, "s");
    ender->took = now_millis() - began;
    return NULL;
}

/* One after the other the last would wait sixty-four times as long as the first. */
static void threads_that_wait_for_each_others_exports_wait_no_longer_either(void **state)
{
    struct outlet outlet = full_pipe();
    struct otel_sdk_processor_stats stats;
    struct ender enders[THREADS];
    pthread_t threads[THREADS];
    pthread_barrier_t together;
    struct rig rig;

    (void)state;
    start_beside(&rig, simple_of(console_on(&outlet)), false);
    assert_int_equal(pthread_barrier_init(&together, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++) {
        enders[i] = (struct ender){&rig, &together, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, end_one, &enders[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_in_range(enders[i].took, 0, THREADS / 2 * TIMEOUT_MILLIS);
    }
    pthread_barrier_destroy(&together);
    assert_int_equal(otel_sdk_memory_count(rig.memory), THREADS);
    stats = stats_of(&rig, 0);
    assert_int_equal(stats.received, THREADS);
    assert_int_equal(stats.dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT], THREADS);
    rig_fini(&rig);
    outlet_close(&outlet);
}

/* --- what a reader finds who comes late --- */

struct reader {
    pthread_t thread;
    int fd;
    char *text;
    size_t len;
};

static void *read_all(void *arg)
{
    struct reader *reader = arg;
    size_t cap = 4 << 20;
    ssize_t got;

    reader->text = malloc(cap);
    while (reader->text != NULL && reader->len < cap - 1 &&
           (got = read(reader->fd, reader->text + reader->len, cap - 1 - reader->len)) > 0)
        reader->len += (size_t)got;
    return NULL;
}

/* Lines of JSON behind the zeros that filled the pipe. */
static size_t whole_lines(const struct reader *reader)
{
    const char *at = reader->text, *end = reader->text + reader->len;
    size_t lines = 0;

    while (at < end && *at == '\0')
        at++;
    while (at < end) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        json_error_t error;
        json_t *line;
        assert_non_null(next);
        line = json_loadb(at, (size_t)(next - at), 0, &error);
        if (line == NULL)
            fail_msg("no whole line: %.*s", (int)(next - at), at);
        json_decref(line);
        lines++;
        at = next + 1;
    }
    return lines;
}

/* A record that was begun when its time was over is finished before the next one. */
static void a_reader_who_comes_late_finds_whole_records(void **state)
{
    static char big[200000]; /* more than a pipe takes at once */
    struct otel_attribute attribute;
    struct otel_sdk_processor_stats stats;
    struct otel_span_options options;
    struct reader reader = {0};
    struct outlet outlet;
    struct rig rig;
    int ends[2];

    (void)state;
    memset(big, 'x', sizeof(big));
    attribute = otel_attr("big", otel_value_strn(big, sizeof(big)));
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    outlet = (struct outlet){ends[1], ends[0], false};
    start_beside(&rig, simple_of(json_on(&outlet)), false);
    otel_span_options_init(&options);
    options.attributes = &attribute;
    options.attribute_count = 1;
    otel_span_finish(otel_span_start(rig.tracer, "begun", &options)); /* its beginning fits */
    one_span(&rig, "waits behind it");
    assert_int_equal(stats_of(&rig, 0).dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT], 2);
    reader.fd = outlet.far;
    assert_int_equal(pthread_create(&reader.thread, NULL, read_all, &reader), 0);
    while (stats_of(&rig, 0).exported == 0)
        one_span(&rig, "after"); /* until there is room again */
    stats = stats_of(&rig, 0);
    rig_fini(&rig);
    close(outlet.near);
    pthread_join(reader.thread, NULL);
    /* what was begun and all that was exported; what waited behind it was never begun */
    assert_in_range(whole_lines(&reader), 1 + stats.exported, stats.received - 1);
    free(reader.text);
    close(outlet.far);
}

static void a_fifo_that_nobody_reads_yet_is_tried_again(void **state)
{
    char directory[] = "/tmp/full_pipe.XXXXXX", path[64], text[4096];
    struct otel_sdk_exporter *exporter = NULL;
    struct otel_sdk_file_options options;
    struct rig rig;
    ssize_t got;
    int far;

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/fifo", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    otel_sdk_file_options_init(&options);
    options.path = path;
    assert_int_equal(otel_sdk_file_exporter_new(&options, &exporter), OTEL_OK);
    start_beside(&rig, simple_of(exporter), false);
    one_span(&rig, "unread");
    assert_int_equal(stats_of(&rig, 0).dropped[OTEL_SDK_DROP_EXPORT_FAILED], 1);
    far = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(far >= 0);
    one_span(&rig, "read");
    assert_int_equal(stats_of(&rig, 0).exported, 1);
    got = read(far, text, sizeof(text) - 1);
    assert_true(got > 0);
    text[got] = '\0';
    assert_non_null(strstr(text, "\"read\""));
    rig_fini(&rig);
    close(far);
    unlink(path);
    rmdir(directory);
}

/* --- fork, while the parent's worker waits for room --- */

#ifndef __SANITIZE_THREAD__ /* which lets no forked child start a thread */
static void drain(int fd)
{
    char block[4096];

    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (read(fd, block, sizeof(block)) > 0)
        continue;
}

static bool sleeps(const char *thread)
{
    char path[300], text[400] = "";
    const char *state = NULL;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/self/task/%s/stat", thread);
    file = fopen(path, "r");
    if (file != NULL && fgets(text, sizeof(text), file) != NULL)
        state = strrchr(text, ')');
    if (file != NULL)
        fclose(file);
    return state != NULL && state[2] == 'S';
}

/* Every thread but this one, which is the process's first. */
static bool others_sleep(void)
{
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *task;
    bool all = true;

    assert_non_null(tasks);
    while ((task = readdir(tasks)) != NULL)
        if (task->d_name[0] != '.' && strtol(task->d_name, NULL, 10) != getpid())
            all = all && sleeps(task->d_name);
    closedir(tasks);
    return all;
}

static int in_the_child(struct rig *rig, const struct outlet *outlet)
{
    struct otel_sdk_processor_stats stats;

    one_span(rig, "child's");
    while (stats_of(rig, 0).in_flight == 0 || !others_sleep())
        poll(NULL, 0, 1);
    drain(outlet->far); /* its worker waits for room now, as its parent's does */
    if (otel_sdk_provider_force_flush(rig->provider, PATIENCE_MILLIS) != OTEL_OK)
        return 1;
    if (!otel_sdk_provider_processor_stats(rig->provider, 0, &stats) || stats.exported != 1)
        return 2;
    return otel_sdk_provider_shutdown(rig->provider, PATIENCE_MILLIS) == OTEL_OK ? 0 : 3;
}

static void a_forked_child_writes_its_own_and_its_parent_goes_on_waiting(void **state)
{
    struct outlet outlet = full_pipe();
    struct rig rig;
    int status = -1;
    pid_t pid;

    (void)state;
    start_beside(&rig, batch_of(console_on(&outlet)), true);
    one_span(&rig, "parent's");
    wait_for_memory(&rig, 1);
    while (stats_of(&rig, 0).in_flight == 0 || !others_sleep())
        poll(NULL, 0, 1);
    pid = fork(); /* the worker waits for room, and holds no lock of a sanitizer's allocator */
    if (pid == 0)
        _exit(in_the_child(&rig, &outlet));
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(otel_sdk_provider_force_flush(rig.provider, PATIENCE_MILLIS), OTEL_OK);
    assert_int_equal(stats_of(&rig, 0).exported, 1); /* there was room, and it was told so */
    rig_fini(&rig);
    outlet_close(&outlet);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_that_goes_nowhere_holds_up_no_other_and_no_shutdown),
        cmocka_unit_test(a_simple_one_makes_the_end_wait_for_its_time_and_no_longer),
        cmocka_unit_test(threads_that_wait_for_each_others_exports_wait_no_longer_either),
        cmocka_unit_test(a_reader_who_comes_late_finds_whole_records),
        cmocka_unit_test(a_fifo_that_nobody_reads_yet_is_tried_again),
#ifndef __SANITIZE_THREAD__
        cmocka_unit_test(a_forked_child_writes_its_own_and_its_parent_goes_on_waiting),
#endif
    };

    return cmocka_run_group_tests_name("full_pipe", tests, NULL, NULL);
}
