/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/topology/environment.h"

#include <event2/event.h>
#include <librdkafka/rdkafka.h>
#include <linux/perf_event.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <zlib.h>

#include "sdk/base/file.h"

#ifndef TRACERIG_REVISION
#define TRACERIG_REVISION ""
#endif

void hx_cpu_times_read(struct hx_cpu_times *ret)
{
    unsigned long long v[8] = {0};
    FILE *file = fopen("/proc/stat", "re");

    memset(ret, 0, sizeof(*ret));
    if (file == NULL)
        return;
    if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2], &v[3],
               &v[4], &v[5], &v[6], &v[7]) == 8) {
        for (int i = 0; i < 8; i++)
            ret->total += v[i];
        ret->idle = v[3] + v[4];
        ret->steal = v[7];
    }
    fclose(file);
}

/* First line of a file, without its end, into out; false if there is none. */
static bool first_line(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "re");
    bool got = file != NULL && fgets(out, (int)size, file) != NULL;

    if (file != NULL)
        fclose(file);
    if (got)
        out[strcspn(out, "\n")] = '\0';
    return got && out[0] != '\0';
}

/* Value of "key<blanks>:<blank>value" or KEY="value". */
static bool field(const char *path, const char *key, char *out, size_t size)
{
    char line[4096];
    FILE *file = fopen(path, "re");
    bool found = false;

    while (!found && file != NULL && fgets(line, sizeof(line), file) != NULL) {
        char *value = line + strlen(key);
        if (strncmp(line, key, strlen(key)) != 0)
            continue;
        value += strspn(value, " \t:=\"");
        value[strcspn(value, "\"\n")] = '\0';
        snprintf(out, size, "%s", value);
        found = value[0] != '\0';
    }
    if (file != NULL)
        fclose(file);
    return found;
}

static void put_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, json_string_nocheck(text));
}

static void put_line(json_t *object, const char *key, const char *path)
{
    char text[512];

    if (first_line(path, text, sizeof(text)))
        put_text(object, key, text);
}

static void put_field(json_t *object, const char *key, const char *path, const char *name)
{
    char text[512];

    if (field(path, name, text, sizeof(text)))
        put_text(object, key, text);
}

static bool hardware_counters(void)
{
    struct perf_event_attr attr;
    long fd;

    memset(&attr, 0, sizeof(attr));
    attr.size = sizeof(attr);
    attr.type = PERF_TYPE_HARDWARE;
    attr.config = PERF_COUNT_HW_INSTRUCTIONS;
    attr.exclude_kernel = 1;
    fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
    if (fd >= 0)
        close((int)fd);
    return fd >= 0;
}

static void put_limits(json_t *object)
{
    json_t *limits = json_object();
    struct rlimit limit;
    char text[64];

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        snprintf(text, sizeof(text), "%llu", (unsigned long long)limit.rlim_cur);
        put_text(limits, "open files", text);
    }
    if (first_line("/proc/sys/net/ipv4/ip_local_port_range", text, sizeof(text))) {
        for (char *tab = text; (tab = strchr(tab, '\t')) != NULL;)
            *tab = ' ';
        put_text(limits, "local ports", text);
    }
    json_object_set_new(object, "limits", limits);
}

static void put_steal(json_t *object, const struct hx_cpu_times *before)
{
    struct hx_cpu_times now;

    if (before == NULL)
        return;
    hx_cpu_times_read(&now);
    if (now.total > before->total)
        json_object_set_new(object, "steal_percent",
                            json_real(100.0 * (double)(now.steal - before->steal) /
                                      (double)(now.total - before->total)));
}

/* The processor says whether it is a guest's; which hypervisor, only some firmware tells. */
static void put_virtualisation(json_t *object)
{
    char flags[4096], vendor[256];

    if (!field("/proc/cpuinfo", "flags", flags, sizeof(flags)))
        return;
    if (strstr(flags, " hypervisor") == NULL)
        put_text(object, "virtualisation", "none");
    else if (first_line("/sys/class/dmi/id/sys_vendor", vendor, sizeof(vendor)))
        put_text(object, "virtualisation", vendor);
    else
        put_text(object, "virtualisation", "virtual machine");
}

static void put_system(json_t *object)
{
    struct utsname name;
    double load[3];
    char text[256];

    if (uname(&name) == 0) {
        snprintf(text, sizeof(text), "%.64s %.64s %.64s", name.sysname, name.release, name.machine);
        put_text(object, "kernel", text);
    }
    if (getloadavg(load, 3) == 3)
        json_object_set_new(object, "load_average",
                            json_pack("[f, f, f]", load[0], load[1], load[2]));
    json_object_set_new(object, "cores", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    json_object_set_new(object, "memory_bytes",
                        json_integer((json_int_t)sysconf(_SC_PHYS_PAGES) *
                                     sysconf(_SC_PAGESIZE)));
    put_virtualisation(object);
}

static void put_libraries(json_t *object)
{
    json_object_set_new(object, "libraries",
                        json_pack("{s:s, s:s, s:s, s:s, s:s}", "libevent", event_get_version(),
                                  "librdkafka", rd_kafka_version_str(), "sqlite3",
                                  sqlite3_libversion(), "zlib", zlibVersion(), "jansson",
                                  JANSSON_VERSION));
}

json_t *hx_environment_new(const struct hx_cpu_times *before)
{
    json_t *object = json_object();

    if (object == NULL)
        return NULL;
    put_system(object);
    put_field(object, "cpu_model", "/proc/cpuinfo", "model name");
    put_field(object, "os", "/etc/os-release", "PRETTY_NAME");
    put_line(object, "clock_source",
             "/sys/devices/system/clocksource/clocksource0/current_clocksource");
    put_line(object, "governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    put_line(object, "cgroup_cpu_limit", "/sys/fs/cgroup/cpu.max");
    put_text(object, "compiler", "gcc " __VERSION__);
    if (TRACERIG_REVISION[0] != '\0')
        put_text(object, "git_revision", TRACERIG_REVISION);
    json_object_set_new(object, "hardware_counters", json_boolean(hardware_counters()));
    put_libraries(object);
    put_limits(object);
    put_steal(object, before);
    return object;
}
