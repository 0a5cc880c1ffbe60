/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_TAIL_TABLE_H
#define COL_PROCESSORS_TAIL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "collector-mock/processors/tail/store.h"

/*
 * The traces in memory, by id, in order of arrival, and by the tick that will decide them.
 *
 * A trace stays in the table after its decision, without spans, so that late spans find it, until
 * it is removed: by whoever needs its room, or because a decision cache remembers it.
 *
 * Life      init -> add, find, remove... -> fini (after the pieces were freed).
 * Threads   one owner.
 * Memory    104 bytes a trace, taken as they come, up to max.
 * Limits    max traces. Pointers hold until the next add.
 */

enum { COL_TAIL_NONE = UINT32_MAX };

enum col_tail_decision {
    COL_TAIL_UNDECIDED,
    COL_TAIL_SAMPLED,
    COL_TAIL_NOT_SAMPLED,
    COL_TAIL_DROPPED
};

struct col_tail_trace {
    uint8_t id[16];
    struct col_tail_piece *pieces, *last;
    uint64_t arrival_ns; /* monotonic */
    uint64_t decided_ns;
    uint64_t bytes;      /* as maximum_trace_size_bytes counts them */
    uint32_t spans;      /* all that ever came */
    uint32_t held;       /* in pieces */
    uint32_t older, newer;
    uint32_t before, after; /* in its bucket */
    uint32_t bucket;     /* number of the tick that decides; 0: in none */
    uint16_t policy;     /* that decided, from 1; 0: none */
    uint8_t decision;
};

struct col_tail_bucket {
    uint32_t first, last;
};

struct col_tail_table {
    struct col_tail_trace *traces;
    uint32_t *slots;         /* indexes into traces + 1; 0: empty */
    uint32_t slot_mask;
    uint32_t room, used, max;
    uint32_t free;           /* chain by newer */
    uint32_t count;
    uint32_t oldest, newest;
    uint32_t open;           /* all that are older are decided */
    struct col_tail_bucket *buckets;
    uint32_t bucket_count;   /* waiting ticks + 1 */
    uint32_t take;           /* number of the tick that comes next, from 1 */
    uint64_t seed;
};

/* waits: whole seconds of decision_wait, at least 1. expected: traces to make room for at once. */
OTEL_MUST_USE enum otel_err col_tail_table_init(struct col_tail_table *table, uint32_t max,
                                                uint32_t waits, uint32_t expected);
void col_tail_table_fini(struct col_tail_table *table);

/* COL_TAIL_NONE: not there. */
uint32_t col_tail_find(const struct col_tail_table *table, const uint8_t id[16]);
/* A trace that is not there and for which there is room: the newest one, to be decided by the last
 * of the waiting ticks. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_tail_add(struct col_tail_table *table, const uint8_t id[16],
                                         uint32_t *ret);
/* Its pieces are the caller's business. */
void col_tail_remove(struct col_tail_table *table, uint32_t at);

/* The oldest that is not decided, or COL_TAIL_NONE. */
uint32_t col_tail_oldest_open(struct col_tail_table *table);
/* Decide after so many further ticks, if that is earlier than planned. */
void col_tail_sooner(struct col_tail_table *table, uint32_t at, uint32_t ticks);
/* Out of its bucket: no tick will decide it. */
void col_tail_unplan(struct col_tail_table *table, uint32_t at);
/* A tick: the first trace that it decides, or COL_TAIL_NONE; the others hang on it by after. They
 * are in no bucket any more. */
uint32_t col_tail_tick_take(struct col_tail_table *table);
/* Are there any in buckets? */
bool col_tail_planned(const struct col_tail_table *table);

#endif
