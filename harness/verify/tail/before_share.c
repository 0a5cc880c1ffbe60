/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/verify/tail/before.h"
#include "sdk/base/text.h"

/* probabilistic_sampler: a span is kept when its threshold is not above its randomness, both of 56
 * bits; ot=th and ot=rv of its tracestate take part and are written anew. */

#define WHOLE (1ULL << 56)

enum { HASH, EQUAL, PROPORTIONAL, NEVER };

/* What the W3C and the Collector allow of a tracestate. */
enum { TEXT_MAX = 1024, MEMBERS_MAX = 31, KEY_MAX = 256, TENANT_MAX = 241, SYSTEM_MAX = 14,
       VALUE_MAX = 256 };

struct state {
    bool good, has_rv, has_th;
    uint64_t rv, th;
    char others[TEXT_MAX + 1], extra[VALUE_MAX + 2]; /* other members; other keys of ot */
};

static bool hex_of(const char *text, size_t len, bool whole, uint64_t *ret)
{
    uint64_t value = 0;

    if (len == 0 || len > 14 || (whole && len != 14))
        return false;
    for (size_t i = 0; i < 14; i++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF", *at;
        at = i < len ? strchr(digits, text[i]) : digits;
        if (at == NULL || (i < len && text[i] == '\0'))
            return false;
        value = value << 4 | (uint64_t)((at - digits) & 15);
    }
    *ret = value;
    return true;
}

static bool is_small(char c)
{
    return c >= 'a' && c <= 'z';
}

/* Small letters, digits and what stands in more. */
static bool consists(const char *text, size_t len, const char *more)
{
    for (size_t i = 0; i < len; i++)
        if (!is_small(text[i]) && (text[i] < '0' || text[i] > '9') &&
            strchr(more, text[i]) == NULL)
            return false;
    return true;
}

/* The text up to mark; *at goes behind it, and is NULL at the end. */
static char *cut(char **at, char mark)
{
    char *part = *at, *end = strchr(part, mark);

    *at = end != NULL ? end + 1 : NULL;
    if (end != NULL)
        *end = '\0';
    return part;
}

static bool read_ot_part(struct state *state, char *part)
{
    size_t used = strlen(state->extra), key = strcspn(part, ":");

    if (!is_small(part[0]) || !consists(part, key, "") || part[key] != ':' ||
        !consists(part + key + 1, strlen(part + key + 1), "ABCDEFGHIJKLMNOPQRSTUVWXYZ._-"))
        return false;
    if (strncmp(part, "rv:", 3) == 0)
        return state->has_rv = hex_of(part + 3, strlen(part + 3), true, &state->rv);
    if (strncmp(part, "th:", 3) == 0)
        return state->has_th = hex_of(part + 3, strlen(part + 3), false, &state->th);
    snprintf(state->extra + used, sizeof(state->extra) - used, ";%s", part);
    return true;
}

/* The last one counts. */
static bool read_ot(struct state *state, char *ot)
{
    char *at = ot;

    state->has_rv = state->has_th = false;
    state->extra[0] = '\0';
    while (at != NULL)
        if (!read_ot_part(state, cut(&at, ';')))
            return false;
    return true;
}

static bool is_key(const char *key, size_t len)
{
    const char *tenant_end = memchr(key, '@', len);
    size_t tenant = tenant_end != NULL ? (size_t)(tenant_end - key) : 0;

    if (tenant_end == NULL)
        return len > 0 && len <= KEY_MAX && is_small(key[0]) && consists(key, len, "_-*/");
    return tenant > 0 && tenant <= TENANT_MAX && consists(key, 1, "") &&
           consists(key, tenant, "_-*/") && len - tenant - 1 <= SYSTEM_MAX &&
           is_small(tenant_end[1]) && consists(tenant_end + 1, len - tenant - 1, "_-*/") &&
           len <= KEY_MAX;
}

/* Without blanks around it; one that is empty says nothing. */
static bool read_member(struct state *state, char *part)
{
    size_t used = strlen(state->others), key = strcspn(part, "=");
    const char *value = part + key + (part[key] == '=');

    if (part[0] == '\0')
        return true;
    if (!is_key(part, key) || value[0] == '\0' || strlen(value) > VALUE_MAX)
        return false;
    for (const char *c = value; *c != '\0'; c++)
        if (*c < ' ' || *c > '~' || *c == '=')
            return false;
    if (strncmp(part, "ot=", 3) == 0)
        return read_ot(state, part + 3);
    snprintf(state->others + used, sizeof(state->others) - used, "%s%s", used > 0 ? "," : "",
             part);
    return true;
}

/* Members KEY=VALUE; what the Collector would not read makes it no good. */
static void read_state(struct otl_view text, struct state *ret)
{
    char copy[TEXT_MAX + 1], *at = copy;
    size_t members = 0;

    memset(ret, 0, sizeof(*ret));
    ret->good = text.len <= TEXT_MAX &&
                (text.len == 0 || memchr(text.data, '\0', text.len) == NULL);
    if (text.len == 0 || !ret->good)
        return;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    while (ret->good && at != NULL && at[0] != '\0') {
        char *part = cut(&at, ',');
        size_t len;
        part += strspn(part, " \t");
        len = strlen(part);
        while (len > 0 && (part[len - 1] == ' ' || part[len - 1] == '\t'))
            part[--len] = '\0';
        ret->good = ++members <= MEMBERS_MAX && read_member(ret, part);
    }
}

void hx_before_ot(struct otl_view trace_state, struct hx_ot *ret)
{
    struct state state;

    read_state(trace_state, &state);
    *ret = (struct hx_ot){state.good, state.has_rv, state.has_th, state.rv, state.th};
}

static void write_state(const struct state *state, struct hx_draft *draft)
{
    char text[TEXT_MAX + 500], ot[400] = "", digits[15];
    size_t len = 14;

    if (state->has_rv)
        snprintf(ot, sizeof(ot), ";rv:%014llx", (unsigned long long)state->rv);
    if (state->has_th) {
        snprintf(digits, sizeof(digits), "%014llx", (unsigned long long)state->th);
        while (len > 1 && digits[len - 1] == '0')
            len--;
        snprintf(ot + strlen(ot), sizeof(ot) - strlen(ot), ";th:%.*s", (int)len, digits);
    }
    snprintf(ot + strlen(ot), sizeof(ot) - strlen(ot), "%s", state->extra);
    snprintf(text, sizeof(text), "%s%s%s%s", *ot != '\0' ? "ot=" : "", *ot != '\0' ? ot + 1 : "",
             *ot != '\0' && *state->others != '\0' ? "," : "", state->others);
    draft->span.trace_state = hx_draft_copy(draft, otl_view_str(text));
}

/* 1 - p in so many digits, and one more for every four zero bits at the front of p or of 1 - p. */
uint64_t hx_before_threshold(double p, int digits)
{
    int of_p, of_rest, more;
    uint64_t threshold, unit;

    if (p >= 1)
        return 0;
    (void)frexp(p, &of_p);
    (void)frexp(1 - p, &of_rest);
    more = (-of_p > -of_rest ? -of_p : -of_rest) / 4;
    digits = digits + (more > 0 ? more : 0) > 14 ? 14 : digits + (more > 0 ? more : 0);
    threshold = WHOLE - (uint64_t)round(p * (double)WHOLE);
    unit = 1ULL << (4 * (14 - digits));
    return unit > 1 ? (threshold + unit / 2) / unit * unit : threshold;
}

/* Like the Collector's older hash: FNV-1a of seed and id; the rest of the 56 bits are filled up. */
static uint64_t hashed(uint32_t seed, const uint8_t id[16])
{
    uint32_t h = 0x811c9dc5, up;

    for (int i = 0; i < 20; i++) {
        h ^= i < 4 ? seed >> (8 * i) & 255 : id[i - 4];
        h = (h << 24) + h * 0x193;
    }
    up = h >> 18;
    return (uint64_t)(16383 - (h & 16383)) << 42 | ((uint64_t)up ^ (uint64_t)up << 10) << 14 |
           (h & 16383);
}

static bool priority_of(struct hx_draft *draft, double *ret)
{
    const struct hx_tail_attribute *entry = hx_draft_find(
        hx_draft_attributes(draft, HX_TAIL_SPAN, 0), otl_view_str("sampling.priority"));
    struct otl_view text;

    if (entry == NULL)
        return false;
    *ret = entry->value.kind == HX_TAIL_INT ? (double)entry->value.integer : entry->value.real;
    if (entry->value.kind == HX_TAIL_INT || entry->value.kind == HX_TAIL_REAL)
        return *ret >= 0;
    text = entry->value.kind == HX_TAIL_TEXT ? hx_draft_copy(draft, entry->value.text)
                                             : otl_view("", 0);
    return otl_parse_double(text.data + (text.data[0] == '+'), -1e308, 1e308, ret) == OTEL_OK &&
           *ret >= 0;
}

static int mode_of(const json_t *config, float percent)
{
    const char *mode = json_string_value(json_object_get(config, "mode"));
    int ret = mode == NULL || strcmp(mode, "hash_seed") == 0 ? HASH
              : strcmp(mode, "equalizing") == 0              ? EQUAL
                                                             : PROPORTIONAL;

    return percent <= 0 || (ret == HASH && (uint32_t)(percent * 163.84f) == 0) ? NEVER : ret;
}

static float percent_of(const json_t *config)
{
    float percent = (float)json_number_value(json_object_get(config, "sampling_percentage"));

    return percent > 100 ? 100 : percent;
}

static uint64_t wanted(const json_t *config, int mode, const struct state *state)
{
    const json_t *digits = json_object_get(config, "sampling_precision");
    int precision = json_is_integer(digits) ? (int)json_integer_value(digits) : 4;
    double p = (double)percent_of(config) / 100;
    uint64_t own;

    if (mode == HASH)
        return (uint64_t)(16384 - (uint32_t)(percent_of(config) * 163.84f)) << 42;
    if (mode == NEVER)
        return WHOLE;
    if (mode == PROPORTIONAL)
        return hx_before_threshold(
            p * (state->has_th ? (double)(WHOLE - state->th) / (double)WHOLE : 1), precision);
    own = hx_before_threshold(p, precision);
    return state->has_th && state->th > own ? state->th : own;
}

static uint64_t randomness_of(const json_t *config, int mode, const struct hx_tail_span *span,
                              struct state *state, bool *ret_wrong)
{
    static const uint8_t none[16];
    uint64_t low = 0;
    bool missing = memcmp(span->trace_id, none, 16) == 0;

    *ret_wrong = !state->good;
    if (mode == NEVER)
        return WHOLE - 1;
    for (int i = 9; i < 16; i++)
        low = low << 8 | span->trace_id[i];
    if (mode == HASH) {
        low = hashed((uint32_t)json_integer_value(json_object_get(config, "hash_seed")),
                     span->trace_id);
        if (state->has_rv || state->has_th) {
            *ret_wrong = true;
            state->good = false; /* of another kind of sampler: left as it is */
        }
        state->has_rv = true;
        state->rv = low;
    } else if (state->has_rv) {
        return state->rv;
    }
    *ret_wrong |= missing;
    return missing ? WHOLE - 1 : low;
}

static bool run(struct hx_before *before, const struct hx_stage *stage, struct hx_draft *draft)
{
    int mode = mode_of(stage->config, percent_of(stage->config));
    bool closed = !json_is_false(json_object_get(stage->config, "fail_closed")), wrong;
    struct state state;
    uint64_t randomness, threshold;
    double priority;

    (void)before;
    read_state(draft->span.trace_state, &state);
    randomness = randomness_of(stage->config, mode, &draft->span, &state, &wrong);
    if (!wrong && state.has_th && state.th > randomness) {
        state.has_th = false; /* it cannot be: it would not have come through */
        wrong = true;
    }
    threshold = wrong ? (closed ? WHOLE : 0) : wanted(stage->config, mode, &state);
    if (priority_of(draft, &priority))
        threshold = priority > 0 ? 0 : WHOLE;
    if (threshold > randomness)
        return false;
    if (state.good && (!state.has_th || state.th <= threshold)) {
        state.has_th = true;
        state.th = threshold;
    }
    if (state.good)
        write_state(&state, draft);
    return true;
}

enum otel_err hx_before_share(struct hx_before *before, struct hx_stage *stage)
{
    (void)before;
    stage->run = run;
    return OTEL_OK;
}
