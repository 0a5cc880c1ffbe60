/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "collector-mock/exporters/otlp_json.h"
#include "collector-mock/pipeline/registry.h"
#include "collector-mock/wire/json.h"

/* probabilistic_sampler on log records, against the numbers of the Collector: the vectors of
 * sampler_test.c, in attributes. Attributes are written KEY=TEXT or KEY:JSON, between spaces. */

#define A "0123456789abcdef0123456789abcdef"
#define B "4bf92f3577b34da6a3ce929d0e0e4736"
#define C "00000000000000000000000000000001"
#define F "ffffffffffffffffffffffffffffffff"
#define NONE ""
#define COUNTS "otelcol_processor_probabilistic_sampler_count_logs_sampled"
#define TH "sampling.threshold="
#define RV "sampling.randomness="

struct verdict {
    const char *config, *trace, *arrives;
    const char *leaves; /* NULL: dropped */
    const char *policy;
};

struct sink {
    struct otl_buf out;
    unsigned batches;
    uint64_t items;
};

static enum otel_err record(void *self, const struct col_batch *batch, struct otl_detail *reterr)
{
    struct sink *sink = self;
    uint64_t items = 0;

    (void)reterr;
    assert_int_equal(col_request_check(COL_LOGS, batch->request, &items, NULL), OTEL_OK);
    assert_int_equal(items, batch->items);
    sink->items += items;
    sink->batches++;
    assert_int_equal(col_json_request(COL_LOGS, batch->request, &sink->out), OTEL_OK);
    return OTEL_OK;
}

/* "a=1 b:2" as the attributes of OTLP/JSON. */
static void put_attributes(struct otl_buf *out, const char *words)
{
    const char *comma = "";

    while (*words != '\0') {
        size_t len = strcspn(words, " "), cut = strcspn(words, "=:");
        bool text = words[cut] == '=';
        assert_true(cut < len);
        assert_int_equal(otl_buf_printf(out, "%s{\"key\":\"%.*s\",\"value\":%s%.*s%s}", comma,
                                        (int)cut, words, text ? "{\"stringValue\":\"" : "",
                                        (int)(len - cut - 1), words + cut + 1,
                                        text ? "\"}" : ""),
                         OTEL_OK);
        words += len + (words[len] == ' ');
        comma = ",";
    }
}

static void put_record(struct otl_buf *out, const char *trace, const char *attributes)
{
    assert_int_equal(otl_buf_append_str(out, "{\"severityText\":\"INFO\""), OTEL_OK);
    if (attributes[0] != '\0') {
        assert_int_equal(otl_buf_append_str(out, ",\"attributes\":["), OTEL_OK);
        put_attributes(out, attributes);
        assert_int_equal(otl_buf_append_str(out, "]"), OTEL_OK);
    }
    if (trace[0] != '\0')
        assert_int_equal(otl_buf_printf(out, ",\"traceId\":\"%s\"", trace), OTEL_OK);
    assert_int_equal(otl_buf_append_str(out, "}"), OTEL_OK);
}

static void put_request(struct otl_buf *out, const struct verdict *it, const char *attributes)
{
    otl_buf_init(out, 1 << 20);
    assert_int_equal(
        otl_buf_append_str(out, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":["), OTEL_OK);
    put_record(out, it->trace, attributes);
    assert_int_equal(otl_buf_append_str(out, "]}]}]}"), OTEL_OK);
}

struct world {
    struct col_host host;
    struct otl_yaml *doc;
    void *self;
    struct sink sink;
};

static const struct col_component_type *type_of(void)
{
    return col_registry_find(COL_PROCESSOR, "probabilistic_sampler");
}

static void begin(struct world *world, const char *config)
{
    struct col_create create = {
        .id = "probabilistic_sampler", .host = &world->host, .signal = COL_LOGS};
    struct otl_detail detail = OTL_DETAIL_NONE;

    memset(world, 0, sizeof(*world));
    otl_buf_init(&world->sink.out, 1 << 20);
    otl_log_init(&world->host.log, 2, (enum otl_log_level)(OTL_LOG_ERROR + 1), "test");
    assert_int_equal(col_metrics_new(&world->host.metrics), OTEL_OK);
    assert_int_equal(otl_yaml_load_text(config, strlen(config), NULL, &world->doc, NULL), OTEL_OK);
    create.config = otl_yaml_root(world->doc);
    create.doc = world->doc;
    create.next = (struct col_consumer){record, &world->sink};
    if (otl_schema_check(world->doc, type_of()->schema, &detail) != OTEL_OK ||
        type_of()->create(&create, &world->self, &detail) != OTEL_OK)
        fail_msg("%s: %s", config, detail.text);
}

static void feed(struct world *world, const struct verdict *it)
{
    struct otl_buf json, request;
    struct col_batch batch = {.items = 1, .mono_ns = 1, .signal = COL_LOGS};

    put_request(&json, it, it->arrives);
    otl_buf_init(&request, 1 << 20);
    assert_int_equal(col_json_decode(COL_LOGS, otl_view(json.data, json.len), &request, NULL),
                     OTEL_OK);
    batch.request = otl_view(request.data, request.len);
    assert_int_equal(type_of()->consume(world->self, &batch, NULL), OTEL_OK);
    otl_buf_fini(&json);
    otl_buf_fini(&request);
}

static void end(struct world *world)
{
    type_of()->free(world->self);
    otl_yaml_free(world->doc);
    otl_buf_fini(&world->sink.out);
    col_metrics_free(world->host.metrics);
}

static void check(const struct verdict *it)
{
    struct otl_buf wanted;
    struct world world;
    char labels[96];
    bool kept;

    begin(&world, it->config);
    feed(&world, it);
    kept = world.sink.items == 1;
    if (kept != (it->leaves != NULL))
        fail_msg("%s, %s, '%s': kept %d", it->config, it->trace, it->arrives, kept);
    if (kept) {
        put_request(&wanted, it, it->leaves);
        if (wanted.len != world.sink.out.len ||
            memcmp(wanted.data, world.sink.out.data, wanted.len) != 0)
            fail_msg("%s, %s, '%s': %.*s instead of %.*s", it->config, it->trace, it->arrives,
                     (int)world.sink.out.len, world.sink.out.data, (int)wanted.len, wanted.data);
        otl_buf_fini(&wanted);
    }
    snprintf(labels, sizeof(labels), "policy=\"%s\",sampled=\"%s\"", it->policy,
             kept ? "true" : "false");
    if (*col_metrics_counter(world.host.metrics, COUNTS, labels, "") != 1)
        fail_msg("%s, %s, '%s': not counted under %s", it->config, it->trace, it->arrives, labels);
    end(&world);
}

static void check_all(const struct verdict *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check(&cases[i]);
}

#define CHECK(cases) check_all(cases, sizeof(cases) / sizeof((cases)[0]))

static void hash_seed_writes_what_it_decided(void **state)
{
    static const struct verdict cases[] = {
        {"{sampling_percentage: 100}", A, "", RV "77a80e52946215 " TH "0", "trace_id_hash"},
        {"{sampling_percentage: 100, hash_seed: 22}", B, "k=v",
         "k=v " RV "3e50158161306b " TH "0", "trace_id_hash"},
        {"{sampling_percentage: 1}", B, "", RV "fdc80d0b42008d " TH "fd74", "trace_id_hash"},
        {"{sampling_percentage: 0.1}", B, "", NULL, "trace_id_hash"},
        {"{sampling_percentage: 100}", A, RV "12345678901234", NULL, "trace_id_hash"},
        {"{sampling_percentage: 100}", A, TH "8", NULL, "trace_id_hash"},
        {"{sampling_percentage: 1, fail_closed: false}", A, TH "8", TH "8", "trace_id_hash"},
        {"{sampling_percentage: 100}", A, RV "1", NULL, "trace_id_hash"}, /* too short */
        {"{sampling_percentage: 1, fail_closed: false}", A, TH "x", TH "x", "trace_id_hash"},
        {"{sampling_percentage: 100}", NONE, "", NULL, "missing_randomness"},
        {"{sampling_percentage: 1, fail_closed: false}", NONE, "", TH "0", "missing_randomness"},
        {"{sampling_percentage: 0}", A, "", NULL, "sampling_priority"},
        /* no text: not looked at, and replaced */
        {"{sampling_percentage: 100}", A, "sampling.threshold:{\"intValue\":\"8\"}",
         TH "0 " RV "77a80e52946215", "trace_id_hash"},
    };

    (void)state;
    CHECK(cases);
}

/* FNV-1a of four zeros and "order-7" is 0x35bb59cb, bucket 6603; of "7" 0x1f10e486, bucket 9350: as
 * computed apart from this program. */
static void an_attribute_is_hashed_where_there_is_no_trace_id(void **state)
{
    static const struct verdict cases[] = {
        {"{sampling_percentage: 100, from_attribute: order, attribute_source: record}", A,
         "order=order-7", "order=order-7 " RV "98d00d6d5b99cb " TH "0", "order"},
        {"{sampling_percentage: 100, from_attribute: order}", NONE, "order=order-7",
         "order=order-7 " RV "98d00d6d5b99cb " TH "0", "order"},
        {"{sampling_percentage: 100, from_attribute: order}", A, "order=order-7",
         "order=order-7 " RV "77a80e52946215 " TH "0", "trace_id_hash"},
        {"{sampling_percentage: 100, from_attribute: order}", NONE,
         "order:{\"intValue\":\"7\"}",
         "order:{\"intValue\":\"7\"} " RV "6de407c5f12486 " TH "0", "order"},
        {"{sampling_percentage: 100, from_attribute: order}", NONE,
         "order:{\"bytesValue\":\"Nw==\"}",
         "order:{\"bytesValue\":\"Nw==\"} " RV "6de407c5f12486 " TH "0", "order"},
        {"{sampling_percentage: 100, from_attribute: order}", NONE, "other=1", NULL,
         "missing_randomness"},
        {"{sampling_percentage: 100, attribute_source: record}", A, "", NULL,
         "missing_randomness"},
    };

    (void)state;
    CHECK(cases);
}

static void consistent_modes_go_by_the_last_bits(void **state)
{
    static const struct verdict cases[] = {
        {"{mode: equalizing, sampling_percentage: 25}", B, "", TH "c", "trace_id_w3c"},
        {"{mode: equalizing, sampling_percentage: 25}", A, "", NULL, "trace_id_w3c"},
        {"{mode: equalizing, sampling_percentage: 50}", B, TH "c", TH "c", "trace_id_w3c"},
        {"{mode: equalizing, sampling_percentage: 50}", B, TH "4 k=v", TH "8 k=v",
         "trace_id_w3c"},
        {"{mode: equalizing, sampling_percentage: 50}", A, RV "80000000000000",
         RV "80000000000000 " TH "8", "sampling_randomness"},
        {"{mode: equalizing, sampling_percentage: 50}", B, RV "7fffffffffffff", NULL,
         "sampling_randomness"},
        {"{mode: equalizing, sampling_percentage: 100}", A, TH "8", NULL, "trace_id_w3c"},
        {"{mode: equalizing, sampling_percentage: 1, fail_closed: false}", A, "k=v " TH "8",
         "k=v " TH "0", "trace_id_w3c"}, /* it was a lie */
        {"{mode: equalizing, sampling_percentage: 1, fail_closed: false}", A, TH "8 a=1 b=2",
         "b=2 a=1 " TH "0", "trace_id_w3c"}, /* the last attribute takes the place of a lie */
        {"{mode: proportional, sampling_percentage: 50}", B, TH "8", TH "c", "trace_id_w3c"},
        {"{mode: proportional, sampling_percentage: 50}", B, TH "c", NULL, "trace_id_w3c"},
        {"{mode: proportional, sampling_percentage: 50}", NONE, "", NULL, "missing_randomness"},
    };

    (void)state;
    CHECK(cases);
}

static void a_record_may_ask_for_a_percentage(void **state)
{
#define ASKS ", sampling_priority: prio}"
#define INT(n) "prio:{\"intValue\":\"" n "\"}"
#define REAL(n) "prio:{\"doubleValue\":" n "}"
    static const struct verdict cases[] = {
        {"{mode: equalizing, sampling_percentage: 1" ASKS, A, INT("100"), INT("100") " " TH "0",
         "sampling_priority"},
        {"{mode: equalizing, sampling_percentage: 1" ASKS, B, INT("50"), INT("50") " " TH "8",
         "sampling_priority"},
        {"{mode: equalizing, sampling_percentage: 100" ASKS, A, INT("50"), NULL,
         "sampling_priority"},
        {"{mode: equalizing, sampling_percentage: 100" ASKS, A, REAL("12.5"), NULL,
         "sampling_priority"},
        {"{sampling_percentage: 0" ASKS, F, REAL("0.5"), REAL("0.5") " " TH "feb85",
         "sampling_priority"},
        {"{mode: equalizing, sampling_percentage: 100" ASKS, A, INT("0"),
         INT("0") " " TH "0", "trace_id_w3c"},
        {"{mode: equalizing, sampling_percentage: 100" ASKS, A, INT("101"),
         INT("101") " " TH "0", "trace_id_w3c"},
        {"{mode: equalizing, sampling_percentage: 100" ASKS, A, "prio=50", "prio=50 " TH "0",
         "trace_id_w3c"},
        {"{mode: equalizing, sampling_percentage: 100}", A, "sampling.priority=0",
         "sampling.priority=0 " TH "0", "trace_id_w3c"}, /* that is for spans */
    };

    (void)state;
    CHECK(cases);
}

static void only_what_is_kept_goes_on(void **state)
{
    static const struct verdict dropped = {"", A, "", NULL, ""}, kept = {"", B, "", NULL, ""};
    struct world world;

    (void)state;
    begin(&world, "{mode: equalizing, sampling_percentage: 25}");
    feed(&world, &dropped);
    assert_int_equal(world.sink.batches, 0);
    feed(&world, &kept);
    assert_int_equal(world.sink.batches, 1);
    assert_int_equal(world.sink.items, 1);
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_seed_writes_what_it_decided),
        cmocka_unit_test(an_attribute_is_hashed_where_there_is_no_trace_id),
        cmocka_unit_test(consistent_modes_go_by_the_last_bits),
        cmocka_unit_test(a_record_may_ask_for_a_percentage),
        cmocka_unit_test(only_what_is_kept_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
