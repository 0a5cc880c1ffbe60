/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/trace_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 1024, OT_MAX = 256, MEMBERS_MAX = 31, VALUE_MAX = 256, DIGITS = 14 };
enum { KEY_MAX = 256, TENANT_MAX = 241, SYSTEM_MAX = 14 };

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_key_rest(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_lower(text[i]) && !is_digit(text[i]) &&
            (text[i] == '\0' || strchr("_-*/", text[i]) == NULL))
            return false;
    return true;
}

static bool is_w3c_key(struct otl_view key)
{
    const char *at = key.len > 0 ? memchr(key.data, '@', key.len) : NULL;
    size_t tenant, system;

    if (key.len == 0 || key.len > KEY_MAX)
        return false;
    if (at == NULL)
        return is_lower(key.data[0]) && is_key_rest(key.data + 1, key.len - 1);
    tenant = (size_t)(at - key.data);
    system = key.len - tenant - 1;
    return tenant > 0 && tenant <= TENANT_MAX && system > 0 && system <= SYSTEM_MAX &&
           (is_lower(key.data[0]) || is_digit(key.data[0])) && is_lower(at[1]) &&
           is_key_rest(key.data + 1, tenant - 1) && is_key_rest(at + 2, system - 1);
}

static bool is_w3c_value(struct otl_view value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.data[i] < 0x20 || value.data[i] > 0x7e || value.data[i] == ',' ||
            value.data[i] == '=')
            return false;
    return value.len > 0 && value.len <= VALUE_MAX && value.data[value.len - 1] != ' ';
}

static bool is_ot_key(struct otl_view key)
{
    for (size_t i = 1; i < key.len; i++)
        if (!is_lower(key.data[i]) && !is_digit(key.data[i]))
            return false;
    return key.len > 0 && is_lower(key.data[0]);
}

static bool is_ot_value(struct otl_view value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];
        if (!is_lower(c) && !is_digit(c) && !(c >= 'A' && c <= 'Z') && c != '.' && c != '_' &&
            c != '-')
            return false;
    }
    return true;
}

struct member {
    struct otl_view key, value, whole;
};

/* The next piece up to separator, cut in two at equality; false: the text is used up.
 * An empty piece, or one without equality, has an empty key. */
static bool next_member(struct otl_view *rest, const char marks[2], struct member *ret)
{
    const char *end, *cut;

    memset(ret, 0, sizeof(*ret));
    if (rest->len == 0)
        return false;
    end = memchr(rest->data, marks[0], rest->len);
    ret->whole = otl_view(rest->data, end != NULL ? (size_t)(end - rest->data) : rest->len);
    rest->data += ret->whole.len + (end != NULL);
    rest->len -= ret->whole.len + (end != NULL);
    while (ret->whole.len > 0 && (*ret->whole.data == ' ' || *ret->whole.data == '\t')) {
        ret->whole.data++;
        ret->whole.len--;
    }
    while (ret->whole.len > 0 && (ret->whole.data[ret->whole.len - 1] == ' ' ||
                                  ret->whole.data[ret->whole.len - 1] == '\t'))
        ret->whole.len--;
    cut = ret->whole.len > 0 ? memchr(ret->whole.data, marks[1], ret->whole.len) : NULL;
    if (cut != NULL) {
        ret->key = otl_view(ret->whole.data, (size_t)(cut - ret->whole.data));
        ret->value = otl_view(cut + 1, ret->whole.len - ret->key.len - 1);
    }
    return true;
}

static bool read_hex(struct otl_view text, uint64_t *ret)
{
    uint64_t value = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (is_digit(c))
            value = value << 4 | (unsigned)(c - '0');
        else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
            value = value << 4 | ((unsigned)(c | 0x20) - 'a' + 10);
        else
            return false;
    }
    *ret = value;
    return text.len > 0 && text.len <= DIGITS;
}

static bool read_ot(struct col_trace_state *state)
{
    struct otl_view rest = state->ot;
    struct member member;

    state->has_rv = state->has_th = false;
    if (rest.len > OT_MAX || rest.data[rest.len - 1] == ';' ||
        memchr(rest.data, ' ', rest.len) != NULL)
        return false;
    while (next_member(&rest, ";:", &member)) {
        if (!is_ot_key(member.key) || !is_ot_value(member.value))
            return false;
        if (otl_view_is(member.key, "rv")) {
            if (member.value.len != DIGITS || !read_hex(member.value, &state->rv))
                return false;
            state->has_rv = true;
            state->rv_text = member.value;
        } else if (otl_view_is(member.key, "th")) {
            if (!read_hex(member.value, &state->th))
                return false;
            state->th <<= 4 * (DIGITS - member.value.len);
            state->has_th = true;
            state->th_text = member.value;
        }
    }
    return true;
}

bool col_trace_state_read(struct otl_view text, struct col_trace_state *ret)
{
    struct otl_view rest = text;
    struct member member;
    size_t members = 0;

    memset(ret, 0, sizeof(*ret));
    ret->text = text;
    if (text.len > TEXT_MAX)
        return false;
    while (next_member(&rest, ",=", &member)) {
        if (++members > MEMBERS_MAX)
            return false;
        if (member.whole.len == 0)
            continue;
        if (!is_w3c_key(member.key) || !is_w3c_value(member.value))
            return false;
        if (!otl_view_is(member.key, "ot"))
            continue;
        ret->ot = member.value;
        if (!read_ot(ret))
            return false;
    }
    return true;
}

/* ---- writing ---- */

static char *digits_of(uint64_t number, bool trim, char out[DIGITS + 1])
{
    size_t len = DIGITS;

    snprintf(out, DIGITS + 1, "%014llx", (unsigned long long)(number & COL_RANDOMNESS_MAX));
    while (trim && len > 1 && out[len - 1] == '0')
        out[--len] = '\0';
    return out;
}

static enum otel_err put(struct otl_buf *out, const char *mark, struct otl_view text)
{
    enum otel_err err = otl_buf_append_str(out, mark);

    return err == OTEL_OK && text.len > 0 ? otl_buf_append(out, text.data, text.len) : err;
}

static enum otel_err put_number(struct otl_buf *out, const char *mark, struct otl_view text,
                                const char *digits)
{
    return put(out, mark, text.len > 0 ? text : otl_view_str(digits));
}

/* What stands in ot besides the two numbers. */
static enum otel_err put_others_of_ot(const struct col_trace_state *state, size_t begin,
                                      struct otl_buf *out)
{
    struct otl_view rest = state->ot;
    enum otel_err err = OTEL_OK;
    struct member member;

    while (err == OTEL_OK && next_member(&rest, ";:", &member))
        if (!otl_view_is(member.key, "rv") && !otl_view_is(member.key, "th"))
            err = put(out, out->len == begin ? "ot=" : ";", member.whole);
    return err;
}

enum otel_err col_trace_state_write(const struct col_trace_state *state, struct otl_buf *out)
{
    struct otl_view rest = state->text;
    size_t begin = out->len;
    enum otel_err err = OTEL_OK;
    struct member member;
    char digits[DIGITS + 1];

    if (state->has_rv)
        err = put_number(out, "ot=rv:", state->rv_text, digits_of(state->rv, false, digits));
    if (err == OTEL_OK && state->has_th)
        err = put_number(out, out->len == begin ? "ot=th:" : ";th:", state->th_text,
                         digits_of(state->th, true, digits));
    if (err == OTEL_OK)
        err = put_others_of_ot(state, begin, out);
    while (err == OTEL_OK && next_member(&rest, ",=", &member))
        if (member.whole.len > 0 && !otl_view_is(member.key, "ot"))
            err = put(out, out->len == begin ? "" : ",", member.whole);
    return err;
}

/* ---- one number ---- */

bool col_threshold_read(struct otl_view text, uint64_t *ret)
{
    uint64_t th;

    if (!read_hex(text, &th))
        return false;
    *ret = th << 4 * (DIGITS - text.len);
    return true;
}

bool col_randomness_read(struct otl_view text, uint64_t *ret)
{
    return text.len == DIGITS && read_hex(text, ret);
}

char *col_threshold_text(uint64_t threshold, char out[COL_THRESHOLD_TEXT])
{
    return digits_of(threshold, true, out);
}

char *col_randomness_text(uint64_t randomness, char out[COL_THRESHOLD_TEXT])
{
    return digits_of(randomness, false, out);
}

/* ---- probabilities ---- */

uint64_t col_threshold_of(double probability, unsigned precision)
{
    int low = 0, high = 0;
    uint64_t threshold;
    unsigned digits;

    if (!(probability >= 1.0 / (double)COL_THRESHOLD_NEVER))
        return COL_THRESHOLD_NEVER;
    if (probability >= 1)
        return 0;
    /* each leading 0 or f says nothing about the rest: one digit more for it */
    (void)frexp(probability, &low);
    (void)frexp(1 - probability, &high);
    digits = precision + (unsigned)((low < high ? -low : -high) / 4);
    threshold = COL_THRESHOLD_NEVER -
                (uint64_t)round(probability * (double)COL_THRESHOLD_NEVER);
    if (digits < DIGITS) {
        unsigned shift = 4 * (DIGITS - digits);
        threshold = (threshold + ((uint64_t)1 << (shift - 1))) >> shift << shift;
    }
    return threshold;
}

double col_threshold_probability(uint64_t threshold)
{
    return (double)(COL_THRESHOLD_NEVER - threshold) / (double)COL_THRESHOLD_NEVER;
}
