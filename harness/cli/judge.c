/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "sdk/base/file.h"

struct tally {
    size_t pass, fail, inconclusive;
    char names[256]; /* of those that failed, or else could not be judged */
};

static void add_name(struct tally *tally, const char *id)
{
    size_t used = strlen(tally->names);

    snprintf(tally->names + used, sizeof(tally->names) - used, "%s%s", used ? ", " : "", id);
}

static void count(const json_t *rows, const char *verdict, struct tally *tally, size_t *place)
{
    size_t index;
    json_t *row;

    json_array_foreach(rows, index, row) {
        const char *id = json_string_value(json_object_get(row, "id"));
        const char *found = json_string_value(json_object_get(row, "verdict"));
        if (id == NULL || found == NULL || strcmp(found, verdict) != 0)
            continue;
        (*place)++;
        if (strcmp(verdict, "pass") != 0)
            add_name(tally, id);
    }
}

static void count_both(const json_t *report, const char *verdict, struct tally *tally,
                       size_t *place)
{
    count(json_object_get(report, "checks"), verdict, tally, place);
    count(json_object_get(report, "expectations"), verdict, tally, place);
}

static long long integer(const json_t *report, const char *object, const char *key)
{
    return (long long)json_integer_value(json_object_get(json_object_get(report, object), key));
}

static int settle(json_t *report, const char *verdict, int status, const char *reason)
{
    json_object_set_new(report, "verdict", json_string(verdict));
    json_object_set_new(report, "exit_status", json_integer(status));
    json_object_set_new(report, "reason", json_string(reason));
    return status;
}

int hx_judge(json_t *report, const struct hx_run_end *end)
{
    struct tally tally = {.pass = 0};
    char reason[640];
    size_t all;

    count_both(report, "pass", &tally, &tally.pass);
    count_both(report, "fail", &tally, &tally.fail);
    if (tally.fail == 0)
        count_both(report, "inconclusive", &tally, &tally.inconclusive);
    all = tally.pass + tally.fail + tally.inconclusive;
    if (end->interrupted)
        return settle(report, "none", HX_EXIT_INTERRUPTED,
                      "The run was interrupted; what was recorded until then is kept.");
    if (end->fault[0] != '\0') {
        snprintf(reason, sizeof(reason), "The environment failed, so there is no verdict: %s.",
                 end->fault);
        return settle(report, "none", HX_EXIT_FAULT, reason);
    }
    if (tally.fail > 0) {
        snprintf(reason, sizeof(reason), "%zu failed: %s.", tally.fail, tally.names);
        return settle(report, "fail", HX_EXIT_VERDICT, reason);
    }
    if (tally.inconclusive > 0 || all == 0) {
        snprintf(reason, sizeof(reason), "%s%s.", all ? "Not to be judged: " : "Nothing was judged",
                 tally.names);
        return settle(report, "inconclusive", HX_EXIT_INCONCLUSIVE, reason);
    }
    snprintf(reason, sizeof(reason),
             "All %zu checks and claims hold: %lld spans of %lld traces accounted for, %lld lost "
             "without an explanation.",
             all, integer(report, "spans", "started"), integer(report, "traces", "expected"),
             integer(report, "spans", "lost_unexplained"));
    return settle(report, "pass", HX_EXIT_OK, reason);
}

json_t *hx_judge_processes(const json_t *incidents)
{
    size_t total = json_array_size(incidents), index;
    json_t *evidence = json_array(), *incident;
    char observed[120];

    json_array_foreach(incidents, index, incident) {
        json_t *row = json_object();
        json_object_set(row, "text", json_object_get(incident, "text"));
        if (json_string_length(json_object_get(incident, "service")) > 0)
            json_object_set(row, "service", json_object_get(incident, "service"));
        if (index < 20)
            json_array_append(evidence, row);
        json_decref(row);
    }
    snprintf(observed, sizeof(observed), total == 0 ? "all did" : "%zu incidents", total);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:I}", "id", "processes", "title",
                     "Every process ran until it was asked to stop", "verdict",
                     total == 0 ? "pass" : "fail", "expected",
                     "no process dies, hangs or fails to drain", "observed", observed, "evidence",
                     evidence, "evidence_total", (json_int_t)total);
}

void hx_judge_killed(const json_t *services, struct hx_killed *ret)
{
    size_t index;
    json_t *row;

    ret->count = 0;
    json_array_foreach(services, index, row) {
        const char *instance = json_string_value(json_object_get(row, "instance"));
        if (!json_is_true(json_object_get(row, "killed")) || instance == NULL ||
            ret->count == HX_KILLED_MAX)
            continue;
        snprintf(ret->texts[ret->count], HX_KILLED_NAME, "%.128s.%lld", instance,
                 (long long)json_integer_value(json_object_get(row, "incarnation")));
        ret->names[ret->count] = ret->texts[ret->count];
        ret->count++;
    }
}

enum otel_err hx_run_end_write(const char *dir, const struct hx_run_end *end,
                               struct otl_detail *reterr)
{
    json_t *tree = json_pack("{s:b, s:s, s:O}", "interrupted", (int)end->interrupted, "fault",
                             end->fault, "incidents", end->incidents);
    char path[4096], *text = tree ? json_dumps(tree, JSON_INDENT(2)) : NULL;
    enum otel_err err = OTEL_ERR_MEMORY;

    snprintf(path, sizeof(path), "%s/run.json", dir);
    if (text != NULL)
        err = otl_file_write(path, text, strlen(text), reterr);
    free(text);
    json_decref(tree);
    return err;
}

enum otel_err hx_run_end_read(const char *dir, struct hx_run_end *ret, struct otl_detail *reterr)
{
    char path[4096];
    const char *fault;
    struct otl_buf text;
    json_t *tree = NULL;
    enum otel_err err;

    memset(ret, 0, sizeof(*ret));
    snprintf(path, sizeof(path), "%s/run.json", dir);
    otl_buf_init(&text, 16u << 20);
    err = otl_file_read(path, &text, NULL);
    if (err == OTEL_OK && (tree = json_loadb(text.data, text.len, 0, NULL)) == NULL)
        err = otl_detail_set(reterr, OTEL_ERR_SYNTAX, path, 0, 0, "is no JSON");
    otl_buf_fini(&text);
    if (err != OTEL_OK && err != OTEL_ERR_NOT_FOUND)
        return err;
    fault = json_string_value(json_object_get(tree, "fault"));
    ret->interrupted = json_is_true(json_object_get(tree, "interrupted"));
    snprintf(ret->fault, sizeof(ret->fault), "%s", fault ? fault : "");
    ret->incidents = json_incref(json_object_get(tree, "incidents"));
    if (!json_is_array(ret->incidents)) {
        json_decref(ret->incidents);
        ret->incidents = json_array();
    }
    json_decref(tree);
    return OTEL_OK;
}
