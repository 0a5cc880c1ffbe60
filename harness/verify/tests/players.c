/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/tests/players.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/verify/verify.h"

static json_t *judge(struct world *w, const char *const *killed)
{
    struct hx_verify_options options = {.dir = w->dir, .scenario = &w->scenario, .killed = killed};
    struct otl_detail detail = OTL_DETAIL_NONE;
    json_t *result = NULL;

    while (killed != NULL && killed[options.killed_count] != NULL)
        options.killed_count++;
    if (hx_verify_run(&options, &result, &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
    return result;
}

/* Names of the checks or expectations that do not pass. */
static void not_passed(const json_t *result, const char *part, char *out, size_t size)
{
    const json_t *check;
    size_t i, len = 0;

    out[0] = '\0';
    json_array_foreach(json_object_get(result, part), i, check) {
        if (strcmp(json_string_value(json_object_get(check, "verdict")), "pass") != 0)
            len += (size_t)snprintf(out + len, size - len, "%s%s", len > 0 ? "," : "",
                                    json_string_value(json_object_get(check, "id")));
    }
}

static void print_failures(const json_t *result, const char *part)
{
    const json_t *check;
    char *text;
    size_t i;

    json_array_foreach(json_object_get(result, part), i, check) {
        if (strcmp(json_string_value(json_object_get(check, "verdict")), "pass") == 0)
            continue;
        text = json_dumps(check, JSON_INDENT(1));
        fprintf(stderr, "%s\n", text);
        free(text);
    }
}

static int64_t count_of(const json_t *result, const char *part, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(result, part), key));
}

static void player_is_caught(void **state)
{
    const struct player *player = *state;
    const char *refuted_wanted = player->refuted != NULL ? player->refuted : "";
    bool passes = player->caught[0] == '\0' && refuted_wanted[0] == '\0';
    const char *verdict;
    struct world w;
    json_t *result;
    char caught[512], refuted[512];
    bool balanced;

    world_init(&w, &player->options);
    if (player->break_it != NULL)
        player->break_it(&w);
    world_write(&w);
    result = judge(&w, player->killed);
    world_fini(&w);
    not_passed(result, "checks", caught, sizeof caught);
    not_passed(result, "expectations", refuted, sizeof refuted);
    verdict = json_string_value(json_object_get(result, "verdict"));
    balanced = count_of(result, "spans", "started") == count_of(result, "spans", "accounted");
    if (strcmp(caught, player->caught) != 0 || strcmp(refuted, refuted_wanted) != 0 || !balanced ||
        (strcmp(verdict, "pass") == 0) != passes) {
        print_failures(result, "checks");
        print_failures(result, "expectations");
        json_decref(result);
        fail_msg("%s, caught by '%s', refuted '%s'; expected '%s', '%s'", balanced ? "" :
                 "books do not balance", caught, refuted, player->caught, refuted_wanted);
    }
    json_decref(result);
}

int run_players(const char *group, const struct player *players, size_t count)
{
    struct CMUnitTest tests[PLAYERS_MAX];

    assert_true(count <= PLAYERS_MAX);
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){.name = players[i].name, .test_func = player_is_caught,
                                       .initial_state = (void *)(uintptr_t)&players[i]};
    return _cmocka_run_group_tests(group, tests, count, NULL, NULL);
}
