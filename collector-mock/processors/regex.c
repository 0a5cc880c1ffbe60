/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/regex.h"

#include <ctype.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "sdk/base/mem.h"

enum { STEPS_MAX = 1000000, DEPTH_MAX = 10000 };

struct col_regex {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *bounds;
    const char *names[COL_REGEX_GROUPS];
    uint32_t groups;
};

static void read_names(struct col_regex *regex)
{
    uint32_t count = 0, size = 0;
    PCRE2_SPTR table = NULL;

    pcre2_pattern_info(regex->code, PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(regex->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(regex->code, PCRE2_INFO_NAMETABLE, &table);
    for (uint32_t i = 0; i < count; i++) {
        unsigned group = (unsigned)table[i * size] << 8 | table[i * size + 1];
        if (group < COL_REGEX_GROUPS)
            regex->names[group] = (const char *)table + i * size + 2;
    }
}

enum otel_err col_regex_new(const char *text, struct col_regex **ret, struct otl_detail *reterr)
{
    struct col_regex *regex = otl_mem_zalloc(sizeof(*regex));
    PCRE2_SIZE at = 0;
    int error = 0;
    char why[128];

    if (regex == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    regex->code = pcre2_compile((PCRE2_SPTR)text, strlen(text), PCRE2_UTF, &error, &at, NULL);
    if (regex->code == NULL) {
        pcre2_get_error_message(error, (PCRE2_UCHAR *)why, sizeof(why));
        col_regex_free(regex);
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0, "%s at character %zu", why, at);
    }
    pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &regex->groups);
    if (regex->groups >= COL_REGEX_GROUPS) {
        col_regex_free(regex);
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0, "more than 31 groups");
    }
    regex->data = pcre2_match_data_create(COL_REGEX_GROUPS, NULL);
    regex->bounds = pcre2_match_context_create(NULL);
    if (regex->data == NULL || regex->bounds == NULL) {
        col_regex_free(regex);
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    }
    pcre2_set_match_limit(regex->bounds, STEPS_MAX);
    pcre2_set_depth_limit(regex->bounds, DEPTH_MAX);
    read_names(regex);
    *ret = regex;
    return OTEL_OK;
}

void col_regex_free(struct col_regex *regex)
{
    if (regex == NULL)
        return;
    pcre2_code_free(regex->code);
    pcre2_match_data_free(regex->data);
    pcre2_match_context_free(regex->bounds);
    otl_mem_free(regex);
}

unsigned col_regex_groups(const struct col_regex *regex)
{
    return regex->groups;
}

const char *col_regex_name(const struct col_regex *regex, unsigned group)
{
    return group < COL_REGEX_GROUPS ? regex->names[group] : NULL;
}

static bool match_from(struct col_regex *regex, struct otl_view text, size_t from,
                       struct otl_view ret[COL_REGEX_GROUPS])
{
    const char *base = text.len > 0 ? text.data : "";
    const PCRE2_SIZE *at;
    int count = pcre2_match(regex->code, (PCRE2_SPTR)base, text.len, from, PCRE2_NO_UTF_CHECK,
                            regex->data, regex->bounds);

    if (count < 0)
        return false;
    at = pcre2_get_ovector_pointer(regex->data);
    for (unsigned i = 0; i <= regex->groups; i++) {
        bool took_part = i < (unsigned)count && at[2 * i] != PCRE2_UNSET;
        ret[i] = took_part && at[2 * i + 1] >= at[2 * i]
                     ? otl_view(base + at[2 * i], at[2 * i + 1] - at[2 * i])
                     : otl_view("", 0);
    }
    return true;
}

bool col_regex_match(struct col_regex *regex, struct otl_view text,
                     struct otl_view ret[COL_REGEX_GROUPS])
{
    return match_from(regex, text, 0, ret);
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The group that a name, or digits, means; NULL: there is none, which is empty. */
static const struct otl_view *group_of(const struct col_regex *regex, struct otl_view name,
                                       const struct otl_view *groups)
{
    unsigned number = 0;
    bool digits = name.len > 0 && name.len < 4 && (name.len == 1 || name.data[0] != '0');

    for (size_t i = 0; i < name.len; i++) {
        digits = digits && isdigit((unsigned char)name.data[i]);
        number = number * 10 + (unsigned)(name.data[i] - '0');
    }
    if (digits)
        return number <= regex->groups ? &groups[number] : NULL;
    for (unsigned i = 1; i <= regex->groups; i++)
        if (regex->names[i] != NULL && otl_view_is(name, regex->names[i]))
            return &groups[i];
    return NULL;
}

static enum otel_err expand(const struct col_regex *regex, struct otl_view with,
                            const struct otl_view *groups, struct otl_buf *out)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < with.len && err == OTEL_OK; i++) {
        bool brace = with.data[i] == '$' && i + 1 < with.len && with.data[i + 1] == '{';
        size_t from = i + 1 + brace, end = from;
        const struct otl_view *group;
        if (with.data[i] != '$' || (i + 1 < with.len && with.data[i + 1] == '$')) {
            err = otl_buf_append_byte(out, (uint8_t)with.data[i]);
            i += with.data[i] == '$';
            continue;
        }
        while (end < with.len && is_name(with.data[end]))
            end++;
        if (end == from || (brace && (end == with.len || with.data[end] != '}'))) {
            err = otl_buf_append_byte(out, '$');
            continue;
        }
        group = group_of(regex, otl_view(with.data + from, end - from), groups);
        if (group != NULL && group->len > 0)
            err = otl_buf_append(out, group->data, group->len);
        i = end - 1 + brace;
    }
    return err;
}

enum otel_err col_regex_replace(struct col_regex *regex, struct otl_view text,
                                struct otl_view with, struct otl_buf *out, bool *ret_any)
{
    struct otl_view groups[COL_REGEX_GROUPS];
    enum otel_err err = OTEL_OK;
    size_t from = 0, done = 0;

    *ret_any = false;
    while (err == OTEL_OK && from <= text.len && match_from(regex, text, from, groups)) {
        size_t at = pcre2_get_ovector_pointer(regex->data)[0];
        if (at < from || pcre2_get_ovector_pointer(regex->data)[1] < at)
            break; /* a match that ends before it begins: \K */
        *ret_any = true;
        if (at > done)
            err = otl_buf_append(out, text.data + done, at - done);
        if (err == OTEL_OK && (at + groups[0].len > done || at == 0)) /* not behind another one */
            err = expand(regex, with, groups, out);
        done = from = at + groups[0].len;
        if (groups[0].len > 0)
            continue;
        from++; /* an empty match: on to the next character */
        while (from < text.len && ((unsigned char)text.data[from] & 0xc0) == 0x80)
            from++;
    }
    if (err == OTEL_OK && done < text.len)
        err = otl_buf_append(out, text.data + done, text.len - done);
    return err;
}
