/* SPDX-License-Identifier: Apache-2.0 */
/* Exporters as a program would write them, on the public headers alone: one asks a peer over a
 * socket and waits for its answer, one hands its batches to a thread of its own. */
#include <otel/sdk/loop.h>
#include <otel/sdk/provider.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/tests/rig.h"

enum { SPANS = 300, PATIENCE_MILLIS = 60000, MILLI = 1000000 };

/* --- over a socket --- */

struct asking {
    struct otel_sdk_exporter exporter;
    int fd;            /* ours */
    uint64_t pause_ns; /* before it asks; 0: at once */
    struct otel_sdk_watch *answer, *pause;
    otel_sdk_export_done_fn *done;
    void *done_arg;
    size_t *cancels, *asked; /* the test's; read when nothing runs */
};

static void finish(struct asking *mine, enum otel_err err)
{
    struct otel_sdk_export_result result = {.err = err, .requests = 1, .bytes = 1};
    otel_sdk_export_done_fn *done = mine->done;

    mine->done = NULL;
    otel_sdk_watch_stop(mine->answer);
    otel_sdk_watch_stop(mine->pause);
    done(mine->done_arg, &result);
}

static void on_answer(void *arg, unsigned came)
{
    struct asking *mine = arg;
    char byte;

    (void)came;
    finish(mine, read(mine->fd, &byte, 1) == 1 ? OTEL_OK : OTEL_ERR_IO);
}

static void ask(struct asking *mine)
{
    ++*mine->asked;
    if (write(mine->fd, "?", 1) != 1 ||
        otel_sdk_watch_start(mine->answer, OTEL_SDK_WATCH_READ, OTEL_SDK_WATCH_NO_DELAY) != OTEL_OK)
        finish(mine, OTEL_ERR_IO);
}

static void on_pause(void *arg, unsigned came)
{
    (void)came;
    ask(arg);
}

static enum otel_err asking_start(struct otel_sdk_exporter *exporter, struct otel_sdk_loop *loop)
{
    struct asking *mine = (struct asking *)exporter;
    enum otel_err err = otel_sdk_watch_new(loop, mine->fd, on_answer, mine, &mine->answer);

    return err == OTEL_OK ? otel_sdk_watch_new(loop, -1, on_pause, mine, &mine->pause) : err;
}

static void asking_export(struct otel_sdk_exporter *exporter, const struct otel_sdk_batch *batch,
                          otel_sdk_export_done_fn *done, void *done_arg)
{
    struct asking *mine = (struct asking *)exporter;

    (void)batch;
    mine->done = done;
    mine->done_arg = done_arg;
    if (mine->pause_ns == 0)
        ask(mine);
    else if (otel_sdk_watch_start(mine->pause, 0, mine->pause_ns) != OTEL_OK)
        finish(mine, OTEL_ERR_IO);
}

static void asking_cancel(struct otel_sdk_exporter *exporter)
{
    struct asking *mine = (struct asking *)exporter;

    ++*mine->cancels;
    finish(mine, OTEL_ERR_TIMEOUT);
}

static void asking_forked(struct otel_sdk_exporter *exporter)
{
    struct asking *mine = (struct asking *)exporter;

    otel_sdk_watch_forked(mine->answer);
    otel_sdk_watch_forked(mine->pause);
    mine->answer = mine->pause = NULL;
    mine->done = NULL;
}

static void asking_free(struct otel_sdk_exporter *exporter)
{
    struct asking *mine = (struct asking *)exporter;

    otel_sdk_watch_free(mine->answer);
    otel_sdk_watch_free(mine->pause);
    close(mine->fd);
    free(mine);
}

/* Who answers each question, later, until the other end is closed. */
struct peer {
    pthread_t thread;
    int fd;
    bool silent;
    size_t asked, cancels;
};

static void *answer_all(void *arg)
{
    struct peer *peer = arg;
    char byte;

    while (read(peer->fd, &byte, 1) == 1) {
        poll(NULL, 0, 1); /* the answer is never there yet when it is waited for */
        if (!peer->silent && write(peer->fd, "!", 1) != 1)
            break;
    }
    return NULL;
}

static struct otel_sdk_exporter *asking_new(struct peer *peer, uint64_t pause_ns)
{
    static const struct otel_sdk_exporter_ops ops = {.struct_size = sizeof(ops),
                                                     .start = asking_start,
                                                     .export_batch = asking_export,
                                                     .cancel = asking_cancel,
                                                     .forked = asking_forked,
                                                     .free = asking_free};
    struct asking *mine = calloc(1, sizeof(*mine));
    int ends[2];

    assert_non_null(mine);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    mine->exporter.ops = &ops;
    mine->fd = ends[0];
    mine->pause_ns = pause_ns;
    mine->cancels = &peer->cancels;
    mine->asked = &peer->asked;
    peer->fd = ends[1];
    assert_int_equal(pthread_create(&peer->thread, NULL, answer_all, peer), 0);
    return &mine->exporter;
}

/* After the exporter has closed its end. */
static void peer_end(struct peer *peer)
{
    pthread_join(peer->thread, NULL);
    close(peer->fd);
}

static struct otel_sdk_processor *batch_of(struct otel_sdk_exporter *exporter,
                                           uint32_t export_timeout_millis)
{
    struct otel_sdk_batch_options options;
    struct otel_sdk_processor *processor = NULL;

    otel_sdk_batch_options_init(&options);
    options.max_export_batch_size = 32;
    options.export_timeout_millis = export_timeout_millis;
    assert_int_equal(otel_sdk_batch_new(&options, exporter, &processor), OTEL_OK);
    return processor;
}

static void a_batch_is_done_when_the_peers_answer_is_there(void **state)
{
    struct peer peer = {0};
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig_start_with(&rig, batch_of(asking_new(&peer, 0), PATIENCE_MILLIS));
    for (int i = 0; i < SPANS; i++)
        one_span(&rig, "s");
    assert_int_equal(otel_sdk_provider_force_flush(rig.provider, PATIENCE_MILLIS), OTEL_OK);
    assert_int_equal(rig_stats(&rig).total.exported, SPANS);
    rig_fini(&rig);
    peer_end(&peer);
    assert_in_range(peer.asked, (SPANS + 31) / 32, SPANS);
    assert_int_equal(peer.cancels, 0);
}

static void a_pause_before_it_is_waited_for_too(void **state)
{
    struct peer peer = {0};
    struct rig rig;
    uint64_t began = now_millis();

    (void)state;
    rig_init(&rig);
    rig_start_with(&rig, batch_of(asking_new(&peer, 20 * MILLI), PATIENCE_MILLIS));
    one_span(&rig, "s");
    assert_int_equal(otel_sdk_provider_force_flush(rig.provider, PATIENCE_MILLIS), OTEL_OK);
    assert_true(now_millis() - began >= 19);
    assert_int_equal(rig_stats(&rig).total.exported, 1);
    rig_fini(&rig);
    peer_end(&peer);
}

static void under_the_simple_processor_the_span_waits_for_it(void **state)
{
    struct otel_sdk_processor *processor = NULL;
    struct peer peer = {0};
    struct rig rig;

    (void)state;
    rig_init(&rig);
    assert_int_equal(otel_sdk_simple_new(NULL, asking_new(&peer, 0), &processor), OTEL_OK);
    rig_start_with(&rig, processor);
    for (size_t i = 1; i <= 10; i++) {
        one_span(&rig, "s");
        assert_int_equal(rig_stats(&rig).total.exported, i);
    }
    rig_fini(&rig);
    peer_end(&peer);
    assert_int_equal(peer.asked, 10);
}

static void a_peer_that_never_answers_costs_the_batch_its_time_limit(void **state)
{
    struct peer peer = {.silent = true};
    struct otel_sdk_stats stats;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig_start_with(&rig, batch_of(asking_new(&peer, 0), 50));
    one_span(&rig, "s");
    assert_int_equal(otel_sdk_provider_force_flush(rig.provider, PATIENCE_MILLIS),
                     OTEL_ERR_TIMEOUT);
    stats = rig_stats(&rig);
    assert_int_equal(stats.total.dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT], 1);
    rig_fini(&rig);
    peer_end(&peer);
    assert_int_equal(peer.cancels, 1);
}

#ifndef __SANITIZE_THREAD__ /* which lets no forked child start a thread */
static int in_the_child(struct rig *rig)
{
    struct otel_sdk_stats stats;

    for (int i = 0; i < 10; i++)
        one_span(rig, "child's");
    if (otel_sdk_provider_force_flush(rig->provider, PATIENCE_MILLIS) != OTEL_OK)
        return 1;
    stats = rig_stats(rig);
    if (stats.total.exported != 10)
        return 2;
    return otel_sdk_provider_shutdown(rig->provider, PATIENCE_MILLIS) == OTEL_OK ? 0 : 3;
}

/* The peer answers whoever asks; parent and child do so one after the other. */
static void a_forked_child_starts_the_exporter_anew(void **state)
{
    struct peer peer = {0};
    struct rig rig;
    int status = -1;
    pid_t pid;

    (void)state;
    rig_init(&rig);
    rig_start_with(&rig, batch_of(asking_new(&peer, 0), PATIENCE_MILLIS));
    one_span(&rig, "parent's");
    assert_int_equal(otel_sdk_provider_force_flush(rig.provider, PATIENCE_MILLIS), OTEL_OK);
    pid = fork();
    if (pid == 0)
        _exit(in_the_child(&rig));
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    one_span(&rig, "parent's"); /* whose loop still watches what it watched */
    assert_int_equal(otel_sdk_provider_force_flush(rig.provider, PATIENCE_MILLIS), OTEL_OK);
    assert_int_equal(rig_stats(&rig).total.exported, 2);
    rig_fini(&rig);
    peer_end(&peer);
}
#endif

/* --- by a thread of its own --- */

struct handing {
    struct otel_sdk_exporter exporter;
    pthread_t thread;
    bool started;
    struct otel_sdk_waker *waker;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t spans, worked;      /* under lock: of the batch in work; of all that were done */
    bool in_work, ready, stop; /* under lock */
    otel_sdk_export_done_fn *done;
    void *done_arg;
};

static void *do_the_work(void *arg)
{
    struct handing *mine = arg;

    pthread_mutex_lock(&mine->lock);
    while (!mine->stop) {
        if (!mine->in_work) {
            pthread_cond_wait(&mine->changed, &mine->lock);
            continue;
        }
        mine->worked += mine->spans;
        mine->in_work = false;
        mine->ready = true;
        otel_sdk_waker_wake(mine->waker);
    }
    pthread_mutex_unlock(&mine->lock);
    return NULL;
}

static void on_work_done(void *arg)
{
    struct otel_sdk_export_result result = {.requests = 1};
    struct handing *mine = arg;
    bool ready;

    pthread_mutex_lock(&mine->lock);
    ready = mine->ready;
    mine->ready = false;
    pthread_mutex_unlock(&mine->lock);
    if (ready)
        mine->done(mine->done_arg, &result);
}

static enum otel_err handing_start(struct otel_sdk_exporter *exporter, struct otel_sdk_loop *loop)
{
    struct handing *mine = (struct handing *)exporter;
    enum otel_err err = otel_sdk_waker_new(loop, on_work_done, mine, &mine->waker);

    if (err == OTEL_OK)
        mine->started = pthread_create(&mine->thread, NULL, do_the_work, mine) == 0;
    return err == OTEL_OK && !mine->started ? OTEL_ERR_THREAD : err;
}

static void handing_export(struct otel_sdk_exporter *exporter, const struct otel_sdk_batch *batch,
                           otel_sdk_export_done_fn *done, void *done_arg)
{
    struct handing *mine = (struct handing *)exporter;

    mine->done = done;
    mine->done_arg = done_arg;
    pthread_mutex_lock(&mine->lock);
    mine->spans = batch->count;
    mine->in_work = true;
    pthread_cond_signal(&mine->changed);
    pthread_mutex_unlock(&mine->lock);
}

static enum otel_err handing_shutdown(struct otel_sdk_exporter *exporter, uint64_t deadline_mono_ns)
{
    struct handing *mine = (struct handing *)exporter;

    (void)deadline_mono_ns;
    pthread_mutex_lock(&mine->lock);
    mine->stop = true;
    pthread_cond_signal(&mine->changed);
    pthread_mutex_unlock(&mine->lock);
    if (mine->started)
        pthread_join(mine->thread, NULL);
    mine->started = false;
    return OTEL_OK;
}

static void handing_free(struct otel_sdk_exporter *exporter)
{
    otel_sdk_waker_free(((struct handing *)exporter)->waker); /* its memory is the test's */
}

static void batches_go_through_a_thread_of_the_exporters_own(void **state)
{
    static const struct otel_sdk_exporter_ops ops = {.struct_size = sizeof(ops),
                                                     .start = handing_start,
                                                     .export_batch = handing_export,
                                                     .shutdown = handing_shutdown,
                                                     .free = handing_free};
    struct handing handing = {
        .exporter = {&ops}, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig_start_with(&rig, batch_of(&handing.exporter, PATIENCE_MILLIS));
    for (int i = 0; i < SPANS; i++)
        one_span(&rig, "s");
    assert_int_equal(otel_sdk_provider_force_flush(rig.provider, PATIENCE_MILLIS), OTEL_OK);
    assert_int_equal(rig_stats(&rig).total.exported, SPANS);
    assert_int_equal(handing.worked, SPANS);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_done_when_the_peers_answer_is_there),
        cmocka_unit_test(a_pause_before_it_is_waited_for_too),
        cmocka_unit_test(under_the_simple_processor_the_span_waits_for_it),
        cmocka_unit_test(a_peer_that_never_answers_costs_the_batch_its_time_limit),
#ifndef __SANITIZE_THREAD__
        cmocka_unit_test(a_forked_child_starts_the_exporter_anew),
#endif
        cmocka_unit_test(batches_go_through_a_thread_of_the_exporters_own),
    };

    return cmocka_run_group_tests_name("own_exporter", tests, NULL, NULL);
}
