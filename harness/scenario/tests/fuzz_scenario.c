/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes load or are refused with a reason; what loads resolves to a text that loads to the same
 * resolved text and the same operations. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/scenario/plan.h"
#include "harness/scenario/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int truth, const char *what)
{
    if (truth)
        return;
    fprintf(stderr, "fuzz_scenario: %s\n", what);
    abort();
}

static void ignore(void *context, const char *text)
{
    (void)context;
    must(text[0] != '\0', "an empty warning");
}

static void same_operations(const struct hx_scenario *a, const struct hx_scenario *b)
{
    must(a->operation_count == b->operation_count, "other operations after resolving");
    for (size_t i = 0; i < a->operation_count; i++)
        must(strcmp(a->operations[i].name, b->operations[i].name) == 0 &&
                 a->operations[i].parent == b->operations[i].parent,
             "an operation has another number after resolving");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario *scenario, *again;
    struct otl_buf first, second;
    struct hx_plan *plan;

    if (hx_scenario_load_text((const char *)data, size, "f.yaml", NULL, &scenario, &detail) !=
        OTEL_OK) {
        must(detail.text[0] != '\0', "refused without a reason");
        return 0;
    }
    must(hx_plan_new(scenario, &plan, NULL) == OTEL_OK, "a cycle in a loaded scenario");
    hx_plan_warnings(plan, ignore, NULL);
    hx_plan_free(plan);
    otl_buf_init(&first, (size_t)16 * 1024 * 1024);
    otl_buf_init(&second, (size_t)16 * 1024 * 1024);
    if (hx_scenario_emit(scenario, &first) == OTEL_OK) {
        must(hx_scenario_load_text(first.data, first.len, "f.yaml", NULL, &again, &detail) ==
                 OTEL_OK,
             detail.text);
        same_operations(scenario, again);
        must(hx_scenario_emit(again, &second) == OTEL_OK &&
                 otl_view_equal(otl_view(first.data, first.len), otl_view(second.data, second.len)),
             "resolving twice gives another text");
        hx_scenario_free(again);
    }
    otl_buf_fini(&first);
    otl_buf_fini(&second);
    hx_scenario_free(scenario);
    return 0;
}
