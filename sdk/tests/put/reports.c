/* SPDX-License-Identifier: Apache-2.0 */
/* What the SDK tells, what it drops; the clock and the ids that lines command. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sdk/tests/put/put.h"

enum { REPORTS_MAX = 256, IDS_MAX = 1024 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char texts[REPORTS_MAX][200];
static size_t text_count;
static _Atomic uint64_t dropped[OTEL_SDK_DROP_COUNT], with_ids;

void put_report(void *arg, enum otel_err err, const char *text)
{
    (void)arg;
    pthread_mutex_lock(&lock);
    if (text_count < REPORTS_MAX)
        snprintf(texts[text_count++], sizeof(texts[0]), "%s: %s",
                 err == OTEL_OK ? "warning" : otel_err_name(err), text);
    pthread_mutex_unlock(&lock);
}

void put_drop(void *arg, const struct otel_sdk_drop *drop)
{
    (void)arg;
    atomic_fetch_add(&dropped[drop->reason], drop->count);
    if (drop->trace_id != NULL)
        atomic_fetch_add(&with_ids, drop->count);
}

/* reports -> TEXT... since the last time */
static void do_reports(struct put *put, struct put_words *words)
{
    (void)words;
    fprintf(put->out, "ok");
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < text_count; i++)
        put_say(put, otel_str(texts[i]));
    text_count = 0;
    pthread_mutex_unlock(&lock);
}

/* drops -> REASON=N... ids=N, by the drop callback */
static void do_drops(struct put *put, struct put_words *words)
{
    (void)words;
    fprintf(put->out, "ok");
    for (int i = 0; i < OTEL_SDK_DROP_COUNT; i++)
        put_say_number(put, otel_sdk_drop_name((enum otel_sdk_drop_reason)i),
                       atomic_load(&dropped[i]));
    put_say_number(put, "ids", atomic_load(&with_ids));
}

static _Atomic uint64_t mono_now = 1000000000u, wall_now = UINT64_C(1700000000000000000);

static uint64_t commanded_mono(void *state)
{
    (void)state;
    return atomic_load(&mono_now);
}

static uint64_t commanded_wall(void *state)
{
    (void)state;
    return atomic_load(&wall_now);
}

const struct otel_sdk_clock put_clock = {commanded_mono, commanded_wall, NULL};

/* clock MONO_FORWARD_NS [WALL_NS]: wall moves as mono unless it is set */
static void do_clock(struct put *put, struct put_words *words)
{
    uint64_t forward = put_number(words, 0);

    atomic_fetch_add(&mono_now, forward);
    atomic_store(&wall_now, put_number(words, atomic_load(&wall_now) + forward));
    fprintf(put->out, "ok");
}

static uint8_t trace_ids[IDS_MAX][16];
static size_t id_count;
static _Atomic uint64_t next_trace, next_span = 1;

static void given_trace_id(void *state, uint8_t *ret_id)
{
    (void)state;
    memcpy(ret_id, trace_ids[atomic_fetch_add(&next_trace, 1) % id_count], 16);
}

static void given_span_id(void *state, uint8_t *ret_id)
{
    uint64_t id = atomic_fetch_add(&next_span, 1);

    (void)state;
    for (int i = 0; i < 8; i++)
        ret_id[i] = (uint8_t)(id >> (56 - 8 * i));
}

bool put_ids_given;
struct otel_sdk_id_generator put_ids = {given_trace_id, given_span_id, NULL, false};

/* ids RANDOM TRACE_ID...: the next provider makes these, in turn */
static void do_ids(struct put *put, struct put_words *words)
{
    put_ids.random = put_number(words, 0) != 0;
    id_count = 0;
    atomic_store(&next_trace, 0);
    while (words->at < words->count && id_count < IDS_MAX &&
           put_hex(put_next(words), trace_ids[id_count], 16))
        id_count++;
    put_ids_given = id_count > 0;
    fprintf(put->out, "ok %zu", id_count);
}

const struct put_command put_report_commands[] = {{"reports", do_reports},
                                                {"drops", do_drops},
                                                {"clock", do_clock},
                                                {"ids", do_ids},
                                                {NULL, NULL}};
