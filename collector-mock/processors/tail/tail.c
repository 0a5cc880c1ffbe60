/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/tail/tail.h"

#include <string.h>

#include "sdk/base/mem.h"

enum { OUT_MAX = 1 << 30, OUT_KEEP = 1 << 20, SPANS_KEEP = 4096 };

_Static_assert(sizeof(struct col_tail_span) <= COL_TAIL_SPAN_BYTES, "a span read for a decision");

static uint64_t now_of(const struct col_tail *tail)
{
    return otl_clock_mono(tail->create.host->clock);
}

/* Caches know a trace by the right half of its id, as in the Collector. */
static uint64_t cache_key(const uint8_t id[16])
{
    uint64_t key;

    memcpy(&key, id + 8, 8);
    return key;
}

bool col_tail_balanced(const struct col_tail_books *books)
{
    uint64_t sum = books->refused + books->kept + books->sampled_out + books->held;

    for (int i = 0; i < COL_TAIL_DROPS; i++)
        sum += books->dropped[i];
    return sum == books->received;
}

/* ---- spans on their way out ---- */

/* The pieces as one request to what follows; they stay the caller's. */
static void forward(struct col_tail *tail, const struct col_tail_piece *pieces, uint64_t spans,
                    const struct col_tail_mark *mark)
{
    struct otl_view more = otl_view(NULL, 0);
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_batch batch = {.items = spans, .mono_ns = now_of(tail)};
    enum otel_err err;

    otl_buf_reset(&tail->out);
    err = mark != NULL ? col_tail_mark_scopes(tail, mark, &more) : OTEL_OK;
    if (err == OTEL_OK)
        err = otl_buf_reserve(&tail->out, (size_t)col_tail_request_size(pieces, more.len));
    if (err == OTEL_OK)
        err = col_tail_assemble(pieces, more, &tail->out);
    batch.request = otl_view(tail->out.data, tail->out.len);
    if (err == OTEL_OK && mark != NULL && mark->threshold != COL_TAIL_NO_THRESHOLD)
        err = col_tail_mark_spans(tail, &batch, mark->threshold);
    if (err == OTEL_OK)
        err = tail->create.next.consume(tail->create.next.self, &batch, &detail);
    if (err == OTEL_OK) {
        tail->books.kept += spans;
        return;
    }
    tail->books.dropped[err == OTEL_ERR_MEMORY ? COL_TAIL_DROP_NO_MEMORY
                                               : COL_TAIL_DROP_EXPORT_FAILED] += spans;
    otl_log_line(&tail->create.host->log, OTL_LOG_WARN,
                 "processor '%s': error sending spans to destination, %llu are lost: %s",
                 tail->create.id, (unsigned long long)spans,
                 detail.text[0] ? detail.text : otel_err_text(err));
}

/* What becomes of spans whose trace is decided so; mark: what they get if they are kept,
 * or NULL. */
static void settle(struct col_tail *tail, enum col_tail_decision decision,
                   const struct col_tail_piece *pieces, uint64_t spans,
                   const struct col_tail_mark *mark)
{
    if (decision == COL_TAIL_SAMPLED)
        forward(tail, pieces, spans, mark);
    else if (decision == COL_TAIL_DROPPED)
        tail->books.dropped[COL_TAIL_DROP_POLICY] += spans;
    else
        tail->books.sampled_out += spans;
}

/* ---- traces on their way out ---- */

/* The trace's spans are no longer held. */
static struct col_tail_piece *take_pieces(struct col_tail *tail, struct col_tail_trace *trace)
{
    struct col_tail_piece *pieces = trace->pieces;

    tail->books.held -= trace->held;
    trace->held = 0;
    trace->pieces = trace->last = NULL;
    return pieces;
}

static void forget(struct col_tail *tail, uint32_t at, uint64_t now_ns)
{
    struct col_tail_trace *trace = &tail->table.traces[at];

    col_tail_count_removal(tail, now_ns - trace->arrival_ns);
    col_tail_pieces_free(&tail->store, take_pieces(tail, trace));
    col_tail_remove(&tail->table, at);
}

/* Into the cache of its kind; a trace that a cache remembers leaves the table, and so does under
 * span-ingest one that was never sampled: its late spans begin anew. */
static void remember(struct col_tail *tail, uint32_t at)
{
    const struct col_tail_trace *trace = &tail->table.traces[at];
    bool sampled = trace->decision == COL_TAIL_SAMPLED;
    struct col_lru *cache = sampled ? tail->sampled : tail->other;

    bool cached =
        cache != NULL && col_lru_put(cache, cache_key(trace->id), trace->policy) == OTEL_OK;

    if (cached || (tail->settings.at_ingest && trace->decision == COL_TAIL_NOT_SAMPLED))
        forget(tail, at, trace->decided_ns);
}

static void close_trace(struct col_tail *tail, uint32_t at, enum col_tail_decision decision,
                        uint16_t policy)
{
    struct col_tail_trace *trace = &tail->table.traces[at];

    trace->decision = (uint8_t)decision;
    trace->policy = policy;
    trace->decided_ns = now_of(tail);
}

/* The test's broken collector: every n-th decision is turned round. */
static enum col_tail_decision broken(struct col_tail *tail, enum col_tail_decision decision)
{
    uint64_t every = tail->create.host->flip_decision;

    if (every == 0 || ++tail->decisions % every != 0)
        return decision;
    return decision == COL_TAIL_SAMPLED ? COL_TAIL_NOT_SAMPLED : COL_TAIL_SAMPLED;
}

static void finish_trace(struct col_tail *tail, uint32_t at, enum col_tail_decision decision,
                         uint16_t policy, const struct col_tail_mark *mark)
{
    struct col_tail_trace *trace = &tail->table.traces[at];
    uint32_t held = trace->held;
    enum col_tail_decision done = broken(tail, decision);
    struct col_tail_piece *pieces;

    close_trace(tail, at, tail->create.host->flip_silently ? decision : done, policy);
    col_tail_count_decision(tail, decision);
    col_tail_record(tail, "decision", trace, (enum col_tail_decision)trace->decision, held);
    trace->decision = (uint8_t)done;
    pieces = take_pieces(tail, trace);
    settle(tail, done, pieces, held, mark);
    col_tail_pieces_free(&tail->store, pieces);
    remember(tail, at);
}

/* At the end of its wait. Under span-ingest what is still open then was never sampled. */
static void decide_trace(struct col_tail *tail, uint32_t at)
{
    struct col_tail_trace *trace = &tail->table.traces[at];
    enum col_tail_decision decision = COL_TAIL_NOT_SAMPLED;
    struct col_tail_mark mark = {.threshold = COL_TAIL_NO_THRESHOLD};
    uint16_t policy = 0;

    if (!tail->settings.at_ingest)
        decision = col_tail_decide(tail, trace, trace->pieces, &policy, &mark);
    if (decision != COL_TAIL_UNDECIDED) {
        finish_trace(tail, at, decision, policy, &mark);
        return;
    }
    close_trace(tail, at, COL_TAIL_NOT_SAMPLED, 0);
    tail->books.dropped[COL_TAIL_DROP_NO_MEMORY] += trace->held;
    col_tail_pieces_free(&tail->store, take_pieces(tail, trace));
}

/* For want of room. */
static void evict(struct col_tail *tail, uint32_t at, enum col_tail_drop reason)
{
    struct col_tail_trace *trace = &tail->table.traces[at];

    if (trace->decision == COL_TAIL_UNDECIDED) {
        col_tail_count_too_early(tail);
        tail->books.dropped[reason] += trace->held;
        col_tail_record(tail, "evicted", trace, COL_TAIL_UNDECIDED, trace->held);
    }
    forget(tail, at, now_of(tail));
}

/* What waits, and what deciding on this trace would take besides, within max_bytes. */
static void keep_within(struct col_tail *tail, uint32_t at)
{
    uint64_t max = tail->settings.max_bytes;

    if (tail->table.traces[at].held > max / COL_TAIL_SPAN_BYTES)
        evict(tail, at, COL_TAIL_DROP_BYTES);
    while (tail->store.bytes > max && col_tail_oldest_open(&tail->table) != COL_TAIL_NONE)
        evict(tail, tail->table.open, COL_TAIL_DROP_BYTES);
}

/* Pieces out of cells that are mostly holes. */
static void close_holes(struct col_tail *tail)
{
    if (!col_tail_cells_sparse(&tail->store.cells))
        return;
    for (uint32_t at = tail->table.oldest; at != COL_TAIL_NONE; at = tail->table.traces[at].newer) {
        struct col_tail_trace *trace = &tail->table.traces[at];
        for (struct col_tail_piece **link = &trace->pieces; *link != NULL;
             link = &(*link)->next) {
            *link = col_tail_piece_move(&tail->store, *link);
            trace->last = *link;
        }
    }
}

/* ---- spans on their way in ---- */

static bool answered_by_cache(struct col_tail *tail, const struct col_tail_group *group,
                              const struct col_tail_piece *pieces)
{
    struct col_tail_trace trace = {.spans = group->spans};
    struct col_tail_mark mark = {.threshold = COL_TAIL_NO_THRESHOLD};
    enum col_tail_decision decision = COL_TAIL_UNDECIDED;
    uint32_t policy = 0;

    if (tail->sampled != NULL && col_lru_get(tail->sampled, cache_key(group->id), &policy))
        decision = COL_TAIL_SAMPLED;
    else if (tail->other != NULL && col_lru_get(tail->other, cache_key(group->id), &policy))
        decision = COL_TAIL_NOT_SAMPLED;
    if (decision == COL_TAIL_UNDECIDED)
        return false;
    memcpy(trace.id, group->id, 16);
    trace.policy = (uint16_t)policy;
    if (tail->policies->compat.record_policy) {
        mark.cached = true;
        mark.policy = policy > 0 ? tail->policies->list[policy - 1]->name : NULL;
    }
    settle(tail, decision, pieces, group->spans, &mark);
    col_tail_count_cached(tail, decision == COL_TAIL_SAMPLED, group->spans);
    col_tail_record(tail, "cached", &trace, decision, group->spans);
    return true;
}

/* The group's trace, made if need be. COL_TAIL_NONE: no memory. */
static uint32_t trace_of(struct col_tail *tail, const struct col_tail_group *group)
{
    uint32_t at = col_tail_find(&tail->table, group->id);

    if (at == COL_TAIL_NONE) {
        if (tail->table.count >= tail->settings.traces)
            evict(tail, tail->table.oldest, COL_TAIL_DROP_TOO_EARLY);
        if (col_tail_add(&tail->table, group->id, &at) != OTEL_OK)
            return COL_TAIL_NONE;
        tail->table.traces[at].arrival_ns = now_of(tail);
        col_tail_count_new(tail);
    }
    tail->table.traces[at].spans += group->spans;
    if (group->root && tail->settings.root_wait_ns > 0)
        col_tail_sooner(&tail->table, at, (uint32_t)(tail->settings.root_wait_ns / OTL_NS_PER_S));
    return at;
}

static void append(struct col_tail *tail, struct col_tail_trace *trace,
                   struct col_tail_piece *first, struct col_tail_piece *last, uint32_t spans)
{
    *(trace->last != NULL ? &trace->last->next : &trace->pieces) = first;
    trace->last = last;
    trace->held += spans;
    tail->books.held += spans;
}

static void too_large(struct col_tail *tail, uint32_t at, uint64_t spans)
{
    struct col_tail_trace *trace = &tail->table.traces[at];

    tail->books.dropped[COL_TAIL_DROP_TOO_LARGE] += trace->held + spans;
    col_tail_count_too_large(tail);
    close_trace(tail, at, COL_TAIL_NOT_SAMPLED, 0);
    col_tail_record(tail, "too_large", trace, COL_TAIL_NOT_SAMPLED, trace->held + spans);
    col_tail_unplan(&tail->table, at);
    col_tail_pieces_free(&tail->store, take_pieces(tail, trace));
    remember(tail, at);
}

static void late(struct col_tail *tail, const struct col_tail_trace *trace,
                 const struct col_tail_piece *pieces, uint64_t spans)
{
    enum col_tail_decision decision = (enum col_tail_decision)trace->decision;

    settle(tail, decision, pieces, spans, NULL);
    if (decision == COL_TAIL_DROPPED)
        otl_log_line(&tail->create.host->log, OTL_LOG_WARN,
                     "processor '%s': unexpected sampling decision: dropped", tail->create.id);
    col_tail_count_late(tail, now_of(tail) - trace->decided_ns);
    col_tail_record(tail, "late", trace, decision, spans);
}

static void decide_at_ingest(struct col_tail *tail, uint32_t at, struct col_tail_piece *first,
                             struct col_tail_piece *last, uint32_t spans)
{
    struct col_tail_trace *trace = &tail->table.traces[at];
    uint16_t policy;
    enum col_tail_decision decision = col_tail_decide_at_ingest(tail, trace, first, &policy);

    append(tail, trace, first, last, spans);
    if (decision == COL_TAIL_UNDECIDED)
        return;
    col_tail_unplan(&tail->table, at);
    finish_trace(tail, at, decision, policy, NULL);
}

static void take_group(struct col_tail *tail, const struct col_tail_group *group)
{
    struct col_tail_piece *first, *last;
    struct col_tail_trace *trace;
    uint32_t at;

    if (col_tail_split_pieces(&tail->split, group, &tail->store, &first, &last) != OTEL_OK) {
        tail->books.dropped[COL_TAIL_DROP_NO_MEMORY] += group->spans;
        return;
    }
    if (answered_by_cache(tail, group, first)) {
        col_tail_pieces_free(&tail->store, first);
        return;
    }
    at = trace_of(tail, group);
    if (at == COL_TAIL_NONE) {
        tail->books.dropped[COL_TAIL_DROP_NO_MEMORY] += group->spans;
        col_tail_pieces_free(&tail->store, first);
        return;
    }
    trace = &tail->table.traces[at];
    if (tail->settings.max_trace_bytes > 0)
        trace->bytes += col_tail_weight(first, false);
    if (trace->decision != COL_TAIL_UNDECIDED) {
        late(tail, trace, first, group->spans);
        col_tail_pieces_free(&tail->store, first);
    } else if (tail->settings.max_trace_bytes > 0 &&
               trace->bytes > tail->settings.max_trace_bytes) {
        too_large(tail, at, group->spans);
        col_tail_pieces_free(&tail->store, first);
    } else if (tail->settings.at_ingest) {
        decide_at_ingest(tail, at, first, last, group->spans);
    } else {
        append(tail, trace, first, last, group->spans);
    }
    keep_within(tail, at);
}

/* A new trace has no room, and nobody is to be evicted for it. */
static bool must_wait(const struct col_tail *tail, const struct col_tail_group *group)
{
    uint32_t word;

    if (!tail->settings.block || tail->finishing || tail->table.count < tail->settings.traces)
        return false;
    if ((tail->sampled != NULL && col_lru_get(tail->sampled, cache_key(group->id), &word)) ||
        (tail->other != NULL && col_lru_get(tail->other, cache_key(group->id), &word)))
        return false;
    return col_tail_find(&tail->table, group->id) == COL_TAIL_NONE;
}

/* All groups of a request but the first done ones; *done counts on. True: all were taken. */
static bool take_request(struct col_tail *tail, struct otl_view request, uint64_t *done,
                         uint64_t *taken_spans)
{
    struct col_cursor cursor = {(const uint8_t *)request.data,
                                (const uint8_t *)request.data + request.len};
    struct otl_view resource_spans;
    uint64_t number = 0;

    while (col_tail_split_next(&cursor, &resource_spans)) {
        if (col_tail_split_resource(&tail->split, resource_spans) != OTEL_OK)
            break; /* out of memory: what was not taken is dropped by the caller */
        for (uint32_t i = 0; i < tail->split.group_count; i++) {
            const struct col_tail_group *group = &tail->split.groups[i];
            if (number++ < *done)
                continue;
            if (must_wait(tail, group))
                return false;
            take_group(tail, group);
            *taken_spans += group->spans;
            ++*done;
        }
    }
    return true;
}

/* ---- requests that wait for room (block_on_overflow) ---- */

static enum otel_err wait_in_line(struct col_tail *tail, const struct col_batch *batch,
                                  uint64_t done, uint64_t taken, struct otl_detail *reterr)
{
    struct col_tail_waiting *waiting =
        &tail->waiting[(tail->waiting_first + tail->waiting_count) % COL_TAIL_WAITING];

    waiting->bytes = otl_mem_alloc(batch->request.len);
    if (waiting->bytes == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    memcpy(waiting->bytes, batch->request.data, batch->request.len);
    waiting->len = batch->request.len;
    waiting->spans = batch->items - taken;
    waiting->done = done;
    tail->waiting_count++;
    tail->waiting_bytes += waiting->len;
    tail->books.held += waiting->spans;
    return OTEL_OK;
}

static void take_waiting(struct col_tail *tail)
{
    while (tail->waiting_count > 0) {
        struct col_tail_waiting *waiting = &tail->waiting[tail->waiting_first];
        uint64_t taken = 0;
        bool all = take_request(tail, otl_view(waiting->bytes, waiting->len), &waiting->done,
                                &taken);
        tail->books.held -= taken;
        waiting->spans -= taken;
        if (!all)
            return;
        tail->books.held -= waiting->spans; /* not 0 only without memory */
        tail->books.dropped[COL_TAIL_DROP_NO_MEMORY] += waiting->spans;
        tail->waiting_bytes -= waiting->len;
        otl_mem_free(waiting->bytes);
        waiting->bytes = NULL;
        tail->waiting_first = (tail->waiting_first + 1) % COL_TAIL_WAITING;
        tail->waiting_count--;
    }
}

enum otel_err col_tail_take(struct col_tail *tail, const struct col_batch *batch,
                            struct otl_detail *reterr)
{
    uint64_t done = 0, taken = 0;
    bool all = false;

    tail->books.received += batch->items;
    if (tail->settings.block &&
        (tail->waiting_count == COL_TAIL_WAITING ||
         tail->waiting_bytes + batch->request.len > COL_TAIL_WAITING_BYTES)) {
        tail->books.refused += batch->items;
        col_tail_count_books(tail);
        return otl_detail_set(reterr, OTEL_ERR_UNAVAILABLE, NULL, 0, 0,
                              "processor '%s': no room for another trace", tail->create.id);
    }
    if (tail->waiting_count == 0)
        all = take_request(tail, batch->request, &done, &taken);
    if ((all && taken < batch->items) ||
        (!all && wait_in_line(tail, batch, done, taken, NULL) != OTEL_OK))
        tail->books.dropped[COL_TAIL_DROP_NO_MEMORY] += batch->items - taken;
    close_holes(tail);
    col_tail_count_books(tail);
    return OTEL_OK;
}

/* ---- time ---- */

static void run_tick(struct col_tail *tail)
{
    uint32_t at = col_tail_tick_take(&tail->table), next;

    for (; at != COL_TAIL_NONE; at = next) {
        next = tail->table.traces[at].after;
        if (tail->table.traces[at].decision == COL_TAIL_UNDECIDED)
            decide_trace(tail, at);
    }
    if (tail->out.cap > OUT_KEEP)
        otl_buf_fini(&tail->out);
    if (tail->span_room > SPANS_KEEP) {
        otl_mem_free(tail->spans);
        tail->spans = NULL;
        tail->span_room = 0;
    }
}

void col_tail_tick(struct col_tail *tail)
{
    uint64_t start = now_of(tail);

    run_tick(tail);
    take_waiting(tail);
    close_holes(tail);
    col_tail_count_tick(tail, now_of(tail) - start);
    col_tail_count_books(tail);
    col_decisions_flush(&tail->create.host->decisions);
}

static void drop_pending(struct col_tail *tail)
{
    uint64_t now_ns = now_of(tail);

    while (tail->table.oldest != COL_TAIL_NONE) {
        struct col_tail_trace *trace = &tail->table.traces[tail->table.oldest];
        if (trace->decision == COL_TAIL_UNDECIDED) {
            tail->books.dropped[COL_TAIL_DROP_SHUTDOWN] += trace->held;
            col_tail_record(tail, "pending_dropped", trace, COL_TAIL_UNDECIDED, trace->held);
        }
        forget(tail, tail->table.oldest, now_ns);
    }
}

void col_tail_finish(struct col_tail *tail)
{
    if (tail->finishing)
        return;
    tail->finishing = true; /* nobody waits any more: what waited may evict */
    take_waiting(tail);
    while (!tail->settings.drop_pending && col_tail_planned(&tail->table))
        run_tick(tail);
    drop_pending(tail);
    col_tail_record(tail, "end", NULL, COL_TAIL_UNDECIDED, tail->books.received);
    col_tail_count_books(tail);
    col_decisions_flush(&tail->create.host->decisions);
}

/* ---- life ---- */

static enum otel_err allocate(struct col_tail *tail)
{
    const struct col_tail_settings *settings = &tail->settings;
    uint64_t waits = settings->wait_ns / OTL_NS_PER_S;
    enum otel_err err = col_tail_store_init(&tail->store);

    if (err == OTEL_OK)
        err = col_tail_table_init(&tail->table, settings->traces,
                                  waits > 0 ? (uint32_t)waits : 1, settings->expected);
    if (err == OTEL_OK && settings->sampled_cache > 0)
        err = col_lru_new(settings->sampled_cache, &tail->sampled);
    if (err == OTEL_OK && settings->other_cache > 0)
        err = col_lru_new(settings->other_cache, &tail->other);
    return err == OTEL_OK ? col_tail_numbers_new(tail) : err;
}

enum otel_err col_tail_new(const struct col_create *create, struct col_tail **ret,
                           struct otl_detail *reterr)
{
    struct col_tail *tail = otl_mem_zalloc(sizeof(*tail));
    enum otel_err err;

    if (tail == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    tail->create = *create;
    otl_buf_init(&tail->out, OUT_MAX);
    otl_buf_init(&tail->mark_text, OUT_MAX);
    otl_buf_init(&tail->mark_span, OUT_MAX);
    otl_buf_init(&tail->mark_scope, OUT_MAX);
    col_rewrite_init(&tail->marked);
    err = col_tail_settings_load(create, &tail->settings, reterr);
    if (err == OTEL_OK)
        err = col_tail_policies_load(create->doc, create->config, create->id,
                                     create->host->as_version, &tail->policies,
                                     reterr);
    if (err == OTEL_OK && tail->settings.at_ingest && tail->policies->stateful)
        err = otl_yaml_error(reterr, otl_yaml_key_pos(create->doc, create->config,
                                                      "sampling_strategy"),
                             "processor '%s': sampling_strategy span-ingest cannot have policies "
                             "that remember other traces (rate_limiting, bytes_limiting, "
                             "composite)",
                             create->id);
    if (err == OTEL_OK)
        err = allocate(tail);
    if (err == OTEL_OK)
        *ret = tail;
    else
        col_tail_free(tail);
    return err == OTEL_ERR_MEMORY ? otl_detail_set(reterr, err, NULL, 0, 0, "out of memory") : err;
}

void col_tail_free(struct col_tail *tail)
{
    if (tail == NULL)
        return;
    if (tail->table.traces != NULL)
        for (uint32_t at = tail->table.oldest; at != COL_TAIL_NONE;
             at = tail->table.traces[at].newer)
            col_tail_pieces_free(&tail->store, tail->table.traces[at].pieces);
    for (; tail->waiting_count > 0; tail->waiting_count--) {
        otl_mem_free(tail->waiting[tail->waiting_first].bytes);
        tail->waiting_first = (tail->waiting_first + 1) % COL_TAIL_WAITING;
    }
    col_tail_numbers_free(tail);
    col_tail_table_fini(&tail->table);
    col_tail_store_fini(&tail->store);
    col_lru_free(tail->sampled);
    col_lru_free(tail->other);
    col_tail_split_fini(&tail->split);
    col_tail_policies_free(tail->policies);
    otl_buf_fini(&tail->out);
    otl_buf_fini(&tail->mark_text);
    otl_buf_fini(&tail->mark_span);
    otl_buf_fini(&tail->mark_scope);
    col_rewrite_fini(&tail->marked);
    otl_mem_free(tail->spans);
    otl_mem_free(tail);
}
