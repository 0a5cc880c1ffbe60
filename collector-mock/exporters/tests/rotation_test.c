/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
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

#include "collector-mock/exporters/rotation.h"
#include "sdk/base/buf.h"
#include "sdk/base/file.h"

/* Files that are turned over: sizes, names, and how long they stay. The clock is the test's. */

#define T0 1767366245123ULL /* ms: 2026-01-02T15:04:05.123Z */
#define DAY (24ULL * 3600 * 1000)

static char dir[64], path[96];
static uint64_t wall_ms;

static uint64_t wall(void *state)
{
    (void)state;
    return wall_ms * OTL_NS_PER_MS;
}

static const struct otl_clock fake = {wall, wall, NULL};

static void sweep(void)
{
    DIR *opened = opendir(dir);
    struct dirent *entry;
    char name[512];

    assert_non_null(opened);
    while ((entry = readdir(opened)) != NULL) {
        snprintf(name, sizeof(name), "%s/%s", dir, entry->d_name);
        unlink(name);
    }
    closedir(opened);
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/rotation.XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/traces.json", dir);
    wall_ms = T0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sweep();
    return rmdir(dir);
}

static void begin(struct col_rotation *rotation, unsigned max_backups, unsigned max_days)
{
    const struct col_rotation_settings settings = {.path = path,
                                                   .max_bytes = 10,
                                                   .max_days = max_days,
                                                   .max_backups = max_backups,
                                                   .clock = &fake};

    assert_int_equal(col_rotation_init(rotation, &settings), OTEL_OK);
    assert_int_equal(col_rotation_start(rotation, NULL), OTEL_OK);
}

static void put(struct col_rotation *rotation, const char *record)
{
    struct otl_detail detail = OTL_DETAIL_NONE;

    if (col_rotation_ready(rotation, strlen(record), &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
    assert_int_equal(otl_fd_write_all(rotation->fd, record, strlen(record)), OTEL_OK);
    col_rotation_wrote(rotation, strlen(record));
}

static void leave(const char *name, const char *text)
{
    char file[256];

    snprintf(file, sizeof(file), "%s/%s", dir, name);
    assert_int_equal(otl_file_write(file, text, strlen(text), NULL), OTEL_OK);
}

/* text NULL: there is no such file */
static void holds(const char *name, const char *text)
{
    struct otl_buf got;
    char file[256];

    snprintf(file, sizeof(file), "%s/%s", dir, name);
    assert_int_equal(access(file, F_OK) == 0, text != NULL);
    if (text == NULL)
        return;
    otl_buf_init(&got, 4096);
    assert_int_equal(otl_file_read(file, &got, NULL), OTEL_OK);
    if (!otl_view_is(otl_view(got.data, got.len), text))
        fail_msg("%s holds '%.*s', not '%s'", name, (int)got.len, got.data, text);
    otl_buf_fini(&got);
}

static void a_file_is_turned_over_before_it_grows_too_large(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_rotation rotation;
    struct stat info;

    (void)state;
    begin(&rotation, 0, 0);
    holds("traces.json", NULL); /* opened by the first record */
    put(&rotation, "12345\n");
    put(&rotation, "678\n"); /* ten bytes: as many as may be */
    wall_ms = T0 + 1000;
    put(&rotation, "a\n");
    holds("traces.json", "a\n");
    holds("traces-2026-01-02T15-04-06.123-size.json", "12345\n678\n");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0644);
    put(&rotation, "123456789\n"); /* in the same millisecond as the next one */
    put(&rotation, "b\n");
    holds("traces-2026-01-02T15-04-06.124-size.json", "a\n");
    holds("traces-2026-01-02T15-04-06.125-size.json", "123456789\n");
    assert_int_equal(col_rotation_ready(&rotation, 11, &detail), OTEL_ERR_LIMIT);
    assert_string_equal(detail.text, "write length 11 exceeds maximum file size 10");
    put(&rotation, "c\n");
    holds("traces.json", "b\nc\n");
    assert_int_equal(col_rotation_fini(&rotation), 0);
}

static void a_file_that_is_there_is_gone_on_with_while_there_is_room(void **state)
{
    struct col_rotation rotation;

    (void)state;
    leave("traces.json", "before\n");
    begin(&rotation, 0, 0);
    put(&rotation, "a\n");
    holds("traces.json", "before\na\n");
    assert_int_equal(col_rotation_fini(&rotation), 0);
    begin(&rotation, 0, 0);
    put(&rotation, "b"); /* ten bytes would be room enough in one that is open */
    holds("traces.json", "b");
    holds("traces-2026-01-02T15-04-05.123-size.json", "before\na\n");
    assert_int_equal(col_rotation_fini(&rotation), 0);
    wall_ms = T0 + DAY;
    leave("traces.json", "123456789");
    begin(&rotation, 0, 0);
    put(&rotation, "c");
    holds("traces.json", "c");
    holds("traces-2026-01-03T15-04-05.123-size.json", "123456789");
    assert_int_equal(col_rotation_fini(&rotation), 0);
}

/* Not those of others, of other endings, or without a reason. */
static void leave_some(void)
{
    leave("traces-2026-01-02T15-04-01.000-size.json", "1");
    leave("traces-2026-01-02T15-04-02.000-time.json", "2");
    leave("traces-2026-01-02T15-04-03.000-size.json.gz", "3");
    leave("traces-2026-01-02T15-04-03.000-size.json.zst", "3");
    leave("traces-2026-01-02T15-04-04.000-a-b.json", "x");
    leave("traces-2026-01-02T15-04-04.00-size.json", "x");
    leave("traces-2026-13-02T15-04-04.000-size.json", "x");
    leave("other-2026-01-02T15-04-00.000-size.json", "x");
    leave("traces-2026-01-02T15-04-00.000-size.txt", "x");
}

static void others_stay(void)
{
    holds("traces-2026-01-02T15-04-04.000-a-b.json", "x");
    holds("traces-2026-01-02T15-04-04.00-size.json", "x");
    holds("traces-2026-13-02T15-04-04.000-size.json", "x");
    holds("other-2026-01-02T15-04-00.000-size.json", "x");
    holds("traces-2026-01-02T15-04-00.000-size.txt", "x");
}

static void the_newest_stay(void **state)
{
    struct col_rotation rotation;

    (void)state;
    leave_some();
    begin(&rotation, 2, 0);
    put(&rotation, "a\n");
    holds("traces-2026-01-02T15-04-01.000-size.json", NULL);
    holds("traces-2026-01-02T15-04-02.000-time.json", "2");
    holds("traces-2026-01-02T15-04-03.000-size.json.gz", "3"); /* two of one time are one */
    holds("traces-2026-01-02T15-04-03.000-size.json.zst", "3");
    put(&rotation, "123456789\n");
    holds("traces-2026-01-02T15-04-05.123-size.json", "a\n");
    holds("traces-2026-01-02T15-04-02.000-time.json", NULL);
    holds("traces-2026-01-02T15-04-03.000-size.json.gz", "3");
    others_stay();
    assert_int_equal(col_rotation_fini(&rotation), 0);
}

static void none_stays_for_too_many_days(void **state)
{
    struct col_rotation rotation;

    (void)state;
    leave_some();
    wall_ms = T0 - 5123 + 2000 + 3 * DAY; /* three days after 15:04:02 */
    begin(&rotation, 0, 3);
    put(&rotation, "a\n");
    holds("traces-2026-01-02T15-04-01.000-size.json", NULL);
    holds("traces-2026-01-02T15-04-02.000-time.json", "2");
    others_stay();
    wall_ms += 1;
    put(&rotation, "123456789\n");
    holds("traces-2026-01-02T15-04-02.000-time.json", NULL);
    holds("traces-2026-01-02T15-04-03.000-size.json.gz", "3");
    assert_int_equal(col_rotation_fini(&rotation), 0);
}

static void names_without_a_reason_are_given_one(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_rotation rotation;

    (void)state;
    leave("traces-2026-01-02T15-04-01.000.json", "1");
    leave("traces-2026-01-02T15-04-02.000.json", "again");
    leave("traces-2026-01-02T15-04-02.000-size.json", "2");
    leave("traces-2026-01-02.json", "x");
    begin(&rotation, 0, 0);
    holds("traces-2026-01-02T15-04-01.000.json", NULL);
    holds("traces-2026-01-02T15-04-01.000-size.json", "1");
    holds("traces-2026-01-02T15-04-02.000.json", NULL);
    holds("traces-2026-01-02T15-04-02.000-size.json", "2");
    holds("traces-2026-01-02.json", "x");
    assert_int_equal(col_rotation_fini(&rotation), 0);
    sweep();
    rotation.settings.path = "/nonexistent/traces";
    assert_int_equal(col_rotation_init(&rotation,
                                       &(struct col_rotation_settings){
                                           .path = "/nonexistent/traces", .clock = &fake}),
                     OTEL_OK);
    assert_int_equal(col_rotation_start(&rotation, &detail), OTEL_ERR_IO);
    assert_string_equal(detail.text,
                        "cannot read the directory /nonexistent: No such file or directory");
}

static void a_name_without_an_ending_has_none_when_it_is_turned_over(void **state)
{
    struct col_rotation rotation;

    (void)state;
    snprintf(path, sizeof(path), "%s/spans", dir);
    begin(&rotation, 1, 0);
    put(&rotation, "123456789\n");
    put(&rotation, "a\n");
    holds("spans-2026-01-02T15-04-05.123-size", "123456789\n");
    wall_ms += 5;
    put(&rotation, "123456789\n");
    holds("spans-2026-01-02T15-04-05.123-size", NULL);
    holds("spans-2026-01-02T15-04-05.128-size", "a\n");
    assert_int_equal(col_rotation_fini(&rotation), 0);
}

/* What is refused for its path closes no descriptor of others, be it 0 of zeroed memory. */
static void a_path_that_is_too_long_closes_nothing(void **state)
{
    static char names[2][COL_ROTATION_PATH_MAX + 1];
    const size_t lengths[2] = {256, COL_ROTATION_PATH_MAX}; /* of the name, of the path */
    struct col_rotation rotation;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    for (size_t i = 0; i < 2; i++) {
        memset(names[i], 'n', lengths[i]);
        memset(&rotation, 0, sizeof(rotation));
        rotation.fd = ends[0];
        assert_int_equal(
            col_rotation_init(&rotation, &(struct col_rotation_settings){.path = names[i],
                                                                         .clock = &fake}),
            OTEL_ERR_LIMIT);
        assert_int_equal(col_rotation_fini(&rotation), 0);
        assert_true(fcntl(ends[0], F_GETFD) >= 0);
    }
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_file_is_turned_over_before_it_grows_too_large),
        CASE(a_file_that_is_there_is_gone_on_with_while_there_is_room),
        CASE(the_newest_stay),
        CASE(none_stays_for_too_many_days),
        CASE(names_without_a_reason_are_given_one),
        CASE(a_name_without_an_ending_has_none_when_it_is_turned_over),
        CASE(a_path_that_is_too_long_closes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
