/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/claims.h"

#include "harness/verify/judge/edges.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct claim {
    char id[80];
    char text[320];
    enum hx_verdict verdict;
    char expected[240];
    char observed[480];
    const json_t *evidence; /* borrowed; NULL: none */
    json_t *own;            /* evidence of the claim's own, taken by add(); NULL: none */
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
    json_t *item =
        json_pack("{s:o, s:o, s:s, s:o, s:o}", "id", hx_text_json(claim->id, strlen(claim->id)),
                  "text", hx_text_json(claim->text, strlen(claim->text)), "verdict",
                  hx_verdict_name(claim->verdict), "expected",
                  hx_text_json(claim->expected, strlen(claim->expected)), "observed",
                  hx_text_json(claim->observed, strlen(claim->observed)));

    *verdict = worse(*verdict, claim->verdict);
    if (item != NULL && claim->evidence != NULL)
        json_object_set(item, "evidence", (json_t *)(uintptr_t)claim->evidence);
    if (item != NULL && claim->own != NULL)
        json_object_set(item, "evidence", claim->own);
    json_decref(claim->own);
    return json_array_append_new(list, item);
}

/* What is missing of the recordings may be all that is wrong. */
static void soften(const struct hx_judgement *j, struct claim *claim)
{
    size_t used = strlen(claim->observed);

    if (claim->verdict != HX_VERDICT_FAIL || j->missing[0] == '\0')
        return;
    claim->verdict = HX_VERDICT_INCONCLUSIVE;
    snprintf(claim->observed + used, sizeof claim->observed - used, "; %s", j->missing);
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
    snprintf(claim.expected, sizeof claim.expected, "%s", hx_check_expected(&j->checks, id));
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
    if (!named(claims, HX_CHECK_PLAYER_ERRED) &&
        hx_check_verdict(&j->checks, HX_CHECK_PLAYER_ERRED) != HX_VERDICT_NONE)
        bad |= claim_check(j, list, HX_CHECK_PLAYER_ERRED, hx_check_name(HX_CHECK_PLAYER_ERRED),
                           verdict);
    return bad;
}

/* Requests that got as far as the fleet; all, where nobody keeps a ledger of them. */
static size_t reached(const struct hx_facts *facts)
{
    size_t count = 0;

    for (size_t i = 0; i < facts->load_count; i++)
        count += facts->loads[i].entry != HX_NONE;
    return count > 0 ? count : facts->load_count;
}

static int claim_spans(const struct hx_judgement *j, json_t *list, enum hx_verdict *verdict)
{
    double least = j->scenario->claims.spans_per_request_min, seen = 0;
    struct claim claim = {.id = "spans_per_request", .verdict = HX_VERDICT_INCONCLUSIVE};
    size_t requests = reached(j->facts);

    if (least <= 0)
        return 0;
    if (requests > 0) {
        seen = (double)j->books.started / (double)requests;
        claim.verdict = seen >= least ? HX_VERDICT_PASS : HX_VERDICT_FAIL;
    }
    snprintf(claim.text, sizeof claim.text, "at least %g spans a request", least);
    snprintf(claim.expected, sizeof claim.expected, ">= %g", least);
    snprintf(claim.observed, sizeof claim.observed, "%.2f (%" PRIu64 " spans, %zu requests)",
             seen, j->books.started, requests);
    soften(j, &claim);
    return add(list, &claim, verdict);
}

/* ---- edges ---------------------------------------------------------------------------------- */

static void start_edge(const struct hx_edge_claim *edge, const char *kind, size_t n,
                       struct claim *claim)
{
    memset(claim, 0, sizeof *claim);
    snprintf(claim->id, sizeof claim->id, "%s.%zu", kind, n + 1);
    snprintf(claim->text, sizeof claim->text, "%s: %s", kind, edge->text);
    snprintf(claim->observed, sizeof claim->observed, "no call");
    claim->verdict = HX_VERDICT_FAIL;
}

static void tell_edge(const struct hx_edge *edge, struct claim *claim)
{
    snprintf(claim->observed, sizeof claim->observed,
             "%" PRIu64 " calls, %" PRIu64 " sampled, %" PRIu64 " complete, %" PRIu64 " broken%s%s",
             edge->calls, edge->sampled, edge->complete, edge->broken,
             edge->why[0] != '\0' ? ": " : "", edge->why);
    if (edge->not_judged > 0)
        snprintf(claim->observed + strlen(claim->observed),
                 sizeof claim->observed - strlen(claim->observed), ", %" PRIu64 " not judged",
                 edge->not_judged);
}

/* One call that shows why the claim fails. */
static void show_call(const struct hx_judgement *j, const struct hx_edge *edge, uint32_t span,
                      const char *why, struct claim *claim)
{
    const struct hx_where where = {.span = span == HX_NONE ? 0 : span + 1, .edge = edge->text};

    claim->own = json_array();
    json_array_append_new(claim->own, hx_evidence(j->facts, &where, why));
}

/* The first hop that is broken, or else that lacks a span. */
static void show_lack(const struct hx_judgement *j, const struct hx_edge *edge,
                      struct claim *claim)
{
    const struct hx_where where = {.edge = edge->text, .trace_id = edge->example};

    if (edge->has_example) {
        claim->own = json_array();
        json_array_append_new(claim->own, hx_evidence(j->facts, &where, edge->why));
    } else if (edge->lacks != NULL) {
        show_call(j, edge, edge->lacks_span, edge->lacks, claim);
    }
}

/* What lacks may lie with a service that has no ledger. */
static bool not_knowable(const struct hx_edge *edge)
{
    return edge->broken == 0 && edge->not_judged > 0 &&
           edge->complete + edge->not_judged >= edge->sampled;
}

static int claim_required(const struct hx_judgement *j, json_t *list, enum hx_verdict *verdict)
{
    const struct hx_claims *claims = &j->scenario->claims;
    int bad = 0;

    for (size_t i = 0; i < claims->required_count; i++) {
        const struct hx_edge_claim *wanted = &claims->required[i];
        const struct hx_edge *edge = hx_edge_find(j, wanted->from_op, wanted->to_op);
        struct claim claim;

        start_edge(wanted, "required", i, &claim);
        snprintf(claim.expected, sizeof claim.expected,
                 "seen in the received spans, every sampled call complete");
        if (edge != NULL) {
            tell_edge(edge, &claim);
            if (edge->broken == 0 && edge->complete > 0 && edge->complete == edge->sampled)
                claim.verdict = HX_VERDICT_PASS;
            else if (not_knowable(edge) && j->scenario->claims.allow_unknown && edge->complete > 0)
                claim.verdict = HX_VERDICT_PASS;
            else if (not_knowable(edge) ||
                     (edge->broken == 0 && edge->calls > 0 && edge->sampled == 0))
                claim.verdict = HX_VERDICT_INCONCLUSIVE;
            if (claim.verdict != HX_VERDICT_PASS)
                show_lack(j, edge, &claim);
        }
        soften(j, &claim);
        bad |= add(list, &claim, verdict);
    }
    return bad;
}

static int claim_forbidden(const struct hx_judgement *j, json_t *list, enum hx_verdict *verdict)
{
    const struct hx_claims *claims = &j->scenario->claims;
    int bad = 0;

    for (size_t i = 0; i < claims->forbidden_count; i++) {
        const struct hx_edge_claim *unwanted = &claims->forbidden[i];
        const struct hx_edge *edge = hx_edge_find(j, unwanted->from_op, unwanted->to_op);
        struct claim claim;

        start_edge(unwanted, "forbidden", i, &claim);
        snprintf(claim.expected, sizeof claim.expected, "never called");
        if (edge != NULL && edge->calls > 0) {
            tell_edge(edge, &claim);
            show_call(j, edge, edge->first_span, "called, though it is forbidden", &claim);
        } else {
            claim.verdict = j->facts->entry_count > 0 ? HX_VERDICT_PASS : HX_VERDICT_INCONCLUSIVE;
        }
        bad |= add(list, &claim, verdict);
    }
    return bad;
}

/* That no other edge is broken is the business of the check "propagation". */
static int claim_broken(const struct hx_judgement *j, json_t *list, enum hx_verdict *verdict)
{
    const struct hx_claims *claims = &j->scenario->claims;
    uint64_t others = j->checks.list[HX_CHECK_PROPAGATION].failed;
    int bad = 0;

    for (size_t i = 0; i < claims->broken_count; i++) {
        const struct hx_edge_claim *wanted = &claims->broken[i];
        const struct hx_edge *edge = hx_edge_find(j, wanted->from_op, wanted->to_op);
        struct claim claim;

        start_edge(wanted, "broken", i, &claim);
        snprintf(claim.expected, sizeof claim.expected, "broken, and no other edge is");
        if (edge != NULL) {
            tell_edge(edge, &claim);
            if (edge->broken > 0 && others == 0)
                claim.verdict = HX_VERDICT_PASS;
        }
        if (others > 0)
            snprintf(claim.observed, sizeof claim.observed, "%" PRIu64 " other hops are broken",
                     others);
        claim.evidence = j->checks.list[HX_CHECK_PROPAGATION].evidence;
        soften(j, &claim);
        bad |= add(list, &claim, verdict);
    }
    return bad;
}

static int claim_partial(const struct hx_judgement *j, json_t *list, enum hx_verdict *verdict)
{
    const struct hx_tally *tally = &j->tally;
    uint64_t partial = j->checks.list[HX_CHECK_WHOLE_TRACES].excused;
    struct claim claim = {.id = "partial_traces", .text = "partial traces in the share that the "
                                                          "services' own ratios give"};

    if (!j->scenario->claims.partial_traces)
        return 0;
    claim.verdict = tally->partial_held ? HX_VERDICT_PASS : HX_VERDICT_FAIL;
    snprintf(claim.expected, sizeof claim.expected, "%.1f of %zu traces, %" PRIu64 " to %" PRIu64
             " at 1e-6", tally->partial_mean, j->facts->trace_count, tally->partial_low,
             tally->partial_high);
    snprintf(claim.observed, sizeof claim.observed, "%" PRIu64 " of %zu traces are partial",
             partial, j->facts->trace_count);
    claim.evidence = j->checks.list[HX_CHECK_WHOLE_TRACES].evidence;
    soften(j, &claim);
    return add(list, &claim, verdict);
}

static int claim_namer(const struct hx_judgement *j, json_t *list, enum hx_verdict *verdict)
{
    const char *wanted = j->scenario->claims.namer;
    const char *found = json_string_value(json_object_get(j->namer, "instance"));
    const char *reason = json_string_value(json_object_get(j->namer, "reason"));
    struct claim claim = {.id = "namer", .verdict = HX_VERDICT_INCONCLUSIVE};

    if (*wanted == '\0')
        return 0;
    if (strcmp(wanted, "none") == 0)
        snprintf(claim.text, sizeof claim.text, "the spans name no instance");
    else
        snprintf(claim.text, sizeof claim.text, "the spans name %.128s", wanted);
    snprintf(claim.expected, sizeof claim.expected, "%.128s", wanted);
    if (j->namer == NULL)
        snprintf(claim.observed, sizeof claim.observed, "no span says which message it handled");
    else
        snprintf(claim.observed, sizeof claim.observed, "%.128s: %.320s", found ? found : "none",
                 reason ? reason : "");
    if (j->namer != NULL)
        claim.verdict = strcmp(found ? found : "none", wanted) == 0 ? HX_VERDICT_PASS
                                                                    : HX_VERDICT_FAIL;
    soften(j, &claim);
    return add(list, &claim, verdict);
}

static void say_path(const json_t *path, char *out, size_t size)
{
    const char *statement = json_string_value(json_object_get(path, "statement"));
    const char *name = json_string_value(json_object_get(path, "name"));

    snprintf(out, size, "none");
    if (json_is_true(json_object_get(path, "named")))
        snprintf(out, size, "%.60s %.160s%s",
                 json_string_value(json_object_get(path, "service")), statement ? statement : name,
                 json_object_get(path, "gap") != NULL ? " (a gap)" : "");
}

/* The claim names the span, or its statement. */
static bool path_is(const json_t *path, const char *wanted)
{
    static const char *const keys[] = {"name", "statement"};
    const char *service = json_string_value(json_object_get(path, "service"));
    size_t len = service != NULL ? strlen(service) : 0;

    if (!json_is_true(json_object_get(path, "named")))
        return strcmp(wanted, "none") == 0;
    if (json_object_get(path, "gap") != NULL || strncmp(wanted, service, len) != 0 ||
        wanted[len] != ' ')
        return false;
    for (size_t i = 0; i < 2; i++) {
        const char *text = json_string_value(json_object_get(path, keys[i]));
        if (text != NULL && strcmp(text, wanted + len + 1) == 0)
            return true;
    }
    return false;
}

static int claim_path(const struct hx_judgement *j, json_t *list, enum hx_verdict *verdict)
{
    const char *wanted = j->scenario->claims.critical_path;
    const char *reason = json_string_value(json_object_get(j->path, "reason"));
    struct claim claim = {.id = "critical_path", .verdict = HX_VERDICT_INCONCLUSIVE};
    char found[240];

    if (*wanted == '\0')
        return 0;
    say_path(j->path, found, sizeof found);
    snprintf(claim.text, sizeof claim.text, "the critical path of slow traces names %.240s",
             wanted);
    snprintf(claim.expected, sizeof claim.expected, "%.230s", wanted);
    if (j->path == NULL)
        snprintf(claim.observed, sizeof claim.observed, "no span was received");
    else
        snprintf(claim.observed, sizeof claim.observed, "%.200s: %.270s", found,
                 reason ? reason : "");
    if (j->path != NULL)
        claim.verdict = path_is(j->path, wanted) ? HX_VERDICT_PASS : HX_VERDICT_FAIL;
    soften(j, &claim);
    return add(list, &claim, verdict);
}

json_t *hx_claims_judge(const struct hx_judgement *j, enum hx_verdict *ret_verdict)
{
    json_t *list = json_array();
    int bad;

    *ret_verdict = HX_VERDICT_NONE;
    bad = claim_checks(j, list, ret_verdict);
    bad |= claim_required(j, list, ret_verdict);
    bad |= claim_forbidden(j, list, ret_verdict);
    bad |= claim_broken(j, list, ret_verdict);
    bad |= claim_partial(j, list, ret_verdict);
    bad |= claim_spans(j, list, ret_verdict);
    bad |= claim_namer(j, list, ret_verdict);
    bad |= claim_path(j, list, ret_verdict);
    if (*ret_verdict == HX_VERDICT_NONE)
        *ret_verdict = HX_VERDICT_INCONCLUSIVE;
    if (bad == 0)
        return list;
    json_decref(list);
    return NULL;
}
