/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/config/env.h"

#include <otel/sdk/sampler.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sdk/base/text.h"
#include "sdk/config/level.h"

enum { VALUE_MAX = 64 * 1024, ARENA_MAX = 4 << 20, SHOWN = 60 };

enum kind {
    KIND_TEXT,   /* const char * */
    KIND_BOOL,   /* struct otl_env_word */
    KIND_NUMBER, /* struct otl_env_number */
    KIND_WORD,   /* struct otl_env_word */
    KIND_LIST    /* struct otl_env_list */
};

/* Words of the specification that this SDK does not know. */
enum { NOT_HERE = -1 };

struct word {
    const char *text;
    int value;
};

struct variable {
    const char *name;
    enum kind kind;
    size_t offset;
    uint64_t min, max;
    const struct word *words;
};

static const struct word propagator_words[] = {{"tracecontext", OTL_PROPAGATOR_TRACECONTEXT},
                                               {"baggage", OTL_PROPAGATOR_BAGGAGE},
                                               {"none", OTL_PROPAGATOR_NONE},
                                               {"b3", OTL_PROPAGATOR_B3},
                                               {"b3multi", OTL_PROPAGATOR_B3_MULTI},
                                               {"jaeger", OTL_PROPAGATOR_JAEGER},
                                               {"xray", OTL_PROPAGATOR_XRAY},
                                               {"ottrace", OTL_PROPAGATOR_OTTRACE},
                                               {"datadog", OTL_PROPAGATOR_DATADOG},
                                               {NULL, 0}};
static const struct word exporter_words[] = {{"otlp", OTL_EXPORTER_OTLP},
                                             {"none", OTL_EXPORTER_NONE},
                                             {"console", OTL_EXPORTER_CONSOLE},
                                             {"otlp/stdout", OTL_EXPORTER_OTLP_STDOUT},
                                             {"zipkin", NOT_HERE},
                                             {NULL, 0}};
static const struct word sampler_words[] = {
    {"always_on", OTL_SAMPLER_ALWAYS_ON},
    {"always_off", OTL_SAMPLER_ALWAYS_OFF},
    {"traceidratio", OTL_SAMPLER_TRACEIDRATIO},
    {"parentbased_always_on", OTL_SAMPLER_PARENTBASED + OTL_SAMPLER_ALWAYS_ON},
    {"parentbased_always_off", OTL_SAMPLER_PARENTBASED + OTL_SAMPLER_ALWAYS_OFF},
    {"parentbased_traceidratio", OTL_SAMPLER_PARENTBASED + OTL_SAMPLER_TRACEIDRATIO},
    {"jaeger_remote", OTL_SAMPLER_JAEGER_REMOTE},
    {"parentbased_jaeger_remote", OTL_SAMPLER_PARENTBASED + OTL_SAMPLER_JAEGER_REMOTE},
    {"xray", OTL_SAMPLER_XRAY},
    {"parentbased_xray", OTL_SAMPLER_PARENTBASED + OTL_SAMPLER_XRAY},
    {NULL, 0}};
static const struct word rule_words[] = {{"go", OTEL_SDK_RATIO_GO},
                                         {"java", OTEL_SDK_RATIO_JAVA},
                                         {"dotnet", OTEL_SDK_RATIO_DOTNET},
                                         {"cpp", OTEL_SDK_RATIO_CPP},
                                         {"js", OTEL_SDK_RATIO_JS},
                                         {NULL, 0}};
static const struct word compression_words[] = {
    {"none", OTL_COMPRESSION_NONE}, {"gzip", OTL_COMPRESSION_GZIP}, {NULL, 0}};
static const struct word protocol_words[] = {{"http/protobuf", OTL_PROTOCOL_HTTP_PROTOBUF},
                                             {"grpc", OTL_PROTOCOL_GRPC},
                                             {"http/json", OTL_PROTOCOL_HTTP_JSON},
                                             {NULL, 0}};

static const struct word level_words[] = {
    {"info", OTL_LEVEL_INFO}, {"none", OTL_LEVEL_NONE},     {"error", OTL_LEVEL_ERROR},
    {"warn", OTL_LEVEL_WARN}, {"warning", OTL_LEVEL_WARN}, {"fatal", OTL_LEVEL_FATAL},
    {"debug", 5},             {"trace", 1},                {NULL, 0}};

#define AT(member) offsetof(struct otl_env, member)
#define TEXT(name, member) {name, KIND_TEXT, AT(member), 0, 0, NULL}
#define BOOL(name, member) {name, KIND_BOOL, AT(member), 0, 0, NULL}
#define NUMBER(name, member, min, max) {name, KIND_NUMBER, AT(member), min, max, NULL}
#define WORD(name, member, words) {name, KIND_WORD, AT(member), 0, 0, words}
#define LIST(name, member, words) {name, KIND_LIST, AT(member), 0, 0, words}
#define LIMIT(name, member) NUMBER(name, member, 0, INT32_MAX)
#define MILLIS(name, member) NUMBER(name, member, 0, INT32_MAX)
#define SIZE(name, member) NUMBER(name, member, 1, 1 << 24)
#define OTLP(infix, member)                                                                        \
    TEXT("OTEL_EXPORTER_OTLP_" infix "ENDPOINT", member.endpoint),                                 \
        TEXT("OTEL_EXPORTER_OTLP_" infix "HEADERS", member.headers),                               \
        WORD("OTEL_EXPORTER_OTLP_" infix "COMPRESSION", member.compression, compression_words),    \
        WORD("OTEL_EXPORTER_OTLP_" infix "PROTOCOL", member.protocol, protocol_words),             \
        MILLIS("OTEL_EXPORTER_OTLP_" infix "TIMEOUT", member.timeout_millis),                      \
        BOOL("OTEL_EXPORTER_OTLP_" infix "INSECURE", member.insecure),                             \
        TEXT("OTEL_EXPORTER_OTLP_" infix "CERTIFICATE", member.certificate),                       \
        TEXT("OTEL_EXPORTER_OTLP_" infix "CLIENT_KEY", member.client_key),                         \
        TEXT("OTEL_EXPORTER_OTLP_" infix "CLIENT_CERTIFICATE", member.client_certificate)

static const struct variable variables[] = {
    BOOL("OTEL_SDK_DISABLED", disabled),
    TEXT("OTEL_SERVICE_NAME", service_name),
    TEXT("OTEL_RESOURCE_ATTRIBUTES", resource_attributes),
    TEXT("OTEL_ENTITIES", entities),
    LIST("OTEL_PROPAGATORS", propagators, propagator_words),
    LIST("OTEL_TRACES_EXPORTER", exporters, exporter_words),
    WORD("OTEL_TRACES_SAMPLER", sampler, sampler_words),
    TEXT("OTEL_TRACES_SAMPLER_ARG", sampler_arg),
    WORD("OTEL_C_TRACES_SAMPLER_RATIO_RULE", ratio_rule, rule_words),
    MILLIS("OTEL_BSP_SCHEDULE_DELAY", bsp_schedule_delay),
    MILLIS("OTEL_BSP_EXPORT_TIMEOUT", bsp_export_timeout),
    SIZE("OTEL_BSP_MAX_QUEUE_SIZE", bsp_queue),
    SIZE("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", bsp_batch),
    LIMIT("OTEL_ATTRIBUTE_COUNT_LIMIT", attribute_count),
    LIMIT("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", attribute_length),
    LIMIT("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", span_attribute_count),
    LIMIT("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", span_attribute_length),
    LIMIT("OTEL_SPAN_EVENT_COUNT_LIMIT", span_event_count),
    LIMIT("OTEL_SPAN_LINK_COUNT_LIMIT", span_link_count),
    LIMIT("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", event_attribute_count),
    LIMIT("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", link_attribute_count),
    OTLP("", otlp),
    OTLP("TRACES_", otlp_traces),
    BOOL("OTEL_EXPORTER_OTLP_SPAN_INSECURE", span_insecure),
};

enum { VARIABLES = sizeof(variables) / sizeof(variables[0]) };

const char *otl_env_name(size_t i)
{
    return i < VARIABLES ? variables[i].name : NULL;
}

/* The start of a value, fit to be shown. */
static const char *shown(const char *value, char *out)
{
    size_t len = 0;

    while (len < SHOWN && value[len] != '\0') {
        out[len] = value[len] >= ' ' && value[len] <= '~' ? value[len] : '?';
        len++;
    }
    out[len] = '\0';
    return out;
}

static void ignored(const struct otl_env_source *source, const char *name, const char *value,
                    const char *why)
{
    char text[SHOWN + 1];

    otl_tell(&source->teller, OTEL_OK, "%s: \"%s\" %s; ignored", name, shown(value, text), why);
}

static const char *nearest_word(const struct word *words, const char *value)
{
    const char *texts[16];
    size_t count = 0;

    for (; words[count].text != NULL && count < 15; count++)
        texts[count] = words[count].text;
    texts[count] = NULL;
    return otl_nearest(value, texts);
}

/* With the nearest word, or when none is near with all that exist here. */
static void say_unknown(const struct word *words, const char *value, char *out, size_t size)
{
    const char *near = nearest_word(words, value);
    size_t len;

    if (near != NULL) {
        snprintf(out, size, "is unknown (did you mean %s?)", near);
        return;
    }
    len = (size_t)snprintf(out, size, "is unknown (known");
    for (const struct word *word = words; word->text != NULL && len < size; word++) {
        if (word->value >= 0)
            len += (size_t)snprintf(out + len, size - len, "%s %s", word == words ? ":" : ",",
                                    word->text);
    }
    if (len < size)
        snprintf(out + len, size - len, ")");
}

/* True and *ret set if value is one of the words that exist here. */
static bool find_word(const struct otl_env_source *source, const struct variable *variable,
                      const char *value, int *ret)
{
    char why[200];

    for (const struct word *word = variable->words; word->text != NULL; word++) {
        if (strcasecmp(word->text, value) != 0)
            continue;
        if (word->value < 0) {
            ignored(source, variable->name, value, "is not supported by this SDK");
            return false;
        }
        *ret = word->value;
        return true;
    }
    say_unknown(variable->words, value, why, sizeof(why));
    ignored(source, variable->name, value, why);
    return false;
}

static void read_number(const struct otl_env_source *source, const struct variable *variable,
                        const char *value, struct otl_env_number *ret)
{
    enum otel_err err = otl_parse_uint(value, variable->min, variable->max, &ret->value);
    char why[80];

    ret->set = err == OTEL_OK;
    if (ret->set)
        return;
    snprintf(why, sizeof(why), "is not a number from %llu to %llu",
             (unsigned long long)variable->min, (unsigned long long)variable->max);
    ignored(source, variable->name, value, why);
}

static void read_bool(const struct otl_env_source *source, const struct variable *variable,
                      const char *value, struct otl_env_word *ret)
{
    ret->set = true;
    ret->word = strcasecmp(value, "true") == 0;
    if (!ret->word && strcasecmp(value, "false") != 0)
        ignored(source, variable->name, value, "is neither true nor false and counts as false");
}

static void list_add(struct otl_env_list *list, int word)
{
    for (unsigned i = 0; i < list->count; i++)
        if (list->words[i] == word)
            return;
    if (list->count < sizeof(list->words) / sizeof(list->words[0]))
        list->words[list->count++] = word;
}

/* Cut blanks at both ends of a text that may be written to. */
static char *trim(char *text)
{
    size_t len;

    text += strspn(text, " \t");
    len = strlen(text);
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        text[--len] = '\0';
    return text;
}

static void read_list(const struct otl_env_source *source, const struct variable *variable,
                      char *value, struct otl_env_list *ret)
{
    while (value != NULL) {
        char *comma = strchr(value, ','), *item;
        int word;
        if (comma != NULL)
            *comma++ = '\0';
        item = trim(value);
        if (item[0] != '\0' && find_word(source, variable, item, &word))
            list_add(ret, word);
        value = comma;
    }
    ret->set = ret->count > 0;
}

/* value is a copy in the arena, trimmed and not empty. */
static void read_value(const struct otl_env_source *source, const struct variable *variable,
                       char *value, struct otl_env *env)
{
    void *member = (char *)env + variable->offset;
    struct otl_env_word *word = member;

    switch (variable->kind) {
    case KIND_TEXT:
        *(const char **)member = value;
        break;
    case KIND_BOOL:
        read_bool(source, variable, value, word);
        break;
    case KIND_NUMBER:
        read_number(source, variable, value, member);
        break;
    case KIND_WORD:
        word->set = find_word(source, variable, value, &word->word);
        break;
    case KIND_LIST:
        read_list(source, variable, value, member);
        break;
    }
}

static const char *lookup(const struct otl_env_source *source, const char *name)
{
    return source->getenv != NULL ? source->getenv(source->getenv_arg, name) : getenv(name);
}

const char *otl_env_config_file(const struct otl_env_source *source)
{
    const char *path = lookup(source, "OTEL_CONFIG_FILE");

    if (path != NULL && path[0] != '\0')
        return path;
    path = lookup(source, "OTEL_EXPERIMENTAL_CONFIG_FILE");
    if (path == NULL || path[0] == '\0')
        return NULL;
    otl_tell(&source->teller, OTEL_OK,
             "OTEL_EXPERIMENTAL_CONFIG_FILE is now called OTEL_CONFIG_FILE");
    return path;
}

int otl_env_log_level(const struct otl_env_source *source)
{
    static const struct variable variable =
        WORD("OTEL_LOG_LEVEL", disabled, level_words); /* no member: it is returned */
    const char *value = lookup(source, variable.name);
    char copy[SHOWN + 1];
    int level = OTL_LEVEL_INFO;

    if (value == NULL || value[0] == '\0')
        return level;
    snprintf(copy, sizeof(copy), "%s", value); /* a longer one is unknown anyway */
    value = trim(copy);
    if (value[0] != '\0')
        (void)find_word(source, &variable, value, &level);
    return level;
}

/* A former name, where the present one is not set. */
static void take_span_insecure(const struct otl_env_source *source, struct otl_env *env)
{
    if (!env->span_insecure.set || env->otlp_traces.insecure.set)
        return;
    otl_tell(&source->teller, OTEL_OK,
             "OTEL_EXPORTER_OTLP_SPAN_INSECURE is now called "
             "OTEL_EXPORTER_OTLP_TRACES_INSECURE");
    env->otlp_traces.insecure = env->span_insecure;
}

enum otel_err otl_env_read(const struct otl_env_source *source, struct otl_env *ret)
{
    memset(ret, 0, sizeof(*ret));
    otl_arena_init(&ret->arena, ARENA_MAX);
    for (size_t i = 0; i < VARIABLES; i++) {
        const char *value = lookup(source, variables[i].name);
        char *copy;
        if (value == NULL || value[0] == '\0')
            continue;
        if (strlen(value) > VALUE_MAX) {
            otl_tell(&source->teller, OTEL_OK, "%s is longer than 64 KiB; ignored",
                     variables[i].name);
            continue;
        }
        copy = otl_arena_strdup(&ret->arena, value);
        if (copy == NULL) {
            otl_env_fini(ret);
            return OTEL_ERR_MEMORY;
        }
        copy = trim(copy);
        if (copy[0] != '\0')
            read_value(source, &variables[i], copy, ret);
    }
    take_span_insecure(source, ret);
    return OTEL_OK;
}

void otl_env_fini(struct otl_env *env)
{
    if (env != NULL)
        otl_arena_fini(&env->arena);
}
