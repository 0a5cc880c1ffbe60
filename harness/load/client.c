/* SPDX-License-Identifier: Apache-2.0 */
/* tracerig load-client --role FILE: the load of a run, as a child of the runner. */
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/cli/commands.h"
#include "harness/load/gen.h"
#include "harness/load/report.h"
#include "harness/topology/child.h"
#include "harness/topology/control.h"
#include "harness/topology/role.h"
#include "sdk/base/clock.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

enum { ADDRESSES_MAX = HX_MAX_REPLICAS, LAST_LINE_MILLIS = 2000 };

struct client {
    struct hx_role role;
    char hdr_dir[PATH_MAX];
    char ledger_dir[PATH_MAX];
    /* the run */
    struct event_base *base;
    struct hx_child *child;
    struct hx_led_writer *ledger;
    struct hx_request_template *request;
    char *body;
    struct hx_address addresses[ADDRESSES_MAX];
    size_t address_count;
    struct hx_gen *gen;
    bool finished;
    bool stop_asked;
    bool over;     /* nothing more to wait for */
    int status;
};

static enum otel_err read_role(struct client *client, const char *path,
                               struct otl_detail *reterr)
{
    const struct hx_role *role = &client->role;
    enum otel_err err;

    if (path == NULL)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "--role FILE is missing");
    err = hx_role_read(path, &client->role, reterr);
    if (err != OTEL_OK)
        return err;
    if (role->process == 0 || role->dir == NULL || role->instance == NULL ||
        snprintf(client->hdr_dir, sizeof(client->hdr_dir), "%s/hdr", role->dir) >= PATH_MAX ||
        snprintf(client->ledger_dir, sizeof(client->ledger_dir), "%s/ledger", role->dir) >=
            PATH_MAX)
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, path, 0, 0,
                              "the role needs \"dir\", \"instance\" and a \"process\" from 1");
    return OTEL_OK;
}

/* ---- ledger --------------------------------------------------------------------------------- */

static enum otel_err open_ledger(struct client *client, struct otl_detail *reterr)
{
    const struct hx_led_writer_options options = {client->ledger_dir, client->role.instance,
                                                  client->role.incarnation, client->role.process,
                                                  client->role.seed};
    struct hx_led_process row;
    enum otel_err err = hx_led_writer_new(&options, &client->ledger, reterr);

    if (err != OTEL_OK)
        return err;
    memset(&row, 0, sizeof(row));
    row.pid = (uint32_t)getpid();
    row.service = UINT32_MAX;
    row.incarnation = client->role.incarnation;
    row.mono_ns = otl_clock_mono(otl_clock_real());
    row.wall_ns = otl_clock_wall(otl_clock_real());
    hx_led_process_row(client->ledger, &row, otl_view_str(client->role.instance),
                       otl_view(NULL, 0));
    return OTEL_OK;
}

static uint64_t time_ns(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * OTL_NS_PER_S + (uint64_t)time->tv_usec * OTL_NS_PER_US;
}

static void close_ledger(struct client *client)
{
    struct hx_led_process_close row;
    struct rusage usage;

    if (client->ledger == NULL)
        return;
    memset(&row, 0, sizeof(row));
    row.mono_ns = otl_clock_mono(otl_clock_real());
    row.app_cpu_ns = otl_clock_thread_cpu_ns();
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        row.process_cpu_ns = time_ns(&usage.ru_utime) + time_ns(&usage.ru_stime);
        row.rss_peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
    }
    hx_led_process_close_row(client->ledger, &row);
    hx_led_writer_free(client->ledger);
    client->ledger = NULL;
}

/* ---- what the generator says ---------------------------------------------------------------- */

static void leave(struct client *client)
{
    client->over = true;
    event_base_loopbreak(client->base);
    if (client->gen != NULL)
        hx_gen_leave(client->gen);
}

static void fault(struct client *client, const struct otl_detail *detail)
{
    char text[1024];

    otl_detail_format(detail, text, sizeof(text));
    fprintf(stderr, "tracerig load-client: %s\n", text);
    hx_child_send_fault(client->child, text);
    client->status = HX_EXIT_FAULT;
    leave(client);
}

static void on_ready(void *state)
{
    struct client *client = state;
    struct otl_detail detail = OTL_DETAIL_NONE;

    if (hx_gen_connected(client->gen) == 0) {
        otl_detail_set(&detail, OTEL_ERR_UNAVAILABLE, NULL, 0, 0,
                       "%s: no connection could be made",
                       client->role.scenario->load.route->service->name);
        fault(client, &detail);
        return;
    }
    hx_child_send(client->child, json_pack("{s:s}", "event", "ready"));
}

static void on_progress(void *state, const struct hx_load_progress *progress)
{
    struct client *client = state;

    hx_child_send(
        client->child,
        json_pack("{s:s, s:s, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:I}", "event", "progress",
                  "phase", progress->phase == HX_LOAD_WARM_UP ? "warm-up" : "measure",
                  "elapsed_s", progress->elapsed_s, "rate_asked", progress->rate_asked,
                  "rate_achieved", progress->rate_achieved, "in_flight",
                  (json_int_t)progress->in_flight, "backlog", (json_int_t)progress->backlog,
                  "p50_ns", (json_int_t)progress->p50_ns, "p99_ns", (json_int_t)progress->p99_ns,
                  "requests", (json_int_t)progress->requests, "errors",
                  (json_int_t)progress->errors));
}

static void on_finished(void *state)
{
    struct client *client = state;
    struct hx_load_totals totals;
    char entry[512];

    snprintf(entry, sizeof(entry), "%s %s", client->role.scenario->load.route->service->name,
             client->role.scenario->load.route->name);
    hx_gen_totals(client->gen, &totals);
    hx_child_send(client->child, json_pack("{s:s, s:o, s:o}", "event", "finished", "load",
                                           hx_load_report(&totals, entry), "trust",
                                           hx_load_report_trust(&totals)));
    client->finished = true;
    if (client->stop_asked)
        leave(client);
}

static void on_fault(void *state, const struct otl_detail *detail)
{
    fault(state, detail);
}

/* ---- what the runner says ------------------------------------------------------------------- */

static enum otel_err take_peers(struct client *client, const json_t *message,
                                struct otl_detail *reterr)
{
    const char *name = client->role.scenario->load.route->service->name;
    const json_t *list = json_object_get(json_object_get(message, "services"), name);
    size_t count = json_array_size(list);

    if (count == 0 || count > ADDRESSES_MAX)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "no address of %s", name);
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        struct hx_target target;
        enum otel_err err = hx_target_parse(text ? text : "", &target, reterr);

        if (err == OTEL_OK)
            err = hx_target_resolve(&target, &client->addresses[i], reterr);
        if (err != OTEL_OK)
            return err;
    }
    client->address_count = count;
    return OTEL_OK;
}

static enum otel_err make_request(struct client *client, struct otl_detail *reterr)
{
    const struct hx_load *load = &client->role.scenario->load;
    struct hx_request_options request = {
        .method = load->route->method,
        .path = load->route->path,
        .authority = load->route->service->name,
        .headers = load->headers,
        .header_count = load->header_count,
        .incoming = {load->parent_sampled, load->parent_not_sampled, load->parent_malformed,
                     load->parent_oversized},
    };

    if (load->body_bytes != 0) {
        client->body = otl_mem_alloc(load->body_bytes);
        if (client->body == NULL)
            return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for the body");
        memset(client->body, 'x', load->body_bytes);
        request.body = otl_view(client->body, load->body_bytes);
    }
    return hx_request_template_new(&request, &client->request, reterr);
}

/* On one core a client that spins would take it from those whom it calls. */
static bool has_cores(void)
{
    cpu_set_t cores;

    return sched_getaffinity(0, sizeof(cores), &cores) == 0 && CPU_COUNT(&cores) > 1;
}

static enum otel_err make_generator(struct client *client, struct otl_detail *reterr)
{
    const struct hx_load *load = &client->role.scenario->load;
    struct hx_gen_options options;

    hx_gen_options_init(&options);
    options.plan = (struct hx_schedule_options){load->rate, load->arrival, load->warmup_ns,
                                            load->duration_ns, client->role.seed, load->burst};
    options.request = client->request;
    options.addresses = client->addresses;
    options.address_count = client->address_count;
    options.connections = load->connections;
    options.timeout_ns = load->timeout_ns;
    options.queue_max = load->queue;
    if (load->spins && has_cores())
        options.pacer = HX_PACER_SPIN;
    options.hdr_dir = client->hdr_dir;
    options.ledger = client->ledger;
    options.base = client->base;
    options.op = load->route->op;
    options.callbacks =
        (struct hx_gen_callbacks){on_ready, on_progress, on_finished, on_fault, client};
    return hx_gen_new(&options, &client->gen, reterr);
}

static void on_command(void *arg, const char *verb, const json_t *message)
{
    struct client *client = arg;
    struct otl_detail detail = OTL_DETAIL_NONE;

    if (strcmp(verb, "peers") == 0 && client->gen == NULL) {
        if (take_peers(client, message, &detail) != OTEL_OK ||
            make_request(client, &detail) != OTEL_OK ||
            make_generator(client, &detail) != OTEL_OK)
            fault(client, &detail);
        else
            event_base_loopbreak(client->base); /* the generator runs the loop from here on */
    } else if (strcmp(verb, "start") == 0 && client->gen != NULL) {
        if (hx_gen_start(client->gen, &detail) != OTEL_OK)
            fault(client, &detail);
    } else if (strcmp(verb, "stop") == 0) {
        client->stop_asked = true;
        if (client->gen != NULL && !client->finished && hx_gen_started(client->gen))
            hx_gen_stop(client->gen);
        else
            leave(client);
    }
}

/* The runner is gone: nobody wants the rest. */
static void on_lost(void *arg)
{
    struct client *client = arg;

    client->status = HX_EXIT_FAULT;
    leave(client);
}

/* ---- life ----------------------------------------------------------------------------------- */

static enum otel_err set_up(struct client *client, struct otl_detail *reterr)
{
    const struct hx_child_handlers handlers = {on_command, on_lost, client};
    enum otel_err err;
    int fd = hx_child_fd();

    if (fd < 0)
        return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0,
                              "%s names no descriptor: only the runner starts this command",
                              HX_CONTROL_ENV);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of its write */
    signal(SIGINT, SIG_IGN);  /* of the terminal: the runner hears it too and says what to do */
    client->base = hx_gen_base_new();
    if (client->base == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory");
    err = hx_child_new(client->base, fd, &handlers, &client->child);
    if (err != OTEL_OK)
        return otl_detail_set(reterr, err, NULL, 0, 0, "no memory");
    err = hx_gen_allow_connections(client->role.scenario->load.connections, reterr);
    if (err == OTEL_OK)
        err = otl_make_dirs(client->hdr_dir, reterr);
    return err == OTEL_OK ? open_ledger(client, reterr) : err;
}

static void run(struct client *client)
{
    while (!client->over && client->gen == NULL)
        event_base_loop(client->base, EVLOOP_ONCE);
    if (!client->over) {
        hx_gen_prepare(client->gen);
        hx_gen_run(client->gen);
    }
    close_ledger(client);
    if (client->status == HX_EXIT_OK)
        hx_child_send(client->child, json_pack("{s:s}", "event", "stopped"));
    hx_child_drain(client->child, LAST_LINE_MILLIS);
}

static void tear_down(struct client *client)
{
    close_ledger(client);
    hx_gen_free(client->gen);
    hx_child_free(client->child);
    if (client->base != NULL)
        event_base_free(client->base);
    hx_request_template_free(client->request);
    otl_mem_free(client->body);
    hx_role_fini(&client->role);
}

int hx_command_load_client(int argc, char **argv)
{
    const char *path = NULL;
    const struct otl_opt options[] = {
        {"role", "FILE", "what to be", OTL_OPT_TEXT, &path},
        {NULL, NULL, NULL, OTL_OPT_FLAG, NULL}};
    const struct hx_usage usage = {"load-client --role FILE", "Started by tracerig run.\n",
                                   options, 0, 0};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_opt_list arguments;
    struct client client;
    int status = 0;

    if (!hx_usage_parse(&usage, argc, argv, &arguments, &status))
        return status;
    memset(&client, 0, sizeof(client));
    if (read_role(&client, path, &detail) != OTEL_OK) {
        hx_usage_fail(&detail);
        hx_role_fini(&client.role);
        return HX_EXIT_USAGE;
    }
    if (set_up(&client, &detail) != OTEL_OK)
        fault(&client, &detail);
    else
        run(&client);
    tear_down(&client);
    return client.status;
}
