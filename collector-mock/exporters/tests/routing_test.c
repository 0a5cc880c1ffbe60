/* SPDX-License-Identifier: Apache-2.0 */
/* Load balancing: by which text the ring is asked for each span, record and data point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/exporters/routing.h"
#include "collector-mock/wire/json.h"

/* So many that two texts seldom belong to the same one. */
enum { ENDPOINTS = 60, PIECES_MAX = 16 };

static char names[ENDPOINTS][16];
static struct col_ring *ring;

static int setup(void **state)
{
    const char *list[ENDPOINTS];

    (void)state;
    for (size_t i = 0; i < ENDPOINTS; i++) {
        snprintf(names[i], sizeof(names[i]), "endpoint-%zu", i);
        list[i] = names[i];
    }
    return col_ring_new(col_ring_rule(0), list, ENDPOINTS, &ring) == OTEL_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    col_ring_free(ring);
    return 0;
}

/* ---- what is sent ---- */

#define TEXT(key, text) "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" text "\"}}"
#define NUMBER(key, number) "{\"key\":\"" key "\",\"value\":{\"intValue\":\"" number "\"}}"
#define ID_1 "0102030405060708090a0b0c0d0e0f10"
#define ID_2 "ff02030405060708090a0b0c0d0e0f10"

static const char spans[] =
    "{\"resourceSpans\":["
    "{\"resource\":{\"attributes\":[" TEXT("service.name", "a") "]},\"scopeSpans\":[{"
    "\"scope\":{\"attributes\":[" TEXT("zone", "z") "]},\"spans\":["
    "{\"traceId\":\"" ID_1 "\",\"spanId\":\"0000000000000001\",\"name\":\"n\",\"kind\":2},"
    "{\"traceId\":\"" ID_2 "\",\"spanId\":\"0000000000000002\",\"name\":\"o\",\"attributes\":["
    NUMBER("k", "2") "]},"
    "{\"traceId\":\"" ID_1 "\",\"spanId\":\"0000000000000003\",\"name\":\"later\"}]}]},"
    "{\"scopeSpans\":[{\"spans\":["
    "{\"traceId\":\"" ID_1 "\",\"spanId\":\"0000000000000004\",\"name\":\"p\"}]}]}]}";

static const char records[] =
    "{\"resourceLogs\":["
    "{\"resource\":{\"attributes\":[" TEXT("service.name", "a") "," TEXT("tenant", "t1") "]},"
    "\"scopeLogs\":[{\"scope\":{\"attributes\":[" TEXT("zone", "z") "]},\"logRecords\":["
    "{\"traceId\":\"" ID_1 "\",\"severityText\":\"INFO\",\"body\":{\"stringValue\":\"hello\"},"
    "\"attributes\":[" TEXT("k", "v") "]},"
    "{\"traceId\":\"" ID_2 "\",\"attributes\":[" NUMBER("k", "2") "]}]}]},"
    "{\"resource\":{\"attributes\":[" NUMBER("service.name", "5") "]},"
    "\"scopeLogs\":[{\"logRecords\":[{\"attributes\":[" TEXT("tenant", "own") "]}]}]}]}";

#define POINT(attributes) "{\"timeUnixNano\":\"1\",\"asInt\":\"1\",\"attributes\":[" attributes "]}"
static const char points[] =
    "{\"resourceMetrics\":["
    "{\"resource\":{\"attributes\":[" TEXT("service.name", "a") "," NUMBER("n", "-3") "]},"
    "\"scopeMetrics\":[{\"scope\":{\"name\":\"lib\",\"version\":\"1\",\"attributes\":["
    TEXT("zone", "z") "]},\"metrics\":["
    "{\"name\":\"m1\",\"unit\":\"s\",\"sum\":{\"aggregationTemporality\":2,\"isMonotonic\":true,"
    "\"dataPoints\":[" POINT(TEXT("k", "v")) "," POINT(TEXT("k", "v")) "," POINT(NUMBER("k", "2"))
    "]}},"
    "{\"name\":\"m2\",\"gauge\":{\"dataPoints\":[" POINT("") "]}},"
    "{\"name\":\"m3\",\"gauge\":{\"dataPoints\":[]}}]}]},"
    "{\"resource\":{\"attributes\":[" TEXT("host", "h") ","
    "{\"key\":\"list\",\"value\":{\"arrayValue\":{\"values\":[{\"doubleValue\":2.5},"
    "{\"boolValue\":true},{}]}}},"
    "{\"key\":\"map\",\"value\":{\"kvlistValue\":{\"values\":[" TEXT("y", "1") "," TEXT("x", "2")
    "]}}},{\"key\":\"bytes\",\"value\":{\"bytesValue\":\"AQI=\"}}]},"
    "\"scopeMetrics\":[{\"metrics\":["
    "{\"name\":\"m1\",\"histogram\":{\"aggregationTemporality\":1,\"dataPoints\":["
    "{\"timeUnixNano\":\"1\",\"count\":\"1\",\"attributes\":[" TEXT("k", "v") "]}]}}]}]}]}";

/* ---- who gets it ---- */

static const char nowhere[] = "nowhere";

struct row {
    enum col_signal signal;
    const char *config, *json;
    const char *keys[PIECES_MAX]; /* of each span, record or point; "?": any */
};

/* Those of resources and streams: what the Collector's own package says of these. */
static const struct row rows[] = {
    {COL_TRACES, "{routing_key: service}", spans,
     {"service.name=a|", "service.name=a|", "service.name=a|", "service.name=|"}},
    {COL_TRACES, "{routing_key: attributes, routing_attributes: [zone, span.kind, span.name, k]}",
     spans,
     {"zone=z|span.kind=Server|span.name=n|k=|", "zone=z|span.kind=Unspecified|span.name=o|k=2|",
      "zone=z|span.kind=Server|span.name=n|k=|", "zone=|span.kind=Unspecified|span.name=p|k=|"}},
    {COL_LOGS, "{}", records, {"a", "a", ""}},
    {COL_LOGS, "{routing_key: service}", records, {"a", "a", ""}},
    {COL_LOGS, "{routing_key: traceID}", records, {ID_1, ID_2, "?"}},
    {COL_LOGS, "{routing_key: resource}", records,
     {"resource/8cc5e6b55da39e7d", "resource/8cc5e6b55da39e7d", "resource/ab37f7dd9d69481b"}},
    {COL_LOGS, "{routing_key: attributes, routing_attributes: [k, zone, tenant]}", records,
     {"tenant=t1|zone=z|k=v|", "tenant=t1|zone=z|k=2|", "k=|zone=|tenant=own|"}},
    {COL_LOGS, "{routing_key: attributes, routing_attributes: [log.body, log.severity]}", records,
     {"log.body=hello|log.severity=INFO|", "log.body=|log.severity=|",
      "log.body=|log.severity=|"}},
    {COL_LOGS, "{routing_key: attributes, routing_attributes: [service.name]}", records,
     {"service.name=a|", "service.name=a|", "service.name=5|"}},
    {COL_METRICS, "{}", points, {"a", "a", "a", "a", nowhere}},
    {COL_METRICS, "{routing_key: metric}", points, {"m1", "m1", "m1", "m2", "m1"}},
    {COL_METRICS, "{routing_key: resource}", points,
     {"resource/f282f736df1a0aaf", "resource/f282f736df1a0aaf", "resource/f282f736df1a0aaf",
      "resource/f282f736df1a0aaf", "resource/c0a27f21409d7ce7"}},
    {COL_METRICS, "{routing_key: streamID}", points,
     {"stream/e206357c3d0991b6", "stream/e206357c3d0991b6", "stream/e9204965087bc8fe",
      "stream/b27edd70a3d36081", "stream/bb731f58a294b707"}},
    {COL_METRICS, "{routing_key: attributes, routing_attributes: [host, zone, k]}", points,
     {"zone=z|host=|k=v|", "zone=z|host=|k=v|", "zone=z|host=|k=2|", "zone=z|host=|k=|",
      "host=h|zone=|k=v|"}},
    {COL_METRICS, "{routing_key: attributes, routing_attributes: [zone, service.name]}", points,
     {"service.name=a|zone=z|", "service.name=a|zone=z|", "service.name=a|zone=z|",
      "service.name=a|zone=z|", "zone=|service.name=|"}},
};

struct told {
    size_t to[PIECES_MAX], count, calls;
    struct otl_view raw; /* the metric at hand */
    uint64_t next;       /* of its points */
};

/* The pieces of a metric come in order and leave nothing out. */
static enum otel_err tell(void *context, const struct col_routed *routed)
{
    struct told *told = context;

    if (told->raw.data != routed->item->raw.data)
        told->next = 0;
    assert_int_equal(routed->first, told->next);
    assert_true(routed->first + routed->count <= routed->item->count);
    told->raw = routed->item->raw;
    told->next += routed->count;
    told->calls++;
    for (uint64_t i = 0; i < routed->count; i++) {
        assert_true(told->count < PIECES_MAX);
        told->to[told->count++] = routed->to;
    }
    return OTEL_OK;
}

static enum otel_err read_config(enum col_signal signal, const char *config,
                                 struct col_routing *routing, struct otl_detail *reterr)
{
    static struct otl_yaml *doc;
    struct col_create create = {.id = "load_balancing", .signal = signal};
    enum otel_err err;

    otl_yaml_free(doc); /* the routing before has gone */
    doc = NULL;
    if (config == NULL)
        return OTEL_OK;
    assert_int_equal(otl_yaml_load_text(config, strlen(config), NULL, &doc, NULL), OTEL_OK);
    create.doc = doc;
    create.config = otl_yaml_root(doc);
    memset(routing, 0, sizeof(*routing));
    err = col_routing_read(&create, routing, reterr);
    return err;
}

static void walk(struct col_routing *routing, const char *json, struct told *told)
{
    struct col_batch batch = {.signal = routing->signal};
    struct otl_buf request;

    otl_buf_init(&request, 1 << 16);
    assert_int_equal(col_json_decode(batch.signal, otl_view_str(json), &request, NULL), OTEL_OK);
    batch.request = otl_view(request.data, request.len);
    assert_int_equal(col_request_check(batch.signal, batch.request, &batch.items, NULL), OTEL_OK);
    memset(told, 0, sizeof(*told));
    assert_int_equal(col_routing_walk(routing, ring, &batch, tell, told), OTEL_OK);
    assert_int_equal(told->count, batch.items);
    otl_buf_fini(&request);
}

static void keys_are_those_of_the_collector(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct col_routing routing;
        struct told told;

        assert_int_equal(read_config(rows[i].signal, rows[i].config, &routing, NULL), OTEL_OK);
        walk(&routing, rows[i].json, &told);
        for (size_t k = 0; k < told.count; k++) {
            const char *key = rows[i].keys[k];
            size_t to = col_ring_endpoint(ring, key, strlen(key));
            if (strcmp(key, "?") != 0 && told.to[k] != (key == nowhere ? COL_ROUTED_NOWHERE : to))
                fail_msg("%s %s: number %zu is not asked for as %s",
                         col_signal_name(rows[i].signal), rows[i].config, k, key);
        }
        assert_true(told.count == PIECES_MAX || rows[i].keys[told.count] == NULL);
        col_routing_fini(&routing);
    }
}

static void spans_are_asked_for_by_the_bytes_of_their_trace(void **state)
{
    static const uint8_t first[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    struct col_routing routing;
    struct told told;

    (void)state;
    assert_int_equal(read_config(COL_TRACES, "{routing_key: ''}", &routing, NULL), OTEL_OK);
    walk(&routing, spans, &told);
    assert_int_equal(told.to[0], col_ring_endpoint(ring, first, 16));
    assert_int_equal(told.to[2], told.to[0]);
    assert_int_equal(told.to[3], told.to[0]);
    assert_int_not_equal(told.to[1], told.to[0]);
    col_routing_fini(&routing);
}

/* Neighbours that go the same way are one piece: a cut metric is written once a backend. */
static void points_that_stay_together_are_told_together(void **state)
{
    struct col_routing routing;
    struct told told;

    (void)state;
    assert_int_equal(read_config(COL_METRICS, "{routing_key: streamID}", &routing, NULL), OTEL_OK);
    walk(&routing, points, &told);
    assert_int_equal(told.count, 5);
    assert_int_equal(told.calls, 4);
    col_routing_fini(&routing);
}

/* A record without a trace id goes anywhere, but in one request to the same place each time it is
 * asked for, as it is looked at first and cut then. */
static void records_without_a_trace_go_anywhere(void **state)
{
    struct col_routing routing;
    struct told told, again;
    bool elsewhere = false;

    (void)state;
    assert_int_equal(read_config(COL_LOGS, "{routing_key: traceID}", &routing, NULL), OTEL_OK);
    walk(&routing, records, &told);
    for (int i = 0; i < 40; i++) {
        walk(&routing, records, &again);
        assert_int_equal(again.to[2], told.to[2]);
    }
    for (int i = 0; i < 40; i++) {
        col_routing_turn(&routing);
        walk(&routing, records, &again);
        elsewhere = elsewhere || again.to[2] != told.to[2];
        assert_int_equal(again.to[0], told.to[0]);
    }
    assert_true(elsewhere);
    col_routing_fini(&routing);
}

static void keys_that_a_signal_has_not_are_refused(void **state)
{
    static const struct {
        enum col_signal signal;
        const char *config, *says;
    } wrong[] = {
        {COL_TRACES, "{routing_key: resource}", ":1:15: exporter 'load_balancing': unsupported "
                                                "routing_key: \"resource\" (not for traces)"},
        {COL_TRACES, "{routing_key: metric}", "unsupported"},
        {COL_TRACES, "{routing_key: streamID}", "unsupported"},
        {COL_LOGS, "{routing_key: metric}", "not for logs"},
        {COL_LOGS, "{routing_key: streamID}", "not for logs"},
        {COL_METRICS, "{routing_key: traceID}", "not for metrics"},
        {COL_METRICS, "{routing_key: attributes}", "must be specified"},
        {COL_LOGS, "{routing_attributes: [a]}", "can only be used"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct col_routing routing;
        char text[512];
        assert_int_equal(read_config(wrong[i].signal, wrong[i].config, &routing, &detail),
                         OTEL_ERR_SYNTAX);
        otl_detail_format(&detail, text, sizeof(text));
        if (strstr(text, wrong[i].says) == NULL)
            fail_msg("%s: %s", wrong[i].config, text);
        col_routing_fini(&routing);
    }
}

static int forget(void **state)
{
    struct col_routing none;

    (void)state;
    return read_config(COL_TRACES, NULL, &none, NULL) == OTEL_OK ? teardown(state) : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_those_of_the_collector),
        cmocka_unit_test(spans_are_asked_for_by_the_bytes_of_their_trace),
        cmocka_unit_test(points_that_stay_together_are_told_together),
        cmocka_unit_test(records_without_a_trace_go_anywhere),
        cmocka_unit_test(keys_that_a_signal_has_not_are_refused),
    };

    return cmocka_run_group_tests_name("routing", tests, setup, forget);
}
