/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_ACCOUNT_H
#define OTL_ACCOUNT_H

#include <otel/sdk/metrics.h>
#include <pthread.h>

/*
 * The account of one exporter: what it was given, how each export ended, how long that took. The
 * processor keeps it, so that it holds for any exporter and also for one that never answers.
 *
 * Life      init -> (hand -> settle)... -> fini; in the child of a fork: forked.
 * Threads   any; a lock of its own, held for a few instructions.
 * Memory    none but its own.
 * Limits    one export at a time; OTL_ENDS different ends, beyond which failures are _OTHER.
 */

enum { OTL_ENDS = 16 };

/* Exports that ended alike. */
struct otl_end {
    bool failed;
    enum otel_err err;
    const char *error_type; /* static; NULL: one follows from the others */
    const char *rpc_status;
    unsigned http_status;
    uint64_t count;
    uint64_t delivered, lost; /* spans */
    uint64_t sum_ns, min_ns, max_ns;
};

struct otl_account {
    pthread_mutex_t lock;
    uint64_t batches;   /* handed over */
    uint64_t handed;    /* spans, of all of them */
    uint64_t in_flight; /* spans */
    uint64_t began_ns;
    size_t used;
    struct otl_end ends[OTL_ENDS]; /* the last two: all further failures, all further successes */
};

void otl_account_init(struct otl_account *account);
void otl_account_fini(struct otl_account *account);
void otl_account_forked(struct otl_account *account);

/* count spans are given to the exporter, now. */
void otl_account_hand(struct otl_account *account, uint64_t count);
/* They are with it no more. Returns how many of them are lost. */
uint64_t otl_account_settle(struct otl_account *account,
                            const struct otel_sdk_export_result *result);

/* Spans that it was given. */
uint64_t otl_account_handed(struct otl_account *account);
/* Add exported, batches and latencies. */
void otl_account_add(struct otl_account *account, struct otel_sdk_processor_stats *stats);

/* Who a metric is about. */
struct otl_component {
    const char *type;
    char name[80]; /* TYPE/N */
    const char *server_address;
    uint16_t server_port;
};

void otl_component_init(struct otl_component *component, struct otel_sdk_metric_sink *sink,
                        const char *type);
/* An integer of a processor; error_type may be NULL. */
void otl_component_put(const struct otl_component *component, struct otel_sdk_metric_sink *sink,
                       struct otel_sdk_metric metric, const char *error_type);
/* otel.sdk.processor.span.processed. */
struct otel_sdk_metric otl_processed(uint64_t count);

/* All metrics of the exporter. */
void otl_account_put(struct otl_account *account, const struct otel_sdk_exporter *exporter,
                     struct otel_sdk_metric_sink *sink);

#endif
