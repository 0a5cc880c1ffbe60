/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sdk-unload LIBRARY: a host program whose plug-in brings the SDK along. Three times it opens the
 * shared library, makes spans on two threads, shuts the SDK down, closes the library and forks; the
 * second thread ends only after that. A line each time:
 *
 *     threads=1 descriptors=4 blocks=12 mapped=1 delivered=20
 */
#include <dirent.h>
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <otel/memory.h>
#include <otel/sdk/config.h>
#include <otel/sdk/otlp.h>

enum { ROUNDS = 3, SPANS = 10, LOOKS_MAX = 10000 };

/* What the library shows, found by name. */
static struct {
    __typeof__(&otel_set_allocator) set_allocator;
    __typeof__(&otel_sdk_from_env) from_env;
    __typeof__(&otel_sdk_install) install;
    __typeof__(&otel_sdk_shutdown) shutdown;
    __typeof__(&otel_sdk_free) free_sdk;
    __typeof__(&otel_sdk_otlp_of) otlp_of;
    __typeof__(&otel_sdk_otlp_stats) otlp_stats;
    __typeof__(&otel_tracer) tracer;
    __typeof__(&otel_tracer_unref) tracer_unref;
    __typeof__(&otel_span_start_str) span_start;
    __typeof__(&otel_span_finish) span_finish;
} api;

static long g_blocks; /* [a] of the library's, alive */

static void *take(void *arg, size_t size)
{
    void *block = malloc(size);

    (void)arg;
    __atomic_fetch_add(&g_blocks, block != NULL, __ATOMIC_RELAXED);
    return block;
}

static void *move(void *arg, void *block, size_t size)
{
    (void)arg;
    return realloc(block, size);
}

static void give_back(void *arg, void *block)
{
    (void)arg;
    __atomic_fetch_sub(&g_blocks, 1, __ATOMIC_RELAXED);
    free(block);
}

static void die(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(2);
}

static void find(void *library, const char *name, void *function)
{
    void *found = dlsym(library, name);

    if (found == NULL)
        die(name);
    memcpy(function, &found, sizeof(found));
}

static void *open_library(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL)
        die(dlerror());
    find(library, "otel_set_allocator", &api.set_allocator);
    find(library, "otel_sdk_from_env", &api.from_env);
    find(library, "otel_sdk_install", &api.install);
    find(library, "otel_sdk_shutdown", &api.shutdown);
    find(library, "otel_sdk_free", &api.free_sdk);
    find(library, "otel_sdk_otlp_of", &api.otlp_of);
    find(library, "otel_sdk_otlp_stats", &api.otlp_stats);
    find(library, "otel_tracer", &api.tracer);
    find(library, "otel_tracer_unref", &api.tracer_unref);
    find(library, "otel_span_start_str", &api.span_start);
    find(library, "otel_span_finish", &api.span_finish);
    return library;
}

static void make_spans(void)
{
    struct otel_tracer *tracer = api.tracer("plug-in", "1");

    for (int i = 0; i < SPANS; i++)
        api.span_finish(api.span_start(tracer, otel_str("work"), NULL));
    api.tracer_unref(tracer);
}

/* The host's thread: what it used is closed when it ends. */
static void *host_thread(void *barrier)
{
    make_spans();
    pthread_barrier_wait(barrier);
    pthread_barrier_wait(barrier);
    return NULL;
}

static unsigned entries(const char *path)
{
    DIR *directory = opendir(path);
    unsigned count = 0;

    if (directory == NULL)
        die(path);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(directory);
    return count;
}

/* A thread that has been joined is listed until the kernel has put it away: a moment, or as long as
 * the machine stands still. One that runs stays, and is counted when the time is up. */
static unsigned threads(void)
{
    unsigned count = entries("/proc/self/task");

    for (int looks = 0; count > 1 && looks < LOOKS_MAX; looks++) {
        (void)poll(NULL, 0, 1);
        count = entries("/proc/self/task");
    }
    return count;
}

static void fork_once(void)
{
    pid_t child = fork();
    int status = -1;

    if (child == 0)
        _exit(0);
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        die("a fork after the library was closed");
}

static uint64_t use(const char *path, pthread_barrier_t *barrier, pthread_t *thread)
{
    void *library = open_library(path);
    struct otel_allocator counting = {take, move, give_back, NULL};
    struct otel_sdk_otlp_stats stats;
    static bool counted;
    struct otel_sdk *sdk = NULL;

    if (!counted && api.set_allocator(&counting) != OTEL_OK)
        die("allocator");
    counted = true;
    if (api.from_env(NULL, &sdk) != OTEL_OK)
        die("no SDK");
    api.install(sdk);
    if (pthread_create(thread, NULL, host_thread, barrier) != 0)
        die("no thread");
    make_spans();
    pthread_barrier_wait(barrier);
    if (api.shutdown(sdk, 30000) != OTEL_OK)
        die("shutdown");
    api.otlp_stats(api.otlp_of(sdk), &stats);
    api.free_sdk(sdk);
    if (dlclose(library) != 0)
        die(dlerror());
    return stats.spans_delivered;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        die("usage: sdk-unload LIBRARY");
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_t barrier;
        uint64_t delivered;
        pthread_t thread;
        void *still;

        pthread_barrier_init(&barrier, NULL, 2);
        delivered = use(argv[1], &barrier, &thread);
        fork_once();
        pthread_barrier_wait(&barrier);
        pthread_join(thread, NULL);
        pthread_barrier_destroy(&barrier);
        still = dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD);
        printf("threads=%u descriptors=%u blocks=%ld mapped=%d delivered=%llu\n",
               threads(), entries("/proc/self/fd"), g_blocks, still != NULL,
               (unsigned long long)delivered);
        if (still != NULL)
            dlclose(still);
    }
    return 0;
}
