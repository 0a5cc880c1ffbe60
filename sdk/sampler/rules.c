/* SPDX-License-Identifier: Apache-2.0 */
/* Parts that choose between parts, or add attributes to what one keeps. */
#include <otel/sdk/composable_sampler.h>

#include "sdk/base/arena.h"
#include "sdk/base/buf.h"
#include "sdk/base/mem.h"
#include "sdk/otlp/copy.h"
#include "sdk/otlp/value.h"

enum {
    DESCRIPTION_MAX = 65536,
    ENCODED_MAX = 1 << 20,
    ARENA_MAX = 64 << 20 /* an empty text in an array: 4 bytes encoded, 40 here */
};

static const struct otl_value_limits no_limits = {UINT32_MAX, 64};

struct rule_based {
    struct otel_sdk_composable part;
    char *description;
    size_t count;
    struct otel_sdk_rule rules[];
};

struct annotating {
    struct otel_sdk_composable part;
    struct otel_sdk_composable *delegate;
    char *description;
    struct otl_arena arena;
    size_t count;
    struct otel_attribute attributes[OTEL_SDK_INTENT_MAX_ATTRIBUTES];
};

static void rule_intent(struct otel_sdk_composable *part,
                        const struct otel_sdk_sampling_input *input,
                        struct otel_sdk_sampling_intent *intent)
{
    struct rule_based *mine = (struct rule_based *)part;

    for (size_t i = 0; i < mine->count; i++) {
        struct otel_sdk_rule *rule = &mine->rules[i];
        if (rule->matches != NULL && !rule->matches(rule->arg, input))
            continue;
        rule->part->ops->get_intent(rule->part, input, intent);
        return;
    }
}

static struct otel_str rule_description(const struct otel_sdk_composable *part)
{
    return otel_str(((const struct rule_based *)part)->description);
}

static void rule_free(struct otel_sdk_composable *part)
{
    struct rule_based *mine = (struct rule_based *)part;

    for (size_t i = 0; i < mine->count; i++)
        otel_sdk_composable_unref(mine->rules[i].part);
    otl_mem_free(mine->description);
    otl_mem_free(mine);
}

static enum otel_err append_description(struct otl_buf *text, const char *before,
                                        const struct otel_sdk_composable *part)
{
    struct otel_str inner = otel_sdk_composable_description(part);
    enum otel_err err = otl_buf_append_str(text, before);

    return err == OTEL_OK ? otl_buf_append(text, inner.data, inner.len) : err;
}

static enum otel_err describe_rules(struct rule_based *mine)
{
    struct otl_buf text;
    enum otel_err err;

    otl_buf_init(&text, DESCRIPTION_MAX);
    err = otl_buf_append_str(&text, "ComposableRuleBased{");
    for (size_t i = 0; i < mine->count && err == OTEL_OK; i++)
        err = append_description(&text, i != 0 ? "," : "", mine->rules[i].part);
    if (err == OTEL_OK)
        err = otl_buf_append_str(&text, "}");
    if (err == OTEL_OK)
        err = otl_buf_take(&text, &mine->description, NULL);
    otl_buf_fini(&text);
    return err;
}

enum otel_err otel_sdk_composable_rule_based_new(const struct otel_sdk_rule *rules, size_t count,
                                                 struct otel_sdk_composable **ret)
{
    static const struct otel_sdk_composable_ops ops = {rule_intent, rule_description, rule_free};
    struct rule_based *mine;
    enum otel_err err;

    if (count > OTEL_SDK_MAX_RULES)
        return OTEL_ERR_LIMIT;
    for (size_t i = 0; i < count; i++)
        if (rules[i].part == NULL)
            return OTEL_ERR_ARGUMENT;
    mine = otl_mem_zalloc(sizeof(*mine) + count * sizeof(mine->rules[0]));
    if (mine == NULL)
        return OTEL_ERR_MEMORY;
    mine->part.ops = &ops;
    mine->part.refs = 1;
    mine->count = count;
    for (size_t i = 0; i < count; i++) {
        mine->rules[i] = rules[i];
        otel_sdk_composable_ref(rules[i].part);
    }
    err = describe_rules(mine);
    if (err != OTEL_OK) {
        rule_free(&mine->part);
        return err;
    }
    *ret = &mine->part;
    return OTEL_OK;
}

static void annotating_intent(struct otel_sdk_composable *part,
                              const struct otel_sdk_sampling_input *input,
                              struct otel_sdk_sampling_intent *intent)
{
    struct annotating *mine = (struct annotating *)part;

    mine->delegate->ops->get_intent(mine->delegate, input, intent);
    for (size_t i = 0; i < mine->count; i++)
        if (intent->attribute_count < OTEL_SDK_INTENT_MAX_ATTRIBUTES)
            intent->attributes[intent->attribute_count++] = mine->attributes[i];
}

static struct otel_str annotating_description(const struct otel_sdk_composable *part)
{
    return otel_str(((const struct annotating *)part)->description);
}

static void annotating_free(struct otel_sdk_composable *part)
{
    struct annotating *mine = (struct annotating *)part;

    otel_sdk_composable_unref(mine->delegate);
    otl_arena_fini(&mine->arena);
    otl_mem_free(mine->description);
    otl_mem_free(mine);
}

static enum otel_err keep_attribute(struct annotating *mine, const struct otel_attribute *attribute)
{
    struct otel_attribute copy = *attribute;

    if (!otl_copy_str(&mine->arena, &copy.key) || !otl_copy_value(&mine->arena, &copy.value))
        return OTEL_ERR_MEMORY;
    mine->attributes[mine->count++] = copy;
    return OTEL_OK;
}

static enum otel_err describe_annotating(struct annotating *mine)
{
    struct otl_buf text;
    enum otel_err err;

    otl_buf_init(&text, DESCRIPTION_MAX);
    err = append_description(&text, "ComposableAnnotating{", mine->delegate);
    for (size_t i = 0; i < mine->count && err == OTEL_OK; i++)
        err = otl_buf_printf(&text, ",%.*s", (int)mine->attributes[i].key.len,
                             mine->attributes[i].key.data);
    if (err == OTEL_OK)
        err = otl_buf_append_str(&text, "}");
    if (err == OTEL_OK)
        err = otl_buf_take(&text, &mine->description, NULL);
    otl_buf_fini(&text);
    return err;
}

enum otel_err otel_sdk_composable_annotating_new(const struct otel_attribute *attributes,
                                                 size_t count, struct otel_sdk_composable *delegate,
                                                 struct otel_sdk_composable **ret)
{
    static const struct otel_sdk_composable_ops ops = {annotating_intent, annotating_description,
                                                       annotating_free};
    struct annotating *mine;
    enum otel_err err = OTEL_OK;
    uint32_t dropped;

    if (count > OTEL_SDK_INTENT_MAX_ATTRIBUTES)
        return OTEL_ERR_LIMIT;
    if (delegate == NULL)
        return OTEL_ERR_ARGUMENT;
    if (otl_attributes_size(attributes, count, UINT32_MAX, &no_limits, &dropped) > ENCODED_MAX)
        return OTEL_ERR_LIMIT;
    mine = otl_mem_zalloc(sizeof(*mine));
    if (mine == NULL)
        return OTEL_ERR_MEMORY;
    mine->part.ops = &ops;
    mine->part.refs = 1;
    mine->delegate = otel_sdk_composable_ref(delegate);
    otl_arena_init(&mine->arena, ARENA_MAX);
    for (size_t i = 0; i < count && err == OTEL_OK; i++)
        err = keep_attribute(mine, &attributes[i]);
    if (err == OTEL_OK)
        err = describe_annotating(mine);
    if (err != OTEL_OK) {
        annotating_free(&mine->part);
        return err;
    }
    *ret = &mine->part;
    return OTEL_OK;
}
