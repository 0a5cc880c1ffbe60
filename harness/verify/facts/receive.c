/* SPDX-License-Identifier: Apache-2.0 */
/* From the tap to rows: every span that arrived at the socket, held against what was asked for. */
#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "collector-mock/wire/traces.h"
#include "harness/verify/facts/agents.h"
#include "harness/verify/facts/content.h"
#include "harness/verify/facts/ids.h"
#include "sdk/base/mem.h"

struct receiver {
    struct hx_facts *facts;
    struct hx_table resource_by_hash;
    struct hx_table request_by_number;
    uint64_t last_resources; /* traces.resources of the span before */
    uint32_t resource;
    uint64_t life_mix;
};

enum { MAX_RESOURCES = 1 << 20 };

/* ---- resources ------------------------------------------------------------------------------ */

const struct hx_service *hx_facts_foreign_named(const struct hx_scenario *scenario,
                                                struct otl_view name)
{
    for (size_t i = 0; i < scenario->service_count; i++)
        if (scenario->services[i].foreign != NULL &&
            otl_view_is(name, scenario->services[i].name))
            return &scenario->services[i];
    return NULL;
}

static enum otel_err resource_row(struct receiver *r, const struct col_resource *resource,
                                  uint32_t *ret)
{
    struct hx_facts *facts = r->facts;
    uint64_t hash = XXH3_64bits(resource->raw.len > 0 ? resource->raw.data : "", resource->raw.len);
    uint32_t n = (uint32_t)facts->resource_count;
    uint32_t at = hx_table_get(&r->resource_by_hash, hash);

    if (at != HX_NONE) {
        *ret = at;
        return OTEL_OK;
    }
    if (n == facts->resource_cap) {
        size_t cap = n > 0 ? (size_t)n * 2 : 64;
        void *grown = otl_mem_realloc(facts->resources, cap * sizeof *facts->resources);

        if (grown == NULL)
            return OTEL_ERR_MEMORY;
        facts->resources = grown;
        facts->resource_cap = cap;
    }
    if (hx_table_put(&r->resource_by_hash, hash, n) == HX_NONE)
        return OTEL_ERR_LIMIT;
    memset(&facts->resources[n], 0, sizeof facts->resources[n]);
    facts->resources[n].process = HX_NONE;
    facts->resources[n].raw = resource->raw;
    hx_content_resource(resource, &facts->resources[n]);
    facts->resources[n].foreign =
        hx_facts_foreign_named(facts->scenario, facts->resources[n].service);
    facts->resource_count++;
    *ret = n;
    return OTEL_OK;
}

/* ---- spans ---------------------------------------------------------------------------------- */

/* The context that the entry's sender put its span into: what a link must name. */
static const struct hx_led_span *caller_of(const struct hx_facts *facts, uint32_t entry)
{
    uint32_t send = facts->entries[entry].send;

    if (send == HX_NONE || facts->sends[send].span == HX_NONE)
        return NULL;
    return facts->spans[facts->sends[send].span].open;
}

/* Whom the links of an entry's span name: the sender, or each sender of a batch. */
static void match_links(struct hx_facts *facts, uint32_t span, const struct col_list *links)
{
    uint32_t entry = span != HX_NONE ? facts->spans[span].entry : HX_NONE;

    if (entry == HX_NONE || facts->entries[entry].span != span)
        return;
    for (uint32_t i = entry; i < facts->entry_count; i++) {
        const struct hx_led_span *caller = caller_of(facts, i);
        if (i != entry && facts->entries[i].first != entry)
            break; /* a batch's entries lie one behind the other */
        if (caller != NULL && hx_content_links_to(links, caller->trace_id, caller->span_id))
            facts->entries[i].linked = true;
    }
}

uint32_t hx_facts_find_span(const struct hx_facts *facts, struct hx_fact_received *row)
{
    if (row->seq != 0)
        return hx_table_get(&facts->span_by_seq, row->seq);
    row->flags |= HX_RECEIVED_NO_SEQ;
    return hx_facts_span_by_ids(facts, row->trace_id, row->span_id);
}

static void attach(struct hx_facts *facts, uint32_t n)
{
    struct hx_fact_received *row = &facts->received[n];
    struct hx_fact_span *span;
    uint32_t at;

    if (row->span == HX_NONE)
        return;
    span = &facts->spans[row->span];
    if (span->received == HX_NONE) {
        span->received = n;
        span->altered = row->altered;
        facts->traces[span->trace].received++;
        return;
    }
    for (at = span->received; facts->received[at].next != HX_NONE;)
        at = facts->received[at].next;
    facts->received[at].next = n;
}

/* A span that no ledger asked for, of a service that has none. */
static void add_foreign(struct hx_facts *facts, uint32_t n, struct col_list links)
{
    struct hx_fact_received *row = &facts->received[n];
    const struct hx_service *service = facts->resources[row->resource].foreign;
    struct col_link link;

    if (service == NULL)
        return;
    row->flags |= HX_RECEIVED_FOREIGN;
    hx_table_put(&facts->foreign_by_id, hx_span_key(row->span_id), n);
    hx_table_put(&facts->foreign_by_parent,
                 hx_facts_tie_key(service, row->trace_id, row->parent_span_id), n);
    while (col_link_next(&links, &link)) /* those over the table's room are not found again */
        hx_table_put(&facts->foreign_by_link,
                     hx_facts_tie_key(service, link.trace_id, link.span_id), n);
}

static void add_span(struct receiver *r, const struct col_span *span, uint32_t request)
{
    struct hx_facts *facts = r->facts;
    uint32_t n = (uint32_t)facts->received_count++;
    struct hx_fact_received *row = &facts->received[n];
    struct hx_led_content content;

    hx_content_row(span, row, &content);
    row->request = request;
    row->resource = r->resource;
    row->span = hx_facts_find_span(facts, row);
    if (span->links.count > 0) {
        row->flags |= HX_RECEIVED_HAS_LINKS;
        if (row->span == HX_NONE || facts->spans[row->span].received == HX_NONE)
            match_links(facts, row->span, &span->links);
    }
    if (row->span == HX_NONE)
        add_foreign(facts, n, span->links);
    else
        row->altered = hx_content_compare(&facts->spans[row->span], row, &content);
    attach(facts, n);
}

/* ---- requests ------------------------------------------------------------------------------- */

static enum otel_err add_request(struct receiver *r, const struct col_tap_record *record)
{
    struct hx_facts *facts = r->facts;
    uint32_t n = (uint32_t)facts->request_count++;
    struct hx_fact_request *request = &facts->requests[n];
    struct col_traces traces;
    struct col_span span;
    enum otel_err err = OTEL_OK;

    hx_facts_request_init(request, record);
    if (hx_table_put(&r->request_by_number, record->life << 48 ^ record->request, n) == HX_NONE)
        return OTEL_ERR_LIMIT;
    r->last_resources = 0;
    col_traces_init(&traces, record->body);
    while (err == OTEL_OK && col_traces_next(&traces, &span)) {
        if (facts->received_count == facts->received_cap) {
            facts->tap_damaged = true; /* more than its writer counted */
            break;
        }
        if (traces.resources != r->last_resources)
            err = resource_row(r, span.resource, &r->resource);
        r->last_resources = traces.resources;
        if (err == OTEL_OK)
            add_span(r, &span, n);
        request->spans++;
    }
    request->undecodable = col_traces_error(&traces, NULL) != OTEL_OK;
    facts->tap_undecodable += request->undecodable;
    return err;
}

static void answer(struct receiver *r, const struct col_tap_record *record)
{
    uint32_t n = hx_table_get(&r->request_by_number, record->life << 48 ^ record->request);

    if (n == HX_NONE)
        return;
    hx_facts_answered(&r->facts->requests[n], record);
}

void hx_facts_request_init(struct hx_fact_request *request, const struct col_tap_record *record)
{
    request->life = record->life;
    request->number = record->request;
    request->mono_ns = record->mono_ns;
    request->body = record->body;
    request->process = HX_NONE;
}

void hx_facts_answered(struct hx_fact_request *request, const struct col_tap_record *record)
{
    request->answered_ns = record->mono_ns;
    request->status = record->status;
    request->success = record->transport == COL_TAP_GRPC
                           ? record->status == 0
                           : record->status >= 200 && record->status <= 299;
    request->rejected = record->rejected_spans;
    request->unsent = (record->flags & COL_TAP_UNSENT) != 0;
}

/* Who sent what: by the process in the seq of the spans. What comes by way of an agent that one
 * sent; its own tap says what the process did. */
static void attribute_requests(struct hx_facts *facts)
{
    for (size_t i = 0; i < facts->received_count; i++) {
        const struct hx_fact_received *row = &facts->received[i];
        struct hx_fact_request *request = &facts->requests[row->request];
        struct hx_fact_resource *resource = &facts->resources[row->resource];
        uint32_t process;

        if (row->span == HX_NONE || (request->process != HX_NONE && resource->process != HX_NONE))
            continue;
        process = facts->spans[row->span].process;
        if (resource->process == HX_NONE)
            resource->process = process;
        if (request->process != HX_NONE)
            continue;
        request->process = process;
        if (hx_facts_agent(facts, process) != NULL)
            continue;
        facts->processes[process].tap_requests++;
        facts->processes[process].tap_bytes += request->body.len;
        if (request->success)
            facts->processes[process].tap_rejected +=
                request->rejected < request->spans ? request->rejected : request->spans;
    }
}

bool hx_facts_is_request(const struct col_tap_record *record)
{
    return record->type == COL_TAP_REQUEST && record->signal == COL_TAP_TRACES &&
           record->encoding == COL_TAP_PROTOBUF;
}

static enum otel_err make_room(struct receiver *r)
{
    struct hx_facts *facts = r->facts;
    struct col_tap_record record;
    struct col_tap_reader scan = facts->tap;
    uint64_t spans = 0;
    bool foreign = false;

    while (col_tap_next(&scan, &record)) {
        if (!hx_facts_is_request(&record))
            continue;
        /* the smallest span that is one takes two bytes of its request */
        spans += record.spans < record.body.len ? record.spans : record.body.len;
        facts->request_cap++;
    }
    if (spans >= HX_NONE || facts->request_cap >= HX_NONE)
        return OTEL_ERR_LIMIT;
    facts->received_cap = (size_t)spans;
    facts->received = otl_mem_zalloc((spans > 0 ? (size_t)spans : 1) * sizeof *facts->received);
    facts->requests = otl_mem_zalloc((facts->request_cap + 1) * sizeof *facts->requests);
    if (facts->received == NULL || facts->requests == NULL)
        return OTEL_ERR_MEMORY;
    for (size_t i = 0; i < facts->scenario->service_count; i++)
        foreign = foreign || facts->scenario->services[i].foreign != NULL;
    if (foreign && (hx_table_init(&facts->foreign_by_id, facts->received_cap) != OTEL_OK ||
                    hx_table_init(&facts->foreign_by_parent, facts->received_cap) != OTEL_OK ||
                    hx_table_init(&facts->foreign_by_link, facts->received_cap) != OTEL_OK))
        return OTEL_ERR_MEMORY;
    if (hx_table_init(&r->request_by_number, facts->request_cap) != OTEL_OK)
        return OTEL_ERR_MEMORY;
    return hx_table_init(&r->resource_by_hash,
                         spans < MAX_RESOURCES ? (size_t)spans : MAX_RESOURCES);
}

enum otel_err hx_facts_read_tap(struct hx_facts *facts, const char *dir,
                                struct otl_detail *reterr)
{
    struct receiver r = {.facts = facts};
    struct col_tap_record record;
    char path[4096];
    enum otel_err err;

    snprintf(path, sizeof path, "%s/spans/tap.bin", dir);
    err = col_tap_open(path, &facts->tap, reterr);
    if (err == OTEL_ERR_NOT_FOUND) {
        if (reterr != NULL)
            *reterr = (struct otl_detail)OTL_DETAIL_NONE;
        col_tap_from_memory(otl_view(NULL, 0), &facts->tap);
        err = OTEL_OK;
    } else if (err == OTEL_OK) {
        facts->tap_open = true;
    }
    if (err == OTEL_OK)
        err = make_room(&r);
    while (err == OTEL_OK && col_tap_next(&facts->tap, &record)) {
        if (record.type == COL_TAP_ANSWER)
            answer(&r, &record);
        else if (hx_facts_is_request(&record))
            err = add_request(&r, &record);
        else if (record.type == COL_TAP_REQUEST && record.signal == COL_TAP_TRACES)
            facts->tap_undecodable++; /* OTLP/JSON: not read here */
    }
    facts->tap_torn = facts->tap.torn;
    facts->tap_damaged |= facts->tap.damaged;
    hx_table_fini(&r.resource_by_hash);
    hx_table_fini(&r.request_by_number);
    if (err == OTEL_OK)
        attribute_requests(facts);
    return err;
}
