/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/ledger/drops.h"
#include "harness/ledger/writer.h"
#include "sdk/base/mem.h"

/* ---- a private directory for each test ------------------------------------------------------ */

struct fixture {
    char dir[64];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    snprintf(f->dir, sizeof(f->dir), "/tmp/ledger-test-XXXXXX");
    if (mkdtemp(f->dir) == NULL)
        return -1;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char path[PATH_MAX];
    struct dirent *entry;
    DIR *dir = opendir(f->dir);

    while ((entry = readdir(dir)) != NULL) {
        snprintf(path, sizeof(path), "%s/%s", f->dir, entry->d_name);
        unlink(path);
    }
    closedir(dir);
    rmdir(f->dir);
    free(f);
    return 0;
}

static struct hx_led_writer *open_writer(const struct fixture *f)
{
    struct hx_led_writer_options options = {f->dir, "order-0", 0, 3, 42};
    struct hx_led_writer *writer = NULL;

    assert_int_equal(hx_led_writer_new(&options, &writer, NULL), OTEL_OK);
    return writer;
}

/* ---- a reader of its own: what format.h says, nothing else ----------------------------------- */

struct segment {
    char *data;
    size_t len;
};

static bool read_segment(const struct fixture *f, unsigned number, struct segment *out)
{
    char path[PATH_MAX];
    struct stat st;
    FILE *file;

    snprintf(path, sizeof(path), "%s/order-0.0.%04u.led", f->dir, number);
    file = fopen(path, "rb");
    if (file == NULL)
        return false;
    fstat(fileno(file), &st);
    out->len = (size_t)st.st_size;
    out->data = malloc(out->len);
    assert_int_equal(fread(out->data, 1, out->len, file), out->len);
    fclose(file);
    if (out->len < sizeof(struct hx_led_header) || memcmp(out->data, "\0\0\0\0\0\0\0\0", 8) == 0) {
        free(out->data); /* never begun */
        return false;
    }
    assert_memory_equal(out->data, HX_LED_MAGIC, 8);
    return true;
}

/* Rows of one type in one segment; every record must be well-formed. */
static size_t count_rows(const struct segment *segment, uint16_t type, uint64_t *last_seq)
{
    size_t at = sizeof(struct hx_led_header), count = 0;

    while (at + sizeof(struct hx_led_record) <= segment->len) {
        const struct hx_led_record *record = (const void *)(segment->data + at);
        if (record->size == 0)
            break;
        assert_int_equal(record->size % 8, 0);
        assert_true(record->type >= HX_LED_PROCESS && record->type <= HX_LED_LOAD_CLOSE);
        if (record->type == type) {
            if (last_seq != NULL) {
                assert_true(record->seq == *last_seq + 1 || *last_seq == 0);
                *last_seq = record->seq;
            }
            count++;
        }
        at += record->size;
    }
    return count;
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void row_reads_back_as_written(void **state)
{
    struct hx_led_writer *writer = open_writer(*state);
    struct hx_led_entry row = {.request = 7, .op = 2, .kind = HX_LED_ENTRY_HTTP, .partition = -1};
    struct hx_led_headers headers = {otl_view_str("00-aa-bb-01"), {NULL, 0}, otl_view_str("k=v")};
    const struct hx_led_entry *got;
    struct segment segment;

    row.head.seq = hx_led_next_seq(writer);
    assert_true(row.head.seq == (3ULL << 40 | 1));
    hx_led_entry_row(writer, &row, &headers);
    hx_led_writer_free(writer);

    assert_true(read_segment(*state, 0, &segment));
    got = (const void *)(segment.data + sizeof(struct hx_led_header));
    assert_int_equal(got->head.type, HX_LED_ENTRY);
    assert_int_equal(got->head.seq, row.head.seq);
    assert_int_equal(got->request, 7);
    assert_int_equal(got->partition, -1);
    assert_int_equal(got->traceparent.len, 11);
    assert_memory_equal((const char *)got + got->traceparent.offset, "00-aa-bb-01", 11);
    assert_int_equal(got->tracestate.offset, 0);
    assert_int_equal(got->tracestate.len, 0);
    assert_memory_equal((const char *)got + got->baggage.offset, "k=v", 3);
    assert_int_equal(segment.len, sizeof(struct hx_led_header) + got->head.size);
    free(segment.data);
}

static void spare_segment_is_removed_and_the_last_one_cut(void **state)
{
    struct hx_led_writer *writer = open_writer(*state);
    struct segment segment;

    hx_led_writer_free(writer);
    assert_true(read_segment(*state, 0, &segment));
    assert_int_equal(segment.len, sizeof(struct hx_led_header));
    free(segment.data);
    assert_false(read_segment(*state, 1, &segment));
}

static void rows_go_on_in_the_next_segment(void **state)
{
    struct hx_led_writer *writer = open_writer(*state);
    struct hx_led_span row = {.request = 1};
    size_t rows = 3 * (size_t)HX_LED_SEGMENT_BYTES / sizeof(row), got = 0;
    uint64_t last = 0;
    struct segment segment;
    unsigned number = 0;

    for (size_t i = 0; i < rows; i++) {
        row.head.seq = hx_led_next_seq(writer);
        hx_led_span_row(writer, &row);
    }
    assert_int_equal(hx_led_writer_fault(writer, NULL), OTEL_OK);
    hx_led_writer_free(writer);
    for (; read_segment(*state, number, &segment); number++) {
        got += count_rows(&segment, HX_LED_SPAN, &last);
        free(segment.data);
    }
    assert_int_equal(got, rows);
    assert_int_equal(number, 4);
}

static void too_long_a_row_is_a_fault_and_later_rows_are_refused(void **state)
{
    struct hx_led_writer *writer = open_writer(*state);
    struct hx_led_baggage row = {.request = 1};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_led_writer_stats stats;
    char *big = calloc(1, HX_LED_ROW_MAX + 1);

    hx_led_baggage_row(writer, &row, otl_view_str("n"), otl_view(big, HX_LED_ROW_MAX + 1));
    assert_int_equal(hx_led_writer_fault(writer, &detail), OTEL_ERR_LIMIT);
    hx_led_baggage_row(writer, &row, otl_view_str("n"), otl_view_str("v"));
    hx_led_writer_stats(writer, &stats);
    assert_int_equal(stats.refused, 2);
    assert_int_equal(stats.rows, 0);
    hx_led_writer_free(writer);
    free(big);
}

static void wrong_options_and_unwritable_places_are_errors(void **state)
{
    struct fixture *f = *state;
    struct hx_led_writer_options options = {f->dir, "order-0", 0, 0, 42};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_led_writer *writer = NULL;

    assert_int_equal(hx_led_writer_new(&options, &writer, &detail), OTEL_ERR_ARGUMENT);
    options.process = 1;
    options.dir = "/dev/null/x";
    detail.code = OTEL_OK;
    assert_int_equal(hx_led_writer_new(&options, &writer, &detail), OTEL_ERR_IO);
    assert_null(writer);
}

static void failing_allocation_is_an_error_and_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct hx_led_writer_options ledger = {f->dir, "order-0", 0, 3, 42};
    struct hx_drops_options drops = {f->dir, "order-0", 0, 3, 10};
    struct hx_led_writer *writer = NULL;
    struct hx_drops *record = NULL;

    otl_mem_fail_at(1);
    assert_int_equal(hx_led_writer_new(&ledger, &writer, NULL), OTEL_ERR_MEMORY);
    assert_int_equal(hx_drops_new(&drops, &record, NULL), OTEL_ERR_MEMORY);
    otl_mem_fail_at(0);
    assert_null(writer);
    assert_null(record);
    assert_int_equal(hx_led_writer_new(&ledger, &writer, NULL), OTEL_OK);
    hx_led_writer_free(writer);
}

/* Child: appends until it is killed, and tells the parent how far it certainly came. */
static void write_until_killed(const struct fixture *f, int pipe_fd)
{
    struct hx_led_writer *writer = open_writer(f);
    struct hx_led_span row = {.request = 1};

    for (;;) {
        row.head.seq = hx_led_next_seq(writer);
        hx_led_span_row(writer, &row);
        if (row.head.seq % 1000 == 0 &&
            write(pipe_fd, &row.head.seq, sizeof(row.head.seq)) != sizeof(row.head.seq))
            _exit(1);
    }
}

static void published_rows_survive_kill_9(void **state)
{
    struct segment segment;
    uint64_t told = 0, last = 0;
    size_t got = 0;
    int fds[2], status;
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        close(fds[0]);
        write_until_killed(*state, fds[1]);
    }
    close(fds[1]);
    for (int i = 0; i < 100; i++)
        assert_int_equal(read(fds[0], &told, sizeof(told)), sizeof(told));
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    close(fds[0]);
    assert_true(WIFSIGNALED(status));
    for (unsigned i = 0; read_segment(*state, i, &segment); i++) {
        got += count_rows(&segment, HX_LED_SPAN, &last);
        free(segment.data);
    }
    assert_true(last >= told);
    assert_int_equal(got, last & 0xffffffffffULL);
}

/* In a child, with the default disposition of SIGXFSZ: 0 = fault seen at the right time. */
static int write_against_the_limit(const struct fixture *f, rlim_t limit)
{
    struct hx_led_writer_options options = {f->dir, "order-0", 0, 3, 42};
    struct rlimit rl = {limit, limit};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_led_writer *writer = NULL;
    struct hx_led_span row = {.request = 1};

    if (hx_led_writer_new(&options, &writer, &detail) != OTEL_OK)
        return 1;
    setrlimit(RLIMIT_FSIZE, &rl);
    for (size_t i = 0; i < 4 * (size_t)HX_LED_SEGMENT_BYTES / sizeof(row); i++) {
        hx_led_span_row(writer, &row);
        if (hx_led_writer_fault(writer, &detail) != OTEL_OK)
            break;
    }
    hx_led_writer_free(writer);
    return strstr(detail.text, "File too large") != NULL ? 0 : 2;
}

static void file_size_limit_is_a_fault_and_no_signal(void **state)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(write_against_the_limit(*state, HX_LED_SEGMENT_BYTES / 2));
    waitpid(pid, &status, 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void *drop_many(void *argument)
{
    struct hx_drops *drops = argument;
    uint8_t trace_id[16] = {1}, span_id[8] = {2};

    for (int i = 0; i < 1000; i++)
        hx_drops_add(drops, trace_id, span_id, HX_DROP_QUEUE_FULL);
    return NULL;
}

static void drops_from_four_threads_are_all_counted(void **state)
{
    struct fixture *f = *state;
    struct hx_drops_options options = {f->dir, "order-0", 0, 3, 3500};
    struct hx_drops *drops = NULL;
    pthread_t threads[4];
    char path[PATH_MAX];
    struct hx_drop_header header;
    struct hx_drop_row row;
    size_t rows = 0;
    FILE *file;

    assert_int_equal(hx_drops_new(&options, &drops, NULL), OTEL_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, drop_many, drops), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(hx_drops_count(drops), 4000);
    hx_drops_free(drops);

    snprintf(path, sizeof(path), "%s/order-0.0.drops", f->dir);
    file = fopen(path, "rb");
    assert_int_equal(fread(&header, sizeof(header), 1, file), 1);
    assert_memory_equal(header.magic, HX_DROP_MAGIC, 8);
    assert_int_equal(header.count, 4000);
    assert_int_equal(header.capacity, 3500);
    while (fread(&row, sizeof(row), 1, file) == 1) {
        assert_int_equal(row.reason, HX_DROP_QUEUE_FULL);
        assert_int_equal(row.span_id[0], 2);
        rows++;
    }
    fclose(file);
    assert_int_equal(rows, 3500);
}

static void spans_that_nobody_names_are_one_row_with_their_number(void **state)
{
    static const uint8_t nobody[16];
    struct fixture *f = *state;
    struct hx_drops_options options = {f->dir, "order-0", 0, 3, 10};
    struct hx_drops *drops = NULL;
    struct hx_drop_row row[2];
    char path[PATH_MAX];
    FILE *file;

    assert_int_equal(hx_drops_new(&options, &drops, NULL), OTEL_OK);
    hx_drops_add_unnamed(drops, 0, HX_DROP_REJECTED);
    assert_int_equal(hx_drops_count(drops), 0);
    hx_drops_add_unnamed(drops, (uint64_t)UINT32_MAX + 7, HX_DROP_REJECTED);
    assert_int_equal(hx_drops_count(drops), 2);
    hx_drops_free(drops);
    snprintf(path, sizeof(path), "%s/order-0.0.drops", f->dir);
    file = fopen(path, "rb");
    assert_int_equal(fseek(file, sizeof(struct hx_drop_header), SEEK_SET), 0);
    assert_int_equal(fread(row, sizeof(row[0]), 2, file), 2);
    fclose(file);
    assert_int_equal(row[0].count, UINT32_MAX);
    assert_int_equal(row[1].count, 7);
    assert_int_equal(row[1].reason, HX_DROP_REJECTED);
    assert_memory_equal(row[1].trace_id, nobody, 16);
    assert_memory_equal(row[1].span_id, nobody, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(row_reads_back_as_written),
        T(spare_segment_is_removed_and_the_last_one_cut),
        T(rows_go_on_in_the_next_segment),
        T(too_long_a_row_is_a_fault_and_later_rows_are_refused),
        T(wrong_options_and_unwritable_places_are_errors),
        T(failing_allocation_is_an_error_and_leaves_nothing),
        T(published_rows_survive_kill_9),
        T(spans_that_nobody_names_are_one_row_with_their_number),
        T(file_size_limit_is_a_fault_and_no_signal),
        T(drops_from_four_threads_are_all_counted),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
