/* SPDX-License-Identifier: Apache-2.0 */
/* tracerig load URL: the generator alone, against anything. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/commands.h"
#include "harness/load/gen.h"
#include "harness/load/report.h"
#include "sdk/base/clock.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

struct arguments { /* as typed */
    const char *rate, *duration, *warmup, *arrival, *connections, *timeout, *seed, *method, *body;
    const char *burst;
    const char *hdr, *pacer;
    struct otl_opt_list headers;
    bool json, quiet;
};

struct session {
    const char *url;
    bool json, quiet, terminal, interrupted;
    int status;
    struct hx_target target;
    struct hx_address address;
    struct otl_buf body;
    struct hx_load_header headers[OTL_OPT_LIST_MAX];
    char *header_texts[OTL_OPT_LIST_MAX]; /* copies, cut at the colon */
    const char *values[OTL_OPT_LIST_MAX];
    size_t header_count;
    struct hx_gen_options options;
    struct hx_request_template *request;
    struct hx_gen *gen;
    struct event *interrupt;
};

/* ---- arguments ------------------------------------------------------------------------------ */

static enum otel_err wrong(struct otl_detail *reterr, const char *option, const char *text,
                           const char *expected)
{
    return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "--%s '%s': expected %s", option,
                          text, expected);
}

/* "10k" and "2.5M" are numbers too. */
static bool parse_rate(const char *text, double *ret)
{
    size_t len = strlen(text);
    double factor = 1;
    char copy[32];

    if (len == 0 || len >= sizeof(copy))
        return false;
    memcpy(copy, text, len + 1);
    if (copy[len - 1] == 'k' || copy[len - 1] == 'K')
        factor = 1e3;
    else if (copy[len - 1] == 'M')
        factor = 1e6;
    if (factor > 1)
        copy[len - 1] = '\0';
    if (otl_parse_double(copy, 0, HX_SCHEDULE_RATE_MAX, ret) != OTEL_OK)
        return false;
    *ret *= factor;
    return *ret >= HX_SCHEDULE_RATE_MIN && *ret <= HX_SCHEDULE_RATE_MAX;
}

static enum otel_err parse_times(const struct arguments *typed, struct hx_gen_options *options,
                                 struct otl_detail *reterr)
{
    if (otl_parse_duration(typed->duration, &options->plan.duration_ns) != OTEL_OK ||
        options->plan.duration_ns == 0)
        return wrong(reterr, "duration", typed->duration, "a duration such as 30s");
    if (otl_parse_duration(typed->warmup, &options->plan.warmup_ns) != OTEL_OK)
        return wrong(reterr, "warmup", typed->warmup, "a duration such as 2s");
    if (otl_parse_duration(typed->timeout, &options->timeout_ns) != OTEL_OK ||
        options->timeout_ns == 0)
        return wrong(reterr, "timeout", typed->timeout, "a duration such as 10s");
    return OTEL_OK;
}

static enum otel_err parse_plan(const struct arguments *typed, struct hx_gen_options *options,
                                struct otl_detail *reterr)
{
    uint64_t connections = 0, burst = 1;

    if (!parse_rate(typed->rate, &options->plan.rate))
        return wrong(reterr, "rate", typed->rate, "requests a second, 0.001 to 10M, such as 500");
    if (strcmp(typed->arrival, "poisson") == 0)
        options->plan.arrival = HX_ARRIVAL_POISSON;
    else if (strcmp(typed->arrival, "burst") == 0)
        options->plan.arrival = HX_ARRIVAL_BURST;
    else if (strcmp(typed->arrival, "constant") != 0)
        return wrong(reterr, "arrival", typed->arrival, "constant, poisson or burst");
    if (otl_parse_uint(typed->burst, 1, 1000000, &burst) != OTEL_OK)
        return wrong(reterr, "burst", typed->burst, "1 to 1000000 requests");
    options->plan.burst = (unsigned)burst;
    if (strcmp(typed->pacer, "spin") == 0)
        options->pacer = HX_PACER_SPIN;
    else if (strcmp(typed->pacer, "auto") != 0)
        return wrong(reterr, "pacer", typed->pacer, "auto or spin");
    if (otl_parse_uint(typed->connections, 1, HX_GEN_CONNECTIONS_MAX, &connections) != OTEL_OK)
        return wrong(reterr, "connections", typed->connections, "1 to 60000");
    options->connections = (unsigned)connections;
    options->plan.seed = otl_random_os_seed() >> 16; /* short enough to be typed again */
    if (typed->seed != NULL &&
        otl_parse_uint(typed->seed, 0, INT64_MAX, &options->plan.seed) != OTEL_OK)
        return wrong(reterr, "seed", typed->seed, "a whole number");
    return parse_times(typed, options, reterr);
}

static enum otel_err parse_headers(const struct arguments *typed, struct session *session,
                                   struct otl_detail *reterr)
{
    for (size_t i = 0; i < typed->headers.count; i++) {
        char *text = otl_mem_strdup(typed->headers.items[i]);
        char *colon = text == NULL ? NULL : strchr(text, ':');

        session->header_texts[session->header_count] = text;
        if (text == NULL)
            return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory");
        session->header_count++;
        if (colon == NULL)
            return wrong(reterr, "header", text, "NAME: VALUE");
        *colon++ = '\0';
        session->values[i] = colon + strspn(colon, " \t");
        session->headers[i] = (struct hx_load_header){text, &session->values[i], 1};
    }
    return OTEL_OK;
}

static enum otel_err set_up(const struct arguments *typed, struct session *session,
                            struct otl_detail *reterr)
{
    struct hx_request_options request = {.method = typed->method};
    enum otel_err err = parse_plan(typed, &session->options, reterr);

    if (err == OTEL_OK)
        err = hx_gen_allow_connections(session->options.connections, reterr);
    if (err == OTEL_OK)
        err = parse_headers(typed, session, reterr);
    if (err == OTEL_OK)
        err = hx_target_parse(session->url, &session->target, reterr);
    if (err == OTEL_OK && typed->body != NULL)
        err = otl_file_read(typed->body, &session->body, reterr);
    if (err != OTEL_OK)
        return err;
    request.path = session->target.path;
    request.authority = session->target.authority;
    request.headers = session->headers;
    request.header_count = session->header_count;
    request.body = otl_view(session->body.data, session->body.len);
    if (request.method == NULL)
        request.method = typed->body != NULL ? "POST" : "GET";
    err = hx_request_template_new(&request, &session->request, reterr);
    if (err == OTEL_OK && typed->hdr != NULL)
        err = otl_make_dirs(typed->hdr, reterr);
    session->options.hdr_dir = typed->hdr;
    return err;
}

/* ---- live ----------------------------------------------------------------------------------- */

static void on_ready(void *state)
{
    struct session *session = state;
    struct otl_detail detail = OTL_DETAIL_NONE;

    if (hx_gen_connected(session->gen) == 0) {
        fprintf(stderr, "tracerig: %s: no connection could be made\n", session->url);
        session->status = HX_EXIT_FAULT;
        hx_gen_leave(session->gen);
    } else if (hx_gen_start(session->gen, &detail) != OTEL_OK) {
        session->status = hx_usage_fail(&detail);
        hx_gen_leave(session->gen);
    }
}

static void on_progress(void *state, const struct hx_load_progress *progress)
{
    const struct session *session = state;
    char p50[32], p99[32], waiting[48] = "";

    if (session->quiet)
        return;
    otl_format_duration(progress->p50_ns, p50, sizeof(p50));
    otl_format_duration(progress->p99_ns, p99, sizeof(p99));
    if (progress->backlog != 0)
        snprintf(waiting, sizeof(waiting), ", waiting %" PRIu64, progress->backlog);
    fprintf(stderr,
            "%s%5.1fs %s %.1f/s of %.1f/s, in flight %" PRIu64 "%s, p50 %s p99 %s, errors %" PRIu64
            "%s",
            session->terminal ? "\r" : "", progress->elapsed_s,
            progress->phase == HX_LOAD_WARM_UP ? "warm-up" : "measure", progress->rate_achieved,
            progress->rate_asked, progress->in_flight, waiting, p50, p99, progress->errors,
            session->terminal ? "\033[K" : "\n");
}

static void on_finished(void *state)
{
    struct session *session = state;

    if (session->terminal && !session->quiet)
        fprintf(stderr, "\r\033[K");
    hx_gen_leave(session->gen);
}

static void on_fault(void *state, const struct otl_detail *detail)
{
    struct session *session = state;
    char text[1024];

    fprintf(stderr, "tracerig: %s\n", otl_detail_format(detail, text, sizeof(text)));
    session->status = HX_EXIT_FAULT;
}

/* The first interrupt ends the plan, the second one the program. */
static void on_interrupt(evutil_socket_t fd, short what, void *arg)
{
    struct session *session = arg;

    (void)fd;
    (void)what;
    if (session->interrupted) {
        session->status = HX_EXIT_INTERRUPTED;
        hx_gen_leave(session->gen);
        return;
    }
    session->interrupted = true;
    hx_gen_stop(session->gen);
}

static enum otel_err run(struct session *session, struct otl_detail *reterr)
{
    enum otel_err err = hx_target_resolve(&session->target, &session->address, reterr);

    if (err != OTEL_OK)
        return err;
    session->options.request = session->request;
    session->options.addresses = &session->address;
    session->options.address_count = 1;
    session->options.callbacks = (struct hx_gen_callbacks){on_ready, on_progress, on_finished,
                                                           on_fault, session};
    err = hx_gen_new(&session->options, &session->gen, reterr);
    if (err != OTEL_OK)
        return err;
    session->interrupt = evsignal_new(hx_gen_base(session->gen), SIGINT, on_interrupt, session);
    if (session->interrupt == NULL || event_add(session->interrupt, NULL) != 0)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory");
    hx_gen_prepare(session->gen);
    hx_gen_run(session->gen);
    return OTEL_OK;
}

static void print_json(const struct session *session, const struct hx_load_totals *totals)
{
    json_t *object = json_pack("{s:s, s:s, s:I, s:o, s:o}", "schema", "tracerig.load/1", "url",
                               session->url, "seed", (json_int_t)session->options.plan.seed,
                               "load", hx_load_report(totals, NULL), "trust",
                               hx_load_report_trust(totals));

    if (object == NULL) {
        fprintf(stderr, "tracerig: no memory for the report\n");
        return;
    }
    json_dumpf(object, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(object);
}

static int conclude(struct session *session)
{
    struct hx_load_totals totals;

    if (session->status != HX_EXIT_OK)
        return session->status;
    hx_gen_totals(session->gen, &totals);
    if (session->json) {
        print_json(session, &totals);
    } else {
        printf("%s, seed %" PRIu64 "%s\n", session->url, session->options.plan.seed,
               session->interrupted ? " (interrupted)" : "");
        hx_load_print(stdout, &totals);
        if (session->options.hdr_dir != NULL)
            printf("\n  %s: response, service and sendlag, as .hlog and .hgrm\n",
                   session->options.hdr_dir);
    }
    return session->interrupted ? HX_EXIT_INTERRUPTED : HX_EXIT_OK;
}

static void close_session(struct session *session)
{
    if (session->interrupt != NULL)
        event_free(session->interrupt);
    hx_gen_free(session->gen);
    hx_request_template_free(session->request);
    otl_buf_fini(&session->body);
    for (size_t i = 0; i < session->header_count; i++)
        otl_mem_free(session->header_texts[i]);
}

static const char TEXT[] =
    "Send requests to URL at a fixed rate, whatever becomes of the ones before (open loop),\n"
    "and tell response time, service time and send lag apart. It makes no claim, so its exit\n"
    "status is 0 when it could run, also when answers were errors; they are counted.\n";

int hx_command_load(int argc, char **argv)
{
    struct arguments typed = {.rate = "100", .duration = "10s", .warmup = "0", .timeout = "10s",
                              .arrival = "poisson", .burst = "100", .connections = "64",
                              .pacer = "auto"};
    const struct otl_opt options[] = {
        {"rate", "R", "requests a second (100); 10k is allowed", OTL_OPT_TEXT, &typed.rate},
        {"duration", "D", "measured time (10s)", OTL_OPT_TEXT, &typed.duration},
        {"warmup", "D", "time before it, left out of the figures (0)", OTL_OPT_TEXT,
         &typed.warmup},
        {"arrival", "KIND", "poisson (default), constant or burst", OTL_OPT_TEXT, &typed.arrival},
        {"burst", "N", "requests of one instant with --arrival burst (100)", OTL_OPT_TEXT,
         &typed.burst},
        {"connections", "N", "at most so many (64)", OTL_OPT_TEXT, &typed.connections},
        {"timeout", "D", "of a request, from the instant it is due (10s)", OTL_OPT_TEXT,
         &typed.timeout},
        {"seed", "N", "same seed, same instants and requests", OTL_OPT_TEXT, &typed.seed},
        {"method", "M", "GET, or POST with --body", OTL_OPT_TEXT, &typed.method},
        {"header", "'NAME: VALUE'", "may be given several times", OTL_OPT_LIST, &typed.headers},
        {"body", "FILE", "send this file's bytes", OTL_OPT_TEXT, &typed.body},
        {"hdr", "DIR", "write HdrHistogram logs there", OTL_OPT_TEXT, &typed.hdr},
        {"pacer", "KIND", "auto, or spin: a whole core for exact instants", OTL_OPT_TEXT,
         &typed.pacer},
        {"json", NULL, "print the totals as JSON", OTL_OPT_FLAG, &typed.json},
        {"quiet", NULL, "no progress", OTL_OPT_FLAG, &typed.quiet},
        {NULL, NULL, NULL, OTL_OPT_FLAG, NULL}};
    const struct hx_usage usage = {"load URL", TEXT, options, 1, 1};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_opt_list arguments;
    struct session session;
    int status = 0;

    if (!hx_usage_parse(&usage, argc, argv, &arguments, &status))
        return status;
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of its write */
    memset(&session, 0, sizeof(session));
    session.url = arguments.items[0];
    session.json = typed.json;
    session.quiet = typed.quiet;
    session.terminal = isatty(STDERR_FILENO) == 1;
    otl_buf_init(&session.body, HX_REQUEST_BODY_MAX);
    hx_gen_options_init(&session.options);
    if (set_up(&typed, &session, &detail) != OTEL_OK || run(&session, &detail) != OTEL_OK)
        status = detail.code == OTEL_ERR_UNAVAILABLE ? (hx_usage_fail(&detail), HX_EXIT_FAULT)
                                                     : hx_usage_fail(&detail);
    else
        status = conclude(&session);
    close_session(&session);
    return status;
}
