/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/tests/fuzz_ottl.h"

/* Any text as a condition: taken and held against one of everything, or refused with a message. */

static void hold(struct col_condition *condition, const struct fuzz_things *things)
{
    const struct col_condition_subject subject = {.span = &things->span,
                                                  .resource = &things->resource.attributes,
                                                  .scope = &things->scope,
                                                  .event = &things->event,
                                                  .log = &things->log,
                                                  .metric = &things->metric,
                                                  .point = &things->point};
    bool is_true;
    enum otel_err err = col_condition_judge(condition, &subject, &is_true);

    if (is_true != col_condition_true(condition, &subject) || (is_true && err != OTEL_OK))
        abort(); /* there is but one condition: it holds or fails */
}

static void take(const char *text, enum col_condition_on on, struct fuzz_things *things)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_condition *condition;

    if (col_condition_new(on, &condition) != OTEL_OK)
        abort();
    if (col_condition_add(condition, text, &detail) == OTEL_OK)
        hold(condition, things);
    else if (detail.text[0] == '\0')
        abort();
    col_condition_free(condition);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_text(data, size, take);
}
