/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/gate/environment.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/base/text.h"

enum { TEXT_BYTES = 200 };

static const struct {
    const char *key;
    bool machine;
} fields[] = {
    {"cpu_model", true},      {"cores", true},
    {"memory_bytes", true},   {"kernel", true},
    {"os", false},            {"virtualisation", true},
    {"clock_source", true},   {"governor", true},
    {"cgroup_cpu_limit", true}, {"compiler", false},
    {"git_revision", false},  {"libraries", false},
};

static void text_of(const json_t *value, char *out, size_t size)
{
    char *dump;

    if (value == NULL) {
        snprintf(out, size, "not known");
    } else if (json_is_string(value)) {
        snprintf(out, size, "%s", json_string_value(value));
    } else {
        dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
        snprintf(out, size, "%s", dump ? dump : "");
        free(dump);
    }
    out[otl_utf8_prefix(out, strlen(out))] = '\0';
}

/* The same machine tells a few pages more or less of its memory from boot to boot. */
static bool same(const char *key, const json_t *a, const json_t *b)
{
    if (strcmp(key, "memory_bytes") == 0 && a != NULL && b != NULL)
        return fabs(json_number_value(a) - json_number_value(b)) <= 0.01 * json_number_value(a);
    return (a == NULL && b == NULL) || (a != NULL && b != NULL && json_equal(a, b));
}

json_t *hx_environment_differences(const json_t *report_a, const json_t *report_b)
{
    const json_t *a = json_object_get(report_a, "environment");
    const json_t *b = json_object_get(report_b, "environment");
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < sizeof(fields) / sizeof(fields[0]); i++) {
        const json_t *x = json_object_get(a, fields[i].key);
        const json_t *y = json_object_get(b, fields[i].key);
        char one[TEXT_BYTES], two[TEXT_BYTES];
        if (same(fields[i].key, x, y))
            continue;
        text_of(x, one, sizeof(one));
        text_of(y, two, sizeof(two));
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b}", "key", fields[i].key, "a",
                                              one, "b", two, "machine", fields[i].machine));
    }
    return list;
}
