/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TEST_FAKE_EXPORTER_H
#define OTL_TEST_FAKE_EXPORTER_H

#include <otel/sdk/exporter.h>
#include <pthread.h>
#include <signal.h>

/*
 * An exporter that does what a test tells it, and remembers what it was asked.
 *
 * Life      fake_init -> given to one processor (whose free does nothing here) -> fake_fini after
 *           the provider was freed (it waits until the processor has let go). fake_release lets
 *           blocked calls go on.
 * Threads   fields are read under the lock by fake_... functions; mode may be changed by
 *           fake_set_mode at any time.
 */

enum fake_mode {
    FAKE_OK,     /* done at once */
    FAKE_FAIL,   /* done at once with OTEL_ERR_REFUSED */
    FAKE_REJECT, /* done at once, reject spans refused */
    FAKE_SLOW,   /* done from the loop, delay_millis later */
    FAKE_HANG,   /* never done, unless cancelled */
    FAKE_BLOCK   /* export_batch itself does not return before fake_release */
};

enum { FAKE_MAX_SPANS = 1 << 18 };

struct fake {
    struct otel_sdk_exporter exporter;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum fake_mode mode;
    uint64_t reject;
    unsigned delay_millis;
    bool released;
    unsigned failing_starts; /* so many calls of start fail */
    /* what happened */
    size_t exports, spans, biggest, cancels, flushes, shutdowns, frees;
    bool active, overlapped;
    bool signals_open; /* some signal was not blocked on the exporting thread */
    struct otel_sdk_loop *loop;
    otel_sdk_export_done_fn *done;
    void *done_arg;
    void (*on_export)(void *arg); /* runs inside export_batch; may be NULL */
    void *on_export_arg;
    uint8_t (*ids)[OTEL_SPAN_ID_SIZE]; /* of every span that was exported, in order */
};

void fake_init(struct fake *fake, enum fake_mode mode);
void fake_fini(struct fake *fake);
void fake_set_mode(struct fake *fake, enum fake_mode mode);
void fake_release(struct fake *fake);
/* Wait until spans (or exports) have reached export_batch; false after 10 s. */
bool fake_wait_spans(struct fake *fake, size_t spans);
bool fake_wait_shutdown(struct fake *fake);
bool fake_wait_exports(struct fake *fake, size_t exports);
size_t fake_spans(struct fake *fake);
size_t fake_exports(struct fake *fake);
bool fake_has(struct fake *fake, const uint8_t *span_id);

#endif
