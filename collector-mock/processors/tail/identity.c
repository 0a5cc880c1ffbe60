/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "collector-mock/processors/sampler.h"
#include "collector-mock/processors/tail/policy.h"
#include "collector-mock/processors/trace_state.h"

/* What a trace id and a tracestate say by themselves. */

/* FNV-1a, 64 bit. */
uint64_t col_tail_hash(struct otl_view salt, const uint8_t id[16])
{
    uint64_t hash = 0xcbf29ce484222325ULL;

    for (size_t i = 0; i < salt.len; i++)
        hash = (hash ^ (uint8_t)salt.data[i]) * 0x100000001b3ULL;
    for (size_t i = 0; i < 16; i++)
        hash = (hash ^ id[i]) * 0x100000001b3ULL;
    return hash;
}

/* trunc((2^64 - 1) * ratio), the product rounded to a mantissa of 64 bits, half to even; the ratio
 * is percentage / 100 in double. */
uint64_t col_tail_threshold(double percentage)
{
    double ratio = percentage / 100;
    uint64_t bits, high, low, kept;
    int exponent, spare;

    if (!(ratio > 0))
        return 0;
    if (ratio >= 1)
        return UINT64_MAX;
    memcpy(&bits, &ratio, 8);
    exponent = (int)(bits >> 52) - 1075; /* ratio = m * 2^exponent; subnormal ones end as 0 */
    bits = (bits & 0xfffffffffffffULL) | 0x10000000000000ULL;
    /* (2^64 - 1) * m = high * 2^64 + low has 116 or 117 bits */
    high = bits - 1;
    low = (uint64_t)0 - bits;
    spare = 64 - __builtin_clzll(high); /* bits beyond 64 */
    kept = high << (64 - spare) | low >> spare;
    low <<= 64 - spare;
    if (low > 1ULL << 63 || (low == 1ULL << 63 && (kept & 1) != 0))
        kept++; /* never carries out: ratio < 1 */
    exponent += spare;
    return exponent <= -64 ? 0 : kept >> -exponent;
}

bool col_tail_randomness(const struct col_tail_view *view, uint64_t *ret)
{
    bool told = false;

    *ret = col_sampler_id(view->id);
    for (size_t i = 0; i < view->count; i++) {
        struct col_trace_state state;
        if (view->spans[i].span.trace_state.len == 0 ||
            !col_trace_state_read(view->spans[i].span.trace_state, &state))
            continue;
        told |= state.has_th || state.has_rv;
        if (!state.has_rv)
            continue;
        *ret = state.rv;
        break;
    }
    return told;
}

/* ---- tracestate, as the Go library reads it: one bad member makes the whole of it void ---- */

enum { MEMBERS_MAX = 32, KEY_MAX = 256, VALUE_MAX = 256 };

static bool lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool key_part(const char *at, size_t len, size_t max, bool digit_first)
{
    if (len == 0 || len > max || !(lower(at[0]) || (digit_first && digit(at[0]))))
        return false;
    for (size_t i = 1; i < len; i++)
        if (!lower(at[i]) && !digit(at[i]) && memchr("_-*/", at[i], 4) == NULL)
            return false;
    return true;
}

static bool good_key(struct otl_view key)
{
    const char *at = key.len > 0 ? memchr(key.data, '@', key.len) : NULL;
    size_t tenant = at != NULL ? (size_t)(at - key.data) : 0;

    if (at == NULL)
        return key_part(key.data, key.len, KEY_MAX, false);
    return key_part(key.data, tenant, 241, true) &&
           key_part(at + 1, key.len - tenant - 1, 14, false);
}

static bool good_value(struct otl_view value)
{
    if (value.len == 0 || value.len > VALUE_MAX || value.data[value.len - 1] == ' ')
        return false;
    for (size_t i = 0; i < value.len; i++)
        if (value.data[i] < 0x20 || value.data[i] > 0x7e || value.data[i] == ',' ||
            value.data[i] == '=')
            return false;
    return true;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool split_member(struct otl_view text, struct otl_view *key, struct otl_view *value)
{
    const char *equals = memchr(text.data, '=', text.len);

    if (equals == NULL)
        return false;
    *key = otl_view(text.data, (size_t)(equals - text.data));
    *value = otl_view(equals + 1, text.len - key->len - 1);
    while (key->len > 0 && blank(key->data[0]))
        *key = otl_view(key->data + 1, key->len - 1);
    while (value->len > 0 && blank(value->data[value->len - 1]))
        value->len--;
    return good_key(*key) && good_value(*value);
}

/* True if the whole is well-formed and has the key. */
bool col_tail_state_member(struct otl_view trace_state, const char *key, struct otl_view *ret)
{
    struct otl_view names[MEMBERS_MAX];
    size_t count = 0, at = 0;
    bool found = false;

    while (at < trace_state.len) {
        const char *start = trace_state.data + at;
        const char *comma = memchr(start, ',', trace_state.len - at);
        struct otl_view member = otl_view(
            start, comma != NULL ? (size_t)(comma - start) : trace_state.len - at), value;
        at += member.len + 1;
        if (member.len == 0)
            continue;
        if (count == MEMBERS_MAX || !split_member(member, &names[count], &value))
            return false;
        for (size_t i = 0; i < count; i++)
            if (otl_view_equal(names[i], names[count]))
                return false;
        if (otl_view_is(names[count], key)) {
            *ret = value;
            found = true;
        }
        count++;
    }
    return found;
}
