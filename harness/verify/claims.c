/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/claims.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct claim {
    char id[80];
    char text[320];
    enum hx_verdict verdict;
    char expected[240];
    char observed[240];
    const json_t *evidence; /* borrowed; NULL: none */
};

static enum hx_verdict worse(enum hx_verdict a, enum hx_verdict b)
{
    if (a == HX_VERDICT_FAIL || b == HX_VERDICT_FAIL)
        return HX_VERDICT_FAIL;
    if (a == HX_VERDICT_INCONCLUSIVE || b == HX_VERDICT_INCONCLUSIVE)
        return HX_VERDICT_INCONCLUSIVE;
    return a == HX_VERDICT_NONE ? b : a;
}

static int add(json_t *list, const struct claim *claim, enum hx_verdict *verdict)
{
    json_t *item = json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", claim->id, "text", claim->text,
                             "verdict", hx_verdict_name(claim->verdict), "expected",
                             claim->expected, "observed", claim->observed);

    *verdict = worse(*verdict, claim->verdict);
    if (item != NULL && claim->evidence != NULL)
        json_object_set(item, "evidence", (json_t *)(uintptr_t)claim->evidence);
    return json_array_append_new(list, item);
}

static int claim_check(const struct hx_judgement *j, json_t *list, enum hx_check_id id,
                       const char *name, enum hx_verdict *verdict)
{
    struct claim claim = {.verdict = HX_VERDICT_INCONCLUSIVE};

    snprintf(claim.id, sizeof claim.id, "check.%.64s", name);
    snprintf(claim.text, sizeof claim.text, "check %.64s", name);
    if (id == HX_CHECK_COUNT) {
        snprintf(claim.expected, sizeof claim.expected, "a check of this name");
        snprintf(claim.observed, sizeof claim.observed, "there is none");
        return add(list, &claim, verdict);
    }
    claim.verdict = hx_check_verdict(&j->checks, id);
    snprintf(claim.expected, sizeof claim.expected, "%s", hx_check_expected(id));
    hx_check_observed(&j->checks, id, claim.observed, sizeof claim.observed);
    if (claim.verdict == HX_VERDICT_NONE) {
        claim.verdict = HX_VERDICT_INCONCLUSIVE;
        snprintf(claim.observed, sizeof claim.observed, "there was nothing to judge");
    }
    claim.evidence = j->checks.list[id].evidence;
    return add(list, &claim, verdict);
}

static bool named(const struct hx_claims *claims, enum hx_check_id id)
{
    for (size_t i = 0; i < claims->check_count; i++) {
        if (strcmp(claims->checks[i], hx_check_name(id)) == 0)
            return true;
    }
    return false;
}

static int claim_checks(const struct hx_judgement *j, json_t *list, enum hx_verdict *verdict)
{
    static const enum hx_check_id ALWAYS[] = {HX_CHECK_NOT_EMPTY, HX_CHECK_LEDGER, HX_CHECK_TAP};
    const struct hx_claims *claims = &j->scenario->claims;
    int bad = 0;

    if (claims->checks == NULL) {
        for (int i = 0; i < HX_CHECK_COUNT; i++)
            *verdict = worse(*verdict, hx_check_verdict(&j->checks, (enum hx_check_id)i));
        return 0;
    }
    for (size_t i = 0; i < claims->check_count; i++)
        bad |= claim_check(j, list, hx_check_by_name(claims->checks[i]), claims->checks[i],
                           verdict);
    for (size_t i = 0; i < sizeof ALWAYS / sizeof ALWAYS[0]; i++) {
        if (!named(claims, ALWAYS[i]))
            bad |= claim_check(j, list, ALWAYS[i], hx_check_name(ALWAYS[i]), verdict);
    }
    return bad;
}

static int claim_spans(const struct hx_judgement *j, json_t *list, enum hx_verdict *verdict)
{
    double least = j->scenario->claims.spans_per_request_min, seen = 0;
    struct claim claim = {.id = "spans_per_request", .verdict = HX_VERDICT_INCONCLUSIVE};

    if (least <= 0)
        return 0;
    if (j->facts->load_count > 0) {
        seen = (double)j->books.started / (double)j->facts->load_count;
        claim.verdict = seen >= least ? HX_VERDICT_PASS : HX_VERDICT_FAIL;
    }
    snprintf(claim.text, sizeof claim.text, "at least %g spans a request", least);
    snprintf(claim.expected, sizeof claim.expected, ">= %g", least);
    snprintf(claim.observed, sizeof claim.observed, "%.2f (%" PRIu64 " spans, %zu requests)",
             seen, j->books.started, j->facts->load_count);
    return add(list, &claim, verdict);
}

json_t *hx_claims_judge(const struct hx_judgement *j, enum hx_verdict *ret_verdict)
{
    json_t *list = json_array();
    int bad;

    *ret_verdict = HX_VERDICT_NONE;
    bad = claim_checks(j, list, ret_verdict);
    bad |= claim_spans(j, list, ret_verdict);
    if (*ret_verdict == HX_VERDICT_NONE)
        *ret_verdict = HX_VERDICT_INCONCLUSIVE;
    if (bad == 0)
        return list;
    json_decref(list);
    return NULL;
}
