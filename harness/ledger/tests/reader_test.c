/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/ledger/drops.h"
#include "harness/ledger/reader.h"
#include "harness/ledger/writer.h"
#include "sdk/base/mem.h"

struct fixture {
    char dir[64];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    snprintf(f->dir, sizeof f->dir, "/tmp/ledger-reader-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    *state = f;
    return 0;
}

static void empty_dir(const struct fixture *f)
{
    char path[512];
    struct dirent *entry;
    DIR *dir = opendir(f->dir);

    while ((entry = readdir(dir)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", f->dir, entry->d_name);
        unlink(path);
    }
    closedir(dir);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    empty_dir(f);
    rmdir(f->dir);
    free(f);
    return 0;
}

static struct hx_led_writer *writer_of(const struct fixture *f, const char *instance,
                                       uint32_t process)
{
    struct hx_led_writer_options options = {
        .dir = f->dir, .instance = instance, .process = process, .seed = 7};
    struct hx_led_writer *writer;

    assert_int_equal(hx_led_writer_new(&options, &writer, NULL), OTEL_OK);
    return writer;
}

static void write_entries(struct hx_led_writer *writer, unsigned count)
{
    struct hx_led_headers headers = {otl_view_str("00-0af7651916cd43dd8448eb211c80319c-"
                                                  "b7ad6b7169203331-01"),
                                     otl_view(NULL, 0), otl_view_str("a=b")};

    for (unsigned i = 1; i <= count; i++) {
        struct hx_led_entry row = {.head.seq = hx_led_next_seq(writer), .request = i};

        hx_led_entry_row(writer, &row, &headers);
    }
}

static uint64_t count_records(struct hx_led_reader *reader)
{
    const struct hx_led_file *file;
    uint64_t count = 0;

    while (hx_led_reader_next(reader, &file) != NULL)
        count++;
    return count;
}

static struct hx_led_reader *reader_of(const struct fixture *f)
{
    struct hx_led_reader *reader;

    assert_int_equal(hx_led_reader_open(f->dir, &reader, NULL), OTEL_OK);
    return reader;
}

static void all_segments_are_read_in_order(void **state)
{
    struct fixture *f = *state;
    struct hx_led_writer *writer = writer_of(f, "pod.with.dots", 3);
    const struct hx_led_record *record;
    const struct hx_led_file *file;
    struct hx_led_reader *reader;
    uint64_t expected = 1;
    size_t problems;

    write_entries(writer, 100000); /* more than one segment of 8 MiB */
    hx_led_writer_free(writer);
    reader = reader_of(f);
    assert_true(hx_led_reader_segments(reader) > 1);
    while ((record = hx_led_reader_next(reader, &file)) != NULL) {
        const struct hx_led_entry *entry = (const void *)record;

        assert_int_equal(entry->request, expected++);
        assert_int_equal(file->segment.header->process, 3);
        assert_int_equal(file->instance_len, strlen("pod.with.dots"));
        assert_true(otl_view_is(hx_led_view(record, entry->baggage), "a=b"));
        assert_int_equal(hx_led_view(record, entry->tracestate).len, 0);
    }
    assert_int_equal(expected, 100001);
    hx_led_reader_rewind(reader);
    assert_int_equal(count_records(reader), 100000);
    hx_led_reader_problems(reader, &problems);
    assert_int_equal(problems, 0);
    hx_led_reader_free(reader);
}

static void an_unfinished_writer_is_read_up_to_its_last_row(void **state)
{
    struct fixture *f = *state;
    struct hx_led_writer *writer = writer_of(f, "a", 1);
    struct hx_led_reader *reader;

    write_entries(writer, 10);
    reader = reader_of(f); /* the segment still has its full, touched length */
    assert_int_equal(count_records(reader), 10);
    hx_led_reader_free(reader);
    hx_led_writer_free(writer);
}

static void damage(const struct fixture *f, const char *name, off_t at, uint32_t word)
{
    char path[512];
    int fd;

    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &word, sizeof word, at), sizeof word);
    close(fd);
}

static void cut(const struct fixture *f, const char *name, off_t len)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    assert_int_equal(truncate(path, len), 0);
}

/* What is done to a file of ten equal rows, how many rows are still read, what is said. */
static void damage_is_named_and_the_rest_is_read(void **state)
{
    enum { HEADER = 64 };
    static const struct {
        off_t row_part; /* offset inside the fifth row, -1: inside the header */
        uint32_t word;
        unsigned rows;
        const char *text;
    } cases[] = {
        {0, 20, 4, "impossible record size"},
        {0, 8, 4, "impossible record size"},
        {0, 0x7ffffff8, 4, "a record goes beyond the end of the segment"},
        {4, 99, 4, "unknown record type"},
        {4, 0, 4, "unknown record type"},
        {offsetof(struct hx_led_entry, baggage) + 4, 4000, 4, "a text lies outside its record"},
        {offsetof(struct hx_led_entry, baggage), 8, 4, "a text lies outside its record"},
        {0, 32, 4, "a record is too short for its type"},
        {-1, 0, 0, "not a ledger segment"},
        {-2, 9, 0, "ledger version 9, this program reads 2"},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hx_led_writer *writer = writer_of(f, "a", 1), *other = writer_of(f, "b", 2);
        const struct hx_led_problem *problems;
        struct hx_led_reader *reader;
        struct stat st;
        char path[512];
        size_t count;
        off_t at;

        write_entries(writer, 10);
        write_entries(other, 10);
        hx_led_writer_free(writer);
        hx_led_writer_free(other);
        snprintf(path, sizeof path, "%s/a.0.0000.led", f->dir);
        assert_int_equal(stat(path, &st), 0);
        at = HEADER + 4 * ((st.st_size - HEADER) / 10) + cases[i].row_part;
        damage(f, "a.0.0000.led", cases[i].row_part == -1 ? 0 : cases[i].row_part == -2 ? 8 : at,
               cases[i].word);
        reader = reader_of(f);
        assert_int_equal(count_records(reader), cases[i].rows + 10);
        hx_led_reader_rewind(reader);
        assert_int_equal(count_records(reader), cases[i].rows + 10);
        problems = hx_led_reader_problems(reader, &count);
        assert_int_equal(count, 1);
        assert_string_equal(problems[0].file, "a.0.0000.led");
        assert_string_equal(problems[0].text, cases[i].text);
        hx_led_reader_free(reader);
        empty_dir(f);
    }
}

static void a_missing_segment_is_named(void **state)
{
    struct fixture *f = *state;
    struct hx_led_writer *writer = writer_of(f, "a", 1);
    const struct hx_led_problem *problems;
    struct hx_led_reader *reader;
    char path[512];
    size_t count;

    write_entries(writer, 100000); /* more than one segment */
    hx_led_writer_free(writer);
    snprintf(path, sizeof path, "%s/a.0.0000.led", f->dir);
    assert_int_equal(unlink(path), 0);
    reader = reader_of(f);
    problems = hx_led_reader_problems(reader, &count);
    assert_int_equal(count, 1);
    assert_string_equal(problems[0].file, "a.0.0001.led");
    assert_string_equal(problems[0].text, "the segment before it is missing");
    hx_led_reader_free(reader);
}

static void a_cut_file_is_read_as_far_as_it_goes(void **state)
{
    struct fixture *f = *state;
    struct hx_led_writer *writer = writer_of(f, "a", 1);
    struct hx_led_reader *reader;
    size_t count;

    write_entries(writer, 10);
    hx_led_writer_free(writer);
    cut(f, "a.0.0000.led", 64 + 100);
    reader = reader_of(f);
    assert_int_equal(count_records(reader), 0);
    hx_led_reader_problems(reader, &count);
    assert_int_equal(count, 1);
    hx_led_reader_free(reader);
    cut(f, "a.0.0000.led", 0);
    reader = reader_of(f);
    assert_int_equal(count_records(reader), 0);
    hx_led_reader_problems(reader, &count);
    assert_int_equal(count, 1);
    hx_led_reader_free(reader);
}

static void foreign_files_are_left_alone(void **state)
{
    static const char *const names[] = {"README", "a.led", "a.0.led", ".0.0000.led", "a.x.0000.led",
                                        "drops", ".drops", "a.drops", "a.0.0000.led.tmp"};
    struct fixture *f = *state;
    struct hx_led_reader *reader;
    size_t count;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[512];

        snprintf(path, sizeof path, "%s/%s", f->dir, names[i]);
        close(open(path, O_CREAT | O_WRONLY, 0600));
    }
    reader = reader_of(f);
    assert_int_equal(count_records(reader), 0);
    assert_int_equal(hx_led_reader_segments(reader), 0);
    hx_led_reader_problems(reader, &count);
    assert_int_equal(count, 0);
    hx_led_reader_free(reader);
    assert_int_equal(hx_led_reader_open("/nonexistent/dir", &reader, NULL), OTEL_ERR_NOT_FOUND);
}

static void drops_are_read_by_identity(void **state)
{
    static const uint8_t trace[16] = {1}, span[8] = {2};
    struct fixture *f = *state;
    struct hx_drops_options options = {.dir = f->dir, .instance = "a", .process = 4, .capacity = 2};
    const struct hx_led_drops *read;
    struct hx_led_reader *reader;
    struct hx_drops *drops;
    size_t count;

    assert_int_equal(hx_drops_new(&options, &drops, NULL), OTEL_OK);
    for (int i = 0; i < 3; i++)
        hx_drops_add(drops, trace, span, HX_DROP_QUEUE_FULL);
    for (int round = 0; round < 2; round++) { /* while it is written, and after a clean end */
        reader = reader_of(f);
        read = hx_led_reader_drops(reader, 0);
        assert_non_null(read);
        assert_int_equal(read->header->process, 4);
        assert_int_equal(read->count, 2);
        assert_int_equal(read->kept, 2);
        assert_int_equal(read->header->count, 3);
        assert_memory_equal(read->rows[1].span_id, span, sizeof span);
        assert_null(hx_led_reader_drops(reader, 1));
        hx_led_reader_free(reader);
        if (round == 0)
            hx_drops_free(drops);
    }
    cut(f, "a.0.drops", 64 + 50);
    reader = reader_of(f);
    assert_null(hx_led_reader_drops(reader, 0));
    hx_led_reader_problems(reader, &count);
    assert_int_equal(count, 1);
    hx_led_reader_free(reader);
}

static void every_failing_allocation_is_reported(void **state)
{
    struct fixture *f = *state;
    struct hx_drops_options options = {.dir = f->dir, .instance = "a", .process = 4, .capacity = 2};
    struct hx_led_writer *writer = writer_of(f, "a", 1);
    enum otel_err err = OTEL_ERR_MEMORY;
    struct hx_led_reader *reader;
    struct hx_drops *drops;

    assert_int_equal(hx_drops_new(&options, &drops, NULL), OTEL_OK);
    hx_drops_free(drops);
    hx_led_writer_free(writer);
    for (unsigned long n = 1; err != OTEL_OK && n < 100; n++) {
        otl_mem_fail_at(n);
        err = hx_led_reader_open(f->dir, &reader, NULL);
        otl_mem_fail_at(0);
        assert_true(err == OTEL_OK || err == OTEL_ERR_MEMORY);
    }
    assert_int_equal(err, OTEL_OK);
    hx_led_reader_free(reader);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(all_segments_are_read_in_order),
        CASE(an_unfinished_writer_is_read_up_to_its_last_row),
        CASE(damage_is_named_and_the_rest_is_read),
        CASE(a_missing_segment_is_named),
        CASE(a_cut_file_is_read_as_far_as_it_goes),
        CASE(foreign_files_are_left_alone),
        CASE(drops_are_read_by_identity),
        CASE(every_failing_allocation_is_reported),
    };

    return cmocka_run_group_tests_name("ledger_reader", tests, NULL, NULL);
}
