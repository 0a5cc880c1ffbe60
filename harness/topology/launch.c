/* SPDX-License-Identifier: Apache-2.0 */
/* The run's files and its processes, up to the moment when all are ready. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/scenario/faults.h"
#include "harness/scenario/replicas.h"
#include "harness/topology/parts.h"
#include "harness/topology/port.h"
#include "sdk/base/file.h"
#include "sdk/base/text.h"

#define BOUND_LIMIT_NS (60 * OTL_NS_PER_S)
#define READY_LIMIT_NS (90 * OTL_NS_PER_S)
#define GROUPS_LIMIT_NS (15 * OTL_NS_PER_S) /* more than twice what they take */

enum { PATH_SIZE = 4096, PREFIX_MAX = 12 };

enum otel_err hx_run_write_json(const struct hx_run *run, const char *name, const json_t *tree,
                                struct otl_detail *reterr)
{
    char path[PATH_SIZE], *text = json_dumps(tree, JSON_INDENT(2));
    enum otel_err err = OTEL_ERR_MEMORY;

    snprintf(path, sizeof(path), "%s/%s", run->options.dir, name);
    if (text != NULL)
        err = otl_file_write(path, text, strlen(text), reterr);
    free(text);
    return err;
}

static enum otel_err make_folders(const struct hx_run *run, struct otl_detail *reterr)
{
    static const char *const names[] = {"ledger", "spans", "logs", "metrics", "hdr", "roles"};
    char path[PATH_SIZE];
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && err == OTEL_OK; i++) {
        snprintf(path, sizeof(path), "%s/%s", run->options.dir, names[i]);
        err = otl_make_dirs(path, reterr);
    }
    return err;
}

struct player {
    enum hx_role role;
    const char *command; /* of tracerig */
    const char *name;
    const struct hx_service *service; /* NULL for others */
    unsigned replica;
    unsigned process;
    unsigned incarnation;
    unsigned port;       /* 0 = any */
    const json_t *tree;  /* NULL: the scenario's */
    json_t *peers;       /* consumed; NULL: told later */
    json_t *replicas;    /* consumed; the relay's; NULL for others */
};

const char *hx_run_kafka(const struct hx_run *run)
{
    return run->broker != NULL ? run->broker->address : run->options.scenario->broker;
}

static enum otel_err write_role(const struct hx_run *run, const struct player *player,
                                char *path, size_t size, struct otl_detail *reterr)
{
    const struct hx_scenario *scenario = run->options.scenario;
    char relative[300];
    enum otel_err err;
    json_t *role = json_pack(
        "{s:O, s:s, s:i, s:i, s:i, s:s, s:I, s:s, s:i}", "scenario",
        player->tree ? player->tree : scenario->tree, "service",
        player->service ? player->service->name : "", "replica", (int)player->replica,
        "incarnation", (int)player->incarnation, "process", (int)player->process, "instance",
        player->name, "seed", (json_int_t)scenario->seed, "dir", run->options.dir, "port",
        (int)player->port);

    if (role == NULL)
        return OTEL_ERR_MEMORY;
    if (player->peers != NULL)
        json_object_set_new(role, "peers", player->peers);
    if (player->replicas != NULL) {
        json_object_set_new(role, "replicas", player->replicas);
        if (hx_run_kafka(run)[0] != '\0')
            json_object_set_new(role, "kafka", json_string(hx_run_kafka(run)));
    }
    if (player->incarnation == 0)
        snprintf(relative, sizeof(relative), "roles/%s.json", player->name);
    else
        snprintf(relative, sizeof(relative), "roles/%s.%u.json", player->name,
                 player->incarnation);
    snprintf(path, size, "%s/%s", run->options.dir, relative);
    err = hx_run_write_json(run, relative, role, reterr);
    json_decref(role);
    return err;
}

static void note_version(const struct player *player, struct hx_child *child)
{
    const json_t *services = json_object_get(player->tree, "services");
    const json_t *own = json_object_get(services, player->service->name);
    const char *version = json_string_value(json_object_get(own, "version"));

    if (own == NULL)
        version = player->service->version;
    snprintf(child->version, sizeof(child->version), "%s", version ? version : "");
}

static enum otel_err start_player(struct hx_run *run, const struct player *player,
                                  struct hx_child **ret, struct otl_detail *reterr)
{
    char role[PATH_SIZE], log[PATH_SIZE];
    const char *const own[] = {run->options.tracerig, player->command, "--role", role, NULL};
    const char *argv[PREFIX_MAX + 5] = {NULL};
    struct hx_child_options options = {.role = player->role, .name = player->name, .argv = argv,
                                       .process = player->process, .log = log,
                                       .replica = player->replica,
                                       .incarnation = player->incarnation};
    const char *const *prefix = run->options.service_prefix;
    size_t argc = 0;
    enum otel_err err = write_role(run, player, role, sizeof(role), reterr);

    for (; player->role == HX_ROLE_SERVICE && prefix != NULL && argc < PREFIX_MAX &&
           prefix[argc] != NULL; argc++)
        argv[argc] = prefix[argc];
    memcpy(argv + argc, own, sizeof(own));
    snprintf(log, sizeof(log), "%s/logs/%s.err", run->options.dir, player->name);
    options.service = player->service ? player->service->index : 0;
    if (err == OTEL_OK)
        err = hx_fleet_add(&run->fleet, &options, ret, reterr);
    if (err == OTEL_OK && player->service != NULL)
        note_version(player, *ret);
    return err;
}

static bool has_tail_sampling(const json_t *collector)
{
    const json_t *value;
    const char *id;

    json_object_foreach((json_t *)(uintptr_t)json_object_get(collector, "processors"), id, value)
        if (strncmp(id, "tail_sampling", 13) == 0)
            return true;
    return false;
}

static enum otel_err start_collector(struct hx_run *run, struct otl_detail *reterr)
{
    char config[PATH_SIZE], tap[PATH_SIZE], log[PATH_SIZE];
    char record[PATH_SIZE], decisions[PATH_SIZE], workers[16];
    const char *argv[26] = {run->options.collector, "--config", config, "--tap", tap,
                            "--ready-fd", "3", "--control-fd", "3", "--fault-record", record};
    size_t argc = hx_scenario_troubles_collector(run->options.scenario, NULL) ? 11 : 7;
    bool decides = has_tail_sampling(run->options.scenario->collector);
    struct hx_child_options options = {.role = HX_ROLE_COLLECTOR, .name = "collector",
                                       .argv = argv, .directory = run->options.dir, .log = log};
    const char *const *extra = run->options.collector_options;
    enum otel_err err;

    if (decides) {
        argv[argc++] = "--decisions";
        argv[argc++] = decisions;
    }
    if (run->options.scenario->collector_workers > 1) {
        snprintf(workers, sizeof(workers), "%u", run->options.scenario->collector_workers);
        argv[argc++] = "--workers";
        argv[argc++] = workers;
    }
    for (size_t i = argc; i < 25; i++)
        argv[i] = extra != NULL && *extra != NULL ? *extra++ : NULL;
    snprintf(record, sizeof(record), "%s/spans/faults.jsonl", run->options.dir);
    snprintf(decisions, sizeof(decisions), "%s/spans/decisions.jsonl", run->options.dir);
    snprintf(config, sizeof(config), "%s/collector.yaml", run->options.dir);
    snprintf(tap, sizeof(tap), "%s/spans/tap.bin", run->options.dir);
    snprintf(log, sizeof(log), "%s/logs/collector.log", run->options.dir);
    err = hx_run_write_json(run, "collector.yaml", run->options.scenario->collector, reterr);
    return err == OTEL_OK ? hx_fleet_add(&run->fleet, &options, &run->collector, reterr) : err;
}

/* Everybody is told the same but for where its spans go; a new incarnation keeps the port of the
 * one before. service: NULL for others. */
static json_t *peers_message(const struct hx_run *run, const struct hx_service *service)
{
    const struct hx_tracing *tracing = service != NULL ? &service->tracing : NULL;
    json_t *services = json_object(), *message;
    char text[160];

    for (size_t i = 0; i < run->fleet.count; i++) {
        const struct hx_child *child = &run->fleet.children[i];
        const char *name;
        json_t *list;
        if (child->role != HX_ROLE_SERVICE || child->incarnation != 0)
            continue;
        name = run->options.scenario->services[child->service].name;
        list = json_object_get(services, name);
        if (list == NULL) {
            json_object_set_new(services, name, json_array());
            list = json_object_get(services, name);
        }
        snprintf(text, sizeof(text), "127.0.0.1:%u", child->port);
        json_array_append_new(list, json_string(text));
    }
    hx_run_foreign_peers(run, services);
    snprintf(text, sizeof(text), "http://%s", hx_run_otlp(run, tracing, false));
    message = json_pack("{s:s, s:o, s:s}", "do", "peers", "services", services, "otlp", text);
    if (hx_run_otlp(run, tracing, true)[0] != '\0') {
        snprintf(text, sizeof(text), "http://%s", hx_run_otlp(run, tracing, true));
        json_object_set_new(message, "otlp_grpc", json_string(text));
    }
    if (hx_run_kafka(run)[0] != '\0')
        json_object_set_new(message, "kafka", json_string(hx_run_kafka(run)));
    return message;
}

enum otel_err hx_run_reincarnate(struct hx_run *run, const struct hx_child *old,
                                 const json_t *tree, struct hx_child **ret,
                                 struct otl_detail *reterr)
{
    const struct player player = {.role = HX_ROLE_SERVICE,
                                  .command = "service",
                                  .name = old->name,
                                  .service = &run->options.scenario->services[old->service],
                                  .replica = old->replica,
                                  .process = run->next_process++,
                                  .incarnation = old->incarnation + 1,
                                  .port = old->port,
                                  .tree = tree,
                                  .peers = peers_message(
                                      run, &run->options.scenario->services[old->service])};

    return start_player(run, &player, ret, reterr);
}

/* Also while one incarnation has gone and the next one has not come. */
static enum otel_err hold_port(struct hx_run *run, const char *name, unsigned *ret,
                               struct otl_detail *reterr)
{
    uint16_t port = 0;
    enum otel_err err;

    if (run->port_count == HX_FLEET_CHILDREN)
        return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0,
                              "%s: no port can be held: too many services", name);
    err = hx_port_hold(name, &run->ports[run->port_count], &port, reterr);
    if (err != OTEL_OK)
        return err;
    run->port_count++;
    *ret = port;
    return OTEL_OK;
}

static enum otel_err start_services(struct hx_run *run, struct otl_detail *reterr)
{
    const struct hx_scenario *scenario = run->options.scenario;
    enum otel_err err = OTEL_OK;

    for (size_t s = 0; s < scenario->service_count; s++) {
        const struct hx_service *service = &scenario->services[s];
        for (unsigned r = 0; r < service->replicas && service->foreign == NULL && err == OTEL_OK;
             r++) {
            char name[128];
            struct player player = {.role = HX_ROLE_SERVICE, .command = "service", .name = name,
                                    .service = service, .replica = r,
                                    .process = run->next_process++};
            struct hx_child *child;
            json_t *tree = NULL;
            snprintf(name, sizeof(name), "%s-%u", service->name, r);
            err = hx_scenario_replica_tree(scenario, service, r, &tree, reterr);
            player.tree = tree;
            if (err == OTEL_OK)
                err = hold_port(run, name, &player.port, reterr);
            if (err == OTEL_OK)
                err = start_player(run, &player, &child, reterr);
            json_decref(tree);
        }
    }
    return err;
}

/* The end of a file, however large. */
static size_t read_end(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t len = 0;

    if (file == NULL)
        return 0;
    if (fseeko(file, -(off_t)size, SEEK_END) != 0)
        rewind(file); /* it is smaller */
    len = fread(out, 1, size, file);
    fclose(file);
    return len;
}

const char *hx_run_last_output(const struct hx_run *run, const struct hx_child *child, char *out,
                               size_t size)
{
    char path[PATH_SIZE], text[4 * HX_LOG_TAIL], tail[3 * HX_LOG_TAIL];
    size_t from, len, all;

    out[0] = '\0';
    snprintf(path, sizeof(path), "%s/logs/%s.%s", run->options.dir, child->name,
             child->role == HX_ROLE_COLLECTOR || child->role == HX_ROLE_FOREIGN ? "log" : "err");
    all = read_end(path, text, sizeof(text));
    while (all > 0 && text[all - 1] == '\n')
        all--;
    from = all > HX_LOG_TAIL ? all - HX_LOG_TAIL : 0;
    while (from < all && ((unsigned char)text[from] & 0xc0) == 0x80)
        from++; /* not in the middle of a character */
    len = otl_utf8_repair(text + from, all - from, tail);
    if (len > 0)
        snprintf(out, size, "; its output ends: %.*s",
                 (int)otl_utf8_prefix(tail, len < HX_LOG_TAIL ? len : HX_LOG_TAIL), tail);
    return out;
}

struct wait_for {
    unsigned bit;
    int role; /* -1 = every child */
};

static bool lost(const struct hx_child *child)
{
    return child->exited || child->fault[0] != '\0';
}

static bool all_said(struct hx_fleet *fleet, void *state)
{
    const struct wait_for *wait = state;
    bool all = true;

    for (size_t i = 0; i < fleet->count; i++) {
        const struct hx_child *child = &fleet->children[i];
        if (child->role == HX_ROLE_FOREIGN && lost(child))
            return true;
        if (wait->role >= 0 && (int)child->role != wait->role)
            continue;
        if (lost(child))
            return true;
        all = all && (child->seen & wait->bit) != 0;
    }
    return all;
}

static enum otel_err blame(struct hx_run *run, const struct wait_for *wait, enum otel_err err,
                           struct otl_detail *reterr)
{
    char said[HX_LAST_OUTPUT_SIZE], end[64];

    if (hx_run_blame_foreign(run, reterr) != OTEL_OK)
        return OTEL_ERR_IO;
    for (size_t i = 0; i < run->fleet.count; i++) {
        const struct hx_child *child = &run->fleet.children[i];
        if (child->fault[0] != '\0')
            return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "%s: %s", child->name,
                                  child->fault);
        if (child->exited) {
            return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0,
                                  "%s ended before it was ready (%s)%s", child->name,
                                  hx_child_exit_text(child, end, sizeof(end)),
                                  hx_run_last_output(run, child, said, sizeof(said)));
        }
    }
    if (err == OTEL_OK)
        return OTEL_OK;
    for (size_t i = 0; i < run->fleet.count; i++) {
        const struct hx_child *child = &run->fleet.children[i];
        if ((wait->role < 0 || (int)child->role == wait->role) && (child->seen & wait->bit) == 0)
            return otl_detail_set(reterr, err, NULL, 0, 0,
                                  err == OTEL_ERR_CLOSED ? "%s was not ready yet"
                                                         : "%s was not ready in time",
                                  child->name);
    }
    return err;
}

static enum otel_err wait_for(struct hx_run *run, unsigned bit, int role, uint64_t limit_ns,
                              struct otl_detail *reterr)
{
    struct wait_for wait = {bit, role};
    enum otel_err err = hx_fleet_pump(&run->fleet, all_said, &wait, limit_ns, 0);

    return blame(run, &wait, err, reterr);
}

/* The embedded broker never answers a JoinGroup that has waited for longer than its member's
 * session, as it does where the machine stands still: whoever is connected anew joins anew. */
static void connect_anew(struct hx_run *run)
{
    hx_fleet_tell(run->broker,
                  json_pack("{s:s, s:i, s:s, s:I}", "do", "fault", "id", -1, "kind",
                            hx_broker_fault_word(HX_BROKER_DOWN), "for_ns",
                            (json_int_t)(OTL_NS_PER_S / 10)));
}

/* Until groups stand, too. */
static enum otel_err wait_for_ready(struct hx_run *run, int role, uint64_t limit_ns,
                                    struct otl_detail *reterr)
{
    struct wait_for wait = {HX_SEEN_READY, role};
    bool embedded = run->broker != NULL &&
                    strcmp(run->options.scenario->broker, "embedded") == 0;
    enum otel_err err = OTEL_ERR_TIMEOUT;

    while (err == OTEL_ERR_TIMEOUT && limit_ns > 0) {
        uint64_t step_ns = limit_ns > GROUPS_LIMIT_NS ? GROUPS_LIMIT_NS : limit_ns;
        limit_ns -= step_ns;
        err = hx_fleet_pump(&run->fleet, all_said, &wait, step_ns, 0);
        if (err == OTEL_ERR_TIMEOUT && limit_ns > 0 && embedded)
            connect_anew(run);
    }
    return blame(run, &wait, err, reterr);
}

const char *hx_run_endpoint(const json_t *ready, const char *name)
{
    const json_t *endpoints = json_object_get(ready, "endpoints");
    const char *value = json_string_value(json_object_get(endpoints, name));

    return value ? value : "";
}

static enum otel_err start_first(struct hx_run *run, struct otl_detail *reterr)
{
    const struct player broker = {.role = HX_ROLE_BROKER, .command = "broker", .name = "broker"};
    enum otel_err err = OTEL_OK;

    if (run->options.scenario->broker[0] != '\0')
        err = start_player(run, &broker, &run->broker, reterr);
    if (err == OTEL_OK)
        err = start_collector(run, reterr);
    if (err == OTEL_OK && run->broker != NULL)
        err = wait_for(run, HX_SEEN_BOUND, HX_ROLE_BROKER, BOUND_LIMIT_NS, reterr);
    if (err == OTEL_OK)
        err = wait_for(run, HX_SEEN_READY, HX_ROLE_COLLECTOR, BOUND_LIMIT_NS, reterr);
    if (err != OTEL_OK)
        return err;
    snprintf(run->otlp, sizeof(run->otlp), "%s",
             hx_run_endpoint(run->collector->ready, "otlp/http"));
    snprintf(run->otlp_grpc, sizeof(run->otlp_grpc), "%s",
             hx_run_endpoint(run->collector->ready, "otlp/grpc"));
    snprintf(run->collector_metrics, sizeof(run->collector_metrics), "%s",
             hx_run_endpoint(run->collector->ready, "metrics"));
    return run->otlp[0] != '\0'
               ? OTEL_OK
               : otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0,
                                "the collector's configuration has no otlp receiver with http");
}

static const struct hx_service *service_of(const struct hx_run *run, const struct hx_child *child)
{
    return child->role == HX_ROLE_SERVICE ? &run->options.scenario->services[child->service] : NULL;
}

enum otel_err hx_run_launch(struct hx_run *run, struct otl_detail *reterr)
{
    struct player load = {.role = HX_ROLE_LOAD, .command = "load-client", .name = "load"};
    struct player relay = {.role = HX_ROLE_RELAY, .command = "relay", .name = "relay"};
    enum otel_err err = make_folders(run, reterr);

    run->next_process = 1;

    if (err == OTEL_OK)
        err = start_first(run, reterr);
    if (err == OTEL_OK)
        err = hx_run_start_agents(run, reterr);
    if (err == OTEL_OK && run->options.scenario->agent_count > 0)
        err = wait_for(run, HX_SEEN_READY, HX_ROLE_COLLECTOR, BOUND_LIMIT_NS, reterr);
    if (err == OTEL_OK)
        err = start_services(run, reterr);
    relay.replicas = hx_run_replicas(run);
    if (err == OTEL_OK && relay.replicas != NULL)
        err = start_player(run, &relay, &run->relay, reterr);
    load.process = run->next_process++;
    if (err == OTEL_OK)
        err = start_player(run, &load, &run->load, reterr);
    if (err == OTEL_OK)
        err = wait_for(run, HX_SEEN_BOUND, HX_ROLE_SERVICE, BOUND_LIMIT_NS, reterr);
    if (err == OTEL_OK && run->relay != NULL)
        err = wait_for(run, HX_SEEN_BOUND, HX_ROLE_RELAY, BOUND_LIMIT_NS, reterr);
    if (err == OTEL_OK && run->relay != NULL)
        err = hx_run_start_foreign(run, reterr);
    if (err != OTEL_OK)
        return err;
    for (size_t i = 0; i < run->fleet.count; i++)
        if (run->fleet.children[i].role == HX_ROLE_SERVICE ||
            run->fleet.children[i].role == HX_ROLE_RELAY ||
            run->fleet.children[i].role == HX_ROLE_LOAD)
            hx_fleet_tell(&run->fleet.children[i],
                          peers_message(run, service_of(run, &run->fleet.children[i])));
    err = wait_for_ready(run, HX_ROLE_SERVICE, READY_LIMIT_NS, reterr);
    if (err == OTEL_OK && run->relay != NULL) /* it has a limit for each program */
        err = wait_for_ready(run, HX_ROLE_RELAY, 3700 * OTL_NS_PER_S, reterr);
    if (err == OTEL_OK)
        err = wait_for(run, HX_SEEN_READY, HX_ROLE_LOAD, READY_LIMIT_NS, reterr);
    return err;
}
