/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/processors/tests/proc_world.h"
#include "collector-mock/wire/json.h"
#include "harness/verify/tail/before.h"
#include "harness/verify/tail/read.h"
#include "harness/verify/tests/before_spans.h"
#include "sdk/base/text.h"

/* Filters and transforms before tail_sampling: what the oracle makes of spans, held against what
 * collector-mock makes of them, with which it shares no code. Every field of every span. */

#define TABLE "collector-mock/processors/tests/vectors/ottl.json"
enum { REQUESTS = 12 };

/* ---- one configuration, two readings ---- */

struct line {
    char *text;
    bool guessed;
};

struct lines {
    struct line list[1024];
    size_t count;
};

static void add_line(struct lines *lines, const struct hx_tail_span *span)
{
    assert_true(lines->count < sizeof(lines->list) / sizeof(lines->list[0]));
    lines->list[lines->count++] = (struct line){before_span_text(span), span->guessed};
}

static void free_lines(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->list[i].text);
}

struct oracle {
    struct otl_arena arena;
    struct hx_before before;
    struct hx_draft draft;
    struct lines lines;
};

static enum otel_err foresee(void *context, const struct hx_tail_span *span)
{
    struct oracle *oracle = context;
    const struct hx_tail_span *left = hx_before_run(&oracle->before, span, &oracle->draft);

    if (left != NULL)
        add_line(&oracle->lines, left);
    return OTEL_OK;
}

static enum otel_err look(void *context, const struct hx_tail_span *span)
{
    add_line(context, span);
    return OTEL_OK;
}

/* As a file exporter writes requests: the reader's own way in. */
static void read_back(struct otl_view request, hx_tail_span_fn span, void *context)
{
    const struct hx_tail_sink sink = {span, NULL, context, false};
    struct otl_detail detail = OTL_DETAIL_NONE;
    char path[] = "/tmp/tail-before.XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "wb");
    struct hx_tail_source source;

    assert_non_null(file);
    for (int i = 0; i < 4; i++)
        fputc((int)(request.len >> (24 - 8 * i) & 255), file);
    assert_int_equal(fwrite(request.len > 0 ? request.data : "", 1, request.len, file),
                     request.len);
    fclose(file);
    if (request.len > 0 && hx_tail_read(path, &sink, &source, &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
    unlink(path);
}

/* What collector-mock makes of the request. */
static void make(const char *type, const json_t *config, struct otl_view request,
                 struct lines *ret)
{
    const struct proc_options options = {.type = type, .signal = COL_TRACES};
    struct col_batch batch = {.signal = COL_TRACES, .request = request, .mono_ns = 1};
    struct otl_detail detail = OTL_DETAIL_NONE;
    char *text = json_dumps(config, JSON_COMPACT);
    struct proc_world world;

    assert_int_equal(col_request_check(COL_TRACES, request, &batch.items, &detail), OTEL_OK);
    if (proc_world_init_for(&world, &options, text, &detail) != OTEL_OK)
        fail_msg("%s: %s", text, detail.text);
    assert_int_equal(world.type->consume(world.self, &batch, &detail), OTEL_OK);
    read_back(otl_view(world.out.data, world.out.len), look, ret);
    proc_world_fini(&world);
    free(text);
}

/* The oracle that is told this; NULL: it refuses, with the words. */
static struct oracle *tell(const char *type, const json_t *config, struct otl_detail *reterr)
{
    struct oracle *oracle = calloc(1, sizeof(*oracle));

    assert_non_null(oracle);
    otl_arena_init(&oracle->arena, 1 << 20);
    hx_before_init(&oracle->before, &oracle->arena);
    oracle->before.readers[0] = config;
    oracle->before.reader_count = 1;
    oracle->before.all_matters = true;
    if (config == NULL || hx_before_add(&oracle->before, type, config, reterr) == OTEL_OK)
        return oracle;
    hx_before_fini(&oracle->before);
    otl_arena_fini(&oracle->arena);
    free(oracle);
    return NULL;
}

static void forget(struct oracle *oracle)
{
    free_lines(&oracle->lines);
    hx_before_fini(&oracle->before);
    otl_arena_fini(&oracle->arena);
    free(oracle);
}

struct sum {
    size_t spans, guessed, differences;
    char first[4000];
};

/* runs: what collector-mock does; told: what the oracle is told of it. */
static void compare(const char *type, const json_t *runs, const json_t *told,
                    struct otl_view request, struct sum *sum)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct oracle *oracle = tell(type, told, &detail);
    struct lines *made = calloc(1, sizeof(*made));

    if (oracle == NULL || made == NULL)
        fail_msg("%s", detail.text);
    make(type, runs, request, made);
    read_back(request, foresee, oracle);
    for (size_t i = 0; i < made->count || i < oracle->lines.count; i++) {
        const struct line *here = i < oracle->lines.count ? &oracle->lines.list[i] : NULL;
        const struct line *there = i < made->count ? &made->list[i] : NULL;
        sum->spans++;
        sum->guessed += here != NULL && here->guessed;
        if ((here != NULL && here->guessed) ||
            (here != NULL && there != NULL && strcmp(here->text, there->text) == 0))
            continue;
        if (sum->differences++ == 0)
            snprintf(sum->first, sizeof(sum->first), "foretold\n    %s\n  made\n    %s",
                     here != NULL ? here->text : "nothing",
                     there != NULL ? there->text : "nothing");
    }
    free_lines(made);
    free(made);
    forget(oracle);
}

static void compare_on_random_spans(const char *type, const json_t *runs, const json_t *told,
                                    uint64_t seed, struct sum *sum)
{
    struct otl_random random;
    struct otl_buf request;

    otl_random_seed(&random, seed);
    for (int i = 0; i < REQUESTS; i++) {
        before_spans(&random, &request);
        compare(type, runs, told, otl_view(request.data, request.len), sum);
        otl_buf_fini(&request);
    }
}

/* ---- the committed table ---- */

/* Those whose outcome for one span depends on the others of its request, or that move spans to
 * other traces. */
static bool is_refused(const char *name)
{
    static const char *const names[] = {"span: conditions of the group alone name it",
                                        "span: a function names it", "span: ids and times"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* The settings of the processor that a case names: {"transform": [...]}, {"filter": {...}}. */
static json_t *settings_of(const json_t *processor, char ret_type[16])
{
    void *first = json_object_iter((json_t *)(uintptr_t)processor);
    const char *name = json_object_iter_key(first);
    json_t *value = json_object_iter_value(first);

    snprintf(ret_type, 16, "%.*s", (int)strcspn(name, "-"), name);
    if (strcmp(ret_type, "transform") != 0)
        return json_incref(value);
    return json_pack("{s:s, s:O}", "error_mode", "silent",
                     name[9] == '-' ? "log_statements" : "trace_statements", value);
}

static bool check_case(const json_t *one, struct otl_view request)
{
    const char *name = json_string_value(json_object_get(one, "name"));
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct sum sum = {0}, blind = {0};
    struct oracle *oracle;
    char type[16];
    json_t *settings = settings_of(json_object_get(one, "traces"), type);
    bool changes = json_object_size(json_object_get(one, "changes")) > 0;

    oracle = tell(type, settings, &detail);
    if ((oracle == NULL) != is_refused(name))
        fail_msg("%s: %s", name, oracle == NULL ? detail.text : "it is not refused");
    if (oracle != NULL) {
        forget(oracle);
        compare(type, settings, settings, request, &sum);
        compare_on_random_spans(type, settings, settings, 1, &sum);
        compare(type, settings, NULL, request, &blind); /* the oracle overlooks the processor */
        if (sum.differences > 0)
            fail_msg("%s: %zu differences, the first: %s", name, sum.differences, sum.first);
        if (sum.guessed * 5 > sum.spans)
            fail_msg("%s: %zu of %zu spans are guessed", name, sum.guessed, sum.spans);
        if ((blind.differences > 0) != changes)
            fail_msg("%s: what it changes goes unnoticed", name);
    }
    json_decref(settings);
    return oracle != NULL;
}

static void each_case_of_the_table_is_foretold(void **state)
{
    json_t *table = json_load_file(TABLE, 0, NULL), *one;
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_buf request;
    size_t i, count = 0;
    char *text;

    (void)state;
    assert_non_null(table);
    text = json_dumps(json_object_get(json_object_get(table, "requests"), "traces"), JSON_COMPACT);
    otl_buf_init(&request, 1 << 20);
    assert_int_equal(col_json_decode(COL_TRACES, otl_view_str(text), &request, &detail), OTEL_OK);
    json_array_foreach(json_object_get(table, "cases"), i, one)
        if (json_object_get(one, "traces") != NULL)
            count += check_case(one, otl_view(request.data, request.len));
    assert_true(count >= 18);
    otl_buf_fini(&request);
    free(text);
    json_decref(table);
}

/* ---- each function and path, and a mistake in each ---- */

/* Statements in a context; those with a mistake in them, which must be noticed. */
struct pair {
    const char *context, *runs, *mistaken;
};

static json_t *yaml(const char *text)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_yaml *doc;
    json_t *tree;

    if (otl_yaml_load_text(text, strlen(text), NULL, &doc, &detail) != OTEL_OK)
        fail_msg("%s: %s", text, detail.text);
    tree = json_deep_copy(otl_yaml_root(doc));
    otl_yaml_free(doc);
    return tree;
}

static json_t *group_of(const char *context, const char *statements)
{
    return json_pack("{s:s, s:[{s:s, s:o}]}", "error_mode", "silent", "trace_statements",
                     "context", context, "statements", yaml(statements));
}

static void check_pair(const struct pair *pair, uint64_t seed)
{
    json_t *runs = group_of(pair->context, pair->runs);
    json_t *mistaken = group_of(pair->context, pair->mistaken);
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct sum sum = {0}, wrong = {0};
    struct oracle *oracle = tell("transform", runs, &detail);

    if (oracle == NULL)
        fail_msg("%s: %s", pair->runs, detail.text);
    forget(oracle);
    compare_on_random_spans("transform", runs, runs, seed, &sum);
    compare_on_random_spans("transform", runs, mistaken, seed, &wrong);
    if (sum.differences > 0)
        fail_msg("%s: %zu differences, the first: %s", pair->runs, sum.differences, sum.first);
    if (sum.guessed * 3 > sum.spans)
        fail_msg("%s: %zu of %zu spans are guessed", pair->runs, sum.guessed, sum.spans);
    if (wrong.differences == 0)
        fail_msg("%s: %s goes unnoticed", pair->runs, pair->mistaken);
    json_decref(runs);
    json_decref(mistaken);
}

static const struct pair pairs[] = {
    {"span", "['replace_pattern(name, \"/[0-9]+\", \"/{id}\")']",
     "['replace_pattern(name, \"/[0-9]\", \"/{id}\")']"},
    {"span", "['replace_pattern(attributes[\"url\"], \"(?P<w>[a-z]+)/([0-9])\", "
             "\"$2-${w}$$$1x${1}_\")']",
     "['replace_pattern(attributes[\"url\"], \"(?P<w>[a-z]+)/([0-9])\", \"$2-${w}$$$1${1}_\")']"},
    {"span", "['replace_pattern(attributes[\"url\"], \"a*\", \"<$0>\")']",
     "['replace_pattern(attributes[\"url\"], \"a+\", \"<$0>\")']"},
    {"span", "['replace_pattern(attributes[\"text\"], \"\", \"$01-$\")']",
     "['replace_pattern(attributes[\"text\"], \"$\", \"$01-$\")']"},
    {"span", "['replace_pattern(status.message, \"^b\", \"${x}b$9\")', "
             "'replace_pattern(kind.string, \"^Cli\", \"Cli\")']",
     "['replace_pattern(status.message, \"^b\", \"$x\")']"},
    {"span", "['replace_match(name, \"GET /*\", \"GET /{id}\")', "
             "'replace_match(attributes[\"url\"], \"*a*/?\", \"/a\")', "
             "'replace_match(status.message, \"*\", \"m\") where kind == 3']",
     "['replace_match(name, \"GET /*\", \"GET /{id}\")', 'replace_match(attributes[\"url\"], "
     "\"*a*/\", \"/a\")', 'replace_match(status.message, \"*\", \"m\") where kind == 3']"},
    {"span", "['replace_all_matches(attributes, \"*/*\", \"here\")']",
     "['replace_all_matches(attributes, \"*/\", \"here\")']"},
    {"resource", "['replace_all_matches(attributes, \"s*p\", \"live\")']",
     "['replace_all_matches(attributes, \"s*\", \"dead\")']"},
    {"span", "['delete_key(attributes, \"n\") where not IsMap(attributes[\"n\"]) and not "
             "IsList(name)']", "['delete_key(attributes, \"n\") where IsMap(attributes[\"n\"])']"},
    {"span", "['replace_all_patterns(attributes, \"value\", \"[aeiou/]\", \"<$0>\")']",
     "['replace_all_patterns(attributes, \"value\", \"[aeiou]\", \"<$0>\")']"},
    {"span", "['replace_all_patterns(attributes, \"key\", \"^[a-m]\", \"n\")', "
             "'replace_all_patterns(attributes, \"key\", \"[rl]+\", \"$0x\")']",
     "['replace_all_patterns(attributes, \"key\", \"^[a-k]\", \"n\")', "
     "'replace_all_patterns(attributes, \"key\", \"[rl]+\", \"$0x\")']"},
    {"span", "['set(attributes[\"c\"], Concat([name, attributes[\"n\"], attributes[\"b\"], "
             "attributes[\"none\"], kind, \"é\"], \", \"))']",
     "['set(attributes[\"c\"], Concat([name, attributes[\"n\"], attributes[\"b\"], "
     "attributes[\"none\"], kind, \"é\"], \",\"))']"},
    {"span", "['set(attributes[\"c\"], Concat([attributes[\"r\"], resource.attributes[\"r\"], "
             "span_id.string], \"\"))']",
     "['set(attributes[\"c\"], Concat([attributes[\"r\"], resource.attributes[\"r\"]], \"\"))']"},
    {"span", "['set(attributes[\"h\"], SHA256(name))', 'set(name, SHA256(attributes[\"n\"]))', "
             "'set(attributes[\"i\"], SHA256(attributes[\"url\"])) where IsString(attributes["
             "\"url\"])']",
     "['set(attributes[\"h\"], SHA256(trace_state))']"},
    {"span", "['set(attributes[\"c\"], Int(attributes[\"n\"]) - 7 * (kind + -2) / 2)', "
             "'set(attributes[\"d\"], Double(attributes[\"text\"]) / -attributes[\"r\"])']",
     "['set(attributes[\"c\"], Int(attributes[\"n\"]) - 7 * ((kind + -2) / 2))', "
     "'set(attributes[\"d\"], Double(attributes[\"text\"]) / -attributes[\"r\"])']"},
    {"span", "['set(attributes[\"c\"], Double(attributes[\"text\"]) / -attributes[\"r\"])', "
             "'set(attributes[\"d\"], Int(attributes[\"list\"]))', "
             "'set(attributes[\"e\"], Int(attributes[\"text\"]) + Int(attributes[\"b\"]))']",
     "['set(attributes[\"c\"], Double(attributes[\"text\"]) / attributes[\"r\"])', "
     "'set(attributes[\"e\"], Int(attributes[\"text\"]) + Int(attributes[\"b\"]))']"},
    {"span", "['set(name, \"long\") where ((end_time_unix_nano - start_time_unix_nano) / 2 > 20)', "
             "'set(name, \"odd\") where not (attributes[\"n\"] - attributes[\"n\"] / 2 * 2 == 0)', "
             "'set(name, \"more\") where Int(attributes[\"r\"]) >= 1 or "
             "IsInt(Int(attributes[\"n\"]))']",
     "['set(name, \"long\") where ((end_time_unix_nano - start_time_unix_nano) / 2 > 21)', "
     "'set(name, \"odd\") where not (attributes[\"n\"] - attributes[\"n\"] / 2 * 2 == 0)', "
     "'set(name, \"more\") where Int(attributes[\"r\"]) >= 1 or IsInt(Int(attributes[\"n\"]))']"},
    {"spanevent",
     "['set(attributes[\"after\"], (time_unix_nano - span.start_time_unix_nano) * 2)']",
     "['set(attributes[\"after\"], (time_unix_nano - span.end_time_unix_nano) * 2)']"},
    {"span", "['truncate_all(attributes, 3)']", "['truncate_all(attributes, 4)']"},
    {"span", "['truncate_all(resource.attributes, 0)', 'truncate_all(attributes, 5) where "
             "name == \"SELECT\"']",
     "['truncate_all(resource.attributes, 1)']"},
    {"span", "['limit(attributes, 3, [\"url\", \"r\"])']",
     "['limit(attributes, 3, [\"url\"])']"},
    {"span", "['limit(attributes, 1, [\"url\", \"n\", \"r\"])']",
     "['limit(attributes, 2, [\"url\", \"n\", \"r\", \"text\"])']"},
    {"span", "['limit(attributes, 2, [])']", "['limit(attributes, 3, [])']"},
    {"span", "['merge_maps(attributes, resource.attributes, \"insert\")']",
     "['merge_maps(attributes, resource.attributes, \"upsert\")']"},
    {"span", "['merge_maps(attributes, resource.attributes, \"update\")']",
     "['merge_maps(attributes, resource.attributes, \"insert\")']"},
    {"span", "['merge_maps(attributes, scope.attributes, \"upsert\")']",
     "['merge_maps(attributes, scope.attributes, \"update\")']"},
    {"span", "['keep_keys(attributes, [\"n\", \"url\"])']", "['keep_keys(attributes, [\"n\"])']"},
    {"span", "['keep_keys(attributes, [])']", "['keep_keys(attributes, [\"b\"])']"},
    {"span", "['keep_matching_keys(attributes, \"^[nu]\")']",
     "['keep_matching_keys(attributes, \"^[n]\")']"},
    {"span", "['delete_matching_keys(attributes, \"r|l\")']",
     "['delete_matching_keys(attributes, \"r$|l$\")', 'delete_key(attributes, \"r\")']"},
    {"span", "['delete_key(attributes, \"n\") where attributes[\"n\"] > 40']",
     "['delete_key(attributes, \"n\") where attributes[\"n\"] > 50']"},
    {"span", "['set(kind.string, \"Server\") where kind.string == \"Client\"', 'set(kind, 9) "
             "where kind == SPAN_KIND_INTERNAL', 'set(attributes[\"k\"], kind.string)']",
     "['set(kind.string, \"Server\") where kind.string == \"Client\"', 'set(attributes[\"k\"], "
     "kind.string)']"},
    {"span", "['set(end_time, start_time) where end_time > start_time and kind == 3', "
             "'set(start_time_unix_nano, 5) where start_time <= end_time', 'set(end_time, 7)']",
     "['set(end_time, start_time) where kind == 3']"},
    {"span", "['set(attributes[\"t\"], end_time)', 'set(attributes[\"n\"], span_id)', "
             "'set(attributes[\"d\"], dropped_events_count)']",
     "['set(attributes[\"t\"], end_time_unix_nano)', 'set(attributes[\"d\"], "
     "dropped_events_count)']"},
    {"span", "['set(parent_span_id, span_id) where trace_id == TraceID(0x"
             "00000000000000000000000000000002)', 'set(span_id.string, \"00000000000000aB\") "
             "where parent_span_id == SpanID(0x0000000000000000)', 'set(span_id.string, \"x\")', "
             "'set(parent_span_id, trace_id)']",
     "['set(span_id.string, \"00000000000000aB\") where parent_span_id == "
     "SpanID(0x0000000000000000)']"},
    {"span", "['set(status.code, STATUS_CODE_OK) where status.code != STATUS_CODE_ERROR', "
             "'set(status.message, name)', 'set(trace_state, Concat([trace_state, \"a=b\"], "
             "\",\"))', 'set(dropped_attributes_count, 3)', 'set(dropped_links_count, 4) where "
             "dropped_links_count == 0']",
     "['set(status.code, STATUS_CODE_OK)', 'set(status.message, name)', 'set(trace_state, "
     "Concat([trace_state, \"a=b\"], \",\"))', 'set(dropped_attributes_count, 3)', "
     "'set(dropped_links_count, 4) where dropped_links_count == 0']"},
    {"span", "['set(attributes[\"lib\"], scope.name) where instrumentation_scope.version == "
             "\"1.0\" or scope.attributes[\"kind\"] == \"db\"']",
     "['set(attributes[\"lib\"], scope.name) where scope.version == \"1.0\"']"},
    {"span", "['set(attributes[\"m\"], true) where IsMatch(attributes[\"r\"], \"^[0-9]\") or "
             "not HasPrefix(name, \"G\")', 'set(attributes[\"k\"], 1) where HasPrefix("
             "trace_id.string, \"01\") or HasSuffix(attributes[\"n\"], \"1\")']",
     "['set(attributes[\"m\"], true) where not HasPrefix(name, \"G\")']"},
    {"scope", "['set(version, name) where name != \"\"', 'set(attributes[\"svc\"], "
              "resource.attributes[\"service.name\"])', 'truncate_all(attributes, 2)', "
              "'replace_pattern(name, \"a|b\", \"$0$0\")']",
     "['set(version, name) where name != \"\"', 'set(attributes[\"svc\"], "
     "resource.attributes[\"service.name\"])', 'replace_pattern(name, \"a|b\", \"$0$0\")']"},
    {"resource", "['limit(attributes, 2, [\"env\"])', 'replace_pattern(attributes["
                 "\"service.name\"], \"o\", \"0\")', 'set(attributes[\"x\"], "
                 "Concat([attributes[\"env\"], attributes[\"service.name\"]], \"-\"))']",
     "['limit(attributes, 2, [])', 'replace_pattern(attributes[\"service.name\"], \"o\", "
     "\"0\")', 'set(attributes[\"x\"], Concat([attributes[\"env\"], "
     "attributes[\"service.name\"]], \"-\"))']"},
    {"spanevent", "['truncate_all(attributes, 2)', 'set(name, Concat([name, "
                  "attributes[\"n\"]], \"#\")) where attributes[\"n\"] != nil', "
                  "'delete_key(attributes, \"type\") where span.kind == 3']",
     "['truncate_all(attributes, 2)', 'set(name, Concat([name, attributes[\"n\"]], \"#\")) "
     "where attributes[\"n\"] != nil']"},
    {"spanevent", "['set(span.attributes[\"events\"], Concat([span.attributes[\"events\"], "
                  "name], \"+\"))', 'merge_maps(attributes, span.attributes, \"insert\") where "
                  "name == \"retry\"', 'set(time, span.start_time) where time_unix_nano > "
                  "30', 'set(dropped_attributes_count, 2)']",
     "['set(span.attributes[\"events\"], Concat([name, span.attributes[\"events\"]], \"+\"))', "
     "'merge_maps(attributes, span.attributes, \"insert\") where name == \"retry\"', "
     "'set(dropped_attributes_count, 2)']"},
    {"spanevent", "['limit(attributes, 1, [])', 'keep_keys(span.attributes, [\"n\"]) where "
                  "name == \"exception\"']",
     "['limit(attributes, 1, [])', 'keep_keys(span.attributes, [\"n\"])']"},
};

static void each_function_is_foretold(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        check_pair(&pairs[i], i + 7);
}

/* ---- filters ---- */

static void each_filter_is_foretold(void **state)
{
    static const struct {
        const char *runs, *mistaken;
    } cases[] = {
        {"{traces: {resource: ['attributes[\"env\"] == \"prod\"'], span: ['kind == 3']}}",
         "{traces: {resource: ['attributes[\"env\"] == \"test\"'], span: ['kind == 3']}}"},
        {"{traces: {span: ['scope.name == \"lib.a\" and end_time > start_time', "
         "'dropped_links_count == 1']}}",
         "{traces: {span: ['end_time > start_time', 'dropped_links_count == 1']}}"},
        {"{traces: {spanevent: ['name == \"retry\" and span.kind != 3', 'attributes[\"n\"] > 1']}}",
         "{traces: {spanevent: ['name == \"retry\"', 'attributes[\"n\"] > 1']}}"},
        {"{trace_conditions: ['span.kind == 2', 'resource.attributes[\"env\"] == nil']}",
         "{trace_conditions: ['span.kind == 2', 'resource.attributes[\"env\"] != nil']}"},
        {"{trace_conditions: ['span.kind == 2', 'spanevent.name == \"retry\"']}",
         "{trace_conditions: [{context: span, conditions: ['kind == 2']}, "
         "{context: spanevent, conditions: ['name == \"retry\"']}]}"},
        {"{trace_conditions: [{context: scope, conditions: ['name == \"lib.b\"']}, {conditions: "
         "['spanevent.attributes[\"n\"] > 9']}, {context: resource, conditions: "
         "['IsMatch(attributes[\"service.name\"], \"^p\")']}]}",
         "{trace_conditions: [{context: scope, conditions: ['name == \"lib.b\"']}, {context: "
         "resource, conditions: ['IsMatch(attributes[\"service.name\"], \"^p\")']}]}"},
        {"{spans: {include: {match_type: strict, services: [shop]}, exclude: {match_type: regexp, "
         "span_names: ['^G']}}}",
         "{spans: {include: {match_type: strict, services: [shop]}}}"},
        {"{spans: {include: {match_type: strict, libraries: [{name: lib.a, version: '1.0'}]}}}",
         "{spans: {include: {match_type: strict, libraries: [{name: lib.a}]}}}"},
        {"{spans: {exclude: {match_type: regexp, libraries: [{name: '^lib'}, {name: 'a$'}]}}}",
         "{spans: {exclude: {match_type: regexp, libraries: [{name: '^lib'}]}}}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *runs = yaml(cases[i].runs), *mistaken = yaml(cases[i].mistaken);
        struct sum sum = {0}, wrong = {0};

        compare_on_random_spans("filter", runs, runs, i, &sum);
        compare_on_random_spans("filter", runs, mistaken, i, &wrong);
        if (sum.differences > 0)
            fail_msg("%s: %zu differences, the first: %s", cases[i].runs, sum.differences,
                     sum.first);
        assert_int_equal(sum.guessed, 0);
        if (wrong.differences == 0)
            fail_msg("%s: %s goes unnoticed", cases[i].runs, cases[i].mistaken);
        json_decref(runs);
        json_decref(mistaken);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_of_the_table_is_foretold),
        cmocka_unit_test(each_function_is_foretold),
        cmocka_unit_test(each_filter_is_foretold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
