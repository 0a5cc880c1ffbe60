/* SPDX-License-Identifier: Apache-2.0 */
/* Samplers and the parts of composite ones. */
#include <stdlib.h>
#include <string.h>

#include <otel/sdk/composable_sampler.h>
#include <otel/trace_state.h>

#include "sdk/tests/put/put.h"

/* A sampler of the program's own: one decision for all, attributes, a trace state. */
struct own {
    enum otel_sdk_decision decision;
    struct otel_attribute attribute;
    char text[64];
    bool clear_state;
    struct otel_trace_state *state;
};

static void own_decide(void *arg, const struct otel_sdk_sampling_input *input,
                       struct otel_sdk_sampling_result *result)
{
    struct own *own = arg;

    (void)input;
    result->decision = own->decision;
    if (own->text[0] != '\0') {
        result->attributes = &own->attribute;
        result->attribute_count = 1;
    }
    if (own->clear_state || own->state != NULL)
        result->trace_state = own->state;
}

static void own_free(void *arg)
{
    struct own *own = arg;

    otel_trace_state_unref(own->state);
    free(own);
}

/* own DECISION [attribute=TEXT] [state=HEADER] */
static enum otel_err make_own(struct put_words *words, struct otel_sdk_sampler **ret)
{
    struct own *own = calloc(1, sizeof(*own));
    struct otel_str text;

    if (own == NULL)
        return OTEL_ERR_MEMORY;
    if (put_option(words, "attribute", &text)) {
        snprintf(own->text, sizeof(own->text), "%s", text.data);
        own->attribute = otel_attr_str("sampler.attribute", own->text);
    }
    if (put_option(words, "state", &text)) {
        own->clear_state = true;
        if (otel_trace_state_parse(text, &own->state) != OTEL_OK)
            own->state = NULL;
    }
    own->decision = (enum otel_sdk_decision)put_number(words, 0);
    return otel_sdk_sampler_custom_new(own_decide, "OwnSampler", own_free, own, ret);
}

static enum otel_err make_parentbased(struct put *put, struct put_words *words,
                                      struct otel_sdk_sampler **ret)
{
    struct otel_sdk_parentbased_options options;

    otel_sdk_parentbased_options_init(&options);
    options.root = put_find(put, PUT_SAMPLER, put_next(words));
    options.remote_parent_sampled = put_find(put, PUT_SAMPLER, put_next(words));
    options.remote_parent_not_sampled = put_find(put, PUT_SAMPLER, put_next(words));
    options.local_parent_sampled = put_find(put, PUT_SAMPLER, put_next(words));
    options.local_parent_not_sampled = put_find(put, PUT_SAMPLER, put_next(words));
    return otel_sdk_sampler_parentbased_new(&options, ret);
}

static enum otel_err make_probability(struct put_words *words, struct otel_sdk_sampler **ret)
{
    struct otel_sdk_probability_options options;
    uint64_t precision = put_option_number(words, "precision", 0);

    otel_sdk_probability_options_init(&options);
    options.ratio = strtod(put_next(words).data, NULL);
    options.error = put_report;
    if (precision != 0)
        options.precision = (unsigned)precision;
    return otel_sdk_sampler_probability_new(&options, ret);
}

static enum otel_err make_rule(struct put_words *words, struct otel_sdk_sampler **ret)
{
    static const char *const rules[] = {"go", "java", "dotnet", "cpp", "js"};
    struct otel_str rule = put_next(words);
    double ratio = strtod(put_next(words).data, NULL);

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (strcmp(rules[i], rule.data) == 0)
            return otel_sdk_sampler_ratio_rule_new((enum otel_sdk_ratio_rule)i, ratio, ret);
    return OTEL_ERR_NOT_FOUND;
}

static enum otel_err make_sampler(struct put *put, struct put_words *words,
                                  struct otel_sdk_sampler **ret)
{
    struct otel_str how = put_next(words);

    if (strcmp(how.data, "on") == 0) {
        *ret = otel_sdk_sampler_ref(otel_sdk_sampler_always_on());
        return OTEL_OK;
    }
    if (strcmp(how.data, "off") == 0) {
        *ret = otel_sdk_sampler_ref(otel_sdk_sampler_always_off());
        return OTEL_OK;
    }
    if (strcmp(how.data, "ratio") == 0)
        return otel_sdk_sampler_traceidratio_new(strtod(put_next(words).data, NULL), ret);
    if (strcmp(how.data, "rule") == 0)
        return make_rule(words, ret);
    if (strcmp(how.data, "probability") == 0)
        return make_probability(words, ret);
    if (strcmp(how.data, "always_record") == 0)
        return otel_sdk_sampler_always_record_new(put_find(put, PUT_SAMPLER, put_next(words)),
                                                  ret);
    if (strcmp(how.data, "parentbased") == 0)
        return make_parentbased(put, words, ret);
    if (strcmp(how.data, "composite") == 0)
        return otel_sdk_sampler_composite_new(put_find(put, PUT_PART, put_next(words)), ret);
    if (strcmp(how.data, "own") == 0)
        return make_own(words, ret);
    return OTEL_ERR_NOT_FOUND;
}

/* sampler S HOW ... */
static void do_sampler(struct put *put, struct put_words *words)
{
    struct otel_str name = put_next(words);
    struct otel_sdk_sampler *sampler = NULL;
    enum otel_err err = make_sampler(put, words, &sampler);

    if (err != OTEL_OK) {
        put_no(put, otel_err_name(err));
        return;
    }
    put_keep(put, PUT_SAMPLER, name, sampler);
    fprintf(put->out, "ok");
    put_say(put, otel_sdk_sampler_description(sampler));
}

static bool name_begins(void *arg, const struct otel_sdk_sampling_input *input)
{
    const char *prefix = arg;

    return strncmp(prefix, input->name.data, strlen(prefix)) == 0;
}

/* rules PREFIX PART ...; PREFIX - fits all */
static enum otel_err make_rules(struct put *put, struct put_words *words,
                                struct otel_sdk_composable **ret)
{
    static char prefixes[8][32];
    struct otel_sdk_rule rules[8];
    size_t count = 0;

    for (; words->at < words->count && count < 8; count++) {
        snprintf(prefixes[count], sizeof(prefixes[count]), "%s", put_next(words).data);
        rules[count].matches = strcmp(prefixes[count], "-") == 0 ? NULL : name_begins;
        rules[count].arg = prefixes[count];
        rules[count].part = put_find(put, PUT_PART, put_next(words));
    }
    return otel_sdk_composable_rule_based_new(rules, count, ret);
}

static enum otel_err make_part(struct put *put, struct put_words *words,
                               struct otel_sdk_composable **ret)
{
    struct otel_str how = put_next(words);
    struct otel_sdk_composable *delegate;
    struct otel_attribute *attributes;
    size_t count;

    if (strcmp(how.data, "on") == 0) {
        *ret = otel_sdk_composable_ref(otel_sdk_composable_always_on());
        return OTEL_OK;
    }
    if (strcmp(how.data, "off") == 0) {
        *ret = otel_sdk_composable_ref(otel_sdk_composable_always_off());
        return OTEL_OK;
    }
    if (strcmp(how.data, "probability") == 0)
        return otel_sdk_composable_probability_new(strtod(put_next(words).data, NULL), ret);
    if (strcmp(how.data, "rules") == 0)
        return make_rules(put, words, ret);
    delegate = put_find(put, PUT_PART, put_next(words));
    if (strcmp(how.data, "parent_threshold") == 0)
        return otel_sdk_composable_parent_threshold_new(delegate, ret);
    attributes = put_attributes(put, words, &count);
    if (strcmp(how.data, "annotating") == 0)
        return otel_sdk_composable_annotating_new(attributes, count, delegate, ret);
    return OTEL_ERR_NOT_FOUND;
}

/* part P HOW ... */
static void do_part(struct put *put, struct put_words *words)
{
    struct otel_str name = put_next(words);
    struct otel_sdk_composable *part = NULL;
    enum otel_err err = make_part(put, words, &part);

    if (err != OTEL_OK) {
        put_no(put, otel_err_name(err));
        return;
    }
    put_keep(put, PUT_PART, name, part);
    fprintf(put->out, "ok");
    put_say(put, otel_sdk_composable_description(part));
}

const struct put_command put_sampler_commands[] = {
    {"sampler", do_sampler}, {"part", do_part}, {NULL, NULL}};
