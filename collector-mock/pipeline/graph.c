/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/pipeline/graph.h"

#include <stdio.h>
#include <string.h>

#include "collector-mock/pipeline/crew.h"
#include "collector-mock/pipeline/passage.h"
#include "collector-mock/pipeline/route.h"
#include "collector-mock/telemetry/recent.h"
#include "sdk/base/mem.h"

enum {
    NODES_MAX = COL_COMPONENTS_MAX * COL_SIGNALS + COL_PIPELINES_MAX * COL_REFS_MAX,
    WIDTH_MAX = COL_PIPELINES_MAX /* behind a receiver or connector; exporters are fewer */
};
_Static_assert((int)WIDTH_MAX >= (int)COL_REFS_MAX, "the exporters of a pipeline must fit");

/* What a receiver gives, by signal. */
struct junction {
    struct col_consumer by_signal[COL_SIGNALS];
};

/* One batch to several consumers. */
struct fanout {
    struct fanout *next; /* all fan-outs of the graph, to free them */
    struct col_consumer consumers[WIDTH_MAX];
    size_t count;
};

/* A receiver whose data are shown to people. */
struct watch {
    struct col_recent *recent;
    struct col_consumer next;
};

struct node {
    const struct col_component_type *type;
    void *self;              /* NULL: worker 0 has it */
    struct col_route *route; /* NULL: every worker has its own */
    struct col_host *host;
    uint64_t *sent, *failed; /* exporters */
    struct col_passage passage; /* processors that hand on before they answer */
};

struct col_graph {
    const struct col_config *config;
    struct col_host *host;
    struct node *nodes[NODES_MAX]; /* in the order they were made: downstream first */
    size_t count;
    struct node *shared[COL_COMPONENTS_MAX][COL_SIGNALS]; /* by what they take */
    struct col_consumer heads[COL_PIPELINES_MAX]; /* where a pipeline begins, once it is built */
    struct fanout *fanouts;
    struct junction junctions[COL_COMPONENTS_MAX];
    struct watch watches[COL_COMPONENTS_MAX];
};

static bool permanent(enum otel_err err)
{
    enum otel_err_class class = otel_err_class(err);

    return class == OTEL_CLASS_PERMANENT || class == OTEL_CLASS_USAGE;
}

/* The result of a fan-out so far: the client hears of the worst one. */
struct worst {
    enum otel_err err;
    struct otl_detail detail;
};

static void note(struct worst *worst, enum otel_err err, const struct otl_detail *detail)
{
    if (err == OTEL_OK ||
        (worst->err != OTEL_OK && (!permanent(err) || permanent(worst->err))))
        return;
    worst->err = err;
    worst->detail = *detail;
}

static enum otel_err tell(const struct worst *worst, struct otl_detail *reterr)
{
    if (worst->err != OTEL_OK)
        otl_detail_set(reterr, worst->err, NULL, 0, 0, "%s", worst->detail.text);
    return worst->err;
}

static enum otel_err consume_all(void *self, const struct col_batch *batch,
                                 struct otl_detail *reterr)
{
    const struct fanout *fanout = self;
    struct worst worst = {OTEL_OK, OTL_DETAIL_NONE};

    for (size_t i = 0; i < fanout->count; i++) {
        const struct col_consumer *to = &fanout->consumers[i];
        struct otl_detail detail = OTL_DETAIL_NONE;
        note(&worst, to->consume(to->self, batch, &detail), &detail);
    }
    return tell(&worst, reterr);
}

static enum otel_err consume_by_signal(void *self, const struct col_batch *batch,
                                       struct otl_detail *reterr)
{
    const struct junction *junction = self;
    const struct col_consumer *to = &junction->by_signal[batch->signal];

    return to->consume(to->self, batch, reterr);
}

static enum otel_err consume_export(void *self, const struct col_batch *batch,
                                    struct otl_detail *reterr)
{
    struct node *node = self;
    enum otel_err err = node->type->consume(node->self, batch, reterr);

    *(err == OTEL_OK ? node->sent : node->failed) += batch->items;
    return err;
}

static enum otel_err no_memory(struct otl_detail *reterr)
{
    return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
}

static enum otel_err new_fanout(struct col_graph *graph, struct fanout **ret,
                                struct otl_detail *reterr)
{
    struct fanout *fanout = otl_mem_zalloc(sizeof(*fanout));

    if (fanout == NULL)
        return no_memory(reterr);
    fanout->next = graph->fanouts;
    graph->fanouts = fanout;
    *ret = fanout;
    return OTEL_OK;
}

static struct col_consumer consumer_of(struct fanout *fanout)
{
    struct col_consumer consumer = {consume_all, fanout};

    return fanout->count == 1 ? fanout->consumers[0] : consumer;
}

static bool count_exports(struct col_graph *graph, struct node *node, const char *id,
                          enum col_signal signal)
{
    struct col_host *host = graph->host;
    char labels[160];

    snprintf(labels, sizeof(labels), "exporter=\"%s\"", id);
    node->sent = col_host_items(host, signal, "otelcol_exporter_sent", labels,
                                "What the exporter wrote or sent.");
    node->failed = col_host_items(host, signal, "otelcol_exporter_send_failed", labels,
                                  "What the exporter could not write or send.");
    return node->sent != NULL && node->failed != NULL;
}

/* What stands behind it keeps nobody waiting. */
static enum otel_err consume_decoupled(void *self, const struct col_batch *batch,
                                       struct otl_detail *reterr)
{
    const struct node *node = self;
    struct col_ticket *ticket = node->host->ticket;
    enum otel_err err;

    node->host->ticket = NULL;
    err = node->type->consume(node->self, batch, reterr);
    node->host->ticket = ticket;
    return err;
}

/* With several workers: whether it is this one's own, and what stands before it. */
static enum otel_err place_node(struct col_graph *graph, struct node *node, const char *id,
                                struct col_create *create, struct otl_detail *reterr)
{
    struct col_host *host = graph->host;
    const struct col_component_type *type = node->type;
    struct col_route_options route = {.id = id, .node = graph->count - 1, .host = host,
                                      .signal = create->signal};

    route.place = type->place_of != NULL ? type->place_of(create->config) : type->place;
    create->instances = route.place == COL_FIRST ? 1 : host->workers;
    if (host->worker > 0)
        create->first = host->crew->graphs[0]->nodes[route.node]->self;
    if (route.place == COL_EACH || type->kind == COL_EXTENSION)
        return OTEL_OK;
    return col_route_new(&route, &node->route, reterr);
}

/* Where things go that are for this node: own is how it takes them. */
static struct col_consumer entry_of(const struct col_graph *graph, struct node *node,
                                    struct col_consumer own)
{
    const struct col_consumer before = {col_route_consume, node->route};

    if (node->route == NULL)
        return own;
    if (node->self != NULL)
        col_route_own(node->route, own);
    return graph->host->worker == 0 && col_route_is_first(node->route) ? own : before;
}

/* What a component is made for. */
struct use {
    enum col_signal signal;
    unsigned signals; /* receivers */
    struct col_consumer next;
};

static bool passes(const struct col_component_type *type)
{
    return type->kind == COL_PROCESSOR && !type->decouples;
}

static enum otel_err make_node(struct col_graph *graph, size_t component, struct use use,
                               struct node **ret, struct otl_detail *reterr)
{
    const struct col_config_component *wanted = &graph->config->components[component];
    struct col_create create = {
        .id = wanted->id,       .config = wanted->config, .doc = graph->config->doc,
        .pos = wanted->pos,     .host = graph->host,      .next = use.next,
        .signal = use.signal,   .signals = use.signals};
    struct node *node = otl_mem_zalloc(sizeof(*node));
    enum otel_err err = OTEL_OK;

    if (node == NULL)
        return no_memory(reterr);
    node->type = wanted->type;
    node->host = graph->host;
    graph->nodes[graph->count++] = node; /* the references are bounded below NODES_MAX */
    if (graph->host->crew != NULL)
        err = place_node(graph, node, wanted->id, &create, reterr);
    if (err != OTEL_OK)
        return err;
    *ret = node;
    if (passes(wanted->type)) {
        err = col_passage_init(&node->passage, graph->host, wanted->id, use.signal, use.next);
        create.next = col_passage_out(&node->passage);
    }
    if (err != OTEL_OK)
        return no_memory(reterr);
    if (graph->host->worker > 0 && create.instances == 1)
        return OTEL_OK; /* worker 0 has it */
    if (wanted->type->kind == COL_EXPORTER && !wanted->type->counts_itself &&
        !count_exports(graph, node, wanted->id, use.signal))
        return no_memory(reterr);
    err = wanted->type->create(&create, &node->self, reterr);
    return err;
}

static enum otel_err build_pipeline(struct col_graph *graph, size_t index,
                                    struct col_consumer *ret, struct otl_detail *reterr);

/* All pipelines of a signal that begin with this component. */
static enum otel_err build_behind(struct col_graph *graph, size_t component,
                                  enum col_signal signal, struct col_consumer *ret,
                                  struct otl_detail *reterr)
{
    struct fanout *fanout = NULL;
    enum otel_err err = new_fanout(graph, &fanout, reterr);

    for (size_t p = 0; p < graph->config->pipeline_count && err == OTEL_OK; p++) {
        const struct col_config_pipeline *pipeline = &graph->config->pipelines[p];
        for (size_t i = 0; i < pipeline->receiver_count && err == OTEL_OK; i++)
            if (pipeline->signal == signal && pipeline->receivers[i] == component)
                err = build_pipeline(graph, p, &fanout->consumers[fanout->count++], reterr);
    }
    if (err == OTEL_OK)
        *ret = consumer_of(fanout);
    return err;
}

static enum otel_err build_end(struct col_graph *graph, size_t component,
                               enum col_signal signal, struct col_consumer *ret,
                               struct otl_detail *reterr)
{
    const struct col_component_type *type = graph->config->components[component].type;
    bool connector = type->kind == COL_CONNECTOR, direct = connector || type->counts_itself;
    struct node **shared = &graph->shared[component][signal];
    struct use use = {.signal = signal};
    struct col_consumer own;
    enum otel_err err = OTEL_OK;

    if (*shared == NULL && connector)
        err = build_behind(graph, component, type->to_metrics ? COL_METRICS : signal, &use.next,
                           reterr);
    if (*shared == NULL && err == OTEL_OK)
        err = make_node(graph, component, use, shared, reterr);
    if (err != OTEL_OK)
        return err;
    own.consume = direct ? type->consume : consume_export;
    own.self = direct ? (*shared)->self : *shared;
    *ret = entry_of(graph, *shared, own);
    return OTEL_OK;
}

static enum otel_err build_pipeline(struct col_graph *graph, size_t index,
                                    struct col_consumer *ret, struct otl_detail *reterr)
{
    const struct col_config_pipeline *pipeline = &graph->config->pipelines[index];
    struct fanout *fanout = NULL;
    struct col_consumer head;
    enum otel_err err = OTEL_OK;

    if (graph->heads[index].self == NULL) {
        err = new_fanout(graph, &fanout, reterr);
        for (size_t i = 0; i < pipeline->exporter_count && err == OTEL_OK; i++)
            err = build_end(graph, pipeline->exporters[i], pipeline->signal,
                            &fanout->consumers[fanout->count++], reterr);
        if (err != OTEL_OK)
            return err;
        head = consumer_of(fanout);
        for (size_t i = pipeline->processor_count; i > 0; i--) {
            const struct use use = {.signal = pipeline->signal, .next = head};
            struct node *node;
            err = make_node(graph, pipeline->processors[i - 1], use, &node, reterr);
            if (err != OTEL_OK)
                return err;
            head.consume = node->type->decouples ? consume_decoupled : node->type->consume;
            head.self = node->type->decouples ? (void *)node : node->self;
            if (passes(node->type))
                head = col_passage_in(&node->passage, head);
            head = entry_of(graph, node, head);
        }
        graph->heads[index] = head;
    }
    *ret = graph->heads[index];
    return OTEL_OK;
}

static enum otel_err consume_watched(void *self, const struct col_batch *batch,
                                     struct otl_detail *reterr)
{
    const struct watch *watch = self;

    col_recent_see(watch->recent, batch->signal, batch->request);
    return watch->next.consume(watch->next.self, batch, reterr);
}

/* The same consumer, and what it gets is remembered, if anybody wants to see it. */
static struct col_consumer watched(struct col_graph *graph, size_t component,
                                   struct col_consumer next)
{
    struct watch *watch = &graph->watches[component];
    struct col_consumer consumer = {consume_watched, watch};

    watch->recent = graph->host->recent;
    watch->next = next;
    return watch->recent != NULL ? consumer : next;
}

/* The signals that the pipelines want of a receiver. */
static unsigned wanted_of(const struct col_graph *graph, size_t component)
{
    unsigned signals = 0;

    for (size_t p = 0; p < graph->config->pipeline_count; p++) {
        const struct col_config_pipeline *pipeline = &graph->config->pipelines[p];
        for (size_t i = 0; i < pipeline->receiver_count; i++)
            if (pipeline->receivers[i] == component)
                signals |= COL_SIGNAL_BIT(pipeline->signal);
    }
    return signals;
}

/* One receiver for all signals; of a single one, its consumer is the pipeline itself. */
static enum otel_err build_receiver(struct col_graph *graph, size_t component,
                                    struct otl_detail *reterr)
{
    struct junction *junction = &graph->junctions[component];
    struct use use = {.signals = wanted_of(graph, component)};
    enum otel_err err = OTEL_OK;

    for (int s = COL_TRACES; s < COL_SIGNALS && err == OTEL_OK; s++) {
        struct col_consumer *to = &junction->by_signal[s];
        if ((use.signals & COL_SIGNAL_BIT(s)) == 0)
            continue;
        err = build_behind(graph, component, (enum col_signal)s, to, reterr);
        use.next = *to;
        if (use.signals != COL_SIGNAL_BIT(s))
            use.next = (struct col_consumer){consume_by_signal, junction};
    }
    if (err != OTEL_OK)
        return err;
    use.next = watched(graph, component, use.next);
    return make_node(graph, component, use, &graph->shared[component][COL_TRACES], reterr);
}

static enum otel_err build_receivers(struct col_graph *graph, struct otl_detail *reterr)
{
    for (size_t i = 0; i < graph->config->component_count; i++) {
        const struct col_config_component *component = &graph->config->components[i];
        enum otel_err err = OTEL_OK;
        if (component->type->kind == COL_RECEIVER && component->uses_as_receiver > 0)
            err = build_receiver(graph, i, reterr);
        if (err != OTEL_OK)
            return err;
    }
    return OTEL_OK;
}

static enum otel_err build_extensions(struct col_graph *graph, struct otl_detail *reterr)
{
    const struct use none = {.signals = 0};

    for (size_t i = 0; i < graph->config->extension_count; i++) {
        size_t component = graph->config->extensions[i];
        enum otel_err err =
            make_node(graph, component, none, &graph->shared[component][COL_TRACES], reterr);
        if (err != OTEL_OK)
            return err;
    }
    return OTEL_OK;
}

static enum otel_err start_all(struct col_graph *graph, struct otl_detail *reterr)
{
    for (size_t i = 0; i < graph->count; i++) {
        const struct node *node = graph->nodes[i];
        enum otel_err err = node->type->start != NULL && node->self != NULL
                                ? node->type->start(node->self, reterr)
                                : OTEL_OK;
        if (err != OTEL_OK)
            return err;
    }
    return OTEL_OK;
}

enum otel_err col_graph_new(const struct col_config *config, struct col_host *host,
                            struct col_graph **ret, struct otl_detail *reterr)
{
    struct col_graph *graph = otl_mem_zalloc(sizeof(*graph));
    enum otel_err err;

    if (graph == NULL)
        return no_memory(reterr);
    graph->config = config;
    graph->host = host;
    err = build_extensions(graph, reterr);
    if (err == OTEL_OK)
        err = build_receivers(graph, reterr);
    if (err == OTEL_OK)
        err = start_all(graph, reterr);
    if (err == OTEL_OK)
        *ret = graph;
    else
        col_graph_free(graph);
    return err;
}

void col_graph_drain(struct col_graph *graph, uint64_t grace_ns)
{
    for (size_t i = graph->count; i > 0; i--)
        if (graph->nodes[i - 1]->type->drain != NULL)
            graph->nodes[i - 1]->type->drain(graph->nodes[i - 1]->self, grace_ns);
}

size_t col_graph_receivers(const struct col_graph *graph)
{
    size_t count = 0;

    for (size_t i = 0; i < graph->count; i++)
        count += graph->nodes[i]->type->drain != NULL;
    return count;
}

enum otel_err col_graph_flush_node(struct col_graph *graph, size_t at, struct otl_detail *reterr)
{
    const struct node *node = graph->nodes[at];

    return node->type->flush != NULL && node->self != NULL ? node->type->flush(node->self, reterr)
                                                           : OTEL_OK;
}

enum otel_err col_graph_flush(struct col_graph *graph, struct otl_detail *reterr)
{
    enum otel_err result = OTEL_OK;

    for (size_t i = graph->count; i > 0; i--) {
        enum otel_err err = col_graph_flush_node(graph, i - 1, reterr);
        if (result == OTEL_OK)
            result = err;
    }
    return result;
}

size_t col_graph_nodes(const struct col_graph *graph)
{
    return graph->count;
}

struct col_route *col_graph_route(const struct col_graph *graph, size_t node)
{
    return graph->nodes[node]->route;
}

bool col_graph_waits(const struct col_graph *graph, size_t node)
{
    return graph->nodes[node]->type->counts_itself;
}

void col_graph_free(struct col_graph *graph)
{
    if (graph == NULL)
        return;
    while (graph->count > 0) {
        struct node *node = graph->nodes[--graph->count];
        if (node->self != NULL)
            node->type->free(node->self);
        col_route_free(node->route);
        otl_mem_free(node);
    }
    while (graph->fanouts != NULL) {
        struct fanout *next = graph->fanouts->next;
        otl_mem_free(graph->fanouts);
        graph->fanouts = next;
    }
    otl_mem_free(graph);
}
