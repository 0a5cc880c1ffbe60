/* SPDX-License-Identifier: Apache-2.0 */
/* do: broker: what the embedded broker can be made to do. */
#include <stdio.h>
#include <string.h>

#include "harness/scenario/faults.h"
#include "harness/scenario/internal.h"

static const char *const kinds[] = {"down", "delay", "error", NULL};

const char *hx_broker_fault_word(enum hx_broker_fault fault)
{
    return kinds[fault];
}

static enum otel_err check_whose(struct hx_loader *l, const json_t *map)
{
    const char *broker = l->scenario->broker;
    struct otl_yaml_pos pos = otl_yaml_value_pos(l->doc, map, "do");

    if (broker[0] == '\0')
        return otl_yaml_error(l->reterr, pos, "the scenario has no topics, and so no broker");
    if (strcmp(broker, "embedded") != 0)
        return otl_yaml_error(l->reterr, pos,
                              "the broker %.100s was not started by the runner, which therefore "
                              "cannot disturb it; 'broker: embedded' can be",
                              broker);
    return OTEL_OK;
}

static enum otel_err load_kind(struct hx_loader *l, const json_t *map, struct hx_fault *f)
{
    const char *word = otl_tree_text(map, "fault", "");
    struct otl_yaml_pos pos = otl_yaml_value_pos(l->doc, map, "fault");

    for (unsigned i = 0; kinds[i] != NULL; i++) {
        if (strcmp(kinds[i], word) != 0)
            continue;
        f->broker = (enum hx_broker_fault)i;
        return OTEL_OK;
    }
    return otl_yaml_error(l->reterr, pos,
                          "'fault: %s' is one of the collector's; the broker has down, delay and "
                          "error%s",
                          word, strcmp(word, "refuse") == 0 ? "; did you mean 'down'?" : "");
}

/* Which keys go with which fault. */
static enum otel_err check_keys(struct hx_loader *l, const json_t *map, const struct hx_fault *f)
{
    static const struct {
        const char *key;
        enum hx_broker_fault owner;
        bool needed;
    } rows[] = {{"delay", HX_BROKER_DELAY, true},
                {"request", HX_BROKER_ERROR, true},
                {"error", HX_BROKER_ERROR, true},
                {"count", HX_BROKER_ERROR, false}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool there = json_object_get(map, rows[i].key) != NULL;
        if (there && rows[i].owner != f->broker)
            return otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, map, rows[i].key),
                                  "'%s' belongs to 'fault: %s'", rows[i].key,
                                  kinds[rows[i].owner]);
        if (!there && rows[i].needed && rows[i].owner == f->broker)
            return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "fault"),
                                  "'fault: %s' needs '%s'", kinds[f->broker], rows[i].key);
    }
    if (f->broker == HX_BROKER_ERROR && json_object_get(map, "for") != NULL)
        return otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, map, "for"),
                              "'fault: error' hits 'count' requests, however long that takes: no "
                              "'for'");
    if (f->broker == HX_BROKER_DOWN && f->for_ns == 0)
        return otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "fault"),
                              "'fault: down' needs 'for': without a broker the run could not end");
    return OTEL_OK;
}

static int number_of_error(const char *word)
{
    static const struct {
        const char *word;
        int number;
    } rows[] = {
#define ERROR_ROW(name, number) {#name, number},
        HX_BROKER_ERRORS(ERROR_ROW)
#undef ERROR_ROW
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].word, word) == 0)
            return rows[i].number;
    return 0;
}

static int number_of_request(const char *word)
{
    static const struct {
        const char *word;
        int number;
    } rows[] = {{"produce", 0}, {"fetch", 1}, {"commit", 8}, {"heartbeat", 12}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(rows[i].word, word) == 0)
            return rows[i].number;
    return -1;
}

enum otel_err hx_load_broker_fault(struct hx_loader *l, const json_t *map, struct hx_fault *f)
{
    enum otel_err err = check_whose(l, map);

    f->delay_ns = otl_tree_duration_ns(map, "delay", 0);
    f->for_ns = otl_tree_duration_ns(map, "for", 0);
    f->api = number_of_request(otl_tree_text(map, "request", ""));
    f->error = number_of_error(otl_tree_text(map, "error", ""));
    f->count = (unsigned)otl_tree_int(map, "count", 1);
    if (err == OTEL_OK)
        err = load_kind(l, map, f);
    if (err == OTEL_OK)
        err = check_keys(l, map, f);
    if (err != OTEL_OK)
        return err;
    if (f->broker == HX_BROKER_ERROR)
        f->text = hx_loader_format(l, "broker error: %u %s requests %s", f->count,
                                   otl_tree_text(map, "request", ""),
                                   otl_tree_text(map, "error", ""));
    else
        f->text = hx_loader_format(l, "broker %s%s%s", kinds[f->broker],
                                   f->broker == HX_BROKER_DELAY ? " " : "",
                                   f->broker == HX_BROKER_DELAY
                                       ? json_string_value(json_object_get(map, "delay"))
                                       : "");
    return f->text ? OTEL_OK : OTEL_ERR_MEMORY;
}
