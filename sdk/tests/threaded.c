/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/tests/threaded.h"

void *threaded_spans(void *arg)
{
    struct rig *rig = arg;

    for (int i = 0; i < THREADED_SPANS; i++) {
        struct otel_span *span = otel_span_start(rig->tracer, "threaded", NULL);
        struct otel_span *child = child_of(rig->tracer, span, "child");
        otel_span_set_str(span, "key", "value");
        otel_span_set_int(child, "i", i);
        otel_span_finish(span);
        otel_span_finish(child);
    }
    return NULL;
}

void threaded_start_batch(struct rig *rig, struct fake *fake, size_t queue)
{
    struct otel_sdk_processor *processor = NULL;
    struct otel_sdk_batch_options options;

    otel_sdk_batch_options_init(&options);
    options.max_queue_size = queue;
    assert_int_equal(otel_sdk_batch_new(&options, &fake->exporter, &processor), OTEL_OK);
    rig_start_with(rig, processor);
}
