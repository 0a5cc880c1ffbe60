/* SPDX-License-Identifier: Apache-2.0 */
/* The debug exporter by itself: what it says of each signal, and of how many requests a second. */
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

#include "collector-mock/pipeline/registry.h"
#include "collector-mock/wire/json.h"
#include "sdk/base/clock.h"

static uint64_t now_ns;

static uint64_t clock_ns(void *state)
{
    (void)state;
    return now_ns;
}

struct world {
    struct otl_clock clock;
    struct col_host host;
    struct otl_yaml *doc;
    void *self;
    enum col_signal signal;
    struct otl_buf request;
    int said; /* what the log and the exporter write */
};

static void begin(struct world *world, enum col_signal signal, const char *config, const char *json)
{
    char path[] = "/tmp/col_debug_XXXXXX";
    struct col_create create = {.id = "debug", .signal = signal, .host = &world->host};

    memset(world, 0, sizeof(*world));
    now_ns = 5 * OTL_NS_PER_S;
    world->clock = (struct otl_clock){clock_ns, clock_ns, NULL};
    world->said = mkstemp(path);
    assert_true(world->said >= 0);
    unlink(path);
    assert_int_equal(fcntl(world->said, F_SETFL, O_APPEND), 0);
    world->host.clock = &world->clock;
    otl_log_init(&world->host.log, world->said, OTL_LOG_INFO, "test");
    assert_int_equal(otl_yaml_load_text(config, strlen(config), NULL, &world->doc, NULL), OTEL_OK);
    create.doc = world->doc;
    create.config = otl_yaml_root(world->doc);
    assert_int_equal(col_debug_exporter.create(&create, &world->self, NULL), OTEL_OK);
    world->signal = signal;
    otl_buf_init(&world->request, 1 << 16);
    assert_int_equal(col_json_decode(signal, otl_view_str(json), &world->request, NULL), OTEL_OK);
}

static void end(struct world *world)
{
    col_debug_exporter.free(world->self);
    otl_yaml_free(world->doc);
    otl_buf_fini(&world->request);
    close(world->said);
}

static void send(struct world *world)
{
    struct col_batch batch = {.request = otl_view(world->request.data, world->request.len),
                              .signal = world->signal};

    assert_int_equal(col_request_check(batch.signal, batch.request, &batch.items, NULL), OTEL_OK);
    assert_int_equal(col_debug_exporter.consume(world->self, &batch, NULL), OTEL_OK);
}

/* How often the text was said. */
static size_t said(const struct world *world, const char *text)
{
    static char all[1 << 16];
    ssize_t len = pread(world->said, all, sizeof(all) - 1, 0);
    size_t count = 0;

    assert_true(len >= 0);
    all[len] = '\0';
    for (const char *at = all; (at = strstr(at, text)) != NULL; at += strlen(text))
        count++;
    return count;
}

#define K_7 "\"attributes\":[{\"key\":\"k\",\"value\":{\"intValue\":\"7\"}}]"
#define TRACE "\"traceId\":\"0102030405060708090a0b0c0d0e0f10\","
#define SPANS                                                                                     \
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{"    \
    "\"stringValue\":\"shop\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"lib\"},\"spans\":["      \
    "{" TRACE "\"spanId\":\"0000000000000001\",\"name\":\"first\",\"kind\":2," K_7                \
    ",\"events\":[{\"name\":\"bang\"}],\"status\":{\"code\":2,\"message\":\"gone\"}},"            \
    "{" TRACE "\"spanId\":\"0000000000000002\",\"name\":\"second\"}]}]}]}"
#define POINTS                                                                                    \
    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"requests\",\"sum\":{"     \
    "\"dataPoints\":[{\"asInt\":\"3\"," K_7 "}]}}]}]}]}"
#define RECORDS                                                                                   \
    "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"severityText\":\"WARN\",\"body\":{"   \
    "\"stringValue\":\"low disk\"}," K_7 "}]}]}]}"

enum { SAID_MAX = 6 };

static const struct {
    enum col_signal signal;
    const char *config, *json;
    const char *said[SAID_MAX], *not_said[SAID_MAX];
} rows[] = {
    {COL_TRACES, "{}", SPANS, {"Traces: resource spans 1, spans 2"}, {"first", "shop"}},
    {COL_TRACES, "{verbosity: basic}", SPANS, {"Traces: resource spans 1, spans 2"}, {"first"}},
    {COL_TRACES, "{verbosity: normal}", SPANS,
     {"Traces: resource spans 1, spans 2",
      "first 0102030405060708090a0b0c0d0e0f10 0000000000000001 k=7\n",
      "second 0102030405060708090a0b0c0d0e0f10 0000000000000002\n"},
     {"shop", "bang", "Server"}},
    {COL_TRACES, "{verbosity: detailed}", SPANS,
     {"ResourceSpans #0\n", "     -> service.name: \"shop\"\n", "InstrumentationScope: \"lib\"\n",
      "Span #1\n", "    Kind: Server\n", "    Status message: \"gone\"\n"},
     {"first 0102"}},
    {COL_TRACES, "{verbosity: detailed}", SPANS,
     {"Span #0\n", "    Event #0\n        Name: \"bang\"\n", "    -> k: 7\n",
      "    ID: 0000000000000002\n", "    Status code: Error\n"}, {NULL}},
    {COL_METRICS, "{verbosity: basic}", POINTS,
     {"Metrics: resource metrics 1, metrics 1, data points 1"}, {"requests"}},
    {COL_METRICS, "{verbosity: normal}", POINTS, {"data points 1", "requests k=7 3\n"},
     {"scopeMetrics"}},
    {COL_METRICS, "{verbosity: detailed}", POINTS, {"data points 1", "scopeMetrics"}, {NULL}},
    {COL_LOGS, "{verbosity: basic}", RECORDS, {"Logs: resource logs 1, log records 1"},
     {"low disk"}},
    {COL_LOGS, "{verbosity: normal}", RECORDS, {"log records 1", "WARN \"low disk\" ", " k=7\n"},
     {"scopeLogs"}},
    {COL_LOGS, "{verbosity: detailed}", RECORDS, {"log records 1", "scopeLogs"}, {NULL}},
};

static void verbosity_says_how_much(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world world;

        begin(&world, rows[i].signal, rows[i].config, rows[i].json);
        send(&world);
        for (size_t k = 0; k < SAID_MAX && rows[i].said[k] != NULL; k++)
            if (said(&world, rows[i].said[k]) != 1)
                fail_msg("row %zu: '%s' is said %zu times", i, rows[i].said[k],
                         said(&world, rows[i].said[k]));
        for (size_t k = 0; k < SAID_MAX && rows[i].not_said[k] != NULL; k++)
            if (said(&world, rows[i].not_said[k]) != 0)
                fail_msg("row %zu: '%s' is said", i, rows[i].not_said[k]);
        end(&world);
    }
}

/* Of so many requests in one second, and in the next one. */
static void sampling_thins_what_is_shown_in_a_second(void **state)
{
    static const struct {
        const char *config;
        unsigned sent;
        size_t shown;
    } thin[] = {
        {"{}", 9, 9}, /* 2, then every one */
        {"{sampling_initial: 2, sampling_thereafter: 3}", 10, 2 + 2},
        {"{sampling_initial: 2, sampling_thereafter: 3}", 11, 2 + 3},
        {"{sampling_initial: 0, sampling_thereafter: 4}", 9, 2},
        {"{sampling_initial: 5, sampling_thereafter: 0}", 50, 5},
        {"{sampling_initial: 0, sampling_thereafter: 0}", 50, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(thin) / sizeof(thin[0]); i++) {
        struct world world;

        begin(&world, COL_TRACES, thin[i].config, SPANS);
        for (unsigned k = 0; k < thin[i].sent; k++)
            send(&world);
        now_ns += OTL_NS_PER_S - 1; /* still the same one */
        if (said(&world, "Traces: ") != thin[i].shown)
            fail_msg("row %zu: %zu are shown", i, said(&world, "Traces: "));
        now_ns += 1;
        for (unsigned k = 0; k < thin[i].sent; k++)
            send(&world);
        if (said(&world, "Traces: ") != 2 * thin[i].shown)
            fail_msg("row %zu: in the next second %zu", i, said(&world, "Traces: "));
        end(&world);
    }
}

static size_t in_file(const char *path, const char *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct world world = {.said = fd};
    size_t count;

    assert_true(fd >= 0);
    count = said(&world, text);
    close(fd);
    return count;
}

/* Into files, the first of which had something already; then nothing is in the log. */
static void own_outputs_get_it_instead_of_the_log(void **state)
{
    static const struct {
        enum col_signal signal;
        const char *json, *line;
    } wanted[] = {
        {COL_TRACES, SPANS, "Traces\t{\"resource spans\": 1, \"spans\": 2}\nfirst 0102"},
        {COL_METRICS, POINTS, "Metrics\t{\"resource metrics\": 1, \"metrics\": 1, "
                              "\"data points\": 1}\nrequests k=7 3\n"},
        {COL_LOGS, RECORDS, "Logs\t{\"resource logs\": 1, \"log records\": 1}\nWARN "}};
    char dir[] = "/tmp/col_debug_XXXXXX", one[64], other[64], config[256];
    struct otl_detail detail = OTL_DETAIL_NONE;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(one, sizeof(one), "%s/one", dir);
    snprintf(other, sizeof(other), "%s/other", dir);
    snprintf(config, sizeof(config),
             "{use_internal_logger: false, verbosity: normal, output_paths: [%s, %s]}", one,
             other);
    for (size_t i = 0; i < 3; i++) {
        struct world world;
        begin(&world, wanted[i].signal, config, wanted[i].json);
        assert_int_equal(col_debug_exporter.start(world.self, &detail), OTEL_OK);
        send(&world);
        assert_int_equal(said(&world, "1"), 0);
        assert_int_equal(col_debug_exporter.flush(world.self, &detail), OTEL_OK);
        end(&world);
        assert_int_equal(in_file(one, wanted[i].line), 1);
        assert_int_equal(in_file(other, wanted[i].line), 1);
    }
    assert_int_equal(in_file(one, "Traces"), 1); /* the first is still there */
    unlink(one);
    unlink(other);
    rmdir(dir);
}

static void outputs_that_cannot_be_are_refused(void **state)
{
    static const struct {
        const char *config, *said;
    } wrong[] = {
        {"{output_paths: [stdout]}",
         ":1:2: exporter 'debug': output_paths is not supported when use_internal_logger is true"},
        {"{use_internal_logger: true, output_paths: []}",
         "output_paths is not supported when use_internal_logger is true"},
        {"{use_internal_logger: false, output_paths: []}",
         "output_paths must not be empty when use_internal_logger is false"},
        {"{use_internal_logger: false, output_paths: ['file:///tmp/x']}", "URLs are not yet"},
        {"{use_internal_logger: false, output_paths: [a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, "
         "a, a]}", "more than 16 output_paths"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct col_host host = {0};
        struct col_create create = {.id = "debug", .host = &host};
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct otl_yaml *doc = NULL;
        void *self = NULL;
        char text[512];

        assert_int_equal(otl_yaml_load_text(wrong[i].config, strlen(wrong[i].config), NULL, &doc,
                                            NULL), OTEL_OK);
        create.doc = doc;
        create.config = otl_yaml_root(doc);
        assert_int_not_equal(col_debug_exporter.create(&create, &self, &detail), OTEL_OK);
        otl_detail_format(&detail, text, sizeof(text));
        if (strstr(text, wrong[i].said) == NULL)
            fail_msg("%s: %s", wrong[i].config, text);
        otl_yaml_free(doc);
    }
}

static void a_file_that_cannot_be_opened_is_told(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct world world;

    (void)state;
    begin(&world, COL_TRACES, "{use_internal_logger: false, output_paths: [/proc/none/such]}",
          SPANS);
    assert_int_equal(col_debug_exporter.start(world.self, &detail), OTEL_ERR_IO);
    assert_non_null(strstr(detail.text, "exporter 'debug': cannot open the file: "));
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verbosity_says_how_much),
        cmocka_unit_test(sampling_thins_what_is_shown_in_a_second),
        cmocka_unit_test(own_outputs_get_it_instead_of_the_log),
        cmocka_unit_test(outputs_that_cannot_be_are_refused),
        cmocka_unit_test(a_file_that_cannot_be_opened_is_told),
    };

    return cmocka_run_group_tests_name("debug", tests, NULL, NULL);
}
