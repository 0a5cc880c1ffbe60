/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_TESTS_PROC_WORLD_H
#define COL_PROCESSORS_TESTS_PROC_WORLD_H

#include "collector-mock/pipeline/registry.h"
#include "collector-mock/processors/tests/tail_world.h"

/*
 * One processor by itself, for tests: made from its YAML as the collector makes it, fed with spans
 * as data (tail_span), followed by a recorder. Failures of the world itself fail the test.
 */

enum { PROC_SENDS_MAX = 64 };

struct proc_world {
    struct col_host host;
    struct otl_yaml *doc;
    const struct col_component_type *type;
    void *self;
    enum otel_err answer; /* of what follows */
    struct otl_buf out;   /* what came out, joined */
    uint64_t spans, batches;
    uint64_t sends[PROC_SENDS_MAX]; /* spans of the first batches that came out */
};

/* An error of the configuration is returned, with its text. */
enum otel_err proc_world_init(struct proc_world *world, const char *type, const char *config,
                              struct otl_detail *reterr);
/* The same for a pipeline of another signal, or as an old version. */
struct proc_options {
    const char *type;
    enum col_signal signal;
    unsigned as_version;
    const char *root; /* of /proc and /sys; NULL: the machine's */
};
enum otel_err proc_world_init_for(struct proc_world *world, const struct proc_options *options,
                                  const char *config, struct otl_detail *reterr);
void proc_world_fini(struct proc_world *world);
enum otel_err proc_feed(struct proc_world *world, const struct tail_span *spans, size_t count,
                        bool apart);
/* The n-th span that came out, from 0; false: there are not so many. The iterator holds it. */
bool proc_span(const struct proc_world *world, size_t n, struct col_traces *traces,
               struct col_span *ret);
uint64_t proc_counter(const struct proc_world *world, const char *name, const char *labels);

/* Settings that are refused, and what is said. */
struct proc_refusal {
    const char *config;
    const char *says;
};

void proc_check_refusals(const char *type, const struct proc_refusal *cases, size_t count);

#endif
