/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/topology/fleet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/topology/control.h"
#include "sdk/base/text.h"

static sigset_t block_signals(int how)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(how, &set, NULL);
    return set;
}

enum otel_err hx_fleet_init(struct hx_fleet *fleet, struct otl_detail *reterr)
{
    enum otel_err err;
    sigset_t set;

    memset(fleet, 0, sizeof(*fleet));
    fleet->guardian.fd = -1;
    fleet->signal_fd = -1;
    err = hx_guardian_start(&fleet->guardian, reterr);
    if (err != OTEL_OK)
        return err;
    signal(SIGPIPE, SIG_IGN);
    set = block_signals(SIG_BLOCK);
    fleet->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fleet->signal_fd < 0) {
        hx_fleet_stop(fleet);
        return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "cannot listen for signals: %s",
                              strerror(errno));
    }
    return OTEL_OK;
}

enum otel_err hx_fleet_add(struct hx_fleet *fleet, const struct hx_child_options *options,
                           struct hx_child **ret, struct otl_detail *reterr)
{
    static const char *const env[] = {HX_CONTROL_ENV "=3", NULL};
    const bool speaks = options->role != HX_ROLE_FOREIGN;
    struct hx_spawn spawn = {.argv = options->argv, .env = options->env,
                             .directory = options->directory, .log = options->log,
                             .log_limit = speaks ? 0 : HX_FOREIGN_LOG_BYTES, .control = -1};
    struct hx_child *child = &fleet->children[fleet->count];
    enum otel_err err;
    int pair[2] = {-1, -1};

    if (fleet->count == HX_FLEET_CHILDREN)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0, "more than %d processes",
                              HX_FLEET_CHILDREN);
    if (spawn.env == NULL && speaks)
        spawn.env = env;
    if (speaks && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "cannot make a socket pair: %s",
                              strerror(errno));
    memset(child, 0, sizeof(*child));
    child->role = options->role;
    child->id = (uint32_t)fleet->count;
    child->service = options->service;
    child->replica = options->replica;
    child->incarnation = options->incarnation;
    child->process = options->process;
    snprintf(child->name, sizeof(child->name), "%s", options->name);
    spawn.id = child->id;
    spawn.control = pair[1];
    err = hx_guardian_spawn(&fleet->guardian, &spawn, &child->pid, reterr);
    if (err != OTEL_OK) {
        if (speaks)
            close(pair[0]);
        return err;
    }
    if (speaks)
        fcntl(pair[0], F_SETFL, O_NONBLOCK);
    child->fd = pair[0];
    otl_buf_init(&child->input, HX_CONTROL_LINE_MAX);
    fleet->count++;
    *ret = child;
    return OTEL_OK;
}

void hx_fleet_tell(struct hx_child *child, json_t *message)
{
    char *line = message ? json_dumps(message, JSON_COMPACT) : NULL;

    if (line != NULL && child->fd >= 0) {
        size_t len = strlen(line);
        line[len] = '\n'; /* in place of the NUL */
        for (size_t at = 0; at <= len;) {
            ssize_t put = send(child->fd, line + at, len + 1 - at, MSG_NOSIGNAL);
            if (put > 0) {
                at += (size_t)put;
            } else if (errno == EAGAIN) {
                struct pollfd room = {child->fd, POLLOUT, 0};
                if (poll(&room, 1, 1000) <= 0)
                    break;
            } else if (errno != EINTR) {
                break;
            }
        }
    }
    free(line);
    json_decref(message);
}

static void keep(json_t **place, json_t *object)
{
    json_decref(*place);
    *place = json_incref(object);
}

static void handle(struct hx_child *child, json_t *object)
{
    const char *event = json_string_value(json_object_get(object, "event"));
    const char *text;

    if (event == NULL)
        return;
    if (strcmp(event, "bound") == 0) {
        child->port = (unsigned)json_integer_value(json_object_get(object, "port"));
        text = json_string_value(json_object_get(object, "bootstrap"));
        snprintf(child->address, sizeof(child->address), "%s", text ? text : "");
        if (json_is_array(json_object_get(object, "places")))
            keep(&child->places, json_object_get(object, "places"));
        child->seen |= HX_SEEN_BOUND;
    } else if (strcmp(event, "ready") == 0) {
        keep(&child->ready, object);
        child->seen |= HX_SEEN_READY;
    } else if (strcmp(event, "progress") == 0) {
        keep(&child->progress, object);
        child->seen |= HX_SEEN_PROGRESS;
    } else if (strcmp(event, "marked") == 0) {
        keep(child->marked == NULL ? &child->marked : &child->marked_end, object);
    } else if (strcmp(event, "acted") == 0) {
        if (child->acted == NULL)
            child->acted = json_array();
        json_array_append(child->acted, object);
        child->seen |= HX_SEEN_ACTED;
    } else if (strcmp(event, "served") == 0) {
        if (child->served == NULL)
            child->served = json_object();
        text = json_string_value(json_object_get(object, "instance"));
        json_object_set(child->served, text ? text : "", object);
    } else if (strcmp(event, "membership") == 0) {
        if (child->membership == NULL)
            child->membership = json_array();
        if (json_array_size(child->membership) < HX_CHILD_MEMBERSHIP)
            json_array_append(child->membership, object);
    } else if (strcmp(event, "finished") == 0) {
        keep(&child->final, object);
        child->seen |= HX_SEEN_FINISHED;
    } else if (strcmp(event, "idle") == 0) {
        child->seen |= HX_SEEN_IDLE;
    } else if (strcmp(event, "flushed") == 0) {
        child->seen |= HX_SEEN_FLUSHED;
    } else if (strcmp(event, "stopped") == 0) {
        if (child->role != HX_ROLE_LOAD || child->final == NULL)
            keep(&child->final, object);
        child->seen |= HX_SEEN_STOPPED;
    } else if (strcmp(event, "fault") == 0) {
        text = json_string_value(json_object_get(object, "text"));
        snprintf(child->fault, sizeof(child->fault), "%s", text ? text : "unknown fault");
        child->fault[otl_utf8_prefix(child->fault, strlen(child->fault))] = '\0';
    }
}

static void close_channel(struct hx_child *child)
{
    if (child->fd >= 0)
        close(child->fd);
    child->fd = -1;
}

static void take_lines(struct hx_child *child)
{
    char *start = child->input.data, *stop;
    size_t left = child->input.len;

    while (left > 0 && (stop = memchr(start, '\n', left)) != NULL) {
        json_t *object = json_loadb(start, (size_t)(stop - start), 0, NULL);
        if (object != NULL)
            handle(child, object);
        json_decref(object);
        left -= (size_t)(stop + 1 - start);
        start = stop + 1;
    }
    if (left > 0 && start != child->input.data)
        memmove(child->input.data, start, left);
    child->input.len = left;
}

static void listen_to(struct hx_child *child)
{
    char block[8192];

    while (child->fd >= 0) {
        ssize_t got = recv(child->fd, block, sizeof(block), 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (got <= 0) {
            close_channel(child);
            return;
        }
        if (otl_buf_append(&child->input, block, (size_t)got) != OTEL_OK) {
            snprintf(child->fault, sizeof(child->fault), "sent a control line over %d bytes",
                     HX_CONTROL_LINE_MAX);
            close_channel(child);
            return;
        }
        take_lines(child);
    }
}

static void take_exits(struct hx_fleet *fleet)
{
    struct hx_child_exit event;
    enum otel_err err;

    while ((err = hx_guardian_next(&fleet->guardian, &event)) == OTEL_OK) {
        struct hx_child *child = event.id < fleet->count ? &fleet->children[event.id] : NULL;
        if (child == NULL)
            continue;
        listen_to(child); /* its last words came before its end */
        child->exit = event;
        child->exited = true;
        child->exit_mono_ns = otl_clock_mono(otl_clock_real());
    }
    if (err == OTEL_ERR_CLOSED) {
        /* Somebody killed the guardian; its children died with it. */
        hx_guardian_stop(&fleet->guardian);
        fleet->interrupts += HX_GUARDIAN_GONE;
        for (size_t i = 0; i < fleet->count; i++) {
            struct hx_child *child = &fleet->children[i];
            if (child->exited)
                continue;
            listen_to(child);
            child->exit = (struct hx_child_exit){.id = child->id, .code = -1, .signal = SIGKILL};
            child->exited = true;
            child->exit_mono_ns = otl_clock_mono(otl_clock_real());
        }
    }
}

static void take_signals(struct hx_fleet *fleet)
{
    struct signalfd_siginfo info;

    while (read(fleet->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        fleet->interrupts++;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return b != 0 && b < a ? b : a;
}

static void wait_once(struct hx_fleet *fleet, uint64_t until_ns, uint64_t turn_ns)
{
    struct pollfd fds[HX_FLEET_CHILDREN + 2];
    struct hx_child *owner[HX_FLEET_CHILDREN + 2];
    uint64_t now = otl_clock_mono(otl_clock_real());
    nfds_t count = 2;
    int millis;

    fds[0] = (struct pollfd){fleet->guardian.fd, POLLIN, 0};
    fds[1] = (struct pollfd){fleet->signal_fd, POLLIN, 0};
    for (size_t i = 0; i < fleet->count; i++) {
        if (fleet->children[i].fd < 0)
            continue;
        fds[count] = (struct pollfd){fleet->children[i].fd, POLLIN, 0};
        owner[count++] = &fleet->children[i];
    }
    until_ns = earlier(earlier(until_ns, fleet->next_tick_ns), fleet->next_due_ns);
    until_ns = earlier(until_ns, turn_ns);
    millis = until_ns <= now ? 0 : (int)((until_ns - now) / OTL_NS_PER_MS) + 1;
    if (poll(fds, count, millis) < 0)
        return;
    if (fds[1].revents != 0)
        take_signals(fleet);
    for (nfds_t i = 2; i < count; i++)
        if (fds[i].revents != 0)
            listen_to(owner[i]);
    if (fds[0].revents != 0)
        take_exits(fleet);
}

enum otel_err hx_fleet_pump(struct hx_fleet *fleet, hx_condition_fn *condition, void *state,
                            uint64_t limit_ns, unsigned interrupts_allowed)
{
    uint64_t now = otl_clock_mono(otl_clock_real());
    uint64_t end = now + limit_ns;

    for (;;) {
        uint64_t turn_ns = fleet->turn ? fleet->turn(fleet->turn_state) : 0;
        if (condition(fleet, state))
            return OTEL_OK;
        if (fleet->interrupts > interrupts_allowed)
            return OTEL_ERR_CLOSED;
        if (now >= end)
            return OTEL_ERR_TIMEOUT;
        if (fleet->tick != NULL && fleet->next_tick_ns == 0)
            fleet->next_tick_ns = now + OTL_NS_PER_S;
        wait_once(fleet, end, turn_ns);
        now = otl_clock_mono(otl_clock_real());
        if (fleet->tick != NULL && now >= fleet->next_tick_ns) {
            fleet->next_tick_ns += OTL_NS_PER_S;
            if (fleet->next_tick_ns <= now)
                fleet->next_tick_ns = now + OTL_NS_PER_S;
            fleet->tick(fleet->tick_state);
        }
    }
}

void hx_fleet_stop(struct hx_fleet *fleet)
{
    if (fleet->guardian.fd >= 0) {
        take_exits(fleet);
        hx_guardian_stop(&fleet->guardian);
    }
    for (size_t i = 0; i < fleet->count; i++)
        close_channel(&fleet->children[i]);
    if (fleet->signal_fd >= 0) {
        close(fleet->signal_fd);
        block_signals(SIG_UNBLOCK); /* from here on Ctrl-C ends the program as usual */
    }
    fleet->signal_fd = -1;
}

void hx_fleet_fini(struct hx_fleet *fleet)
{
    hx_fleet_stop(fleet);
    for (size_t i = 0; i < fleet->count; i++) {
        otl_buf_fini(&fleet->children[i].input);
        json_decref(fleet->children[i].ready);
        json_decref(fleet->children[i].progress);
        json_decref(fleet->children[i].final);
        json_decref(fleet->children[i].marked);
        json_decref(fleet->children[i].marked_end);
        json_decref(fleet->children[i].acted);
        json_decref(fleet->children[i].membership);
        json_decref(fleet->children[i].places);
        json_decref(fleet->children[i].served);
    }
    fleet->count = 0;
}

const char *hx_child_exit_text(const struct hx_child *child, char *out, size_t size)
{
    if (!child->exited)
        snprintf(out, size, "killed at the end of the run");
    else if (child->exit.signal != 0)
        snprintf(out, size, "killed by signal %d", child->exit.signal);
    else
        snprintf(out, size, "exit %d", child->exit.code);
    return out;
}
