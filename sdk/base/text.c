/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/text.h"

#include <ctype.h>
#include <string.h>

/* Length of the sequence at p, or 0 if it is not well formed (Unicode 15, table 3-7). */
static size_t sequence(const unsigned char *p, size_t left)
{
    unsigned char lead = p[0], low = 0x80, high = 0xbf;
    size_t need;

    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        need = 2;
    else if (lead >= 0xe0 && lead <= 0xef)
        need = 3;
    else if (lead >= 0xf0 && lead <= 0xf4)
        need = 4;
    else
        return 0;
    if (left < need)
        return 0;
    if (lead == 0xe0)
        low = 0xa0;
    if (lead == 0xed)
        high = 0x9f;
    if (lead == 0xf0)
        low = 0x90;
    if (lead == 0xf4)
        high = 0x8f;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < need; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return need;
}

size_t otl_utf8_prefix(const char *data, size_t len)
{
    const unsigned char *p = (const unsigned char *)data;
    size_t at = 0;

    while (at < len) {
        uint64_t word;
        size_t step;
        if (len - at >= 8) {
            memcpy(&word, p + at, 8);
            if ((word & 0x8080808080808080ULL) == 0) {
                at += 8;
                continue;
            }
        }
        step = sequence(p + at, len - at);
        if (step == 0)
            break;
        at += step;
    }
    return at;
}

bool otl_utf8_valid(const char *data, size_t len)
{
    return otl_utf8_prefix(data, len) == len;
}

size_t otl_utf8_repair(const char *data, size_t len, char *out)
{
    size_t at = 0, put = 0;

    while (at < len) {
        size_t good = otl_utf8_prefix(data + at, len - at);
        if (out != NULL && good != 0)
            memcpy(out + put, data + at, good);
        at += good;
        put += good;
        if (at == len)
            break;
        if (out != NULL)
            memcpy(out + put, "\xef\xbf\xbd", 3);
        put += 3;
        at++;
    }
    return put;
}

size_t otl_utf8_cut(const char *data, size_t len, size_t chars)
{
    size_t at = 0;

    while (at < len && chars > 0) {
        at++;
        while (at < len && ((unsigned char)data[at] & 0xc0) == 0x80)
            at++;
        chars--;
    }
    return at;
}

void otl_hex(const void *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = '\0';
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool otl_unhex(const char *text, size_t len, uint8_t *out)
{
    for (size_t i = 0; i < len; i++) {
        int high = nibble(text[2 * i]);
        int low = high < 0 ? -1 : nibble(text[2 * i + 1]);
        if (low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 63 };
    size_t la = strlen(a), lb = strlen(b);
    size_t row[LONGEST + 1], before;

    if (la > LONGEST || lb > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        before = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t swap = before + (tolower((unsigned char)a[i - 1]) !=
                                    tolower((unsigned char)b[j - 1]));
            size_t best = row[j] + 1 < row[j - 1] + 1 ? row[j] + 1 : row[j - 1] + 1;
            before = row[j];
            row[j] = swap < best ? swap : best;
        }
    }
    return row[lb];
}

const char *otl_nearest(const char *text, const char *const *words)
{
    return otl_nearest_within(text, words, strlen(text) / 3 > 2 ? strlen(text) / 3 : 2);
}

const char *otl_nearest_within(const char *text, const char *const *words, size_t limit)
{
    const char *best = NULL;

    for (; *words != NULL; words++) {
        size_t distance = edit_distance(text, *words);
        if (distance <= limit && distance < strlen(*words)) {
            limit = distance == 0 ? 0 : distance - 1;
            best = *words;
            if (distance == 0)
                break;
        }
    }
    return best;
}
