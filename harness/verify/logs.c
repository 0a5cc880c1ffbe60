/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/logs.h"

#include <stdio.h>
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/base/text.h"

enum { LINE_MAX_BYTES = 64 * 1024, PATH_MAX_BYTES = 4096 };

struct counts {
    uint64_t lines, received, not_sampled, not_received, untraced, unknown;
};

/* The ledger's span that a line names, if it is of the line's request and instance and has its
 * flags; else NULL. */
static const struct hx_fact_span *span_of(const struct hx_facts *facts, uint32_t process,
                                          const json_t *line)
{
    const char *trace = json_string_value(json_object_get(line, "trace_id"));
    const char *id = json_string_value(json_object_get(line, "span_id"));
    const char *flags = json_string_value(json_object_get(line, "trace_flags"));
    const struct hx_fact_span *span;
    uint8_t trace_id[16], span_id[8], bits;
    uint32_t row;

    if (trace == NULL || id == NULL || flags == NULL || strlen(trace) != 32 || strlen(id) != 16 ||
        strlen(flags) != 2 || !otl_unhex(trace, 16, trace_id) || !otl_unhex(id, 8, span_id) ||
        !otl_unhex(flags, 1, &bits))
        return NULL;
    row = hx_facts_span_by_ids(facts, trace_id, span_id);
    if (row == HX_NONE)
        return NULL;
    span = &facts->spans[row];
    if (span->open->trace_flags != bits ||
        (json_int_t)span->open->request != json_integer_value(json_object_get(line, "request")) ||
        strcmp(facts->processes[span->process].instance, facts->processes[process].instance) != 0)
        return NULL;
    return span;
}

static void count_line(const struct hx_facts *facts, uint32_t process, const json_t *line,
                       struct counts *counts)
{
    const struct hx_fact_span *span;

    if (json_object_get(line, "request") == NULL)
        return;
    counts->lines++;
    if (json_object_get(line, "trace_id") == NULL && json_object_get(line, "span_id") == NULL) {
        counts->untraced++;
        return;
    }
    span = span_of(facts, process, line);
    if (span == NULL)
        counts->unknown++;
    else if (span->received != HX_NONE)
        counts->received++;
    else if ((span->open->trace_flags & 1) == 0)
        counts->not_sampled++;
    else
        counts->not_received++;
}

static void count_file(const struct hx_judgement *j, uint32_t process, char *text,
                       struct counts *counts)
{
    char path[PATH_MAX_BYTES];
    FILE *file;

    snprintf(path, sizeof path, "%s/logs/%s.log", j->dir, j->facts->processes[process].instance);
    file = fopen(path, "re");
    if (file == NULL)
        return;
    while (fgets(text, LINE_MAX_BYTES, file) != NULL) {
        json_t *line = json_loads(text, 0, NULL);
        count_line(j->facts, process, line, counts);
        json_decref(line);
    }
    fclose(file);
}

/* Incarnations of an instance share one file. */
static bool is_first(const struct hx_facts *facts, uint32_t process)
{
    if (facts->processes[process].instance == NULL)
        return false;
    for (uint32_t i = 0; i < process; i++)
        if (facts->processes[i].instance != NULL &&
            strcmp(facts->processes[i].instance, facts->processes[process].instance) == 0)
            return false;
    return true;
}

json_t *hx_logs_json(const struct hx_judgement *j)
{
    struct counts c = {0};
    char *text = otl_mem_alloc(LINE_MAX_BYTES);

    if (text == NULL)
        return NULL;
    for (uint32_t i = 0; i < j->facts->process_count; i++)
        if (is_first(j->facts, i))
            count_file(j, i, text, &c);
    otl_mem_free(text);
    if (c.lines == 0)
        return NULL;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "lines", (json_int_t)c.lines, "received",
                     (json_int_t)c.received, "not_sampled", (json_int_t)c.not_sampled,
                     "not_received", (json_int_t)c.not_received, "untraced",
                     (json_int_t)c.untraced, "unknown", (json_int_t)c.unknown);
}
