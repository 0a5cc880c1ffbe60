/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_SAMPLER_H
#define COL_PROCESSORS_SAMPLER_H

#include "collector-mock/processors/rewrite.h"

/* The probabilistic_sampler processor; shared by its files alone: probabilistic_sampler.c (the
 * component, and what becomes of spans) and sample_logs.c (of log records). */

enum col_sampler_mode {
    COL_SAMPLE_HASH_SEED,
    COL_SAMPLE_EQUALIZING,
    COL_SAMPLE_PROPORTIONAL,
    COL_SAMPLE_NEVER
};

/* What decided. */
enum col_sampler_policy {
    COL_BY_HASH,
    COL_BY_W3C,
    COL_BY_RANDOMNESS,
    COL_BY_PRIORITY,
    COL_BY_NOTHING,
    COL_BY_ATTRIBUTE, /* log records */
    COL_SAMPLER_POLICIES
};

struct col_sampler {
    struct col_create create;
    enum col_sampler_mode mode;
    uint32_t seed;
    uint64_t threshold; /* hash_seed, equalizing */
    double ratio;       /* proportional */
    unsigned precision;
    bool fail_closed;
    struct {
        bool by_trace_id;     /* attribute_source: traceID */
        const char *from;     /* the attribute that is hashed where there is no trace id; "" */
        const char *priority; /* the attribute with a percentage of its own; "" */
    } logs;
    struct col_rewrite kept;
    struct otl_buf text, span;
    uint64_t *counts[COL_SAMPLER_POLICIES][2];
};

/* 14 bits of FNV-1a and their mixture, as the Collector writes them. */
uint64_t col_sampler_hash(uint32_t seed, const void *data, size_t len);
/* The last 56 bits. */
uint64_t col_sampler_id(const uint8_t trace_id[16]);
bool col_sampler_id_is_empty(const uint8_t trace_id[16]);
/* What the configuration makes of the threshold that arrives; not for COL_SAMPLE_NEVER. */
uint64_t col_sampler_threshold(const struct col_sampler *sampler, bool has_th, uint64_t th);

/* What is kept of the log records into sampler->kept. OTEL_ERR_MEMORY, OTEL_ERR_LIMIT. */
OTEL_MUST_USE enum otel_err col_sampler_sift_logs(struct col_sampler *sampler,
                                                  const struct col_batch *in);

#endif
