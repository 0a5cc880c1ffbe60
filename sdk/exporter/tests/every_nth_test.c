/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole lives of each exporter, from its making to its freeing, while every n-th allocation fails:
 * nothing crashes, nothing is left behind, the books balance, and the next life is a good one.
 */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <otel/sdk/file_exporter.h>
#include <otel/sdk/otlp.h>
#include <otel/sdk/provider.h>

#include "sdk/exporter/tests/life.h"
#include "sdk/tests/heap.h"
#include "sdk/transport/tests/grpc_thread.h"
#include "sdk/transport/tests/server.h"

enum { SPANS = 10, NTH_MAX = 3000 };

static struct {
    struct srv *http;
    struct gsrv_thread grpc;
    char directory[64];
    char file[96];
    int nowhere;
} world;

/* --- the exporters --- */

static enum otel_err make_otlp(enum otel_sdk_otlp_protocol protocol, unsigned port,
                               struct otel_sdk_exporter **ret)
{
    struct otel_sdk_header header = {otel_str("x-a"), otel_str("b")};
    struct otel_sdk_otlp_options options;
    char endpoint[64];

    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u/v1/traces", port);
    otel_sdk_otlp_options_init(&options);
    options.endpoint = otel_str(endpoint);
    options.protocol = protocol;
    options.compression =
        protocol == OTEL_SDK_OTLP_HTTP_JSON ? OTEL_SDK_COMPRESSION_NONE : OTEL_SDK_COMPRESSION_GZIP;
    options.headers = &header;
    options.header_count = 1;
    options.initial_backoff_millis = options.max_backoff_millis = 1;
    options.max_attempts = 3;
    options.timeout_millis = 60000;
    return otel_sdk_otlp_new(&options, ret);
}

static enum otel_err make_http(struct otel_sdk_exporter **ret)
{
    return make_otlp(OTEL_SDK_OTLP_HTTP_PROTOBUF, srv_port(world.http), ret);
}

static enum otel_err make_http_json(struct otel_sdk_exporter **ret)
{
    return make_otlp(OTEL_SDK_OTLP_HTTP_JSON, srv_port(world.http), ret);
}

static enum otel_err make_grpc(struct otel_sdk_exporter **ret)
{
    return make_otlp(OTEL_SDK_OTLP_GRPC, world.grpc.port, ret);
}

static enum otel_err make_file_of(enum otel_sdk_file_format format, struct otel_sdk_exporter **ret)
{
    struct otel_sdk_file_options options;

    otel_sdk_file_options_init(&options);
    options.path = world.file;
    options.format = format;
    return otel_sdk_file_exporter_new(&options, ret);
}

static enum otel_err make_json_lines(struct otel_sdk_exporter **ret)
{
    return make_file_of(OTEL_SDK_FILE_JSON_LINES, ret);
}

static enum otel_err make_proto(struct otel_sdk_exporter **ret)
{
    return make_file_of(OTEL_SDK_FILE_PROTO, ret);
}

static enum otel_err make_console(struct otel_sdk_exporter **ret)
{
    struct otel_sdk_console_options options;

    otel_sdk_console_options_init(&options);
    options.fd = world.nowhere;
    return otel_sdk_console_exporter_new(&options, ret);
}

static enum otel_err make_memory(struct otel_sdk_exporter **ret)
{
    struct otel_sdk_memory *memory = NULL;
    enum otel_err err = otel_sdk_memory_new(10000, &memory);

    if (err == OTEL_OK)
        err = otel_sdk_memory_exporter_new(memory, ret);
    otel_sdk_memory_unref(memory);
    return err;
}

/* --- their lives --- */

static int descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

struct outcome {
    enum otel_err err; /* of setting up */
    unsigned long failed;
    struct otel_sdk_stats stats;
};

static struct outcome live(const struct life_kind *kind, unsigned long nth, int spans)
{
    struct outcome outcome;

    heap_fail_every(nth);
    outcome.err = life_of(kind, spans, &outcome.stats);
    outcome.failed = heap_failed();
    heap_fail_every(0);
    return outcome;
}

/* A loop of its own: servers on this heap free what a life left them in their own time. */
static void all_lives_of(const struct life_kind *kind)
{
    bool whole = false;
    struct outcome life = live(kind, 0, 2 * SPANS); /* what the process keeps is made now */
    long blocks = heap_live();
    int open = descriptors();

    assert_int_equal(life.stats.total.exported, 4 * SPANS);
    for (unsigned long nth = 1; nth < NTH_MAX && !whole; nth += 1 + nth / 16) {
        life = live(kind, nth, SPANS);
        if (life.err != OTEL_OK && life.err != OTEL_ERR_MEMORY && life.err != OTEL_ERR_IO)
            fail_msg("every %lu: set up with %s", nth, otel_err_name(life.err));
        assert_true(nth > 1 || life.err == OTEL_ERR_MEMORY);
        life_books_balance(&life.stats);
        if (heap_live() > blocks)
            fail_msg("every %lu: %ld blocks are left", nth, heap_live() - blocks);
        if (!kind->wire)
            assert_int_equal(descriptors(), open);
        whole = life.failed == 0;
    }
    assert_true(whole);
    assert_int_equal(life.stats.total.exported, 2 * SPANS);
}

#define LIVES(name, ...)                                                                           \
    static void name(void **state)                                                                 \
    {                                                                                              \
        static const struct life_kind kind = {__VA_ARGS__};                                        \
                                                                                                   \
        (void)state;                                                                               \
        all_lives_of(&kind);                                                                       \
    }

LIVES(over_http, .make = make_http, .wire = true)
LIVES(over_http_each_span_at_once, .make = make_http, .simple = true, .wire = true)
LIVES(over_http_as_json, .make = make_http_json, .wire = true)
LIVES(over_grpc, .make = make_grpc, .wire = true)
LIVES(over_grpc_each_span_at_once, .make = make_grpc, .simple = true, .wire = true)
LIVES(to_a_file_of_json_lines, .make = make_json_lines)
LIVES(to_a_file_of_protobuf, .make = make_proto, .simple = true)
LIVES(to_the_console, .make = make_console)
LIVES(to_memory, .make = make_memory)

static int set_up_world(void **state)
{
    (void)state;
    heap_install();
    world.http = srv_new();
    gsrv_thread_start(&world.grpc);
    snprintf(world.directory, sizeof(world.directory), "/tmp/every-nth.XXXXXX");
    world.nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (mkdtemp(world.directory) == NULL || world.nowhere < 0)
        return -1;
    snprintf(world.file, sizeof(world.file), "%s/spans", world.directory);
    return 0;
}

static int tear_down_world(void **state)
{
    (void)state;
    srv_free(world.http);
    gsrv_thread_stop(&world.grpc);
    gsrv_thread_fini(&world.grpc);
    unlink(world.file);
    rmdir(world.directory);
    close(world.nowhere);
    return heap_live() > 4; /* what the process keeps */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* first: their descriptors are counted, and a server closes its ends in its own time */
        cmocka_unit_test(to_a_file_of_json_lines),
        cmocka_unit_test(to_a_file_of_protobuf),
        cmocka_unit_test(to_the_console),
        cmocka_unit_test(to_memory),
        cmocka_unit_test(over_http),
        cmocka_unit_test(over_http_each_span_at_once),
        cmocka_unit_test(over_http_as_json),
        cmocka_unit_test(over_grpc),
        cmocka_unit_test(over_grpc_each_span_at_once),
    };

    return cmocka_run_group_tests_name("every_nth", tests, set_up_world, tear_down_world);
}
