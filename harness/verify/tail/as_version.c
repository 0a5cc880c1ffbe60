/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/tail/as_version.h"

#include <string.h>

#include "sdk/base/text.h"

/* ---- how versions are written ---- */

enum { DIGITS_MAX = 7, VERSION_MAX = 100000 };

/* Digits alone; what follows them. NULL: there are none, or too many. */
static const char *number(const char *at, unsigned *ret)
{
    const char *start = at;

    for (*ret = 0; *at >= '0' && *at <= '9' && at - start <= DIGITS_MAX; at++)
        *ret = *ret * 10 + (unsigned)(*at - '0');
    return at > start && at - start <= DIGITS_MAX ? at : NULL;
}

enum otel_err hx_as_version_read(const char *text, unsigned *ret, struct otl_detail *reterr)
{
    const char *at = text + (*text == 'v');
    unsigned patch;

    *ret = 0;
    if (strcmp(text, "latest") == 0)
        return OTEL_OK;
    at = strncmp(at, "0.", 2) == 0 ? number(at + 2, ret) : NULL;
    if (at != NULL && *at == '.')
        at = number(at + 1, &patch);
    if (at != NULL && *at == '\0' && *ret > 0 && *ret <= VERSION_MAX)
        return OTEL_OK;
    return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0,
                          "'%s' is no version of the Collector (0.115, v0.115.0, latest)", text);
}

/* ---- two ways ---- */

static const struct {
    const char *key, *old;
    unsigned since; /* the first version that has the new way */
} changes[] = {
    [HX_CHANGE_INVERT] = {"invert_decisions", "legacy", 144},
    [HX_CHANGE_LATENCY] = {"latency_lower_bound", "inclusive", 157},
    [HX_CHANGE_LIMITING] = {"rate_limiting", "fixed_window", 153},
    [HX_CHANGE_UNLISTED] = {"composite_unlisted", "zero", 158},
};

bool hx_as_version_old_way(const json_t *compat, unsigned version, enum hx_change change)
{
    const char *said = json_string_value(json_object_get(compat, changes[change].key));

    if (said != NULL)
        return strcmp(said, changes[change].old) == 0;
    return version > 0 && version < changes[change].since;
}

/* ---- what is refused ---- */

static const struct {
    const char *key;
    unsigned since;
} settings[] = {
    {"sample_on_first_match", 127},
    {"block_on_overflow", 133},
    {"drop_pending_traces_on_shutdown", 141},
    {"decision_wait_after_root_received", 144},
    {"maximum_trace_size_bytes", 145},
    {"sampling_strategy", 149},
    {"num_shards", 159},
};
static const struct {
    const char *type; /* of a policy */
    unsigned since;
} types[] = {{"drop", 126}, {"bytes_limiting", 141}, {"not", 145}, {"trace_flags", 145}};
enum { DEPTH_MAX = 8 };
enum { WHOLE_SECONDS_UNTIL = 86 }; /* a decision_wait of less was an error */

static enum otel_err refuse(const struct otl_yaml *doc, const json_t *config, const char *key,
                            unsigned version, unsigned since, struct otl_detail *reterr)
{
    struct otl_yaml_pos pos = {NULL, 0, 0};

    if (doc != NULL)
        pos = otl_yaml_key_pos(doc, config, key);
    return otl_detail_set(reterr, OTEL_ERR_UNSUPPORTED, pos.source, pos.line, pos.column,
                          "the Collector of v0.%u refuses '%s'%s: only v0.%u and later take it",
                          version, key, since == WHOLE_SECONDS_UNTIL ? " below 1s" : "", since);
}

/* Policies stand in each other by many names: whatever has a type that is too new is found. */
static enum otel_err check_types(const struct otl_yaml *doc, const json_t *tree, unsigned version,
                                 unsigned depth, struct otl_detail *reterr)
{
    const char *type = json_string_value(json_object_get(tree, "type")), *key;
    enum otel_err err = OTEL_OK;
    json_t *item;
    size_t i;

    for (i = 0; type != NULL && i < sizeof(types) / sizeof(types[0]); i++)
        if (version < types[i].since && strcmp(type, types[i].type) == 0) {
            struct otl_yaml_pos pos = {NULL, 0, 0};
            if (doc != NULL)
                pos = otl_yaml_value_pos(doc, tree, "type");
            return otl_detail_set(reterr, OTEL_ERR_UNSUPPORTED, pos.source, pos.line, pos.column,
                                  "the Collector of v0.%u refuses the policy '%s': only v0.%u and "
                                  "later take it",
                                  version, type, types[i].since);
        }
    if (depth == DEPTH_MAX)
        return OTEL_OK;
    json_array_foreach((json_t *)(uintptr_t)tree, i, item)
        if (err == OTEL_OK)
            err = check_types(doc, item, version, depth + 1, reterr);
    json_object_foreach((json_t *)(uintptr_t)tree, key, item)
        if (err == OTEL_OK)
            err = check_types(doc, item, version, depth + 1, reterr);
    return err;
}

enum otel_err hx_as_version_check(const struct otl_yaml *doc, const json_t *config,
                                  unsigned version, struct otl_detail *reterr)
{
    const char *wait = json_string_value(json_object_get(config, "decision_wait"));
    uint64_t ns = 1000000000;

    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]) && version > 0; i++)
        if (version < settings[i].since && json_object_get(config, settings[i].key) != NULL)
            return refuse(doc, config, settings[i].key, version, settings[i].since, reterr);
    if (json_is_integer(json_object_get(config, "decision_wait")))
        ns = (uint64_t)json_integer_value(json_object_get(config, "decision_wait"));
    else if (wait != NULL && otl_parse_duration(wait, &ns) != OTEL_OK)
        ns = 1000000000;
    if (version > 0 && version < WHOLE_SECONDS_UNTIL && ns < 1000000000)
        return refuse(doc, config, "decision_wait", version, WHOLE_SECONDS_UNTIL, reterr);
    return version == 0 ? OTEL_OK
                        : check_types(doc, json_object_get(config, "policies"), version, 0, reterr);
}

/* Replaced until v0.103, an error until v0.106, and text since then. */
enum otl_yaml_bare hx_as_version_bare(void *context, struct otl_yaml_pos pos, const char *name)
{
    unsigned version = *(const unsigned *)context;

    (void)pos;
    (void)name;
    if (version == 0 || version > 106)
        return OTL_YAML_BARE_KEEP;
    return version > 103 ? OTL_YAML_BARE_REFUSE : OTL_YAML_BARE_REPLACE;
}
