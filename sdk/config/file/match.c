/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sdk/config/file/impl.h"

/* Bytes of the character at text. */
static size_t step(const char *text, size_t left)
{
    size_t len = 1;

    while (len < left && ((unsigned char)text[len] & 0xC0) == 0x80)
        len++;
    return len;
}

bool otl_config_matches(const char *pattern, const char *text, size_t len)
{
    const char *star = NULL;
    size_t at = 0, resume = 0;

    while (at < len) {
        if (*pattern == '*') {
            star = pattern++;
            resume = at;
        } else if (*pattern == '?') {
            pattern++;
            at += step(text + at, len - at);
        } else if (*pattern != '\0' && *pattern == text[at]) {
            pattern++;
            at++;
        } else if (star != NULL) { /* let the last star take one more */
            pattern = star + 1;
            at = ++resume;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}
