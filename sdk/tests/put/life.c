/* SPDX-License-Identifier: Apache-2.0 */
/* Flush, shutdown, counters; forks, signals and the end of the process. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/tests/put/put.h"

enum { FORK_LINES_MAX = 64 };

/* flush MS, shutdown MS -> ERR took_ns=N */
static void do_flush(struct put *put, struct put_words *words)
{
    uint32_t millis = (uint32_t)put_number(words, 30000);
    uint64_t began = put_mono_ns();
    enum otel_err err = otel_sdk_provider_force_flush(put->provider, millis);

    fprintf(put->out, "ok %s", otel_err_name(err));
    put_say_number(put, "took_ns", put_mono_ns() - began);
}

static void do_shutdown(struct put *put, struct put_words *words)
{
    uint32_t millis = (uint32_t)put_number(words, 30000);
    uint64_t began = put_mono_ns();
    enum otel_err err = put->sdk != NULL ? otel_sdk_shutdown(put->sdk, millis)
                                         : otel_sdk_provider_shutdown(put->provider, millis);

    fprintf(put->out, "ok %s", otel_err_name(err));
    put_say_number(put, "took_ns", put_mono_ns() - began);
}

static void say_processor(struct put *put, const struct otel_sdk_processor_stats *stats)
{
    put_say_number(put, "received", stats->received);
    put_say_number(put, "exported", stats->exported);
    put_say_number(put, "queued", stats->queued);
    put_say_number(put, "in_flight", stats->in_flight);
    put_say_number(put, "batches", stats->batches);
    put_say_number(put, "requests", stats->requests);
    put_say_number(put, "worker_cpu_ns", stats->worker_cpu_ns);
    for (int i = 0; i < OTEL_SDK_DROP_COUNT; i++)
        put_say_number(put, otel_sdk_drop_name((enum otel_sdk_drop_reason)i), stats->dropped[i]);
}

/* stats [INDEX] -> KEY=N...: of the provider, or of one processor */
static void do_stats(struct put *put, struct put_words *words)
{
    struct otel_sdk_stats stats = {.struct_size = sizeof(stats)};
    struct otel_sdk_processor_stats processor;
    uint64_t index = put_number(words, UINT64_MAX);

    fprintf(put->out, "ok");
    if (index != UINT64_MAX) {
        if (otel_sdk_provider_processor_stats(put->provider, (unsigned)index, &processor))
            say_processor(put, &processor);
        return;
    }
    otel_sdk_provider_stats(put->provider, &stats);
    put_say_number(put, "started", stats.started);
    put_say_number(put, "not_recorded", stats.not_recorded);
    put_say_number(put, "record_only", stats.record_only);
    put_say_number(put, "sampled", stats.sampled);
    put_say_number(put, "ended", stats.ended);
    put_say_number(put, "abandoned", stats.abandoned);
    put_say_number(put, "attributes_dropped", stats.attributes_dropped);
    say_processor(put, &stats.total);
}

/* otlp -> KEY=N...: what the OTLP exporter counts */
static void do_otlp(struct put *put, struct put_words *words)
{
    struct otel_sdk_otlp_stats stats;

    (void)words;
    if (put->otlp == NULL) {
        put_no(put, "none");
        return;
    }
    otel_sdk_otlp_stats(put->otlp, &stats);
    fprintf(put->out, "ok");
    put_say_number(put, "exports", stats.exports);
    put_say_number(put, "requests", stats.requests);
    put_say_number(put, "retries", stats.retries);
    put_say_number(put, "connections", stats.connections);
    put_say_number(put, "spans_delivered", stats.spans_delivered);
    put_say_number(put, "spans_rejected", stats.spans_rejected);
    put_say_number(put, "spans_failed", stats.spans_failed);
    put_say_number(put, "backoff_sum_ns", stats.backoff_sum_ns);
    for (int i = 0; i < OTEL_SDK_OTLP_RESULT_COUNT; i++)
        put_say_number(put, otel_sdk_otlp_result_name((enum otel_sdk_otlp_result)i),
                       stats.results[i]);
}

static uint64_t resident_kib(void)
{
    unsigned long all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL)
        return 0;
    if (fscanf(file, "%lu %lu", &all, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * ((uint64_t)sysconf(_SC_PAGESIZE) / 1024);
}

/* usage -> rss_kib=N cpu_ns=N of this process */
static void do_usage(struct put *put, struct put_words *words)
{
    struct rusage usage;

    (void)words;
    getrusage(RUSAGE_SELF, &usage);
    fprintf(put->out, "ok");
    put_say_number(put, "rss_kib", resident_kib());
    put_say_number(put, "cpu_ns",
                   (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000u +
                       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000u);
}

/* fork N, and N lines that a child does before it exits with status 0 -> status=N */
static void do_fork(struct put *put, struct put_words *words)
{
    uint64_t count = put_number(words, 0);
    char *lines[FORK_LINES_MAX] = {NULL};
    int status = -1;
    pid_t child;

    for (uint64_t i = 0; i < count && i < FORK_LINES_MAX; i++)
        if (!put_read_line(&lines[i]))
            break;
    fflush(put->out);
    child = fork();
    if (child == 0) {
        FILE *nowhere = fopen("/dev/null", "w");

        if (nowhere == NULL)
            _exit(3);
        put->out = nowhere;
        put->status = 0;
        for (uint64_t i = 0; i < FORK_LINES_MAX && lines[i] != NULL; i++)
            put_run_line(put, lines[i]);
        _exit(put->status);
    }
    if (child > 0)
        waitpid(child, &status, 0);
    for (size_t i = 0; i < FORK_LINES_MAX; i++)
        free(lines[i]);
    fprintf(put->out, "ok status=%d", status);
}

/* leave STATUS: exit() with everything as it is; quit: shut nothing down, _exit() */
static void do_leave(struct put *put, struct put_words *words)
{
    int status = (int)put_number(words, 0);

    fprintf(put->out, "ok\n");
    fflush(put->out);
    exit(status);
}

static struct otel_tracer *last_tracer;

static void trace_at_exit(void)
{
    otel_span_finish(otel_span_start(last_tracer, "at-exit", NULL));
}

/* at_exit T: a span in a handler of exit() */
static void do_at_exit(struct put *put, struct put_words *words)
{
    last_tracer = otel_tracer_ref(put_find(put, PUT_TRACER, put_next(words)));
    atexit(trace_at_exit);
    fprintf(put->out, "ok");
}

static struct put *last_put;

static void shut_down_at_exit(void)
{
    if (last_put->sdk != NULL)
        (void)otel_sdk_shutdown(last_put->sdk, PUT_END_MILLIS);
    else
        (void)otel_sdk_provider_shutdown(last_put->provider, PUT_END_MILLIS);
}

/* at_exit_shutdown: the farewell of a short program, which then calls exit() */
static void do_at_exit_shutdown(struct put *put, struct put_words *words)
{
    (void)words;
    last_put = put;
    atexit(shut_down_at_exit);
    fprintf(put->out, "ok");
}

static volatile sig_atomic_t terminated, counted;

static void on_signal(int number)
{
    if (number != SIGTERM) {
        counted++;
        return;
    }
    terminated = 1;
    close(STDIN_FILENO); /* also when it came just before the next read */
}

/* signals: SIGTERM ends the loop, which then shuts down; SIGUSR1 is counted. Without SA_RESTART */
static void do_signals(struct put *put, struct put_words *words)
{
    struct sigaction action;

    (void)words;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    fprintf(put->out, "ok %d", (int)getpid());
}

bool put_read_line(char **ret_line)
{
    static char *kept;
    size_t size = 0;

    kept = NULL;
    for (;;) {
        if (getline(&kept, &size, stdin) >= 0) {
            *ret_line = kept;
            return true;
        }
        if (terminated || feof(stdin))
            break;
        clearerr(stdin); /* a signal that is only counted */
    }
    free(kept);
    return false;
}

/* masks -> MASK...: the blocked signals of every thread but this, as /proc shows them */
static void do_masks(struct put *put, struct put_words *words)
{
    DIR *tasks = opendir("/proc/self/task");
    char own[32], path[300], line[256];

    (void)words;
    snprintf(own, sizeof(own), "%d", (int)getpid());
    fprintf(put->out, "ok usr1=%d", (int)counted);
    for (struct dirent *task; tasks != NULL && (task = readdir(tasks)) != NULL;) {
        FILE *file;

        if (task->d_name[0] == '.' || strcmp(task->d_name, own) == 0)
            continue;
        snprintf(path, sizeof(path), "/proc/self/task/%s/status", task->d_name);
        file = fopen(path, "r");
        while (file != NULL && fgets(line, sizeof(line), file) != NULL)
            if (strncmp(line, "SigBlk:\t", 8) == 0)
                fprintf(put->out, " %.16s", line + 8);
        if (file != NULL)
            fclose(file);
    }
    if (tasks != NULL)
        closedir(tasks);
}

/* files N: N descriptors are opened and stay open, so that the next ones are above them */
static void do_files(struct put *put, struct put_words *words)
{
    struct rlimit limit = {8192, 8192};
    int last = -1;

    (void)setrlimit(RLIMIT_NOFILE, &limit);
    for (uint64_t i = put_number(words, 0); i > 0; i--)
        last = open("/dev/null", O_RDONLY | O_CLOEXEC);
    fprintf(put->out, "ok last=%d", last);
}

static void do_free(struct put *put, struct put_words *words)
{
    (void)words;
    if (put->sdk != NULL)
        otel_sdk_free(put->sdk);
    else
        otel_sdk_provider_free(put->provider);
    put->sdk = NULL;
    put->provider = NULL;
    put->otlp = NULL;
    fprintf(put->out, "ok");
}

const struct put_command put_life_commands[] = {
    {"flush", do_flush},     {"shutdown", do_shutdown}, {"stats", do_stats},
    {"otlp", do_otlp},       {"usage", do_usage},       {"fork", do_fork},
    {"leave", do_leave},     {"at_exit", do_at_exit},   {"signals", do_signals},
    {"masks", do_masks},     {"files", do_files},       {"free", do_free},
    {"at_exit_shutdown", do_at_exit_shutdown},          {NULL, NULL}};
