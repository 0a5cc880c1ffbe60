/* SPDX-License-Identifier: Apache-2.0 */
/* What was done to the fleet, on the time axis of the report. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/topology/parts.h"
#include "sdk/base/text.h"

enum { TEXT_SIZE = 600 };

static double now_s(const struct hx_run *run)
{
    return ((double)otl_clock_mono(otl_clock_real()) - (double)run->load_start_ns) / 1e9;
}

size_t hx_run_event(struct hx_run *run, const char *what, const char *target, const char *format,
                    ...)
{
    char text[TEXT_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    text[otl_utf8_prefix(text, strlen(text))] = '\0';
    json_array_append_new(run->events, json_pack("{s:f, s:s, s:s, s:s}", "at_s", now_s(run), "what",
                                                 what, "target", target, "text", text));
    return json_array_size(run->events) - 1;
}

void hx_run_event_until(struct hx_run *run, size_t event)
{
    json_object_set_new(json_array_get(run->events, event), "until_s", json_real(now_s(run)));
}

static bool is(const json_t *row, const char *key, const char *word)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text != NULL && strcmp(text, word) == 0;
}

void hx_run_event_close(struct hx_run *run, const char *what, const char *target)
{
    for (size_t i = json_array_size(run->events); i-- > 0;) {
        const json_t *row = json_array_get(run->events, i);
        if (!is(row, "what", what) || !is(row, "target", target))
            continue;
        if (json_object_get(row, "until_s") == NULL)
            hx_run_event_until(run, i);
        return;
    }
}

void hx_run_event_add(struct hx_run *run, size_t event, const char *format, ...)
{
    json_t *row = json_array_get(run->events, event);
    const char *before = json_string_value(json_object_get(row, "text"));
    char text[TEXT_SIZE], both[2 * TEXT_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    snprintf(both, sizeof(both), "%s; %s", before ? before : "", text);
    both[otl_utf8_prefix(both, strlen(both))] = '\0';
    json_object_set_new(row, "text", json_string(both));
}

static void take_deeds(struct hx_run *run, const json_t *deeds)
{
    static const char *const keys[] = {"requests", "spans", "connections"};
    const json_t *id = json_object_get(deeds, "id");
    double ended = json_number_value(json_object_get(deeds, "ended_mono_ns"));
    size_t index;
    json_t *row;

    json_array_foreach(run->events, index, row) {
        const json_t *fault = json_object_get(row, "fault");
        if (fault == NULL || !json_equal(fault, id))
            continue;
        for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
            if (json_object_get(deeds, keys[k]) != NULL)
                json_object_set(row, keys[k], json_object_get(deeds, keys[k]));
        json_object_set_new(row, "until_s",
                            json_real((ended - (double)run->load_start_ns) / 1e9));
    }
}

void hx_run_events_of(struct hx_run *run, const struct hx_child *child)
{
    size_t index;
    json_t *deeds;

    if (child == NULL)
        return;
    json_array_foreach(child->acted, index, deeds)
        take_deeds(run, deeds);
    if (child->role == HX_ROLE_COLLECTOR && child->fault[0] != '\0')
        hx_run_incident(run, "fault", child, "%s", child->fault);
}
