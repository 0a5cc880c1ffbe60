/* SPDX-License-Identifier: Apache-2.0 */
/* otel.sdk.exporter.* of the OTLP exporter: who it is, and how its exports ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "sdk/exporter/tests/rig.h"
#include "sdk/tests/shown.h"
#include "sdk/transport/tests/grpc_thread.h"

#define PROTO "Content-Type: application/x-protobuf\r\n"

/* What the shown metric of the exporter says with these attributes behind the others. */
static int64_t of_exporter(const struct shown *shown, const char *metric, const char *type,
                           unsigned port, const char *more)
{
    char line[400];

    snprintf(line, sizeof(line),
             "otel.sdk.exporter.%s{otel.component.name=%s/0,otel.component.type=%s,"
             "server.address=127.0.0.1,server.port=%u%s}",
             metric, type, type, port, more);
    return shown_number(shown, line);
}

#define HTTP(metric, more)                                                                         \
    of_exporter(&shown, metric, "otlp_http_span_exporter", srv_port(rig.srv), more)
#define GRPC(metric, more) of_exporter(&shown, metric, "otlp_grpc_span_exporter", server.port, more)

static void answers_over_http_are_told_apart(void **state)
{
    static const char three_rejected[] = "\x0a\x0c\x08\x03\x12\x08too late";
    struct shown shown;
    struct rig rig;

    (void)state;
    rig_defaults(&rig);
    rig.otlp.max_attempts = 2;
    rig_init(&rig);
    assert_int_equal(rig_send(&rig, 6), OTEL_OK);
    srv_push_answer(rig.srv, 400, "", "", 0);
    assert_int_not_equal(rig_send(&rig, 2), OTEL_OK);
    srv_push_answer(rig.srv, 503, "", "", 0); /* tried again, and well: one export */
    assert_int_equal(rig_send(&rig, 3), OTEL_OK);
    srv_push_answer(rig.srv, 502, "", "", 0);
    srv_push_answer(rig.srv, 503, "", "", 0);
    assert_int_not_equal(rig_send(&rig, 4), OTEL_OK);
    srv_push_answer(rig.srv, 200, PROTO, three_rejected, sizeof(three_rejected) - 1);
    assert_int_equal(rig_send(&rig, 5), OTEL_OK);
    shown = show(rig.provider);
    assert_int_equal(HTTP("span.exported", ""), 6 + 3 + 2);
    assert_int_equal(HTTP("span.exported", ",error.type=400"), 2);
    assert_int_equal(HTTP("span.exported", ",error.type=503"), 4);
    assert_int_equal(HTTP("span.exported", ",error.type=rejected"), 3);
    assert_int_equal(shown_lines(&shown, "otel.sdk.exporter.span.exported{"), 4);
    assert_int_equal(HTTP("span.inflight", ""), 0);
    assert_int_equal(HTTP("operation.duration", ",http.response.status_code=200"), 2);
    assert_int_equal(HTTP("operation.duration", ",error.type=400,http.response.status_code=400"),
                     1);
    assert_int_equal(HTTP("operation.duration", ",error.type=503,http.response.status_code=503"),
                     1);
    assert_int_equal(
        HTTP("operation.duration", ",error.type=rejected,http.response.status_code=200"), 1);
    assert_true(shown.seconds > 0);
    assert_int_equal(shown_sum(&shown, "otel.sdk.exporter.operation.duration{"),
                     rig_otlp(&rig).exports);
    rig_fini(&rig);
}

static void *flush(void *rig)
{
    (void)otel_sdk_provider_force_flush(((struct rig *)rig)->provider, 60000);
    return NULL;
}

static void an_export_without_an_answer_has_no_status(void **state)
{
    struct srv_step silent = {.then = SRV_SILENT};
    struct shown shown;
    pthread_t flusher;
    struct rig rig;

    (void)state;
    rig_defaults(&rig);
    rig.otlp.timeout_millis = rig.batch.export_timeout_millis = 0; /* only the shutdown's */
    rig_init(&rig);
    srv_push_answer(rig.srv, 503, "", "", 0); /* the attempt before the last says nothing */
    srv_push(rig.srv, &silent);
    rig_spans(&rig, 3);
    assert_int_equal(pthread_create(&flusher, NULL, flush, &rig), 0);
    assert_true(srv_wait(rig.srv, 2));
    assert_int_equal(otel_sdk_provider_shutdown(rig.provider, 50), OTEL_ERR_TIMEOUT);
    pthread_join(flusher, NULL);
    rig_wait_dropped(&rig, OTEL_SDK_DROP_EXPORT_TIMEOUT, 3);
    shown = show(rig.provider);
    assert_int_equal(HTTP("span.exported", ",error.type=timeout"), 3);
    assert_int_equal(HTTP("operation.duration", ",error.type=timeout"), 1);
    rig_fini(&rig);
}

static void nobody_listens(void **state)
{
    struct shown shown;
    struct rig rig;

    (void)state;
    rig_defaults(&rig);
    rig.otlp.max_attempts = 2;
    rig.otlp.protocol = OTEL_SDK_OTLP_HTTP_JSON;
    rig.otlp.endpoint = otel_str("http://127.0.0.1:1/v1/traces");
    rig_init(&rig);
    assert_int_not_equal(rig_send(&rig, 3), OTEL_OK);
    rig_spans(&rig, 2);
    assert_int_equal(otel_sdk_provider_shutdown(rig.provider, 60000), OTEL_ERR_UNAVAILABLE);
    shown = show(rig.provider);
    assert_int_equal(of_exporter(&shown, "span.exported", "otlp_http_json_span_exporter", 1,
                                 ",error.type=unavailable"),
                     5);
    assert_int_equal(of_exporter(&shown, "operation.duration", "otlp_http_json_span_exporter", 1,
                                 ",error.type=unavailable"),
                     2);
    assert_int_equal(rig.dropped[OTEL_SDK_DROP_EXPORT_FAILED], 5); /* as the drop record has it */
    rig_fini(&rig);
}

static void answers_over_grpc_are_told_by_name(void **state)
{
    static const struct gsrv_step steps[] = {
        {.then = GSRV_ERROR, .grpc_status = "3"},    /* INVALID_ARGUMENT */
        {.then = GSRV_ERROR, .grpc_status = "14"},   /* UNAVAILABLE, tried again */
        {.then = GSRV_PLAIN, .http_status = 401},    /* UNAUTHENTICATED, by gRPC's table */
        {.then = GSRV_ERROR, .grpc_status = "4711"}, /* there is none such */
    };
    struct gsrv_thread server;
    struct shown shown;
    struct rig rig;

    (void)state;
    gsrv_thread_start_with(&server, steps, sizeof(steps) / sizeof(steps[0]));
    rig_defaults(&rig);
    snprintf(rig.endpoint, sizeof(rig.endpoint), "http://127.0.0.1:%u", (unsigned)server.port);
    rig.otlp.endpoint = otel_str(rig.endpoint);
    rig.otlp.protocol = OTEL_SDK_OTLP_GRPC;
    rig_init(&rig);
    assert_int_not_equal(rig_send(&rig, 1), OTEL_OK);
    assert_int_not_equal(rig_send(&rig, 2), OTEL_OK); /* 14, then 401 */
    assert_int_not_equal(rig_send(&rig, 4), OTEL_OK);
    assert_int_equal(rig_send(&rig, 8), OTEL_OK);
    shown = show(rig.provider);
    rig_fini(&rig);
    gsrv_thread_stop(&server);
    gsrv_thread_fini(&server);
    assert_int_equal(GRPC("span.exported", ""), 8);
    assert_int_equal(GRPC("span.exported", ",error.type=INVALID_ARGUMENT"), 1);
    assert_int_equal(GRPC("span.exported", ",error.type=UNAUTHENTICATED"), 2);
    assert_int_equal(GRPC("span.exported", ",error.type=UNKNOWN"), 4);
    assert_int_equal(GRPC("operation.duration", ",rpc.status_code=OK"), 1);
    assert_int_equal(
        GRPC("operation.duration", ",error.type=UNAUTHENTICATED,rpc.status_code=UNAUTHENTICATED"),
        1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_over_http_are_told_apart),
        cmocka_unit_test(an_export_without_an_answer_has_no_status),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(answers_over_grpc_are_told_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
