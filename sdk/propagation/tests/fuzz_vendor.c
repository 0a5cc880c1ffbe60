/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include <otel/propagators.h>
#include <otel/vendor_propagators.h>

#include "sdk/propagation/tests/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A tab may stand inside of a member's properties, as between words of any header. */
static void visible_only(const struct written_lines *out)
{
    for (size_t i = 0; i < out->len; i++)
        if (out->text[i] != '\n' && out->text[i] != '\t' &&
            ((unsigned char)out->text[i] < ' ' || out->text[i] == 0x7f))
            abort();
}

/* Headers as text through each propagator: what was read is written so that it reads the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct otel_propagator *(*const all[])(void) = {
        otel_propagator_b3,   otel_propagator_b3_multi, otel_propagator_jaeger,
        otel_propagator_xray, otel_propagator_datadog,  otel_propagator_ottrace,
        otel_propagator_w3c,
    };
    static struct written_lines out;
    const struct lines in = {(const char *)data, size};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct otel_context *first, *second;
        const struct otel_span_context *a, *b;
        struct lines again;
        out.len = 0;
        out.full = false;
        first = otel_propagator_extract(all[i](), otel_context_root(), &in, &lines_getter);
        otel_propagator_inject(all[i](), first, &out, &lines_setter);
        visible_only(&out);
        again.data = out.text;
        again.len = out.len;
        second = otel_propagator_extract(all[i](), otel_context_root(), &again, &lines_getter);
        a = otel_context_span_context(first);
        b = otel_context_span_context(second);
        if (otel_span_context_is_valid(b) &&
            (memcmp(a->trace_id + 8, b->trace_id + 8, 8) != 0 ||
             memcmp(a->span_id, b->span_id, 8) != 0 || a->flags != b->flags))
            abort();
        if (otel_span_context_is_valid(a) && !otel_span_context_is_valid(b) &&
            all[i] != otel_propagator_ottrace && all[i] != otel_propagator_datadog)
            abort(); /* those two write half of the trace id, which may be zero */
        otel_context_unref(second);
        otel_context_unref(first);
    }
    return 0;
}
