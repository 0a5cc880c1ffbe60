/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/facts/facts.h"

#include <string.h>

#include "harness/verify/facts/agents.h"
#include "harness/verify/facts/ids.h"
#include "sdk/base/mem.h"

uint32_t hx_facts_span_by_ids(const struct hx_facts *facts, const uint8_t trace_id[16],
                              const uint8_t span_id[8])
{
    uint32_t row = hx_table_get(&facts->span_by_ids, hx_span_key(span_id));
    const struct hx_led_span *span;

    if (row == HX_NONE)
        return HX_NONE;
    span = facts->spans[row].open;
    if (memcmp(span->trace_id, trace_id, 16) != 0 || memcmp(span->span_id, span_id, 8) != 0)
        return HX_NONE;
    return row;
}

uint32_t hx_facts_process_of_seq(const struct hx_facts *facts, uint64_t seq)
{
    uint64_t number = seq >> 40;

    for (size_t i = 0; i < facts->process_count; i++) {
        if (facts->processes[i].number == number)
            return (uint32_t)i;
    }
    return HX_NONE;
}

const char *hx_facts_service(const struct hx_facts *facts, uint32_t process)
{
    const struct hx_fact_process *p;

    if (process >= facts->process_count)
        return "?";
    p = &facts->processes[process];
    if (p->service != NULL)
        return p->service->name;
    return p->open != NULL && p->open->service == UINT32_MAX ? "load" : "?";
}

bool hx_facts_untraced(const struct hx_facts *facts, uint32_t process)
{
    const struct hx_service *service =
        process < facts->process_count ? facts->processes[process].service : NULL;

    return service != NULL && !service->tracing.enabled;
}

bool hx_facts_foreign(const struct hx_facts *facts, uint32_t process)
{
    const struct hx_service *service =
        process < facts->process_count ? facts->processes[process].service : NULL;

    return service != NULL && service->foreign != NULL;
}

uint32_t hx_facts_foreign_span(const struct hx_facts *facts, const uint8_t trace_id[16],
                               const uint8_t span_id[8])
{
    uint32_t n = facts->foreign_by_id.rows != NULL
                     ? hx_table_get(&facts->foreign_by_id, hx_span_key(span_id))
                     : HX_NONE;

    return n != HX_NONE && memcmp(facts->received[n].trace_id, trace_id, 16) == 0 ? n : HX_NONE;
}

uint64_t hx_facts_tie_key(const struct hx_service *service, const uint8_t trace_id[16],
                          const uint8_t span_id[8])
{
    uint64_t key = hx_trace_key(trace_id) * UINT64_C(0x9e3779b97f4a7c15) ^ hx_span_key(span_id);

    return key + service->index * UINT64_C(0xd6e8feb86659fd93);
}

static uint32_t tied(const struct hx_table *table, const struct hx_service *service,
                     const uint8_t trace_id[16], const uint8_t span_id[8])
{
    return table->rows != NULL ? hx_table_get(table, hx_facts_tie_key(service, trace_id, span_id))
                               : HX_NONE;
}

uint32_t hx_facts_foreign_child(const struct hx_facts *facts, const struct hx_service *service,
                                const uint8_t trace_id[16], const uint8_t parent_span_id[8])
{
    return tied(&facts->foreign_by_parent, service, trace_id, parent_span_id);
}

uint32_t hx_facts_foreign_linked(const struct hx_facts *facts, const struct hx_service *service,
                                 const uint8_t trace_id[16], const uint8_t span_id[8])
{
    return tied(&facts->foreign_by_link, service, trace_id, span_id);
}

bool hx_facts_sampled(const struct hx_fact_span *span)
{
    return (span->open->head.flags & HX_LED_SPAN_SAMPLED) != 0;
}

const char *hx_facts_op_name(const struct hx_facts *facts, uint32_t op)
{
    return op < facts->scenario->operation_count ? facts->scenario->operations[op].name : "?";
}

bool hx_facts_warmup(const struct hx_facts *facts, uint64_t request)
{
    uint32_t row = request != 0 ? hx_table_get(&facts->load_by_request, request) : HX_NONE;

    return row != HX_NONE && (facts->loads[row].open->head.flags & HX_LED_LOAD_WARMUP) != 0;
}

enum otel_err hx_facts_load(const char *dir, const struct hx_scenario *scenario,
                            struct hx_facts **ret, struct otl_detail *reterr)
{
    struct hx_facts *facts = otl_mem_zalloc(sizeof *facts);
    enum otel_err err = OTEL_ERR_MEMORY;

    if (facts == NULL)
        goto fail;
    facts->scenario = scenario;
    err = hx_facts_read_ledger(facts, dir, reterr);
    if (err == OTEL_OK)
        err = hx_facts_link(facts);
    if (err != OTEL_OK)
        goto fail;
    hx_facts_read_drops(facts);
    err = hx_facts_read_tap(facts, dir, reterr);
    if (err == OTEL_OK)
        err = hx_facts_read_agents(facts, dir, reterr);
    if (err != OTEL_OK)
        goto fail;
    *ret = facts;
    return OTEL_OK;

fail:
    hx_facts_free(facts);
    return otl_detail_set(reterr, err, dir, 0, 0, "%s", otel_err_text(err));
}

void hx_facts_free(struct hx_facts *facts)
{
    if (facts == NULL)
        return;
    for (size_t i = 0; i < facts->process_count; i++) {
        otl_mem_free(facts->processes[i].instance);
        otl_mem_free(facts->processes[i].sampler);
    }
    otl_mem_free(facts->processes);
    otl_mem_free(facts->spans);
    otl_mem_free(facts->entries);
    otl_mem_free(facts->sends);
    otl_mem_free(facts->loads);
    otl_mem_free(facts->baggage);
    otl_mem_free(facts->received);
    otl_mem_free(facts->requests);
    otl_mem_free(facts->resources);
    otl_mem_free(facts->traces);
    hx_table_fini(&facts->span_by_seq);
    hx_table_fini(&facts->span_by_ids);
    hx_table_fini(&facts->entry_by_seq);
    hx_table_fini(&facts->send_by_seq);
    hx_table_fini(&facts->load_by_request);
    hx_table_fini(&facts->trace_by_id);
    hx_table_fini(&facts->foreign_by_id);
    hx_table_fini(&facts->foreign_by_link);
    hx_table_fini(&facts->foreign_by_parent);
    hx_facts_free_agents(facts);
    if (facts->tap_open)
        col_tap_close(&facts->tap);
    hx_led_reader_free(facts->ledger);
    otl_mem_free(facts);
}
