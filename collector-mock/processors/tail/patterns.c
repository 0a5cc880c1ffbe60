/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/tail/patterns.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "collector-mock/processors/tail/lru.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"

enum { STEPS_MAX = 1000000, DEPTH_MAX = 10000 };

struct col_patterns {
    pcre2_code **codes;
    size_t count;
    pcre2_match_data *data;
    pcre2_match_context *bounds;
    struct col_lru *answers; /* NULL: none */
    uint64_t seed;
};

enum otel_err col_patterns_new(uint32_t cache, struct col_patterns **ret)
{
    struct col_patterns *patterns = otl_mem_zalloc(sizeof(*patterns));

    if (patterns == NULL)
        return OTEL_ERR_MEMORY;
    patterns->seed = otl_random_os_seed();
    patterns->data = pcre2_match_data_create(1, NULL);
    patterns->bounds = pcre2_match_context_create(NULL);
    if (patterns->data == NULL || patterns->bounds == NULL ||
        (cache > 0 && col_lru_new(cache, &patterns->answers) != OTEL_OK)) {
        col_patterns_free(patterns);
        return OTEL_ERR_MEMORY;
    }
    pcre2_set_match_limit(patterns->bounds, STEPS_MAX);
    pcre2_set_depth_limit(patterns->bounds, DEPTH_MAX);
    *ret = patterns;
    return OTEL_OK;
}

enum otel_err col_patterns_add(struct col_patterns *patterns, struct otl_view text,
                               struct otl_detail *reterr)
{
    pcre2_code **grown =
        otl_mem_realloc(patterns->codes, (patterns->count + 1) * sizeof(*grown));
    PCRE2_SIZE at = 0;
    int error = 0;
    pcre2_code *code;
    char why[128];

    if (grown == NULL)
        return OTEL_ERR_MEMORY;
    patterns->codes = grown;
    code = pcre2_compile((PCRE2_SPTR)(text.len > 0 ? text.data : ""), text.len, PCRE2_UTF, &error,
                         &at, NULL);
    if (code == NULL) {
        pcre2_get_error_message(error, (PCRE2_UCHAR *)why, sizeof(why));
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0, "%s at character %zu", why, at);
    }
    patterns->codes[patterns->count++] = code;
    return OTEL_OK;
}

static bool ask(const struct col_patterns *patterns, struct otl_view text)
{
    PCRE2_SPTR subject = (PCRE2_SPTR)(text.len > 0 ? text.data : "");

    for (size_t i = 0; i < patterns->count; i++)
        if (pcre2_match(patterns->codes[i], subject, text.len, 0, PCRE2_NO_UTF_CHECK,
                        patterns->data, patterns->bounds) >= 0)
            return true;
    return false;
}

bool col_patterns_match(struct col_patterns *patterns, struct otl_view text)
{
    uint32_t answer;
    uint64_t key;

    if (patterns->answers == NULL)
        return ask(patterns, text);
    key = XXH3_64bits_withSeed(text.len > 0 ? text.data : "", text.len, patterns->seed);
    if (col_lru_get(patterns->answers, key, &answer))
        return answer != 0;
    answer = ask(patterns, text);
    (void)!col_lru_put(patterns->answers, key, answer); /* without memory: asked again */
    return answer != 0;
}

void col_patterns_free(struct col_patterns *patterns)
{
    if (patterns == NULL)
        return;
    for (size_t i = 0; i < patterns->count; i++)
        pcre2_code_free(patterns->codes[i]);
    otl_mem_free(patterns->codes);
    if (patterns->data != NULL)
        pcre2_match_data_free(patterns->data);
    if (patterns->bounds != NULL)
        pcre2_match_context_free(patterns->bounds);
    col_lru_free(patterns->answers);
    otl_mem_free(patterns);
}
