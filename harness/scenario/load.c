/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/scenario/faults.h"
#include "harness/scenario/internal.h"
#include "harness/scenario/schema.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

enum { FILE_MAX = 1024 * 1024, ARENA_MAX = 64 * 1024 * 1024, CLAIM_MAX = 1000 };

void *hx_loader_array(struct hx_loader *loader, size_t count, size_t size)
{
    return otl_arena_zalloc(loader->arena, (count ? count : 1) * size);
}

const char *hx_loader_format(struct hx_loader *loader, const char *format, ...)
{
    char text[4096];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return otl_arena_strdup(loader->arena, text);
}

enum otel_err hx_loader_operation(struct hx_loader *loader, const json_t *map,
                                  struct otl_yaml_pos pos, unsigned *ret_op)
{
    size_t index = loader->scenario->operation_count;

    if (index == HX_MAX_OPERATIONS)
        return otl_detail_set(loader->reterr, OTEL_ERR_LIMIT, pos.source, pos.line, pos.column,
                              "more than %d operations", HX_MAX_OPERATIONS);
    loader->maps[index] = map;
    loader->operations[index].index = (unsigned)index;
    loader->scenario->operation_count++;
    *ret_op = (unsigned)index;
    return OTEL_OK;
}

bool hx_scenario_troubles_collector(const struct hx_scenario *scenario,
                                    const struct hx_agent *agent)
{
    for (size_t i = 0; i < scenario->fault_count; i++)
        if (scenario->faults[i].what == HX_FAULT_COLLECTOR && scenario->faults[i].agent == agent)
            return true;
    return false;
}

/* Faults meet the collector's requests in one order. */
static enum otel_err check_workers(const struct hx_loader *loader)
{
    const struct hx_scenario *scenario = loader->scenario;

    if (scenario->collector_workers <= 1 || !hx_scenario_troubles_collector(scenario, NULL))
        return OTEL_OK;
    return otl_yaml_error(loader->reterr,
                          otl_yaml_value_pos(loader->doc, scenario->tree, "collector_workers"),
                          "with faults of the collector it has one worker, so that its requests "
                          "meet them in one order");
}

/* The resolved tree -> structs. */
static enum otel_err build(struct hx_loaded *loaded, struct otl_detail *reterr)
{
    struct hx_loader *loader = otl_arena_zalloc(&loaded->arena, sizeof(*loader));
    struct hx_scenario *scenario = &loaded->scenario;
    const json_t *root = otl_yaml_root(loaded->doc);
    enum otel_err err;

    if (loader == NULL)
        return OTEL_ERR_MEMORY;
    loader->doc = loaded->doc;
    loader->reterr = reterr;
    loader->arena = &loaded->arena;
    loader->scenario = scenario;
    loader->operations = hx_loader_array(loader, HX_MAX_OPERATIONS, sizeof(*loader->operations));
    if (loader->operations == NULL)
        return OTEL_ERR_MEMORY;
    scenario->operations = loader->operations;
    scenario->tree = root;
    scenario->name = otl_tree_text(root, "name", "");
    scenario->title = otl_tree_text(root, "title", scenario->name);
    scenario->claim = otl_tree_text(root, "claim", "");
    scenario->seed = (uint64_t)otl_tree_int(root, "seed", 0);
    scenario->broker = otl_tree_text(root, "broker", "");
    scenario->collector = json_object_get(root, "collector");
    scenario->collector_workers = (unsigned)otl_tree_int(root, "collector_workers", 1);
    err = hx_load_fleet(loader);
    if (err == OTEL_OK)
        err = hx_load_agents(loader);
    if (err == OTEL_OK)
        err = hx_load_all_steps(loader);
    if (err == OTEL_OK)
        err = hx_check_sql(loader);
    if (err == OTEL_OK)
        err = hx_check_graph(loader);
    if (err == OTEL_OK)
        err = hx_load_claims(loader);
    if (err == OTEL_OK)
        err = hx_load_replicas(loader);
    if (err == OTEL_OK)
        err = hx_load_faults(loader);
    return err == OTEL_OK ? check_workers(loader) : err;
}

struct source {
    const char *file;  /* "" = a tree */
    const char *claim; /* of the first line, or "" */
    const struct hx_scenario_options *options;
};

/* doc is consumed. */
static enum otel_err load(struct otl_yaml *doc, const struct source *source,
                          struct hx_scenario **ret, struct otl_detail *reterr)
{
    struct hx_loaded *loaded = otl_mem_zalloc(sizeof(*loaded));
    const struct hx_scenario_options *options = source->options;
    enum otel_err err = OTEL_OK;

    if (loaded == NULL) {
        otl_yaml_free(doc);
        return OTEL_ERR_MEMORY;
    }
    loaded->doc = doc;
    otl_arena_init(&loaded->arena, ARENA_MAX);
    err = hx_resolve_agents(doc, reterr); /* so that --set reaches what they do not say */
    for (size_t i = 0; err == OTEL_OK && options != NULL && i < options->override_count; i++)
        err = hx_apply_override(doc, options->overrides[i], reterr);
    if (err == OTEL_OK)
        err = otl_schema_check(doc, hx_scenario_schema, reterr);
    if (err == OTEL_OK)
        err = hx_resolve(doc, source->file, source->claim, options, reterr);
    if (err == OTEL_OK)
        err = build(loaded, reterr);
    loaded->scenario.file = otl_arena_strdup(&loaded->arena, source->file);
    if (err == OTEL_OK && loaded->scenario.file == NULL)
        err = OTEL_ERR_MEMORY;
    if (err != OTEL_OK) {
        hx_scenario_free(&loaded->scenario);
        return err;
    }
    *ret = &loaded->scenario;
    return OTEL_OK;
}

static enum otel_err fill_in(enum otel_err err, const char *file, struct otl_detail *reterr)
{
    if (err != OTEL_OK) /* the first error wins: this one speaks when nobody did */
        otl_detail_set(reterr, err, file, 0, 0, "%s", otel_err_text(err));
    return err;
}

/* "# text" in the first line: the claim. */
static void read_claim(const char *text, size_t size, char *out, size_t out_size)
{
    size_t len = 0, skip = 0;

    while (len < size && text[len] != '\r' && text[len] != '\n')
        len++;
    while (skip < len && (text[skip] == '#' || text[skip] == ' '))
        skip++;
    out[0] = '\0';
    if (size > 0 && text[0] == '#')
        snprintf(out, out_size, "%.*s", (int)(len - skip), text + skip);
    out[otl_utf8_prefix(out, strlen(out))] = '\0';
}

enum otel_err hx_scenario_load_text(const char *text, size_t len, const char *file,
                                    const struct hx_scenario_options *options,
                                    struct hx_scenario **ret, struct otl_detail *reterr)
{
    char claim[CLAIM_MAX];
    struct source source = {.file = file, .claim = claim, .options = options};
    struct otl_yaml_options yaml;
    struct otl_yaml *doc;
    enum otel_err err;

    otl_yaml_options_init(&yaml);
    yaml.source = file;
    yaml.max_bytes = FILE_MAX;
    err = otl_yaml_load_text(text, len, &yaml, &doc, reterr);
    if (err == OTEL_OK) {
        read_claim(text, len, claim, sizeof(claim));
        err = load(doc, &source, ret, reterr);
    }
    return fill_in(err, file, reterr);
}

enum otel_err hx_scenario_load_file(const char *path, const struct hx_scenario_options *options,
                                    struct hx_scenario **ret, struct otl_detail *reterr)
{
    struct otl_buf buf;
    enum otel_err err;

    otl_buf_init(&buf, FILE_MAX);
    err = otl_file_read(path, &buf, reterr);
    if (err == OTEL_OK)
        err = hx_scenario_load_text(buf.data ? buf.data : "", buf.len, path, options, ret, reterr);
    otl_buf_fini(&buf);
    return fill_in(err, path, reterr);
}

enum otel_err hx_scenario_load_tree(const json_t *tree, struct hx_scenario **ret,
                                    struct otl_detail *reterr)
{
    struct source source = {.file = "", .claim = "", .options = NULL};
    struct otl_yaml *doc;
    enum otel_err err = otl_yaml_from_tree(tree, "scenario", &doc, reterr);

    if (err == OTEL_OK)
        err = load(doc, &source, ret, reterr);
    return fill_in(err, "scenario", reterr);
}

void hx_scenario_free(struct hx_scenario *scenario)
{
    struct hx_loaded *loaded = (struct hx_loaded *)scenario;

    if (loaded == NULL)
        return;
    otl_yaml_free(loaded->doc);
    otl_arena_fini(&loaded->arena);
    otl_mem_free(loaded);
}

const struct hx_service *hx_scenario_service(const struct hx_scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->service_count; i++)
        if (strcmp(scenario->services[i].name, name) == 0)
            return &scenario->services[i];
    return NULL;
}

const struct hx_topic *hx_scenario_topic(const struct hx_scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->topic_count; i++)
        if (strcmp(scenario->topics[i].name, name) == 0)
            return &scenario->topics[i];
    return NULL;
}
