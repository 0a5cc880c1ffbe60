/* SPDX-License-Identifier: Apache-2.0 */
/* Spans in files and on a console. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>
#include <otel/sdk/file_exporter.h>

#include "ci/witness/otlp_pb.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"
#include "sdk/tests/rig.h"

struct place {
    char dir[64];
    char path[96];
    char said[512];
};

static void place_init(struct place *place)
{
    snprintf(place->dir, sizeof(place->dir), "/tmp/otel-file-XXXXXX");
    assert_non_null(mkdtemp(place->dir));
    snprintf(place->path, sizeof(place->path), "%s/spans", place->dir);
    place->said[0] = '\0';
}

static void place_fini(struct place *place)
{
    unlink(place->path);
    rmdir(place->dir);
}

static void remember(void *arg, enum otel_err err, const char *text)
{
    struct place *place = arg;

    (void)err;
    snprintf(place->said, sizeof(place->said), "%s", text);
}

static void rig_file(struct rig *rig, struct place *place, enum otel_sdk_file_format format)
{
    struct otel_sdk_processor *processor = NULL;
    struct otel_sdk_exporter *exporter = NULL;
    struct otel_sdk_file_options options;

    otel_sdk_file_options_init(&options);
    options.path = place->path;
    options.format = format;
    options.error = remember;
    options.error_arg = place;
    assert_int_equal(otel_sdk_file_exporter_new(&options, &exporter), OTEL_OK);
    assert_int_equal(otel_sdk_simple_new(NULL, exporter, &processor), OTEL_OK);
    rig_init(rig);
    rig_start_with(rig, processor);
}

static void read_all(const char *path, struct otl_buf *buf)
{
    otl_buf_init(buf, 16 << 20);
    assert_int_equal(otl_file_read(path, buf, NULL), OTEL_OK);
}

/* Lines of the file, each of them a request with one span. */
static unsigned count_lines(const char *path)
{
    struct otl_buf text;
    unsigned count = 0;

    read_all(path, &text);
    for (char *at = text.data; at != NULL && *at != '\0';) {
        char *end = strchr(at, '\n');
        json_t *json, *spans;
        assert_non_null(end);
        json = json_loadb(at, (size_t)(end - at), JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(json);
        spans = json_object_get(
            json_array_get(
                json_object_get(json_array_get(json_object_get(json, "resourceSpans"), 0),
                                "scopeSpans"),
                0),
            "spans");
        assert_int_equal(json_array_size(spans), 1);
        json_decref(json);
        count++;
        at = end + 1;
    }
    otl_buf_fini(&text);
    return count;
}

static void each_batch_is_a_line_and_a_second_run_appends(void **state)
{
    struct place place;
    struct rig rig;

    (void)state;
    place_init(&place);
    for (int run = 0; run < 2; run++) {
        rig_file(&rig, &place, OTEL_SDK_FILE_JSON_LINES);
        for (int i = 0; i < 3; i++)
            one_span(&rig, "line\nfeed");
        rig_fini(&rig);
    }
    assert_int_equal(count_lines(place.path), 6);
    assert_string_equal(place.said, "");
    place_fini(&place);
}

static void protobuf_stands_behind_its_length(void **state)
{
    struct otl_buf bytes;
    struct place place;
    struct rig rig;
    size_t at = 0, records = 0;

    (void)state;
    place_init(&place);
    rig_file(&rig, &place, OTEL_SDK_FILE_PROTO);
    for (int i = 0; i < 3; i++)
        one_span(&rig, "op");
    rig_fini(&rig);
    read_all(place.path, &bytes);
    while (at < bytes.len) {
        Otlp__ExportTraceServiceRequest *request;
        uint32_t length;
        assert_true(bytes.len - at >= 4);
        memcpy(&length, bytes.data + at, 4);
        length = ntohl(length);
        assert_true(bytes.len - at - 4 >= length);
        request = otlp__export_trace_service_request__unpack(NULL, length,
                                                             (uint8_t *)bytes.data + at + 4);
        assert_non_null(request);
        assert_int_equal(request->resource_spans[0]->scope_spans[0]->n_spans, 1);
        otlp__export_trace_service_request__free_unpacked(request, NULL);
        at += 4 + length;
        records++;
    }
    assert_int_equal(records, 3);
    otl_buf_fini(&bytes);
    place_fini(&place);
}

/* The size limit of a process stands in for a full disk: the first bytes still fit. */
static void a_full_disk_leaves_no_partial_line_and_heals(void **state)
{
    struct rlimit old, limit;
    struct place place;
    struct stat st;
    struct rig rig;
    off_t whole;

    (void)state;
    place_init(&place);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    rig_file(&rig, &place, OTEL_SDK_FILE_JSON_LINES);
    one_span(&rig, "first");
    assert_int_equal(stat(place.path, &st), 0);
    whole = st.st_size;
    limit = old;
    limit.rlim_cur = (rlim_t)whole + 50;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    one_span(&rig, "lost");
    assert_int_equal(stat(place.path, &st), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(st.st_size, whole);
    assert_non_null(strstr(place.said, "1 span not written to "));
    assert_int_equal(rig_stats(&rig).total.dropped[OTEL_SDK_DROP_EXPORT_FAILED], 1);
    one_span(&rig, "third");
    assert_int_equal(rig_stats(&rig).total.exported, 2);
    rig_fini(&rig);
    assert_int_equal(count_lines(place.path), 2);
    place_fini(&place);
}

static void a_device_that_is_full_fails_the_batch(void **state)
{
    struct otel_sdk_processor *processor = NULL;
    struct otel_sdk_exporter *exporter = NULL;
    struct otel_sdk_file_options options;
    struct rig rig;

    (void)state;
    otel_sdk_file_options_init(&options);
    options.path = "/dev/full";
    assert_int_equal(otel_sdk_file_exporter_new(&options, &exporter), OTEL_OK);
    assert_int_equal(otel_sdk_simple_new(NULL, exporter, &processor), OTEL_OK);
    rig_init(&rig);
    rig_start_with(&rig, processor);
    one_span(&rig, "op");
    assert_int_equal(rig_stats(&rig).total.dropped[OTEL_SDK_DROP_EXPORT_FAILED], 1);
    rig_fini(&rig);
}

enum pipe_kind { PIPE_CONSOLE, PIPE_JSON, PIPE_PROTO, PIPE_KINDS };

/* Simple processor, so that the write is this thread's; nobody reads the pipe. */
static int rig_broken_pipe(struct rig *rig, struct place *place, enum pipe_kind kind)
{
    struct otel_sdk_processor *processor = NULL;
    struct otel_sdk_exporter *exporter = NULL;
    struct otel_sdk_console_options console;
    struct otel_sdk_file_options options;
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    place->said[0] = '\0';
    otel_sdk_file_options_init(&options);
    options.fd = ends[1];
    options.format = kind == PIPE_PROTO ? OTEL_SDK_FILE_PROTO : OTEL_SDK_FILE_JSON_LINES;
    otel_sdk_console_options_init(&console);
    console.fd = ends[1];
    options.error = console.error = remember;
    options.error_arg = console.error_arg = place;
    if (kind == PIPE_CONSOLE)
        assert_int_equal(otel_sdk_console_exporter_new(&console, &exporter), OTEL_OK);
    else
        assert_int_equal(otel_sdk_file_exporter_new(&options, &exporter), OTEL_OK);
    assert_int_equal(otel_sdk_simple_new(NULL, exporter, &processor), OTEL_OK);
    rig_init(rig);
    rig_start_with(rig, processor);
    return ends[1];
}

static bool sigpipe_is_in(int (*ask)(sigset_t *ret))
{
    sigset_t set;

    assert_int_equal(ask(&set), 0);
    return sigismember(&set, SIGPIPE) == 1;
}

static int ask_mask(sigset_t *ret)
{
    return pthread_sigmask(SIG_BLOCK, NULL, ret);
}

static void a_pipe_without_a_reader_fails_the_batch_and_kills_nobody(void **state)
{
    struct place place;
    struct rig rig;

    (void)state;
    assert_false(signal(SIGPIPE, SIG_DFL) == SIG_ERR);
    for (enum pipe_kind kind = PIPE_CONSOLE; kind < PIPE_KINDS; kind++) {
        int fd = rig_broken_pipe(&rig, &place, kind);
        assert_false(sigpipe_is_in(ask_mask));
        for (uint64_t i = 1; i <= 2; i++) {
            one_span(&rig, "op");
            assert_int_equal(rig_stats(&rig).total.dropped[OTEL_SDK_DROP_EXPORT_FAILED], i);
        }
        assert_false(sigpipe_is_in(ask_mask));
        assert_string_equal(place.said, kind == PIPE_CONSOLE
                                            ? "1 span not written to the console: Broken pipe"
                                            : "1 span not written to a descriptor: Broken pipe");
        rig_fini(&rig);
        close(fd);
    }
}

/* A program that blocks SIGPIPE and waits for it finds its own and never the exporter's. */
static void a_sigpipe_of_the_program_stays_pending_and_ours_does_not(void **state)
{
    static const struct timespec at_once = {0, 0};
    sigset_t pipe_signal, before;
    struct place place;
    struct rig rig;

    (void)state;
    assert_false(signal(SIGPIPE, SIG_DFL) == SIG_ERR);
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &pipe_signal, &before), 0);
    for (enum pipe_kind kind = PIPE_CONSOLE; kind < PIPE_KINDS; kind++) {
        int fd = rig_broken_pipe(&rig, &place, kind);
        assert_int_equal(raise(SIGPIPE), 0);
        one_span(&rig, "pending before");
        assert_true(sigpipe_is_in(sigpending));
        assert_int_equal(sigtimedwait(&pipe_signal, NULL, &at_once), SIGPIPE);
        one_span(&rig, "not pending before");
        assert_false(sigpipe_is_in(sigpending));
        assert_true(sigpipe_is_in(ask_mask));
        assert_int_equal(rig_stats(&rig).total.dropped[OTEL_SDK_DROP_EXPORT_FAILED], 2);
        rig_fini(&rig);
        close(fd);
    }
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
}

static void parent_and_forked_child_share_the_file(void **state)
{
    struct place place;
    struct rig rig;
    int status = -1;
    pid_t pid;

    (void)state;
    place_init(&place);
    rig_file(&rig, &place, OTEL_SDK_FILE_JSON_LINES);
    one_span(&rig, "before");
    pid = fork();
    assert_true(pid >= 0);
    for (int i = 0; i < 50; i++)
        one_span(&rig, pid == 0 ? "child" : "parent");
    if (pid == 0)
        _exit(0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    rig_fini(&rig);
    assert_int_equal(count_lines(place.path), 101);
    place_fini(&place);
}

static void wrong_options_are_refused(void **state)
{
    struct otel_sdk_exporter *exporter = NULL;
    struct otel_sdk_console_options console;
    struct otel_sdk_file_options options;

    (void)state;
    otel_sdk_file_options_init(&options);
    options.path = "/nonexistent/dir/spans";
    assert_int_equal(otel_sdk_file_exporter_new(&options, &exporter), OTEL_ERR_IO);
    options.path = NULL;
    options.fd = -1;
    assert_int_equal(otel_sdk_file_exporter_new(&options, &exporter), OTEL_ERR_ARGUMENT);
    options.fd = 1;
    options.format = (enum otel_sdk_file_format)2;
    assert_int_equal(otel_sdk_file_exporter_new(&options, &exporter), OTEL_ERR_ARGUMENT);
    options.struct_size = 0;
    assert_int_equal(otel_sdk_file_exporter_new(&options, &exporter), OTEL_ERR_ARGUMENT);
    console.struct_size = 0;
    assert_int_equal(otel_sdk_console_exporter_new(&console, &exporter), OTEL_ERR_ARGUMENT);
}

static void fill(struct rig *rig)
{
    static const int64_t numbers[] = {1, 2};
    struct otel_attribute array =
        otel_attr("list", otel_value_many(OTEL_VALUE_INT_ARRAY, numbers, 2));
    struct otel_context *remote = remote_parent(OTEL_FLAG_SAMPLED);
    struct otel_span_options options;
    struct otel_link link;
    struct otel_span *span;

    otel_span_options_init(&options);
    options.parent = remote;
    options.kind = OTEL_SPAN_KIND_SERVER;
    options.start_time_unix_nanos = 1700000000000000000;
    span = otel_span_start(rig->tracer, "GET /users", &options);
    otel_span_set_int(span, "http.response.status_code", 404);
    otel_span_set_str(span, "escape\x1b[31m", "a\nb");
    otel_span_set_many(span, &array, 1);
    otel_span_add_event_named(span, "retry");
    memset(&link, 0, sizeof(link));
    link.context = *otel_context_span_context(remote);
    otel_span_add_link(span, &link);
    otel_span_set_status(span, OTEL_STATUS_ERROR, "no such user");
    otel_span_end_at(span, 1700000000012300000);
    otel_span_unref(span);
    otel_context_unref(remote);
}

/* A simple processor's console writes to place; returns its descriptor. */
static int rig_console(struct rig *rig, struct place *place)
{
    struct otel_sdk_processor *processor = NULL;
    struct otel_sdk_exporter *exporter = NULL;
    struct otel_sdk_console_options options;

    otel_sdk_console_options_init(&options);
    options.fd = open(place->path, O_WRONLY | O_CREAT, 0600);
    options.error = remember;
    options.error_arg = place;
    assert_true(options.fd >= 0);
    assert_int_equal(otel_sdk_console_exporter_new(&options, &exporter), OTEL_OK);
    assert_int_equal(otel_sdk_simple_new(NULL, exporter, &processor), OTEL_OK);
    rig_init(rig);
    rig_start_with(rig, processor);
    return options.fd;
}

static void a_console_that_is_full_is_told_once_until_it_is_not(void **state)
{
    static const char *const said[] = {"1 span not written to the console: File too large", "", "",
                                       "1 span not written to the console: File too large"};
    struct rlimit old, limit;
    struct otl_buf text;
    struct place place;
    struct stat st;
    struct rig rig;
    int fd;

    (void)state;
    place_init(&place);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    fd = rig_console(&rig, &place);
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        assert_int_equal(fstat(fd, &st), 0);
        limit = old;
        if (i != 2)
            limit.rlim_cur = (rlim_t)st.st_size + 20;
        place.said[0] = '\0';
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        one_span(&rig, "op");
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_string_equal(place.said, said[i]);
    }
    assert_int_equal(rig_stats(&rig).total.dropped[OTEL_SDK_DROP_EXPORT_FAILED], 3);
    assert_int_equal(rig_stats(&rig).total.exported, 1);
    rig_fini(&rig);
    close(fd);
    read_all(place.path, &text);
    assert_memory_equal(text.data, "op  internal", 12);
    otl_buf_fini(&text);
    place_fini(&place);
}

static void the_console_says_what_a_person_wants_to_know(void **state)
{
    static const char *const wanted[] = {
        "GET /users  server  12.3ms  ERROR \"no such user\"\n    trace abababab",
        "  remote parent ",
        "  scope test\n",
        "    http.response.status_code: 404\n",
        "    escape?[31m: \"a\\nb\"\n",
        "    list: [1, 2]\n",
        "    + ",
        "  retry\n",
        "    -> trace abababab",
    };
    struct otl_buf text;
    struct place place;
    struct rig rig;
    int fd;

    (void)state;
    place_init(&place);
    fd = rig_console(&rig, &place);
    fill(&rig);
    rig_fini(&rig);
    close(fd);
    read_all(place.path, &text);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        if (strstr(text.data, wanted[i]) == NULL)
            fail_msg("'%s' is not in:\n%s", wanted[i], text.data);
    otl_buf_fini(&text);
    place_fini(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_batch_is_a_line_and_a_second_run_appends),
        cmocka_unit_test(protobuf_stands_behind_its_length),
        cmocka_unit_test(a_full_disk_leaves_no_partial_line_and_heals),
        cmocka_unit_test(a_device_that_is_full_fails_the_batch),
        cmocka_unit_test(a_pipe_without_a_reader_fails_the_batch_and_kills_nobody),
        cmocka_unit_test(a_sigpipe_of_the_program_stays_pending_and_ours_does_not),
        cmocka_unit_test(parent_and_forked_child_share_the_file),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(a_console_that_is_full_is_told_once_until_it_is_not),
        cmocka_unit_test(the_console_says_what_a_person_wants_to_know),
    };

    return cmocka_run_group_tests_name("file_exporter", tests, NULL, NULL);
}
