/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "harness/verify/tail/rules.h"

/* Conditions on single spans. */

/* ---- patterns ---- */

void *hx_pattern_new(const char *text)
{
    PCRE2_SIZE at;
    int error;

    return pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &error, &at, NULL);
}

bool hx_pattern_in(const void *pattern, struct otl_view text)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    int found;

    if (data == NULL)
        return false;
    found = pcre2_match(pattern, (PCRE2_SPTR)(text.len > 0 ? text.data : ""), text.len, 0, 0, data,
                        NULL);
    pcre2_match_data_free(data);
    return found > 0 || found == 0;
}

void hx_pattern_free(void *pattern)
{
    if (pattern != NULL)
        pcre2_code_free(pattern);
}

/* ---- tracestate: members KEY=VALUE; a malformed one voids all ---- */

static bool key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '*' ||
           c == '/';
}

static bool is_key(const char *text, size_t len)
{
    size_t at_sign = len, i;

    for (i = 0; i < len; i++) {
        if (text[i] == '@' && at_sign == len && i > 0)
            at_sign = i;
        else if (!key_char(text[i]))
            return false;
    }
    if (len == 0 || len > 256)
        return false;
    if (at_sign == len)
        return text[0] >= 'a' && text[0] <= 'z';
    if (at_sign > 241 || len - at_sign - 1 > 14 || len - at_sign - 1 == 0)
        return false;
    return text[at_sign + 1] >= 'a' && text[at_sign + 1] <= 'z' &&
           ((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= '0' && text[0] <= '9'));
}

static bool is_value(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 32 || (unsigned char)text[i] > 126 || text[i] == '=')
            return false;
    return len > 0 && len <= 256;
}

static bool state_has(const struct hx_leaf *leaf, struct otl_view state)
{
    const char *at = state.data, *end, *seen[32];
    size_t lens[32], count = 0;
    bool found = false;

    if (state.len == 0)
        return false;
    for (end = at + state.len; at < end;) {
        const char *stop = memchr(at, ',', (size_t)(end - at)), *equals, *tail;
        const json_t *value;
        size_t i;

        stop = stop != NULL ? stop : end;
        tail = stop;
        if (at == stop) {
            at++;
            continue;
        }
        equals = memchr(at, '=', (size_t)(stop - at));
        while (equals != NULL && at < equals && (*at == ' ' || *at == '\t'))
            at++;
        while (tail > at && (tail[-1] == ' ' || tail[-1] == '\t'))
            tail--;
        if (equals == NULL || count == 32 || !is_key(at, (size_t)(equals - at)) ||
            tail <= equals || !is_value(equals + 1, (size_t)(tail - equals - 1)))
            return false;
        seen[count] = at;
        lens[count] = (size_t)(equals - at);
        for (i = 0; i < count; i++)
            if (lens[i] == lens[count] && memcmp(seen[i], at, lens[i]) == 0)
                return false;
        if (lens[count] == strlen(leaf->key) && memcmp(at, leaf->key, lens[count]) == 0)
            json_array_foreach(leaf->values, i, value)
                found |= json_string_length(value) == (size_t)(tail - equals - 1) &&
                         memcmp(json_string_value(value), equals + 1,
                                json_string_length(value)) == 0;
        count++;
        at = stop + 1;
    }
    return found;
}

/* ---- attributes ---- */

static bool text_in(const struct hx_leaf *leaf, struct otl_view text)
{
    const json_t *value;
    size_t i;

    json_array_foreach(leaf->values, i, value) {
        if (leaf->patterns != NULL) {
            if (hx_pattern_in(leaf->patterns[i], text))
                return true;
        } else if (json_string_length(value) > 0 && json_string_length(value) == text.len &&
                   memcmp(json_string_value(value), text.data, text.len) == 0) {
            return true;
        }
    }
    return false;
}

static bool value_fits(const struct hx_leaf *leaf, const struct hx_tail_value *value,
                       bool resource)
{
    int64_t number = value->kind == HX_TAIL_INT ? value->integer : 0;
    bool truth = value->kind == HX_TAIL_BOOL && value->integer != 0;
    struct otl_view text = value->kind == HX_TAIL_TEXT ? value->text : otl_view("", 0);

    if (value->kind == HX_TAIL_NOTHING)
        return false;
    if (leaf->kind == HX_LEAF_NUMBER)
        return leaf->low <= number && number <= leaf->high;
    if (leaf->kind == HX_LEAF_TRUTH)
        return truth == leaf->truth;
    return (resource || text.len > 0) && text_in(leaf, text);
}

bool hx_leaf_true(const struct hx_leaf *leaf, const struct hx_tail_span *span)
{
    struct hx_tail_value own, shared;

    switch (leaf->kind) {
    case HX_LEAF_STATUS:
        return span->status >= 0 && span->status <= 2 && (leaf->low >> span->status & 1) != 0;
    case HX_LEAF_FLAGS:
        return (span->flags & 1) != 0;
    case HX_LEAF_STATE:
        return state_has(leaf, span->trace_state);
    case HX_LEAF_TEXT:
    case HX_LEAF_NUMBER:
    case HX_LEAF_TRUTH:
        own = span->attribute(span, HX_TAIL_SPAN, 0, leaf->key);
        shared = span->attribute(span, HX_TAIL_RESOURCE, 0, leaf->key);
        return value_fits(leaf, &own, false) || value_fits(leaf, &shared, true);
    case HX_LEAF_OTTL:
        return hx_ottl_true(leaf->ottl, span);
    default:
        return false;
    }
}
