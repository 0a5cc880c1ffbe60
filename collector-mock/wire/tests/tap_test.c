/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/wire/tap.h"
#include "sdk/base/file.h"

struct fixture {
    char dir[64];
    char path[128];
};

static int setup(void **state)
{
    static struct fixture fixture;

    snprintf(fixture.dir, sizeof(fixture.dir), "/tmp/tap_test.XXXXXX");
    if (mkdtemp(fixture.dir) == NULL)
        return -1;
    snprintf(fixture.path, sizeof(fixture.path), "%s/tap.bin", fixture.dir);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    unlink(fixture->path);
    return rmdir(fixture->dir);
}

static struct col_tap_record request(uint64_t number, const char *body)
{
    struct col_tap_record record = {.type = COL_TAP_REQUEST,
                                    .encoding = COL_TAP_PROTOBUF,
                                    .transport = COL_TAP_HTTP,
                                    .signal = COL_TAP_TRACES,
                                    .connection = 0x0102030405060708,
                                    .request = number,
                                    .mono_ns = 11,
                                    .wall_ns = UINT64_MAX,
                                    .rejected_spans = 3,
                                    .status = 200,
                                    .spans = 5,
                                    .flags = COL_TAP_UNDECODABLE,
                                    .body = otl_view(body, strlen(body))};

    return record;
}

static const struct col_tap_record start = {.type = COL_TAP_START};

static void header_bytes_are_the_published_ones(void **state)
{
    static const uint8_t expected[COL_TAP_HEADER_SIZE] =
        "TAP1\x02\x01\x01\x01"
        "\x08\x07\x06\x05\x04\x03\x02\x01"
        "\x09\x00\x00\x00\x00\x00\x00\x00"
        "\x0b\x00\x00\x00\x00\x00\x00\x00"
        "\xff\xff\xff\xff\xff\xff\xff\xff"
        "\x03\x00\x00\x00\x00\x00\x00\x00"
        "\xc8\x00\x00\x00\x05\x00\x00\x00"
        "\x04\x00\x00\x00\x01\x00\x00";
    struct col_tap_record record = request(9, "body");
    uint8_t out[COL_TAP_HEADER_SIZE];

    (void)state;
    col_tap_encode(&record, out);
    assert_memory_equal(out, expected, sizeof(out));
}

static void records_come_back_as_written(void **state)
{
    const struct fixture *fixture = *state;
    struct col_tap_record one = request(1, "hello"), two = request(2, ""), got;
    struct col_tap_writer writer;
    struct col_tap_reader reader;

    two.type = COL_TAP_ANSWER;
    for (int life = 1; life <= 2; life++) {
        assert_int_equal(col_tap_create(fixture->path, &start, &writer, NULL), OTEL_OK);
        assert_int_equal(col_tap_write(&writer, &one), OTEL_OK);
        assert_int_equal(col_tap_write(&writer, &two), OTEL_OK);
        assert_int_equal(writer.records, 3);
        assert_int_equal(writer.bytes, 3 * COL_TAP_HEADER_SIZE + 5);
        assert_int_equal(col_tap_finish(&writer), OTEL_OK);
    }
    assert_int_equal(col_tap_open(fixture->path, &reader, NULL), OTEL_OK);
    for (uint64_t life = 1; life <= 2; life++) {
        assert_true(col_tap_next(&reader, &got));
        assert_int_equal(got.type, COL_TAP_START);
        assert_int_equal(got.life, life);
        assert_true(col_tap_next(&reader, &got));
        assert_int_equal(got.type, COL_TAP_REQUEST);
        assert_int_equal(got.life, life);
        assert_int_equal(got.connection, one.connection);
        assert_int_equal(got.request, 1);
        assert_int_equal(got.mono_ns, 11);
        assert_int_equal(got.wall_ns, UINT64_MAX);
        assert_int_equal(got.rejected_spans, 3);
        assert_int_equal(got.status, 200);
        assert_int_equal(got.spans, 5);
        assert_int_equal(got.flags, COL_TAP_UNDECODABLE);
        assert_true(otl_view_is(got.body, "hello"));
        assert_true(col_tap_next(&reader, &got));
        assert_int_equal(got.type, COL_TAP_ANSWER);
        assert_int_equal(got.body.len, 0);
    }
    assert_false(col_tap_next(&reader, &got));
    assert_false(reader.torn);
    assert_false(reader.damaged);
    col_tap_close(&reader);
}

static void every_truncation_yields_whole_records_only(void **state)
{
    const struct fixture *fixture = *state;
    struct col_tap_record one = request(1, "hello"), got;
    struct col_tap_writer writer;
    struct otl_buf buf;

    assert_int_equal(col_tap_create(fixture->path, &start, &writer, NULL), OTEL_OK);
    assert_int_equal(col_tap_write(&writer, &one), OTEL_OK);
    assert_int_equal(col_tap_finish(&writer), OTEL_OK);
    otl_buf_init(&buf, 4096);
    assert_int_equal(otl_file_read(fixture->path, &buf, NULL), OTEL_OK);
    for (size_t len = 0; len <= buf.len; len++) {
        char *copy = malloc(len + (len == 0));
        struct col_tap_reader reader;
        unsigned count = 0;

        assert_non_null(copy);
        memcpy(copy, buf.data, len);
        col_tap_from_memory(otl_view(copy, len), &reader);
        while (col_tap_next(&reader, &got))
            count++;
        assert_int_equal(count, (len >= 64) + (len >= 133));
        assert_int_equal(reader.torn, len != 0 && len != 64 && len != 133);
        assert_false(reader.damaged);
        free(copy);
    }
    otl_buf_fini(&buf);
}

static void a_torn_record_is_cut_off_by_the_next_life(void **state)
{
    const struct fixture *fixture = *state;
    struct col_tap_record one = request(1, "hello"), got;
    struct col_tap_writer writer;
    struct col_tap_reader reader;
    unsigned count = 0;

    assert_int_equal(col_tap_create(fixture->path, &start, &writer, NULL), OTEL_OK);
    assert_int_equal(col_tap_write(&writer, &one), OTEL_OK);
    assert_int_equal(col_tap_finish(&writer), OTEL_OK);
    assert_int_equal(truncate(fixture->path, 130), 0);
    assert_int_equal(col_tap_create(fixture->path, &start, &writer, NULL), OTEL_OK);
    assert_int_equal(col_tap_write(&writer, &one), OTEL_OK);
    assert_int_equal(col_tap_finish(&writer), OTEL_OK);
    assert_int_equal(col_tap_open(fixture->path, &reader, NULL), OTEL_OK);
    while (col_tap_next(&reader, &got))
        count++;
    assert_int_equal(count, 3);
    assert_false(reader.torn || reader.damaged);
    col_tap_close(&reader);
}

static void another_file_is_not_overwritten(void **state)
{
    const struct fixture *fixture = *state;
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_tap_writer writer;
    static char text[200];
    struct stat info;

    memset(text, 'x', sizeof(text));
    assert_int_equal(otl_file_write(fixture->path, text, sizeof(text), NULL), OTEL_OK);
    assert_int_equal(col_tap_create(fixture->path, &start, &writer, &detail), OTEL_ERR_CORRUPT);
    assert_non_null(strstr(detail.text, "is no tap"));
    assert_int_equal(stat(fixture->path, &info), 0);
    assert_int_equal(info.st_size, sizeof(text));
}

/* In a child, because a file size limit cannot be taken back. */
static void a_full_disk_leaves_whole_records_and_says_why(void **state)
{
    const struct fixture *fixture = *state;
    struct col_tap_reader reader;
    struct col_tap_record got;
    unsigned count = 0;
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct col_tap_record one = request(1, "0123456789012345678901234567890123456789");
        const struct rlimit limit = {250, 250};
        struct col_tap_writer writer;

        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0 ||
            col_tap_create(fixture->path, &start, &writer, NULL) != OTEL_OK ||
            col_tap_write(&writer, &one) != OTEL_OK ||
            col_tap_write(&writer, &one) != OTEL_ERR_IO || writer.failures != 1)
            _exit(1);
        one.body.len = 4; /* a smaller one still fits */
        _exit(col_tap_write(&writer, &one) == OTEL_OK && writer.records == 3 ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(col_tap_open(fixture->path, &reader, NULL), OTEL_OK);
    while (col_tap_next(&reader, &got))
        count++;
    assert_int_equal(count, 3);
    assert_false(reader.torn || reader.damaged);
    col_tap_close(&reader);
}

static void a_missing_tap_is_an_error_and_no_tap_is_none(void **state)
{
    struct col_tap_writer none = {.fd = -1};
    struct col_tap_record one = request(1, "x");
    struct col_tap_reader reader;
    struct otl_detail detail = OTL_DETAIL_NONE;

    (void)state;
    assert_int_equal(col_tap_open("/nonexistent/tap", &reader, &detail), OTEL_ERR_NOT_FOUND);
    assert_int_equal(col_tap_create("/nonexistent/tap", &start, &none, NULL), OTEL_ERR_IO);
    assert_int_equal(col_tap_write(&none, &one), OTEL_OK);
    assert_int_equal(col_tap_finish(&none), OTEL_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_bytes_are_the_published_ones),
        cmocka_unit_test_setup_teardown(records_come_back_as_written, setup, teardown),
        cmocka_unit_test_setup_teardown(every_truncation_yields_whole_records_only, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_torn_record_is_cut_off_by_the_next_life, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_file_is_not_overwritten, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk_leaves_whole_records_and_says_why, setup,
                                        teardown),
        cmocka_unit_test(a_missing_tap_is_an_error_and_no_tap_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
