/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector-mock/exporters/file_groups.h"

/* Any bytes as the value that names a file, behind one that says of which exporter: the file is
 * below where the path begins, or that directory itself, which no file can be. Then as a request:
 * its parts are requests, with all that was in it but what has no value. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    const char *path, *prefix;
} paths[] = {{"/base/x*.json", "/base/x"},
             {"/base/*", "/base/"},
             {"/base//a/../b/*/z.json", "/base/b/"},
             {"rel/x*", "rel/x"}};

static void check_path(const char *path, const char *prefix, struct otl_view value)
{
    const struct col_file_groups_settings settings = {.path = path, .max_open = 1};
    struct col_file_groups *groups;
    char made[COL_FILE_PATH_MAX], slashed[COL_FILE_PATH_MAX + 1];
    size_t len;

    if (col_file_groups_new(&settings, &groups) != OTEL_OK)
        abort();
    if (col_file_groups_path(groups, value, made)) {
        len = strlen(made);
        memcpy(slashed, made, len);
        memcpy(slashed + len, "/", 2);
        if (strncmp(slashed, prefix, strlen(prefix)) != 0 || strstr(slashed, "/../") != NULL)
            abort();
    }
    col_file_groups_free(groups);
}

static void check_parts(enum col_signal signal, struct otl_view request)
{
    struct otl_detail why = OTL_DETAIL_NONE;
    struct col_file_part *parts = NULL;
    uint64_t items = 0, some, without = 0, sum = 0;
    size_t count = 0, bytes = 0;
    struct otl_arena arena;

    if (col_request_check(signal, request, &items, &why) != OTEL_OK)
        return;
    otl_arena_init(&arena, 64 << 20);
    if (col_file_groups_split("service.name", signal, request, &arena, &parts, &count,
                              &without) == OTEL_OK) {
        for (size_t i = 0; i < count; i++) {
            if (col_request_check(signal, parts[i].request, &some, &why) != OTEL_OK)
                abort();
            sum += some;
            bytes += parts[i].request.len;
        }
        if (sum > items || bytes > request.len || (without == 0 && sum != items))
            abort();
    }
    otl_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct otl_view rest = otl_view((const char *)data + (size > 0), size - (size > 0));
    size_t which = size > 0 ? data[0] % (sizeof(paths) / sizeof(paths[0])) : 0;

    if (size > 65536)
        return 0;
    check_path(paths[which].path, paths[which].prefix, rest);
    for (int signal = COL_TRACES; signal < COL_SIGNALS; signal++)
        check_parts((enum col_signal)signal, rest);
    return 0;
}
