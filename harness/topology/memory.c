/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/topology/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/base/file.h"

enum { STATUS_MAX = 64 * 1024, SMAPS_MAX = 16 * 1024 * 1024 };

static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');

    return end != NULL ? end + 1 : NULL;
}

/* "Name:     1234 kB" */
static bool bytes_of(const char *line, const char *name, uint64_t *ret)
{
    size_t len = strlen(name);

    if (strncmp(line, name, len) != 0)
        return false;
    *ret = strtoull(line + len, NULL, 10) * 1024;
    return true;
}

bool hx_memory_of_status(const char *text, struct hx_memory *ret)
{
    uint64_t anon = 0, file = 0, shared = 0;
    bool found = false;

    for (const char *line = text; line != NULL; line = next_line(line)) {
        if (bytes_of(line, "RssAnon:", &anon))
            found = true;
        else if (!bytes_of(line, "RssFile:", &file))
            (void)bytes_of(line, "RssShmem:", &shared);
    }
    if (!found)
        return false;
    ret->anon_bytes = anon;
    ret->mapped_bytes = file + shared;
    return true;
}

/* A mapping's first line begins with its addresses, in hexadecimal; those after it with a name. */
static bool begins_mapping(const char *line)
{
    size_t digits = strspn(line, "0123456789abcdef");

    return digits > 0 && line[digits] == '-';
}

static bool ends_with(const char *line, const char *end)
{
    size_t len = strcspn(line, "\n"), tail = strlen(end);

    return len >= tail && memcmp(line + len - tail, end, tail) == 0;
}

bool hx_memory_of_smaps(const char *text, struct hx_memory *ret)
{
    uint64_t sum = 0, bytes;
    bool ledger = false, found = false;

    for (const char *line = text; line != NULL; line = next_line(line)) {
        if (begins_mapping(line))
            ledger = ends_with(line, ".led") || ends_with(line, ".drops");
        else if (ledger && bytes_of(line, "Rss:", &bytes)) {
            sum += bytes;
            found = true;
        }
    }
    if (found)
        ret->ledger_bytes = sum;
    return found;
}

typedef bool parse_fn(const char *text, struct hx_memory *ret);

static bool read_proc(pid_t pid, const char *name, size_t max, parse_fn *parse,
                      struct hx_memory *ret)
{
    struct otl_buf text;
    char path[64];
    bool good;

    otl_buf_init(&text, max);
    snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
    good = otl_file_read(path, &text, NULL) == OTEL_OK && text.len > 0 &&
           parse(text.data, ret);
    otl_buf_fini(&text);
    return good;
}

bool hx_memory_read(pid_t pid, struct hx_memory *ret)
{
    return read_proc(pid, "status", STATUS_MAX, hx_memory_of_status, ret);
}

bool hx_memory_read_ledger(pid_t pid, struct hx_memory *ret)
{
    return read_proc(pid, "smaps", SMAPS_MAX, hx_memory_of_smaps, ret);
}

static void widen(uint64_t *most, uint64_t now)
{
    *most = now > *most ? now : *most;
}

void hx_memory_widen(struct hx_memory *most, const struct hx_memory *now)
{
    widen(&most->anon_bytes, now->anon_bytes);
    widen(&most->mapped_bytes, now->mapped_bytes);
    widen(&most->ledger_bytes, now->ledger_bytes);
}
