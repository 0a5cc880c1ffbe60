/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/tail/patterns.h"
#include "collector-mock/processors/tail/policy.h"

/* numeric_, string_ and boolean_attribute: a value of any resource or span. A value of another
 * kind reads as 0, "" or false, as in the Collector. */

static bool text_fits(const struct col_tail_policy *policy, struct otl_view text)
{
    if (policy->as.text.patterns != NULL)
        return col_patterns_match(policy->as.text.patterns, text);
    for (size_t i = 0; i < policy->as.text.values.count; i++)
        if (otl_view_equal(policy->as.text.values.items[i], text))
            return true;
    return false;
}

static bool fits(const struct col_tail_policy *policy, const struct col_list *attributes,
                 bool resource)
{
    struct otl_view text = {"", 0};
    struct col_value value;
    int64_t number;

    if (!col_attribute_find(attributes, policy->key, &value))
        return false;
    switch (policy->kind) {
    case COL_TAIL_NUMERIC_ATTRIBUTE:
        number = value.kind == COL_VALUE_INT ? value.integer : 0;
        return number >= policy->as.numeric.min && number <= policy->as.numeric.max;
    case COL_TAIL_BOOLEAN_ATTRIBUTE:
        return (value.kind == COL_VALUE_BOOL && value.boolean) == policy->as.boolean;
    default:
        if (value.kind == COL_VALUE_STRING)
            text = value.text;
        return (resource || text.len > 0) && text_fits(policy, text);
    }
}

static bool any_fits(const struct col_tail_policy *policy, const struct col_tail_view *view)
{
    for (size_t i = 0; i < view->count; i++) {
        const struct col_tail_span *span = &view->spans[i];
        if (span->first && fits(policy, span->resource, true))
            return true;
        if (fits(policy, &span->span.attributes, false))
            return true;
    }
    return false;
}

enum col_tail_opinion col_tail_attribute(struct col_tail_policy *policy,
                                         const struct col_tail_view *view)
{
    bool found = any_fits(policy, view);

    if (policy->invert && policy->compat->invert_legacy && !policy->flat)
        return found ? COL_TAIL_SAYS_INVERT_NOT_SAMPLED : COL_TAIL_SAYS_INVERT_SAMPLED;
    return found != policy->invert ? COL_TAIL_SAYS_SAMPLED : COL_TAIL_SAYS_NOT_SAMPLED;
}
