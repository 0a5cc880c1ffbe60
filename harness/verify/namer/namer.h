/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_NAMER_H
#define HX_NAMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <otel/err.h>

#include "sdk/base/detail.h"

/*
 * The namer: finds the consumer instance that stands out, from received spans alone. It sees what
 * an on-call engineer sees in a trace store, and no ledger, no scenario and no broker.
 *
 * It reads CONSUMER spans that say which message they handled (messaging.destination.name,
 * .partition.id, messaging.kafka.offset, messaging.consumer.group.name), who they are
 * (service.name, service.instance.id, service.version of the resource), and perhaps how long they
 * may take (kafka.consumer.max.poll.interval.ms).
 *
 * Where spans say how long they may take, those that took longer count. Where they do not:
 * A storm is a train of messages that are handled again. It began with the message in it that had
 * been taken first; if its handling was long, whoever held it was too slow for the group. When
 * instances stand behind storms more often than chance gives them their share, the one is named.
 * Without storms an instance is named whose handlings are long far more often than the others'.
 * No instance is named when the long handlings lie in one partition, unless the same messages were
 * handled fast another time: then it is the data.
 *
 * Life      hx_handlings_init() -> add or read -> seal -> hx_namer_judge()... ->
 *           hx_handlings_fini().
 * Threads   one owner.
 * Memory    72 bytes a span; texts are copied once for each instance.
 * Limits    HX_NAMER_INSTANCES instances of all services together; those beyond are not read.
 */

enum { HX_NAMER_INSTANCES = 1024, HX_NAMER_GROUPS = 256, HX_NAMER_TEXT = 128,
       HX_NAMER_EVIDENCE = 8 };

struct hx_handling { /* one CONSUMER span */
    uint64_t start_ns, end_ns; /* wall clock */
    uint64_t arrived_ns;       /* at the collector */
    uint64_t interval_ns;      /* how long it may take; 0 = the span does not say */
    int64_t offset;
    int32_t partition;
    uint16_t group;
    uint16_t instance;
    uint8_t span_id[8];
};

struct hx_namer_instance {
    char service[HX_NAMER_TEXT];
    char instance[HX_NAMER_TEXT]; /* "" = the resource does not say */
    char version[HX_NAMER_TEXT];
};

struct hx_namer_group { /* a consumer group on a topic */
    char name[HX_NAMER_TEXT];
    char topic[HX_NAMER_TEXT];
};

struct hx_handlings {
    struct hx_handling *rows;
    size_t count, cap;
    struct hx_namer_instance *instances;
    size_t instance_count;
    struct hx_namer_group *groups;
    size_t group_count;
    uint64_t first_ns; /* start of the first span of all, consumer or not; 0 = none */
    uint64_t last_ns;  /* arrival of the last one */
};

OTEL_MUST_USE enum otel_err hx_handlings_init(struct hx_handlings *handlings);
void hx_handlings_fini(struct hx_handlings *handlings);

/* Number of the instance or group, new or known; UINT16_MAX: no room. */
uint16_t hx_handlings_instance(struct hx_handlings *handlings,
                               const struct hx_namer_instance *instance);
uint16_t hx_handlings_group(struct hx_handlings *handlings, const struct hx_namer_group *group);
OTEL_MUST_USE enum otel_err hx_handlings_add(struct hx_handlings *handlings,
                                             const struct hx_handling *row);

/* Every consumer span in the tap file. hide: a resource attribute that is read as absent, or NULL.
 * OTEL_ERR_NOT_FOUND, _IO, _MEMORY. */
OTEL_MUST_USE enum otel_err hx_handlings_read(const char *tap, const char *hide,
                                              struct hx_handlings *handlings,
                                              struct otl_detail *reterr);

/* No more are added: in order of message and time, a span that arrived twice once. */
void hx_handlings_seal(struct hx_handlings *handlings);

struct hx_namer_row { /* of one instance */
    uint64_t handled, p50_ns, p99_ns, max_ns;
    uint64_t slow;     /* handlings over the threshold */
    uint64_t again;    /* of those: handled again by another instance */
    uint64_t late;     /* handlings over the poll interval that they themselves state */
    uint64_t storms;   /* that began with a message in its hands */
};

struct hx_finding {
    uint16_t group;
    uint16_t instance;  /* UINT16_MAX: none is named */
    int32_t partition;  /* suspect in place of an instance; -1 = none */
    double after_s;     /* from the first span on; when named */
    double symptom_s;   /* start of the first handling that speaks against it; when named */
    uint64_t slow_ns;   /* threshold of a long handling */
    uint64_t storms;    /* all that began with a long handling */
    uint64_t late;      /* all that took longer than their interval */
    double chance;      /* that an innocent instance looks like this */
    char reason[320];   /* one sentence */
    char evidence[HX_NAMER_EVIDENCE][240];
    size_t evidence_count;
    struct hx_namer_row *rows; /* by instance; free with hx_finding_fini() */
};

/* What can be said of the handlings that had arrived by until_ns (UINT64_MAX: all). after_s is not
 * set. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err hx_namer_look(const struct hx_handlings *handlings, uint64_t until_ns,
                                          struct hx_finding *ret);
/* The same at the end, and since when the same instance was named without a break. */
OTEL_MUST_USE enum otel_err hx_namer_judge(const struct hx_handlings *handlings,
                                           struct hx_finding *ret);
void hx_finding_fini(struct hx_finding *finding);

/* report.json's "namer"; blind: the finding without service.instance.id. NULL: no memory. */
json_t *hx_finding_json(const struct hx_handlings *handlings, const struct hx_finding *finding,
                        const struct hx_finding *blind);

/* All of it for a run directory. *ret is NULL where no span handled a message. */
OTEL_MUST_USE enum otel_err hx_namer_run(const char *dir, json_t **ret, struct otl_detail *reterr);

#endif
