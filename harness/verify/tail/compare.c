/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/tail/compare.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/verify/tail/read.h"
#include "harness/verify/tail/rules.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

enum { FILE_MAX_BYTES = 1 << 30 };

struct found { /* of one trace */
    uint64_t decided_ns, wall_ns;
    uint32_t kept;   /* spans behind */
    uint32_t spans;  /* that it had at its decision, as recorded */
    uint16_t policy; /* recorded, from 1; 0: none, or not known */
    uint8_t decided; /* MAY_... as recorded */
};

struct hx_tail_compare {
    const struct hx_tail_oracle *oracle;
    struct found *found;
    size_t count;
    uint64_t strangers; /* traces behind that nobody sent */
    uint64_t other_policies; /* decisions by policies that there are not */
    bool has_decisions, has_kept;
};

enum otel_err hx_tail_compare_new(const struct hx_tail_oracle *oracle,
                                  struct hx_tail_compare **ret)
{
    struct hx_tail_compare *compare = otl_mem_zalloc(sizeof(*compare));

    if (compare == NULL)
        return OTEL_ERR_MEMORY;
    compare->oracle = oracle;
    compare->count = hx_tail_oracle_count(oracle);
    compare->found = otl_mem_zalloc((compare->count + 1) * sizeof(*compare->found));
    if (compare->found == NULL) {
        otl_mem_free(compare);
        return OTEL_ERR_MEMORY;
    }
    *ret = compare;
    return OTEL_OK;
}

void hx_tail_compare_free(struct hx_tail_compare *compare)
{
    if (compare == NULL)
        return;
    otl_mem_free(compare->found);
    otl_mem_free(compare);
}

/* ---- the record of decisions ---- */

static uint8_t outcome_of(const json_t *row)
{
    const char *event = json_string_value(json_object_get(row, "event"));
    const char *decision = json_string_value(json_object_get(row, "decision"));

    if (event == NULL)
        return 0;
    if (strcmp(event, "evicted") == 0 || strcmp(event, "pending_dropped") == 0)
        return HX_TAIL_MAY_VANISH;
    if (strcmp(event, "too_large") == 0)
        return HX_TAIL_MAY_NOT;
    if (strcmp(event, "decision") != 0 || decision == NULL)
        return 0;
    return strcmp(decision, "sampled") == 0   ? HX_TAIL_MAY_SAMPLE
           : strcmp(decision, "dropped") == 0 ? HX_TAIL_MAY_DROP
                                              : HX_TAIL_MAY_NOT;
}

static uint16_t policy_number(const struct hx_rules *rules, const char *name)
{
    for (size_t i = 0; name != NULL && i < rules->count; i++)
        if (strcmp(rules->list[i]->name, name) == 0)
            return (uint16_t)(i + 1);
    return 0;
}

static void take_row(struct hx_tail_compare *compare, const json_t *row)
{
    const struct hx_rules *rules = hx_tail_oracle_rules(compare->oracle);
    const char *processor = json_string_value(json_object_get(row, "processor"));
    const char *hex = json_string_value(json_object_get(row, "trace_id"));
    const char *policy = json_string_value(json_object_get(row, "policy"));
    uint8_t id[16], outcome = outcome_of(row);
    struct found *found;
    size_t n;

    if (outcome == 0 || processor == NULL || strcmp(processor, rules->processor) != 0 ||
        hex == NULL || strlen(hex) != 32 || !otl_unhex(hex, 16, id))
        return;
    n = hx_tail_oracle_find(compare->oracle, id);
    if (n == SIZE_MAX) {
        compare->strangers++;
        return;
    }
    found = &compare->found[n];
    found->decided |= outcome;
    found->decided_ns = (uint64_t)json_integer_value(json_object_get(row, "mono_ns"));
    found->wall_ns = (uint64_t)json_integer_value(json_object_get(row, "wall_ns"));
    found->spans = (uint32_t)json_integer_value(json_object_get(row, "spans"));
    found->policy = policy_number(rules, policy);
    compare->other_policies += policy != NULL && found->policy == 0;
}

enum otel_err hx_tail_compare_decisions(struct hx_tail_compare *compare, const char *path,
                                        struct otl_detail *reterr)
{
    struct otl_buf bytes;
    unsigned line = 0;
    enum otel_err err;

    otl_buf_init(&bytes, FILE_MAX_BYTES);
    err = otl_file_read(path, &bytes, reterr);
    for (size_t at = 0; err == OTEL_OK && at < bytes.len; line++) {
        const char *start = bytes.data + at;
        const char *end = memchr(start, '\n', bytes.len - at);
        json_t *row;
        if (end == NULL)
            break; /* cut off by the end of the collector */
        row = json_loadb(start, (size_t)(end - start), 0, NULL);
        if (row == NULL)
            err = otl_detail_set(reterr, OTEL_ERR_CORRUPT, path, line + 1, 0, "no JSON");
        else
            take_row(compare, row);
        json_decref(row);
        at += (size_t)(end - start) + 1;
    }
    compare->has_decisions = err == OTEL_OK;
    otl_buf_fini(&bytes);
    return err;
}

/* ---- what stands behind ---- */

static enum otel_err take_kept(void *context, const struct hx_tail_span *span)
{
    struct hx_tail_compare *compare = context;
    size_t n = hx_tail_oracle_find(compare->oracle, span->trace_id);

    if (n == SIZE_MAX)
        compare->strangers++;
    else
        compare->found[n].kept++;
    return OTEL_OK;
}

enum otel_err hx_tail_compare_kept(struct hx_tail_compare *compare, const char *path,
                                   struct otl_detail *reterr)
{
    const struct hx_tail_sink sink = {take_kept, NULL, compare, false};
    struct hx_tail_source source;
    enum otel_err err = hx_tail_read(path, &sink, &source, reterr);

    compare->has_kept = err == OTEL_OK;
    return err;
}

/* ---- differences ---- */

struct telling {
    struct hx_tail_compare *compare;
    hx_tail_difference_fn tell;
    void *context;
    uint64_t count;
};

static void OTEL_PRINTF(3, 4) differ(struct telling *t, const uint8_t *trace_id,
                                     const char *format, ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    t->count++;
    t->tell(t->context, trace_id, text);
}

static const char *predicted(const struct hx_tail_answer *answer, char *out, size_t size)
{
    static const char *const words[] = {"keep", "drop", "depends on timing"};

    snprintf(out, size, "%s (%s%s%s)", words[answer->says], answer->policy,
             *answer->policy != '\0' ? ": " : "", answer->why);
    return out;
}

static const char *recorded(unsigned decided)
{
    if ((decided & HX_TAIL_MAY_SAMPLE) != 0)
        return decided == HX_TAIL_MAY_SAMPLE ? "sampled" : "sampled, and something else besides";
    if ((decided & HX_TAIL_MAY_DROP) != 0)
        return "dropped";
    return (decided & HX_TAIL_MAY_NOT) != 0 ? "not sampled" : "forgotten undecided";
}

static void judge_record(struct telling *t, const struct hx_tail_answer *answer,
                         const struct found *found)
{
    const struct hx_rules *rules = hx_tail_oracle_rules(t->compare->oracle);
    char words[256];

    if (found->decided == 0) {
        if ((answer->outcomes & HX_TAIL_MAY_VANISH) == 0)
            differ(t, answer->trace_id, "predicted %s; the collector recorded no decision",
                   predicted(answer, words, sizeof(words)));
    } else if ((found->decided & ~answer->outcomes) != 0) {
        differ(t, answer->trace_id, "predicted %s; the collector recorded %s%s%s",
               predicted(answer, words, sizeof(words)), recorded(found->decided),
               found->policy > 0 ? " by " : "",
               found->policy > 0 ? rules->list[found->policy - 1]->name : "");
    } else if (answer->says == HX_TAIL_KEEP && answer->one_policy && !rules->stateful &&
               !rules->legacy &&
               found->policy != policy_number(rules, answer->policy)) {
        differ(t, answer->trace_id, "predicted by policy '%s'; the collector recorded '%s'",
               answer->policy, found->policy > 0 ? rules->list[found->policy - 1]->name : "none");
    }
    if (found->decided != 0 && (found->decided & HX_TAIL_MAY_VANISH) == 0 &&
        rules->max_bytes == 0 && answer->from_ns != 0 && found->decided_ns < answer->from_ns &&
        found->decided_ns < hx_tail_oracle_last_ns(t->compare->oracle))
        differ(t, answer->trace_id, "decided %.3f s after its first span, before its time",
               ((double)found->decided_ns - (double)answer->first_ns) / 1e9);
}

static void judge_kept(struct telling *t, const struct hx_tail_answer *answer,
                       const struct found *found)
{
    char words[256];

    if (found->kept > 0 && (answer->outcomes & HX_TAIL_MAY_SAMPLE) == 0)
        differ(t, answer->trace_id, "predicted %s; %u of its spans stand behind the collector",
               predicted(answer, words, sizeof(words)), (unsigned)found->kept);
    else if (answer->says == HX_TAIL_KEEP && found->kept != answer->spans)
        differ(t, answer->trace_id, "predicted %s; %u of its %u spans stand behind the collector",
               predicted(answer, words, sizeof(words)), (unsigned)found->kept,
               (unsigned)answer->spans);
    else if (t->compare->has_decisions && found->decided == HX_TAIL_MAY_SAMPLE &&
             found->kept == 0)
        differ(t, answer->trace_id, "recorded as sampled; nothing of it stands behind");
    else if (t->compare->has_decisions && found->kept > 0 && found->decided != 0 &&
             (found->decided & HX_TAIL_MAY_SAMPLE) == 0)
        differ(t, answer->trace_id, "recorded as %s; %u of its spans stand behind",
               recorded(found->decided), (unsigned)found->kept);
}

/* ---- limits: the most that may have passed, from the record ---- */

static const struct found *sorting; /* of the comparison at hand */

static int by_time(const void *a, const void *b)
{
    uint64_t x = sorting[*(const uint32_t *)a].decided_ns;
    uint64_t y = sorting[*(const uint32_t *)b].decided_ns;

    return x < y ? -1 : x > y;
}

/* A bucket that only these traces take from is never emptier than the real one. */
static void judge_bucket(struct telling *t, const struct hx_rule *rule, const uint32_t *rows,
                         size_t count)
{
    double tokens = (double)rule->burst;
    uint64_t last = 0;

    for (size_t i = 0; i < count; i++) {
        const struct found *found = &t->compare->found[rows[i]];
        struct hx_tail_answer answer;
        hx_tail_oracle_answer(t->compare->oracle, rows[i], &answer);
        if (last != 0)
            tokens += (double)(found->decided_ns - last) / 1e9 * (double)rule->rate;
        if (tokens > (double)rule->burst)
            tokens = (double)rule->burst;
        /* the record is written after the bucket was asked: a microsecond, a token of slack */
        tokens -= (double)found->spans;
        if (tokens < -1.0) {
            differ(t, answer.trace_id, "policy '%s' let more pass than its limit of %" PRId64
                   " a second (burst %" PRId64 ")", rule->name, rule->rate, rule->burst);
            return;
        }
        last = found->decided_ns;
    }
}

static void judge_seconds(struct telling *t, const struct hx_rule *rule, const uint32_t *rows,
                          size_t count)
{
    int64_t most = rule->kind == HX_RULE_LIMIT ? rule->rate : 0, used = 0;
    uint64_t second = 0;

    for (size_t i = 0; rule->kind == HX_RULE_BUDGET && i < rule->child_count; i++)
        most += rule->shares[i] < rule->total ? rule->shares[i] : rule->total;
    for (size_t i = 0; i < count; i++) {
        const struct found *found = &t->compare->found[rows[i]];
        struct hx_tail_answer answer;
        hx_tail_oracle_answer(t->compare->oracle, rows[i], &answer);
        /* the clock is read again for the record: what straddles a second is let pass */
        if (found->wall_ns / 1000000000 != second)
            used = 0;
        second = found->wall_ns / 1000000000;
        if (found->wall_ns % 1000000000 < 1000000)
            continue;
        used += found->spans;
        if (used <= most)
            continue;
        differ(t, answer.trace_id, "policy '%s' let more than %" PRId64 " spans pass in a second",
               rule->name, most);
        return;
    }
}

static void judge_limits(struct telling *t)
{
    const struct hx_rules *rules = hx_tail_oracle_rules(t->compare->oracle);
    uint32_t *rows = otl_mem_alloc((t->compare->count + 1) * sizeof(*rows));

    for (size_t p = 0; rows != NULL && p < rules->count; p++) {
        const struct hx_rule *rule = rules->list[p];
        size_t count = 0;
        if ((rule->kind != HX_RULE_LIMIT && rule->kind != HX_RULE_BUDGET) || rule->bytes)
            continue;
        for (size_t i = 0; i < t->compare->count; i++)
            if (t->compare->found[i].decided == HX_TAIL_MAY_SAMPLE &&
                t->compare->found[i].policy == p + 1)
                rows[count++] = (uint32_t)i;
        sorting = t->compare->found;
        qsort(rows, count, sizeof(*rows), by_time);
        if (rule->kind == HX_RULE_LIMIT && !rule->window)
            judge_bucket(t, rule, rows, count);
        else
            judge_seconds(t, rule, rows, count);
    }
    otl_mem_free(rows);
}

uint64_t hx_tail_compare_each(struct hx_tail_compare *compare, hx_tail_difference_fn tell,
                              void *context)
{
    struct telling t = {compare, tell, context, 0};

    for (size_t i = 0; i < compare->count; i++) {
        struct hx_tail_answer answer;
        hx_tail_oracle_answer(compare->oracle, i, &answer);
        if (compare->has_decisions)
            judge_record(&t, &answer, &compare->found[i]);
        if (compare->has_kept)
            judge_kept(&t, &answer, &compare->found[i]);
    }
    if (compare->has_decisions)
        judge_limits(&t);
    if (compare->strangers > 0)
        differ(&t, NULL, "%" PRIu64 " spans or decisions are of traces that were never received",
               compare->strangers);
    if (compare->other_policies > 0)
        differ(&t, NULL, "%" PRIu64 " decisions name policies that there are not",
               compare->other_policies);
    return t.count;
}

unsigned hx_tail_compare_done(const struct hx_tail_compare *compare, size_t n)
{
    return compare->found[n].decided;
}

void hx_tail_compare_counts(const struct hx_tail_compare *compare, struct hx_tail_counts *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->traces = compare->count;
    for (size_t i = 0; i < compare->count; i++) {
        struct hx_tail_answer answer;
        hx_tail_oracle_answer(compare->oracle, i, &answer);
        ret->keep += answer.says == HX_TAIL_KEEP;
        ret->drop += answer.says == HX_TAIL_DROP;
        ret->depends += answer.says == HX_TAIL_DEPENDS;
        ret->recorded += compare->found[i].decided != 0;
        ret->kept += compare->found[i].kept > 0;
    }
}
