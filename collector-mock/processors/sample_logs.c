/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/sampler.h"

#include <string.h>

#include "collector-mock/processors/edit.h"
#include "collector-mock/processors/trace_state.h"
#include "collector-mock/wire/logs.h"

/*
 * probabilistic_sampler on log records: what a span has in its tracestate stands in their
 * attributes sampling.threshold and sampling.randomness, of the same digits.
 *
 * An attribute that sampling_priority names is a percentage of the record's own, unless it is 0,
 * no number or more than 100. from_attribute (mode hash_seed) is hashed where there is no trace
 * id or attribute_source is record; a list or a map is taken as absent.
 */

#define THRESHOLD "sampling.threshold"
#define RANDOMNESS "sampling.randomness"

struct judged {
    enum col_sampler_policy policy;
    uint64_t randomness, threshold;
    bool has_rv, has_th; /* that arrive */
    uint64_t rv, th;
    bool writes;   /* what was decided is written into the record */
    bool new_rv;   /* ... and the randomness too */
    bool cleared;  /* its threshold was a lie */
    bool error;
};

static struct otl_view text_of(const struct col_log *log, const char *key)
{
    struct col_value value;

    if (!col_attribute_find(&log->attributes, key, &value) || value.kind != COL_VALUE_STRING)
        return otl_view("", 0);
    return value.text;
}

/* What is hashed of an attribute; empty: nothing. */
static struct otl_view bytes_of(struct col_sampler *sampler, const struct col_log *log)
{
    struct otl_view text = {"", 0};
    struct col_value value;

    if (sampler->logs.from[0] == '\0' ||
        !col_attribute_find(&log->attributes, sampler->logs.from, &value))
        return text;
    if (value.kind == COL_VALUE_BYTES)
        return value.text;
    return col_edit_text(&sampler->kept.arena, &value, &text) ? text : otl_view("", 0);
}

static bool read_marks(const struct col_log *log, struct judged *it)
{
    struct otl_view th = text_of(log, THRESHOLD), rv = text_of(log, RANDOMNESS);

    it->has_th = th.len > 0 && col_threshold_read(th, &it->th);
    it->has_rv = rv.len > 0 && col_randomness_read(rv, &it->rv);
    return it->has_th == (th.len > 0) && it->has_rv == (rv.len > 0);
}

static void hash(struct col_sampler *sampler, const struct col_log *log, struct judged *it)
{
    struct otl_view bytes;

    if (sampler->logs.by_trace_id && !col_sampler_id_is_empty(log->trace_id)) {
        it->policy = COL_BY_HASH;
        it->randomness = col_sampler_hash(sampler->seed, log->trace_id, sizeof(log->trace_id));
        return;
    }
    bytes = bytes_of(sampler, log);
    if (bytes.len == 0)
        return;
    it->policy = COL_BY_ATTRIBUTE;
    it->randomness = col_sampler_hash(sampler->seed, bytes.data, bytes.len);
}

static void find_randomness(struct col_sampler *sampler, const struct col_log *log,
                            struct judged *it)
{
    it->writes = read_marks(log, it);
    it->error = !it->writes;
    it->policy = COL_BY_NOTHING;
    it->randomness = COL_RANDOMNESS_MAX;
    if (sampler->mode == COL_SAMPLE_NEVER) {
        it->policy = COL_BY_PRIORITY;
        it->writes = true;
    } else if (sampler->mode == COL_SAMPLE_HASH_SEED) {
        hash(sampler, log, it);
        if (it->has_rv || it->has_th) {
            it->error = true; /* made by another kind of sampler: not to be touched */
            it->writes = false;
        }
        it->new_rv = it->writes && it->policy != COL_BY_NOTHING;
    } else if (it->writes && it->has_rv) {
        it->policy = COL_BY_RANDOMNESS;
        it->randomness = it->rv;
    } else if (it->writes && !col_sampler_id_is_empty(log->trace_id)) {
        it->policy = COL_BY_W3C;
        it->randomness = col_sampler_id(log->trace_id);
    }
    if (!it->error && it->policy == COL_BY_NOTHING)
        it->error = true;
    if (!it->error && it->has_th && it->th > it->randomness) {
        it->error = it->cleared = true;
        it->has_th = false;
    }
}

/* A percentage that the record asks for; false: none. */
static bool find_priority(const struct col_sampler *sampler, const struct col_log *log,
                          uint64_t *ret)
{
    struct col_value value;
    double share;

    if (sampler->logs.priority[0] == '\0' ||
        !col_attribute_find(&log->attributes, sampler->logs.priority, &value) ||
        (value.kind != COL_VALUE_INT && value.kind != COL_VALUE_DOUBLE))
        return false;
    share = (value.kind == COL_VALUE_INT ? (double)value.integer : value.real) / 100;
    if (!(share >= 1.0 / (double)COL_THRESHOLD_NEVER) || share > 1)
        return false;
    *ret = col_threshold_of(share, sampler->precision);
    return true;
}

static bool judge(struct col_sampler *sampler, const struct col_log *log, struct judged *it)
{
    memset(it, 0, sizeof(*it));
    find_randomness(sampler, log, it);
    if (it->error)
        it->threshold = sampler->fail_closed ? COL_THRESHOLD_NEVER : 0;
    else if (sampler->mode == COL_SAMPLE_NEVER)
        it->threshold = COL_THRESHOLD_NEVER;
    else
        it->threshold = col_sampler_threshold(sampler, it->has_th, it->th);
    if (find_priority(sampler, log, &it->threshold))
        it->policy = COL_BY_PRIORITY;
    return it->threshold <= it->randomness;
}

static enum otel_err set(struct col_attributes *attributes, const char *key, const char *text)
{
    const struct col_value value = {.kind = COL_VALUE_STRING, .text = otl_view_str(text)};
    struct otl_view encoded;
    enum otel_err err = col_edit_value(attributes->arena, &value, &encoded);

    return err == OTEL_OK ? col_attributes_set(attributes, otl_view_str(key), encoded) : err;
}

/* The last one takes its place, as upstream. */
static void drop(struct col_attributes *attributes, const char *key)
{
    struct col_entry *entry = col_attributes_find(attributes, otl_view_str(key));

    if (entry == NULL)
        return;
    *entry = attributes->entries[attributes->count - 1];
    col_attributes_remove(attributes, attributes->count - 1);
}

/* A probability never rises. */
static enum otel_err mark(struct col_sampler *sampler, const struct judged *it,
                          struct otl_view *raw)
{
    bool rises = it->has_th && it->threshold < it->th;
    struct otl_arena *arena = &sampler->kept.arena;
    struct col_attributes attributes;
    char digits[COL_THRESHOLD_TEXT];
    enum otel_err err;

    if (!it->writes || (rises && !it->new_rv))
        return OTEL_OK;
    err = col_attributes_read(arena, *raw, COL_LOG_ATTRIBUTES, &attributes);
    if (err == OTEL_OK && it->new_rv)
        err = set(&attributes, RANDOMNESS, col_randomness_text(it->randomness, digits));
    if (err == OTEL_OK && it->cleared)
        drop(&attributes, THRESHOLD);
    if (err == OTEL_OK && !rises)
        err = set(&attributes, THRESHOLD, col_threshold_text(it->threshold, digits));
    return err == OTEL_OK ? col_attributes_put(&attributes, *raw, COL_LOG_ATTRIBUTES, raw) : err;
}

enum otel_err col_sampler_sift_logs(struct col_sampler *sampler, const struct col_batch *in)
{
    struct col_traces *items = col_rewrite_begin(&sampler->kept, in);
    enum otel_err err = OTEL_OK;
    struct col_item item;
    struct col_log log;
    struct judged it;

    while (err == OTEL_OK && col_items_next(items, &item)) {
        bool keep;
        col_log_split(item.raw, &log);
        keep = judge(sampler, &log, &it);
        if (it.error)
            otl_log_line(&sampler->create.host->log, OTL_LOG_DEBUG,
                         "processor '%s': a log record without usable randomness",
                         sampler->create.id);
        ++*sampler->counts[it.policy][keep];
        if (!keep)
            continue;
        err = mark(sampler, &it, &item.raw);
        if (err == OTEL_OK)
            err = col_rewrite_item(&sampler->kept, &item);
    }
    return err;
}
