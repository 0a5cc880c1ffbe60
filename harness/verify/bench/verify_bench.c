/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long the referee takes for a recorded run, and how much memory of its own. The run is the
 * tests' small world, eight attributes a span.
 *
 *     verify_bench              1,000,000 spans, the least of 11 repeats
 *     verify_bench SPANS TIMES  so many spans, so often: for callgrind, which counts what is inside
 *                               of hx_verify_run(); says how many spans it was
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ci/bench/row.h"
#include "harness/verify/facts/facts.h"
#include "harness/verify/tests/world.h"
#include "harness/verify/verify.h"
#include "sdk/base/clock.h"

enum { REPEATS = 11 };

static double anonymous_mib(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    double kib = 0;

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "RssAnon: %lf", &kib) == 1)
            break;
    }
    if (file != NULL)
        fclose(file);
    return kib / 1024;
}

/* The generator's memory goes with its process. */
static void generate(const struct w_options *options, char dir[128])
{
    struct world world;
    int ends[2], status;
    pid_t child;

    if (pipe(ends) != 0 || (child = fork()) < 0) {
        perror("verify_bench");
        exit(3);
    }
    if (child == 0) {
        world_init(&world, options);
        world_write(&world);
        _exit(write(ends[1], world.dir, 128) == 128 ? 0 : 3);
    }
    close(ends[1]);
    if (read(ends[0], dir, 128) != 128 || waitpid(child, &status, 0) != child || status != 0) {
        fprintf(stderr, "verify_bench: the run could not be made\n");
        exit(3);
    }
    close(ends[0]);
}

static double verify_once(const char *dir, const struct hx_scenario *scenario, const char *wanted)
{
    struct hx_verify_options options = {.dir = dir, .scenario = scenario};
    uint64_t start = otl_clock_thread_cpu_ns();
    json_t *result;

    if (hx_verify_run(&options, &result, NULL) != OTEL_OK ||
        strcmp(json_string_value(json_object_get(result, "verdict")), wanted) != 0) {
        fprintf(stderr, "verify_bench: the verdict is not '%s'\n", wanted);
        exit(1);
    }
    json_decref(result);
    return (double)(otl_clock_thread_cpu_ns() - start) / 1e9;
}

static double facts_bytes(const char *dir, const struct hx_scenario *scenario, size_t *ret_spans)
{
    double before = anonymous_mib(), after;
    struct hx_facts *facts;

    if (hx_facts_load(dir, scenario, &facts, NULL) != OTEL_OK)
        exit(3);
    after = anonymous_mib();
    *ret_spans = facts->span_count;
    hx_facts_free(facts);
    return (after - before) * 1024 * 1024 / (double)*ret_spans;
}

int main(int argc, char **argv)
{
    unsigned spans = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000000;
    struct w_options options = {.requests = spans / W_SPANS_PER_REQUEST + 1, .extras = true,
                                .edge = HX_EDGE_LINK};
    struct w_options none = {.requests = 1};
    struct world world; /* for its scenario, and to remove the directory */
    double best = 0, loop = 0, bytes;
    int repeats = argc > 2 ? (int)strtol(argv[2], NULL, 10) : REPEATS;
    char dir[128];
    size_t count;

    options.dir = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL;
    generate(&options, dir);
    none.edge = options.edge;
    world_init(&world, &none);
    rmdir(world.dir);
    memcpy(world.dir, dir, sizeof dir);
    bytes = facts_bytes(dir, &world.scenario, &count);
    for (int i = 0; i < repeats; i++) {
        bench_keep_least(&loop, bench_loop_ns());
        bench_keep_least(&best, verify_once(dir, &world.scenario, "pass"));
    }
    printf("verify: %zu spans in %.2f s CPU (best of %d), %.0f ns a span, %.0f bytes a span\n",
           count, best, repeats, best * 1e9 / (double)count, bytes);
    printf("spans: %zu\n", count);
    if (argc == 1) {
        bench_row_ns("verify", best * 1e9 / (double)count, loop, -1);
        bench_row("verify_bytes", bytes, "bytes");
    }
    world_fini(&world);
    return 0;
}
