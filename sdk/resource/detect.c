/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/resource/detect.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sdk/base/arena.h"
#include "sdk/base/file.h"
#include "sdk/resource/environment.h"

enum { FILE_MAX = 64 * 1024, MOUNTS_MAX = 1 << 20, PATH_SIZE = 4096, TEXT_SIZE = 1024, MAX = 24 };

/* What was found so far; texts lie in the arena. */
struct finding {
    const struct otl_detect_source *source;
    struct otl_arena arena;
    struct otel_attribute items[MAX];
    size_t count;
    enum otel_err err; /* memory only */
};

static void found_text(struct finding *f, const char *key, const char *text)
{
    const char *copy;

    if (text[0] == '\0' || f->count == MAX)
        return;
    copy = otl_arena_strdup(&f->arena, text);
    if (copy == NULL)
        f->err = OTEL_ERR_MEMORY;
    else
        f->items[f->count++] = otel_attr_str(key, copy);
}

static void found_int(struct finding *f, const char *key, int64_t number)
{
    if (f->count < MAX)
        f->items[f->count++] = otel_attr_int(key, number);
}

/* False and empty where there is nothing to read. The caller fini's text. */
static bool read_text(struct finding *f, const char *path, size_t max, struct otl_buf *text)
{
    char full[PATH_SIZE];
    enum otel_err err;

    otl_buf_init(text, max);
    if ((size_t)snprintf(full, sizeof(full), "%s%s", f->source->root, path) >= sizeof(full))
        return false;
    err = otl_file_read(full, text, NULL);
    if (err == OTEL_ERR_MEMORY)
        f->err = err;
    return err == OTEL_OK && text->len > 0;
}

static void detect_process(struct finding *f)
{
    char path[PATH_SIZE], link[PATH_SIZE], memory[4096];
    struct passwd owner, *result = NULL;
    const char *name;
    ssize_t len;

    found_int(f, "process.pid", getpid());
    found_int(f, "process.parent_pid", getppid());
    snprintf(link, sizeof(link), "%s/proc/self/exe", f->source->root);
    len = readlink(link, path, sizeof(path) - 1);
    if (len > 0) {
        path[len] = '\0';
        name = strrchr(path, '/');
        found_text(f, "process.executable.name", name != NULL ? name + 1 : path);
        found_text(f, "process.executable.path", path);
    }
    if (getpwuid_r(geteuid(), &owner, memory, sizeof(memory), &result) == 0 && result != NULL)
        found_text(f, "process.owner", owner.pw_name);
}

/* The conventions' words for what uname says. */
static const char *arch_word(const char *machine)
{
    static const char *const words[][2] = {
        {"x86_64", "amd64"}, {"aarch64", "arm64"}, {"armv7l", "arm32"},  {"armv6l", "arm32"},
        {"i686", "x86"},     {"i386", "x86"},      {"ppc64le", "ppc64"}, {"ppc64", "ppc64"},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(machine, words[i][0]) == 0)
            return words[i][1];
    return machine;
}

static void detect_host(struct finding *f)
{
    struct utsname uts;
    struct otl_buf text;

    if (uname(&uts) == 0) {
        found_text(f, "host.name", uts.nodename);
        found_text(f, "host.arch", arch_word(uts.machine));
    }
    if (read_text(f, "/etc/machine-id", FILE_MAX, &text)) {
        text.data[strcspn(text.data, "\r\n")] = '\0';
        found_text(f, "host.id", text.data);
    }
    otl_buf_fini(&text);
}

static void detect_os(struct finding *f)
{
    static const char *const rows[][2] = {
        {"os.name", "NAME"}, {"os.version", "VERSION_ID"}, {"os.description", "PRETTY_NAME"}};
    struct otl_buf text;
    char value[TEXT_SIZE];

    found_text(f, "os.type", "linux");
    if (read_text(f, "/etc/os-release", FILE_MAX, &text))
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
            if (otl_os_release(otl_view(text.data, text.len), rows[i][1], value, sizeof(value)))
                found_text(f, rows[i][0], value);
    otl_buf_fini(&text);
}

static void detect_container(struct finding *f)
{
    char id[OTL_CONTAINER_ID_LEN + 1];
    struct otl_buf text;
    bool found;

    found = read_text(f, "/proc/self/cgroup", FILE_MAX, &text) &&
            otl_container_of_cgroup(otl_view(text.data, text.len), id);
    otl_buf_fini(&text);
    if (!found) {
        found = read_text(f, "/proc/self/mountinfo", MOUNTS_MAX, &text) &&
                otl_container_of_mounts(otl_view(text.data, text.len), id);
        otl_buf_fini(&text);
    }
    if (found)
        found_text(f, "container.id", id);
}

static const char *variable(const struct otl_detect_source *source, const char *name)
{
    return source->getenv != NULL ? source->getenv(source->getenv_arg, name) : getenv(name);
}

static void detect_service(struct finding *f)
{
    const char *name = variable(f->source, "OTEL_SERVICE_NAME");
    char uuid[OTL_UUID_SIZE];

    if (name != NULL)
        found_text(f, "service.name", name);
    found_text(f, "service.instance.id", otl_uuid(uuid));
}

/* Added to what was found before. */
static enum otel_err detect_entities(const struct otl_detect_source *source,
                                     struct otel_sdk_resource **resource)
{
    const char *text = variable(source, "OTEL_ENTITIES");
    struct otel_sdk_resource *found = NULL, *merged = NULL;
    struct otl_entity_list list;
    enum otel_err err = otl_entity_list_read(text != NULL ? text : "", NULL, &list);

    if (err == OTEL_OK)
        err = otel_sdk_resource_of_entities(list.items, list.count, &found);
    if (err == OTEL_OK)
        err = otel_sdk_resource_merge(*resource, found, &merged);
    if (err == OTEL_OK) {
        otel_sdk_resource_unref(*resource);
        *resource = merged;
    }
    otel_sdk_resource_unref(found);
    otl_entity_list_fini(&list);
    return err;
}

enum otel_err otl_detect(const struct otl_detect_source *source, unsigned detectors,
                         struct otel_sdk_resource **ret)
{
    static void (*const all[])(struct finding *) = {detect_process, detect_host, detect_os,
                                                    detect_container, detect_service};
    struct finding f = {.source = source, .count = 0, .err = OTEL_OK};
    struct otel_sdk_resource *resource = NULL;

    if ((detectors & ~(unsigned)(OTEL_SDK_DETECT_ALL | OTEL_SDK_DETECT_ENTITIES)) != 0)
        return OTEL_ERR_ARGUMENT;
    otl_arena_init(&f.arena, 2 * FILE_MAX);
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if ((detectors >> i & 1) != 0)
            all[i](&f);
    if (f.err == OTEL_OK)
        f.err = otel_sdk_resource_new(f.items, f.count, otel_str(NULL), &resource);
    otl_arena_fini(&f.arena);
    if (f.err == OTEL_OK && (detectors & OTEL_SDK_DETECT_ENTITIES) != 0)
        f.err = detect_entities(source, &resource);
    if (f.err == OTEL_OK)
        *ret = resource;
    else
        otel_sdk_resource_unref(resource);
    return f.err;
}

enum otel_err otel_sdk_detect(unsigned detectors, struct otel_sdk_resource **ret)
{
    static const struct otl_detect_source real = {"", NULL, NULL};

    return otl_detect(&real, detectors, ret);
}
