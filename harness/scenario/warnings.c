/* SPDX-License-Identifier: Apache-2.0 */
/* What loads but is likely a mistake. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/gate/threshold.h"
#include "harness/scenario/plan.h"
#include "sdk/base/clock.h"

struct teller {
    const struct hx_plan *plan;
    hx_plan_warning_fn tell;
    void *context;
};

static void warn(const struct teller *t, const char *format, ...) OTEL_PRINTF(2, 3);

static void warn(const struct teller *t, const char *format, ...)
{
    char text[400];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    t->tell(t->context, text);
}

static void warn_of_session(const struct teller *t, const struct hx_consumer *consumer)
{
    bool embedded = strcmp(t->plan->scenario->broker, "embedded") == 0;
    const char *service = consumer->service->name;

    if (embedded && consumer->session_timeout_ns < 3001 * OTL_NS_PER_MS)
        warn(t,
             "%s: the embedded broker forms no group with a session_timeout below 3001ms "
             "(members that join while it waits 3 s are evicted)",
             service);
    if (!embedded && consumer->session_timeout_ns < 6 * OTL_NS_PER_S)
        warn(t,
             "%s: a Kafka lets no member in with a session_timeout below its brokers' "
             "group.min.session.timeout.ms, 6s where they do not say otherwise",
             service);
}

static void warn_of_consumer(const struct teller *t, const struct hx_consumer *consumer)
{
    const char *service = consumer->service->name, *topic = consumer->topic->name;
    bool published = false;

    for (size_t i = 0; i < t->plan->edge_count; i++)
        published = published || t->plan->edges[i].to_op == consumer->op;
    if (!published)
        warn(t, "nobody publishes to topic '%s', which %s consumes", topic, service);
    warn_of_session(t, consumer);
    if (consumer->service->replicas > consumer->topic->partitions)
        warn(t, "%s: %u replicas share %u partitions of '%s'; some will be idle", service,
             consumer->service->replicas, consumer->topic->partitions, topic);
    if (!consumer->service->tracing.propagate_tracecontext)
        warn(t, "%s does not read trace context, but consumes '%s'", service, topic);
}

static void warn_of_publish(const struct teller *t, const struct hx_step *step)
{
    const struct hx_scenario *scenario = t->plan->scenario;

    if (strcmp(scenario->broker, "embedded") == 0 && step->message_bytes < 1500 &&
        scenario->load.rate > 200)
        warn(t,
             "publish %s: messages of %zu bytes at %g/s fill the embedded broker with small "
             "batches, which slow it down after minutes; 2048 bytes keep them few",
             step->topic->name, step->message_bytes, scenario->load.rate);
}

/* A ratio of its own, without regard to the parent; the probability sampler agrees with itself
 * where the ratio is the first service's. */
static bool cuts_traces(const struct hx_scenario *scenario, const struct hx_service *service)
{
    const struct hx_tracing *first = &scenario->load.route->service->tracing;
    const struct hx_tracing *own = &service->tracing;
    bool same =
        !(own->sampler_arg < first->sampler_arg) && !(own->sampler_arg > first->sampler_arg);

    return hx_sampler_has_ratio(own->sampler) && strncmp(own->sampler, "parentbased_", 12) != 0 &&
           !(strcmp(own->sampler, "probability") == 0 && same &&
             strstr(first->sampler, "probability") != NULL);
}

/* Does it ever have a parent? A linked consumer begins traces of its own. */
static bool joins_traces(const struct hx_service *service)
{
    for (size_t i = 0; i < service->consumer_count; i++)
        if (service->consumers[i].edge == HX_EDGE_PARENT ||
            service->consumers[i].edge == HX_EDGE_BOTH)
            return true;
    return service->route_count > 0;
}

static void warn_of_service(const struct teller *t, const struct hx_service *service)
{
    const struct hx_scenario *scenario = t->plan->scenario;
    bool called = scenario->load.route->service == service || service->consumer_count > 0;

    for (size_t i = 0; i < t->plan->edge_count; i++)
        called = called ||
                 scenario->operations[t->plan->edges[i].to_op].service == service;
    if (!called)
        warn(t, "nobody calls %s", service->name);
    if (cuts_traces(scenario, service) && joins_traces(service) &&
        scenario->load.route->service != service && !scenario->claims.partial_traces)
        warn(t, "%s samples without regard to its parent (%s): traces will be partial",
             service->name, service->tracing.sampler);
    for (size_t i = 0; i < service->consumer_count; i++)
        warn_of_consumer(t, &service->consumers[i]);
}

/* A percentile of the load that its own length leaves without an answer. */
static void warn_of_threshold(const struct teller *t, const struct hx_threshold *threshold)
{
    const struct hx_load *load = &t->plan->scenario->load;
    const struct hx_figure *figure = &threshold->figure;
    double requests = load->rate * (double)load->duration_ns / (double)OTL_NS_PER_S;
    double needed = hx_figure_samples(figure, false);

    if (strcmp(figure->steps[0].name, "load") != 0 || needed <= requests)
        return;
    warn(t,
         "'%.100s' cannot be judged: it takes %.0f measured requests, and %g a second for %gs are "
         "about %.0f",
         threshold->text, needed, load->rate, (double)load->duration_ns / (double)OTL_NS_PER_S,
         requests);
}

void hx_plan_warnings(const struct hx_plan *plan, hx_plan_warning_fn tell, void *context)
{
    const struct teller t = {plan, tell, context};
    const struct hx_scenario *scenario = plan->scenario;

    for (size_t i = 0; i < scenario->service_count; i++)
        warn_of_service(&t, &scenario->services[i]);
    for (size_t i = 0; i < scenario->operation_count; i++)
        if (scenario->operations[i].step != NULL &&
            scenario->operations[i].step->kind == HX_STEP_PUBLISH)
            warn_of_publish(&t, scenario->operations[i].step);
    for (size_t i = 0; i < scenario->claims.threshold_count; i++)
        warn_of_threshold(&t, &scenario->claims.thresholds[i]);
}
