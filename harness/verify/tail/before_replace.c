/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "harness/verify/tail/before_statement.h"

/* Replacing matches, as Go's regexp does it. */

enum { TEXT_MAX = 16 << 20, NAME_MAX_LEN = 64 };

struct match {
    const pcre2_code *code;
    pcre2_match_data *data;
    const PCRE2_SIZE *ends;
    const char *text;
    uint32_t groups;
};

static void put(struct hx_draft *draft, struct otl_buf *out, const char *from, size_t len)
{
    if (len > 0 && otl_buf_append(out, from, len) != OTEL_OK)
        draft->failed = true;
}

static void put_group(struct hx_draft *draft, const struct match *match, uint32_t number,
                      struct otl_buf *out)
{
    const PCRE2_SIZE *ends = match->ends + 2 * (size_t)number;

    if (number < match->groups && ends[0] != PCRE2_UNSET && ends[1] > ends[0])
        put(draft, out, match->text + ends[0], ends[1] - ends[0]);
}

/* $name is a group's number or name; what there is none of is empty. */
static void put_named(struct hx_draft *draft, const struct match *match, const char *name,
                      size_t len, struct otl_buf *out)
{
    char copy[NAME_MAX_LEN];
    bool digits = len < 8 && (name[0] != '0' || len == 1);
    uint32_t number = 0;
    int found;

    for (size_t i = 0; i < len; i++) {
        digits = digits && isdigit((unsigned char)name[i]);
        number = digits ? number * 10 + (uint32_t)(name[i] - '0') : 0;
    }
    if (digits) {
        put_group(draft, match, number, out);
        return;
    }
    if (len >= sizeof(copy))
        return;
    memcpy(copy, name, len);
    copy[len] = '\0';
    found = pcre2_substring_number_from_name(match->code, (PCRE2_SPTR)copy);
    if (found > 0)
        put_group(draft, match, (uint32_t)found, out);
}

static void expand(struct hx_draft *draft, const struct match *match, struct otl_view with,
                   struct otl_buf *out)
{
    const char *at = with.data, *end = with.data + with.len;

    while (at < end) {
        const char *dollar = memchr(at, '$', (size_t)(end - at)), *name, *stop;
        bool braces;
        if (dollar == NULL)
            dollar = end;
        put(draft, out, at, (size_t)(dollar - at));
        if (dollar == end)
            return;
        braces = dollar + 1 < end && dollar[1] == '{';
        name = stop = dollar + 1 + braces;
        while (stop < end && (isalnum((unsigned char)*stop) || *stop == '_'))
            stop++;
        at = stop + braces;
        if (dollar + 1 < end && dollar[1] == '$') {
            put(draft, out, "$", 1);
            at = dollar + 2;
        } else if (stop == name || (braces && (stop == end || *stop != '}'))) {
            put(draft, out, "$", 1); /* no name: it stands for itself */
            at = dollar + 1;
        } else {
            put_named(draft, match, name, (size_t)(stop - name), out);
        }
    }
}

static size_t next_character(struct otl_view text, size_t at)
{
    do
        at++;
    while (at < text.len && ((unsigned char)text.data[at] & 0xc0) == 0x80);
    return at;
}

/* An empty match right behind another one is none. */
static bool replace_all(struct hx_draft *draft, struct match *match, struct otl_view text,
                        struct otl_view with, struct otl_buf *out)
{
    size_t from = 0, done = 0;
    bool any = false;

    while (from <= text.len &&
           pcre2_match(match->code, (PCRE2_SPTR)match->text, text.len, from, 0, match->data,
                       NULL) > 0 &&
           match->ends[1] >= match->ends[0]) {
        size_t start = match->ends[0], end = match->ends[1];
        put(draft, out, match->text + done, start - done);
        if (end > done || start == 0) {
            expand(draft, match, with, out);
            any = true;
        }
        done = end;
        from = next_character(text, from);
        if (end > from)
            from = end;
    }
    put(draft, out, match->text + done, text.len - done);
    return any;
}

bool hx_draft_replace(struct hx_draft *draft, const void *pattern, struct otl_view text,
                      struct otl_view with, struct otl_view *ret)
{
    struct match match = {.code = pattern, .text = text.len > 0 ? text.data : ""};
    struct otl_buf out;
    bool any;

    match.data = pcre2_match_data_create_from_pattern(pattern, NULL);
    if (match.data == NULL) {
        draft->failed = true;
        return false;
    }
    match.ends = pcre2_get_ovector_pointer(match.data);
    match.groups = pcre2_get_ovector_count(match.data);
    otl_buf_init(&out, TEXT_MAX);
    any = replace_all(draft, &match, text, with, &out);
    if (any)
        *ret = hx_draft_copy(draft, otl_view(out.data, out.len));
    otl_buf_fini(&out);
    pcre2_match_data_free(match.data);
    return any;
}
