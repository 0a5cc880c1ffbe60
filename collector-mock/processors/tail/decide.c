/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "collector-mock/processors/tail/tail.h"
#include "sdk/base/mem.h"

/* What the policies together say of a trace. */

enum { SPANS_FIELD = 2 }; /* of what a piece holds */

/* ---- the trace as the policies see it ---- */

static bool make_room(struct col_tail *tail, size_t count)
{
    size_t room = tail->span_room > 0 ? tail->span_room : 64;
    struct col_tail_span *grown;

    if (count <= tail->span_room)
        return true;
    while (room < count)
        room *= 2;
    grown = otl_mem_realloc(tail->spans, room * sizeof(*grown));
    if (grown == NULL)
        return false;
    tail->spans = grown;
    tail->span_room = room;
    return true;
}

static bool read_piece(struct col_tail *tail, const struct col_tail_piece *piece, size_t *at)
{
    struct col_cursor cursor = {piece->bytes, piece->bytes + piece->len};
    bool first = piece->first;
    struct col_field field;

    if (!make_room(tail, *at + piece->spans))
        return false;
    while (col_field_large(&cursor, SPANS_FIELD, &field) ||
           col_field_next(&cursor, &field) == COL_NEXT_FIELD) {
        struct col_tail_span *span = &tail->spans[(*at)++];
        col_span_split(otl_view((const char *)field.data, (size_t)field.scalar), &span->span);
        span->resource = &piece->context->attributes;
        span->first = first;
        first = false;
    }
    return true;
}

static bool view_of(struct col_tail *tail, const struct col_tail_trace *trace,
                    const struct col_tail_piece *pieces, struct col_tail_view *ret)
{
    size_t count = 0;

    for (const struct col_tail_piece *piece = pieces; piece != NULL; piece = piece->next)
        if (!read_piece(tail, piece, &count))
            return false;
    ret->id = trace->id;
    ret->spans = tail->spans;
    ret->count = count;
    ret->span_count = trace->spans;
    ret->bytes = tail->policies->need_size ? col_tail_weight(pieces, true) : 0;
    ret->mono_ns = otl_clock_mono(tail->create.host->clock);
    ret->wall_ns = otl_clock_wall(tail->create.host->clock);
    return true;
}

/* *since_ns: when the policy before was done, and then this one. */
static enum col_tail_opinion ask(struct col_tail *tail, size_t policy,
                                 const struct col_tail_view *view, uint64_t *since_ns)
{
    uint64_t end;
    enum col_tail_opinion opinion = col_tail_evaluate(tail->policies->list[policy], view);
    const char *blind = tail->create.host->blind_policy;

    if (blind != NULL && strcmp(blind, tail->policies->list[policy]->name) == 0)
        opinion = COL_TAIL_SAYS_NOT_SAMPLED; /* the test's broken collector */

    end = otl_clock_mono(tail->create.host->clock);
    col_tail_count_opinion(tail, policy,
                           &(struct col_tail_opinion_row){opinion, view->span_count,
                                                          end - *since_ns, end - view->mono_ns});
    *since_ns = end;
    return opinion;
}

/* ---- the order of the Collector ---- */

/* Of a policy that samples the trace. */
static void add_mark(const struct col_tail *tail, const struct col_tail_policy *policy,
                     struct col_tail_mark *mark)
{
    const struct col_tail_compat *compat = &tail->policies->compat;

    if (compat->use_tracestate && policy->threshold < mark->threshold)
        mark->threshold = policy->threshold;
    if (compat->record_policy && policy->kind == COL_TAIL_COMPOSITE)
        mark->sub_policy = policy->as.composite.chosen;
}

enum col_tail_decision col_tail_decide(struct col_tail *tail, struct col_tail_trace *trace,
                                       const struct col_tail_piece *pieces, uint16_t *ret_policy,
                                       struct col_tail_mark *ret_mark)
{
    uint16_t first[COL_TAIL_OPINIONS] = {0}; /* the first policy that said so, from 1 */
    struct col_tail_view view;
    uint64_t since_ns;

    *ret_policy = 0;
    *ret_mark = (struct col_tail_mark){.threshold = COL_TAIL_NO_THRESHOLD};
    if (!view_of(tail, trace, pieces, &view))
        return COL_TAIL_UNDECIDED;
    since_ns = view.mono_ns;
    for (size_t i = 0; i < tail->policies->count; i++) {
        enum col_tail_opinion opinion = ask(tail, i, &view, &since_ns);
        if (opinion == COL_TAIL_SAYS_SAMPLED)
            add_mark(tail, tail->policies->list[i], ret_mark);
        if (first[opinion] == 0)
            first[opinion] = (uint16_t)(i + 1);
        if (opinion == COL_TAIL_SAYS_DROPPED ||
            (opinion == COL_TAIL_SAYS_SAMPLED && tail->settings.first_match))
            break;
    }
    if (first[COL_TAIL_SAYS_DROPPED] != 0) {
        *ret_policy = first[COL_TAIL_SAYS_DROPPED];
        return COL_TAIL_DROPPED;
    }
    if (first[COL_TAIL_SAYS_INVERT_NOT_SAMPLED] != 0)
        return COL_TAIL_NOT_SAMPLED;
    if (first[COL_TAIL_SAYS_SAMPLED] != 0)
        *ret_policy = first[COL_TAIL_SAYS_SAMPLED];
    else if (first[COL_TAIL_SAYS_INVERT_SAMPLED] != 0 && first[COL_TAIL_SAYS_NOT_SAMPLED] == 0)
        *ret_policy = first[COL_TAIL_SAYS_INVERT_SAMPLED];
    if (*ret_policy != 0 && tail->policies->compat.record_policy)
        ret_mark->policy = tail->policies->list[*ret_policy - 1]->name;
    return *ret_policy != 0 ? COL_TAIL_SAMPLED : COL_TAIL_NOT_SAMPLED;
}

/* A drop policy that has not matched yet may do so with later spans: until then nothing samples. */
enum col_tail_decision col_tail_decide_at_ingest(struct col_tail *tail,
                                                 struct col_tail_trace *trace,
                                                 const struct col_tail_piece *pieces,
                                                 uint16_t *ret_policy)
{
    struct col_tail_view view;
    uint64_t since_ns;
    bool open = false;

    *ret_policy = 0;
    if (!view_of(tail, trace, pieces, &view))
        return COL_TAIL_UNDECIDED;
    since_ns = view.mono_ns;
    for (size_t i = 0; i < tail->policies->count; i++) {
        bool drop = tail->policies->list[i]->kind == COL_TAIL_DROP;
        enum col_tail_opinion opinion;
        if (!drop && open)
            break;
        opinion = ask(tail, i, &view, &since_ns);
        if (opinion == COL_TAIL_SAYS_ERROR)
            continue;
        open |= drop;
        if (opinion != COL_TAIL_SAYS_DROPPED && (drop || opinion != COL_TAIL_SAYS_SAMPLED))
            continue;
        *ret_policy = (uint16_t)(i + 1);
        return opinion == COL_TAIL_SAYS_DROPPED ? COL_TAIL_DROPPED : COL_TAIL_SAMPLED;
    }
    return COL_TAIL_UNDECIDED;
}
