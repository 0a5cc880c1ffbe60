/* SPDX-License-Identifier: Apache-2.0 */
/* From ledger records to rows. Records are counted first, so that every array has its size. */
#include <stdio.h>
#include <string.h>

#include "harness/verify/facts/facts.h"
#include "harness/verify/facts/ids.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

enum { TYPES = HX_LED_LOAD_CLOSE + 1, MAX_PROCESSES = 65536 };

static void *rows_of(uint64_t count, size_t size)
{
    return otl_mem_zalloc((count > 0 ? (size_t)count : 1) * size);
}

static enum otel_err make_room(struct hx_facts *facts, const uint64_t count[TYPES])
{
    uint64_t spans = count[HX_LED_SPAN];

    for (int i = 0; i < TYPES; i++) {
        if (count[i] >= HX_NONE)
            return OTEL_ERR_LIMIT;
    }
    facts->spans = rows_of(spans, sizeof *facts->spans);
    facts->entries = rows_of(count[HX_LED_ENTRY], sizeof *facts->entries);
    facts->sends = rows_of(count[HX_LED_SEND], sizeof *facts->sends);
    facts->loads = rows_of(count[HX_LED_LOAD], sizeof *facts->loads);
    facts->baggage = rows_of(count[HX_LED_BAGGAGE], sizeof *facts->baggage);
    if (facts->spans == NULL || facts->entries == NULL || facts->sends == NULL ||
        facts->loads == NULL || facts->baggage == NULL)
        return OTEL_ERR_MEMORY;
    if (hx_table_init(&facts->span_by_seq, (size_t)spans) != OTEL_OK ||
        hx_table_init(&facts->span_by_ids, (size_t)spans) != OTEL_OK ||
        hx_table_init(&facts->entry_by_seq, (size_t)count[HX_LED_ENTRY]) != OTEL_OK ||
        hx_table_init(&facts->send_by_seq, (size_t)count[HX_LED_SEND]) != OTEL_OK ||
        hx_table_init(&facts->load_by_request, (size_t)count[HX_LED_LOAD]) != OTEL_OK)
        return OTEL_ERR_MEMORY;
    return OTEL_OK;
}

/* ---- processes ------------------------------------------------------------------------------ */

/* A copy that can stand in a report, whatever a damaged ledger holds. */
static char *readable(struct otl_view text)
{
    char *copy = otl_mem_strndup(text.len > 0 ? text.data : "", text.len);

    for (size_t i = 0; copy != NULL && !otl_utf8_valid(copy, strlen(copy)); i++)
        copy[i] = copy[i] < ' ' || copy[i] > '~' ? '?' : copy[i];
    return copy;
}

static enum otel_err process_of(struct hx_facts *facts, const struct hx_led_file *file,
                                uint32_t *ret)
{
    const struct hx_led_header *header = file->segment.header;
    struct hx_fact_process *p;
    size_t n = facts->process_count;

    /* rows of one writer follow each other: look at the newest first */
    for (size_t i = n; i > 0; i--) {
        if (facts->processes[i - 1].number == header->process) {
            *ret = (uint32_t)(i - 1);
            return OTEL_OK;
        }
    }
    if (n == MAX_PROCESSES)
        return OTEL_ERR_LIMIT;
    if (n == facts->process_cap) {
        size_t cap = n > 0 ? n * 2 : 16;
        void *grown = otl_mem_realloc(facts->processes, cap * sizeof *facts->processes);

        if (grown == NULL)
            return OTEL_ERR_MEMORY;
        facts->processes = grown;
        facts->process_cap = cap;
    }
    p = &facts->processes[n];
    memset(p, 0, sizeof *p);
    p->number = header->process;
    p->wall_offset_ns = (int64_t)(header->wall_ns - header->mono_ns);
    p->instance = readable(otl_view(file->name, file->instance_len));
    if (p->instance == NULL)
        return OTEL_ERR_MEMORY;
    facts->process_count++;
    *ret = (uint32_t)n;
    return OTEL_OK;
}

static bool parse_rule(const char *name, enum hx_ratio_rule *ret)
{
    static const char *const names[HX_RULES] = {
        [HX_RULE_GO] = "traceidratio",           [HX_RULE_JAVA] = "traceidratio_java",
        [HX_RULE_DOTNET] = "traceidratio_dotnet", [HX_RULE_CPP] = "traceidratio_cpp",
        [HX_RULE_JS] = "traceidratio_js",        [HX_RULE_PROBABILITY] = "probability"};

    for (int i = 0; i < HX_RULES; i++) {
        if (strcmp(name, names[i]) != 0)
            continue;
        *ret = (enum hx_ratio_rule)i;
        return true;
    }
    return false;
}

/* "parentbased_traceidratio 0.05" */
static void parse_sampler(struct hx_fact_process *p)
{
    static const char prefix[] = "parentbased_";
    char word[64];
    const char *name = word, *blank = strchr(p->sampler, ' ');
    size_t len = blank != NULL ? (size_t)(blank - p->sampler) : strlen(p->sampler);

    if (len >= sizeof word)
        return;
    memcpy(word, p->sampler, len);
    word[len] = '\0';
    p->parent_based = strncmp(word, prefix, sizeof prefix - 1) == 0;
    if (p->parent_based)
        name += sizeof prefix - 1;
    if (strcmp(name, "always_on") == 0)
        p->root = HX_ROOT_ON;
    else if (strcmp(name, "always_off") == 0)
        p->root = HX_ROOT_OFF;
    else if (blank != NULL && parse_rule(name, &p->rule) &&
             otl_parse_double(blank + 1, 0.0, 1.0, &p->ratio) == OTEL_OK)
        p->root = HX_ROOT_RATIO;
}

static enum otel_err open_process(struct hx_facts *facts, struct hx_fact_process *p,
                                  const struct hx_led_process *row)
{
    struct otl_view sampler = hx_led_view(&row->head, row->sampler);
    struct otl_view instance = hx_led_view(&row->head, row->instance);

    if (p->open != NULL) {
        facts->dangling++;
        return OTEL_OK;
    }
    p->open = row;
    if (row->service < facts->scenario->service_count)
        p->service = &facts->scenario->services[row->service];
    if (instance.len > 0) {
        otl_mem_free(p->instance);
        p->instance = readable(instance);
    }
    p->sampler = readable(sampler);
    if (p->sampler == NULL || p->instance == NULL)
        return OTEL_ERR_MEMORY;
    parse_sampler(p);
    return OTEL_OK;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void add_span(struct hx_facts *facts, uint32_t process, const struct hx_led_span *row)
{
    uint32_t n = (uint32_t)facts->span_count++;
    struct hx_fact_span *span = &facts->spans[n];

    span->open = row;
    span->process = process;
    span->trace = span->next_in_trace = span->entry = HX_NONE;
    span->parent = span->received = HX_NONE;
    if (hx_table_put(&facts->span_by_seq, row->head.seq, n) != n)
        facts->dangling++;
    if (hx_table_put(&facts->span_by_ids, hx_span_key(row->span_id), n) != n)
        facts->same_ids++;
}

static void add_entry(struct hx_facts *facts, uint32_t process, const struct hx_led_entry *row)
{
    uint32_t n = (uint32_t)facts->entry_count++;
    struct hx_fact_entry *entry = &facts->entries[n];

    entry->open = row;
    entry->process = process;
    entry->span = entry->send = entry->load = entry->baggage = entry->first = HX_NONE;
    if (hx_table_put(&facts->entry_by_seq, row->head.seq, n) != n)
        facts->dangling++;
}

static void add_send(struct hx_facts *facts, uint32_t process, const struct hx_led_send *row)
{
    uint32_t n = (uint32_t)facts->send_count++;
    struct hx_fact_send *send = &facts->sends[n];
    uint32_t entry = hx_table_get(&facts->entry_by_seq, row->entry_seq);

    send->open = row;
    send->process = process;
    send->span = HX_NONE;
    send->entry = entry;
    send->baggage = entry != HX_NONE ? facts->entries[entry].baggage : HX_NONE;
    if (hx_table_put(&facts->send_by_seq, row->head.seq, n) != n)
        facts->dangling++;
}

static void add_load(struct hx_facts *facts, const struct hx_led_load *row)
{
    uint32_t n = (uint32_t)facts->load_count++;
    struct hx_fact_load *load = &facts->loads[n];

    load->open = row;
    load->entry = HX_NONE;
    if (hx_table_put(&facts->load_by_request, row->request, n) != n)
        facts->dangling++;
}

static void add_baggage(struct hx_facts *facts, const struct hx_led_baggage *row)
{
    uint32_t entry = hx_table_get(&facts->entry_by_seq, row->head.seq);
    uint32_t n = (uint32_t)facts->baggage_count++;
    struct hx_fact_baggage *baggage = &facts->baggage[n];

    baggage->row = row;
    baggage->entry = entry;
    baggage->before = HX_NONE;
    if (entry == HX_NONE) {
        facts->dangling++;
        return;
    }
    baggage->before = facts->entries[entry].baggage;
    facts->entries[entry].baggage = n;
}

/* Closing rows find the row that they close by its seq. Load rows are keyed by request, their
 * seq is the load client's own: they come in the order of the seqs that it gave out. */
static void close_row(struct hx_facts *facts, const struct hx_led_record *record,
                      const struct hx_table *load_by_seq)
{
    const struct hx_table *table = record->type == HX_LED_SPAN_CLOSE    ? &facts->span_by_seq
                                   : record->type == HX_LED_ENTRY_CLOSE ? &facts->entry_by_seq
                                   : record->type == HX_LED_SEND_CLOSE  ? &facts->send_by_seq
                                                                        : load_by_seq;
    uint32_t n = hx_table_get(table, record->seq);
    const void *row = record;

    if (n == HX_NONE)
        facts->dangling++;
    else if (record->type == HX_LED_SPAN_CLOSE)
        facts->spans[n].close = row;
    else if (record->type == HX_LED_ENTRY_CLOSE)
        facts->entries[n].close = row;
    else if (record->type == HX_LED_SEND_CLOSE)
        facts->sends[n].close = row;
    else
        facts->loads[n].close = row;
}

static enum otel_err add_record(struct hx_facts *facts, const struct hx_led_record *record,
                                uint32_t process, struct hx_table *load_by_seq)
{
    const void *row = record;

    switch ((enum hx_led_type)record->type) {
    case HX_LED_PROCESS:
        return open_process(facts, &facts->processes[process], row);
    case HX_LED_PROCESS_CLOSE:
        facts->processes[process].close = row;
        break;
    case HX_LED_ENTRY:
        add_entry(facts, process, row);
        break;
    case HX_LED_SPAN:
        if (!hx_facts_untraced(facts, process))
            add_span(facts, process, row);
        break;
    case HX_LED_SEND:
        add_send(facts, process, row);
        break;
    case HX_LED_BAGGAGE:
        add_baggage(facts, row);
        break;
    case HX_LED_LOAD:
        if (hx_table_put(load_by_seq, record->seq, (uint32_t)facts->load_count) == HX_NONE)
            return OTEL_ERR_LIMIT;
        add_load(facts, row);
        break;
    case HX_LED_SPAN_CLOSE:
        if (hx_facts_untraced(facts, process))
            break;
        /* fall through */
    case HX_LED_ENTRY_CLOSE:
    case HX_LED_SEND_CLOSE:
    case HX_LED_LOAD_CLOSE:
        close_row(facts, record, load_by_seq);
        break;
    }
    return OTEL_OK;
}

enum otel_err hx_facts_read_ledger(struct hx_facts *facts, const char *dir,
                                   struct otl_detail *reterr)
{
    const struct hx_led_record *record;
    const struct hx_led_file *file, *last = NULL;
    struct hx_table load_by_seq = {0};
    uint64_t count[TYPES] = {0};
    uint32_t process = HX_NONE;
    char path[4096];
    enum otel_err err;

    snprintf(path, sizeof path, "%s/ledger", dir);
    err = hx_led_reader_open(path, &facts->ledger, reterr);
    if (err != OTEL_OK)
        return err;
    while ((record = hx_led_reader_next(facts->ledger, &file)) != NULL)
        count[record->type]++;
    hx_led_reader_rewind(facts->ledger);
    err = make_room(facts, count);
    if (err == OTEL_OK)
        err = hx_table_init(&load_by_seq, (size_t)count[HX_LED_LOAD]);
    while (err == OTEL_OK && (record = hx_led_reader_next(facts->ledger, &file)) != NULL) {
        if (file != last)
            err = process_of(facts, file, &process);
        last = file;
        if (err == OTEL_OK)
            err = add_record(facts, record, process, &load_by_seq);
    }
    hx_table_fini(&load_by_seq);
    return err;
}
