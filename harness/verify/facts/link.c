/* SPDX-License-Identifier: Apache-2.0 */
/* From rows to a graph: who called whom, which spans make a trace. */
#include <string.h>

#include "harness/verify/facts/facts.h"
#include "harness/verify/facts/ids.h"
#include "sdk/base/mem.h"

static void link_loads(struct hx_facts *facts)
{
    for (size_t i = 0; i < facts->entry_count; i++) {
        struct hx_fact_entry *entry = &facts->entries[i];
        const struct hx_led_entry *row = entry->open;

        if (row->caller_seq == 0) {
            entry->load = hx_table_get(&facts->load_by_request, row->request);
            if (entry->load != HX_NONE && facts->loads[entry->load].entry == HX_NONE)
                facts->loads[entry->load].entry = (uint32_t)i;
            continue;
        }
        entry->send = hx_table_get(&facts->send_by_seq, row->caller_seq);
        if (entry->send != HX_NONE && row->kind == HX_LED_ENTRY_HTTP)
            facts->sends[entry->send].arrivals++;
    }
}

static uint64_t message_key(const struct hx_led_entry *row)
{
    uint64_t place = (uint64_t)row->op << 32 | (uint32_t)row->partition;

    return (uint64_t)row->offset ^ place * UINT64_C(0x9e3779b97f4a7c15);
}

/* One operation is one consumer group on one topic: the same place twice is a redelivery. A message
 * has arrived once for each group that handled it to the end. */
static enum otel_err link_messages(struct hx_facts *facts)
{
    struct hx_table seen, handled;
    size_t messages = 0;

    for (size_t i = 0; i < facts->entry_count; i++)
        messages += facts->entries[i].open->kind == HX_LED_ENTRY_KAFKA;
    if (hx_table_init(&seen, messages) != OTEL_OK)
        return OTEL_ERR_MEMORY;
    if (hx_table_init(&handled, messages) != OTEL_OK) {
        hx_table_fini(&seen);
        return OTEL_ERR_MEMORY;
    }
    for (size_t i = 0; i < facts->entry_count; i++) {
        struct hx_fact_entry *entry = &facts->entries[i];
        uint64_t key = message_key(entry->open);

        if (entry->open->kind != HX_LED_ENTRY_KAFKA)
            continue;
        entry->again = hx_table_put(&seen, key, (uint32_t)i) != i;
        if (entry->send != HX_NONE && entry->close != NULL &&
            hx_table_put(&handled, key, (uint32_t)i) == i)
            facts->sends[entry->send].arrivals++;
    }
    hx_table_fini(&seen);
    hx_table_fini(&handled);
    return OTEL_OK;
}

static void link_span(struct hx_facts *facts, uint32_t n)
{
    struct hx_fact_span *span = &facts->spans[n];
    const struct hx_led_span *row = span->open;

    if (row->entry_seq != 0)
        span->entry = hx_table_get(&facts->entry_by_seq, row->entry_seq);
    if (row->parent_seq != 0)
        span->parent = hx_table_get(&facts->span_by_seq, row->parent_seq);
    if ((row->entry_seq != 0 && span->entry == HX_NONE) ||
        (row->parent_seq != 0 && span->parent == HX_NONE))
        facts->dangling++;
    if (span->entry != HX_NONE && facts->entries[span->entry].open->op == row->op &&
        facts->entries[span->entry].span == HX_NONE)
        facts->entries[span->entry].span = n;
}

/* The others of a batch have the span of its first message. */
static void link_batches(struct hx_facts *facts)
{
    for (uint32_t i = 0; i < facts->entry_count; i++) {
        struct hx_fact_entry *entry = &facts->entries[i];
        const struct hx_led_record *head = &entry->open->head;

        if (head->flags == 0 || entry->open->kind != HX_LED_ENTRY_KAFKA)
            continue;
        entry->first = hx_table_get(&facts->entry_by_seq, head->seq - head->flags);
        if (entry->first == HX_NONE || facts->entries[entry->first].process != entry->process)
            facts->dangling++;
        else
            entry->span = facts->entries[entry->first].span;
    }
}

static bool same_trace(const struct hx_facts *facts, uint32_t a, uint32_t b)
{
    return memcmp(facts->spans[a].open->trace_id, facts->spans[b].open->trace_id, 16) == 0;
}

static enum otel_err link_traces(struct hx_facts *facts)
{
    size_t most = 0;

    for (uint32_t i = 0; i < facts->span_count; i++)
        most += facts->spans[i].parent == HX_NONE || !same_trace(facts, i, facts->spans[i].parent);
    facts->traces = otl_mem_zalloc((most > 0 ? most : 1) * sizeof *facts->traces);
    if (facts->traces == NULL || hx_table_init(&facts->trace_by_id, most) != OTEL_OK)
        return OTEL_ERR_MEMORY;
    for (uint32_t i = 0; i < facts->span_count; i++) {
        struct hx_fact_span *span = &facts->spans[i];
        uint32_t n = (uint32_t)facts->trace_count, at;

        at = hx_table_put(&facts->trace_by_id, hx_trace_key(span->open->trace_id), n);
        if (at == HX_NONE)
            return OTEL_ERR_CORRUPT;
        if (at == n) {
            facts->traces[n].first = HX_NONE;
            facts->trace_count++;
        }
        span->trace = at;
        span->next_in_trace = facts->traces[at].first;
        facts->traces[at].first = i;
        facts->traces[at].spans++;
        facts->traces[at].sampled += hx_facts_sampled(span);
    }
    return OTEL_OK;
}

enum otel_err hx_facts_link(struct hx_facts *facts)
{
    enum otel_err err;

    link_loads(facts);
    for (size_t i = 0; i < facts->send_count; i++) {
        struct hx_fact_send *send = &facts->sends[i];

        send->span = hx_table_get(&facts->span_by_seq, send->open->head.seq);
        if (send->entry == HX_NONE) /* in a ledger that was read later */
            send->entry = hx_table_get(&facts->entry_by_seq, send->open->entry_seq);
    }
    err = link_messages(facts);
    if (err != OTEL_OK)
        return err;
    for (uint32_t i = 0; i < facts->span_count; i++)
        link_span(facts, i);
    link_batches(facts);
    return link_traces(facts);
}

/* ---- drop records --------------------------------------------------------------------------- */

static void read_drop(struct hx_facts *facts, struct hx_fact_process *process,
                      const struct hx_drop_row *row)
{
    bool unnamed = hx_id_zero(row->trace_id, 16) && hx_id_zero(row->span_id, 8);
    bool known = process != NULL && row->reason <= HX_DROP_NO_MEMORY;
    uint32_t span;

    if (known && unnamed) {
        process->drops_unnamed[row->reason] += row->count > 0 ? row->count : 1;
        return;
    }
    if (known)
        process->drops_named[row->reason]++;
    span = hx_facts_span_by_ids(facts, row->trace_id, row->span_id);
    if (span == HX_NONE || row->reason > HX_DROP_NO_MEMORY)
        facts->drops_unknown++;
    else
        facts->spans[span].opinion = (uint8_t)row->reason;
}

void hx_facts_read_drops(struct hx_facts *facts)
{
    const struct hx_led_drops *drops;

    for (size_t i = 0; (drops = hx_led_reader_drops(facts->ledger, i)) != NULL; i++) {
        uint32_t process =
            hx_facts_process_of_seq(facts, (uint64_t)drops->header->process << 40);

        if (process != HX_NONE)
            facts->processes[process].drops = drops;
        for (size_t k = 0; k < drops->count; k++) {
            if (drops->rows[k].reason != 0)
                read_drop(facts, process != HX_NONE ? &facts->processes[process] : NULL,
                          &drops->rows[k]);
        }
    }
}
