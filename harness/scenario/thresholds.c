/* SPDX-License-Identifier: Apache-2.0 */
/* expect.thresholds: read, and their rows looked for in the fleet. */
#include <stdio.h>
#include <string.h>

#include "harness/gate/threshold.h"
#include "harness/scenario/internal.h"
#include "harness/scenario/plan.h"

enum { WORDS_MAX = 512, NAME_SIZE = 520, NEAR_SIZE = 640 };

struct words {
    const char *list[WORDS_MAX + 1];
    size_t count;
    bool memory;
};

static void add_word(struct hx_loader *l, struct words *words, const char *text)
{
    if (words->count == WORDS_MAX)
        return;
    words->list[words->count] = otl_arena_strdup(l->arena, text);
    if (words->list[words->count] == NULL)
        words->memory = true;
    else
        words->count++;
}

/* Services and their instances: the rows of services and sdk. */
static void instance_words(struct hx_loader *l, struct words *words)
{
    char name[NAME_SIZE];

    for (size_t i = 0; i < l->scenario->service_count; i++) {
        const struct hx_service *service = &l->scenario->services[i];
        add_word(l, words, service->name);
        for (unsigned r = 0; r < service->replicas; r++) {
            snprintf(name, sizeof(name), "%s-%u", service->name, r);
            add_word(l, words, name);
        }
    }
}

static void agent_words(struct hx_loader *l, struct words *words)
{
    for (size_t i = 0; i < l->scenario->agent_count; i++)
        add_word(l, words, l->scenario->agents[i].name);
}

static void group_words(struct hx_loader *l, struct words *words)
{
    for (size_t i = 0; i < l->scenario->service_count; i++)
        for (size_t k = 0; k < l->scenario->services[i].consumer_count; k++)
            add_word(l, words, l->scenario->services[i].consumers[k].group);
}

/* What a consumer group did between one fault and the next: as many as there are faults, at most
 * (those that come together share one). */
static void window_words(struct hx_loader *l, struct words *words)
{
    size_t faults = json_array_size(json_object_get(l->scenario->tree, "faults"));
    char name[NAME_SIZE];

    if (faults > 0)
        add_word(l, words, "before");
    for (size_t n = 1; n <= faults; n++) {
        snprintf(name, sizeof(name), "after %zu", n);
        add_word(l, words, name);
    }
}

static void edge_words(struct hx_loader *l, const struct hx_plan *plan, struct words *words)
{
    char from[NAME_SIZE / 2], to[NAME_SIZE / 2], name[NAME_SIZE];

    hx_plan_entry_text(l->scenario, hx_plan_start(l->scenario), to, sizeof(to));
    snprintf(name, sizeof(name), "load -> %s", to);
    add_word(l, words, name);
    for (size_t i = 0; i < plan->edge_count; i++) {
        hx_plan_entry_text(l->scenario, plan->edges[i].from_op, from, sizeof(from));
        hx_plan_entry_text(l->scenario, plan->edges[i].to_op, to, sizeof(to));
        snprintf(name, sizeof(name), "%.250s -> %.250s", from, to);
        add_word(l, words, name);
    }
}

/* Rows of an overhead measurement begin with an arm's name and end, arms and rows alike, with a
 * load's; one whose arm is not among those measured is inconclusive, one that there cannot
 * be, or without any measurement, a mistake. */
static enum otel_err check_arm_row(struct hx_loader *l, const struct hx_figure_step *step,
                                   struct otl_yaml_pos pos)
{
    static const char *const loads[] = {"saturation", "held"};
    const char *names[2 * HX_ARMS + 1], *arm_end = strchrnul(step->row, ' ');
    bool counted = strcmp(step->name, "instructions") == 0;
    const char *load = strrchr(step->row, ' ');
    char list[2 * HX_ARMS][NAME_SIZE / 8], wanted[NAME_SIZE], near[NEAR_SIZE];
    size_t count = 0;

    if (!l->scenario->overhead.wanted)
        return otl_yaml_error(l->reterr, pos,
                              "no row '%.200s' in overhead.%s: the scenario has no 'overhead:'",
                              step->row, step->name);
    snprintf(wanted, sizeof(wanted), "%.*s%.200s", (int)(arm_end - step->row), step->row,
             load ? load : "");
    for (size_t arm = 0; arm < HX_ARMS; arm++)
        for (size_t i = 0; i < (counted ? 1 : 2); i++) {
            snprintf(list[count], sizeof(list[count]), "%s%s%s", hx_arms[arm].word,
                     counted ? "" : " ", counted ? "" : loads[i]);
            if (strcmp(list[count], wanted) == 0)
                return OTEL_OK;
            names[count] = list[count];
            count++;
        }
    names[count] = NULL;
    return otl_yaml_error(l->reterr, pos, "no row '%.200s' in overhead.%s%s", step->row,
                          step->name, otl_words_suggest(names, wanted, near, sizeof(near)));
}

static const char *none_of(const char *list)
{
    return strcmp(list, "windows") == 0  ? "no faults"
           : strcmp(list, "groups") == 0 ? "no consumers"
                                         : "none";
}

/* Will the report have this row? Only what the scenario itself names can be told. */
static enum otel_err check_row(struct hx_loader *l, const struct hx_plan *plan,
                               const struct hx_figure *figure, size_t depth,
                               struct otl_yaml_pos pos)
{
    const struct hx_figure_step *step = &figure->steps[depth];
    struct words words = {.count = 0};
    char near[NEAR_SIZE];

    if (step->row[0] == '\0' || strcmp(step->row, "*") == 0)
        return OTEL_OK;
    if (depth > 0 && strcmp(figure->steps[0].name, "overhead") == 0)
        return check_arm_row(l, step, pos);
    if (strcmp(step->name, "edges") == 0)
        edge_words(l, plan, &words);
    else if (strcmp(step->name, "agents") == 0)
        agent_words(l, &words);
    else if (strcmp(step->name, "groups") == 0)
        group_words(l, &words);
    else if (strcmp(step->name, "windows") == 0)
        window_words(l, &words);
    else if (strcmp(step->name, "services") == 0 || strcmp(step->name, "sdk") == 0)
        instance_words(l, &words);
    else
        return OTEL_OK;
    if (words.memory)
        return OTEL_ERR_MEMORY;
    words.list[words.count] = NULL;
    for (size_t i = 0; i < words.count; i++)
        if (strcmp(words.list[i], step->row) == 0)
            return OTEL_OK;
    if (words.count == 0)
        return otl_yaml_error(l->reterr, pos, "no row '%.200s' in %s: the scenario has %s",
                              step->row, step->name, none_of(step->name));
    return otl_yaml_error(l->reterr, pos, "no row '%.200s' in %s%s", step->row, step->name,
                          otl_words_suggest(words.list, step->row, near, sizeof(near)));
}

static enum otel_err load_threshold(struct hx_loader *l, const struct hx_plan *plan,
                                    const char *text, const json_t *schema,
                                    struct otl_yaml_pos pos, struct hx_threshold *ret)
{
    struct otl_detail inner = OTL_DETAIL_NONE;
    enum otel_err err = hx_threshold_parse(text, schema, ret, &inner);

    if (err != OTEL_OK)
        return otl_yaml_error(l->reterr, pos, "threshold '%.160s', character %u: %s", text,
                              inner.column, inner.text);
    for (size_t i = 0; i < ret->figure.step_count && err == OTEL_OK; i++)
        err = check_row(l, plan, &ret->figure, i, pos);
    return err;
}

enum otel_err hx_load_thresholds(struct hx_loader *l, const struct hx_plan *plan)
{
    const json_t *list = json_object_get(json_object_get(l->scenario->tree, "expect"),
                                         "thresholds");
    size_t count = json_array_size(list);
    struct hx_threshold *thresholds;
    enum otel_err err = OTEL_OK;
    json_t *schema;

    if (count == 0)
        return OTEL_OK;
    thresholds = hx_loader_array(l, count, sizeof(*thresholds));
    schema = hx_report_schema();
    if (thresholds == NULL || schema == NULL)
        err = OTEL_ERR_MEMORY;
    for (size_t i = 0; i < count && err == OTEL_OK; i++)
        err = load_threshold(l, plan, json_string_value(json_array_get(list, i)), schema,
                             otl_yaml_item_pos(l->doc, list, i), &thresholds[i]);
    json_decref(schema);
    l->scenario->claims.thresholds = thresholds;
    l->scenario->claims.threshold_count = err == OTEL_OK ? count : 0;
    return err;
}
