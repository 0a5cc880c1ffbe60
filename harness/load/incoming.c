/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/incoming.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NAME "traceparent: "
enum {
    DIGITS = 16,
    PARENT_VALUE = 55,
    PARENT_LINE = sizeof(NAME) - 1 + PARENT_VALUE + 2,
    MEMBER_VALUE = 96,
    MALFORMED_MAX = 512,
    OVERSIZED_MAX = PARENT_LINE + HX_INCOMING_STATES * 32 + HX_INCOMING_MEMBERS * 128 + 64
};

bool hx_incoming_shares_valid(const struct hx_incoming_shares *s)
{
    return s->sampled >= 0 && s->not_sampled >= 0 && s->malformed >= 0 && s->oversized >= 0 &&
           s->sampled + s->not_sampled + s->malformed + s->oversized <= 1 + 1e-9;
}

bool hx_incoming_any(const struct hx_incoming_shares *s)
{
    return s->sampled + s->not_sampled + s->malformed + s->oversized > 0;
}

size_t hx_incoming_max(const struct hx_incoming_shares *s)
{
    if (s->oversized > 0)
        return OVERSIZED_MAX;
    return s->malformed > 0 ? MALFORMED_MAX : PARENT_LINE;
}

static void write_number(char *out, uint64_t number)
{
    static const char digits[] = "0123456789abcdef";

    for (int i = DIGITS - 1; i >= 0; i--) {
        out[i] = digits[number & 15];
        number >>= 4;
    }
}

/* "traceparent: 00-<trace id>-<span id>-01\r\n": valid ids, drawn for this request. */
static char *write_parent(char *out, struct otl_random *random, bool sampled,
                          struct hx_incoming *ret)
{
    uint64_t high = otl_random_next(random);
    uint64_t low = otl_random_next(random);
    uint64_t span = otl_random_next(random);

    memcpy(out, NAME, sizeof(NAME) - 1);
    out += sizeof(NAME) - 1;
    *ret = (struct hx_incoming){otl_view(out, PARENT_VALUE), true, sampled};
    memcpy(out, "00-", 3);
    write_number(out + 3, high);
    write_number(out + 19, (high | low) == 0 ? 1 : low);
    out[35] = '-';
    write_number(out + 36, span == 0 ? 1 : span);
    memcpy(out + 52, sampled ? "-01\r\n" : "-00\r\n", 5);
    return out + PARENT_VALUE + 2;
}

static char *put(char *out, const char *text)
{
    size_t len = strlen(text);

    memcpy(out, text, len);
    return out + len;
}

/* Spoil the good value that stands before end in one way; returns the end of what is left. */
static char *spoil(char *value, char *end, uint64_t form)
{
    switch (form) {
    case 0:
        return end - 3; /* no flags */
    case 1:
        return put(end, "-extra"); /* version 00 is 55 bytes and no more */
    case 2:
        memcpy(value, "ff", 2);
        break;
    case 3:
        memset(value + 3, '0', 32);
        break;
    case 4:
        memset(value + 36, '0', 16);
        break;
    case 5:
        for (char *p = value; p < end; p++)
            *p = (char)toupper((unsigned char)*p);
        value[3] = 'A'; /* one letter at least */
        break;
    case 6:
        end[-1] = 'g';
        break;
    default:
        return put(value, "not-a-traceparent");
    }
    return end;
}

static char *write_malformed(char *out, struct otl_random *random, struct hx_incoming *ret)
{
    uint64_t form = otl_random_below(random, HX_INCOMING_MALFORMED);
    char *value = out + sizeof(NAME) - 1;

    out = write_parent(out, random, true, ret) - 2;
    if (form < HX_INCOMING_MALFORMED - 1) {
        out = spoil(value, out, form);
        *ret = (struct hx_incoming){otl_view(value, (size_t)(out - value)), false, false};
    }
    return put(out, "\r\ntracestate: UPPER=1,=none,a b=c,@@\r\nbaggage: ,=,no-value,;;=,a b=c\r\n");
}

static char *write_oversized(char *out, struct otl_random *random, struct hx_incoming *ret)
{
    char member[32];

    out = put(write_parent(out, random, true, ret), "tracestate: ");
    for (int i = 0; i < HX_INCOMING_STATES; i++) {
        snprintf(member, sizeof(member), "%svendor%d=%012d", i ? "," : "", i, i);
        out = put(out, member);
    }
    out = put(out, "\r\nbaggage: ");
    for (int i = 0; i < HX_INCOMING_MEMBERS; i++) {
        snprintf(member, sizeof(member), "%smember%d=", i ? "," : "", i);
        out = put(out, member);
        memset(out, 'a' + i % 26, MEMBER_VALUE);
        out += MEMBER_VALUE;
    }
    return put(out, "\r\n");
}

char *hx_incoming_write(const struct hx_incoming_shares *s, struct otl_random *random, char *out,
                        struct hx_incoming *ret)
{
    double u = otl_random_unit(random);

    *ret = (struct hx_incoming){otl_view(NULL, 0), false, false};
    if (u < s->sampled)
        return write_parent(out, random, true, ret);
    u -= s->sampled;
    if (u < s->not_sampled)
        return write_parent(out, random, false, ret);
    u -= s->not_sampled;
    if (u < s->malformed)
        return write_malformed(out, random, ret);
    u -= s->malformed;
    return u < s->oversized ? write_oversized(out, random, ret) : out;
}
