/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <limits.h>
#include <unistd.h>

#include <otel/propagators.h>
#include <otel/sdk/processor.h>

#include "harness/service/tests/rig.h"

/* ---- effects -------------------------------------------------------------------------------- */

static void note(struct rig *rig, const char *format, ...) OTEL_PRINTF(2, 3);

static void note(struct rig *rig, const char *format, ...)
{
    va_list args;

    assert_true(rig->event_count < RIG_EVENTS_MAX);
    va_start(args, format);
    vsnprintf(rig->events[rig->event_count++], sizeof(rig->events[0]), format, args);
    va_end(args);
}

static enum hx_progress park(struct hx_frame *frame, const struct hx_step *step)
{
    struct rig *rig = frame->request->runtime->arg;

    assert_true(rig->waiting_count < 64);
    rig->waiting_step[rig->waiting_count] = step;
    rig->waiting[rig->waiting_count++] = frame;
    return HX_WAITING;
}

static enum hx_progress fake_wait(struct hx_frame *frame, uint64_t ns)
{
    note(frame->request->runtime->arg, "wait %llu", (unsigned long long)ns);
    return park(frame, NULL);
}

static void fake_work(struct hx_runtime *runtime, uint64_t ns)
{
    note(runtime->arg, "work %llu", (unsigned long long)ns);
}

static enum hx_progress fake_call(struct hx_frame *frame, const struct hx_step *step)
{
    note(frame->request->runtime->arg, "call %s", step->route->name);
    return park(frame, step);
}

static enum hx_progress fake_sql(struct hx_frame *frame, const struct hx_step *step)
{
    struct hx_span *span = hx_step_span(frame, step, NULL, 0, false);

    note(frame->request->runtime->arg, "sql %s", step->name);
    hx_step_span_end(frame->request, step, span);
    return HX_GO_ON;
}

static enum hx_progress fake_publish(struct hx_frame *frame, const struct hx_step *step)
{
    struct rig *rig = frame->request->runtime->arg;
    struct hx_carrier *carrier = otl_arena_alloc(&frame->request->arena, sizeof(*carrier));

    note(rig, "publish %s", step->topic->name);
    rig->reports[rig->report_count] = frame->request;
    rig->report_steps[rig->report_count] = step;
    rig->report_spans[rig->report_count] = hx_step_span(frame, step, NULL, 0, true);
    hx_carrier_init(carrier, &frame->request->arena);
    hx_step_inject(frame, step, rig->report_spans[rig->report_count], UINT32_MAX,
                   step->topic->index, carrier);
    rig->report_count++;
    hx_request_ref(frame->request);
    return HX_GO_ON;
}

static const struct hx_effects effects = {fake_wait, fake_work, fake_call, fake_sql, fake_publish};

void rig_resume(struct rig *rig, size_t i)
{
    struct hx_frame *frame = rig->waiting[i];

    rig->waiting_count--;
    memmove(&rig->waiting[i], &rig->waiting[i + 1],
            (rig->waiting_count - i) * sizeof(rig->waiting[0]));
    memmove(&rig->waiting_step[i], &rig->waiting_step[i + 1],
            (rig->waiting_count - i) * sizeof(rig->waiting_step[0]));
    hx_frame_resume(frame);
}

void rig_report(struct rig *rig, size_t i)
{
    hx_step_span_end(rig->reports[i], rig->report_steps[i], rig->report_spans[i]);
    hx_request_unref(rig->reports[i]);
}

/* ---- life ----------------------------------------------------------------------------------- */

static void load(struct rig *rig, const char *yaml)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario_options options = {.seed = 42, .has_seed = true};
    char path[128], text[1024];
    FILE *file;

    snprintf(path, sizeof(path), "%s/scenario.yaml", rig->dir);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(yaml, file);
    fclose(file);
    if (hx_scenario_load_file(path, &options, &rig->scenario, &detail) != OTEL_OK)
        fail_msg("%s", otl_detail_format(&detail, text, sizeof(text)));
}

static void open_sdk(struct rig *rig)
{
    struct otel_sdk_exporter *exporter = NULL;
    struct otel_sdk_processor *processor = NULL;
    struct otel_sdk_provider_options options;

    assert_int_equal(otel_sdk_memory_new(10000, &rig->memory), OTEL_OK);
    assert_int_equal(otel_sdk_memory_exporter_new(rig->memory, &exporter), OTEL_OK);
    assert_int_equal(otel_sdk_simple_new(NULL, exporter, &processor), OTEL_OK);
    otel_sdk_provider_options_init(&options);
    options.processors = &processor;
    options.processor_count = 1;
    options.seeded = true;
    options.seed = 1;
    assert_int_equal(otel_sdk_provider_new(&options, &rig->provider), OTEL_OK);
}

void rig_open(struct rig *rig, const char *yaml)
{
    struct hx_led_writer_options ledger = {rig->dir, "gateway-0", 0, 1, 42};
    struct otel_tracer_options tracer;

    memset(rig, 0, sizeof(*rig));
    snprintf(rig->dir, sizeof(rig->dir), "/tmp/service-test-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    load(rig, yaml);
    open_sdk(rig);
    assert_int_equal(hx_led_writer_new(&ledger, &rig->ledger, NULL), OTEL_OK);
    otel_tracer_options_init(&tracer);
    tracer.name = otel_str("test");
    rig->runtime.rig.ledger = rig->ledger;
    rig->runtime.rig.tracer =
        otel_tracer_provider_tracer(otel_sdk_provider_api(rig->provider), &tracer);
    rig->runtime.rig.propagator = otel_propagator_w3c();
    rig->runtime.scenario = rig->scenario;
    rig->runtime.service = &rig->scenario->services[0];
    rig->runtime.seed = 42;
    rig->runtime.instance = "gateway-0";
    rig->runtime.effects = &effects;
    rig->runtime.arg = rig;
    rig->runtime.max_in_hand = 32;
}

static void remove_dir(const char *dir)
{
    char path[PATH_MAX];
    struct dirent *entry;
    DIR *stream = opendir(dir);

    while ((entry = readdir(stream)) != NULL) {
        snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
        unlink(path);
    }
    closedir(stream);
    rmdir(dir);
}

void rig_close(struct rig *rig)
{
    assert_int_equal(rig->runtime.in_hand, 0);
    hx_runtime_fini(&rig->runtime);
    otel_tracer_unref(rig->runtime.rig.tracer);
    otel_sdk_provider_free(rig->provider);
    otel_sdk_memory_unref(rig->memory);
    hx_led_writer_free(rig->ledger);
    hx_led_reader_free(rig->reader);
    hx_scenario_free(rig->scenario);
    remove_dir(rig->dir);
}

/* ---- requests ------------------------------------------------------------------------------- */

static void on_done(void *arg, struct hx_request *request)
{
    struct rig *rig = arg;

    rig->answers++;
    rig->last_status = request->http_status;
}

static void fill_entry(struct rig *rig, const char *name)
{
    const struct hx_service *service = rig->runtime.service;
    struct hx_entry *entry = &rig->entry;

    for (size_t i = 0; i < service->route_count; i++) {
        const struct hx_route *route = &service->routes[i];
        if (strcmp(route->name, name) == 0)
            *entry = (struct hx_entry){route->op, HX_LED_ENTRY_HTTP, route->name, HX_SERVER,
                                       route->span, HX_EDGE_PARENT, &route->attributes,
                                       route->steps, route->step_count, 0};
    }
    for (size_t i = 0; i < service->consumer_count; i++) {
        const struct hx_consumer *consumer = &service->consumers[i];
        if (strcmp(consumer->name, name) == 0)
            *entry = (struct hx_entry){consumer->op, HX_LED_ENTRY_KAFKA, consumer->name,
                                       HX_CONSUMER, true, consumer->edge, &consumer->attributes,
                                       consumer->steps, consumer->step_count, 0};
    }
    assert_non_null(entry->name);
}

struct hx_request *rig_begin(struct rig *rig, const char *name, uint64_t number,
                             const char *traceparent, const char *header)
{
    struct hx_request *request = hx_request_take(&rig->runtime);
    char text[HX_REQUEST_HEADER_LEN + 1];
    const char *colon = header != NULL ? strstr(header, ": ") : NULL;

    if (request == NULL)
        return NULL;
    fill_entry(rig, name);
    hx_carrier_add(&request->incoming, otl_view_str("Tracerig-Request"),
                   hx_request_header_write(number, 7, text));
    if (traceparent != NULL)
        hx_carrier_add(&request->incoming, otl_view_str("TraceParent"), otl_view_str(traceparent));
    if (colon != NULL)
        hx_carrier_add(&request->incoming, otl_view(header, (size_t)(colon - header)),
                       otl_view_str(colon + 2));
    request->done = on_done;
    request->done_arg = rig;
    hx_request_begin(request, &rig->entry, NULL, 0);
    return request;
}

/* ---- reading back --------------------------------------------------------------------------- */

void rig_read(struct rig *rig)
{
    hx_led_writer_free(rig->ledger);
    rig->ledger = NULL;
    assert_int_equal(hx_led_reader_open(rig->dir, &rig->reader, NULL), OTEL_OK);
}

const struct hx_led_record *rig_row(struct rig *rig, enum hx_led_type type, size_t n)
{
    const struct hx_led_record *record;
    const struct hx_led_file *file;

    hx_led_reader_rewind(rig->reader);
    while ((record = hx_led_reader_next(rig->reader, &file)) != NULL)
        if (record->type == type && n-- == 0)
            return record;
    return NULL;
}

size_t rig_rows(struct rig *rig, enum hx_led_type type)
{
    size_t n = 0;

    while (rig_row(rig, type, n) != NULL)
        n++;
    return n;
}

const struct hx_led_span *rig_span(struct rig *rig, const char *name)
{
    const struct hx_led_record *record;

    for (size_t n = 0; (record = rig_row(rig, HX_LED_SPAN, n)) != NULL; n++) {
        const struct hx_led_span *span = (const void *)record;
        if (strcmp(rig->scenario->operations[span->op].name, name) == 0)
            return span;
    }
    return NULL;
}
