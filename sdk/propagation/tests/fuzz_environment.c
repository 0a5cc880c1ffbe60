/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include <otel/environment_carrier.h>
#include <otel/propagators.h>
#include <otel/vendor_propagators.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VARIABLES_MAX = 64, BYTES_MAX = 16 * 1024 };

/* Any environment: what a propagator takes from it, a child's environment says again. */
static void through(struct otel_propagator *propagator, char **environment)
{
    struct otel_context *first =
        otel_propagator_extract(propagator, otel_context_root(), environment,
                                otel_environment_getter());
    const struct otel_span_context *a = otel_context_span_context(first), *b;
    struct otel_environment *child = NULL;
    struct otel_context *second;

    if (otel_environment_new(environment, &child) == OTEL_OK) {
        otel_propagator_inject(propagator, first, child, otel_environment_setter());
        second = otel_propagator_extract(propagator, otel_context_root(),
                                         otel_environment_block(child), otel_environment_getter());
        b = otel_context_span_context(second);
        if (otel_span_context_is_valid(a) &&
            (!otel_span_context_is_valid(b) || memcmp(a->trace_id, b->trace_id, 16) != 0 ||
             memcmp(a->span_id, b->span_id, 8) != 0))
            abort();
        otel_context_unref(second);
    }
    otel_environment_free(child);
    otel_context_unref(first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[BYTES_MAX + 1], *environment[VARIABLES_MAX + 1], *at = text;
    size_t count = 0;

    if (size > BYTES_MAX)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    while (count < VARIABLES_MAX && at < text + size) { /* a line each */
        char *end = memchr(at, '\n', (size_t)(text + size - at));
        environment[count++] = at;
        if (end == NULL)
            break;
        *end = '\0';
        at = end + 1;
    }
    environment[count] = NULL;
    through(otel_propagator_w3c(), environment);
    through(otel_propagator_b3(), environment);
    through(otel_propagator_b3_multi(), environment);
    return 0;
}
