/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "harness/verify/tail/before_statement.h"

/* Globs, all places of the pattern that a text can have led to at once. */

enum { MARKS_MAX = HX_WALK_TEXT_MAX, STAR = 256, ONE };

struct marks {
    int at[MARKS_MAX]; /* a byte, STAR or ONE */
    size_t count, stars, ones;
};

static bool is_plain(struct otl_view text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] >= 0x80)
            return false;
    return true;
}

bool hx_glob_is_known(struct otl_view glob)
{
    for (size_t i = 0; i < glob.len; i++) {
        if (glob.data[i] == '\\')
            i++;
        else if (glob.data[i] == '[' || glob.data[i] == '{' ||
                 (glob.len - i >= 3 && memcmp(glob.data + i, "\xef\xbf\xbd", 3) == 0))
            return false;
    }
    return glob.len < MARKS_MAX;
}

static void split(struct otl_view glob, struct marks *ret)
{
    ret->count = ret->stars = ret->ones = 0;
    for (size_t i = 0; i < glob.len; i++) {
        int mark = glob.data[i] == '*' ? STAR : glob.data[i] == '?' ? ONE : 0;
        if (glob.data[i] == '\\' && ++i == glob.len)
            return;
        ret->stars += mark == STAR;
        ret->ones += mark == ONE;
        ret->at[ret->count++] = mark != 0 ? mark : (unsigned char)glob.data[i];
    }
}

/* Of stars in one place with a text before and behind: the Collector asks for these two alone, also
 * where they overlap. */
static bool is_between(const struct marks *marks, size_t *ret_first, size_t *ret_last)
{
    size_t first = 0, last = marks->count;

    while (first < marks->count && marks->at[first] != STAR)
        first++;
    while (last > first && marks->at[last - 1] != STAR)
        last--;
    *ret_first = first;
    *ret_last = last;
    return first > 0 && last < marks->count && marks->ones == 0 && last - first == marks->stars;
}

static bool stands(const struct marks *marks, size_t from, size_t to, const char *at)
{
    for (size_t i = from; i < to; i++)
        if (marks->at[i] != (unsigned char)at[i - from])
            return false;
    return true;
}

/* Without the plain text that the glob begins with nobody takes it. */
static bool begins_otherwise(const struct marks *marks, struct otl_view text)
{
    for (size_t i = 0; i < marks->count && marks->at[i] < 0x80; i++)
        if (i >= text.len || marks->at[i] != (unsigned char)text.data[i])
            return true;
    return false;
}

/* A star need not take anything. */
static void reach(const struct marks *marks, bool *places, size_t place)
{
    places[place] = true;
    while (place < marks->count && marks->at[place] == STAR)
        places[++place] = true;
}

static bool walk(const struct marks *marks, struct otl_view text)
{
    bool now[MARKS_MAX + 1] = {false}, next[MARKS_MAX + 1];

    reach(marks, now, 0);
    for (size_t i = 0; i < text.len; i++) {
        memset(next, 0, sizeof(next));
        for (size_t place = 0; place < marks->count; place++) {
            int mark = marks->at[place];
            if (now[place] && mark == STAR)
                reach(marks, next, place);
            else if (now[place] && (mark == ONE || mark == (unsigned char)text.data[i]))
                reach(marks, next, place + 1);
        }
        memcpy(now, next, sizeof(now));
    }
    return now[marks->count];
}

enum hx_glob_answer hx_glob_answer(struct otl_view glob, struct otl_view text)
{
    struct marks marks;
    size_t first, last;
    bool yes;

    split(glob, &marks);
    if (begins_otherwise(&marks, text))
        return HX_GLOB_NO;
    if (marks.ones > 0 && !(is_plain(glob) && is_plain(text)))
        return HX_GLOB_UNSURE;
    if (marks.count == 1 && marks.ones == 1)
        return text.len <= 1 ? HX_GLOB_YES : HX_GLOB_NO;
    if (is_between(&marks, &first, &last))
        yes = text.len >= first && text.len >= marks.count - last &&
              stands(&marks, 0, first, text.data) &&
              stands(&marks, last, marks.count, text.data + text.len - (marks.count - last));
    else
        yes = walk(&marks, text);
    return yes ? HX_GLOB_YES : HX_GLOB_NO;
}
