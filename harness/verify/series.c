/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/series.h"

#include <stdio.h>
#include <string.h>

#include "sdk/base/clock.h"
#include "sdk/base/mem.h"

enum { SECONDS_MAX = 3600, SLOTS_MAX = 256 };

struct slot { /* one replica of a service that consumes */
    const char *instance;
    unsigned service, replica;
    uint64_t longest_ns[SECONDS_MAX];
    uint64_t again[SECONDS_MAX];
    uint64_t handled[SECONDS_MAX];
};

struct grid {
    uint64_t zero_ns; /* the first request's intended instant */
    struct slot *slots;
    size_t slot_count;
    size_t seconds;
};

static uint64_t load_start(const struct hx_facts *facts)
{
    uint64_t first = UINT64_MAX;

    for (size_t i = 0; i < facts->load_count; i++)
        if (facts->loads[i].open->intended_mono_ns < first)
            first = facts->loads[i].open->intended_mono_ns;
    return first;
}

static struct slot *slot_of(struct grid *grid, const struct hx_fact_process *process)
{
    unsigned service = process->open->service, replica = process->open->replica;

    for (size_t i = 0; i < grid->slot_count; i++)
        if (grid->slots[i].service == service && grid->slots[i].replica == replica)
            return &grid->slots[i];
    if (grid->slot_count == SLOTS_MAX)
        return NULL;
    grid->slots[grid->slot_count].service = service;
    grid->slots[grid->slot_count].replica = replica;
    grid->slots[grid->slot_count].instance = process->instance;
    return &grid->slots[grid->slot_count++];
}

/* A message that was handled to its end after the load began. */
static bool counts(const struct hx_facts *facts, const struct hx_fact_entry *entry,
                   uint64_t zero_ns, size_t *ret_second)
{
    if (entry->open->kind != HX_LED_ENTRY_KAFKA || entry->close == NULL ||
        facts->processes[entry->process].open == NULL || entry->close->mono_ns < zero_ns)
        return false;
    *ret_second = (size_t)((entry->close->mono_ns - zero_ns) / OTL_NS_PER_S);
    return *ret_second < SECONDS_MAX;
}

static void fill(struct grid *grid, const struct hx_facts *facts)
{
    for (size_t i = 0; i < facts->entry_count; i++) {
        const struct hx_fact_entry *entry = &facts->entries[i];
        struct slot *slot;
        uint64_t took;
        size_t second;

        if (!counts(facts, entry, grid->zero_ns, &second))
            continue;
        slot = slot_of(grid, &facts->processes[entry->process]);
        if (slot == NULL)
            continue;
        took = entry->close->mono_ns - entry->open->mono_ns;
        if (took > slot->longest_ns[second])
            slot->longest_ns[second] = took;
        slot->handled[second]++;
        slot->again[second] += entry->again;
        if (second >= grid->seconds)
            grid->seconds = second + 1;
    }
}

/* The group in which it handles messages; NULL: several, or none. */
static const char *group_of(const struct hx_scenario *scenario, unsigned service)
{
    const struct hx_service *one = service < scenario->service_count ? &scenario->services[service]
                                                                     : NULL;

    return one != NULL && one->consumer_count == 1 ? one->consumers[0].group : NULL;
}

static json_t *new_series(const char *id, const char *title, const char *panel,
                          const char *panel_title, const char *unit)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:[]}", "id", id, "title", title, "panel", panel,
                     "panel_title", panel_title, "unit", unit, "points");
}

static int point(json_t *series, size_t second, double value)
{
    return json_array_append_new(json_object_get(series, "points"),
                                 json_pack("[f, f]", (double)second + 1, value));
}

static int add_slot(const struct grid *grid, const struct hx_scenario *scenario,
                    const struct slot *slot, bool again, json_t *list)
{
    char id[64];
    json_t *series;
    int bad;

    snprintf(id, sizeof id, "%s.%u.%u", again ? "redelivered" : "handler", slot->service,
             slot->replica);
    series = again ? new_series(id, slot->instance, "redelivered",
                                "Messages handled again, a second", "1/s")
                   : new_series(id, slot->instance, "handler", "Longest handling of a message",
                                "ns");
    bad = series == NULL ||
          json_object_set_new(series, "tags",
                              json_pack("{s:s, s:s*}", "instance", slot->instance, "group",
                                        group_of(scenario, slot->service))) != 0;
    for (size_t s = 0; !bad && s < grid->seconds; s++)
        if (slot->handled[s] > 0)
            bad |= point(series, s, again ? (double)slot->again[s] : (double)slot->longest_ns[s]);
    return json_array_append_new(list, series) | bad;
}

static bool handled_by(const struct hx_facts *facts, const struct hx_fact_entry *entry,
                       const char *group)
{
    const struct hx_service *service = facts->processes[entry->process].service;

    for (size_t i = 0; service != NULL && i < service->consumer_count; i++)
        if (service->consumers[i].op == entry->open->op)
            return strcmp(service->consumers[i].group, group) == 0;
    return false;
}

static json_t *staleness_series(const char *group, size_t nth, size_t groups)
{
    char id[32] = "staleness", title[128] = "oldest message handled";
    json_t *series;

    if (groups > 1) {
        snprintf(id, sizeof id, "staleness.%zu", nth);
        snprintf(title, sizeof title, "%.100s", group);
    }
    series = new_series(id, title, "staleness", "From published to handled, the oldest", "ns");
    if (series != NULL)
        json_object_set_new(series, "tags", json_pack("{s:s}", "group", group));
    return series;
}

/* From the publisher's call to the end of the handling, of the messages handled in each second. */
static int add_staleness(const struct grid *grid, const struct hx_facts *facts, const char *group,
                         json_t *series, json_t *list)
{
    uint64_t *oldest = otl_mem_zalloc(SECONDS_MAX * sizeof *oldest);
    int bad = series == NULL || oldest == NULL;

    for (size_t i = 0; !bad && i < facts->entry_count; i++) {
        const struct hx_fact_entry *entry = &facts->entries[i];
        uint64_t sent, age;
        size_t second;
        if (entry->send == HX_NONE || !counts(facts, entry, grid->zero_ns, &second) ||
            !handled_by(facts, entry, group))
            continue;
        sent = facts->sends[entry->send].open->mono_ns;
        age = entry->close->mono_ns > sent ? entry->close->mono_ns - sent : 0;
        if (age > oldest[second])
            oldest[second] = age;
    }
    for (size_t s = 0; !bad && s < grid->seconds; s++)
        if (oldest[s] > 0)
            bad |= point(series, s, (double)oldest[s]);
    otl_mem_free(oldest);
    return json_array_append_new(list, series) | bad;
}

/* Names of the groups, each once. */
static size_t groups_of(const struct hx_scenario *scenario, const char **groups)
{
    size_t count = 0, k;

    for (size_t i = 0; i < scenario->service_count; i++) {
        const struct hx_service *service = &scenario->services[i];
        for (size_t c = 0; c < service->consumer_count && count < SLOTS_MAX; c++) {
            for (k = 0; k < count && strcmp(groups[k], service->consumers[c].group) != 0; k++)
                continue;
            if (k == count)
                groups[count++] = service->consumers[c].group;
        }
    }
    return count;
}

bool hx_series_wanted(const struct hx_scenario *scenario)
{
    for (size_t i = 0; i < scenario->service_count; i++)
        if (scenario->services[i].consumer_count > 0 && scenario->services[i].replicas > 1)
            return true;
    return *scenario->claims.namer != '\0';
}

json_t *hx_series_json(const struct hx_facts *facts)
{
    struct grid grid = {.zero_ns = load_start(facts)};
    const char *groups[SLOTS_MAX];
    size_t group_count = groups_of(facts->scenario, groups);
    json_t *list = json_array();
    int bad = 0;

    if (facts->load_count == 0)
        return list;
    grid.slots = otl_mem_zalloc(SLOTS_MAX * sizeof *grid.slots);
    if (grid.slots == NULL || list == NULL)
        bad = 1;
    else
        fill(&grid, facts);
    for (size_t i = 0; !bad && i < grid.slot_count; i++)
        bad |= add_slot(&grid, facts->scenario, &grid.slots[i], false, list);
    for (size_t i = 0; !bad && i < grid.slot_count; i++)
        bad |= add_slot(&grid, facts->scenario, &grid.slots[i], true, list);
    for (size_t i = 0; !bad && grid.slot_count > 0 && i < group_count; i++)
        bad |= add_staleness(&grid, facts, groups[i], staleness_series(groups[i], i, group_count),
                             list);
    otl_mem_free(grid.slots);
    if (bad == 0)
        return list;
    json_decref(list);
    return NULL;
}
