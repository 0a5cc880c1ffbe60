/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <event2/event.h>

#include "collector-mock/config/lint.h"
#include "collector-mock/config/old_names.h"
#include "collector-mock/pipeline/registry.h"
#include "sdk/base/mem.h"

/* What only a component itself knows to be wrong: it is made on a host of its own, not started. */

static enum otel_err take_nothing(void *self, const struct col_batch *batch,
                                  struct otl_detail *reterr)
{
    (void)self;
    (void)batch;
    (void)reterr;
    return OTEL_OK;
}

static void drained(void *context)
{
    (void)context;
}

static bool names(const size_t *list, size_t count, size_t index)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == index)
            return true;
    return false;
}

/* The signals of the pipelines that give something to it; 0: none does. */
static unsigned signals_of(const struct col_config *config, size_t index)
{
    unsigned signals = 0;

    for (size_t i = 0; i < config->pipeline_count; i++) {
        const struct col_config_pipeline *pipeline = &config->pipelines[i];
        if (names(pipeline->processors, pipeline->processor_count, index) ||
            names(pipeline->exporters, pipeline->exporter_count, index))
            signals |= COL_SIGNAL_BIT(pipeline->signal);
    }
    return signals;
}

static enum otel_err make_for(struct col_config *config, struct col_config_component *component,
                              struct col_host *host, enum col_signal signal,
                              struct otl_detail *reterr)
{
    const struct col_create create = {.id = component->id,
                                      .config = component->config,
                                      .doc = config->doc,
                                      .pos = component->pos,
                                      .host = host,
                                      .next = {take_nothing, NULL},
                                      .instances = 1,
                                      .signal = signal,
                                      .signals = component->type->signals};
    void *self = NULL;
    enum otel_err err = component->type->create(&create, &self, reterr);

    if (err == OTEL_OK)
        component->type->free(self);
    return err;
}

/* For each signal that it is used for; what no pipeline uses has to be right for one of them. */
static enum otel_err make(struct col_config *config, struct col_config_component *component,
                          struct col_host *host, struct otl_detail *reterr)
{
    unsigned used = signals_of(config, (size_t)(component - config->components));
    enum otel_err err = OTEL_OK;

    if (component->type->kind == COL_RECEIVER || component->type->kind == COL_EXTENSION)
        return make_for(config, component, host, COL_TRACES, reterr);
    for (unsigned s = 0; s < COL_SIGNALS; s++) {
        static const struct otl_detail none = OTL_DETAIL_NONE;
        unsigned bit = COL_SIGNAL_BIT(s);
        if ((component->type->signals & bit) == 0 || (used != 0 && (used & bit) == 0))
            continue;
        *reterr = none;
        err = make_for(config, component, host, (enum col_signal)s, reterr);
        if ((err == OTEL_OK) == (used == 0))
            return err;
    }
    return err;
}

/* Its configuration as it may be changed. */
static json_t *settings(const struct col_config *config,
                        const struct col_config_component *component)
{
    const json_t *root = otl_yaml_root(config->doc);

    return json_object_get(json_object_get(root, col_kind_section(component->type->kind)),
                           component->id);
}

/* A text of a list that stands there becomes null: the others keep their places. */
static bool empty_text(const struct col_config *config, json_t *value,
                       const struct otl_detail *where)
{
    const char *key;
    json_t *item;
    size_t i;

    json_array_foreach(value, i, item)
    {
        struct otl_yaml_pos pos = otl_yaml_item_pos(config->doc, value, i);
        if (json_is_string(item) && where->line != 0 && pos.line == where->line &&
            pos.column == where->column && strcmp(pos.source, where->source) == 0)
            return json_array_set_new(value, i, json_null()) == 0;
        if (empty_text(config, item, where))
            return true;
    }
    json_object_foreach(value, key, item)
    {
        if (empty_text(config, item, where))
            return true;
    }
    return false;
}

/* Lenient: without the settings that are not here. */
static enum otel_err make_without(struct col_config *config,
                                  struct col_config_component *component, struct col_host *host,
                                  struct otl_detail *reterr)
{
    static const struct otl_detail none = OTL_DETAIL_NONE;
    enum otel_err err = make(config, component, host, reterr);

    for (size_t i = 0; i < COL_FINDINGS_MAX && err == OTEL_ERR_UNSUPPORTED && config->lenient;
         i++) {
        struct otl_yaml_pos pos = {reterr->source, reterr->line, reterr->column};
        bool extension = component->type->kind == COL_EXTENSION; /* is little without it */
        if (extension)
            component->type = col_stand_in(COL_EXTENSION);
        else if (!col_config_drop(config, settings(config, component), reterr) &&
                 !empty_text(config, settings(config, component), reterr))
            break;
        col_findings_note(config->findings, COL_WARNING, pos, "%s; %s", reterr->text,
                          extension ? "here the extension does nothing" : "it is left out");
        *reterr = none;
        err = make(config, component, host, reterr);
    }
    return err;
}

/* A file that is not on this machine may be on the one that the configuration is for. */
static void note(struct col_config *config, enum otel_err err, const struct otl_detail *detail)
{
    struct otl_yaml_pos pos = {detail->source, detail->line, detail->column};

    if (err == OTEL_ERR_NOT_FOUND)
        col_findings_note(config->findings, COL_WARNING, pos,
                          "%s: where it is not there, the program does not start", detail->text);
    else
        col_findings_add(config->findings, COL_ERROR, detail);
}

static enum otel_err make_all(struct col_config *config, struct col_host *host,
                              struct otl_detail *reterr)
{
    for (size_t i = 0; i < config->component_count; i++) {
        static const struct otl_detail none = OTL_DETAIL_NONE;
        struct col_config_component *component = &config->components[i];
        bool wanted = config->all ? !component->wrong : component->named;
        enum otel_err err = wanted ? make_without(config, component, host, reterr) : OTEL_OK;
        if (err == OTEL_ERR_MEMORY || (err != OTEL_OK && !config->all))
            return err;
        if (err != OTEL_OK)
            note(config, err, reterr);
        *reterr = none;
    }
    return OTEL_OK;
}

enum otel_err col_config_rehearse(struct col_config *config, struct otl_detail *reterr)
{
    struct col_host *host = otl_mem_zalloc(sizeof(*host));
    struct col_budget budget = {.max = COL_BUDGET_BYTES};
    enum otel_err err = OTEL_ERR_MEMORY;

    if (host == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    host->tap.fd = -1;
    host->as_version = config->as_version;
    host->decisions.fd = -1;
    host->budget = &budget;
    host->clock = otl_clock_real();
    host->on_drained = drained;
    otl_log_init(&host->log, 2, OTL_LOG_ERROR, "collector-mock");
    host->base = event_base_new();
    if (host->base != NULL)
        err = col_metrics_new(&host->metrics);
    if (err == OTEL_OK)
        err = make_all(config, host, reterr);
    else
        otl_detail_set(reterr, err, NULL, 0, 0, "%s", otel_err_text(err));
    col_metrics_free(host->metrics);
    if (host->base != NULL)
        event_base_free(host->base);
    otl_mem_free(host);
    return err;
}
