/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_XRAY_RULES_H
#define OTL_XRAY_RULES_H

#include <stdbool.h>

#include <otel/sdk/resource.h>
#include <otel/sdk/sampler.h>

#include "sdk/base/arena.h"
#include "sdk/base/buf.h"
#include "sdk/remote/draw.h"

/*
 * Sampling rules of X-Ray, ready to decide by, with what is counted of them and what the service
 * gave them.
 *
 * Life      read -> inherit from the rules before -> (decide... report -> target)... -> free.
 * Threads   decide on any at once; the rest on one thread, and target while nobody decides.
 * Memory    an arena.
 * Limits    OTEL_SDK_XRAY_MAX_RULES; OTL_XRAY_ATTRIBUTES_MAX attributes of a rule.
 */

enum { OTL_XRAY_ATTRIBUTES_MAX = 32 };

struct otl_xray_now {
    uint64_t mono_ns, wall_ns;
};

struct otl_xray_attribute {
    struct otl_xray_attribute *next;
    const char *key, *pattern;
};

struct otl_xray_counts {
    uint64_t matched, sampled, borrowed; /* borrowed are sampled, too */
};

struct otl_xray_rule {
    const char *name, *service_name, *service_type, *arn, *host, *method, *path; /* patterns */
    struct otl_xray_attribute *attributes;
    double priority, version, reservoir_size, fixed_rate;
    /* in force */
    uint64_t bound;               /* of the rate */
    struct otl_budget lent;       /* one a second */
    struct otl_budget quota;      /* until: */
    uint64_t quota_ends_ns;       /* monotonic */
    uint64_t report_at_ns;        /* not before, monotonic */
    struct otl_xray_counts counts; /* atomic; since the last report that was answered */
    struct otl_xray_counts told;   /* of them, in the report that is under way */
};

struct otl_xray_rules {
    struct otl_arena arena;
    struct otl_xray_rule *rules; /* in the order in which they are asked */
    size_t count;
};

/* Where the program runs; texts NULL: unknown. */
struct otl_xray_place {
    const char *service_name, *service_type, *arn;
    bool lambda; /* whose arn a span may tell */
};

/* Texts are copied into the arena. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err otl_xray_place_of(const struct otel_sdk_resource *resource,
                                              struct otl_arena *arena, struct otl_xray_place *ret);

/* The answer of GetSamplingRules. OTEL_ERR_SYNTAX: no JSON, or not such a message;
 * OTEL_ERR_ARGUMENT: a number that is none or negative, a rate above 1; OTEL_ERR_LIMIT,
 * OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err otl_xray_rules_read(struct otl_view body, struct otl_xray_rules **ret);
void otl_xray_rules_free(struct otl_xray_rules *rules);
/* Rules that are the same as before go on with what they were given and have counted. */
void otl_xray_rules_inherit(struct otl_xray_rules *rules, const struct otl_xray_rules *before);
/* Nothing has been counted. */
void otl_xray_rules_forget_counts(struct otl_xray_rules *rules);

/* False: no rule fits; else *ret_keep. */
bool otl_xray_rules_decide(struct otl_xray_rules *rules, const struct otl_xray_place *place,
                           const struct otel_sdk_sampling_input *input, uint64_t mono_ns,
                           bool *ret_keep);

/* The question to SamplingTargets about rules that spans have matched and that are due; out stays
 * empty where there is none. OTEL_ERR_MEMORY, OTEL_ERR_LIMIT. */
OTEL_MUST_USE enum otel_err otl_xray_rules_report(struct otl_xray_rules *rules,
                                                  const char *client_id,
                                                  const struct otl_xray_now *now,
                                                  struct otl_buf *out);
struct otl_xray_news {
    uint64_t interval_ns; /* the shortest that the service asked for; 0: it asked for none */
    double changed_at_s;  /* when rules were last changed, since 1970; 0: it did not say */
    bool ask_rules;       /* it knows a rule no more */
    bool refused;         /* it could not take what was reported of some rule */
};
/* Its answer; what it says is done, what was reported is counted no more. Errors as of read, and
 * nothing is changed then. default_interval_ns: where it says none. */
OTEL_MUST_USE enum otel_err otl_xray_rules_target(struct otl_xray_rules *rules,
                                                  struct otl_view body,
                                                  const struct otl_xray_now *now,
                                                  uint64_t default_interval_ns,
                                                  struct otl_xray_news *ret);

/* True: all of text fits; * any text, ? any byte, letters of ASCII without case. */
bool otl_xray_fits(const char *pattern, struct otel_str text);

#endif
