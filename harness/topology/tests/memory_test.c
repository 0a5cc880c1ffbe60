/* SPDX-License-Identifier: Apache-2.0 */
/* What a process keeps for itself is told apart from what it has mapped, and of that the ledger. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/topology/facts.h"

#define MIB (UINT64_C(1) << 20)

/* The kernel's counters run behind, and this test allocates a little, too. */
#define ABOUT (8 * MIB)

static struct hx_memory now(void)
{
    struct hx_memory memory = {0};

    assert_true(hx_memory_read(getpid(), &memory));
    (void)hx_memory_read_ledger(getpid(), &memory);
    return memory;
}

static void *map_and_touch(size_t bytes, int fd)
{
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                     fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);

    assert_true(map != MAP_FAILED);
    memset(map, 1, bytes);
    return map;
}

static void own_memory_is_not_mapped_memory(void **state)
{
    struct hx_memory before = now(), after;
    void *map = map_and_touch(32 * MIB, -1);

    (void)state;
    after = now();
    assert_in_range(after.anon_bytes - before.anon_bytes, 32 * MIB - ABOUT, 32 * MIB + ABOUT);
    assert_in_range(after.mapped_bytes, 1, before.mapped_bytes + ABOUT);
    munmap(map, 32 * MIB);
}

static void a_ledger_segment_is_mapped_and_known_as_one(void **state)
{
    char path[] = "/tmp/memory-test-XXXXXX.led";
    int fd = mkstemps(path, 4);
    struct hx_memory before = now(), after;
    void *map;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)(16 * MIB)), 0);
    map = map_and_touch(16 * MIB, fd);
    after = now();
    assert_int_equal(before.ledger_bytes, 0);
    assert_int_equal(after.ledger_bytes, 16 * MIB);
    assert_in_range(after.mapped_bytes - before.mapped_bytes, 16 * MIB - ABOUT, 16 * MIB + ABOUT);
    assert_in_range(after.anon_bytes, 1, before.anon_bytes + ABOUT);
    munmap(map, 16 * MIB);
    close(fd);
    unlink(path);
}

static void what_the_kernel_writes_is_read(void **state)
{
    struct hx_memory memory = {0};

    (void)state;
    assert_true(hx_memory_of_status("Name:\tx\nVmHWM:\t 9000 kB\nRssAnon:\t    4000 kB\n"
                                    "RssFile:\t    3000 kB\nRssShmem:\t     500 kB\n", &memory));
    assert_int_equal(memory.anon_bytes, 4000 * 1024);
    assert_int_equal(memory.mapped_bytes, 3500 * 1024);
    assert_true(hx_memory_of_smaps(
        "7f00-7f01 rw-s 0 08:01 7 /run/x/ledger/shop-0.0.0001.led\nSize: 8192 kB\nRss: 8000 kB\n"
        "Pss: 1 kB\n7f01-7f02 r--p 0 08:01 8 /lib/libledger.so\nRss: 64 kB\nVmFlags: rd\n"
        "7f02-7f03 rw-s 0 00:1b 9 /run/x/ledger/shop-0.0.drops\nRss: 40 kB\n", &memory));
    assert_int_equal(memory.ledger_bytes, 8040 * 1024);
}

/* A process that has ended has no memory, and one without a ledger none of that. */
static void what_is_not_there_leaves_the_rest(void **state)
{
    struct hx_memory memory = {7, 8, 9};

    (void)state;
    assert_false(hx_memory_of_status("Name:\tx\nState:\tZ (zombie)\n", &memory));
    assert_false(hx_memory_of_smaps("7f01-7f02 r--p 0 08:01 8 /lib/libc.so\nRss: 64 kB\n",
                                    &memory));
    assert_false(hx_memory_read(-1, &memory));
    assert_int_equal(memory.anon_bytes, 7);
    assert_int_equal(memory.mapped_bytes, 8);
    assert_int_equal(memory.ledger_bytes, 9);
}

static void a_report_has_the_largest_of_each_part(void **state)
{
    static struct hx_child child;
    struct hx_memory first = {10, 300, 200}, then = {30, 100, 0};
    json_t *row = json_object();

    (void)state;
    hx_put_memory(row, &child);
    assert_int_equal(json_object_size(row), 0);
    hx_memory_widen(&child.memory_most, &first);
    hx_memory_widen(&child.memory_most, &then);
    child.exited = true;
    child.exit.rss_peak_bytes = 400;
    hx_put_memory(row, &child);
    assert_int_equal(json_integer_value(json_object_get(row, "rss_anon_bytes")), 30);
    assert_int_equal(json_integer_value(json_object_get(row, "rss_mapped_bytes")), 300);
    assert_int_equal(json_integer_value(json_object_get(row, "rss_ledger_bytes")), 200);
    assert_int_equal(json_integer_value(json_object_get(row, "rss_peak_bytes")), 400);
    json_decref(row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_memory_is_not_mapped_memory),
        cmocka_unit_test(a_ledger_segment_is_mapped_and_known_as_one),
        cmocka_unit_test(what_the_kernel_writes_is_read),
        cmocka_unit_test(what_is_not_there_leaves_the_rest),
        cmocka_unit_test(a_report_has_the_largest_of_each_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
