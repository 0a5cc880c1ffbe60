/* SPDX-License-Identifier: Apache-2.0 */
/* What a span costs in memory while it waits: every byte the SDK holds, counted by an allocator. */
#include <otel/memory.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/tests/fake_exporter.h"
#include "sdk/tests/rig.h"

enum { HOUR_MILLIS = 3600 * 1000, MOST_BYTES = 1024, HEAD = 16 };

static uint64_t g_bytes; /* atomic: in use, with what the heap adds to each block */

/* The size stands in front of the memory. */
static void *counted_realloc(void *state, void *memory, size_t size)
{
    char *head = memory == NULL ? NULL : (char *)memory - HEAD;
    size_t before = 0;

    (void)state;
    if (head != NULL)
        memcpy(&before, head, sizeof(before));
    head = realloc(head, HEAD + size);
    if (head == NULL)
        return NULL;
    memcpy(head, &size, sizeof(size));
    __atomic_fetch_add(&g_bytes, size - before + (memory == NULL ? HEAD : 0), __ATOMIC_RELAXED);
    return head + HEAD;
}

static void *counted_alloc(void *state, size_t size)
{
    return counted_realloc(state, NULL, size);
}

static void counted_free(void *state, void *memory)
{
    size_t size;

    (void)state;
    memcpy(&size, (char *)memory - HEAD, sizeof(size));
    __atomic_fetch_sub(&g_bytes, size + HEAD, __ATOMIC_RELAXED);
    free((char *)memory - HEAD);
}

static void eight_attributes(struct otel_tracer *tracer)
{
    struct otel_span *span = otel_span_start(tracer, "POST /api/v1/orders", NULL);

    otel_span_set_str(span, "http.request.method", "POST /api/v1/orders");
    otel_span_set_str(span, "url.path", "/api/v1/orders/12345");
    otel_span_set_str(span, "server.address", "orders.internal.svc");
    otel_span_set_str(span, "user_agent.original", "tracerig-load/1.0.0");
    otel_span_set_int(span, "http.response.status_code", 200);
    otel_span_set_int(span, "server.port", 8080);
    otel_span_set_int(span, "order.items", 3);
    otel_span_set_int(span, "order.total_cents", 129900);
    otel_span_finish(span);
}

/* From nothing to a full queue: provider, processor and resource are in it. */
static void a_queued_span_of_eight_attributes_takes_at_most_a_kibibyte(void **state)
{
    static const size_t sizes[] = {2048, 16384};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct otel_sdk_batch_options batch;
        struct otel_sdk_processor *processor = NULL;
        uint64_t before = __atomic_load_n(&g_bytes, __ATOMIC_RELAXED), each;
        struct otel_sdk_stats stats;
        struct fake fake;
        struct rig rig;

        rig_init(&rig);
        fake_init(&fake, FAKE_OK);
        otel_sdk_batch_options_init(&batch);
        batch.schedule_delay_millis = HOUR_MILLIS;
        batch.max_queue_size = batch.max_export_batch_size = sizes[i];
        assert_int_equal(otel_sdk_batch_new(&batch, &fake.exporter, &processor), OTEL_OK);
        rig_start_with(&rig, processor);
        for (size_t n = 1; n < sizes[i]; n++) /* the last would wake the worker */
            eight_attributes(rig.tracer);
        stats = rig_stats(&rig);
        assert_int_equal(stats.total.queued, sizes[i] - 1);
        each = (__atomic_load_n(&g_bytes, __ATOMIC_RELAXED) - before) / (sizes[i] - 1);
        print_message("# queue of %zu: %llu bytes a span\n", sizes[i], (unsigned long long)each);
        assert_in_range(each, 512, MOST_BYTES);
        rig_fini(&rig);
        fake_fini(&fake);
    }
}

int main(void)
{
    static const struct otel_allocator counted = {counted_alloc, counted_realloc, counted_free,
                                                  NULL};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queued_span_of_eight_attributes_takes_at_most_a_kibibyte),
    };

    if (otel_set_allocator(&counted) != OTEL_OK)
        return 3;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
