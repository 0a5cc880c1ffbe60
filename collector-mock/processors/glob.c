/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/glob.h"

#include <string.h>

#include "sdk/base/text.h"

enum step { ITSELF, CHARACTER, ANY };

struct col_glob {
    size_t count;
    uint8_t *steps; /* enum step */
    char *bytes;    /* of ITSELF */
    size_t head;    /* of a pattern TEXT * TEXT: bytes of the first text; 0: it is none */
    size_t tail;
};

static enum otel_err read_steps(const char *text, struct col_glob *glob, struct otl_detail *reterr)
{
    for (const char *at = text; *at != '\0'; at++) {
        bool taken = *at == '\\';
        enum step step = ITSELF;
        if (taken && *++at == '\0')
            break; /* stands for nothing */
        if (!taken && (*at == '[' || *at == '{'))
            return otl_detail_set(reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                                  "'%c' at character %zu of the pattern begins what the Collector "
                                  "has and this one does not have yet; for the character itself "
                                  "write \\\\%c", *at, (size_t)(at - text) + 1, *at);
        if (!taken)
            step = *at == '*' ? ANY : *at == '?' ? CHARACTER : ITSELF;
        if (step == ANY && glob->count > 0 && glob->steps[glob->count - 1] == ANY)
            continue;
        glob->steps[glob->count] = (uint8_t)step;
        glob->bytes[glob->count++] = *at;
    }
    return OTEL_OK;
}

/* TEXT * TEXT, and nothing else. */
static void find_ends(struct col_glob *glob)
{
    size_t star = glob->count;

    for (size_t i = 0; i < glob->count; i++)
        if (glob->steps[i] == CHARACTER || (glob->steps[i] == ANY && star < glob->count))
            return;
        else if (glob->steps[i] == ANY)
            star = i;
    if (star == 0 || star + 1 >= glob->count)
        return;
    glob->head = star;
    glob->tail = glob->count - star - 1;
}

enum otel_err col_glob_new(struct otl_arena *arena, const char *text,
                           const struct col_glob **ret, struct otl_detail *reterr)
{
    struct col_glob *glob = otl_arena_zalloc(arena, sizeof(*glob));
    size_t len = strlen(text);
    enum otel_err err;

    if (glob != NULL) {
        glob->steps = otl_arena_alloc(arena, len + 1);
        glob->bytes = otl_arena_alloc(arena, len + 1);
    }
    if (glob == NULL || glob->steps == NULL || glob->bytes == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    if (!otl_utf8_valid(text, len) || strstr(text, "\xef\xbf\xbd") != NULL)
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0,
                              "the pattern has a character that cannot be read");
    err = read_steps(text, glob, reterr);
    if (err != OTEL_OK)
        return err;
    find_ends(glob);
    *ret = glob;
    return OTEL_OK;
}

static size_t next_character(struct otl_view text, size_t at)
{
    do
        at++;
    while (at < text.len && ((unsigned char)text.data[at] & 0xc0) == 0x80);
    return at;
}

static bool ends_match(const struct col_glob *glob, struct otl_view text)
{
    return text.len >= glob->head && text.len >= glob->tail &&
           memcmp(text.data, glob->bytes, glob->head) == 0 &&
           memcmp(text.data + text.len - glob->tail, glob->bytes + glob->head + 1, glob->tail) == 0;
}

/* The step takes what stands at *at. */
static bool takes(const struct col_glob *glob, size_t step, struct otl_view text, size_t *at)
{
    if (step == glob->count || *at == text.len ||
        (glob->steps[step] == ITSELF && glob->bytes[step] != text.data[*at]))
        return false;
    *at = glob->steps[step] == ITSELF ? *at + 1 : next_character(text, *at);
    return true;
}

bool col_glob_match(const struct col_glob *glob, struct otl_view text)
{
    size_t at = 0, step = 0, again_step = 0, again_at = 0;
    bool any = false;

    if (glob->head > 0)
        return ends_match(glob, text);
    if (glob->count == 1 && glob->steps[0] == CHARACTER && text.len == 0)
        return true;
    while (at < text.len || step < glob->count) {
        if (step < glob->count && glob->steps[step] == ANY) {
            any = true;
            again_step = ++step;
            again_at = at;
        } else if (takes(glob, step, text, &at)) {
            step++;
        } else if (any && again_at < text.len) { /* the last * takes one character more */
            at = again_at = next_character(text, again_at);
            step = again_step;
        } else {
            return false;
        }
    }
    return true;
}
