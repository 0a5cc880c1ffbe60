/* SPDX-License-Identifier: Apache-2.0 */
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

#include "sdk/base/file.h"
#include "sdk/base/mem.h"
#include "sdk/resource/detect.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static void a_containers_id_is_found_in_the_paths_of_its_groups(void **state)
{
    static const struct {
        const char *text, *id; /* NULL: none */
    } rows[] = {
        {"12:memory:/docker/" ID "\n", ID},
        {"0::/system.slice/docker-" ID ".scope\n", ID},
        {"0::/kubepods.slice/kubepods-pod0a1b.slice/cri-containerd-" ID ".scope", ID},
        {"1:name=systemd:/kubepods/burstable/pod3a/" ID "\n", ID},
        {"13:cpu:/\n12:memory:/docker/" ID "\n11:x:/docker/" OTHER "\n", ID},
        {"1:x:/docker/" ID "/docker/" OTHER "\n", OTHER}, /* nested: the innermost */
        {"0::/\n", NULL},
        {"", NULL},
        {"0::/user.slice/user-1000.slice/session-3.scope\n", NULL},
        {"0::/docker/" ID "0\n", NULL},
        {"0::/docker/x" ID "\n", NULL},
        {"0::/docker/0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef\n", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char id[OTL_CONTAINER_ID_LEN + 1] = "";
        bool found = otl_container_of_cgroup(otl_view_str(rows[i].text), id);
        if (found != (rows[i].id != NULL) || (found && strcmp(id, rows[i].id) != 0))
            fail_msg("row %zu: %s", i, id);
    }
}

static void or_in_its_mounts(void **state)
{
    static const struct {
        const char *text, *id;
    } rows[] = {
        {"7 5 8:1 / /proc rw - proc proc rw\n"
         "8 5 8:1 /var/lib/docker/containers/" ID
         "/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n",
         ID},
        {"8 5 8:1 /containers/" ID "/resolv.conf /etc/resolv.conf rw", ID},
        {"8 5 8:1 /overlay2/" ID "/merged / rw\n", NULL}, /* a layer, not the container */
        {"8 5 8:1 /containers/short/hostname\n", NULL},
        {"/containers/", NULL},
        {"", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char id[OTL_CONTAINER_ID_LEN + 1] = "";
        bool found = otl_container_of_mounts(otl_view_str(rows[i].text), id);
        if (found != (rows[i].id != NULL) || (found && strcmp(id, rows[i].id) != 0))
            fail_msg("row %zu: %s", i, id);
    }
}

static void os_release_is_read_with_and_without_quotes(void **state)
{
    static const char text[] = "# comment\nPRETTY_NAME=\"Debian \\\"12\\\" (x)\"\nNAME='Debian'\n"
                               "VERSION_ID=12\nEMPTY=\nVERSION_IDX=13\n";
    char out[16];

    (void)state;
    assert_true(otl_os_release(otl_view_str(text), "NAME", out, sizeof(out)));
    assert_string_equal(out, "Debian");
    assert_true(otl_os_release(otl_view_str(text), "VERSION_ID", out, sizeof(out)));
    assert_string_equal(out, "12");
    assert_true(otl_os_release(otl_view_str(text), "PRETTY_NAME", out, sizeof(out)));
    assert_string_equal(out, "Debian \"12\" (x)");
    assert_true(otl_os_release(otl_view_str(text), "PRETTY_NAME", out, 5));
    assert_string_equal(out, "Debi");
    assert_false(otl_os_release(otl_view_str(text), "EMPTY", out, sizeof(out)));
    assert_false(otl_os_release(otl_view_str(text), "BUILD_ID", out, sizeof(out)));
}

struct fake {
    char root[64];
    struct otl_detect_source source;
};

static const char *fake_getenv(void *arg, const char *name)
{
    (void)arg;
    return strcmp(name, "OTEL_SERVICE_NAME") == 0 ? "shop" : NULL;
}

static void put(const struct fake *fake, const char *path, const char *text)
{
    char full[128];

    snprintf(full, sizeof(full), "%s%s", fake->root, path);
    assert_int_equal(otl_file_write(full, text, strlen(text), NULL), OTEL_OK);
}

static void fake_init(struct fake *fake, bool with_files)
{
    char path[128];

    snprintf(fake->root, sizeof(fake->root), "/tmp/otel-detect-XXXXXX");
    assert_non_null(mkdtemp(fake->root));
    fake->source = (struct otl_detect_source){fake->root, fake_getenv, NULL};
    snprintf(path, sizeof(path), "%s/etc", fake->root);
    assert_int_equal(otl_make_dirs(path, NULL), OTEL_OK);
    snprintf(path, sizeof(path), "%s/proc/self", fake->root);
    assert_int_equal(otl_make_dirs(path, NULL), OTEL_OK);
    if (!with_files)
        return;
    put(fake, "/etc/machine-id", "0123456789abcdef\n");
    put(fake, "/etc/os-release", "NAME=Test\nVERSION_ID=\"7\"\nPRETTY_NAME=\"Test 7\"\n");
    put(fake, "/proc/self/cgroup", "0::/\n");
    put(fake, "/proc/self/mountinfo", "1 1 8:1 /containers/" ID "/hostname /etc/hostname rw\n");
    snprintf(path, sizeof(path), "%s/proc/self/exe", fake->root);
    assert_int_equal(symlink("/opt/shop/bin/shop", path), 0);
}

static void fake_fini(const struct fake *fake)
{
    static const char *const files[] = {"/etc/machine-id",
                                        "/etc/os-release",
                                        "/proc/self/cgroup",
                                        "/proc/self/mountinfo",
                                        "/proc/self/exe",
                                        "/proc/self",
                                        "/proc",
                                        "/etc",
                                        ""};
    char full[128];

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(full, sizeof(full), "%s%s", fake->root, files[i]);
        remove(full);
    }
}

static void says(const struct otel_sdk_resource *resource, const char *key, const char *text)
{
    struct otel_value value;

    if (!otel_sdk_resource_get(resource, otel_str(key), &value))
        fail_msg("no %s", key);
    assert_int_equal(value.type, OTEL_VALUE_STRING);
    assert_int_equal(value.count, strlen(text));
    assert_memory_equal(value.as.string, text, value.count);
}

static void each_detector_finds_what_is_its_own(void **state)
{
    struct otel_sdk_resource *resource = NULL;
    struct otel_value value;
    struct fake fake;

    (void)state;
    fake_init(&fake, true);
    assert_int_equal(otl_detect(&fake.source, OTEL_SDK_DETECT_ALL, &resource), OTEL_OK);
    assert_true(otel_sdk_resource_get(resource, otel_str("process.pid"), &value));
    assert_int_equal(value.as.integer, getpid());
    assert_true(otel_sdk_resource_get(resource, otel_str("process.parent_pid"), &value));
    assert_int_equal(value.as.integer, getppid());
    says(resource, "process.executable.name", "shop");
    says(resource, "process.executable.path", "/opt/shop/bin/shop");
    assert_true(otel_sdk_resource_get(resource, otel_str("host.name"), &value));
    assert_true(otel_sdk_resource_get(resource, otel_str("host.arch"), &value));
    says(resource, "host.id", "0123456789abcdef");
    says(resource, "os.type", "linux");
    says(resource, "os.name", "Test");
    says(resource, "os.version", "7");
    says(resource, "os.description", "Test 7");
    says(resource, "container.id", ID);
    says(resource, "service.name", "shop");
    assert_true(otel_sdk_resource_get(resource, otel_str("service.instance.id"), &value));
    assert_int_equal(value.count, 36);
    otel_sdk_resource_unref(resource);
    assert_int_equal(otl_detect(&fake.source, OTEL_SDK_DETECT_CONTAINER, &resource), OTEL_OK);
    assert_int_equal(otel_sdk_resource_count(resource), 1);
    otel_sdk_resource_unref(resource);
    assert_int_equal(otl_detect(&fake.source, 64, &resource), OTEL_ERR_ARGUMENT);
    fake_fini(&fake);
}

static void what_is_not_there_is_left_out_quietly(void **state)
{
    struct otel_sdk_resource *resource = NULL;
    struct otel_value value;
    struct fake fake;

    (void)state;
    fake_init(&fake, false);
    assert_int_equal(otl_detect(&fake.source, OTEL_SDK_DETECT_ALL, &resource), OTEL_OK);
    assert_false(otel_sdk_resource_get(resource, otel_str("container.id"), &value));
    assert_false(otel_sdk_resource_get(resource, otel_str("host.id"), &value));
    assert_false(otel_sdk_resource_get(resource, otel_str("os.name"), &value));
    assert_false(otel_sdk_resource_get(resource, otel_str("process.executable.path"), &value));
    assert_true(otel_sdk_resource_get(resource, otel_str("process.pid"), &value));
    otel_sdk_resource_unref(resource);
    assert_int_equal(otl_detect(&fake.source, 0, &resource), OTEL_OK);
    assert_int_equal(otel_sdk_resource_count(resource), 0);
    otel_sdk_resource_unref(resource);
    fake_fini(&fake);
}

static void the_real_machine_answers(void **state)
{
    struct otel_sdk_resource *resource = NULL;
    struct otel_value value;

    (void)state;
    assert_int_equal(otel_sdk_detect(OTEL_SDK_DETECT_ALL, &resource), OTEL_OK);
    says(resource, "process.executable.name", "detect_test");
    assert_true(otel_sdk_resource_get(resource, otel_str("host.name"), &value));
    otel_sdk_resource_unref(resource);
}

static void failing_memory_is_the_only_error(void **state)
{
    bool whole = false;
    struct fake fake;

    (void)state;
    fake_init(&fake, true);
    for (unsigned long n = 1; n < 60 && !whole; n++) {
        struct otel_sdk_resource *resource = NULL;
        enum otel_err err;
        otl_mem_fail_at(n);
        err = otl_detect(&fake.source, OTEL_SDK_DETECT_ALL, &resource);
        otl_mem_fail_at(0);
        assert_true(err == OTEL_OK || err == OTEL_ERR_MEMORY);
        whole = err == OTEL_OK;
        otel_sdk_resource_unref(resource);
    }
    assert_true(whole);
    fake_fini(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_containers_id_is_found_in_the_paths_of_its_groups),
        cmocka_unit_test(or_in_its_mounts),
        cmocka_unit_test(os_release_is_read_with_and_without_quotes),
        cmocka_unit_test(each_detector_finds_what_is_its_own),
        cmocka_unit_test(what_is_not_there_is_left_out_quietly),
        cmocka_unit_test(the_real_machine_answers),
        cmocka_unit_test(failing_memory_is_the_only_error),
    };

    return cmocka_run_group_tests_name("detect", tests, NULL, NULL);
}
