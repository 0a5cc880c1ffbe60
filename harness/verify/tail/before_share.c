/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/verify/tail/before.h"
#include "sdk/base/text.h"

/* probabilistic_sampler: a span is kept when its threshold is not above its randomness, both of 56
 * bits; ot=th and ot=rv of its tracestate take part and are written anew. */

#define WHOLE (1ULL << 56)

enum { HASH, EQUAL, PROPORTIONAL, NEVER };

struct state {
    bool good, has_rv, has_th;
    uint64_t rv, th;
    char others[512], extra[300]; /* other members; other keys of ot */
};

static bool hex_of(const char *text, size_t len, bool whole, uint64_t *ret)
{
    uint64_t value = 0;

    if (len == 0 || len > 14 || (whole && len != 14))
        return false;
    for (size_t i = 0; i < 14; i++) {
        const char *digits = "0123456789abcdef", *at;
        at = i < len ? strchr(digits, text[i]) : digits;
        if (at == NULL || (i < len && text[i] == '\0'))
            return false;
        value = value << 4 | (uint64_t)(at - digits);
    }
    *ret = value;
    return true;
}

static void read_ot(struct state *state, char *ot)
{
    char *rest = NULL;

    for (char *part = strtok_r(ot, ";", &rest); part != NULL; part = strtok_r(NULL, ";", &rest)) {
        size_t used = strlen(state->extra);
        if (strncmp(part, "rv:", 3) == 0) {
            state->has_rv = hex_of(part + 3, strlen(part + 3), true, &state->rv);
            state->good &= state->has_rv;
        } else if (strncmp(part, "th:", 3) == 0) {
            state->has_th = hex_of(part + 3, strlen(part + 3), false, &state->th);
            state->good &= state->has_th;
        } else {
            state->good &= strchr(part, ':') != NULL;
            snprintf(state->extra + used, sizeof(state->extra) - used, ";%s", part);
        }
    }
}

static bool is_member(const char *text)
{
    const char *equals = strchr(text, '=');

    return equals != NULL && equals[1] != '\0' && strchr(equals + 1, '=') == NULL &&
           strchr(text, ' ') == NULL && text[0] >= 'a' && text[0] <= 'z';
}

/* Members KEY=VALUE; what the collector would not read makes it no good. */
static void read_state(struct otl_view text, struct state *ret)
{
    char copy[1024], *rest = NULL;

    memset(ret, 0, sizeof(*ret));
    ret->good = text.len < sizeof(copy);
    if (text.len == 0 || !ret->good)
        return;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    for (char *part = strtok_r(copy, ",", &rest); part != NULL; part = strtok_r(NULL, ",", &rest)) {
        size_t used = strlen(ret->others), len;
        while (*part == ' ' || *part == '\t')
            part++;
        len = strlen(part);
        while (len > 0 && (part[len - 1] == ' ' || part[len - 1] == '\t'))
            part[--len] = '\0';
        if (strncmp(part, "ot=", 3) == 0) {
            read_ot(ret, part + 3);
            continue;
        }
        ret->good &= is_member(part);
        snprintf(ret->others + used, sizeof(ret->others) - used, "%s%s", used > 0 ? "," : "",
                 part);
    }
}

static void write_state(const struct state *state, struct hx_draft *draft)
{
    char text[1024], ot[400] = "", digits[15];
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
static uint64_t threshold_of(double p, int digits)
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
    const struct hx_draft_entry *entry =
        hx_draft_find(draft, HX_TAIL_SPAN, otl_view_str("sampling.priority"));
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
        return threshold_of(p * (state->has_th ? (double)(WHOLE - state->th) / (double)WHOLE : 1),
                            precision);
    own = threshold_of(p, precision);
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
