/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "collector-mock/pipeline/registry.h"
#include "collector-mock/processors/edit.h"
#include "collector-mock/processors/sampler.h"
#include "collector-mock/processors/trace_state.h"
#include "collector-mock/wire/put.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

/*
 * probabilistic_sampler processor: keeps a share of the spans, span by span, by their trace id, or
 * of log records.
 *
 * Bit for bit what the Collector does in its three modes: hash_seed (FNV-1a, 14 bits), equalizing
 * (at least the threshold of the configuration) and proportional (a share of what arrives). What
 * is kept says so in its tracestate. An attribute sampling.priority decides by itself. A span that
 * cannot be judged (no randomness; a tracestate that is none, or that contradicts itself) is
 * dropped, or kept with fail_closed: false.
 *
 * Log records: sample_logs.c. attribute_source, from_attribute and sampling_priority are for them.
 */

#define REQUEST_MAX ((size_t)1 << 30)

enum { BUCKETS = 16384, PRECISION_MAX = 14 };

static const char *const modes[] = {"hash_seed", "equalizing", "proportional", NULL};
static const char *const sources[] = {"traceID", "record", NULL};
static const struct otl_schema keys[] = {
    {.key = "sampling_percentage", .type = OTL_SCHEMA_DOUBLE},
    {.key = "hash_seed", .type = OTL_SCHEMA_UINT, .max = UINT32_MAX},
    {.key = "mode", .type = OTL_SCHEMA_ENUM, .words = modes},
    {.key = "fail_closed", .type = OTL_SCHEMA_BOOL},
    {.key = "sampling_precision", .type = OTL_SCHEMA_INT},
    {.key = "attribute_source", .type = OTL_SCHEMA_ENUM, .words = sources},
    {.key = "from_attribute", .type = OTL_SCHEMA_STRING},
    {.key = "sampling_priority", .type = OTL_SCHEMA_STRING},
    OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

/* ---- one span ---- */

struct judged {
    enum col_sampler_policy policy;
    uint64_t randomness;
    uint64_t threshold;
    struct col_trace_state state;
    bool has_state; /* state is to be written */
    bool error;
};

static uint32_t fnv32(uint32_t hash, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ data[i]) * 16777619u;
    return hash;
}

uint64_t col_sampler_hash(uint32_t seed, const void *data, size_t len)
{
    const uint8_t little[4] = {(uint8_t)seed, (uint8_t)(seed >> 8), (uint8_t)(seed >> 16),
                               (uint8_t)(seed >> 24)};
    uint32_t hash = fnv32(fnv32(2166136261u, little, 4), data, len);
    uint64_t bucket = hash % BUCKETS, rest = hash >> 18;

    return (BUCKETS - 1 - bucket) << 42 | (rest ^ rest << 10) << 14 | bucket;
}

uint64_t col_sampler_id(const uint8_t trace_id[16])
{
    uint64_t value = 0;

    for (size_t i = 9; i < 16; i++)
        value = value << 8 | trace_id[i];
    return value;
}

bool col_sampler_id_is_empty(const uint8_t trace_id[16])
{
    static const uint8_t none[16];

    return memcmp(trace_id, none, 16) == 0;
}

static void find_randomness(const struct col_sampler *sampler, const struct col_span *span,
                            struct judged *it)
{
    bool missing = col_sampler_id_is_empty(span->trace_id);

    it->has_state = col_trace_state_read(span->trace_state, &it->state);
    it->error = !it->has_state;
    it->policy = COL_BY_NOTHING;
    it->randomness = COL_RANDOMNESS_MAX;
    if (sampler->mode == COL_SAMPLE_HASH_SEED) {
        if (!missing) {
            it->policy = COL_BY_HASH;
            it->randomness = col_sampler_hash(sampler->seed, span->trace_id, 16);
        }
        if (it->has_state && (it->state.has_rv || it->state.has_th)) {
            it->error = true; /* made by another kind of sampler: not to be touched */
            it->has_state = false;
        } else if (it->has_state) {
            it->state.has_rv = true;
            it->state.rv = it->randomness;
        }
    } else if (it->has_state && it->state.has_rv) {
        it->policy = COL_BY_RANDOMNESS;
        it->randomness = it->state.rv;
    } else if (it->has_state && !missing) {
        it->policy = COL_BY_W3C;
        it->randomness = col_sampler_id(span->trace_id);
    }
}

static bool is_consistent(struct judged *it)
{
    if (it->policy == COL_BY_NOTHING)
        return false;
    if (it->has_state && it->state.has_th && it->state.th > it->randomness) {
        it->state.has_th = false;
        return false;
    }
    return true;
}

uint64_t col_sampler_threshold(const struct col_sampler *sampler, bool has_th, uint64_t th)
{
    if (sampler->mode == COL_SAMPLE_PROPORTIONAL)
        return col_threshold_of((has_th ? col_threshold_probability(th) : 1) *
                                    sampler->ratio,
                                sampler->precision);
    if (sampler->mode == COL_SAMPLE_EQUALIZING && has_th && th > sampler->threshold)
        return th;
    return sampler->threshold;
}

/* Below 0: nothing is said; 0: drop; above: keep. */
static double priority_of(const struct col_span *span)
{
    struct col_value value;
    double number = -1;
    char text[64];

    if (!col_attribute_find(&span->attributes, "sampling.priority", &value))
        return -1;
    if (value.kind == COL_VALUE_INT)
        return (double)value.integer;
    if (value.kind == COL_VALUE_DOUBLE)
        return value.real;
    if (value.kind != COL_VALUE_STRING || value.text.len >= sizeof(text))
        return -1;
    memcpy(text, value.text.data, value.text.len);
    text[value.text.len] = '\0';
    return otl_parse_double(text[0] == '+' ? text + 1 : text, -1e308, 1e308, &number) == OTEL_OK
               ? number
               : -1;
}

static bool judge(const struct col_sampler *sampler, const struct col_span *span, struct judged *it)
{
    double priority = priority_of(span);

    memset(it, 0, sizeof(*it));
    if (sampler->mode == COL_SAMPLE_NEVER) {
        it->policy = COL_BY_PRIORITY;
        it->randomness = COL_RANDOMNESS_MAX;
        it->has_state = col_trace_state_read(span->trace_state, &it->state);
        it->error = !it->has_state;
        it->threshold = it->error && !sampler->fail_closed ? 0 : COL_THRESHOLD_NEVER;
    } else {
        find_randomness(sampler, span, it);
        if (it->error || !is_consistent(it)) {
            it->error = true;
            it->threshold = sampler->fail_closed ? COL_THRESHOLD_NEVER : 0;
        } else {
            it->threshold = col_sampler_threshold(sampler, it->state.has_th, it->state.th);
        }
    }
    if (priority >= 0) {
        it->policy = COL_BY_PRIORITY;
        it->threshold = priority > 0 ? 0 : COL_THRESHOLD_NEVER;
    }
    return it->threshold <= it->randomness;
}

/* Put what was decided into the tracestate; a probability never rises. */
static enum otel_err mark(struct col_sampler *sampler, struct judged *it, struct col_span *span)
{
    struct otl_view text;
    enum otel_err err;

    if (!it->has_state)
        return OTEL_OK;
    if (!it->state.has_th || it->state.th <= it->threshold) {
        it->state.has_th = true;
        it->state.th = it->threshold;
        it->state.th_text = otl_view(NULL, 0);
    }
    otl_buf_reset(&sampler->text);
    otl_buf_reset(&sampler->span);
    err = col_trace_state_write(&it->state, &sampler->text);
    if (err != OTEL_OK)
        return err;
    text = otl_view(sampler->text.data, sampler->text.len);
    if (otl_view_equal(text, span->trace_state))
        return OTEL_OK;
    err = col_edit_copy(&sampler->span, span->raw, 1u << COL_SPAN_TRACE_STATE);
    if (err == OTEL_OK)
        err = col_put_field(&sampler->span, COL_SPAN_TRACE_STATE, text);
    span->raw = otl_view(sampler->span.data, sampler->span.len);
    return err;
}

/* ---- the component ---- */

static enum otel_err sift(struct col_sampler *sampler, const struct col_batch *in)
{
    enum otel_err err = OTEL_OK;
    struct col_traces *traces = col_rewrite_begin(&sampler->kept, in);
    struct col_span span;
    struct judged it;

    while (err == OTEL_OK && col_traces_next(traces, &span)) {
        bool keep = judge(sampler, &span, &it);
        if (it.error)
            otl_log_line(&sampler->create.host->log, OTL_LOG_DEBUG,
                         "processor '%s': a span without usable randomness", sampler->create.id);
        ++*sampler->counts[it.policy][keep];
        if (!keep)
            continue;
        err = mark(sampler, &it, &span);
        if (err == OTEL_OK)
            err = col_rewrite_add(&sampler->kept, &span);
    }
    return err;
}

static enum otel_err consume(void *self, const struct col_batch *in, struct otl_detail *reterr)
{
    struct col_sampler *sampler = self;
    enum otel_err err =
        in->signal == COL_LOGS ? col_sampler_sift_logs(sampler, in) : sift(sampler, in);

    return col_rewrite_send(&sampler->kept, err, &sampler->create, in, reterr);
}

static void free_sampler(void *self)
{
    struct col_sampler *sampler = self;

    col_rewrite_fini(&sampler->kept);
    otl_buf_fini(&sampler->text);
    otl_buf_fini(&sampler->span);
    otl_mem_free(sampler);
}

/* The label of a policy, into sampler->text. */
static enum otel_err put_labels(struct col_sampler *sampler, const char *policy, bool kept)
{
    struct otl_buf *out = &sampler->text;
    enum otel_err err;

    otl_buf_reset(out);
    err = otl_buf_append_str(out, "policy=\"");
    if (err == OTEL_OK)
        err = col_metrics_label_text(out, policy); /* an attribute may be called anything */
    if (err == OTEL_OK)
        err = otl_buf_printf(out, "\",sampled=\"%s\"", kept ? "true" : "false");
    return err == OTEL_OK ? otl_buf_append_byte(out, '\0') : err;
}

static bool count(struct col_sampler *sampler)
{
    const char *const policies[COL_SAMPLER_POLICIES] = {
        "trace_id_hash",     "trace_id_w3c",       "sampling_randomness",
        "sampling_priority", "missing_randomness", sampler->logs.from};
    bool logs = sampler->create.signal == COL_LOGS, hashes = logs && sampler->logs.from[0] != '\0';

    for (size_t i = 0; i < COL_SAMPLER_POLICIES; i++)
        for (size_t kept = 0; kept < 2 && (i != COL_BY_ATTRIBUTE || hashes); kept++) {
            if (put_labels(sampler, policies[i], kept != 0) != OTEL_OK)
                return false;
            sampler->counts[i][kept] = col_metrics_counter(
                sampler->create.host->metrics,
                logs ? "otelcol_processor_probabilistic_sampler_count_logs_sampled"
                     : "otelcol_processor_probabilistic_sampler_count_traces_sampled",
                sampler->text.data, "What was sampled or not, by what decided.");
            if (sampler->counts[i][kept] == NULL)
                return false;
        }
    return true;
}

static enum otel_err complain(const struct col_create *args, const char *key, const char *text,
                              struct otl_detail *reterr)
{
    return otl_yaml_error(reterr, otl_yaml_value_pos(args->doc, args->config, key),
                          "processor '%s': %s", args->id, text);
}

static enum otel_err read_settings(struct col_sampler *sampler, struct otl_detail *reterr)
{
    const struct col_create *args = &sampler->create;
    double wide = otl_tree_double(args->config, "sampling_percentage", 0);
    float percent = (float)wide; /* as the Collector holds it */
    int64_t precision = otl_tree_int(args->config, "sampling_precision", 4);
    const char *mode = otl_tree_text(args->config, "mode", modes[COL_SAMPLE_HASH_SEED]);

    if (!isfinite(percent))
        return complain(args, "sampling_percentage", "sampling rate is invalid", reterr);
    if (percent < 0)
        return complain(args, "sampling_percentage", "sampling rate is negative", reterr);
    if (percent > 0 && (double)percent / 100 < 1.0 / (double)COL_THRESHOLD_NEVER)
        return complain(args, "sampling_percentage", "sampling rate is too small", reterr);
    if (precision == 0)
        return complain(args, "sampling_precision", "invalid sampling precision: 0", reterr);
    if (precision < 0 || precision > PRECISION_MAX)
        return complain(args, "sampling_precision",
                        "sampling precision is out of range, should be 1 to 14", reterr);
    sampler->seed = (uint32_t)otl_tree_int(args->config, "hash_seed", 0);
    sampler->fail_closed = otl_tree_bool(args->config, "fail_closed", true);
    sampler->precision = (unsigned)precision;
    sampler->logs.by_trace_id =
        strcmp(otl_tree_text(args->config, "attribute_source", sources[0]), sources[0]) == 0;
    sampler->logs.from = otl_tree_text(args->config, "from_attribute", "");
    sampler->logs.priority = otl_tree_text(args->config, "sampling_priority", "");
    while (strcmp(modes[sampler->mode], mode) != 0)
        sampler->mode++;
    if (percent > 100)
        percent = 100;
    sampler->ratio = (double)percent / 100;
    if (sampler->mode == COL_SAMPLE_HASH_SEED) {
        /* a product of two floats, cut off: both matter for which bucket is the last */
        uint32_t buckets = (uint32_t)(percent * 163.84f);
        sampler->threshold = (uint64_t)(BUCKETS - buckets) << 42;
        if (buckets == 0)
            sampler->mode = COL_SAMPLE_NEVER;
    } else {
        sampler->threshold = col_threshold_of(sampler->ratio, sampler->precision);
    }
    if (percent <= 0)
        sampler->mode = COL_SAMPLE_NEVER;
    return OTEL_OK;
}

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    struct col_sampler *sampler = otl_mem_zalloc(sizeof(*sampler));
    enum otel_err err;

    if (sampler == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    sampler->create = *args;
    col_rewrite_init(&sampler->kept);
    otl_buf_init(&sampler->text, REQUEST_MAX);
    otl_buf_init(&sampler->span, REQUEST_MAX);
    err = read_settings(sampler, reterr);
    if (err == OTEL_OK && !count(sampler))
        err = otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    if (err == OTEL_OK)
        *ret = sampler;
    else
        free_sampler(sampler);
    return err;
}

const struct col_component_type col_probabilistic_sampler_processor = {
    .name = "probabilistic_sampler",
    .kind = COL_PROCESSOR,
    .schema = row,
    .create = create,
    .consume = consume,
    .signals = COL_SIGNAL_BIT(COL_TRACES) | COL_SIGNAL_BIT(COL_LOGS),
    .free = free_sampler,
};
