/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "harness/cli/scenarios.h"
#include "harness/gate/threshold.h"
#include "harness/scenario/checks.h"
#include "harness/scenario/faults.h"
#include "harness/scenario/foreign.h"
#include "harness/scenario/plan.h"
#include "sdk/base/text.h"
#include "sdk/base/yaml/emit.h"

enum { NAME_SIZE = 200, DUMP_MAX = 16 * 1024 * 1024 };

static const char *duration(uint64_t ns)
{
    static char texts[4][32];
    static unsigned next;

    next = (next + 1) % 4; /* up to four in one line */
    return otl_format_duration(ns, texts[next], sizeof(texts[0]));
}

static void print_delay(const char *verb, const struct hx_delay *delay)
{
    if (delay->kind == HX_DELAY_CONSTANT)
        printf("%s %s\n", verb, duration(delay->low_ns));
    else if (delay->kind == HX_DELAY_UNIFORM)
        printf("%s %s to %s, uniform\n", verb, duration(delay->low_ns), duration(delay->high_ns));
    else
        printf("%s %s median, lognormal, sigma %g\n", verb, duration(delay->low_ns), delay->sigma);
}

static const char *kind_name(enum hx_span_kind kind)
{
    static const char *const names[] = {"?", "INTERNAL", "SERVER", "CLIENT", "PRODUCER",
                                        "CONSUMER"};
    return names[kind];
}

/* "  [7] CLIENT order.charge_payment  (5 attributes, 1 event)" */
static void print_span(const struct hx_step *step)
{
    printf("span [%u] %s %s", step->op, kind_name(step->span_kind), step->name);
    if (step->attributes.count + step->event_count > 0)
        printf("  (%zu attributes, %zu events)", step->attributes.count, step->event_count);
    printf("\n");
}

static void print_baggage(const char *verb, const struct hx_step *step)
{
    printf("%s baggage", verb);
    for (size_t i = 0; i < step->baggage_count; i++) {
        const struct hx_baggage_item *item = &step->baggage[i];
        printf("%s %s", i ? "," : "", item->name);
        if (item->from_header[0] != '\0')
            printf(" from header %s", item->from_header);
        else if (item->value[0] != '\0')
            printf(" = %s", item->value);
    }
    printf("\n");
}

static void print_steps(const struct hx_step *steps, size_t count, int indent);

static void print_step(const struct hx_step *step, int indent)
{
    printf("%*s", indent, "");
    switch (step->kind) {
    case HX_STEP_SPAN:
        print_span(step);
        break;
    case HX_STEP_WORK:
        print_delay("work", &step->delay);
        break;
    case HX_STEP_WAIT:
        print_delay("wait", &step->delay);
        break;
    case HX_STEP_CALL:
        printf("call %s %s%s: ", step->to->name, step->route->name,
               step->inject ? "" : " WITHOUT passing the context on");
        print_span(step);
        break;
    case HX_STEP_PARALLEL:
        printf("in parallel:\n");
        break;
    case HX_STEP_SQL:
        printf("sql '%.60s': ", step->statement);
        print_span(step);
        break;
    case HX_STEP_PUBLISH:
        printf("publish %zu bytes to %s%s: ", step->message_bytes, step->topic->name,
               step->inject ? "" : " WITHOUT passing the context on");
        print_span(step);
        break;
    case HX_STEP_FAIL:
        printf("fail with %d %s in %g %% of requests\n", step->http_status, step->exception_type,
               step->probability * 100);
        break;
    case HX_STEP_EXCEPTION:
        printf("exception %s in %g %% of requests, %s\n", step->exception_type,
               step->probability * 100, step->pass_on ? "passed on" : "handled");
        break;
    case HX_STEP_EVENT:
        printf("event %s\n", step->event->name);
        break;
    case HX_STEP_SET_BAGGAGE:
        print_baggage("set", step);
        break;
    case HX_STEP_READ_BAGGAGE:
        print_baggage("read", step);
        break;
    }
    print_steps(step->steps, step->step_count, indent + 2);
}

static void print_steps(const struct hx_step *steps, size_t count, int indent)
{
    for (size_t i = 0; i < count; i++)
        print_step(&steps[i], indent);
}

static void print_tracing(const struct hx_tracing *tracing)
{
    if (!tracing->enabled) {
        printf("  no SDK: the API alone\n");
        return;
    }
    printf("  sampler %s", tracing->sampler);
    if (hx_sampler_has_ratio(tracing->sampler))
        printf(" %g", tracing->sampler_arg);
    printf(", propagators%s%s%s", tracing->propagate_tracecontext ? " tracecontext" : "",
           tracing->propagate_baggage ? " baggage" : "",
           tracing->propagate_tracecontext || tracing->propagate_baggage ? "" : " none");
    if (tracing->simple)
        printf(", simple processor");
    else
        printf(", batch processor %zu/%zu/%s", tracing->max_queue_size,
               tracing->max_export_batch_size, duration(tracing->schedule_delay_ns));
    printf("%s", tracing->gzip ? ", gzip" : "");
    if (tracing->agent != NULL)
        printf(", to the agent %s", tracing->agent->name);
    printf("\n");
}

static void print_agent(const struct hx_agent *agent)
{
    printf("\nagent %s\n  a Collector that passes spans on to the recording one by %s%s\n",
           agent->name, agent->exporter, agent->acknowledges_first ? ", in batches" : "");
}

static void print_foreign(const struct hx_foreign *foreign)
{
    printf("  command");
    for (const char *const *word = foreign->argv; *word != NULL; word++)
        printf(" %s", *word);
    printf("\n  no ledger: its hops are seen by the relay, its spans stay out of the books%s\n",
           foreign->max_in_flight == 1 ? "; one request at a time" : "");
}

static void print_service(const struct hx_service *service)
{
    static const char *const modes[] = {"parent", "link", "parent and link", "nothing"};

    printf("\nservice %s%s%s, %u instance%s\n", service->name, service->version[0] ? " " : "",
           service->version, service->replicas, service->replicas == 1 ? "" : "s");
    if (service->foreign != NULL)
        print_foreign(service->foreign);
    print_tracing(&service->tracing);
    for (size_t i = 0; i < service->route_count; i++) {
        const struct hx_route *route = &service->routes[i];
        printf("  %s%s", route->name, route->span ? "" : "  (not traced)\n");
        if (service->foreign != NULL)
            printf(": by the command\n");
        else if (route->span)
            printf(": span [%u] SERVER %s\n", route->op, route->name);
        print_steps(route->steps, route->step_count, 4);
    }
    for (size_t i = 0; i < service->consumer_count; i++) {
        const struct hx_consumer *consumer = &service->consumers[i];
        if (service->foreign != NULL)
            printf("  consumes %s in group %s: by the command, tied by %s\n",
                   consumer->topic->name, consumer->group, modes[consumer->edge]);
        else
            printf("  consumes %s in group %s, up to %u in hand: span [%u] CONSUMER %s, tied by "
                   "%s\n",
                   consumer->topic->name, consumer->group, consumer->max_in_hand, consumer->op,
                   consumer->name, modes[consumer->edge]);
        print_steps(consumer->steps, consumer->step_count, 4);
    }
}

/* Two calls of one route are one edge. */
static bool is_first(const struct hx_plan *plan, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (plan->edges[i].from_op == plan->edges[index].from_op &&
            plan->edges[i].to_op == plan->edges[index].to_op)
            return false;
    return true;
}

static void print_edges(const struct hx_plan *plan)
{
    char from[NAME_SIZE], to[NAME_SIZE];

    printf("\nedges\n  load -> %s\n",
           hx_plan_entry_text(plan->scenario, hx_plan_start(plan->scenario), to, sizeof(to)));
    for (size_t i = 0; i < plan->edge_count; i++) {
        if (!is_first(plan, i))
            continue;
        printf("  %s -> %s%s\n",
               hx_plan_entry_text(plan->scenario, plan->edges[i].from_op, from, sizeof(from)),
               hx_plan_entry_text(plan->scenario, plan->edges[i].to_op, to, sizeof(to)),
               plan->edges[i].kafka ? "  (Kafka)" : "");
    }
}

static const char *arrival(const struct hx_load *load)
{
    static char burst[40];

    if (load->arrival == HX_ARRIVAL_POISSON)
        return "Poisson";
    if (load->arrival == HX_ARRIVAL_CONSTANT)
        return "constant";
    snprintf(burst, sizeof(burst), "in bursts of %u", load->burst);
    return burst;
}

static void print_load(const struct hx_plan *plan)
{
    const struct hx_load *load = &plan->scenario->load;
    unsigned start = hx_plan_start(plan->scenario);
    double work = plan->work_ns[start] / 1e9;

    printf("\nload on %s %s\n  %g requests/s, %s, open loop; %s warm-up, %s measured, timeout %s, "
           "%u connections\n",
           load->route->service->name, load->route->name, load->rate,
           arrival(load), duration(load->warmup_ns),
           duration(load->duration_ns), duration(load->timeout_ns), load->connections);
    if (load->parent_sampled + load->parent_not_sampled + load->parent_malformed +
            load->parent_oversized > 0)
        printf("  %g %% arrive sampled, %g %% not sampled, %g %% with malformed and %g %% with "
               "oversized headers, the rest without context\n",
               load->parent_sampled * 100, load->parent_not_sampled * 100,
               load->parent_malformed * 100, load->parent_oversized * 100);
    for (size_t i = 0; i < load->header_count; i++)
        printf("  header %s: one of %zu values\n", load->headers[i].name,
               load->headers[i].value_count);
    printf("  expected: %" PRIu64 " spans a request, %g spans/s when all are sampled\n",
           plan->spans[start], (double)plan->spans[start] * load->rate);
    if (work > 0)
        printf("  busy work: %.3g ms a request, %.2g cores at this rate\n", work * 1e3,
               work * load->rate);
}

static void print_edge_claims(const char *text, const struct hx_edge_claim *claims, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("  %s: %s\n", text, claims[i].text);
}

static void print_claims(const struct hx_scenario *scenario)
{
    const struct hx_claims *claims = &scenario->claims;

    printf("\nclaims\n");
    if (claims->checks == NULL) {
        printf("  all checks hold:");
#define PRINT_CHECK(id, name, title, expected) printf(" " name);
        HX_CHECKS(PRINT_CHECK)
#undef PRINT_CHECK
    } else {
        printf("  these checks hold:");
        for (size_t i = 0; i < claims->check_count; i++)
            printf(" %s", claims->checks[i]);
    }
    printf("\n");
    print_edge_claims("seen and whole", claims->required, claims->required_count);
    print_edge_claims("never seen", claims->forbidden, claims->forbidden_count);
    print_edge_claims("broken, and no other", claims->broken, claims->broken_count);
    if (claims->spans_per_request_min > 0)
        printf("  at least %g spans a request\n", claims->spans_per_request_min);
    for (size_t i = 0; i < claims->threshold_count; i++)
        printf("  %s\n", claims->thresholds[i].text);
    if (claims->partial_traces)
        printf("  partial traces, near the share that the samplers' ratios give\n");
}

static void print_faults(const struct hx_scenario *scenario)
{
    char at[32], length[32];

    for (size_t i = 0; i < scenario->fault_count; i++) {
        const struct hx_fault *fault = &scenario->faults[i];
        printf("%s  %-8s %s", i ? "" : "\nfaults\n",
               fault->when ? "when" : otl_format_duration(fault->at_ns, at, sizeof(at)),
               fault->text);
        if (fault->for_ns > 0)
            printf(" for %s", otl_format_duration(fault->for_ns, length, sizeof(length)));
        if (fault->when != NULL)
            printf(", when %s", fault->when);
        printf("\n");
    }
}

static void print_overhead(const struct hx_overhead *overhead)
{
    unsigned arms = 0, loads = overhead->saturation_rate > 0 ? 2 : 1;

    if (!overhead->wanted)
        return;
    for (int arm = 0; arm < HX_ARMS; arm++)
        arms += overhead->arms[arm];
    printf("\noverhead\n  %u blocks, each with %u arms%s: about %.0f s more\n", overhead->blocks,
           arms, loads == 2 ? " at saturation and at the held rate" : " at the held rate",
           overhead->blocks * arms * loads *
               ((double)(overhead->warmup_ns + overhead->slice_ns) / 1e9 + 0.1));
}

static void print_warning(void *context, const char *text)
{
    (void)context;
    printf("\nwarning: %s\n", text);
}

static void explain(const struct hx_plan *plan)
{
    const struct hx_scenario *scenario = plan->scenario;

    printf("%s: %s\n", scenario->name, scenario->title);
    if (scenario->claim[0] != '\0')
        printf("%s\n", scenario->claim);
    for (size_t i = 0; i < scenario->service_count; i++)
        print_service(&scenario->services[i]);
    for (size_t i = 0; i < scenario->agent_count; i++)
        print_agent(&scenario->agents[i]);
    for (size_t i = 0; i < scenario->topic_count; i++)
        printf("%stopic %s, %u partitions, broker %s\n", i ? "" : "\n", scenario->topics[i].name,
               scenario->topics[i].partitions, scenario->broker);
    print_edges(plan);
    print_load(plan);
    print_overhead(&plan->scenario->overhead);
    print_faults(scenario);
    print_claims(scenario);
    hx_plan_warnings(plan, print_warning, NULL);
}

static int dump(const struct hx_scenario *scenario)
{
    struct otl_buf buf;
    enum otel_err err;

    otl_buf_init(&buf, DUMP_MAX);
    err = hx_scenario_emit(scenario, &buf);
    if (err == OTEL_OK)
        fwrite(buf.data, 1, buf.len, stdout);
    otl_buf_fini(&buf);
    return err == OTEL_OK ? HX_EXIT_OK : HX_EXIT_FAULT;
}

static int explain_file(const char *path, const struct hx_scenario_options *load, bool resolved)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario *scenario;
    struct hx_plan *plan = NULL;
    int status = HX_EXIT_OK;

    if (hx_scenario_load_file(path, load, &scenario, &detail) != OTEL_OK)
        return hx_usage_fail(&detail);
    if (resolved)
        status = dump(scenario);
    else if (hx_plan_new(scenario, &plan, NULL) == OTEL_OK)
        explain(plan);
    else
        status = HX_EXIT_FAULT;
    hx_plan_free(plan);
    hx_scenario_free(scenario);
    return status;
}

int hx_command_explain(int argc, char **argv)
{
    struct hx_scenario_cli cli = {.seed = NULL};
    bool resolved = false;
    struct otl_opt options[] = {
        HX_SCENARIO_CLI_ROWS(cli),
        {"resolved", NULL, "print the resolved YAML: defaults, overrides and seed filled in",
         OTL_OPT_FLAG, &resolved},
        {.name = NULL}};
    const struct hx_usage usage = {
        "explain SCENARIO [--set path=value]... [--resolved]",
        "Says in words what the scenario does: services, routes, steps, expected spans, edges,\n"
        "load and claims. Numbers in [] are operations, as the ledger names them.\n",
        options, 1, 1};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario_options load;
    struct otl_opt_list files;
    int status;

    if (!hx_usage_parse(&usage, argc, argv, &files, &status))
        return status;
    if (hx_scenario_cli_options(&cli, &load, &detail) != OTEL_OK)
        return hx_usage_fail(&detail);
    return explain_file(files.items[0], &load, resolved);
}
