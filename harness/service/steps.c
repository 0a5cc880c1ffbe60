/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <otel/log_correlation.h>

#include "harness/service/broken.h"
#include "harness/service/request.h"
#include "sdk/base/clock.h"

/* ---- shared by the steps that make spans ---------------------------------------------------- */

static struct hx_fill fill_of(const struct hx_frame *frame, struct otl_random *random)
{
    const struct hx_runtime *runtime = frame->request->runtime;
    struct hx_fill fill = {&frame->request->arena, random, frame->request->trail.request,
                           runtime->replica, runtime->instance};

    return fill;
}

static void out_of_memory(struct hx_frame *frame)
{
    hx_frame_fail(frame, HX_LED_OUTCOME_FAILED, 500, "out_of_memory", "request arena is full");
}

static void add_event(const struct hx_fill *fill, struct hx_span *span,
                      const struct hx_event *event)
{
    struct otel_attribute *attributes =
        otl_arena_alloc(fill->arena, (event->attributes.count + 1) * sizeof(*attributes));

    if (attributes == NULL)
        return;
    hx_fill_attributes(fill, &event->attributes, attributes);
    hx_span_event(span, otel_str(event->name), attributes, event->attributes.count);
}

struct hx_span *hx_step_span(struct hx_frame *frame, const struct hx_step *step,
                             const struct otel_attribute *extra, size_t count, bool async)
{
    struct hx_request *request = frame->request;
    struct otl_random random;
    struct hx_fill fill = fill_of(frame, &random);
    struct hx_span *span = otl_arena_alloc(&request->arena, sizeof(*span));
    struct hx_span_begin begin = {.name = otel_str(step->name),
                                  .kind = step->span_kind,
                                  .op = step->op,
                                  .async = async,
                                  .parent = frame->span,
                                  .attribute_count = count + step->attributes.count};

    begin.attributes = otl_arena_alloc(&request->arena,
                                       (begin.attribute_count + 1) * sizeof(*begin.attributes));
    if (span == NULL || begin.attributes == NULL) {
        out_of_memory(frame);
        return NULL;
    }
    hx_frame_random(frame, &random);
    if (count != 0)
        memcpy(begin.attributes, extra, count * sizeof(*extra));
    hx_fill_attributes(&fill, &step->attributes, begin.attributes + count);
    hx_span_start(&request->runtime->rig, &request->trail, &begin, span);
    for (size_t i = 0; i < step->event_count; i++)
        add_event(&fill, span, &step->events[i]);
    return span;
}

void hx_step_span_end(struct hx_request *request, const struct hx_step *step, struct hx_span *span)
{
    if (step->status != HX_STATUS_UNSET && !span->has_status)
        hx_span_status(span, step->status, step->status_message);
    hx_span_end(&request->runtime->rig, span);
    hx_span_release(span);
}

void hx_step_inject(struct hx_frame *frame, const struct hx_step *step, struct hx_span *span,
                    uint32_t to_op, uint32_t topic, struct hx_carrier *carrier)
{
    struct hx_request *request = frame->request;
    const struct hx_rig *rig = &request->runtime->rig;
    bool lost = rig->broken != NULL && hx_broken_drops_context(rig->broken, step);
    struct hx_led_headers headers;
    struct hx_led_send row = {.head.seq = span->seq,
                              .request = request->trail.request,
                              .entry_seq = request->trail.entry_seq,
                              .to_op = to_op,
                              .topic = topic};
    char *text = otl_arena_alloc(&request->arena, HX_REQUEST_HEADER_LEN + 1);

    if (text != NULL)
        hx_carrier_add(carrier, otl_view_str(HX_REQUEST_HEADER),
                       hx_request_header_write(request->trail.request, span->seq, text));
    if (step->inject && !lost)
        otel_propagator_inject(rig->propagator, hx_trail_context(&request->trail, span), carrier,
                               &hx_carrier_setter);
    hx_carrier_headers(carrier, &headers);
    row.mono_ns = otl_clock_mono(otl_clock_real());
    hx_led_send_row(rig->ledger, &row, &headers);
}

/* Requests share the loop's thread, so that nothing is current: the ids are the frame's span's. */
void hx_step_log(const struct hx_frame *frame, enum otl_log_level level, const char *format, ...)
{
    const struct hx_runtime *runtime = frame->request->runtime;
    const struct otel_span_context *context = NULL;
    char message[1024], fields[OTEL_LOG_FIELDS_SIZE + 32];
    size_t len;
    va_list args;

    if (runtime->log == NULL)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (frame->span != NULL)
        context = hx_broken_log_context(runtime->rig.broken,
                                        otel_span_get_context(frame->span->api));
    len = otel_log_fields(context, fields);
    snprintf(fields + len, sizeof(fields) - len, ",\"request\":%" PRIu64,
             frame->request->trail.request);
    otl_log_with(runtime->log, level, fields, "%s", message);
}

/* ---- the steps ------------------------------------------------------------------------------ */

typedef enum hx_progress hx_step_fn(struct hx_frame *frame, const struct hx_step *step,
                                    struct hx_frame **ret_child);

static struct hx_frame *child_frame(struct hx_frame *frame, const struct hx_step *steps,
                                    size_t count)
{
    struct hx_frame *child = otl_arena_zalloc(&frame->request->arena, sizeof(*child));

    if (child == NULL) {
        out_of_memory(frame);
        return NULL;
    }
    child->request = frame->request;
    child->up = frame;
    child->steps = steps;
    child->count = count;
    child->span = frame->span;
    child->path = otl_random_mix(frame->path, frame->at);
    return child;
}

static enum hx_progress run_span(struct hx_frame *frame, const struct hx_step *step,
                                 struct hx_frame **ret_child)
{
    struct hx_frame *child = child_frame(frame, step->steps, step->step_count);

    if (child == NULL)
        return HX_GO_ON;
    child->span = hx_step_span(frame, step, NULL, 0, false);
    if (child->span == NULL)
        return HX_GO_ON;
    child->own = step;
    *ret_child = child;
    return HX_GO_ON;
}

/* Every branch gets a frame of its own under one that counts them; one more is pending until all
 * have been started, so that a branch that ends at once does not go on alone. */
static enum hx_progress run_parallel(struct hx_frame *frame, const struct hx_step *step,
                                     struct hx_frame **ret_child)
{
    struct hx_frame *fork = child_frame(frame, NULL, 0);

    if (fork == NULL)
        return HX_GO_ON;
    fork->pending = 1;
    for (size_t i = 0; i < step->step_count; i++) {
        struct hx_frame *branch = child_frame(fork, &step->steps[i], 1);
        if (branch == NULL)
            break;
        branch->path = otl_random_mix(fork->path, i + 1);
        fork->pending++;
        hx_frame_run(branch);
    }
    if (--fork->pending != 0)
        return HX_WAITING;
    *ret_child = fork;
    return HX_GO_ON;
}

static enum hx_progress run_work(struct hx_frame *frame, const struct hx_step *step,
                                 struct hx_frame **ret_child)
{
    struct hx_runtime *runtime = frame->request->runtime;
    struct otl_random random;

    (void)ret_child;
    hx_frame_random(frame, &random);
    runtime->effects->work(runtime, hx_draw_delay(&step->delay, &random));
    return HX_GO_ON;
}

static enum hx_progress run_wait(struct hx_frame *frame, const struct hx_step *step,
                                 struct hx_frame **ret_child)
{
    struct otl_random random;

    (void)ret_child;
    hx_frame_random(frame, &random);
    return frame->request->runtime->effects->wait(frame, hx_draw_delay(&step->delay, &random));
}

static enum hx_progress run_call(struct hx_frame *frame, const struct hx_step *step,
                                 struct hx_frame **ret_child)
{
    (void)ret_child;
    return frame->request->runtime->effects->call(frame, step);
}

static enum hx_progress run_sql(struct hx_frame *frame, const struct hx_step *step,
                                struct hx_frame **ret_child)
{
    (void)ret_child;
    return frame->request->runtime->effects->sql(frame, step);
}

static enum hx_progress run_publish(struct hx_frame *frame, const struct hx_step *step,
                                    struct hx_frame **ret_child)
{
    (void)ret_child;
    return frame->request->runtime->effects->publish(frame, step);
}

static bool strikes(const struct hx_frame *frame, const struct hx_step *step)
{
    struct otl_random random;

    hx_frame_random(frame, &random);
    return otl_random_unit(&random) < step->probability;
}

static enum hx_progress run_fail(struct hx_frame *frame, const struct hx_step *step,
                                 struct hx_frame **ret_child)
{
    (void)ret_child;
    if (strikes(frame, step))
        hx_frame_fail(frame, HX_LED_OUTCOME_FAILED, step->http_status,
                      step->exception_type[0] != '\0' ? step->exception_type : "failed",
                      step->exception_message);
    return HX_GO_ON;
}

static enum hx_progress run_exception(struct hx_frame *frame, const struct hx_step *step,
                                      struct hx_frame **ret_child)
{
    (void)ret_child;
    if (!strikes(frame, step))
        return HX_GO_ON;
    if (frame->span != NULL)
        hx_span_exception(frame->span, step->exception_type, step->exception_message);
    if (step->pass_on)
        hx_frame_fail(frame, HX_LED_OUTCOME_EXCEPTION, 500, step->exception_type,
                      step->exception_message);
    else
        hx_step_log(frame, OTL_LOG_WARN, "%s was caught: %s", step->exception_type,
                    step->exception_message);
    return HX_GO_ON;
}

static enum hx_progress run_event(struct hx_frame *frame, const struct hx_step *step,
                                  struct hx_frame **ret_child)
{
    struct otl_random random;
    struct hx_fill fill = fill_of(frame, &random);

    (void)ret_child;
    hx_frame_random(frame, &random);
    if (frame->span != NULL)
        add_event(&fill, frame->span, step->event);
    return HX_GO_ON;
}

static void set_baggage(struct hx_request *request, const struct hx_baggage_item *item,
                        struct otl_view value)
{
    struct hx_led_baggage row = {.head.seq = request->trail.entry_seq,
                                 .request = request->trail.request,
                                 .what = HX_LED_BAGGAGE_SET,
                                 .found = 1};
    struct otel_baggage_entry entry = {otel_str(item->name), otel_strn(value.data, value.len),
                                       {NULL, 0}};
    struct otel_baggage *baggage = NULL;

    if (otel_baggage_set(otel_context_baggage(request->trail.base), &entry, &baggage) != OTEL_OK)
        return;
    hx_trail_rebase(&request->trail, otel_context_with_baggage(request->trail.base, baggage));
    otel_baggage_unref(baggage);
    hx_led_baggage_row(request->runtime->rig.ledger, &row, otl_view_str(item->name), value);
}

static enum hx_progress run_set_baggage(struct hx_frame *frame, const struct hx_step *step,
                                        struct hx_frame **ret_child)
{
    struct hx_request *request = frame->request;

    (void)ret_child;
    for (size_t i = 0; i < step->baggage_count; i++) {
        const struct hx_baggage_item *item = &step->baggage[i];
        struct otl_view value = otl_view_str(item->value);
        if (item->from_header[0] != '\0' &&
            !hx_carrier_get(&request->incoming, item->from_header, &value))
            continue; /* a request without the header has no such baggage */
        set_baggage(request, item, value);
    }
    return HX_GO_ON;
}

static enum hx_progress run_read_baggage(struct hx_frame *frame, const struct hx_step *step,
                                         struct hx_frame **ret_child)
{
    struct hx_request *request = frame->request;

    (void)ret_child;
    for (size_t i = 0; i < step->baggage_count; i++) {
        const char *name = step->baggage[i].name;
        struct otel_baggage_entry entry = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
        struct hx_led_baggage row = {.head.seq = request->trail.entry_seq,
                                     .request = request->trail.request,
                                     .what = HX_LED_BAGGAGE_READ};
        row.found = otel_baggage_get(otel_context_baggage(request->trail.base), otel_str(name),
                                     &entry);
        hx_led_baggage_row(request->runtime->rig.ledger, &row, otl_view_str(name),
                           otl_view(entry.value.data, row.found ? entry.value.len : 0));
    }
    return HX_GO_ON;
}

/* A message that comes again, here or elsewhere, is a new chance: what was slow for it may not be
 * slow twice. */
static bool strikes_now(const struct hx_frame *frame, const struct hx_step *step)
{
    const struct hx_request *request = frame->request;
    uint64_t again = otl_random_mix(request->delivery, request->runtime->replica);
    struct otl_random random;

    otl_random_seed(&random, otl_random_mix(otl_random_mix(frame->path, frame->at),
                                            request->delivery != 0 ? again : 0));
    return otl_random_unit(&random) < step->probability;
}

/* work, wait and call may stand for some requests only. */
static bool is_due(const struct hx_frame *frame, const struct hx_step *step)
{
    const struct otl_view *key = &frame->request->key;

    if (step->kind != HX_STEP_WORK && step->kind != HX_STEP_WAIT && step->kind != HX_STEP_CALL)
        return true;
    if (*step->only_key != '\0' &&
        (key->len != strlen(step->only_key) || memcmp(key->data, step->only_key, key->len) != 0))
        return false;
    return step->probability >= 1 || strikes_now(frame, step);
}

enum hx_progress hx_step_run(struct hx_frame *frame, const struct hx_step *step,
                             struct hx_frame **ret_child)
{
    static hx_step_fn *const runners[] = {
        [HX_STEP_SPAN] = run_span,
        [HX_STEP_WORK] = run_work,
        [HX_STEP_WAIT] = run_wait,
        [HX_STEP_CALL] = run_call,
        [HX_STEP_PARALLEL] = run_parallel,
        [HX_STEP_SQL] = run_sql,
        [HX_STEP_PUBLISH] = run_publish,
        [HX_STEP_FAIL] = run_fail,
        [HX_STEP_EXCEPTION] = run_exception,
        [HX_STEP_EVENT] = run_event,
        [HX_STEP_SET_BAGGAGE] = run_set_baggage,
        [HX_STEP_READ_BAGGAGE] = run_read_baggage,
    };

    if (!is_due(frame, step))
        return HX_GO_ON;
    return runners[step->kind](frame, step, ret_child);
}
