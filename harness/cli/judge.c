/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "reports/format.h"
#include "sdk/base/file.h"
#include "sdk/base/text.h"

enum { CAUSES = 3 }; /* named in the sentence; of further ones the number */

struct tally {
    size_t pass, fail, inconclusive;
    size_t named;
    char names[1600]; /* of those that failed, or else could not be judged */
};

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text != NULL ? text : "";
}

/* Appends "TITLE" (why); a row that has neither title nor text keeps its id. */
static void add_name(struct tally *tally, const json_t *row, const char *why_key)
{
    size_t used = strlen(tally->names);
    const char *title = text_of(row, "title"), *why = text_of(row, why_key);

    if (tally->named++ >= CAUSES)
        return;
    title = *title ? title : text_of(row, "text");
    title = *title ? title : text_of(row, "id");
    snprintf(tally->names + used, sizeof(tally->names) - used, "%s\"%.*s\"%s%.*s%s",
             used ? "; " : "", (int)otl_utf8_prefix(title, strnlen(title, 200)), title,
             *why ? " (" : "", (int)otl_utf8_prefix(why, strnlen(why, 240)), why, *why ? ")" : "");
}

/* The claim that a check holds says again what the check says. */
static bool said_by_check(const json_t *report, const json_t *row)
{
    const char *id = text_of(row, "id");
    const json_t *checks = json_object_get(report, "checks"), *check;
    size_t i;

    if (strncmp(id, "check.", 6) != 0)
        return false;
    json_array_foreach(checks, i, check)
        if (strcmp(text_of(check, "id"), id + 6) == 0)
            return true;
    return false;
}

static void count(const json_t *report, const char *part, const char *verdict,
                  struct tally *tally, size_t *place)
{
    bool passed = strcmp(verdict, "pass") == 0;
    size_t index;
    json_t *row;

    json_array_foreach(json_object_get(report, part), index, row) {
        if (strcmp(text_of(row, "verdict"), verdict) != 0 ||
            (!passed && said_by_check(report, row)))
            continue;
        (*place)++;
        if (!passed)
            add_name(tally, row, strcmp(verdict, "fail") == 0 ? "observed" : "reason");
    }
}

/* Nearest to the root first: the checks in their order, which is that of cause and effect (a
 * process that died is the first), then the scenario's claims. */
static void count_all(const json_t *report, const char *verdict, struct tally *tally,
                      size_t *place)
{
    count(report, "checks", verdict, tally, place);
    count(report, "expectations", verdict, tally, place);
    if (tally->named > CAUSES) {
        size_t used = strlen(tally->names);
        snprintf(tally->names + used, sizeof(tally->names) - used, "; and %zu more",
                 tally->named - CAUSES);
    }
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
    char reason[1700];
    size_t all;

    count_all(report, "pass", &tally, &tally.pass);
    count_all(report, "fail", &tally, &tally.fail);
    if (tally.fail == 0)
        count_all(report, "inconclusive", &tally, &tally.inconclusive);
    all = tally.pass + tally.fail + tally.inconclusive;
    if (end->interrupted)
        return settle(report, "none", HX_EXIT_INTERRUPTED,
                      "The run was interrupted; what was recorded until then is kept.");
    if (end->fault[0] != '\0') {
        snprintf(reason, sizeof(reason), "The environment failed, so there is no verdict: %s.",
                 end->fault);
        return settle(report, "none", HX_EXIT_FAULT, reason);
    }
    if (end->unknown)
        return settle(report, "inconclusive", HX_EXIT_INCONCLUSIVE,
                      "How the run ended is not recorded (it has no run.json), so that nothing "
                      "that was found in it is a verdict.");
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
             "All %zu checks and claims hold: %s of %s accounted for, %s lost without an "
             "explanation.",
             all,
             rep_format_things(integer(report, "spans", "started"), "span").text,
             rep_format_things(integer(report, "traces", "expected"), "trace").text,
             rep_format_count(integer(report, "spans", "lost_unexplained")).text);
    return settle(report, "pass", HX_EXIT_OK, reason);
}

json_t *hx_judge_processes(const json_t *incidents)
{
    size_t total = json_array_size(incidents), index;
    json_t *evidence = json_array(), *incident;
    char observed[720]; /* an incident of the runner has 639 bytes at most */
    const char *first;

    json_array_foreach(incidents, index, incident) {
        json_t *row = json_object();
        json_object_set(row, "text", json_object_get(incident, "text"));
        if (json_string_length(json_object_get(incident, "service")) > 0)
            json_object_set(row, "service", json_object_get(incident, "service"));
        if (index < 20)
            json_array_append(evidence, row);
        json_decref(row);
    }
    first = text_of(json_array_get(incidents, 0), "text");
    if (total == 0)
        snprintf(observed, sizeof(observed), "all did");
    else if (total == 1)
        snprintf(observed, sizeof(observed), "%s", first);
    else
        snprintf(observed, sizeof(observed), "%zu incidents, the first: %s", total, first);
    observed[otl_utf8_prefix(observed, strlen(observed))] = '\0'; /* run.json may hold more */
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
    json_t *incidents = end->incidents ? json_incref(end->incidents) : json_array();
    json_t *tree = json_pack("{s:b, s:s%, s:o}", "interrupted", (int)end->interrupted, "fault",
                             end->fault, otl_utf8_prefix(end->fault, strlen(end->fault)),
                             "incidents", incidents);
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
    err = otl_file_read(path, &text, reterr);
    if (err == OTEL_OK) {
        tree = json_loadb(text.data ? text.data : "", text.len, 0, NULL);
        if (!json_is_object(tree))
            err = otl_detail_set(reterr, OTEL_ERR_SYNTAX, path, 0, 0, "is no JSON object");
    }
    otl_buf_fini(&text);
    if (err != OTEL_OK && err != OTEL_ERR_NOT_FOUND) {
        json_decref(tree);
        return err;
    }
    ret->unknown = tree == NULL;
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
