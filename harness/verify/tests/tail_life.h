/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TESTS_TAIL_LIFE_H
#define HX_TESTS_TAIL_LIFE_H

#include "collector-mock/processors/tests/tail_world.h"
#include "collector-mock/wire/tap.h"
#include "harness/verify/tail/compare.h"

/*
 * A tail sampler that leaves the files of a run behind, and the oracle asked about them.
 *
 * Life      begin -> feed... -> end -> ask... -> clean. What goes wrong fails the test.
 */

struct life_group;

struct life {
    struct tail_world world;
    /* Set behind begin: a groupbytrace stands before, in this model of it alone. Its spans of one
     * trace are held so long; life_pass() hands them on. */
    uint64_t group_ns;
    struct life_group *groups; /* in the order of their beginning */
    size_t group_count;
    struct otl_buf tap;
    uint64_t requests;
    char dir[64], tap_path[96], decisions[96], kept[96];
};

/* As the Collector of v0.N. */
void life_begin_as(struct life *life, const char *config, unsigned version);
void life_begin(struct life *life, const char *config);
/* One request: every span in a ResourceSpans of its own if apart. */
void life_feed(struct life *life, const struct tail_span *spans, size_t count, bool apart);
/* What groupbytrace has held long enough goes on. */
void life_pass(struct life *life);
void life_end(struct life *life);
void life_clean(struct life *life);

struct verdict {
    uint64_t differences;
    char first[500];
    struct hx_tail_counts counts;
};

/* What the oracle that is told this configuration, and version, finds wrong. */
void life_ask_as(const struct life *life, const char *config, unsigned version,
                 struct verdict *ret);
struct life_asked {
    const char *config;
    const char *group; /* settings of the groupbytrace before; NULL: none */
    unsigned version, workers;
};
void life_ask_of(const struct life *life, const struct life_asked *asked, struct verdict *ret);
void life_ask(const struct life *life, const char *config, struct verdict *ret);

#endif
