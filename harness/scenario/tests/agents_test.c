/* SPDX-License-Identifier: Apache-2.0 */
/* agents: in a scenario: what they are when nothing is said, and what is refused, and where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "harness/scenario/faults.h"

static const char head[] = "services:\n"
                           "  shop: {tracing: {agent: side}, routes: {GET /: {}}}\n"
                           "  till: {routes: {GET /: {}}}\n"
                           "load: {route: shop GET /, rate: 10, duration: 5s}\n"
                           "agents:\n"; /* line 5 */

static struct hx_scenario *load(const char *agents, const char *override,
                                struct otl_detail *detail)
{
    const struct hx_scenario_options options = {.overrides = &override, .override_count = 1};
    struct hx_scenario *scenario = NULL;
    char text[4096];

    snprintf(text, sizeof(text), "%s%s", head, agents);
    if (hx_scenario_load_text(text, strlen(text), "a.yaml", override != NULL ? &options : NULL,
                              &scenario, detail) != OTEL_OK)
        return NULL;
    return scenario;
}

static struct hx_scenario *must_load(const char *agents, const char *override)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario *scenario = load(agents, override, &detail);

    if (scenario == NULL)
        fail_msg("refused: %u:%u %s", detail.line, detail.column, detail.text);
    return scenario;
}

static const json_t *at(const json_t *tree, const char *const *path)
{
    for (; *path != NULL; path++)
        tree = json_object_get(tree, *path);
    return tree;
}

static void an_empty_one_has_all_that_it_needs(void **state)
{
    static const char *const endpoint[] = {"exporters", "otlp_grpc", "endpoint", NULL};
    static const char *const grpc[] = {"receivers", "otlp", "protocols", "grpc", "endpoint", NULL};
    struct hx_scenario *s = must_load("  side: {}\n", NULL), *again;
    struct otl_detail detail = OTL_DETAIL_NONE;

    (void)state;
    assert_int_equal(s->agent_count, 1);
    assert_ptr_equal(s->services[0].tracing.agent, &s->agents[0]);
    assert_null(s->services[1].tracing.agent);
    assert_string_equal(s->agents[0].exporter, "otlp_grpc");
    assert_false(s->agents[0].acknowledges_first);
    assert_string_equal(json_string_value(at(s->agents[0].config, endpoint)),
                        "${env:TRACERIG_COLLECTOR_GRPC}");
    assert_string_equal(json_string_value(at(s->agents[0].config, grpc)), "127.0.0.1:0");
    assert_int_equal(hx_scenario_load_tree(s->tree, &again, &detail), OTEL_OK);
    assert_true(json_equal(s->tree, again->tree));
    hx_scenario_free(again);
    hx_scenario_free(s);
}

static void what_is_said_lies_over_the_default(void **state)
{
    static const char *const size[] = {"exporters", "otlp_grpc", "sending_queue", "queue_size",
                                       NULL};
    static const char *const insecure[] = {"exporters", "otlp_grpc", "tls", "insecure", NULL};
    struct hx_scenario *s = must_load(
        "  side:\n"
        "    receivers: {otlp: {protocols: {grpc: }}}\n"
        "    processors: {batch: {timeout: 1s}}\n"
        "    service: {pipelines: {traces: {processors: [batch]}}}\n",
        "agents.side.exporters.otlp_grpc.sending_queue={queue_size: 7}");

    (void)state;
    assert_int_equal(json_integer_value(at(s->agents[0].config, size)), 7);
    assert_true(json_is_true(at(s->agents[0].config, insecure)));
    assert_true(s->agents[0].acknowledges_first);
    hx_scenario_free(s);
}

static void otlp_http_is_a_way_too(void **state)
{
    struct hx_scenario *s = must_load(
        "  side:\n"
        "    exporters:\n"
        "      otlp_http/up: {endpoint: 'http://${env:TRACERIG_COLLECTOR_HTTP}'}\n"
        "      nop:\n"
        "    service: {pipelines: {traces: {exporters: [otlp_http/up, nop]}}}\n",
        NULL);

    (void)state;
    assert_string_equal(s->agents[0].exporter, "otlp_http/up");
    hx_scenario_free(s);
}

static void faults_name_one(void **state)
{
    struct hx_scenario *s = must_load(
        "  side: {}\n"
        "faults:\n"
        "  - {at: 1s, do: collector, agent: side, fault: delay, delay: 2ms}\n",
        NULL);

    (void)state;
    assert_ptr_equal(s->faults[0].agent, &s->agents[0]);
    assert_string_equal(s->faults[0].text, "side delay 2ms");
    assert_true(hx_scenario_troubles_collector(s, &s->agents[0]));
    assert_false(hx_scenario_troubles_collector(s, NULL));
    hx_scenario_free(s);
}

/* Text behind "agents:", and the message that it gets, from its place on. */
static const struct {
    const char *agents, *says;
} BAD[] = {
    {"  sied: {}\n", "2:27: shop sends to the unknown agent 'side' (did you mean 'sied'?)"},
    {"  side: 5\n", "6:9: expected an agent's Collector configuration, {} for one that "
                    "passes all on, found the number 5"},
    {"  side: {exporter: {}}\n", "6:10: unknown key 'exporter' (did you mean 'exporters'?)"},
    {"  shop: {}\n", "6:3: 'shop' is a service; an agent needs another name"},
    {"  till-0: {}\n", "6:3: 'till-0' is a service; an agent needs another name"},
    {"  collector: {}\n", "6:3: 'collector' is another process of the run; an agent needs another "
                          "name"},
    {"  ../x: {}\n", "6:3: the name '../x' of an agent must be 1 to 64 letters, digits, '.', '_' "
                     "or '-' and begin with a letter or digit"},
    {"  side: {receivers: {otlp: {protocols: {http: {endpoint: 'localhost:4318'}}}}}\n",
     "6:58: an agent names no port: runs beside each other would meet there; write 127.0.0.1:0, "
     "and the runner tells the services"},
    {"  side: {receivers: {otlp/2: {protocols: {http: {}}}}}\n",
     "6:43: an agent names no port, and http without an endpoint is the Collector's own: write "
     "'endpoint: 127.0.0.1:0'"},
    {"  side: {service: {telemetry: {metrics: {address: ':8888'}}}}\n",
     "6:51: an agent names no port: runs beside each other would meet there; write 127.0.0.1:0, "
     "and the runner tells the services"},
    {"  side: {exporters: {otlp_grpc: {endpoint: 'backend:4317'}}}\n",
     "6:3: agent 'side' has no way to the scenario's collector: a pipeline of traces from otlp "
     "to otlp_grpc with 'endpoint: ${env:TRACERIG_COLLECTOR_GRPC}' (or otlp_http with "
     "'http://${env:TRACERIG_COLLECTOR_HTTP}')"},
    {"  side: {exporters: {otlp_grpc: {endpoint: 'http://gate:4317'}}}\n  gate: {}\n",
     "6:44: agent 'side' sends to the agent 'gate': agents stand beside each other, not in a row; "
     "behind an agent is the scenario's collector, and what a gateway does is for its "
     "'collector:'"},
    {"  side: {service: {pipelines: {traces: {exporters: [debug]}}}}\n",
     "6:31: agent 'side' has no way to the scenario's collector: a pipeline of traces from otlp "
     "to otlp_grpc with 'endpoint: ${env:TRACERIG_COLLECTOR_GRPC}' (or otlp_http with "
     "'http://${env:TRACERIG_COLLECTOR_HTTP}')"},
    {"  side: {service: {pipelines: {traces/2: {receivers: [otlp], exporters: [otlp_grpc]}}}}\n",
     "6:31: agent 'side' has 2 ways to the scenario's collector: each span would arrive so often"},
    {"  side: {exporters: {otlp_grpc: {endpoint: 'http://${env:TRACERIG_COLLECTOR_HTTP}'}}}\n",
     "6:44: 'otlp_grpc' sends OTLP/gRPC, and ${env:TRACERIG_COLLECTOR_HTTP} is the other port"},
    {"  side: {}\n"
     "collector: {receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}}\n",
     "6:3: agent 'side' sends to the scenario's collector over grpc, which has no otlp "
     "receiver with it"},
    {"  side: {processors: {tail_sampling: {}}}\n",
     "6:23: an agent passes on what it takes: of processors it may have batch and memory_limiter, "
     "found 'tail_sampling'"},
    {"  side: {extensions: {health_check: {}}}\n",
     "6:10: an agent passes on what it takes: it has no extensions"},
    {"  side: {service: {pipelines: {metrics: {receivers: [otlp], exporters: [otlp]}}}}\n",
     "6:32: an agent has a pipeline of traces, found 'metrics'"},
    {"  side: {}\nexpect: {thresholds: [\"agents[sied].send_failed == 0\"]}\n",
     "7:23: no row 'sied' in agents (did you mean 'side'?)"},
    {"  side: {}\nfaults:\n  - {at: 1s, do: collector, agent: sied, fault: refuse}\n",
     "8:36: fault on the unknown agent 'sied' (did you mean 'side'?)"},
    {"  side: {}\nfaults:\n  - {at: 1s, do: kill, service: side}\n",
     "8:33: 'side' is an agent, no service: use 'do: collector' with 'agent: side' (fault: refuse "
     "is an outage)"},
    {"  side: {}\nfaults:\n  - {at: 1s, do: kill, agent: side, service: shop}\n",
     "8:24: 'agent' has no meaning for 'do: kill'"},
    {"  side: {}\nfaults:\n  - {at: 1s, do: collector, agent: side, fault: partial_success, "
     "with: {rejected: 1}}\n",
     "8:49: 'fault: partial_success' at an agent cannot be judged: which spans it did not take its "
     "answer does not say"},
};

static void mistakes_are_told_with_their_place(void **state)
{
    int wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct hx_scenario *s = load(BAD[i].agents, NULL, &detail);
        char text[1024], want[1024];

        if (s != NULL)
            fail_msg("loads: %s", BAD[i].agents);
        otl_detail_format(&detail, text, sizeof(text));
        snprintf(want, sizeof(want), "a.yaml:%s", BAD[i].says);
        if (strcmp(text, want) != 0) {
            print_error("said:   %s\nwanted: %s\n", text, want);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void a_command_has_an_agent_like_any_service(void **state)
{
    static const char text[] = "services:\n"
                               "  shop: {tracing: {agent: side}, command: ./shop, health: /h,\n"
                               "    ledger: none, routes: {GET /: {}}}\n"
                               "agents: {side: {}}\n"
                               "load: {route: shop GET /, rate: 10, duration: 5s}\n";
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario *s = NULL;

    (void)state;
    assert_int_equal(
        hx_scenario_load_text(text, sizeof(text) - 1, "a.yaml", NULL, &s, &detail), OTEL_OK);
    assert_ptr_equal(hx_scenario_service(s, "shop")->tracing.agent, hx_scenario_agent(s, "side"));
    hx_scenario_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one_has_all_that_it_needs),
        cmocka_unit_test(what_is_said_lies_over_the_default),
        cmocka_unit_test(otlp_http_is_a_way_too),
        cmocka_unit_test(faults_name_one),
        cmocka_unit_test(mistakes_are_told_with_their_place),
        cmocka_unit_test(a_command_has_an_agent_like_any_service),
    };
    return cmocka_run_group_tests_name("agents", tests, NULL, NULL);
}
