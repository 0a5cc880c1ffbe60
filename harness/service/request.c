/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/request.h"

#include <stdio.h>
#include <string.h>

#include "harness/service/inject.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"

/* ---- life ----------------------------------------------------------------------------------- */

struct hx_request *hx_request_take(struct hx_runtime *runtime)
{
    struct hx_request *request = runtime->unused;

    if (runtime->in_hand >= runtime->max_in_hand)
        return NULL;
    if (request != NULL) {
        runtime->unused = request->next;
    } else {
        request = otl_mem_zalloc(sizeof(*request));
        if (request == NULL)
            return NULL;
        otl_arena_init(&request->arena, HX_REQUEST_ARENA_MAX);
    }
    runtime->in_hand++;
    request->runtime = runtime;
    hx_carrier_init(&request->incoming, &request->arena);
    memset(&request->trail, 0, sizeof(request->trail));
    memset(&request->root, 0, sizeof(request->root));
    request->span.api = NULL;
    request->span.context = NULL;
    request->async = 1;
    request->failed = false;
    request->outcome = HX_LED_OUTCOME_OK;
    request->http_status = 200;
    request->error_type = NULL;
    request->partition = -1;
    request->offset = -1;
    request->delivery = 0;
    request->key = otl_view(NULL, 0);
    request->companions = NULL;
    request->companion_count = 0;
    return request;
}

static void give_back(struct hx_request *request)
{
    struct hx_runtime *runtime = request->runtime;

    hx_span_release(&request->span);
    for (size_t i = 0; i < request->companion_count; i++)
        otel_context_unref(request->companions[i].context);
    hx_trail_fini(&request->trail);
    otl_arena_reset(&request->arena);
    request->next = runtime->unused;
    runtime->unused = request;
    runtime->in_hand--;
    if (runtime->in_hand == 0 && runtime->idle != NULL)
        runtime->idle(runtime->arg);
}

void hx_request_cancel(struct hx_request *request)
{
    give_back(request);
}

void hx_request_ref(struct hx_request *request)
{
    request->async++;
}

void hx_request_unref(struct hx_request *request)
{
    if (--request->async == 0)
        give_back(request);
}

void hx_runtime_fini(struct hx_runtime *runtime)
{
    while (runtime->unused != NULL) {
        struct hx_request *request = runtime->unused;
        runtime->unused = request->next;
        otl_arena_fini(&request->arena);
        otl_mem_free(request);
    }
}

/* ---- arrival -------------------------------------------------------------------------------- */

/* The rest of *row is filled in here. */
static void write_entry(struct hx_led_writer *ledger, const struct hx_entry *entry,
                        const struct hx_carrier *incoming, struct hx_led_entry *row)
{
    struct hx_led_headers headers;

    row->op = entry->op;
    row->kind = entry->kind;
    row->mono_ns = otl_clock_mono(otl_clock_real());
    row->wall_ns = otl_clock_wall(otl_clock_real());
    hx_carrier_headers(incoming, &headers);
    hx_led_entry_row(ledger, row, &headers);
}

void hx_request_refused(struct hx_runtime *runtime, const struct hx_entry *entry,
                        const struct hx_carrier *incoming, int http_status)
{
    struct hx_led_writer *ledger = runtime->rig.ledger;
    struct hx_led_entry row = {.head.seq = hx_led_next_seq(ledger), .partition = -1, .offset = -1};
    struct hx_led_entry_close close = {.head.seq = row.head.seq,
                                       .outcome = HX_LED_OUTCOME_FAILED,
                                       .http_status = (uint32_t)http_status};

    if (!hx_request_header_read(incoming, &row.request, &row.caller_seq))
        row.request = 0;
    write_entry(ledger, entry, incoming, &row);
    close.mono_ns = otl_clock_mono(otl_clock_real());
    hx_led_entry_close_row(ledger, &close);
}

/* One link for each message whose sender's context came with it. A batch says at each link which
 * message it is; of a single one the span says it. NULL: no memory. */
static struct otel_link *make_links(struct hx_request *request, size_t *ret_count)
{
    size_t all = request->companion_count + 1, count = 0;
    struct otel_link *links = otl_arena_alloc(&request->arena, all * sizeof(*links));
    struct otel_attribute *attributes =
        otl_arena_alloc(&request->arena, 2 * all * sizeof(*attributes));
    enum { NUMBER = 16 };
    char *texts = otl_arena_alloc(&request->arena, all * NUMBER);

    if (links == NULL || attributes == NULL || texts == NULL)
        return NULL;
    for (size_t i = 0; i < all; i++) {
        const struct hx_companion *other = i > 0 ? &request->companions[i - 1] : NULL;
        const struct otel_span_context *from =
            otel_context_span_context(other ? other->context : request->trail.base);
        if (!otel_span_context_is_valid(from))
            continue;
        snprintf(texts + i * NUMBER, NUMBER, "%d", other ? other->partition : request->partition);
        attributes[2 * i] = otel_attr_str("messaging.destination.partition.id", texts + i * NUMBER);
        attributes[2 * i + 1] =
            otel_attr_int("messaging.kafka.offset", other ? other->offset : request->offset);
        links[count++] = (struct otel_link){*from, &attributes[2 * i], all > 1 ? 2 : 0};
    }
    *ret_count = count;
    return links;
}

static void start_entry_span(struct hx_request *request, const struct otel_attribute *extra,
                             size_t count)
{
    const struct hx_entry *entry = request->entry;
    bool linked = entry->edge == HX_EDGE_LINK || entry->edge == HX_EDGE_BOTH;
    struct otl_random random;
    struct hx_fill fill = {&request->arena, &random, request->trail.request,
                           request->runtime->replica, request->runtime->instance};
    struct hx_span_begin begin = {.name = otel_str(entry->name),
                                  .kind = entry->span_kind,
                                  .op = entry->op,
                                  .root = entry->edge == HX_EDGE_LINK ||
                                          entry->edge == HX_EDGE_NONE,
                                  .attribute_count = count + entry->attributes->count};

    if (linked)
        begin.links = make_links(request, &begin.link_count);
    begin.attributes = otl_arena_alloc(&request->arena,
                                       (begin.attribute_count + 1) * sizeof(*begin.attributes));
    if (begin.attributes == NULL || (linked && begin.links == NULL))
        return;
    if (count != 0)
        memcpy(begin.attributes, extra, count * sizeof(*extra));
    otl_random_seed(&random, request->root.path);
    hx_fill_attributes(&fill, entry->attributes, begin.attributes + count);
    hx_span_start(&request->runtime->rig, &request->trail, &begin, &request->span);
    request->root.span = &request->span;
}

/* Rows of their own, right behind the first one's; what they ask for is the first one's. */
static void begin_companions(struct hx_request *request)
{
    struct hx_runtime *runtime = request->runtime;

    for (size_t i = 0; i < request->companion_count; i++) {
        struct hx_companion *other = &request->companions[i];
        struct hx_led_entry row = {.head.seq = hx_led_next_seq(runtime->rig.ledger),
                                   .head.flags = (uint16_t)(i + 1),
                                   .partition = other->partition,
                                   .delivery = other->delivery,
                                   .offset = other->offset};
        if (!hx_request_header_read(&other->incoming, &row.request, &row.caller_seq))
            row.request = 0;
        write_entry(runtime->rig.ledger, request->entry, &other->incoming, &row);
        other->context = otel_propagator_extract(runtime->rig.propagator, otel_context_root(),
                                                 &other->incoming, &hx_carrier_getter);
    }
}

void hx_request_begin(struct hx_request *request, const struct hx_entry *entry,
                      const struct otel_attribute *attributes, size_t count)
{
    struct hx_runtime *runtime = request->runtime;
    struct hx_led_entry row = {.head.seq = hx_led_next_seq(runtime->rig.ledger),
                               .partition = request->partition,
                               .delivery = request->delivery,
                               .offset = request->offset};

    request->entry = entry;
    if (!hx_request_header_read(&request->incoming, &row.request, &row.caller_seq))
        row.request = 0;
    request->trail.request = row.request;
    request->trail.entry_seq = row.head.seq;
    write_entry(runtime->rig.ledger, entry, &request->incoming, &row);
    request->trail.base = otel_propagator_extract(runtime->rig.propagator, otel_context_root(),
                                                  &request->incoming, &hx_carrier_getter);
    begin_companions(request);
    request->root.request = request;
    request->root.steps = entry->steps;
    request->root.count = entry->step_count;
    request->root.path =
        otl_random_mix(otl_random_mix(runtime->seed, request->trail.request), entry->op);
    if (entry->span)
        start_entry_span(request, attributes, count);
    hx_inject_request(runtime->rig.injector);
    if (entry->slow_ns > 0 &&
        runtime->effects->wait(&request->root, entry->slow_ns) == HX_WAITING)
        return; /* comes back to the first step */
    hx_frame_run(&request->root);
}

/* ---- the end -------------------------------------------------------------------------------- */

/* A 4xx answer is no error of the server's. */
static bool is_error(const struct hx_request *request)
{
    return request->failed &&
           (request->entry->span_kind != HX_SERVER || request->http_status >= 500);
}

static void end_entry_span(struct hx_request *request)
{
    struct hx_span *span = &request->span;

    if (request->root.span == NULL)
        return;
    if (request->entry->span_kind == HX_SERVER)
        hx_span_set(span, "http.response.status_code", otel_value_int(request->http_status));
    if (is_error(request)) {
        if (!span->has_status)
            hx_span_status(span, HX_STATUS_ERROR, "");
        hx_span_set(span, "error.type",
                    otel_value_str(request->error_type != NULL ? request->error_type : "_OTHER"));
    }
    hx_span_end(&request->runtime->rig, span);
}

static void finish(struct hx_request *request)
{
    struct hx_led_entry_close row = {.head.seq = request->trail.entry_seq,
                                     .outcome = request->outcome};

    end_entry_span(request);
    row.http_status =
        request->entry->kind == HX_LED_ENTRY_HTTP ? (uint32_t)request->http_status : 0;
    row.mono_ns = otl_clock_mono(otl_clock_real());
    hx_led_entry_close_row(request->runtime->rig.ledger, &row);
    for (size_t i = 0; i < request->companion_count; i++) {
        row.head.seq = request->trail.entry_seq + i + 1;
        hx_led_entry_close_row(request->runtime->rig.ledger, &row);
    }
    request->runtime->handled += 1 + request->companion_count;
    request->done(request->done_arg, request);
    hx_request_unref(request);
}

/* ---- frames --------------------------------------------------------------------------------- */

static void leave(struct hx_frame *frame)
{
    struct hx_request *request = frame->request;

    if (frame->own == NULL)
        return;
    if (request->failed && !frame->span->has_status) {
        hx_span_status(frame->span, HX_STATUS_ERROR, "");
        hx_span_set(frame->span, "error.type",
                    otel_value_str(request->error_type != NULL ? request->error_type : "_OTHER"));
    }
    hx_step_span_end(request, frame->own, frame->span);
}

void hx_frame_run(struct hx_frame *frame)
{
    for (;;) {
        struct hx_request *request = frame->request;
        struct hx_frame *child = frame;
        bool over = frame->at == frame->count || request->failed;

        if (!over) {
            const struct hx_step *step = &frame->steps[frame->at++];
            if (hx_step_run(frame, step, &child) == HX_WAITING)
                return;
            frame = child;
            continue;
        }
        leave(frame);
        if (frame->up == NULL) {
            finish(request);
            return;
        }
        frame = frame->up;
        /* Of parallel branches only the last one goes on. */
        if (frame->pending != 0 && --frame->pending != 0)
            return;
    }
}

void hx_frame_resume(struct hx_frame *frame)
{
    hx_frame_run(frame);
}

void hx_frame_fail(struct hx_frame *frame, enum hx_led_outcome outcome, int http_status,
                   const char *error_type, const char *message)
{
    struct hx_request *request = frame->request;

    if (request->failed)
        return; /* the first failure of parallel branches counts */
    request->failed = true;
    request->outcome = outcome;
    request->http_status = http_status;
    request->error_type = error_type;
    if (frame->span != NULL && frame->span != &request->span && error_type != NULL)
        hx_span_set(frame->span, "error.type", otel_value_str(error_type));
    if (frame->span != NULL && (frame->span != &request->span || is_error(request)))
        hx_span_status(frame->span, HX_STATUS_ERROR, message);
    hx_step_log(frame, OTL_LOG_ERROR, "%s failed with %d: %s%s%s", request->entry->name,
                http_status, error_type != NULL ? error_type : "",
                error_type != NULL && message[0] != '\0' ? ": " : "", message);
}

void hx_frame_random(const struct hx_frame *frame, struct otl_random *ret)
{
    otl_random_seed(ret, otl_random_mix(frame->path, frame->at));
}
