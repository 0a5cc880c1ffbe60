/* SPDX-License-Identifier: Apache-2.0 */
/* A service that is somebody else's program: its command and what is said about it. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "harness/scenario/foreign.h"
#include "harness/scenario/internal.h"
#include "sdk/base/clock.h"

enum { WORDS_MAX = 100 };

#define START_LIMIT_NS (30 * OTL_NS_PER_S)

/* ---- the command's words ------------------------------------------------------------------- */

/* Blanks part words; 'single' and "double" quotes hold them together; a backslash outside of single
 * quotes takes the next character as it is. Nothing else is special: no variables, no patterns, no
 * shell. Writes the word in place; NULL: a quote without end. */
static char *cut_word(char **at)
{
    char *from = *at, *to = from, *start = from, quote = '\0';

    for (; *from != '\0' && (quote != '\0' || !isspace((unsigned char)*from)); from++) {
        if (quote == '\0' && (*from == '\'' || *from == '"')) {
            quote = *from;
        } else if (quote != '\0' && *from == quote) {
            quote = '\0';
        } else if (*from == '\\' && quote != '\'' && from[1] != '\0') {
            *to++ = *++from;
        } else {
            *to++ = *from;
        }
    }
    *at = *from != '\0' ? from + 1 : from;
    *to = '\0';
    return quote == '\0' ? start : NULL;
}

static enum otel_err split(struct hx_loader *l, const char *text, struct otl_yaml_pos pos,
                           const char **argv)
{
    char *at = otl_arena_strdup(l->arena, text);
    size_t count = 0;

    if (at == NULL)
        return OTEL_ERR_MEMORY;
    for (;;) {
        while (isspace((unsigned char)*at))
            at++;
        if (*at == '\0')
            break;
        if (count == WORDS_MAX)
            return otl_yaml_error(l->reterr, pos, "a command has at most %d words", WORDS_MAX);
        argv[count] = cut_word(&at);
        if (argv[count++] == NULL)
            return otl_yaml_error(l->reterr, pos, "the command has a quote without end");
    }
    return OTEL_OK;
}

static enum otel_err load_command(struct hx_loader *l, const json_t *map, struct hx_foreign *ret)
{
    const json_t *command = json_object_get(map, "command");
    struct otl_yaml_pos pos = otl_yaml_value_pos(l->doc, map, "command");
    const char **argv = hx_loader_array(l, WORDS_MAX + 1, sizeof(*argv));
    enum otel_err err = OTEL_OK;

    if (argv == NULL)
        return OTEL_ERR_MEMORY;
    if (json_is_string(command))
        err = split(l, json_string_value(command), pos, argv);
    for (size_t i = 0; i < json_array_size(command); i++)
        argv[i] = json_string_value(json_array_get(command, i));
    if (err == OTEL_OK && (argv[0] == NULL || argv[0][0] == '\0'))
        err = otl_yaml_error(l->reterr, pos, "the command names no program");
    ret->argv = argv;
    ret->file = pos.source;
    ret->line = pos.line;
    ret->column = pos.column;
    return err;
}

/* ---- environment, key ----------------------------------------------------------------------- */

static const char *scalar_text(struct hx_loader *l, const json_t *value)
{
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_integer(value))
        return hx_loader_format(l, "%lld", (long long)json_integer_value(value));
    if (json_is_real(value))
        return hx_loader_format(l, "%g", json_real_value(value));
    return json_is_true(value) ? "true" : "false";
}

static enum otel_err load_env(struct hx_loader *l, const json_t *map, struct hx_foreign *ret)
{
    const json_t *env = json_object_get(map, "env");
    const char **texts = hx_loader_array(l, json_object_size(env) + 1, sizeof(*texts));
    const char *name;
    json_t *value;
    size_t count = 0;

    if (texts == NULL)
        return OTEL_ERR_MEMORY;
    json_object_foreach((json_t *)env, name, value) {
        const char *text = scalar_text(l, value);
        bool bad = name[0] == '\0' || strchr(name, '=') != NULL;
        if (bad || strncmp(name, "TRACERIG_", 9) == 0 || strcmp(name, "PORT") == 0)
            return otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, env, name),
                                  bad ? "'%.80s' cannot be the name of a variable"
                                      : "%.80s is set by the runner itself",
                                  name);
        texts[count] = text ? hx_loader_format(l, "%s=%s", name, text) : NULL;
        if (texts[count++] == NULL)
            return OTEL_ERR_MEMORY;
    }
    ret->env = texts;
    return OTEL_OK;
}

/* ---- what does not go together -------------------------------------------------------------- */

/* The first of keys that the map has, or NULL. */
static const char *first_of(const json_t *map, const char *const *keys)
{
    for (; *keys != NULL; keys++)
        if (json_object_get(map, *keys) != NULL)
            return *keys;
    return NULL;
}

/* Ours have words that other SDKs do not know. */
static enum otel_err check_sampler(struct hx_loader *l, const json_t *map,
                                   const struct hx_service *service)
{
    static const char *const known[] = {"always_on",             "always_off",
                                        "traceidratio",          "parentbased_always_on",
                                        "parentbased_always_off", "parentbased_traceidratio", NULL};
    const char *sampler = service->tracing.sampler;
    char near[160];

    for (const char *const *word = known; *word != NULL; word++)
        if (strcmp(*word, sampler) == 0)
            return OTEL_OK;
    return otl_yaml_error(l->reterr,
                          otl_yaml_value_pos(l->doc, json_object_get(map, "tracing"), "sampler"),
                          "the sampler '%s' is tracerig's own; %s runs a command, whose SDK does "
                          "not know it%s",
                          sampler, service->name,
                          otl_words_suggest(known, sampler, near, sizeof(near)));
}

static enum otel_err check_partners(struct hx_loader *l, const json_t *map,
                                    const struct hx_service *service)
{
    enum otel_err err = OTEL_OK;

    if (json_object_get(map, "broken") != NULL)
        err = otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, map, "broken"),
                             "'broken' has no effect on %s, which runs a command of its own",
                             service->name);
    if (err == OTEL_OK && service->consumer_count > 0 && service->replicas > 1 &&
        service->foreign->max_in_flight > 0)
        err = otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "max_in_flight"),
                             "max_in_flight counts for each replica, and nobody knows which of the "
                             "%u replicas of %s has a message in hand: a consumer with it has one "
                             "replica",
                             service->replicas, service->name);
    if (err == OTEL_OK && service->stop != HX_STOP_DRAIN)
        err = otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "stop"),
                             "how %s stops is its command's own affair", service->name);
    return err;
}

enum otel_err hx_check_foreign_step(struct hx_loader *l, const json_t *map, const char *verb)
{
    if (strcmp(verb, "call") == 0 || strcmp(verb, "parallel") == 0 || strcmp(verb, "publish") == 0)
        return OTEL_OK;
    return otl_yaml_error(l->reterr, otl_yaml_container_pos(l->doc, map),
                          "the steps of a service with a command only say whom it calls and what "
                          "it publishes, found '%s'", verb);
}

enum otel_err hx_load_foreign(struct hx_loader *l, const json_t *services,
                              struct hx_service *service)
{
    static const char *const belong[] = {"env",           "health", "start_timeout",
                                         "max_in_flight", "key",    "ledger", NULL};
    const json_t *map = json_object_get(services, service->name);
    const json_t *key = json_object_get(map, "key");
    struct hx_foreign *foreign;
    enum otel_err err;

    if (json_object_get(map, "command") == NULL) {
        const char *word = first_of(map, belong);
        if (word == NULL)
            return OTEL_OK;
        return otl_yaml_error(l->reterr, otl_yaml_key_pos(l->doc, map, word),
                              "'%s' belongs to a service with a command; %s has none", word,
                              service->name);
    }
    foreign = otl_arena_zalloc(l->arena, sizeof(*foreign));
    if (foreign == NULL)
        return OTEL_ERR_MEMORY;
    foreign->health = otl_tree_text(map, "health", "");
    foreign->start_limit_ns = otl_tree_duration_ns(map, "start_timeout", START_LIMIT_NS);
    foreign->max_in_flight = (unsigned)otl_tree_int(map, "max_in_flight", 0);
    foreign->key_header = otl_tree_text(key, "header", "");
    foreign->key_json = otl_tree_text(key, "json", "");
    service->foreign = foreign;
    err = check_partners(l, map, service);
    if (err == OTEL_OK)
        err = check_sampler(l, map, service);
    if (err == OTEL_OK && foreign->health[0] != '\0' &&
        (foreign->health[0] != '/' || strpbrk(foreign->health, " \r\n\t") != NULL))
        err = otl_yaml_error(l->reterr, otl_yaml_value_pos(l->doc, map, "health"),
                             "'%.80s' is no path; expected one such as /health", foreign->health);
    if (err == OTEL_OK)
        err = load_command(l, map, foreign);
    return err == OTEL_OK ? load_env(l, map, foreign) : err;
}

/* ---- topics --------------------------------------------------------------------------------- */

unsigned hx_foreign_topic_use(const struct hx_scenario *scenario, const struct hx_service *service,
                              const struct hx_topic *topic)
{
    unsigned use = 0;

    for (size_t i = 0; i < service->consumer_count; i++)
        if (service->consumers[i].topic == topic)
            use |= HX_FOREIGN_READS;
    for (size_t i = 0; i < scenario->operation_count; i++) {
        const struct hx_operation *op = &scenario->operations[i];
        if (op->service == service && op->step != NULL && op->step->kind == HX_STEP_PUBLISH &&
            op->step->topic == topic)
            use |= HX_FOREIGN_WRITES;
    }
    return use;
}

void hx_foreign_name(const struct hx_service *service, const char *name,
                     char out[HX_FOREIGN_NAME_SIZE])
{
    snprintf(out, HX_FOREIGN_NAME_SIZE, "tracerig.%s.%s", service->name, name);
}
