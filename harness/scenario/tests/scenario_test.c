/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/scenario/checks.h"
#include "harness/scenario/plan.h"
#include "harness/scenario/scenario.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"
#include "sdk/base/yaml/yaml.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char shop[] = "# a small shop\n"                                          /* 1 */
                           "seed: 7\n"                                                 /* 2 */
                           "services:\n"                                               /* 3 */
                           "  gateway:\n"                                              /* 4 */
                           "    routes:\n"                                             /* 5 */
                           "      POST /checkout:\n"                                   /* 6 */
                           "        steps:\n"                                          /* 7 */
                           "          - call: order POST /orders\n"                    /* 8 */
                           "  order:\n"                                                /* 9 */
                           "    replicas: 2\n"                                         /* 10 */
                           "    routes:\n"                                             /* 11 */
                           "      POST /orders:\n"                                     /* 12 */
                           "        steps:\n"                                          /* 13 */
                           "          - span: order.process\n"                         /* 14 */
                           "            attributes: {n: \"${n:1:5}\"}\n"               /* 15 */
                           "            steps:\n"                                      /* 16 */
                           "              - sql: SELECT a FROM orders WHERE id = ?\n"  /* 17 */
                           "                parameters: [\"${request}\"]\n"            /* 18 */
                           "              - publish: order.created\n"                  /* 19 */
                           "          - wait: 1ms\n"                                   /* 20 */
                           "  stock:\n"                                                /* 21 */
                           "    consumers:\n"                                          /* 22 */
                           "      order.created:\n"                                    /* 23 */
                           "        group: stock\n"                                    /* 24 */
                           "topics: {order.created: {partitions: 4}}\n"                /* 25 */
                           "load:\n"                                                   /* 26 */
                           "  route: gateway POST /checkout\n"                         /* 27 */
                           "  rate: 100\n"                                             /* 28 */
                           "expect:\n"                                                 /* 29 */
                           "  required:\n"                                             /* 30 */
                           "    - gateway POST /checkout -> order POST /orders\n"      /* 31 */
                           "    - order POST /orders -> stock process order.created\n"  /* 32 */
                           "  thresholds:\n"                                            /* 33 */
                           "    - load.latency.p99 < 50ms\n"                            /* 34 */
                           "    - sdk[order-1].queue_high_water <= 2048\n";             /* 35 */

/* shop with the first from replaced by to. */
static char *edited(const char *from, const char *to)
{
    const char *at = strstr(shop, from);
    size_t size = sizeof(shop) + strlen(to);
    char *text = malloc(size);

    assert_non_null(at);
    assert_non_null(text);
    snprintf(text, size, "%.*s%s%s", (int)(at - shop), shop, to, at + strlen(from));
    return text;
}

static enum otel_err load(const char *text, const struct hx_scenario_options *options,
                          struct hx_scenario **ret, char *error, size_t size)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    enum otel_err err =
        hx_scenario_load_text(text, strlen(text), "s.yaml", options, ret, &detail);

    otl_detail_format(&detail, error, size);
    return err;
}

static struct hx_scenario *loaded(const char *text, const struct hx_scenario_options *options)
{
    struct hx_scenario *scenario = NULL;
    char error[1024];

    if (load(text, options, &scenario, error, sizeof(error)) != OTEL_OK)
        fail_msg("%s", error);
    return scenario;
}

/* The thresholds of shop, and what may stand behind those that take their place. */
#define MEASURED "load.latency.p99 < 50ms\n    - sdk[order-1].queue_high_water <= 2048"
#define OVERHEAD "\noverhead: {arms: [batch]}"
#define FAULT "\nfaults: [{at: 1s, do: kill, service: stock}]"

static const struct {
    const char *from, *to, *error;
} mistakes[] = {
    {"SELECT a FROM orders WHERE id = ?", "SELEKT a FROM orders",
     "s.yaml:17:22: sqlite refuses \"SELEKT a FROM orders\": near \"SELEKT\": syntax error"},
    {"SELECT a FROM orders WHERE id = ?", "DELETE FROM orders",
     "s.yaml:18:29: the statement takes 0 parameters, found 1"},
    {"                parameters: [\"${request}\"]\n", "",
     "s.yaml:17:22: the statement takes 1 parameters, found 0"},
    {"SELECT a FROM orders WHERE id = ?", "SELECT 1; DELETE FROM orders",
     "s.yaml:17:22: expected one statement, found \"SELECT 1; DELETE FROM orders\""},
    {"SELECT a FROM orders WHERE id = ?", "-- nothing",
     "s.yaml:17:22: expected one statement, found \"-- nothing\""},
    {"expect:\n", "expect:\n  partial_traces: true\n",
     "s.yaml:30:19: partial_traces cannot hold: every service takes its parent's decision "
     "(parentbased_...), so every trace is kept whole or not at all"},
    {"services:", "servces:",
     "s.yaml:3:1: unknown key 'servces' (did you mean 'services'?)"},
    {"replicas: 2", "replicas: two",
     "s.yaml:10:15: replicas: expected a whole number, found the text 'two'"},
    {"replicas: 2", "replicas: 65", "s.yaml:10:15: replicas must be at most 64, found 65"},
    {"wait: 1ms", "wait: {}",
     "s.yaml:20:19: a map with uniform or lognormal needs at least 1 keys, found 0"},
    {"wait: 1ms", "wait: [1ms]",
     "s.yaml:20:19: wait: expected a duration such as 250ms or a map with uniform or "
     "lognormal, found a list"},
    {"wait: 1ms", "wait: {uniform: [2ms, 1ms]}",
     "s.yaml:20:29: uniform: the first bound is larger than the second"},
    {"wait: 1ms", "wiat: 1ms", "s.yaml:20:13: unknown key 'wiat' (did you mean 'wait'?)"},
    {"call: order POST", "call: ordr POST",
     "s.yaml:8:19: call to the unknown service 'ordr' (did you mean 'order'?)"},
    {"call: order POST /orders", "call: order POST /order",
     "s.yaml:8:19: call to a route that nobody serves: 'order POST /order' (did you mean "
     "'POST /orders'?)"},
    {"call: order POST /orders", "call: stock POST /x",
     "s.yaml:8:19: call to a route that nobody serves: 'stock POST /x'"},
    {"wait: 1ms", "call: gateway POST /checkout",
     "s.yaml:20:19: cycle without end: gateway POST /checkout -> order POST /orders -> "
     "gateway POST /checkout"},
    {"group: stock", "steps: [{publish: order.created}]",
     "s.yaml:24:27: cycle without end: stock process order.created -> stock process "
     "order.created"},
    {"publish: order.created", "publish: order.craeted",
     "s.yaml:19:26: publish to the unknown topic 'order.craeted' (did you mean "
     "'order.created'?)"},
    {"      order.created:\n", "      order.cretaed:\n",
     "s.yaml:23:7: consumer of the unknown topic 'order.cretaed' (did you mean "
     "'order.created'?)"},
    {"rate: 100", "rate: 0",
     "s.yaml:28:9: impossible rate: 0 requests a second; it must be above 0"},
    {"rate: 100", "rate: -5",
     "s.yaml:28:9: impossible rate: -5 requests a second; it must be above 0"},
    {"rate: 100", "rate: 1e9",
     "s.yaml:28:9: impossible rate: 1e+09 requests a second; at most 1000000"},
    {"rate: 100", "rate: 0.01",
     "s.yaml:28:9: impossible rate: 0.01 requests a second are not one in 10s"},
    {"rate: 100", "rate: 100\n  duration: 24h\n  connections: 0",
     "s.yaml:30:16: connections must be at least 1, found 0"},
    {"route: gateway POST /checkout", "route: gatway POST /checkout",
     "s.yaml:27:10: load on the unknown service 'gatway' (did you mean 'gateway'?)"},
    {"rate: 100", "headers: {}", "s.yaml:27:3: missing key 'rate'"},
    {"rate: 100", "rate: 1\n  headers: {TraceParent: x}",
     "s.yaml:29:13: header 'TraceParent' is set by the load client itself"},
    {"rate: 100", "rate: 1\n  incoming: {sampled: 0.7, not_sampled: 0.4}",
     "s.yaml:29:13: incoming: the shares sum to 1.1, more than 1"},
    {"wait: 1ms", "fail: {probability: 1.5}",
     "s.yaml:20:33: probability must be from 0 to 1, found 1.5"},
    {"wait: 1ms", "parallel: [{wait: 1ms}]",
     "s.yaml:20:24: parallel holds calls only, found 'wait'"},
    {"${n:1:5}", "${n:5:1}",
     "s.yaml:15:29: unknown reference '${n:5:1}'; known: ${request}, ${replica}, ${instance}, "
     "${n:LOW:HIGH}"},
    {"${request}", "${reqest}",
     "s.yaml:18:30: unknown reference '${reqest}' (did you mean 'request'?); known: "
     "${request}, ${replica}, ${instance}, ${n:LOW:HIGH}"},
    {"{n: \"${n:1:5}\"}", "{tracerig.seq: 1}",
     "s.yaml:15:26: attributes tracerig.* are the harness's own"},
    {"POST /orders:", "PSOT /orders:",
     "s.yaml:12:7: unknown method 'PSOT' (did you mean 'POST'?)"},
    {"POST /orders:", "orders:",
     "s.yaml:12:7: 'orders' is no route; expected a method and a path such as 'POST /orders'"},
    {"replicas: 2", "tracing: {sampler: parentbased_alwayson}",
     "s.yaml:10:24: sampler: unknown word 'parentbased_alwayson' (did you mean "
     "'parentbased_always_on'?)"},
    {"replicas: 2", "tracing: {propagators: [b3]}",
     "s.yaml:10:29: unknown word 'b3'; expected tracecontext or baggage"},
    {"replicas: 2", "tracing: {max_queue_size: 100}",
     "s.yaml:10:31: max_export_batch_size (512) is larger than max_queue_size (100)"},
    {"group: stock", "max_poll_interval: 1s",
     "s.yaml:24:28: max_poll_interval must not be shorter than session_timeout"},
    {"expect:\n", "expect:\n  checks: [boks]\n",
     "s.yaml:30:12: unknown word 'boks' (did you mean 'books'?)"},
    {"expect:\n", "expect:\n  spans_per_request_min: 9\n",
     "s.yaml:30:26: spans_per_request_min is 9, but the plan makes 7 spans"},
    {"gateway POST /checkout -> order", "gatway POST /checkout -> order",
     "s.yaml:31:7: no entry 'gatway POST /checkout' (did you mean 'gateway POST /checkout'?)"},
    {"gateway POST /checkout -> order POST /orders", "order POST /orders",
     "s.yaml:31:7: 'order POST /orders' is no edge; expected 'SERVICE ENTRY -> SERVICE ENTRY'"},
    {"gateway POST /checkout -> order POST /orders",
     "gateway POST /checkout -> stock process order.created",
     "s.yaml:31:7: 'gateway POST /checkout -> stock process order.created' can never be seen: "
     "the one neither calls the other nor publishes to it"},
    {"seed: 7", "broker: kafka",
     "s.yaml:2:9: broker must be 'embedded' or HOST:PORT, found 'kafka'"},
    {"seed: 7", "tracing: {sampler: always_on}\nseed: 7\nseed: 8",
     "s.yaml:4:1: key 'seed' is given twice (first in line 3)"},
    {"replicas: 2", "broken: {drop_context: publish order.create}",
     "s.yaml:10:28: service 'order' does no 'publish order.create' (did you mean 'publish "
     "order.created'?)"},
    {"  stock:", "  load:", "s.yaml:21:3: 'load' is the load client's name; a service needs "
                            "another"},
    {"  stock:", "  a/b:",
     "s.yaml:21:3: the name 'a/b' of a service must be 1 to 64 letters, digits, '.', '_' or "
     "'-' and begin with a letter or digit"},
    {"      order.created:\n        group: stock\n", "      {}\n",
     "s.yaml:21:3: service 'stock' has neither routes nor consumers"},
    {"- wait: 1ms", "- set_baggage: {\"a b\": c}",
     "s.yaml:20:27: 'a b' cannot be the name of a baggage entry"},
    {"group: stock", "steps: [{set_baggage: {a: {header: h}}}]",
     "s.yaml:24:35: a consumer has no request header to read"},
    {"load.latency.p99 < 50ms", "load.latncy.p99 < 50ms",
     "s.yaml:34:7: threshold 'load.latncy.p99 < 50ms', character 6: no figure 'latncy' in "
     "report.json (did you mean 'latency'?)"},
    {"load.latency.p99 < 50ms", "load.latency.p99 < 50MB",
     "s.yaml:34:7: threshold 'load.latency.p99 < 50MB', character 22: the unit 'MB' does not fit: "
     "the figure is a time (ns, us, ms, s, m)"},
    {"load.latency.p99 < 50ms", "overhead.arms[batch held].dropped == 0",
     "s.yaml:34:7: no row 'batch held' in overhead.arms: the scenario has no 'overhead:'"},
    {"load.latency.p99 < 50ms", "groups[stok].lag_max < 10",
     "s.yaml:34:7: no row 'stok' in groups (did you mean 'stock'?)"},
    {"load.latency.p99 < 50ms", "groups[stock].windows[before].expelled == 0",
     "s.yaml:34:7: no row 'before' in windows: the scenario has no faults"},
    {MEASURED, "groups[stock].windows[after 2].expelled == 0" FAULT,
     "s.yaml:34:7: no row 'after 2' in windows (did you mean 'after 1'?)"},
    {MEASURED, "groups[stock].windows[aftre 1].expelled == 0" FAULT,
     "s.yaml:34:7: no row 'aftre 1' in windows (did you mean 'after 1'?)"},
    {MEASURED, "overhead.arms[bach held].dropped == 0" OVERHEAD,
     "s.yaml:34:7: no row 'bach held' in overhead.arms (did you mean 'batch held'?)"},
    {MEASURED, "overhead.arms[batch].dropped == 0" OVERHEAD,
     "s.yaml:34:7: no row 'batch' in overhead.arms"},
    {MEASURED, "overhead.instructions[simpel].app_difference > 1000" OVERHEAD,
     "s.yaml:34:7: no row 'simpel' in overhead.instructions (did you mean 'simple'?)"},
    {MEASURED, "overhead.rows[batch rate satured].difference > 0" OVERHEAD,
     "s.yaml:34:7: no row 'batch rate satured' in overhead.rows"},
    {"sdk[order-1].queue", "sdk[order-2].queue",
     "s.yaml:35:7: no row 'order-2' in sdk (did you mean 'order-0'?)"},
    {"load.latency.p99 < 50ms", "edges[gateway POST /checkout -> order POST /order].calls > 0",
     "s.yaml:34:7: no row 'gateway POST /checkout -> order POST /order' in edges (did you mean "
     "'gateway POST /checkout -> order POST /orders'?)"},
};

static void each_mistake_is_told_with_its_place_and_the_nearest_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(mistakes); i++) {
        struct hx_scenario *scenario = NULL;
        char *text = edited(mistakes[i].from, mistakes[i].to), error[1024];
        if (load(text, NULL, &scenario, error, sizeof(error)) == OTEL_OK)
            fail_msg("accepted: %s", mistakes[i].to);
        if (strcmp(error, mistakes[i].error) != 0)
            fail_msg("\n  is:     %s\n  wanted: %s", error, mistakes[i].error);
        free(text);
    }
}

static void a_file_without_services_or_load_is_told(void **state)
{
    struct hx_scenario *scenario = NULL;
    char error[1024];

    (void)state;
    assert_int_not_equal(load("load: {}", NULL, &scenario, error, sizeof(error)), OTEL_OK);
    assert_string_equal(error, "s.yaml:1:7: missing key 'route'");
    assert_int_not_equal(load("load: {route: x, rate: 1}", NULL, &scenario, error, sizeof(error)),
                         OTEL_OK);
    assert_string_equal(error, "s.yaml:1:1: missing key 'services' of a scenario");
    assert_int_not_equal(load("", NULL, &scenario, error, sizeof(error)), OTEL_OK);
    assert_string_equal(error, "s.yaml: expected a scenario, found nothing");
}

static void a_wrong_override_names_itself_and_the_nearest_key(void **state)
{
    static const struct {
        const char *set, *error;
    } rows[] = {
        {"load.rte=5", "--set load.rte=5: no key 'rte' here (did you mean 'rate'?)"},
        {"services.ordr.replicas=2",
         "--set services.ordr.replicas=2: no key 'ordr' here (did you mean 'order'?)"},
        {"services.order.replicsa=2",
         "--set services.order.replicsa=2: no key 'replicsa' here (did you mean 'replicas'?)"},
        {"topics.order.craeted.partitions=1",
         "--set topics.order.craeted.partitions=1: no key 'order.craeted' here (did you mean "
         "'order.created'?)"},
        {"load.rate=fast", "--set load.rate=fast: rate: expected a number, found the text 'fast'"},
        {"load.rate=0",
         "--set load.rate=0: impossible rate: 0 requests a second; it must be above 0"},
        {"load.rate=[", "--set load.rate=[: did not find expected node content"},
        {"load.rate.x=1", "--set load.rate.x=1: the path goes on into a value that is no map"},
        {"services.order.routes.POST /orders.steps.7=x",
         "--set services.order.routes.POST /orders.steps.7=x: no item '7'; the list has items 0 "
         "to 1"},
        {"load", "--set load: expected path=value, such as load.rate=200"},
        {"=1", "--set =1: expected path=value, such as load.rate=200"},
        {"services.new={}", "--set services.new={}: no key 'new' here"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *sets[] = {rows[i].set};
        const struct hx_scenario_options options = {sets, 1, 0, false};
        struct hx_scenario *scenario = NULL;
        char error[1024];
        if (load(shop, &options, &scenario, error, sizeof(error)) == OTEL_OK)
            fail_msg("accepted: %s", rows[i].set);
        if (strcmp(error, rows[i].error) != 0)
            fail_msg("\n  is:     %s\n  wanted: %s", error, rows[i].error);
    }
}

static void overrides_reach_keys_with_dots_list_items_and_what_the_file_leaves_out(void **state)
{
    const char *sets[] = {"load.rate=2000",
                          "topics.order.created.partitions=9",
                          "services.order.tracing.sampler=always_off",
                          "services.order.routes.POST /orders.steps.1.wait=7ms",
                          "load.headers.x.y=z",
                          "tracing.sampler_arg=0.25",
                          "collector.exporters.file.path=x.bin",
                          "services.stock={consumers: {order.created: {group: g}}}"};
    const struct hx_scenario_options options = {sets, COUNT(sets), 99, true};
    struct hx_scenario *scenario = loaded(shop, &options);
    const struct hx_service *order = hx_scenario_service(scenario, "order");

    (void)state;
    assert_true(scenario->load.rate > 1999);
    assert_int_equal(hx_scenario_topic(scenario, "order.created")->partitions, 9);
    assert_string_equal(order->tracing.sampler, "always_off");
    assert_true(order->tracing.sampler_arg > 0.24 && order->tracing.sampler_arg < 0.26);
    assert_int_equal(order->routes[0].steps[1].delay.low_ns, 7 * OTL_NS_PER_MS);
    assert_string_equal(scenario->load.headers[0].name, "x.y");
    assert_string_equal(hx_scenario_service(scenario, "stock")->consumers[0].group, "g");
    assert_int_equal(scenario->seed, 99);
    hx_scenario_free(scenario);
}

static void the_structs_hold_what_the_file_says_and_the_defaults(void **state)
{
    struct hx_scenario *scenario = loaded(shop, NULL);
    const struct hx_service *order = hx_scenario_service(scenario, "order");
    const struct hx_step *span = &order->routes[0].steps[0];
    const struct hx_consumer *consumer = &hx_scenario_service(scenario, "stock")->consumers[0];

    (void)state;
    assert_string_equal(scenario->name, "s");
    assert_string_equal(scenario->claim, "a small shop");
    assert_int_equal(scenario->seed, 7);
    assert_string_equal(scenario->broker, "embedded");
    assert_non_null(json_object_get(scenario->collector, "receivers"));
    assert_int_equal(order->replicas, 2);
    assert_int_equal(order->tracing.max_queue_size, 2048);
    assert_int_equal(order->tracing.schedule_delay_ns, 5 * OTL_NS_PER_S);
    assert_true(order->tracing.propagate_tracecontext && order->tracing.propagate_baggage);
    assert_int_equal(span->kind, HX_STEP_SPAN);
    assert_string_equal(span->name, "order.process");
    assert_int_equal(span->attributes.count, 1);
    assert_string_equal(span->steps[0].name, "SELECT orders");
    assert_string_equal(span->steps[0].parameters[0], "${request}");
    assert_string_equal(span->steps[1].name, "publish order.created");
    assert_int_equal(span->steps[1].message_bytes, 2048);
    assert_true(span->steps[1].inject);
    assert_string_equal(consumer->name, "process order.created");
    assert_int_equal(consumer->edge, HX_EDGE_LINK);
    assert_int_equal(consumer->session_timeout_ns, 3100 * OTL_NS_PER_MS);
    assert_ptr_equal(scenario->load.route,
                     &hx_scenario_service(scenario, "gateway")->routes[0]);
    assert_null(scenario->claims.checks);
    assert_int_equal(scenario->claims.required_count, 2);
    assert_null(hx_scenario_service(scenario, "nobody"));
    hx_scenario_free(scenario);
}

static void operations_are_numbered_in_document_order(void **state)
{
    static const struct {
        const char *name;
        enum hx_span_kind kind;
        int parent;
        unsigned entry;
    } rows[] = {
        {"POST /checkout", HX_SERVER, -1, 0},        {"POST /orders", HX_CLIENT, 0, 0},
        {"POST /orders", HX_SERVER, -1, 2},          {"order.process", HX_INTERNAL, 2, 2},
        {"SELECT orders", HX_CLIENT, 3, 2},          {"publish order.created", HX_PRODUCER, 3, 2},
        {"process order.created", HX_CONSUMER, -1, 6},
    };
    struct hx_scenario *scenario = loaded(shop, NULL);

    (void)state;
    assert_int_equal(scenario->operation_count, COUNT(rows));
    for (unsigned i = 0; i < COUNT(rows); i++) {
        const struct hx_operation *operation = &scenario->operations[i];
        assert_int_equal(operation->index, i);
        assert_string_equal(operation->name, rows[i].name);
        assert_int_equal(operation->kind, rows[i].kind);
        assert_int_equal(operation->parent, rows[i].parent);
        assert_int_equal(operation->entry, rows[i].entry);
    }
    hx_scenario_free(scenario);
}

static void assert_same(const struct hx_scenario *a, const struct hx_scenario *b)
{
    assert_int_equal(a->seed, b->seed);
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->claim, b->claim);
    assert_true(json_equal(a->tree, b->tree));
    assert_int_equal(a->operation_count, b->operation_count);
    for (size_t i = 0; i < a->operation_count; i++) {
        assert_string_equal(a->operations[i].name, b->operations[i].name);
        assert_string_equal(a->operations[i].service->name, b->operations[i].service->name);
        assert_int_equal(a->operations[i].kind, b->operations[i].kind);
        assert_int_equal(a->operations[i].parent, b->operations[i].parent);
        assert_int_equal(a->operations[i].entry, b->operations[i].entry);
    }
}

static void the_resolved_tree_and_its_text_load_to_the_same_scenario(void **state)
{
    char *unseeded = edited("seed: 7\n", "tracing: {sampler: always_on}\n");
    struct hx_scenario *scenario = loaded(unseeded, NULL), *from_tree, *from_text;
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_buf buf;
    json_t *through_json;
    char *json;

    (void)state;
    json = json_dumps(scenario->tree, JSON_COMPACT);
    through_json = json_loads(json, 0, NULL);
    assert_int_equal(hx_scenario_load_tree(through_json, &from_tree, &detail), OTEL_OK);
    assert_same(scenario, from_tree);
    otl_buf_init(&buf, 1000000);
    assert_int_equal(hx_scenario_emit(scenario, &buf), OTEL_OK);
    from_text = loaded(buf.data, NULL);
    assert_same(scenario, from_text);
    json_decref(through_json);
    free(json);
    free(unseeded);
    otl_buf_fini(&buf);
    hx_scenario_free(scenario);
    hx_scenario_free(from_tree);
    hx_scenario_free(from_text);
}

static void tracing_of_the_fleet_goes_to_services_that_say_nothing(void **state)
{
    char *text = edited("seed: 7\n", "tracing: {sampler: always_off, sampler_arg: 0.5}\n");
    char *full = edited("seed: 7\n", "tracing: {bogus: 1}\n");
    const char *sets[] = {"services.order.tracing.sampler=always_on"};
    const char *everyone[] = {"services.order.tracing.sampler=always_on",
                              "services.gateway.tracing.sampler=always_on",
                              "services.stock.tracing.sampler=always_on"};
    const struct hx_scenario_options options = {sets, 1, 0, false};
    const struct hx_scenario_options all = {everyone, 3, 0, false};
    struct hx_scenario *scenario = loaded(text, &options);
    char error[1024];

    (void)state;
    assert_string_equal(hx_scenario_service(scenario, "order")->tracing.sampler, "always_on");
    assert_string_equal(hx_scenario_service(scenario, "stock")->tracing.sampler, "always_off");
    hx_scenario_free(scenario);
    assert_int_equal(load(text, &all, &scenario, error, sizeof(error)), OTEL_ERR_SYNTAX);
    assert_string_equal(error, "s.yaml:2:11: tracing.sampler has no effect: every service says "
                               "its own");
    assert_int_equal(load(full, NULL, &scenario, error, sizeof(error)), OTEL_ERR_SYNTAX);
    free(text);
    free(full);
}

static void the_plan_counts_spans_and_edges(void **state)
{
    struct hx_scenario *scenario = loaded(shop, NULL);
    struct hx_plan *plan;
    char text[100];

    (void)state;
    assert_int_equal(hx_plan_new(scenario, &plan, NULL), OTEL_OK);
    assert_int_equal(plan->edge_count, 2);
    assert_int_equal(plan->spans[hx_plan_start(scenario)], 7);
    assert_int_equal(plan->spans[2], 5);
    assert_int_equal(plan->spans[6], 1);
    assert_true(plan->edges[1].kafka);
    assert_int_equal(plan->edges[1].via_op, 5);
    assert_string_equal(hx_plan_entry_text(scenario, plan->edges[1].to_op, text, sizeof(text)),
                        "stock process order.created");
    hx_plan_free(plan);
    hx_scenario_free(scenario);
}

static void of_services_in_one_group_one_handles_a_message(void **state)
{
    static const char *const sets[] = {
        "services.two={consumers: {order.created: {group: stock, steps: [{span: a}, {span: b}]}}}",
        "services.three={consumers: {order.created: {group: other}}}"};
    char *text = edited("topics:", "  two: {}\n  three: {}\ntopics:");
    const struct hx_scenario_options options = {sets, 2, 0, false};
    struct hx_scenario *scenario = loaded(text, &options);
    struct hx_plan *plan;

    (void)state;
    assert_int_equal(hx_plan_new(scenario, &plan, NULL), OTEL_OK);
    assert_int_equal(plan->edge_count, 4);
    assert_int_equal(plan->spans[hx_plan_start(scenario)], 6 + 3 + 1);
    hx_plan_free(plan);
    hx_scenario_free(scenario);
    free(text);
}

static void a_kafka_of_ones_own_gets_the_session_timeout_of_kafka(void **state)
{
    const char *sets[] = {"broker=kafka.test:9092"};
    const struct hx_scenario_options options = {sets, COUNT(sets), 0, false};
    struct hx_scenario *scenario = loaded(shop, &options);

    (void)state;
    assert_int_equal(hx_scenario_service(scenario, "stock")->consumers[0].session_timeout_ns,
                     45 * OTL_NS_PER_S);
    hx_scenario_free(scenario);
}

static void count_warning(void *context, const char *text)
{
    char *all = context;
    size_t len = strlen(all);

    snprintf(all + len, 2000 - len, "%s\n", text);
}

static void what_is_likely_a_mistake_is_warned_of(void **state)
{
    const char *sets[] = {
        "services.stock.consumers.order.created.session_timeout=1500ms",
        "services.stock.replicas=5", "services.order.tracing.sampler=traceidratio",
        "load.rate=500",
        "services.order.routes.POST /orders.steps.0.steps.1={publish: order.created, bytes: 100}"};
    const struct hx_scenario_options options = {sets, COUNT(sets), 0, false};
    struct hx_scenario *scenario = loaded(shop, &options);
    struct hx_plan *plan;
    char all[2000] = "";

    (void)state;
    assert_int_equal(hx_plan_new(scenario, &plan, NULL), OTEL_OK);
    hx_plan_warnings(plan, count_warning, all);
    assert_non_null(strstr(all, "order samples without regard to its parent"));
    assert_non_null(strstr(all, "no group with a session_timeout below 3001ms"));
    assert_non_null(strstr(all, "5 replicas share 4 partitions"));
    assert_non_null(strstr(all, "messages of 100 bytes at 500/s"));
    hx_plan_free(plan);
    hx_scenario_free(scenario);
    scenario = loaded(shop, NULL);
    all[0] = '\0';
    assert_int_equal(hx_plan_new(scenario, &plan, NULL), OTEL_OK);
    hx_plan_warnings(plan, count_warning, all);
    assert_string_equal(all, "");
    hx_plan_free(plan);
    hx_scenario_free(scenario);
}

/* What is warned of with these overrides. */
static void warnings_of(const char *const *sets, size_t count, char *all)
{
    const struct hx_scenario_options options = {sets, count, 0, false};
    struct hx_scenario *scenario = loaded(shop, &options);
    struct hx_plan *plan;

    all[0] = '\0';
    assert_int_equal(hx_plan_new(scenario, &plan, NULL), OTEL_OK);
    hx_plan_warnings(plan, count_warning, all);
    hx_plan_free(plan);
    hx_scenario_free(scenario);
}

static void a_percentile_without_enough_requests_is_warned_of(void **state)
{
    const char *sets[] = {"expect.thresholds=[load.latency.p99 < 5ms, load.latency.p90 < 5ms, "
                          "load.latency.max < 1s, spans.started > 0]",
                          "load.rate=100", "load.duration=3s"};
    char all[2000];

    (void)state;
    warnings_of(sets, COUNT(sets), all);
    assert_string_equal(all, "'load.latency.p99 < 5ms' cannot be judged: it takes 1000 measured "
                             "requests, and 100 a second for 3s are about 300\n");
    sets[2] = "load.duration=10s";
    warnings_of(sets, COUNT(sets), all);
    assert_string_equal(all, "");
}

static void a_session_that_a_kafka_refuses_is_warned_of(void **state)
{
    const char *sets[] = {"broker=127.0.0.1:9092",
                          "services.stock.consumers.order.created.session_timeout=5999ms"};
    char all[2000];

    (void)state;
    warnings_of(sets, COUNT(sets), all);
    assert_string_equal(all, "stock: a Kafka lets no member in with a session_timeout below its "
                             "brokers' group.min.session.timeout.ms, 6s where they do not say "
                             "otherwise\n");
    sets[1] = "services.stock.consumers.order.created.session_timeout=6s";
    warnings_of(sets, COUNT(sets), all);
    assert_string_equal(all, "");
    warnings_of(sets, 1, all); /* its own default there */
    assert_string_equal(all, "");
}

static void a_request_that_grows_beyond_measure_is_refused(void **state)
{
    struct hx_scenario *scenario = NULL;
    char text[8000], error[1024];
    size_t len = 0;

    (void)state;
    len += (size_t)snprintf(text + len, sizeof(text) - len,
                            "load: {route: s0 GET /, rate: 1}\nservices:\n");
    for (int i = 0; i < 40; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len,
                                "  s%d: {routes: {GET /: {steps: [{call: s%d GET /}, {call: s%d "
                                "GET /}]}}}\n",
                                i, i + 1, i + 1);
    snprintf(text + len, sizeof(text) - len, "  s40: {routes: {GET /: }}\n");
    assert_int_not_equal(load(text, NULL, &scenario, error, sizeof(error)), OTEL_OK);
    assert_non_null(strstr(error, "expected a route's map"));
    snprintf(text + len, sizeof(text) - len, "  s40: {routes: {GET /: {}}}\n");
    assert_int_not_equal(load(text, NULL, &scenario, error, sizeof(error)), OTEL_OK);
    assert_non_null(strstr(error, "one request here makes more than 10000 spans"));
}

static void every_failing_allocation_is_survived(void **state)
{
    bool done = false;

    (void)state;
    json_set_alloc_funcs(otl_mem_alloc, otl_mem_free);
    for (unsigned long n = 1; !done; n++) {
        const char *sets[] = {"load.rate=5"};
        const struct hx_scenario_options options = {sets, 1, 0, false};
        struct hx_scenario *scenario = NULL;
        char error[1024];
        enum otel_err err;
        otl_mem_fail_at(n);
        err = load(shop, &options, &scenario, error, sizeof(error));
        done = otl_mem_count() < n;
        otl_mem_fail_at(0);
        assert_int_equal(err, done ? OTEL_OK : OTEL_ERR_MEMORY);
        hx_scenario_free(scenario);
        assert_true(n < 20000);
    }
    json_set_alloc_funcs(malloc, free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_is_told_with_its_place_and_the_nearest_word),
        cmocka_unit_test(a_file_without_services_or_load_is_told),
        cmocka_unit_test(a_wrong_override_names_itself_and_the_nearest_key),
        cmocka_unit_test(
            overrides_reach_keys_with_dots_list_items_and_what_the_file_leaves_out),
        cmocka_unit_test(the_structs_hold_what_the_file_says_and_the_defaults),
        cmocka_unit_test(operations_are_numbered_in_document_order),
        cmocka_unit_test(the_resolved_tree_and_its_text_load_to_the_same_scenario),
        cmocka_unit_test(tracing_of_the_fleet_goes_to_services_that_say_nothing),
        cmocka_unit_test(the_plan_counts_spans_and_edges),
        cmocka_unit_test(of_services_in_one_group_one_handles_a_message),
        cmocka_unit_test(a_kafka_of_ones_own_gets_the_session_timeout_of_kafka),
        cmocka_unit_test(what_is_likely_a_mistake_is_warned_of),
        cmocka_unit_test(a_percentile_without_enough_requests_is_warned_of),
        cmocka_unit_test(a_session_that_a_kafka_refuses_is_warned_of),
        cmocka_unit_test(a_request_that_grows_beyond_measure_is_refused),
        cmocka_unit_test(every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
