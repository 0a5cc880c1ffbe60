/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/trace_state.h>

#include "sdk/base/mem.h"

struct member {
    uint16_t key_at, key_len, value_at, value_len;
};

struct otel_trace_state {
    size_t refs;
    size_t count;
    size_t len; /* of the header text behind the members */
    struct member members[];
};

/* What a new trace state is built from; members point into older text. */
struct draft {
    size_t count;
    struct otel_str keys[OTEL_TRACE_STATE_MAX_MEMBERS + 1];
    struct otel_str values[OTEL_TRACE_STATE_MAX_MEMBERS + 1];
};

static char *text_of(const struct otel_trace_state *state)
{
    return (char *)(uintptr_t)(state->members + state->count);
}

static bool is_key_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool key_is_valid(struct otel_str key)
{
    if (key.len == 0 || key.len > 256 || !is_key_start(key.data[0]))
        return false;
    for (size_t i = 1; i < key.len; i++) {
        char c = key.data[i];
        if (!is_key_start(c) && (c == '\0' || strchr("_-*/@", c) == NULL))
            return false;
    }
    return true;
}

static bool value_is_valid(struct otel_str value)
{
    if (value.len == 0 || value.len > 256 || value.data[value.len - 1] == ' ')
        return false;
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (c < 0x20 || c > 0x7e || c == ',' || c == '=')
            return false;
    }
    return true;
}

static struct otel_str trimmed(struct otel_str text)
{
    while (text.len != 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.len--;
    }
    while (text.len != 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

static bool draft_has(const struct draft *draft, struct otel_str key)
{
    for (size_t i = 0; i < draft->count; i++)
        if (otel_str_equal(draft->keys[i], key))
            return true;
    return false;
}

static void draft_add(struct draft *draft, struct otel_str key, struct otel_str value)
{
    draft->keys[draft->count] = key;
    draft->values[draft->count] = value;
    draft->count++;
}

static struct otel_str put(char *text, size_t *at, struct otel_str part)
{
    memcpy(text + *at, part.data, part.len);
    *at += part.len;
    return part;
}

static enum otel_err build(const struct draft *draft, struct otel_trace_state **ret)
{
    struct otel_trace_state *state;
    size_t len = 0, at = 0;
    char *text;

    if (ret == NULL)
        return OTEL_ERR_ARGUMENT;
    for (size_t i = 0; i < draft->count; i++)
        len += draft->keys[i].len + draft->values[i].len + 1 + (i != 0);
    if (len > OTEL_TRACE_STATE_MAX_BYTES)
        return OTEL_ERR_LIMIT;
    if (draft->count == 0) {
        *ret = NULL;
        return OTEL_OK;
    }
    state = otl_mem_alloc(sizeof(*state) + draft->count * sizeof(struct member) + len);
    if (state == NULL)
        return OTEL_ERR_MEMORY;
    state->refs = 1;
    state->count = draft->count;
    state->len = len;
    text = text_of(state);
    for (size_t i = 0; i < draft->count; i++) {
        struct member *member = &state->members[i];
        if (i != 0)
            text[at++] = ',';
        member->key_at = (uint16_t)at;
        member->key_len = (uint16_t)put(text, &at, draft->keys[i]).len;
        text[at++] = '=';
        member->value_at = (uint16_t)at;
        member->value_len = (uint16_t)put(text, &at, draft->values[i]).len;
    }
    *ret = state;
    return OTEL_OK;
}

static enum otel_err parse_member(struct draft *draft, struct otel_str member)
{
    const char *equals = memchr(member.data, '=', member.len);
    struct otel_str key, value;

    if (equals == NULL)
        return OTEL_ERR_SYNTAX;
    key = otel_strn(member.data, (size_t)(equals - member.data));
    value = otel_strn(equals + 1, member.len - key.len - 1);
    if (!key_is_valid(key) || !value_is_valid(value))
        return OTEL_ERR_SYNTAX;
    if (draft_has(draft, key))
        return OTEL_OK;
    if (draft->count == OTEL_TRACE_STATE_MAX_MEMBERS)
        return OTEL_ERR_LIMIT;
    draft_add(draft, key, value);
    return OTEL_OK;
}

enum otel_err otel_trace_state_parse(struct otel_str header, struct otel_trace_state **ret)
{
    struct draft draft;

    draft.count = 0;
    while (header.len != 0) {
        const char *comma = memchr(header.data, ',', header.len);
        size_t len = comma != NULL ? (size_t)(comma - header.data) : header.len;
        struct otel_str member = trimmed(otel_strn(header.data, len));
        enum otel_err err = member.len != 0 ? parse_member(&draft, member) : OTEL_OK;
        if (err != OTEL_OK)
            return err;
        if (comma == NULL)
            break;
        header.data += len + 1;
        header.len -= len + 1;
    }
    return build(&draft, ret);
}

struct otel_trace_state *otel_trace_state_ref(struct otel_trace_state *state)
{
    if (state != NULL)
        __atomic_fetch_add(&state->refs, 1, __ATOMIC_RELAXED);
    return state;
}

void otel_trace_state_unref(struct otel_trace_state *state)
{
    if (state != NULL && __atomic_fetch_sub(&state->refs, 1, __ATOMIC_ACQ_REL) == 1)
        otl_mem_free(state);
}

struct otel_str otel_trace_state_header(const struct otel_trace_state *state)
{
    return state != NULL ? otel_strn(text_of(state), state->len) : otel_strn(NULL, 0);
}

size_t otel_trace_state_count(const struct otel_trace_state *state)
{
    return state != NULL ? state->count : 0;
}

bool otel_trace_state_at(const struct otel_trace_state *state, size_t i, struct otel_str *ret_key,
                         struct otel_str *ret_value)
{
    const struct member *member;

    if (i >= otel_trace_state_count(state))
        return false;
    member = &state->members[i];
    if (ret_key != NULL)
        *ret_key = otel_strn(text_of(state) + member->key_at, member->key_len);
    if (ret_value != NULL)
        *ret_value = otel_strn(text_of(state) + member->value_at, member->value_len);
    return true;
}

bool otel_trace_state_get(const struct otel_trace_state *state, struct otel_str key,
                          struct otel_str *ret_value)
{
    struct otel_str found, value;

    for (size_t i = 0; otel_trace_state_at(state, i, &found, &value); i++)
        if (otel_str_equal(found, key)) {
            if (ret_value != NULL)
                *ret_value = value;
            return true;
        }
    return false;
}

static void draft_copy_without(struct draft *draft, const struct otel_trace_state *state,
                               struct otel_str key)
{
    struct otel_str found, value;

    for (size_t i = 0; otel_trace_state_at(state, i, &found, &value); i++)
        if (draft->count < OTEL_TRACE_STATE_MAX_MEMBERS && !otel_str_equal(found, key))
            draft_add(draft, found, value);
}

enum otel_err otel_trace_state_set(const struct otel_trace_state *state, struct otel_str key,
                                   struct otel_str value, struct otel_trace_state **ret)
{
    struct draft draft;

    if (!key_is_valid(key) || !value_is_valid(value))
        return OTEL_ERR_ARGUMENT;
    draft.count = 0;
    draft_add(&draft, key, value);
    draft_copy_without(&draft, state, key);
    return build(&draft, ret);
}

enum otel_err otel_trace_state_delete(const struct otel_trace_state *state, struct otel_str key,
                                      struct otel_trace_state **ret)
{
    struct draft draft;

    draft.count = 0;
    draft_copy_without(&draft, state, key);
    return build(&draft, ret);
}
