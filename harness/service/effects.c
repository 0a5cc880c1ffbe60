/* SPDX-License-Identifier: Apache-2.0 */
#include <event2/event.h>
#include <event2/event_struct.h>

#include "harness/service/app.h"
#include "harness/service/call.h"
#include "sdk/base/clock.h"

/* ---- what the steps do to the world, for real ------------------------------------------------ */

struct timer {
    struct event event; /* lives in the request's arena; gone from the loop once it has fired */
    struct hx_frame *frame;
};

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct timer *timer = arg;

    (void)fd;
    (void)what;
    hx_frame_resume(timer->frame);
}

static enum hx_progress wait(struct hx_frame *frame, uint64_t ns)
{
    struct hx_app *app = frame->request->runtime->arg;
    struct timer *timer = otl_arena_alloc(&frame->request->arena, sizeof(*timer));
    struct timeval delay = {(time_t)(ns / OTL_NS_PER_S),
                            (suseconds_t)(ns % OTL_NS_PER_S / OTL_NS_PER_US)};

    if (timer == NULL || evtimer_assign(&timer->event, app->base, on_timer, timer) != 0) {
        hx_frame_fail(frame, HX_LED_OUTCOME_FAILED, 500, "out_of_memory", "wait");
        return HX_GO_ON;
    }
    timer->frame = frame;
    evtimer_add(&timer->event, &delay);
    return HX_WAITING;
}

static void work(struct hx_runtime *runtime, uint64_t ns)
{
    struct hx_app *app = runtime->arg;

    hx_work_burn(&app->work, ns);
}

static enum hx_progress call(struct hx_frame *frame, const struct hx_step *step)
{
    struct hx_app *app = frame->request->runtime->arg;
    uint64_t timeout_ns = app->role->scenario->load.timeout_ns;

    return hx_call_step(frame, step, app->peers,
                        timeout_ns != 0 ? timeout_ns : 10 * OTL_NS_PER_S);
}

static enum hx_progress sql(struct hx_frame *frame, const struct hx_step *step)
{
    struct hx_app *app = frame->request->runtime->arg;

    return hx_database_step(frame, step, app->database);
}

static enum hx_progress publish(struct hx_frame *frame, const struct hx_step *step)
{
    struct hx_app *app = frame->request->runtime->arg;

    return hx_producer_step(frame, step, app->producer);
}

const struct hx_effects hx_app_effects = {wait, work, call, sql, publish};
