/* SPDX-License-Identifier: Apache-2.0 */
/* What arrived at the sockets of agents, and what they count. Each has a tap of its own: a span of
 * a service behind one is held against that, and against the recording collector's. */
#include <stdio.h>
#include <string.h>

#include "collector-mock/wire/traces.h"
#include "harness/stats/prom.h"
#include "harness/verify/facts/agents.h"
#include "harness/verify/facts/content.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

enum { PATH_SIZE = 4096, METRICS_MAX = 16 << 20 };

struct reader {
    struct hx_facts *facts;
    struct hx_fact_agent *agent;
    struct hx_table request_by_number;
};

const struct hx_agent *hx_facts_agent(const struct hx_facts *facts, uint32_t process)
{
    const struct hx_service *service =
        process < facts->process_count ? facts->processes[process].service : NULL;

    return service != NULL ? service->tracing.agent : NULL;
}

/* ---- the tap -------------------------------------------------------------------------------- */

static enum otel_err take(struct hx_facts *facts, uint32_t span, uint32_t request)
{
    uint32_t n = (uint32_t)facts->taken_count, *link = &facts->taken_first[span];

    if (facts->taken_count == facts->taken_cap) {
        size_t cap = facts->taken_cap > 0 ? facts->taken_cap * 2 : 1024;
        void *grown = cap < HX_NONE ? otl_mem_realloc(facts->taken, cap * sizeof *facts->taken)
                                    : NULL;

        if (grown == NULL)
            return OTEL_ERR_MEMORY;
        facts->taken = grown;
        facts->taken_cap = cap;
    }
    while (*link != HX_NONE)
        link = &facts->taken[*link].next;
    *link = n;
    facts->taken[n] = (struct hx_fact_taken){.request = request, .next = HX_NONE};
    facts->taken_count++;
    return OTEL_OK;
}

static void attribute(struct hx_facts *facts, struct hx_fact_request *request, uint32_t process)
{
    if (request->process != HX_NONE)
        return;
    request->process = process;
    facts->processes[process].tap_requests++;
    facts->processes[process].tap_bytes += request->body.len;
}

/* No ledger asked for it: is it of a service that has none, and sends here? */
static bool comes_from_foreign(const struct reader *r, const struct col_resource *resource)
{
    struct hx_fact_resource row = {.process = HX_NONE};
    const struct hx_service *service;

    hx_content_resource(resource, &row);
    service = hx_facts_foreign_named(r->facts->scenario, row.service);
    return service != NULL && service->tracing.agent == r->agent->agent;
}

static enum otel_err pass(struct hx_fact_agent *agent, const struct hx_fact_received *row,
                          uint32_t request)
{
    if (agent->passing_count == agent->passing_cap) {
        size_t cap = agent->passing_cap > 0 ? agent->passing_cap * 2 : 1024;
        void *grown = cap < HX_NONE ? otl_mem_realloc(agent->passing, cap * sizeof *agent->passing)
                                    : NULL;

        if (grown == NULL)
            return OTEL_ERR_MEMORY;
        agent->passing = grown;
        agent->passing_cap = cap;
    }
    agent->passing[agent->passing_count].request = request;
    memcpy(agent->passing[agent->passing_count].trace_id, row->trace_id, 16);
    memcpy(agent->passing[agent->passing_count].span_id, row->span_id, 8);
    agent->passing_count++;
    return OTEL_OK;
}

static enum otel_err add_request(struct reader *r, const struct col_tap_record *record)
{
    struct hx_facts *facts = r->facts;
    uint32_t n = (uint32_t)r->agent->request_count++;
    struct hx_fact_request *request = &r->agent->requests[n];
    struct hx_fact_received row;
    struct hx_led_content content;
    struct col_traces traces;
    struct col_span span;
    enum otel_err err = OTEL_OK;

    hx_facts_request_init(request, record);
    if (hx_table_put(&r->request_by_number, record->life << 48 ^ record->request, n) == HX_NONE)
        return OTEL_ERR_LIMIT;
    col_traces_init(&traces, record->body);
    while (err == OTEL_OK && col_traces_next(&traces, &span)) {
        uint32_t at;

        hx_content_row(&span, &row, &content);
        at = hx_facts_find_span(facts, &row);
        request->spans++;
        if (at == HX_NONE && comes_from_foreign(r, span.resource)) {
            err = pass(r->agent, &row, n);
            continue;
        }
        if (at == HX_NONE || hx_facts_agent(facts, facts->spans[at].process) != r->agent->agent) {
            r->agent->strangers++;
            continue;
        }
        attribute(facts, request, facts->spans[at].process);
        err = take(facts, at, n);
    }
    request->undecodable = col_traces_error(&traces, NULL) != OTEL_OK;
    r->agent->undecodable += request->undecodable;
    return err;
}

static void answer(struct reader *r, const struct col_tap_record *record)
{
    uint32_t n = hx_table_get(&r->request_by_number, record->life << 48 ^ record->request);
    struct hx_fact_request *request = n != HX_NONE ? &r->agent->requests[n] : NULL;

    if (request == NULL)
        return;
    hx_facts_answered(request, record);
    if (request->success && request->process != HX_NONE)
        r->facts->processes[request->process].tap_rejected +=
            request->rejected < request->spans ? request->rejected : request->spans;
}

static enum otel_err make_room(struct reader *r)
{
    struct col_tap_reader scan = r->agent->tap;
    struct col_tap_record record;
    size_t count = 0;

    while (col_tap_next(&scan, &record))
        count += hx_facts_is_request(&record);
    if (count >= HX_NONE)
        return OTEL_ERR_LIMIT;
    r->agent->requests = otl_mem_zalloc((count + 1) * sizeof *r->agent->requests);
    return r->agent->requests != NULL ? hx_table_init(&r->request_by_number, count)
                                      : OTEL_ERR_MEMORY;
}

/* One that is missing is told by the judges. */
static enum otel_err read_tap(struct hx_facts *facts, struct hx_fact_agent *agent, const char *dir,
                              struct otl_detail *reterr)
{
    struct reader r = {.facts = facts, .agent = agent};
    struct col_tap_record record;
    char path[PATH_SIZE];
    enum otel_err err;

    snprintf(path, sizeof path, "%s/spans/%s.tap.bin", dir, agent->agent->name);
    err = col_tap_open(path, &agent->tap, reterr);
    if (err == OTEL_ERR_NOT_FOUND) {
        if (reterr != NULL)
            *reterr = (struct otl_detail)OTL_DETAIL_NONE;
        return OTEL_OK;
    }
    if (err != OTEL_OK)
        return err;
    agent->tap_open = true;
    err = make_room(&r);
    while (err == OTEL_OK && col_tap_next(&agent->tap, &record)) {
        if (record.type == COL_TAP_ANSWER)
            answer(&r, &record);
        else if (hx_facts_is_request(&record))
            err = add_request(&r, &record);
        else if (record.type == COL_TAP_REQUEST && record.signal == COL_TAP_TRACES)
            agent->undecodable++;
    }
    agent->tap_torn = agent->tap.torn;
    agent->tap_damaged = agent->tap.damaged;
    hx_table_fini(&r.request_by_number);
    return err;
}

/* ---- its numbers ---------------------------------------------------------------------------- */

/* What was refused by a full queue the client was told, and is no drop of the agent's; but where a
 * batch processor has acknowledged it before. */
static void read_metrics(struct hx_fact_agent *agent, const char *dir)
{
    char path[PATH_SIZE], label[160];
    struct otl_buf text;
    double failed = 0, refused = 0;

    otl_buf_init(&text, METRICS_MAX);
    snprintf(path, sizeof path, "%s/metrics/%s.prom", dir, agent->agent->name);
    snprintf(label, sizeof label, "exporter=\"%.120s\"", agent->agent->exporter);
    if (otl_file_read(path, &text, NULL) == OTEL_OK && text.len > 0)
        agent->counted =
            hx_prom_sum(text.data, "otelcol_exporter_send_failed_spans", label, &failed) &&
            hx_prom_sum(text.data, "otelcol_exporter_enqueue_failed_spans", label, &refused);
    otl_buf_fini(&text);
    if (agent->counted)
        agent->dropped =
            (uint64_t)failed + (agent->agent->acknowledges_first ? (uint64_t)refused : 0);
}

/* ---- all ------------------------------------------------------------------------------------ */

enum otel_err hx_facts_read_agents(struct hx_facts *facts, const char *dir,
                                   struct otl_detail *reterr)
{
    size_t count = facts->scenario->agent_count;
    enum otel_err err = OTEL_OK;

    if (count == 0)
        return OTEL_OK;
    facts->agents = otl_mem_zalloc(count * sizeof *facts->agents);
    facts->taken_first = otl_mem_zalloc((facts->span_count + 1) * sizeof *facts->taken_first);
    if (facts->agents == NULL || facts->taken_first == NULL)
        return OTEL_ERR_MEMORY;
    memset(facts->taken_first, 0xff, (facts->span_count + 1) * sizeof *facts->taken_first);
    for (size_t i = 0; i < count; i++)
        facts->agents[i].agent = &facts->scenario->agents[i];
    for (size_t i = 0; i < count && err == OTEL_OK; i++) {
        err = read_tap(facts, &facts->agents[i], dir, reterr);
        read_metrics(&facts->agents[i], dir);
    }
    return err;
}

void hx_facts_free_agents(struct hx_facts *facts)
{
    for (size_t i = 0; facts->agents != NULL && i < facts->scenario->agent_count; i++) {
        otl_mem_free(facts->agents[i].requests);
        otl_mem_free(facts->agents[i].passing);
        if (facts->agents[i].tap_open)
            col_tap_close(&facts->agents[i].tap);
    }
    otl_mem_free(facts->agents);
    otl_mem_free(facts->taken);
    otl_mem_free(facts->taken_first);
}
