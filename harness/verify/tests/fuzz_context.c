/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as traceparent and as baggage. */
#include <stdlib.h>
#include <string.h>

#include "harness/verify/facts/context.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1), out[HX_BAGGAGE_VALUE_MAX];
    struct hx_context context;
    size_t len = 0;

    if (copy == NULL)
        return 0;
    if (size > 0)
        memcpy(copy, data, size);
    copy = realloc(copy, size > 0 ? size : 1); /* its end is the sanitizer's */
    if (hx_context_parse(otl_view(copy, size), &context) && size < 55)
        abort();
    if (hx_baggage_find(otl_view(copy, size), otl_view_str("tenant.id"), out, &len) &&
        len > sizeof out)
        abort();
    free(copy);
    return 0;
}
