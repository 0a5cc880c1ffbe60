/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/base/text.h"

static const struct {
    const char *name, *title, *expected;
} TEXTS[] = {
#define HX_CHECK_TEXT(id, name, title, expected) {name, title, expected},
    HX_CHECKS(HX_CHECK_TEXT)
#undef HX_CHECK_TEXT
};

void hx_checks_init(struct hx_checks *checks, const struct hx_facts *facts)
{
    const struct hx_claims *claims = &facts->scenario->claims;

    memset(checks, 0, sizeof *checks);
    checks->facts = facts;
    for (int i = 0; claims->checks != NULL && i < HX_CHECK_COUNT; i++)
        checks->unclaimed[i] = i != HX_CHECK_NOT_EMPTY && i != HX_CHECK_LEDGER &&
                               i != HX_CHECK_TAP && i != HX_CHECK_PLAYER_ERRED;
    for (size_t i = 0; claims->checks != NULL && i < claims->check_count; i++) {
        enum hx_check_id id = hx_check_by_name(claims->checks[i]);

        if (id != HX_CHECK_COUNT)
            checks->unclaimed[id] = false;
    }
}

void hx_checks_fini(struct hx_checks *checks)
{
    for (int i = 0; i < HX_CHECK_COUNT; i++)
        json_decref(checks->list[i].evidence);
    memset(checks, 0, sizeof *checks);
}

/* ---- evidence ------------------------------------------------------------------------------- */

static int put_id(json_t *item, const char *key, const uint8_t *id, size_t len)
{
    char hex[33];

    otl_hex(id, len, hex);
    return json_object_set_new(item, key, json_string(hex));
}

json_t *hx_evidence(const struct hx_facts *facts, const struct hx_where *where, const char *text)
{
    const uint8_t *trace_id = where->trace_id, *span_id = where->span_id;
    const char *service = where->service;
    uint64_t request = where->request;
    json_t *item = json_object();
    int bad = item == NULL;

    if (where->received > 0) {
        const struct hx_fact_received *row = &facts->received[where->received - 1];

        trace_id = row->trace_id;
        span_id = row->span_id;
        if (row->span != HX_NONE)
            service = hx_facts_service(facts, facts->spans[row->span].process);
    }
    if (where->span > 0) {
        const struct hx_fact_span *span = &facts->spans[where->span - 1];

        trace_id = span->open->trace_id;
        span_id = span->open->span_id;
        request = span->open->request;
        service = hx_facts_service(facts, span->process);
    }
    bad |= json_object_set_new(item, "text", hx_text_json(text, strlen(text))) != 0;
    if (service != NULL)
        bad |= json_object_set_new(item, "service", json_string(service)) != 0;
    if (where->edge != NULL)
        bad |= json_object_set_new(item, "edge", json_string(where->edge)) != 0;
    if (trace_id != NULL)
        bad |= put_id(item, "trace_id", trace_id, 16) != 0;
    if (span_id != NULL)
        bad |= put_id(item, "span_id", span_id, 8) != 0;
    if (request > 0 && request < INT64_MAX)
        bad |= json_object_set_new(item, "request", json_integer((json_int_t)request)) != 0;
    if (!bad)
        return item;
    json_decref(item);
    return NULL;
}

json_t *hx_text_json(const char *data, size_t len)
{
    size_t whole = otl_utf8_repair(data, len, NULL);
    json_t *text = NULL;
    char *repaired;

    if (whole == len)
        return json_stringn(len > 0 ? data : "", len);
    repaired = otl_mem_alloc(whole);
    if (repaired != NULL) {
        otl_utf8_repair(data, len, repaired);
        text = json_stringn(repaired, whole);
    }
    otl_mem_free(repaired);
    return text;
}

static void OTEL_PRINTF(4, 0) note(struct hx_checks *checks, enum hx_check_id id,
                                   const struct hx_where *where, const char *format, va_list args)
{
    struct hx_check *check = &checks->list[id];
    char text[400];

    if (check->evidence == NULL)
        check->evidence = json_array();
    if (json_array_size(check->evidence) >= HX_EVIDENCE_MAX)
        return;
    vsnprintf(text, sizeof text, format, args);
    if (json_array_append_new(check->evidence, hx_evidence(checks->facts, where, text)) != 0)
        checks->memory = true;
}

void hx_fail(struct hx_checks *checks, enum hx_check_id id, const struct hx_where *where,
             const char *format, ...)
{
    va_list args;

    checks->list[id].failed++;
    va_start(args, format);
    note(checks, id, where, format, args);
    va_end(args);
}

void hx_excuse(struct hx_checks *checks, enum hx_check_id id, const struct hx_where *where,
               const char *format, ...)
{
    va_list args;

    checks->list[id].excused++;
    va_start(args, format);
    note(checks, id, where, format, args);
    va_end(args);
}

void hx_unknown(struct hx_checks *checks, enum hx_check_id id, uint64_t count, const char *format,
                ...)
{
    struct hx_check *check = &checks->list[id];
    va_list args;

    check->unknown += count;
    if (check->reason[0] != '\0')
        return;
    va_start(args, format);
    vsnprintf(check->reason, sizeof check->reason, format, args);
    va_end(args);
}

void hx_doubt(struct hx_checks *checks, enum hx_check_id id, const char *why)
{
    struct hx_check *check = &checks->list[id];

    if (check->failed == 0)
        return;
    if (id != HX_CHECK_NOT_EMPTY)
        hx_observed(checks, id, "%" PRIu64 " of %" PRIu64 " do not fit the recordings that are "
                    "left", check->failed, check->judged);
    hx_unknown(checks, id, check->failed, "%s", why);
    check->excused += check->failed;
    check->failed = 0;
}

void hx_observed(struct hx_checks *checks, enum hx_check_id id, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(checks->list[id].observed, sizeof checks->list[id].observed, format, args);
    va_end(args);
}

void hx_expected(struct hx_checks *checks, enum hx_check_id id, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(checks->list[id].expected, sizeof checks->list[id].expected, format, args);
    va_end(args);
}

/* ---- results -------------------------------------------------------------------------------- */

enum hx_verdict hx_check_verdict(const struct hx_checks *checks, enum hx_check_id id)
{
    const struct hx_check *check = &checks->list[id];

    if (check->failed > 0)
        return HX_VERDICT_FAIL;
    if (check->unknown > 0)
        return HX_VERDICT_INCONCLUSIVE;
    return check->judged > 0 ? HX_VERDICT_PASS : HX_VERDICT_NONE;
}

const char *hx_check_name(enum hx_check_id id)
{
    return TEXTS[id].name;
}

const char *hx_check_expected(const struct hx_checks *checks, enum hx_check_id id)
{
    return checks->list[id].expected[0] != '\0' ? checks->list[id].expected : TEXTS[id].expected;
}

enum hx_check_id hx_check_by_name(const char *name)
{
    int i = 0;

    while (i < HX_CHECK_COUNT && strcmp(TEXTS[i].name, name) != 0)
        i++;
    return (enum hx_check_id)i;
}

const char *hx_verdict_name(enum hx_verdict verdict)
{
    switch (verdict) {
    case HX_VERDICT_PASS:
        return "pass";
    case HX_VERDICT_FAIL:
        return "fail";
    case HX_VERDICT_INCONCLUSIVE:
    case HX_VERDICT_NONE:
        return "inconclusive";
    }
    return "inconclusive";
}

const char *hx_check_observed(const struct hx_checks *checks, enum hx_check_id id, char *out,
                              size_t size)
{
    const struct hx_check *check = &checks->list[id];

    if (check->observed[0] != '\0')
        snprintf(out, size, "%s", check->observed);
    else if (check->failed > 0)
        snprintf(out, size, "%" PRIu64 " wrong of %" PRIu64 " judged", check->failed,
                 check->judged);
    else if (check->excused > 0)
        snprintf(out, size, "%" PRIu64 " of %" PRIu64 " as the scenario claims, no other is wrong",
                 check->excused, check->judged);
    else
        snprintf(out, size, "none wrong of %" PRIu64 " judged", check->judged);
    return out;
}

static json_t *check_json(const struct hx_checks *checks, enum hx_check_id id)
{
    const struct hx_check *check = &checks->list[id];
    char room[512];
    const char *expected = hx_check_expected(checks, id);
    const char *observed = hx_check_observed(checks, id, room, sizeof room);
    json_t *item = json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:I, s:I}", "id", TEXTS[id].name, "title", TEXTS[id].title,
        "verdict", hx_verdict_name(hx_check_verdict(checks, id)), "expected",
        hx_text_json(expected, strlen(expected)), "observed",
        hx_text_json(observed, strlen(observed)), "judged", (json_int_t)check->judged,
        "evidence_total", (json_int_t)(check->failed + check->excused));
    json_t *list = check->evidence != NULL ? json_incref(check->evidence) : json_array();

    if (item == NULL || json_object_set_new(item, "evidence", list) != 0)
        goto fail;
    if (check->failed == 0 && check->unknown > 0 &&
        json_object_set_new(item, "reason",
                            hx_text_json(check->reason, strlen(check->reason))) != 0)
        goto fail;
    return item;

fail:
    json_decref(item);
    return NULL;
}

json_t *hx_checks_json(const struct hx_checks *checks)
{
    json_t *list = json_array();

    for (int i = 0; i < HX_CHECK_COUNT; i++) {
        enum hx_check_id id = (enum hx_check_id)i;

        if (checks->unclaimed[i] || hx_check_verdict(checks, id) == HX_VERDICT_NONE)
            continue;
        if (json_array_append_new(list, check_json(checks, id)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}
