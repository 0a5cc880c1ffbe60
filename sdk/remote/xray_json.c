/* SPDX-License-Identifier: Apache-2.0 */
/* The three messages of X-Ray's sampling: rules, what was counted of them, targets. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <otel/sdk/xray_sampler.h>

#include "sdk/base/clock.h"
#include "sdk/base/mem.h"
#include "sdk/otlp/json.h"
#include "sdk/remote/json_members.h"
#include "sdk/remote/xray_rules.h"

#define NUMBER_MAX 1e12 /* seconds since 1970, priorities, traces a second */

enum { ARENA_MAX = 4 << 20, TEXT_MAX = 64 * 1024, INTERVAL_MAX_S = 86400 };

struct reading {
    struct otl_json_reader json;
    struct otl_buf text; /* of the string that is read */
    struct otl_xray_rules *rules;
    size_t room;
    struct otl_xray_rule rule; /* that is read */
    size_t attribute_count;
    bool has_records;
};

/* --- texts --- */

/* The next string without its escapes, in r->text; null: *ret_null. */
static bool read_text(struct reading *r, bool *ret_null)
{
    struct otl_view raw;
    enum otel_err err;

    otl_buf_reset(&r->text);
    *ret_null = otl_json_peek(&r->json) != '"';
    if (*ret_null)
        return otl_json_take_word(&r->json, &raw) &&
               (otl_view_is(raw, "null") || otl_json_fail(&r->json, OTEL_ERR_SYNTAX));
    if (!otl_json_take_string(&r->json, &raw))
        return false;
    err = otl_json_unescape(raw, &r->text);
    return err == OTEL_OK || otl_json_fail(&r->json, err);
}

/* NUL ends a text: nothing that spans may have fits behind one. */
static bool keep_text(struct reading *r, const char *text, size_t len, const char **ret)
{
    *ret = otl_arena_strndup(&r->rules->arena, len != 0 ? text : "", len);
    return *ret != NULL || otl_json_fail(&r->json, OTEL_ERR_MEMORY);
}

static bool read_pattern(struct reading *r, const char **ret)
{
    bool null;

    return read_text(r, &null) && (null || keep_text(r, r->text.data, r->text.len, ret));
}

/* --- rules --- */

static bool rule_attribute(void *reading, struct otl_view key)
{
    struct reading *r = reading;
    struct otl_xray_attribute *attribute, **last = &r->rule.attributes;
    enum otel_err err;

    if (r->attribute_count++ == OTL_XRAY_ATTRIBUTES_MAX)
        return otl_json_fail(&r->json, OTEL_ERR_LIMIT);
    attribute = otl_arena_zalloc(&r->rules->arena, sizeof(*attribute));
    if (attribute == NULL)
        return otl_json_fail(&r->json, OTEL_ERR_MEMORY);
    otl_buf_reset(&r->text);
    err = otl_json_unescape(key, &r->text);
    if (err != OTEL_OK)
        return otl_json_fail(&r->json, err);
    attribute->pattern = "*";
    if (!keep_text(r, r->text.data, r->text.len, &attribute->key) ||
        !read_pattern(r, &attribute->pattern))
        return false;
    while (*last != NULL)
        last = &(*last)->next;
    *last = attribute;
    return true;
}

static bool rule_member(void *reading, struct otl_view key)
{
    struct reading *r = reading;
    struct otl_xray_rule *rule = &r->rule;
    const struct {
        const char *key, **member;
    } texts[] = {{"RuleName", &rule->name},       {"ServiceName", &rule->service_name},
                 {"ServiceType", &rule->service_type}, {"ResourceARN", &rule->arn},
                 {"Host", &rule->host},           {"HTTPMethod", &rule->method},
                 {"URLPath", &rule->path}};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (otl_view_is(key, texts[i].key))
            return read_pattern(r, texts[i].member);
    if (otl_view_is(key, "Priority"))
        return otl_json_number(&r->json, NUMBER_MAX, &rule->priority);
    if (otl_view_is(key, "Version"))
        return otl_json_number(&r->json, NUMBER_MAX, &rule->version);
    if (otl_view_is(key, "ReservoirSize"))
        return otl_json_number(&r->json, NUMBER_MAX, &rule->reservoir_size);
    if (otl_view_is(key, "FixedRate"))
        return otl_json_number(&r->json, 1, &rule->fixed_rate);
    if (otl_view_is(key, "Attributes")) {
        rule->attributes = NULL;
        r->attribute_count = 0;
        return otl_json_members(&r->json, rule_attribute, r);
    }
    return otl_json_skip(&r->json, 4);
}

static bool add_rule(struct reading *r)
{
    struct otl_xray_rules *rules = r->rules;
    size_t room = r->room == 0 ? 16 : 2 * r->room;

    if (r->rule.name[0] == '\0' || r->rule.version < 1 || r->rule.version > 1)
        return true; /* left out */
    if (rules->count == OTEL_SDK_XRAY_MAX_RULES)
        return otl_json_fail(&r->json, OTEL_ERR_LIMIT);
    if (rules->count == r->room) {
        struct otl_xray_rule *more = otl_mem_realloc(rules->rules, room * sizeof(*more));
        if (more == NULL)
            return otl_json_fail(&r->json, OTEL_ERR_MEMORY);
        rules->rules = more;
        r->room = room;
    }
    r->rule.bound = otl_share_bound(r->rule.fixed_rate);
    r->rule.lent.rate = 1;
    rules->rules[rules->count++] = r->rule;
    return true;
}

static bool record_member(void *reading, struct otl_view key)
{
    struct reading *r = reading;

    if (!otl_view_is(key, "SamplingRule"))
        return otl_json_skip(&r->json, 3);
    return otl_json_members(&r->json, rule_member, r);
}

static bool record(void *reading)
{
    static const struct otl_xray_rule any = {.name = "", .service_name = "*", .service_type = "*",
                                             .arn = "*", .host = "*", .method = "*", .path = "*"};
    struct reading *r = reading;

    r->rule = any;
    return otl_json_members(&r->json, record_member, r) && add_rule(r);
}

static bool rules_member(void *reading, struct otl_view key)
{
    struct reading *r = reading;

    if (!otl_view_is(key, "SamplingRuleRecords"))
        return otl_json_skip(&r->json, 1);
    r->has_records = otl_json_peek(&r->json) == '[';
    r->rules->count = 0;
    return otl_json_items(&r->json, record, r);
}

static int by_priority(const void *a, const void *b)
{
    const struct otl_xray_rule *left = a, *right = b;

    if (left->priority < right->priority || left->priority > right->priority)
        return left->priority < right->priority ? -1 : 1;
    return strcmp(left->name, right->name);
}

enum otel_err otl_xray_rules_read(struct otl_view body, struct otl_xray_rules **ret)
{
    struct reading r = {.json = {.rest = body}};
    enum otel_err err;

    r.rules = otl_mem_zalloc(sizeof(*r.rules));
    if (r.rules == NULL)
        return OTEL_ERR_MEMORY;
    otl_arena_init(&r.rules->arena, ARENA_MAX);
    otl_buf_init(&r.text, TEXT_MAX);
    if (otl_json_whole(&r.json, rules_member, &r) && !r.has_records)
        otl_json_fail(&r.json, OTEL_ERR_SYNTAX);
    otl_buf_fini(&r.text);
    err = r.json.err;
    if (err != OTEL_OK) {
        otl_xray_rules_free(r.rules);
        return err;
    }
    if (r.rules->count > 1)
        qsort(r.rules->rules, r.rules->count, sizeof(r.rules->rules[0]), by_priority);
    *ret = r.rules;
    return OTEL_OK;
}

/* --- what was counted --- */

/* Those that were kept are read first: never more than there were. */
static struct otl_xray_counts counted(const struct otl_xray_rule *rule)
{
    struct otl_xray_counts counts;

    counts.borrowed = __atomic_load_n(&rule->counts.borrowed, __ATOMIC_ACQUIRE);
    counts.sampled = __atomic_load_n(&rule->counts.sampled, __ATOMIC_ACQUIRE);
    counts.matched = __atomic_load_n(&rule->counts.matched, __ATOMIC_ACQUIRE);
    return counts;
}

static enum otel_err append_statistics(const struct otl_xray_rule *rule, const char *client_id,
                                       uint64_t wall_ns, struct otl_buf *out)
{
    enum otel_err err = otl_buf_append_str(
        out, out->len == 0 ? "{\"SamplingStatisticsDocuments\":[" : ",");

    if (err == OTEL_OK)
        err = otl_buf_printf(out, "{\"ClientID\":\"%s\",\"RuleName\":", client_id);
    if (err == OTEL_OK)
        err = otl_json_text(otel_str(rule->name), out);
    if (err == OTEL_OK)
        err = otl_buf_printf(out,
                             ",\"Timestamp\":%" PRIu64 ",\"RequestCount\":%" PRIu64
                             ",\"SampledCount\":%" PRIu64 ",\"BorrowCount\":%" PRIu64 "}",
                             (uint64_t)(wall_ns / OTL_NS_PER_S), rule->told.matched,
                             rule->told.sampled, rule->told.borrowed);
    return err;
}

enum otel_err otl_xray_rules_report(struct otl_xray_rules *rules, const char *client_id,
                                    const struct otl_xray_now *now, struct otl_buf *out)
{
    enum otel_err err = OTEL_OK;

    otl_buf_reset(out);
    for (size_t i = 0; err == OTEL_OK && i < rules->count; i++) {
        struct otl_xray_rule *rule = &rules->rules[i];

        memset(&rule->told, 0, sizeof(rule->told));
        if (now->mono_ns < rule->report_at_ns)
            continue;
        rule->told = counted(rule);
        if (rule->told.matched != 0)
            err = append_statistics(rule, client_id, now->wall_ns, out);
    }
    if (err == OTEL_OK && out->len != 0)
        err = otl_buf_append_str(out, "]}");
    if (err != OTEL_OK)
        otl_buf_reset(out);
    return err;
}

/* --- targets --- */

struct target {
    double fixed_rate, quota, quota_ends_s, interval_s; /* negative: not said */
    bool has_name;
};

struct answer {
    struct reading reading; /* its text: the name of the rule that is read */
    const struct otl_xray_now *now;
    uint64_t default_interval_ns;
    struct otl_xray_news news;
    struct target target;
    bool doing; /* it has been read once, and is right */
};

static struct otl_xray_rule *rule_of(struct answer *a)
{
    struct otl_xray_rules *rules = a->reading.rules;

    for (size_t i = 0; i < rules->count; i++)
        if (otl_view_is(otl_view(a->reading.text.data, a->reading.text.len), rules->rules[i].name))
            return &rules->rules[i];
    return NULL;
}

static uint64_t ns_of(double seconds)
{
    return (uint64_t)(seconds * (double)OTL_NS_PER_S);
}

static void follow(struct answer *a, struct otl_xray_rule *rule)
{
    const struct target *t = &a->target;
    uint64_t interval_ns = a->default_interval_ns;

    if (t->fixed_rate >= 0)
        rule->bound = otl_share_bound(t->fixed_rate);
    if (t->quota >= 0)
        rule->quota.rate = t->quota;
    if (t->quota_ends_s >= 0) {
        uint64_t ends = t->quota_ends_s < 1e10 ? ns_of(t->quota_ends_s) : UINT64_MAX / 2;
        rule->quota_ends_ns =
            ends > a->now->wall_ns ? a->now->mono_ns + (ends - a->now->wall_ns) : 0;
    }
    if (t->interval_s >= 0) {
        interval_ns = ns_of(t->interval_s < INTERVAL_MAX_S ? t->interval_s : INTERVAL_MAX_S);
        if (a->news.interval_ns == 0 || interval_ns < a->news.interval_ns)
            a->news.interval_ns = interval_ns;
    }
    rule->report_at_ns = a->now->mono_ns + interval_ns;
}

static bool target_member(void *answer, struct otl_view key)
{
    struct answer *a = answer;
    struct otl_json_reader *json = &a->reading.json;
    bool null;

    if (otl_view_is(key, "RuleName")) {
        if (!read_text(&a->reading, &null))
            return false;
        a->target.has_name = !null;
        return true;
    }
    if (otl_view_is(key, "FixedRate"))
        return otl_json_number(json, 1, &a->target.fixed_rate);
    if (otl_view_is(key, "ReservoirQuota"))
        return otl_json_number(json, NUMBER_MAX, &a->target.quota);
    if (otl_view_is(key, "ReservoirQuotaTTL"))
        return otl_json_number(json, NUMBER_MAX, &a->target.quota_ends_s);
    if (otl_view_is(key, "Interval"))
        return otl_json_number(json, NUMBER_MAX, &a->target.interval_s);
    return otl_json_skip(json, 3);
}

static bool target(void *answer)
{
    struct answer *a = answer;
    struct otl_xray_rule *rule;

    a->target = (struct target){-1, -1, -1, -1, false};
    if (!otl_json_members(&a->reading.json, target_member, a))
        return false;
    rule = a->doing && a->target.has_name ? rule_of(a) : NULL;
    if (rule != NULL)
        follow(a, rule);
    return true;
}

/* A code of 4xx: the rule is gone; 5xx: it was not taken. */
static bool unprocessed_member(void *answer, struct otl_view key)
{
    struct answer *a = answer;
    bool null;

    if (!otl_view_is(key, "ErrorCode"))
        return otl_json_skip(&a->reading.json, 3);
    if (!read_text(&a->reading, &null))
        return false;
    if (!null && a->reading.text.len != 0) {
        a->news.ask_rules = a->news.ask_rules || a->reading.text.data[0] == '4';
        a->news.refused = a->news.refused || a->reading.text.data[0] == '5';
    }
    return true;
}

static bool unprocessed(void *answer)
{
    return otl_json_members(&((struct answer *)answer)->reading.json, unprocessed_member, answer);
}

static bool targets_member(void *answer, struct otl_view key)
{
    struct answer *a = answer;

    if (otl_view_is(key, "SamplingTargetDocuments")) {
        a->reading.has_records = otl_json_peek(&a->reading.json) == '[';
        return otl_json_items(&a->reading.json, target, a);
    }
    if (otl_view_is(key, "UnprocessedStatistics"))
        return otl_json_items(&a->reading.json, unprocessed, a);
    if (otl_view_is(key, "LastRuleModification"))
        return otl_json_number(&a->reading.json, NUMBER_MAX, &a->news.changed_at_s);
    return otl_json_skip(&a->reading.json, 1);
}

static void less(uint64_t *counter, uint64_t by)
{
    __atomic_fetch_sub(counter, by, __ATOMIC_RELAXED);
}

static void count_no_more(struct otl_xray_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++) {
        struct otl_xray_rule *rule = &rules->rules[i];

        less(&rule->counts.matched, rule->told.matched);
        less(&rule->counts.sampled, rule->told.sampled);
        less(&rule->counts.borrowed, rule->told.borrowed);
        memset(&rule->told, 0, sizeof(rule->told));
    }
}

/* Read once to see that it is right, and once more to do what it says. */
enum otel_err otl_xray_rules_target(struct otl_xray_rules *rules, struct otl_view body,
                                    const struct otl_xray_now *now, uint64_t default_interval_ns,
                                    struct otl_xray_news *ret)
{
    struct answer a = {.now = now, .default_interval_ns = default_interval_ns};
    enum otel_err err = OTEL_OK;

    a.reading.rules = rules;
    otl_buf_init(&a.reading.text, TEXT_MAX);
    for (int pass = 0; pass < 2 && err == OTEL_OK; pass++) {
        a.doing = pass == 1;
        a.reading.json = (struct otl_json_reader){.rest = body};
        if (otl_json_whole(&a.reading.json, targets_member, &a) && !a.reading.has_records)
            otl_json_fail(&a.reading.json, OTEL_ERR_SYNTAX);
        err = a.reading.json.err;
    }
    otl_buf_fini(&a.reading.text);
    if (err != OTEL_OK)
        return err;
    count_no_more(rules);
    *ret = a.news;
    return OTEL_OK;
}
