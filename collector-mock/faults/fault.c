/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/faults/fault.h"

#include <stdio.h>
#include <string.h>

#include "sdk/base/clock.h"

const char *const col_fault_words[] = {
    "delay",           "status",       "stall",            "refuse",
    "partial_success", "rst_stream",   "goaway",           "half_open",
    "truncated_answer", "corrupt_gzip", "wrong_content_type", "oversized_answer",
    "slow_answer",     "duplicate",    "clock_skew",       "memory_pressure",
    "disk_full",       "accept_stall", "slow_read",        "tls_refuse",
    "tls_certificate", "restart",      NULL};
const char *const col_delay_words[] = {"fixed", "uniform", "exponential", NULL};
const char *const col_retry_words[] = {"seconds", "date", NULL};

_Static_assert(sizeof(col_fault_words) / sizeof(col_fault_words[0]) == COL_FAULT_KINDS + 1,
               "one word a kind");

enum { DEFAULT_SIZE = 8 << 20, DEFAULT_ERROR_CODE = 2 /* INTERNAL_ERROR */ };

const char *col_fault_word(enum col_fault_kind kind)
{
    return col_fault_words[kind];
}

bool col_fault_kind_of(const char *word, enum col_fault_kind *ret)
{
    for (unsigned i = 0; i < COL_FAULT_KINDS; i++)
        if (strcmp(col_fault_words[i], word) == 0) {
            *ret = (enum col_fault_kind)i;
            return true;
        }
    return false;
}

bool col_fault_on_connections(enum col_fault_kind kind)
{
    return kind == COL_FAULT_ACCEPT_STALL || kind == COL_FAULT_SLOW_READ ||
           kind == COL_FAULT_TLS_REFUSE || kind == COL_FAULT_TLS_CERTIFICATE;
}

bool col_fault_is_behind(enum col_fault_kind kind)
{
    switch (kind) {
    case COL_FAULT_DELAY:
    case COL_FAULT_PARTIAL:
    case COL_FAULT_TRUNCATED:
    case COL_FAULT_CORRUPT_GZIP:
    case COL_FAULT_WRONG_TYPE:
    case COL_FAULT_OVERSIZED:
    case COL_FAULT_SLOW_ANSWER:
    case COL_FAULT_DUPLICATE:
        return true;
    default:
        return false;
    }
}

/* ---- which settings go with which kind ---- */

#define BIT(kind) (1u << COL_FAULT_##kind)

static const struct {
    const char *key;
    unsigned kinds;  /* that may have it; for "count" and such: that may not */
    unsigned needed; /* that must have it */
} rows[] = {
    {"delay", BIT(DELAY), BIT(DELAY)},
    {"delay_max", BIT(DELAY), 0},
    {"distribution", BIT(DELAY), 0},
    {"status", BIT(STATUS), 0},
    {"code", BIT(STATUS), 0},
    {"retry_after", BIT(STATUS), 0},
    {"retry_after_as", BIT(STATUS), 0},
    {"rejected", BIT(PARTIAL), BIT(PARTIAL)},
    {"error_code", BIT(RST_STREAM), 0},
    {"rate", BIT(SLOW_ANSWER) | BIT(SLOW_READ), BIT(SLOW_ANSWER) | BIT(SLOW_READ)},
    {"size", BIT(OVERSIZED), 0},
    {"skew", BIT(CLOCK_SKEW), BIT(CLOCK_SKEW)},
    {"behind", BIT(CLOCK_SKEW), 0},
    {"cert_file", BIT(TLS_CERTIFICATE), BIT(TLS_CERTIFICATE)},
    {"key_file", BIT(TLS_CERTIFICATE), BIT(TLS_CERTIFICATE)},
    {"for", ~0u, BIT(RESTART)},
    {"count", ~(BIT(REFUSE) | BIT(RESTART)), 0},
    {"probability", ~(BIT(REFUSE) | BIT(RESTART)), 0},
};

static enum otel_err check_keys(const struct otl_yaml *doc, const json_t *map,
                                struct otl_yaml_pos pos, enum col_fault_kind kind,
                                struct otl_detail *reterr)
{
    const char *word = col_fault_words[kind];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool there = json_object_get(map, rows[i].key) != NULL;
        enum col_fault_kind owner = COL_FAULT_DELAY;
        while (owner < COL_FAULT_KINDS - 1 && (rows[i].kinds >> owner & 1) == 0)
            owner++;
        if (there && (rows[i].kinds >> kind & 1) == 0 && rows[i].kinds >> 31 != 0)
            return otl_yaml_error(reterr, otl_yaml_key_pos(doc, map, rows[i].key),
                                  "'%s' has no meaning for 'fault: %s'", rows[i].key, word);
        if (there && (rows[i].kinds >> kind & 1) == 0)
            return otl_yaml_error(reterr, otl_yaml_key_pos(doc, map, rows[i].key),
                                  "'%s' belongs to 'fault: %s'", rows[i].key,
                                  col_fault_words[owner]);
        if (!there && (rows[i].needed >> kind & 1) != 0)
            return otl_yaml_error(reterr, pos, "'%s' is needed by 'fault: %s'", rows[i].key, word);
    }
    if (kind == COL_FAULT_STATUS && json_object_get(map, "status") == NULL &&
        json_object_get(map, "code") == NULL)
        return otl_yaml_error(reterr, pos, "'status' is needed by 'fault: status', or 'code'");
    return OTEL_OK;
}

static unsigned word_index(const char *const *words, const char *word)
{
    unsigned i = 0;

    while (words[i] != NULL && strcmp(words[i], word) != 0)
        i++;
    return words[i] != NULL ? i : 0;
}

static enum otel_err check_delay(const struct otl_yaml *doc, const json_t *map,
                                 const struct col_fault_plan *f, struct otl_detail *reterr)
{
    if (f->law == COL_DELAY_UNIFORM && f->delay_max_ns < f->delay_ns)
        return otl_yaml_error(reterr, otl_yaml_key_pos(doc, map, "distribution"),
                              "'distribution: uniform' needs a 'delay_max' that is not below "
                              "'delay'");
    if (f->law == COL_DELAY_FIXED && f->delay_max_ns != 0)
        return otl_yaml_error(reterr, otl_yaml_key_pos(doc, map, "delay_max"),
                              "'delay_max' belongs to 'distribution: uniform' or 'exponential'");
    return OTEL_OK;
}

enum otel_err col_fault_read(const struct otl_yaml *doc, const json_t *map,
                             struct otl_yaml_pos pos, const char *kind_key,
                             struct col_fault_plan *ret, struct otl_detail *reterr)
{
    struct col_fault_plan *f = ret;
    enum otel_err err;

    f->kind = (enum col_fault_kind)word_index(col_fault_words, otl_tree_text(map, kind_key, ""));
    err = check_keys(doc, map, pos, f->kind, reterr);
    if (err != OTEL_OK)
        return err;
    f->delay_ns = otl_tree_duration_ns(map, "delay", 0);
    f->delay_max_ns = otl_tree_duration_ns(map, "delay_max", 0);
    f->law = (enum col_delay_law)word_index(col_delay_words,
                                            otl_tree_text(map, "distribution", "fixed"));
    f->status = (unsigned)otl_tree_int(map, "status", 0);
    f->code = (unsigned)otl_tree_int(map, "code", 0);
    f->retry_after_s = otl_tree_duration_ns(map, "retry_after", 0) / OTL_NS_PER_S;
    f->retry_date = strcmp(otl_tree_text(map, "retry_after_as", "seconds"), "date") == 0;
    f->rejected = (uint64_t)otl_tree_int(map, "rejected", 0);
    f->error_code = (unsigned)otl_tree_int(map, "error_code", DEFAULT_ERROR_CODE);
    f->rate = (uint64_t)otl_tree_int(map, "rate", 0);
    f->size = (uint64_t)otl_tree_int(map, "size", DEFAULT_SIZE);
    f->skew_ns = (int64_t)otl_tree_duration_ns(map, "skew", 0);
    if (otl_tree_bool(map, "behind", false))
        f->skew_ns = -f->skew_ns;
    snprintf(f->cert_file, sizeof(f->cert_file), "%s", otl_tree_text(map, "cert_file", ""));
    snprintf(f->key_file, sizeof(f->key_file), "%s", otl_tree_text(map, "key_file", ""));
    f->for_ns = otl_tree_duration_ns(map, "for", 0);
    f->count = (uint64_t)otl_tree_int(map, "count", 0);
    f->probability = otl_tree_double(map, "probability", 1.0);
    return check_delay(doc, map, f, reterr);
}
