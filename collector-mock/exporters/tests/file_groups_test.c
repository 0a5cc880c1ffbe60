/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/exporters/file_groups.h"
#include "collector-mock/wire/json.h"

/* Files by the value of an attribute: where they are, and which are open. */

static struct col_file_groups *make(const char *path, size_t max_open, bool append)
{
    const struct col_file_groups_settings settings = {.path = path,
                                                      .max_open = max_open,
                                                      .directory_mode = 0700,
                                                      .append = append};
    struct col_file_groups *groups = NULL;

    assert_int_equal(col_file_groups_new(&settings, &groups), OTEL_OK);
    return groups;
}

static void a_value_leads_nowhere_else(void **state)
{
    static const struct {
        const char *path, *value, *file;
    } cases[] = {
        /* as the Collector 0.159 has them: fileexporter's own rules, and each held against it */
        {"/r/out/*.json", "a", "/r/out/a.json"},
        {"/r/out/*.json", "", "/r/out/.json"},
        {"/r/out/*.json", "a/b", "/r/out/a/b.json"},
        {"/r/out/*.json", "/a", "/r/out/a.json"},
        {"/r/out/*.json", "a//./b/", "/r/out/a/b/.json"},
        {"/r/out/*.json", "./a", "/r/out/a.json"},
        {"/r/out/*.json", "../a", "/r/out/a.json"},
        {"/r/out/*.json", "../../../etc/passwd", "/r/out/etc/passwd.json"},
        {"/r/out/*.json", "/../../etc/passwd", "/r/out/etc/passwd.json"},
        {"/r/out/*.json", "a/../../../etc/passwd", "/r/out/etc/passwd.json"},
        {"/r/out/*.json", "a/../b", "/r/out/b.json"},
        {"/r/out/*", "..", "/r/out"},
        {"/r/out/*", ".", "/r/out"},
        {"/r/out/*", "a/..", "/r/out"},
        {"/r/out-*.json", "a", "/r/out-a.json"},
        {"/r/out-*.json", "/../../etc/passwd", "/r/out-/etc/passwd.json"},
        {"/r/out-*.json", "../../x", "/r/out-/x.json"},
        {"/r/out-*/t.json", "a", "/r/out-a/t.json"},
        {"/r/out/*/../t.json", "a", "/r/out/t.json"},
        {"/r/out/*/../../t.json", "a", "/r/out/t.json"},
        {"out/*.json", "../../a", "out/a.json"},
        {"./out/*.json", "../a", "out/a.json"},
        {"/r//x/../out/*.json", "a", "/r/out/a.json"},
        {"/*.json", "../../a", "/a.json"},
        {"../out/*.json", "a/../../b", "../out/b.json"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct col_file_groups *groups = make(cases[i].path, 1, false);
        char file[COL_FILE_PATH_MAX] = "";
        bool good = col_file_groups_path(groups, otl_view_str(cases[i].value), file);
        if (!good || strcmp(file, cases[i].file) != 0)
            fail_msg("%s, %s: %s", cases[i].path, cases[i].value, good ? file : "refused");
        col_file_groups_free(groups);
    }
}

static void a_value_that_is_no_path_is_refused(void **state)
{
    struct col_file_groups *groups = make("/r/out/*.json", 1, false);
    static char longer[COL_FILE_PATH_MAX];
    char file[COL_FILE_PATH_MAX];
    int fd = -1;

    (void)state;
    memset(longer, 'a', sizeof(longer));
    assert_false(col_file_groups_path(groups, otl_view("a\0b", 3), file));
    assert_false(col_file_groups_path(groups, otl_view(longer, sizeof(longer)), file));
    assert_false(col_file_groups_path(groups, otl_view(longer, sizeof(longer) - 10), file));
    assert_int_equal(col_file_groups_open(groups, otl_view("a\0b", 3), &fd), EINVAL);
    assert_int_equal(col_file_groups_open(groups, otl_view(longer, sizeof(longer)), &fd),
                     ENAMETOOLONG);
    assert_int_equal(fd, -1);
    col_file_groups_free(groups);
}

static off_t size_of(const char *dir, const char *name)
{
    char path[256];
    struct stat info;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return stat(path, &info) == 0 ? info.st_size : -1;
}

static void put(struct col_file_groups *groups, const char *value)
{
    int fd = -1;

    assert_int_equal(col_file_groups_open(groups, otl_view_str(value), &fd), 0);
    assert_int_equal(write(fd, "x", 1), 1);
}

/* a is used again, so c takes the place of b; b opened again begins anew, or goes on. */
static void the_one_that_was_longest_unused_is_closed(void **state)
{
    (void)state;
    for (int append = 0; append < 2; append++) {
        static const char *const values[] = {"a", "b", "a", "c", "b"};
        static const char *const names[] = {"made/a.json", "made/b.json", "made/c.json"};
        char dir[] = "/tmp/groups.XXXXXX", path[64];
        struct col_file_groups *groups;
        int descriptors;

        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof(path), "%s/made/*.json", dir);
        groups = make(path, 2, append == 1);
        descriptors = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(descriptors >= 0);
        close(descriptors);
        for (size_t i = 0; i < 5; i++)
            put(groups, values[i]);
        assert_int_equal(size_of(dir, names[0]), 2);
        assert_int_equal(size_of(dir, names[1]), 1 + append);
        assert_int_equal(size_of(dir, names[2]), 1);
        assert_int_equal(col_file_groups_close(groups), 0);
        assert_int_equal(open("/dev/null", O_RDONLY | O_CLOEXEC), descriptors);
        close(descriptors);
        col_file_groups_free(groups);
        for (size_t i = 0; i < 3; i++) {
            snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
            assert_int_equal(unlink(path), 0);
        }
        snprintf(path, sizeof(path), "%s/made", dir);
        assert_int_equal(rmdir(path), 0);
        assert_int_equal(rmdir(dir), 0);
    }
}

#define RESOURCE(attributes, span)                                                                \
    "{\"resource\":{\"attributes\":[" attributes "]},\"scopeSpans\":[{\"spans\":[{"               \
    "\"traceId\":\"01020304050607080102030405060708\",\"spanId\":\"0102030405060708\","           \
    "\"name\":\"" span "\"}]}]}"
#define OF(value) "{\"key\":\"g\",\"value\":{\"stringValue\":\"" value "\"}}"

static void a_request_is_parted_by_values(void **state)
{
    static const char json[] =
        "{\"resourceSpans\":[" RESOURCE(OF("b"), "1") "," RESOURCE(OF("a"), "2") ","
        RESOURCE(OF("b"), "3") "," RESOURCE("", "4") ","
        RESOURCE("{\"key\":\"g\",\"value\":{\"intValue\":\"5\"}}", "5") ","
        RESOURCE(OF(""), "6") "]}";
    static const char *const wanted[] = {":6", "a:2", "b:13"};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_file_part *parts = NULL;
    struct otl_arena arena;
    struct otl_buf request;
    uint64_t without = 0;
    size_t count = 0;

    (void)state;
    otl_buf_init(&request, 1 << 20);
    otl_arena_init(&arena, 1 << 20);
    assert_int_equal(col_json_decode(COL_TRACES, otl_view_str(json), &request, &detail), OTEL_OK);
    assert_int_equal(col_file_groups_split("g", COL_TRACES, otl_view(request.data, request.len),
                                           &arena, &parts, &count, &without),
                     OTEL_OK);
    assert_int_equal(without, 2);
    assert_int_equal(count, 3);
    for (size_t i = 0; i < 3; i++) {
        struct col_traces traces;
        struct col_span span;
        char said[32];
        size_t len;

        snprintf(said, sizeof(said), "%.*s:", (int)parts[i].value.len, parts[i].value.data);
        col_traces_init(&traces, parts[i].request);
        while (col_traces_next(&traces, &span)) {
            len = strlen(said);
            snprintf(said + len, sizeof(said) - len, "%.*s", (int)span.name.len, span.name.data);
        }
        assert_int_equal(col_traces_error(&traces, NULL), OTEL_OK);
        assert_string_equal(said, wanted[i]);
    }
    otl_arena_fini(&arena);
    otl_buf_fini(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_leads_nowhere_else),
        cmocka_unit_test(a_value_that_is_no_path_is_refused),
        cmocka_unit_test(the_one_that_was_longest_unused_is_closed),
        cmocka_unit_test(a_request_is_parted_by_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
