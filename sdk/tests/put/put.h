/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SDK_TESTS_PUT_H
#define SDK_TESTS_PUT_H

#include <pthread.h>
#include <stdio.h>

#include <otel/context.h>
#include <otel/sdk/config.h>
#include <otel/sdk/processor.h>
#include <otel/sdk/sampler.h>
#include <otel/trace.h>

/*
 * The program under test: does with the SDK's public headers what lines on standard input say.
 *
 * A line is a command and its words, separated by single blanks, each percent-encoded ("%20", and
 * "%" alone for the empty word). Every command is answered by one line: "ok WORD..." or
 * "no WHY". Objects are named by the lines. README.md lists the commands.
 *
 * Threads   the main thread reads and answers; commands that start threads join them.
 * Memory    what a command needs while it runs is freed behind its answer.
 */

enum put_kind {
    PUT_SPAN,
    PUT_CONTEXT,
    PUT_TRACER,
    PUT_SAMPLER,
    PUT_PART,
    PUT_EXPORTER,
    PUT_PROCESSOR
};

enum { PUT_END_MILLIS = 15000 }; /* what the last shutdown may take */

enum { PUT_OBJECTS_MAX = 4096, PUT_WORDS_MAX = 8192, PUT_LINKS_MAX = 512, PUT_DEPTH_MAX = 32 };

struct put_object {
    enum put_kind kind;
    char name[32];
    void *object;
};

struct put_scrap; /* what is freed behind a command */

struct put {
    FILE *out;
    struct otel_sdk *sdk;               /* by "env" */
    struct otel_sdk_provider *provider; /* by "provider", or the SDK's */
    struct otel_sdk_provider *other;    /* the one before */
    const struct otel_sdk_exporter *otlp;
    struct put_object objects[PUT_OBJECTS_MAX];
    size_t object_count;
    struct otel_link links[PUT_LINKS_MAX]; /* staged for the next start */
    size_t link_count;
    struct otel_context_token tokens[PUT_DEPTH_MAX];
    size_t token_count;
    struct put_scrap *scraps, *staged;
    bool leave;
    int status;
};

/* The words of one command; words[0] is its name. Texts are NUL-terminated. */
struct put_words {
    struct otel_str words[PUT_WORDS_MAX];
    size_t count, at; /* at: the next one to be read */
};

/* --- words.c --- */
bool put_split(char *line, struct put_words *ret);
struct otel_str put_next(struct put_words *words);      /* empty when there is none */
uint64_t put_number(struct put_words *words, uint64_t otherwise);
/* The value of a word KEY=VALUE among those not yet read; taken out. */
bool put_option(struct put_words *words, const char *key, struct otel_str *ret);
uint64_t put_option_number(struct put_words *words, const char *key, uint64_t otherwise);
/* Hexadecimal digits into size bytes; false if they are not that many. */
bool put_hex(struct otel_str text, uint8_t *out, size_t size);
void put_say(struct put *put, struct otel_str text); /* a blank, then text encoded */
void put_say_number(struct put *put, const char *key, uint64_t number);
void *put_alloc(struct put *put, size_t size); /* zeroed; freed behind the command */
void put_free_scraps(struct put_scrap **list);
uint64_t put_mono_ns(void);

/* --- values.c: the rest of the words as attributes --- */
struct otel_attribute *put_attributes(struct put *put, struct put_words *words, size_t *ret_count);
bool put_link(struct put *put, struct put_words *words, struct otel_link *ret);

/* --- objects.c --- */
void put_keep(struct put *put, enum put_kind kind, struct otel_str name, void *object);
void *put_find(struct put *put, enum put_kind kind, struct otel_str name);
/* The same, and the object is no longer kept. */
void *put_take(struct put *put, enum put_kind kind, struct otel_str name);
void put_forget_all(struct put *put);

/* --- carry.c --- */
/* The one that is meant by C or span:S; a reference. */
struct otel_context *put_context(struct put *put, struct otel_str from);
/* NULL, for a word it does not know: the global one. */
struct otel_propagator *put_propagator(struct otel_str word);

/* --- commands; each answers --- */
typedef void put_command_fn(struct put *put, struct put_words *words);

struct put_command {
    const char *name;
    put_command_fn *run;
};

extern const struct put_command put_span_commands[], put_carry_commands[], put_setup_commands[],
    put_sampler_commands[], put_report_commands[], put_load_commands[], put_busy_commands[],
    put_life_commands[], put_thread_commands[], put_noop_commands[], put_metric_commands[];

/* In sdk-put-kafka alone. */
extern const struct put_command put_kafka_commands[] __attribute__((weak));

void put_run_line(struct put *put, char *line);
bool put_read_line(char **ret_line); /* false at the end; free() it */
void put_no(struct put *put, const char *why);

/* What SDK and samplers report, and what was dropped (reports.c). */
void put_report(void *arg, enum otel_err err, const char *text);
void put_drop(void *arg, const struct otel_sdk_drop *drop);
/* Clock and ids that lines command (reports.c). */
extern const struct otel_sdk_clock put_clock;
extern struct otel_sdk_id_generator put_ids;
extern bool put_ids_given;

/* Once the SDK is shut down: joins the threads of "busy"; true if there were any. */
bool put_busy_end(void);

/* For create_thread: a thread in another network; its argument is put_net() of that one's path. */
int put_thread_in_net(void *net, pthread_t *ret_thread, void *(*run)(void *arg), void *run_arg);
void *put_net(struct otel_str path);

/* Processor that writes down how it was called, exporters that misbehave (doubles.c). */
struct otel_sdk_processor *put_probe_new(const char *name);
struct otel_sdk_exporter *put_exporter_double(const char *how);
void put_probe_log(struct put *put);
/* The provider that the exporter "reenter" calls from within, and what it was answered. */
extern struct otel_sdk_provider *put_reentered;
extern enum otel_err put_reentered_flush, put_reentered_shutdown;

#endif
