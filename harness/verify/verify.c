/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/verify.h"

#include "harness/verify/claims.h"
#include "harness/verify/judge/judge.h"
#include "harness/verify/namer/namer.h"
#include "harness/verify/path/paths.h"
#include "harness/verify/result.h"
#include "sdk/base/mem.h"

static void judge_all(struct hx_judgement *j)
{
    hx_judge_input(j);
    hx_judge_agents(j);
    hx_judge_delivery(j);
    hx_judge_counters(j);
    hx_judge_spans(j);
    hx_judge_propagation(j);
    hx_judge_sampling(j);
    hx_judge_shares(j);
    hx_judge_traces(j);
    hx_judge_resources(j);
    hx_judge_baggage(j);
    hx_judge_clocks(j);
    hx_judge_pipeline(j);
    hx_judge_tail(j);
    hx_judge_players(j);
    hx_judge_recordings(j);
}

enum otel_err hx_verify_run(const struct hx_verify_options *options, json_t **ret,
                            struct otl_detail *reterr)
{
    struct hx_judgement *j = otl_mem_zalloc(sizeof *j);
    struct hx_facts *facts = NULL;
    json_t *result = NULL;
    enum otel_err err;

    if (j == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, options->dir, 0, 0, "no memory");
    err = hx_facts_load(options->dir, options->scenario, &facts, reterr);
    if (err != OTEL_OK)
        goto out;
    j->facts = j->marks = facts;
    j->scenario = options->scenario;
    j->dir = options->dir;
    j->killed = options->killed;
    j->killed_count = options->killed_count;
    hx_checks_init(&j->checks, facts);
    judge_all(j);
    if (*options->scenario->claims.namer != '\0')
        err = hx_namer_run(options->dir, &j->namer, reterr);
    if (err == OTEL_OK && *options->scenario->claims.critical_path != '\0')
        err = hx_paths_run(options->dir, &j->path, reterr);
    if (err != OTEL_OK)
        goto judged;
    result = j->checks.memory ? NULL : hx_result(j);
    if (result == NULL)
        err = otl_detail_set(reterr, OTEL_ERR_MEMORY, options->dir, 0, 0, "no memory");
    else
        *ret = result;
judged:
    json_decref(j->namer);
    json_decref(j->path);
    for (size_t i = 0; i < j->edge_count; i++)
        hx_hdr_free(j->edges[i].latency);
    otl_mem_free(j->edges);
    hx_checks_fini(&j->checks);
out:
    hx_facts_free(facts);
    otl_mem_free(j);
    return err;
}
