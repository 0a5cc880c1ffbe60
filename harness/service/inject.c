/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/inject.h"

#include <stdatomic.h>
#include <string.h>

#include <otel/sdk/exporter.h>

#include "harness/service/span.h"
#include "harness/service/work.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"

/* Beside its value, an attribute of this name is 23 bytes of a span on the wire: four tags, four
 * lengths of a byte each, the name. */
static const char FILLER[] = "tracerig.filler";

enum {
    FILLER_OVERHEAD = 8 + sizeof(FILLER) - 1,
    FILLER_MAX = 128,
    CLOCK_READS = 2000,
    CLOCKED = 16
};

struct hx_injector {
    struct hx_inject what;
    struct hx_work work;
    struct otl_random random;
    uint64_t clock_ns; /* what one reading of the thread's CPU clock costs */
    uint64_t app_ns, requests, slow_requests;
    uint64_t loop_ns; /* of run_instructions(), when it was last measured */
    _Atomic uint64_t exporter_ns;
    char filler[FILLER_MAX];
};

/* ---- loops -------------------------------------------------------------------------------- */

#if defined(__x86_64__)
#define EXACT_LOOP "1: dec %0\n\tjnz 1b"
#elif defined(__aarch64__)
#define EXACT_LOOP "1: subs %0, %0, #1\n\tb.ne 1b"
#endif

/* Two instructions a round. */
static void run_instructions(uint64_t count)
{
#ifdef EXACT_LOOP
    uint64_t rounds = count / 2;

    if (rounds != 0)
        __asm__ volatile(EXACT_LOOP : "+r"(rounds) : : "cc");
#else
    (void)count;
#endif
}

/* From before the clock is read to after it is read again. */
static uint64_t since(const struct hx_injector *injector, uint64_t start_ns)
{
    return otl_clock_thread_cpu_ns() - start_ns + injector->clock_ns;
}

static uint64_t clock_cost_ns(void)
{
    uint64_t start = otl_clock_thread_cpu_ns();

    for (int i = 1; i < CLOCK_READS; i++)
        (void)otl_clock_thread_cpu_ns();
    return (otl_clock_thread_cpu_ns() - start) / CLOCK_READS;
}

/* ---- life --------------------------------------------------------------------------------- */

enum otel_err hx_injector_new(const struct hx_inject *what, uint64_t seed,
                              struct hx_injector **ret)
{
    struct hx_injector *injector;

    *ret = NULL;
    if (what->instructions == 0 && what->exporter_ns == 0 && what->bytes == 0 &&
        !(what->slow_share > 0 && what->slow_ns > 0))
        return OTEL_OK;
#ifndef EXACT_LOOP
    if (what->instructions != 0)
        return OTEL_ERR_UNSUPPORTED;
#endif
    injector = otl_mem_zalloc(sizeof(*injector));
    if (injector == NULL)
        return OTEL_ERR_MEMORY;
    injector->what = *what;
    otl_random_seed(&injector->random, otl_random_mix_text(seed, "inject", 6));
    hx_work_calibrate(&injector->work);
    injector->clock_ns = clock_cost_ns();
    if (what->bytes > FILLER_OVERHEAD)
        memset(injector->filler, 'x', what->bytes - FILLER_OVERHEAD);
    *ret = injector;
    return OTEL_OK;
}

void hx_injector_free(struct hx_injector *injector)
{
    otl_mem_free(injector);
}

/* The loop is the same each time: one in CLOCKED is measured and stands for all, so that what is
 * added is the loop, hardly the clock. */
static void count_off(struct hx_injector *injector)
{
    uint64_t start;

    if (injector->requests % CLOCKED != 0) {
        injector->app_ns += injector->loop_ns;
        run_instructions(injector->what.instructions);
        return;
    }
    start = otl_clock_thread_cpu_ns();
    run_instructions(injector->what.instructions);
    injector->loop_ns = otl_clock_thread_cpu_ns() - start;
    injector->loop_ns -= injector->loop_ns < injector->clock_ns ? injector->loop_ns
                                                                : injector->clock_ns;
    injector->app_ns += injector->loop_ns + 2 * injector->clock_ns;
}

/* ---- where it is added -------------------------------------------------------------------- */

void hx_inject_request(struct hx_injector *injector)
{
    if (injector == NULL)
        return;
    if (injector->what.instructions != 0)
        count_off(injector);
    if (injector->what.slow_ns != 0 &&
        otl_random_unit(&injector->random) < injector->what.slow_share) {
        injector->slow_requests++;
        injector->app_ns += injector->what.slow_ns;
        hx_work_burn(&injector->work, injector->what.slow_ns);
    }
    injector->requests++;
}

void hx_inject_span(struct hx_injector *injector, struct hx_span *span)
{
    if (injector != NULL && injector->filler[0] != '\0')
        hx_span_set(span, FILLER, otel_value_str(injector->filler));
}

json_t *hx_injector_json(const struct hx_injector *injector)
{
    uint64_t requests = injector ? injector->requests : 0;

    return json_pack("{s:I, s:I, s:I, s:I}", "app_ns",
                     (json_int_t)(injector ? injector->app_ns : 0), "exporter_ns",
                     (json_int_t)(injector ? atomic_load(&injector->exporter_ns) : 0),
                     "instructions",
                     (json_int_t)(requests * (injector ? injector->what.instructions : 0)),
                     "slow_requests", (json_int_t)(injector ? injector->slow_requests : 0));
}

/* ---- the exporter's thread ---------------------------------------------------------------- */

struct costly {
    struct otel_sdk_exporter head;
    struct otel_sdk_exporter *inner;
    struct hx_injector *injector;
    struct hx_work work; /* of that thread */
};

static struct costly *costly_of(struct otel_sdk_exporter *exporter)
{
    return (struct costly *)(void *)exporter;
}

static enum otel_err start_inner(struct otel_sdk_exporter *exporter, struct otel_sdk_loop *loop)
{
    struct otel_sdk_exporter *inner = costly_of(exporter)->inner;

    return inner->ops->start != NULL ? inner->ops->start(inner, loop) : OTEL_OK;
}

static void export_batch(struct otel_sdk_exporter *exporter, const struct otel_sdk_batch *batch,
                         otel_sdk_export_done_fn *done, void *done_arg)
{
    struct costly *costly = costly_of(exporter);
    struct hx_injector *injector = costly->injector;
    uint64_t start = otl_clock_thread_cpu_ns();

    hx_work_burn(&costly->work, batch->count * injector->what.exporter_ns);
    atomic_fetch_add(&injector->exporter_ns, since(injector, start));
    costly->inner->ops->export_batch(costly->inner, batch, done, done_arg);
}

static void cancel(struct otel_sdk_exporter *exporter)
{
    struct otel_sdk_exporter *inner = costly_of(exporter)->inner;

    if (inner->ops->cancel != NULL)
        inner->ops->cancel(inner);
}

static enum otel_err force_flush(struct otel_sdk_exporter *exporter, uint64_t deadline_mono_ns)
{
    struct otel_sdk_exporter *inner = costly_of(exporter)->inner;

    return inner->ops->force_flush != NULL ? inner->ops->force_flush(inner, deadline_mono_ns)
                                           : OTEL_OK;
}

static enum otel_err shut_down(struct otel_sdk_exporter *exporter, uint64_t deadline_mono_ns)
{
    struct otel_sdk_exporter *inner = costly_of(exporter)->inner;

    return inner->ops->shutdown != NULL ? inner->ops->shutdown(inner, deadline_mono_ns) : OTEL_OK;
}

static void free_costly(struct otel_sdk_exporter *exporter)
{
    otel_sdk_exporter_free(costly_of(exporter)->inner);
    otl_mem_free(exporter);
}

static const struct otel_sdk_exporter_ops costly_ops = {
    .struct_size = sizeof(struct otel_sdk_exporter_ops),
    .start = start_inner,
    .export_batch = export_batch,
    .cancel = cancel,
    .force_flush = force_flush,
    .shutdown = shut_down,
    .free = free_costly,
};

enum otel_err hx_inject_exporter(struct hx_injector *injector, struct otel_sdk_exporter **exporter)
{
    struct costly *costly;

    if (injector == NULL || injector->what.exporter_ns == 0)
        return OTEL_OK;
    costly = otl_mem_zalloc(sizeof(*costly));
    if (costly == NULL) {
        otel_sdk_exporter_free(*exporter);
        *exporter = NULL;
        return OTEL_ERR_MEMORY;
    }
    costly->head.ops = &costly_ops;
    costly->inner = *exporter;
    costly->injector = injector;
    costly->work = injector->work;
    *exporter = &costly->head;
    return OTEL_OK;
}
