/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/sampler/ot.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { VALUE_MAX = 256, BITS = 56, LONG_MEMBER = 128 };

/* One sub-key of the list. */
struct part {
    struct otel_str key, value;
};

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_part(const struct part *part)
{
    if (part->key.len == 0 || !is_lower(part->key.data[0]))
        return false;
    for (size_t i = 1; i < part->key.len; i++)
        if (!is_lower(part->key.data[i]) && !is_digit(part->key.data[i]))
            return false;
    for (size_t i = 0; i < part->value.len; i++) {
        char c = part->value.data[i];
        if (!is_lower(c) && !is_digit(c) && !(c >= 'A' && c <= 'Z') && c != '.' && c != '_' &&
            c != '-')
            return false;
    }
    return true;
}

/* The next sub-key off *rest. False at the end, or where the list is broken (*broken). */
static bool next_part(struct otel_str *rest, struct part *ret, bool *broken)
{
    const char *end, *colon;
    size_t len;

    if (rest->len == 0)
        return false;
    end = memchr(rest->data, ';', rest->len);
    len = end != NULL ? (size_t)(end - rest->data) : rest->len;
    colon = len != 0 ? memchr(rest->data, ':', len) : NULL;
    *broken = colon == NULL || len + 1 == rest->len; /* a ';' with nothing behind it */
    if (*broken)
        return false;
    ret->key = otel_strn(rest->data, (size_t)(colon - rest->data));
    ret->value = otel_strn(colon + 1, len - ret->key.len - 1);
    *broken = !is_part(ret);
    rest->data += end != NULL ? len + 1 : len;
    rest->len -= end != NULL ? len + 1 : len;
    return !*broken;
}

/* The member's text; empty if there is none or it is no list. */
static struct otel_str member_of(const struct otel_trace_state *state)
{
    struct otel_str text, rest;
    struct part part;
    bool broken = false;

    if (state == NULL || !otel_trace_state_get(state, otel_str("ot"), &text))
        return otel_strn(NULL, 0);
    rest = text;
    while (next_part(&rest, &part, &broken)) {
    }
    return broken ? otel_strn(NULL, 0) : text;
}

static bool read_digits(struct otel_str text, uint64_t *ret)
{
    uint64_t value = 0;

    if (text.len == 0 || text.len > OTL_OT_DIGITS)
        return false;
    for (size_t i = 0; i < OTL_OT_DIGITS; i++) {
        char c = i < text.len ? text.data[i] : '0';
        if (!is_digit(c) && !(c >= 'a' && c <= 'f'))
            return false;
        value = value << 4 | (uint64_t)(is_digit(c) ? c - '0' : c - 'a' + 10);
    }
    *ret = value;
    return true;
}

void otl_ot_read(const struct otel_trace_state *state, struct otl_ot *ret)
{
    struct otel_str rest = member_of(state);
    struct part part;
    bool broken;

    ret->has_th = ret->has_rv = false;
    ret->th = ret->rv = 0;
    while (next_part(&rest, &part, &broken)) {
        if (!ret->has_th && otel_str_equal(part.key, otel_str("th")))
            ret->has_th = read_digits(part.value, &ret->th);
        else if (!ret->has_rv && otel_str_equal(part.key, otel_str("rv")))
            ret->has_rv = part.value.len == OTL_OT_DIGITS && read_digits(part.value, &ret->rv);
    }
}

void otl_ot_encode(uint64_t threshold, char *out)
{
    size_t len = OTL_OT_DIGITS;

    snprintf(out, OTL_OT_DIGITS + 1, "%014" PRIx64, threshold & ((UINT64_C(1) << BITS) - 1));
    while (len > 1 && out[len - 1] == '0')
        out[--len] = '\0';
}

static bool append(char *out, size_t *len, struct otel_str key, struct otel_str value)
{
    size_t semicolon = *len != 0;

    if (key.len + value.len + 1 + semicolon > VALUE_MAX - *len)
        return false;
    if (semicolon)
        out[(*len)++] = ';';
    memcpy(out + *len, key.data, key.len);
    *len += key.len;
    out[(*len)++] = ':';
    if (value.len != 0)
        memcpy(out + *len, value.data, value.len);
    *len += value.len;
    return true;
}

/* The member as it should be; false if it does not fit. */
static bool build(struct otel_str old, const struct otl_ot *ot, bool with_th, char *out,
                  size_t *ret_len)
{
    char digits[OTL_OT_DIGITS + 1];
    struct part part;
    bool broken, fits = true;

    *ret_len = 0;
    otl_ot_encode(ot->th, digits);
    if (with_th)
        fits = append(out, ret_len, otel_str("th"), otel_str(digits));
    snprintf(digits, sizeof(digits), "%014" PRIx64, ot->rv & ((UINT64_C(1) << BITS) - 1));
    if (ot->has_rv)
        fits = append(out, ret_len, otel_str("rv"), otel_str(digits)) && fits;
    while (fits && next_part(&old, &part, &broken))
        if (!otel_str_equal(part.key, otel_str("th")) && !otel_str_equal(part.key, otel_str("rv")))
            fits = append(out, ret_len, part.key, part.value);
    return fits;
}

/* The last member of more than 128 characters. */
static bool last_long(const struct otel_trace_state *state, struct otel_str *ret_key)
{
    struct otel_str key, value;

    for (size_t i = otel_trace_state_count(state); i-- > 0;)
        if (otel_trace_state_at(state, i, &key, &value) && key.len + 1 + value.len > LONG_MEMBER) {
            *ret_key = key;
            return true;
        }
    return false;
}

_Static_assert(OTEL_TRACE_STATE_MAX_MEMBERS * (LONG_MEMBER + 1) + sizeof("ot=") + VALUE_MAX <=
                   OTEL_TRACE_STATE_MAX_BYTES,
               "a trace state that is too long has a long member");

/* Where the whole would be too long, members go by the rule of W3C: those of more than 128
 * characters first, from the right. There is always one, so no shorter one ever has to go. Where it
 * is the old ot nothing is lost: the new one is set in any case. */
static enum otel_err set_ot(struct otel_trace_state *state, struct otel_str text,
                            struct otel_trace_state **ret)
{
    struct otel_trace_state *left = otel_trace_state_ref(state), *fewer = NULL;
    enum otel_err err = otel_trace_state_set(left, otel_str("ot"), text, ret);
    struct otel_str key;

    while (err == OTEL_ERR_LIMIT && last_long(left, &key)) {
        err = otel_trace_state_delete(left, key, &fewer);
        if (err != OTEL_OK)
            break;
        otel_trace_state_unref(left);
        left = fewer;
        err = otel_trace_state_set(left, otel_str("ot"), text, ret);
    }
    otel_trace_state_unref(left);
    return err;
}

struct otel_trace_state *otl_ot_write(struct otel_trace_state *state, const struct otl_ot *ot)
{
    struct otel_trace_state *changed = NULL;
    char text[VALUE_MAX];
    struct otel_str old;
    enum otel_err err;
    size_t len;

    if (state == NULL && !ot->has_th && !ot->has_rv)
        return NULL;
    if (!build(member_of(state), ot, ot->has_th, text, &len) &&
        !build(member_of(state), ot, false, text, &len))
        len = 0;
    if (state != NULL && otel_trace_state_get(state, otel_str("ot"), &old)) {
        if (otel_str_equal(old, otel_strn(text, len)))
            return otel_trace_state_ref(state);
    } else if (len == 0) {
        return otel_trace_state_ref(state);
    }
    err = len != 0 ? set_ot(state, otel_strn(text, len), &changed)
                   : otel_trace_state_delete(state, otel_str("ot"), &changed);
    return err == OTEL_OK ? changed : NULL;
}

struct otel_trace_state *otl_ot_restore(struct otel_trace_state *state,
                                        struct otel_trace_state *from)
{
    struct otel_trace_state *changed = NULL;
    struct otel_str was, is;
    bool had = otel_trace_state_get(from, otel_str("ot"), &was);
    bool has = otel_trace_state_get(state, otel_str("ot"), &is);
    enum otel_err err;

    if (had == has && (!had || otel_str_equal(was, is)))
        return otel_trace_state_ref(state);
    err = had ? set_ot(state, was, &changed)
              : otel_trace_state_delete(state, otel_str("ot"), &changed);
    return err == OTEL_OK ? changed : otel_trace_state_ref(from);
}

uint64_t otl_ot_randomness(const struct otl_ot *ot, const uint8_t *trace_id)
{
    uint64_t value = 0;

    if (ot->has_rv)
        return ot->rv;
    for (int i = OTEL_TRACE_ID_SIZE - BITS / 8; i < OTEL_TRACE_ID_SIZE; i++)
        value = value << 8 | trace_id[i];
    return value;
}

uint64_t otl_ot_threshold(double ratio, unsigned precision)
{
    uint64_t threshold;
    int exponent, other, digits, shift;

    if (ratio >= 1.0)
        return 0;
    (void)frexp(ratio, &exponent);
    (void)frexp(1.0 - ratio, &other);
    if (other < exponent)
        exponent = other;
    digits = (int)precision + exponent / -4;
    if (digits > OTL_OT_DIGITS)
        digits = OTL_OT_DIGITS;
    threshold = (UINT64_C(1) << BITS) - (uint64_t)round(ratio * 0x1p56);
    shift = 4 * (OTL_OT_DIGITS - digits);
    if (shift > 0) {
        uint64_t rounded = (threshold + (UINT64_C(1) << (shift - 1))) >> shift << shift;
        if (rounded < UINT64_C(1) << BITS)
            threshold = rounded;
    }
    return threshold;
}
