/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "collector-mock/faults/plan.h"

/* Any text as a plan of faults: taken, or refused with a message and no plan. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_plan *plan = NULL;
    enum otel_err err =
        col_plan_read(size > 0 ? (const char *)data : "", size, "plan.yaml", &plan, &detail);

    if ((err == OTEL_OK) != (plan != NULL) || (err == OTEL_OK) != (detail.text[0] == '\0'))
        abort();
    col_plan_free(plan);
    return 0;
}
