/* SPDX-License-Identifier: Apache-2.0 */
/* Baggage: what is read is what was set upstream, and the headers between carry it. */
#include <string.h>

#include "harness/verify/facts/context.h"
#include "harness/verify/judge/judge.h"

enum { HOPS = 64, SHOWN = 80 };

struct value {
    bool found;
    bool unknown; /* a ledger row on the way up is missing */
    const char *data;
    size_t len;
};

struct bearer { /* where a look-up stands */
    uint32_t entry;
    uint32_t row; /* newest baggage row of that entry that counts */
};

static const struct hx_service *service_of(const struct hx_facts *facts, uint32_t entry)
{
    return facts->processes[facts->entries[entry].process].service;
}

/* Does the scenario want this send to carry baggage? */
static bool carries(const struct hx_judgement *j, const struct hx_fact_send *send)
{
    const struct hx_service *service;
    uint32_t op;

    if (send->entry == HX_NONE)
        return false;
    service = service_of(j->facts, send->entry);
    if (service == NULL || !service->tracing.propagate_baggage)
        return false;
    op = send->span != HX_NONE ? j->facts->spans[send->span].open->op : HX_NONE;
    if (op < j->scenario->operation_count && j->scenario->operations[op].step != NULL)
        return j->scenario->operations[op].step->inject;
    return true;
}

/* One hop up; false at the end of the way. */
static bool go_up(const struct hx_judgement *j, struct bearer *at)
{
    uint32_t send = j->facts->entries[at->entry].send;
    const struct hx_service *service = service_of(j->facts, at->entry);

    if (send == HX_NONE || !carries(j, &j->facts->sends[send]) || service == NULL ||
        !service->tracing.propagate_baggage)
        return false;
    *at = (struct bearer){j->facts->sends[send].entry, j->facts->sends[send].baggage};
    return true;
}

static bool set_here(const struct hx_facts *facts, uint32_t row, struct otl_view name,
                     struct otl_view *ret)
{
    for (; row != HX_NONE; row = facts->baggage[row].before) {
        const struct hx_led_baggage *b = facts->baggage[row].row;

        if (b->what != HX_LED_BAGGAGE_SET || !otl_view_equal(hx_led_view(&b->head, b->name), name))
            continue;
        *ret = hx_led_view(&b->head, b->value);
        return true;
    }
    return false;
}

/* The row of who called this entry, or of where that one was called, is missing. */
static bool cut_off(const struct hx_facts *facts, const struct hx_fact_entry *entry)
{
    if (entry->open->caller_seq == 0)
        return false;
    return entry->send == HX_NONE || facts->sends[entry->send].entry == HX_NONE;
}

/* What the ledgers upstream say; the load client's own baggage header is the last source. */
static struct value effective(const struct hx_judgement *j, struct bearer at, struct otl_view name,
                              char *buffer)
{
    const struct hx_facts *facts = j->facts;
    struct value value = {false, false, NULL, 0};
    struct otl_view view;

    for (int hops = 0; hops < HOPS; hops++) {
        if (set_here(facts, at.row, name, &view))
            return (struct value){true, false, view.data, view.len};
        if (!go_up(j, &at))
            break;
    }
    if (facts->entries[at.entry].load != HX_NONE) {
        const struct hx_led_entry *open = facts->entries[at.entry].open;

        value.found = hx_baggage_find(hx_led_view(&open->head, open->baggage), name, buffer,
                                      &value.len);
        value.data = buffer;
    }
    value.unknown = cut_off(facts, &facts->entries[at.entry]);
    return value;
}

static bool same(struct value a, struct otl_view b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static int shown(size_t len)
{
    return (int)(len < SHOWN ? len : SHOWN);
}

/* ---- reads ---------------------------------------------------------------------------------- */

static void judge_read(struct hx_judgement *j, const struct hx_fact_baggage *b, char *buffer)
{
    struct otl_view name = hx_led_view(&b->row->head, b->row->name);
    struct otl_view got = hx_led_view(&b->row->head, b->row->value);
    struct value expected = effective(j, (struct bearer){b->entry, b->before}, name, buffer);
    struct hx_where where = {.request = b->row->request,
                             .service = hx_facts_service(j->facts,
                                                         j->facts->entries[b->entry].process)};

    if (expected.unknown && j->scenario->claims.allow_unknown)
        return;
    if (expected.unknown) {
        hx_unknown(&j->checks, HX_CHECK_BAGGAGE, 1, "a ledger row upstream of %s is missing",
                   where.service);
        return;
    }
    hx_judged(&j->checks, HX_CHECK_BAGGAGE, 1);
    if (expected.found == (b->row->found != 0) && (!expected.found || same(expected, got)))
        return;
    if (!expected.found)
        hx_fail(&j->checks, HX_CHECK_BAGGAGE, &where, "read %.*s = '%.*s', which nobody set",
                shown(name.len), name.data, shown(got.len), got.len > 0 ? got.data : "");
    else if (b->row->found == 0)
        hx_fail(&j->checks, HX_CHECK_BAGGAGE, &where, "%.*s was set to '%.*s' and is not there",
                shown(name.len), name.data, shown(expected.len), expected.data);
    else
        hx_fail(&j->checks, HX_CHECK_BAGGAGE, &where, "%.*s was set to '%.*s' and read as '%.*s'",
                shown(name.len), name.data, shown(expected.len), expected.data, shown(got.len),
                got.data);
}

/* ---- headers -------------------------------------------------------------------------------- */

static void judge_name_in_header(struct hx_judgement *j, const struct hx_fact_send *send,
                                 struct otl_view name, char *buffers[2])
{
    const struct hx_led_send *open = send->open;
    struct value expected = effective(j, (struct bearer){send->entry, send->baggage}, name,
                                      buffers[0]);
    struct value got = {.data = buffers[1]};
    struct hx_where where = {.request = open->request};

    if (send->span != HX_NONE)
        where.span = send->span + 1;
    hx_judged(&j->checks, HX_CHECK_BAGGAGE, 1);
    got.found = hx_baggage_find(hx_led_view(&open->head, open->baggage), name, buffers[1],
                                &got.len);
    if (!got.found)
        hx_fail(&j->checks, HX_CHECK_BAGGAGE, &where, "%.*s is not in the header that was sent",
                shown(name.len), name.data);
    else if (!same(expected, otl_view(got.data, got.len)))
        hx_fail(&j->checks, HX_CHECK_BAGGAGE, &where, "%.*s was sent as '%.*s', set to '%.*s'",
                shown(name.len), name.data, shown(got.len), got.data, shown(expected.len),
                expected.data);
}

/* Every name that was set on the way down to this send. */
static void judge_send(struct hx_judgement *j, const struct hx_fact_send *send, char *buffers[2])
{
    const struct hx_facts *facts = j->facts;
    struct bearer at = {send->entry, send->baggage};

    if (!carries(j, send))
        return;
    for (int hops = 0; hops < HOPS; hops++) {
        for (uint32_t row = at.row; row != HX_NONE; row = facts->baggage[row].before) {
            const struct hx_led_baggage *b = facts->baggage[row].row;

            if (b->what == HX_LED_BAGGAGE_SET)
                judge_name_in_header(j, send, hx_led_view(&b->head, b->name), buffers);
        }
        if (!go_up(j, &at))
            return;
    }
}

static void judge_arrival(struct hx_judgement *j, const struct hx_fact_entry *entry)
{
    const struct hx_led_send *send;
    struct otl_view sent, got;

    if (entry->send == HX_NONE)
        return;
    send = j->facts->sends[entry->send].open;
    sent = hx_led_view(&send->head, send->baggage);
    got = hx_led_view(&entry->open->head, entry->open->baggage);
    if (sent.len == 0 && got.len == 0)
        return;
    hx_judged(&j->checks, HX_CHECK_BAGGAGE, 1);
    if (!otl_view_equal(sent, got))
        hx_fail(&j->checks, HX_CHECK_BAGGAGE,
                &(struct hx_where){.request = entry->open->request,
                                   .service = hx_facts_service(j->facts, entry->process)},
                "sent as '%.*s', arrived as '%.*s'", shown(sent.len),
                sent.len > 0 ? sent.data : "", shown(got.len), got.len > 0 ? got.data : "");
}

void hx_judge_baggage(struct hx_judgement *j)
{
    char first[HX_BAGGAGE_VALUE_MAX], second[HX_BAGGAGE_VALUE_MAX];
    char *buffers[2] = {first, second};
    const struct hx_facts *facts = j->facts;

    for (size_t i = 0; i < facts->entry_count; i++)
        judge_arrival(j, &facts->entries[i]);
    if (facts->baggage_count == 0)
        return;
    for (size_t i = 0; i < facts->baggage_count; i++) {
        const struct hx_fact_baggage *b = &facts->baggage[i];

        if (b->row->what == HX_LED_BAGGAGE_READ && b->entry != HX_NONE)
            judge_read(j, b, first);
    }
    for (size_t i = 0; i < facts->send_count; i++)
        judge_send(j, &facts->sends[i], buffers);
}
