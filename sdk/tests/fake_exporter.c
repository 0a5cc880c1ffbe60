/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/tests/fake_exporter.h"

#include <event2/event.h>
#include <otel/sdk/provider.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sdk/base/loop/loop.h"

static struct fake *of(struct otel_sdk_exporter *exporter)
{
    return (struct fake *)exporter;
}

static void finish(struct fake *fake, enum otel_err err, uint64_t rejected)
{
    struct otel_sdk_export_result result = {
        .err = err, .rejected = rejected, .requests = 1, .bytes = 100};
    otel_sdk_export_done_fn *done = fake->done;

    pthread_mutex_lock(&fake->lock);
    fake->active = false;
    fake->done = NULL;
    pthread_mutex_unlock(&fake->lock);
    if (done != NULL)
        done(fake->done_arg, &result);
}

static void slow_is_over(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    finish(arg, OTEL_OK, 0);
}

static enum otel_err start(struct otel_sdk_exporter *exporter, struct otel_sdk_loop *loop)
{
    of(exporter)->loop = loop;
    if (of(exporter)->failing_starts == 0)
        return OTEL_OK;
    of(exporter)->failing_starts--;
    return OTEL_ERR_IO;
}

static void remember_locked(struct fake *fake, const struct otel_sdk_batch *batch)
{
    sigset_t blocked;

    fake->overlapped = fake->overlapped || fake->active;
    fake->active = true;
    fake->exports++;
    for (size_t i = 0; i < batch->count && fake->spans < FAKE_MAX_SPANS; i++)
        memcpy(fake->ids[fake->spans++], otel_sdk_span_context(batch->spans[i])->span_id,
               OTEL_SPAN_ID_SIZE);
    if (batch->count > fake->biggest)
        fake->biggest = batch->count;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    fake->signals_open = !sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGUSR1) ||
                         !sigismember(&blocked, SIGPIPE);
    pthread_cond_broadcast(&fake->changed);
}

static void export_batch(struct otel_sdk_exporter *exporter, const struct otel_sdk_batch *batch,
                         otel_sdk_export_done_fn *done, void *done_arg)
{
    struct fake *fake = of(exporter);
    struct timeval delay;
    enum fake_mode mode;

    pthread_mutex_lock(&fake->lock);
    remember_locked(fake, batch);
    mode = fake->mode;
    fake->done = done;
    fake->done_arg = done_arg;
    while (mode == FAKE_BLOCK && !fake->released)
        pthread_cond_wait(&fake->changed, &fake->lock);
    pthread_mutex_unlock(&fake->lock);
    if (fake->on_export != NULL)
        fake->on_export(fake->on_export_arg);
    switch (mode) {
    case FAKE_HANG:
        return;
    case FAKE_SLOW:
        delay.tv_sec = fake->delay_millis / 1000;
        delay.tv_usec = (suseconds_t)(fake->delay_millis % 1000) * 1000;
        event_base_once(otl_loop_base(fake->loop), -1, EV_TIMEOUT, slow_is_over, fake, &delay);
        return;
    case FAKE_FAIL:
        finish(fake, OTEL_ERR_REFUSED, 0);
        return;
    case FAKE_REJECT:
        finish(fake, OTEL_OK, fake->reject);
        return;
    case FAKE_OK:
    case FAKE_BLOCK:
        finish(fake, OTEL_OK, 0);
        return;
    }
}

static void cancel(struct otel_sdk_exporter *exporter)
{
    of(exporter)->cancels++;
    finish(of(exporter), OTEL_ERR_TIMEOUT, 0);
}

static enum otel_err force_flush(struct otel_sdk_exporter *exporter, uint64_t deadline_mono_ns)
{
    (void)deadline_mono_ns;
    of(exporter)->flushes++;
    return OTEL_OK;
}

static enum otel_err shut_down(struct otel_sdk_exporter *exporter, uint64_t deadline_mono_ns)
{
    (void)deadline_mono_ns;
    pthread_mutex_lock(&of(exporter)->lock);
    of(exporter)->shutdowns++;
    pthread_cond_broadcast(&of(exporter)->changed);
    pthread_mutex_unlock(&of(exporter)->lock);
    return OTEL_OK;
}

static void forked(struct otel_sdk_exporter *exporter)
{
    struct fake *fake = of(exporter);

    pthread_mutex_init(&fake->lock, NULL);
    pthread_cond_init(&fake->changed, NULL);
    fake->active = false;
    fake->done = NULL;
    fake->spans = fake->exports = 0;
}

static void no_free(struct otel_sdk_exporter *exporter)
{
    __atomic_fetch_add(&of(exporter)->frees, 1, __ATOMIC_ACQ_REL);
}

static const struct otel_sdk_exporter_ops ops = {
    .struct_size = sizeof(ops),
    .start = start,
    .export_batch = export_batch,
    .cancel = cancel,
    .force_flush = force_flush,
    .shutdown = shut_down,
    .forked = forked,
    .free = no_free,
};

void fake_init(struct fake *fake, enum fake_mode mode)
{
    memset(fake, 0, sizeof(*fake));
    fake->exporter.ops = &ops;
    fake->mode = mode;
    fake->ids = calloc(FAKE_MAX_SPANS, sizeof(fake->ids[0]));
    if (fake->ids == NULL)
        abort();
    pthread_mutex_init(&fake->lock, NULL);
    pthread_cond_init(&fake->changed, NULL);
}

void fake_fini(struct fake *fake)
{
    struct otel_sdk_provider *sweeper = NULL;
    struct timespec pause = {0, 1000000};

    /* A worker that was left behind frees its processor when it comes back. */
    for (int i = 0; i < 10000 && __atomic_load_n(&fake->frees, __ATOMIC_ACQUIRE) == 0; i++) {
        nanosleep(&pause, NULL);
        if (otel_sdk_provider_new(NULL, &sweeper) == OTEL_OK)
            otel_sdk_provider_free(sweeper);
    }
    pthread_cond_destroy(&fake->changed);
    pthread_mutex_destroy(&fake->lock);
    free(fake->ids);
}

void fake_set_mode(struct fake *fake, enum fake_mode mode)
{
    pthread_mutex_lock(&fake->lock);
    fake->mode = mode;
    pthread_mutex_unlock(&fake->lock);
}

void fake_release(struct fake *fake)
{
    pthread_mutex_lock(&fake->lock);
    fake->released = true;
    pthread_cond_broadcast(&fake->changed);
    pthread_mutex_unlock(&fake->lock);
}

static bool wait_for(struct fake *fake, const size_t *what, size_t count)
{
    struct timespec until;
    bool reached;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 60;
    pthread_mutex_lock(&fake->lock);
    while (*what < count && pthread_cond_timedwait(&fake->changed, &fake->lock, &until) == 0)
        continue;
    reached = *what >= count;
    pthread_mutex_unlock(&fake->lock);
    return reached;
}

bool fake_wait_shutdown(struct fake *fake)
{
    return wait_for(fake, &fake->shutdowns, 1);
}

bool fake_wait_spans(struct fake *fake, size_t spans)
{
    return wait_for(fake, &fake->spans, spans);
}

bool fake_wait_exports(struct fake *fake, size_t exports)
{
    return wait_for(fake, &fake->exports, exports);
}

size_t fake_spans(struct fake *fake)
{
    size_t spans;

    pthread_mutex_lock(&fake->lock);
    spans = fake->spans;
    pthread_mutex_unlock(&fake->lock);
    return spans;
}

size_t fake_exports(struct fake *fake)
{
    size_t exports;

    pthread_mutex_lock(&fake->lock);
    exports = fake->exports;
    pthread_mutex_unlock(&fake->lock);
    return exports;
}

bool fake_has(struct fake *fake, const uint8_t *span_id)
{
    bool found = false;

    pthread_mutex_lock(&fake->lock);
    for (size_t i = 0; i < fake->spans && !found; i++)
        found = memcmp(fake->ids[i], span_id, OTEL_SPAN_ID_SIZE) == 0;
    pthread_mutex_unlock(&fake->lock);
    return found;
}
