/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "harness/ledger/canon.h"
#include "harness/ledger/writer.h"
#include "harness/tuning/overhead.h"
#include "sdk/base/clock.h"

enum { LEDGER_SPANS = 20000 };

static double thread_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* What harness/service/span.c does beside the API: one span with two attributes. */
static void write_span(struct hx_led_writer *writer)
{
    struct hx_led_span row = {.head.seq = hx_led_next_seq(writer)};
    struct hx_led_span_close close = {.head.seq = row.head.seq};
    struct hx_canon canon;

    row.wall_ns = otl_clock_wall(otl_clock_real());
    row.mono_before_ns = otl_clock_mono(otl_clock_real());
    row.mono_after_ns = otl_clock_mono(otl_clock_real());
    hx_led_span_row(writer, &row);
    hx_canon_init(&canon, "item.price", 10);
    hx_canon_string(&canon.attributes, "item.sku", 8, "sku-1234", 8);
    hx_canon_int(&canon.attributes, "tracerig.seq", 12, (int64_t)row.head.seq);
    hx_canon_finish(&canon, &close.content);
    close.wall_ns = otl_clock_wall(otl_clock_real());
    close.mono_before_ns = otl_clock_mono(otl_clock_real());
    close.mono_after_ns = otl_clock_mono(otl_clock_real());
    hx_led_span_close_row(writer, &close);
}

double hx_ledger_ns_per_span(const char *dir)
{
    const struct hx_led_writer_options options = {.dir = dir, .instance = "ledger", .process = 1};
    struct hx_led_writer *writer = NULL;
    double spent, best = 0;

    if (hx_led_writer_new(&options, &writer, NULL) != OTEL_OK)
        return 0;
    for (int round = 0; round < 5; round++) {
        spent = thread_ns();
        for (int i = 0; i < LEDGER_SPANS; i++)
            write_span(writer);
        spent = (thread_ns() - spent) / LEDGER_SPANS;
        if (round == 0 || spent < best)
            best = spent;
    }
    if (hx_led_writer_fault(writer, NULL) != OTEL_OK)
        best = 0;
    hx_led_writer_free(writer);
    return best;
}
