/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TAIL_DRAFT_H
#define HX_TAIL_DRAFT_H

#include "harness/verify/tail/oracle.h"
#include "sdk/base/arena.h"

/*
 * A span as processors before tail_sampling leave it: what was received, and laid over it what they
 * changed. Its span is read like any other.
 *
 * Life      begin -> change, read span -> begin with the next...
 * Memory    of the arena, which is emptied by begin; what was received is borrowed.
 */

struct hx_draft_list {
    struct hx_tail_attribute *items;
    size_t count, room;
    bool read; /* the received ones are in it */
};

struct hx_draft_event {
    unsigned number; /* among the received ones */
    struct hx_tail_event now;
    struct hx_draft_list attributes;
};

struct hx_draft {
    struct hx_tail_span span;
    const struct hx_tail_span *origin;
    struct hx_draft_list own, resource, scope;
    struct hx_draft_event *events; /* those that are left; NULL: all, as they came */
    unsigned event_count;
    struct otl_arena *arena;
    bool failed; /* no memory */
};

/* A span without anything, to look through settings with, or to begin one for tests. */
extern const struct hx_tail_span hx_draft_nothing;

void hx_draft_begin(struct hx_draft *draft, const struct hx_tail_span *origin,
                    struct otl_arena *arena);
/* Puts the events into draft->events, to be changed or left out; their number. */
unsigned hx_draft_events(struct hx_draft *draft);
/* event: which one, of EVENT alone; such as hx_draft_events() knows. */
struct hx_draft_list *hx_draft_attributes(struct hx_draft *draft, enum hx_tail_where where,
                                          unsigned event);
struct hx_tail_attribute *hx_draft_find(const struct hx_draft_list *list, struct otl_view key);
/* Texts are copied. */
void hx_draft_set(struct hx_draft *draft, struct hx_draft_list *list, struct otl_view key,
                  const struct hx_tail_value *value);
void hx_draft_remove(struct hx_draft_list *list, size_t at);
/* What is copied counts as bytes that the span may have grown by. */
struct otl_view hx_draft_copy(struct hx_draft *draft, struct otl_view text);
/* What is not text as text; false: not known here. */
bool hx_draft_text(struct hx_draft *draft, const struct hx_tail_value *value,
                   struct otl_view *ret);
struct hx_tail_value hx_draft_sha256(struct hx_draft *draft, const struct hx_tail_value *value);

#endif
