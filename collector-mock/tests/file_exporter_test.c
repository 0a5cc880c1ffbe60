/* SPDX-License-Identifier: Apache-2.0 */
/* The file exporter, seen from outside: files that are turned over, and compressed records. */
#include <arpa/inet.h>
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zstd.h>

#include "collector-mock/tests/rig.h"
#include "sdk/base/mem.h"

enum { LARGE = 400 * 1024, TOO_LARGE = 1200 * 1024 };

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    rig_init(&rig);
    return 0;
}

static int teardown(void **state)
{
    char path[256], name[600];
    struct dirent *entry;
    DIR *dir;

    (void)state;
    rig_kill(&rig);
    snprintf(path, sizeof(path), "%s/made/here", rig.dir);
    dir = opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        unlink(name);
    }
    if (dir != NULL)
        closedir(dir);
    rmdir(path);
    snprintf(path, sizeof(path), "%s/made", rig.dir);
    rmdir(path);
    snprintf(path, sizeof(path), "%s/g-/x.json", rig.dir);
    unlink(path);
    snprintf(path, sizeof(path), "%s/g-", rig.dir);
    rmdir(path);
    rig_fini(&rig);
    return 0;
}

static void start_with(const char *exporters, const char *names, const char *workers)
{
    char text[2048];

    snprintf(text, sizeof(text),
             "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
             "exporters: {%s}\n"
             "service:\n  pipelines: {traces: {receivers: [otlp], exporters: [%s]}}\n",
             exporters, names);
    rig_config(&rig, text);
    rig.more = workers;
    rig_start(&rig, workers != NULL ? "--workers" : NULL);
}

static void start(const char *exporters, const char *names)
{
    start_with(exporters, names, NULL);
}

/* A span of this name with an attribute of so many bytes. */
static unsigned post(char name, size_t size)
{
    char head[256];
    char *body = otl_mem_alloc(size + 512);
    int fd = rig_connect(rig_port(&rig, "otlp/http"));
    unsigned status;
    size_t len;

    assert_non_null(body);
    snprintf(head, sizeof(head),
             "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{"
             "\"traceId\":\"01020304050607080102030405060708\",\"spanId\":\"0102030405060708\","
             "\"name\":\"%c\",\"attributes\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"",
             name);
    len = strlen(head);
    memcpy(body, head, len);
    memset(body + len, 'y', size);
    len += size;
    len += (size_t)snprintf(body + len, 64, "\"}}]}]}]}]}");
    rig_begin(fd, "application/json", "", otl_view(body, len));
    {
        struct otl_buf answer;
        otl_buf_init(&answer, 1 << 16);
        status = rig_answer(fd, &answer);
        if (status != 200)
            assert_non_null(strstr(answer.data, "exceeds maximum file size 1048576"));
        otl_buf_fini(&answer);
    }
    close(fd);
    otl_mem_free(body);
    return status;
}

/* The names of the spans of a file, one letter each. */
static void names_of(const char *path, char *out, size_t size)
{
    struct otl_buf text;
    size_t count = 0;

    rig_read(path, &text);
    for (const char *at = text.data; (at = strstr(at, "\"name\":\"")) != NULL; at += 8)
        if (count + 1 < size)
            out[count++] = at[8];
    out[count] = '\0';
    assert_int_equal(text.data[text.len - 1], '\n');
    otl_buf_fini(&text);
}

static void files_are_turned_over_and_the_newest_stay(void **state)
{
    char path[200], name[600], left[8];
    struct dirent *entry;
    unsigned backups = 0;
    struct stat info;
    DIR *dir;

    (void)state;
    start("file: {path: 'DIR/made/here/t.json', create_directory: true, "
          "directory_permissions: '0700', rotation: {max_megabytes: 1, max_backups: 1}}",
          "file");
    for (char letter = 'a'; letter <= 'e'; letter++)
        assert_int_equal(post(letter, LARGE), 200); /* two in a file */
    assert_int_equal(post('f', TOO_LARGE), 503);
    assert_int_equal(post('g', 10), 200);
    assert_int_equal(rig_stop(&rig), 0);
    snprintf(path, sizeof(path), "%s/made/here", rig.dir);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    dir = opendir(path);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        if (strcmp(entry->d_name, "t.json") == 0) {
            names_of(name, left, sizeof(left));
            assert_string_equal(left, "eg");
        } else if (entry->d_name[0] == 't') {
            names_of(name, left, sizeof(left));
            assert_string_equal(left, "cd");
            assert_non_null(strstr(name, "-size.json"));
            backups++;
        }
    }
    closedir(dir);
    assert_int_equal(backups, 1);
}

/* The record at the offset, behind its length; decompressed. */
static size_t take(const struct otl_buf *file, size_t at, char *out, size_t size, size_t *ret_len)
{
    uint32_t length;

    assert_true(at + 4 <= file->len);
    memcpy(&length, file->data + at, 4);
    length = ntohl(length);
    assert_true(at + 4 + length <= file->len);
    *ret_len = ZSTD_decompress(out, size, file->data + at + 4, length);
    assert_false(ZSTD_isError(*ret_len));
    return at + 4 + length;
}

static void compressed_records_are_the_same_ones(void **state)
{
    static const char *const kinds[] = {"json", "proto"};

    (void)state;
    start("file/json: {path: 'DIR/json'}, file/proto: {path: 'DIR/proto', format: proto}, "
          "file/jsonz: {path: 'DIR/jsonz', compression: zstd, compression_params: {level: 11}}, "
          "file/protoz: {path: 'DIR/protoz', compression: zstd, format: proto}",
          "file/json, file/proto, file/jsonz, file/protoz");
    for (char letter = 'a'; letter <= 'c'; letter++)
        assert_int_equal(post(letter, LARGE), 200);
    assert_int_equal(rig_stop(&rig), 0);
    for (size_t i = 0; i < 2; i++) {
        size_t at = 0, plain_at = 0, len = 0, room = LARGE + 4096;
        struct otl_buf plain, compressed;
        char path[200], *out = otl_mem_alloc(room);

        assert_non_null(out);
        snprintf(path, sizeof(path), "%s/%s", rig.dir, kinds[i]);
        rig_read(path, &plain);
        snprintf(path, sizeof(path), "%s/%sz", rig.dir, kinds[i]);
        rig_read(path, &compressed);
        assert_true(compressed.len < plain.len / 100);
        while (at < compressed.len) {
            at = take(&compressed, at, out, room, &len);
            plain_at += i * 4; /* its length */
            assert_true(plain_at + len <= plain.len);
            assert_memory_equal(plain.data + plain_at, out, len);
            plain_at += len + 1 - i; /* the line feed */
        }
        assert_int_equal(plain_at, plain.len);
        otl_buf_fini(&plain);
        otl_buf_fini(&compressed);
        otl_mem_free(out);
    }
}

/* Two resources with these values of the attribute, spans a and b. */
static unsigned post_two(const char *one, const char *other)
{
    static const char resource[] =
        "{\"resource\":{\"attributes\":[{\"key\":\"tenant\",\"value\":{\"stringValue\":\"%s\"}}]},"
        "\"scopeSpans\":[{\"spans\":[{\"traceId\":\"01020304050607080102030405060708\","
        "\"spanId\":\"0102030405060708\",\"name\":\"%c\"}]}]}";
    char body[2048], first[900], second[900];
    int fd = rig_connect(rig_port(&rig, "otlp/http"));
    struct otl_buf answer;
    unsigned status;

    snprintf(first, sizeof(first), resource, one, 'a');
    snprintf(second, sizeof(second), resource, other, 'b');
    snprintf(body, sizeof(body), "{\"resourceSpans\":[%s,%s]}", first, second);
    rig_begin(fd, "application/json", "", otl_view_str(body));
    otl_buf_init(&answer, 1 << 16);
    status = rig_answer(fd, &answer);
    otl_buf_fini(&answer);
    close(fd);
    return status;
}

/* Whatever they say, below the path; what cannot be a file is refused for good, the others of its
 * request are written all the same. With two workers, which have one set of files. */
static void each_value_has_its_file(void **state)
{
    static const struct {
        const char *file, *names;
    } wanted[] = {{"g-one.json", "aabb"}, {"g-two.json", "b"}, {"g-/x.json", "ba"}};
    char path[200], names[16];

    (void)state;
    start_with("file: {path: 'DIR/g-*.json', group_by: {enabled: true, resource_attribute: tenant, "
               "max_open_files: 100}}", "file", "2");
    assert_int_equal(post_two("one", "two"), 200);
    assert_int_equal(post_two("one", "../../x"), 200);
    assert_int_equal(post_two("/../../../x", "one"), 200);
    assert_int_equal(post_two("\\u0000", "one"), 500);
    assert_int_equal(rig_stop(&rig), 0);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s", rig.dir, wanted[i].file);
        names_of(path, names, sizeof(names));
        assert_string_equal(names, wanted[i].names);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(files_are_turned_over_and_the_newest_stay),
        CASE(compressed_records_are_the_same_ones),
        CASE(each_value_has_its_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
