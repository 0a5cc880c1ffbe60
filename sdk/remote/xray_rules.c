/* SPDX-License-Identifier: Apache-2.0 */
/* Which rule fits, and what it decides. */
#include "sdk/remote/xray_rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sdk/base/mem.h"

/* --- where the program runs --- */

static bool text_of(const struct otel_sdk_resource *resource, const char *key,
                    struct otel_str *ret)
{
    struct otel_value value;

    if (resource == NULL || !otel_sdk_resource_get(resource, otel_str(key), &value) ||
        value.type != OTEL_VALUE_STRING)
        return false;
    *ret = otel_strn(value.as.string, value.count);
    return true;
}

static const char *type_of(struct otel_str platform)
{
    static const char *const types[][2] = {
        {"aws_ec2", "AWS::EC2::Instance"},
        {"aws_ecs", "AWS::ECS::Container"},
        {"aws_eks", "AWS::EKS::Container"},
        {"aws_elastic_beanstalk", "AWS::ElasticBeanstalk::Environment"},
        {"aws_lambda", "AWS::Lambda::Function"}};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (otel_str_equal(platform, otel_str(types[i][0])))
            return types[i][1];
    return NULL;
}

enum otel_err otl_xray_place_of(const struct otel_sdk_resource *resource, struct otl_arena *arena,
                                struct otl_xray_place *ret)
{
    struct otel_str name, platform, arn;
    bool has_name = text_of(resource, "service.name", &name), has_arn;

    memset(ret, 0, sizeof(*ret));
    if (text_of(resource, "cloud.platform", &platform)) {
        ret->service_type = type_of(platform);
        ret->lambda = otel_str_equal(platform, otel_str("aws_lambda"));
    }
    has_arn = text_of(resource, "aws.ecs.container.arn", &arn) ||
              (ret->lambda && text_of(resource, "cloud.resource_id", &arn));
    if (has_name)
        ret->service_name = otl_arena_strndup(arena, name.data, name.len);
    if (has_arn)
        ret->arn = otl_arena_strndup(arena, arn.data, arn.len);
    return (has_name && ret->service_name == NULL) || (has_arn && ret->arn == NULL)
               ? OTEL_ERR_MEMORY
               : OTEL_OK;
}

/* --- wildcards --- */

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool otl_xray_fits(const char *pattern, struct otel_str text)
{
    const char *star = NULL;
    size_t at = 0, resume = 0;

    while (at < text.len) {
        if (*pattern == '*') {
            star = ++pattern;
            resume = at;
        } else if (*pattern != '\0' &&
                   (*pattern == '?' || lower(*pattern) == lower(text.data[at]))) {
            pattern++;
            at++;
        } else if (star != NULL) { /* the last star takes one more */
            pattern = star;
            at = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static bool fits_text(const char *pattern, const char *text)
{
    return otl_xray_fits(pattern, otel_str(text));
}

/* --- what a span asks for --- */

struct request {
    struct otel_str method, host, path, url, arn;
};

static struct otel_str string_of(const struct otel_attribute *attribute)
{
    return attribute->value.type == OTEL_VALUE_STRING
               ? otel_strn(attribute->value.as.string, attribute->value.count)
               : otel_strn(NULL, 0);
}

/* The part of a URL behind its host: "/" where there is none. */
static struct otel_str path_of(struct otel_str url)
{
    static const char separator[] = "://";

    for (size_t i = 1; i + 3 <= url.len; i++) {
        if (memcmp(url.data + i, separator, 3) != 0)
            continue;
        for (size_t at = i + 3; at < url.len; at++)
            if (url.data[at] == '/')
                return otel_strn(url.data + at, url.len - at);
        return otel_str("/");
    }
    return otel_strn(NULL, 0);
}

/* Current names win over those of former days, in whatever order they stand. */
static struct request request_of(const struct otel_sdk_sampling_input *input)
{
    static const struct {
        const char *key;
        size_t member;
        int rank;
    } known[] = {
        {"http.request.method", offsetof(struct request, method), 2},
        {"http.method", offsetof(struct request, method), 1},
        {"http.request.method_original", offsetof(struct request, method), 0},
        {"server.address", offsetof(struct request, host), 3},
        {"http.host", offsetof(struct request, host), 2},
        {"net.host.name", offsetof(struct request, host), 1},
        {"url.path", offsetof(struct request, path), 2},
        {"http.target", offsetof(struct request, path), 1},
        {"url.full", offsetof(struct request, url), 2},
        {"http.url", offsetof(struct request, url), 1},
        {"cloud.resource_id", offsetof(struct request, arn), 1},
    };
    struct request request;
    struct otel_str original = {NULL, 0};
    int ranks[sizeof(request) / sizeof(struct otel_str)] = {0};

    memset(&request, 0, sizeof(request));
    for (size_t i = 0; i < input->attribute_count; i++)
        for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
            int *rank = &ranks[known[k].member / sizeof(struct otel_str)];
            struct otel_str *member = (void *)((char *)&request + known[k].member);

            if (!otel_str_equal(input->attributes[i].key, otel_str(known[k].key)))
                continue;
            if (known[k].rank == 0)
                original = string_of(&input->attributes[i]);
            else if (known[k].rank >= *rank) {
                *rank = known[k].rank;
                *member = string_of(&input->attributes[i]);
            }
        }
    if (otel_str_equal(request.method, otel_str("_OTHER")))
        request.method = original;
    if (request.path.len == 0)
        request.path = path_of(request.url);
    return request;
}

/* A value as text, if it is a scalar. */
static bool value_text(const struct otel_value *value, char *buffer, size_t size,
                       struct otel_str *ret)
{
    switch (value->type) {
    case OTEL_VALUE_STRING:
        *ret = otel_strn(value->as.string, value->count);
        return true;
    case OTEL_VALUE_BOOL:
        *ret = otel_str(value->as.boolean ? "true" : "false");
        return true;
    case OTEL_VALUE_INT:
        snprintf(buffer, size, "%" PRId64, value->as.integer);
        break;
    case OTEL_VALUE_DOUBLE:
        snprintf(buffer, size, "%.15g", value->as.real);
        break;
    default:
        return false;
    }
    *ret = otel_str(buffer);
    return true;
}

static bool has_attribute(const struct otl_xray_attribute *wanted,
                          const struct otel_sdk_sampling_input *input)
{
    char buffer[40];
    struct otel_str text;

    for (size_t i = input->attribute_count; i-- > 0;) /* the last of a key counts */
        if (otel_str_equal(input->attributes[i].key, otel_str(wanted->key)))
            return value_text(&input->attributes[i].value, buffer, sizeof(buffer), &text) &&
                   otl_xray_fits(wanted->pattern, text);
    return false;
}

static bool fits(const struct otl_xray_rule *rule, const struct otl_xray_place *place,
                 const struct request *request, const struct otel_sdk_sampling_input *input)
{
    struct otel_str arn = place->arn == NULL && place->lambda ? request->arn
                                                              : otel_str(place->arn);

    if (!fits_text(rule->service_name, place->service_name) ||
        !fits_text(rule->service_type, place->service_type) ||
        !otl_xray_fits(rule->arn, arn) || !otl_xray_fits(rule->method, request->method) ||
        !otl_xray_fits(rule->host, request->host) || !otl_xray_fits(rule->path, request->path))
        return false;
    for (const struct otl_xray_attribute *at = rule->attributes; at != NULL; at = at->next)
        if (!has_attribute(at, input))
            return false;
    return true;
}

/* --- decisions --- */

static void count(uint64_t *counter)
{
    __atomic_fetch_add(counter, 1, __ATOMIC_RELEASE);
}

static bool keeps(struct otl_xray_rule *rule, const uint8_t *trace_id, uint64_t now)
{
    bool borrowed = false, kept;

    if (now < rule->quota_ends_ns)
        kept = otl_budget_take(&rule->quota, now);
    else
        kept = borrowed = rule->reservoir_size > 0 && otl_budget_take(&rule->lent, now);
    kept = kept || otl_share_has(rule->bound, trace_id);
    /* a report is read the other way round: never more kept than there were */
    count(&rule->counts.matched);
    if (kept)
        count(&rule->counts.sampled);
    if (borrowed)
        count(&rule->counts.borrowed);
    return kept;
}

bool otl_xray_rules_decide(struct otl_xray_rules *rules, const struct otl_xray_place *place,
                           const struct otel_sdk_sampling_input *input, uint64_t mono_ns,
                           bool *ret_keep)
{
    struct request request = request_of(input);

    for (size_t i = 0; i < rules->count; i++)
        if (fits(&rules->rules[i], place, &request, input)) {
            *ret_keep = keeps(&rules->rules[i], input->trace_id, mono_ns);
            return true;
        }
    return false;
}

/* --- from one answer to the next --- */

static bool same_attributes(const struct otl_xray_attribute *a, const struct otl_xray_attribute *b)
{
    for (; a != NULL && b != NULL; a = a->next, b = b->next)
        if (strcmp(a->key, b->key) != 0 || strcmp(a->pattern, b->pattern) != 0)
            return false;
    return a == b; /* both at their ends */
}

static bool same(const struct otl_xray_rule *a, const struct otl_xray_rule *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->service_name, b->service_name) == 0 &&
           strcmp(a->service_type, b->service_type) == 0 && strcmp(a->arn, b->arn) == 0 &&
           strcmp(a->host, b->host) == 0 && strcmp(a->method, b->method) == 0 &&
           strcmp(a->path, b->path) == 0 && !(a->reservoir_size < b->reservoir_size) &&
           !(a->reservoir_size > b->reservoir_size) && !(a->fixed_rate < b->fixed_rate) &&
           !(a->fixed_rate > b->fixed_rate) && same_attributes(a->attributes, b->attributes);
}

void otl_xray_rules_inherit(struct otl_xray_rules *rules, const struct otl_xray_rules *before)
{
    for (size_t i = 0; before != NULL && i < rules->count; i++)
        for (size_t k = 0; k < before->count; k++) {
            struct otl_xray_rule *rule = &rules->rules[i];
            const struct otl_xray_rule *was = &before->rules[k];

            if (!same(rule, was))
                continue;
            rule->bound = was->bound;
            rule->lent = was->lent;
            rule->quota = was->quota;
            rule->quota_ends_ns = was->quota_ends_ns;
            rule->report_at_ns = was->report_at_ns;
            rule->counts = was->counts;
            break;
        }
}

void otl_xray_rules_forget_counts(struct otl_xray_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++)
        memset(&rules->rules[i].counts, 0, sizeof(rules->rules[i].counts));
}

void otl_xray_rules_free(struct otl_xray_rules *rules)
{
    if (rules == NULL)
        return;
    otl_mem_free(rules->rules);
    otl_arena_fini(&rules->arena);
    otl_mem_free(rules);
}
