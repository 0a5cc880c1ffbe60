/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/faults/control.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <jansson.h>

#include "sdk/base/mem.h"

enum { LINE_MAX_BYTES = 64 * 1024, LAST_WORDS_MILLIS = 1000 };

struct col_control {
    struct bufferevent *stream;
    struct col_faults *faults;
    int fd;
    bool over; /* no further command will come */
};

static void say(struct col_control *control, json_t *message)
{
    char *line = message ? json_dumps(message, JSON_COMPACT) : NULL;

    if (line != NULL) {
        bufferevent_write(control->stream, line, strlen(line));
        bufferevent_write(control->stream, "\n", 1);
    }
    free(line);
    json_decref(message);
}

static void on_ended(void *arg, const struct col_fault_plan *fault,
                     const struct col_fault_deeds *deeds)
{
    say(arg, json_pack("{s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I}", "event", "acted", "id",
                       (json_int_t)fault->id, "kind", col_fault_word(fault->kind), "requests",
                       (json_int_t)deeds->requests, "spans", (json_int_t)deeds->spans,
                       "connections", (json_int_t)deeds->connections, "began_mono_ns",
                       (json_int_t)deeds->began_mono_ns, "ended_mono_ns",
                       (json_int_t)deeds->ended_mono_ns));
}

static uint64_t number(const json_t *message, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(message, key));

    return value > 0 ? (uint64_t)value : 0;
}

/* The settings of a plan, and what the runner writes: numbers with their unit, 0 for none. */
static const struct otl_schema command[] = {
    {.key = "do", .type = OTL_SCHEMA_STRING},
    {.key = "id", .type = OTL_SCHEMA_UINT},
    {.key = "kind", .type = OTL_SCHEMA_ENUM, .words = col_fault_words, .required = true},
    {.key = "seed", .type = OTL_SCHEMA_UINT},
    {.key = "delay_ns", .type = OTL_SCHEMA_UINT},
    {.key = "retry_after_s", .type = OTL_SCHEMA_UINT},
    {.key = "for_ns", .type = OTL_SCHEMA_UINT},
    COL_FAULT_ROWS,
    OTL_SCHEMA_END};
static const struct otl_schema row[] = {
    {.type = OTL_SCHEMA_MAP, .child = command, .what = "a command"}};

/* KEY_UNIT: number as KEY: text, so that one reader knows them. */
static bool spell(json_t *message, const char *from, const char *to, const char *unit)
{
    const json_t *value = json_object_get(message, from);
    char text[40];

    if (value == NULL)
        return true;
    snprintf(text, sizeof(text), "%" PRIu64 "%s", number(message, from), unit);
    if (number(message, from) != 0 &&
        json_object_set_new(message, to, json_string(text)) != 0)
        return false;
    return json_object_del(message, from) == 0;
}

static enum otel_err read_command(json_t *message, struct col_fault_plan *ret,
                                  struct otl_detail *reterr)
{
    struct otl_yaml *doc = NULL;
    const json_t *root;
    enum otel_err err;

    if (number(message, "status") == 0)
        json_object_del(message, "status");
    if (!spell(message, "delay_ns", "delay", "ns") || !spell(message, "for_ns", "for", "ns") ||
        !spell(message, "retry_after_s", "retry_after", "s"))
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    err = otl_yaml_from_tree(message, "command", &doc, reterr);
    if (err == OTEL_OK)
        err = otl_schema_check(doc, row, reterr);
    if (err == OTEL_OK) {
        root = otl_yaml_root(doc);
        ret->id = (uint32_t)number(root, "id");
        ret->seed = number(root, "seed");
        err = col_fault_read(doc, root, otl_yaml_container_pos(doc, root), "kind", ret, reterr);
    }
    otl_yaml_free(doc);
    return err;
}

static enum otel_err obey(struct col_control *control, json_t *message, struct otl_detail *reterr)
{
    const char *verb = json_string_value(json_object_get(message, "do"));
    struct col_fault_plan fault = {.id = 0};
    enum otel_err err;

    if (verb != NULL && strcmp(verb, "end") == 0)
        return col_faults_end(control->faults, (uint32_t)number(message, "id"))
                   ? OTEL_OK
                   : otl_detail_set(reterr, OTEL_ERR_NOT_FOUND, NULL, 0, 0,
                                    "no fault %" PRIu64 " is under way", number(message, "id"));
    if (verb == NULL || strcmp(verb, "fault") != 0)
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0,
                              "a command is an object with \"do\":\"fault\" or \"end\"");
    err = read_command(message, &fault, reterr);
    return err == OTEL_OK ? col_faults_begin(control->faults, &fault, reterr) : err;
}

static void on_read(struct bufferevent *stream, void *arg)
{
    struct col_control *control = arg;
    struct evbuffer *input = bufferevent_get_input(stream);
    char *line;
    size_t len;

    while ((line = evbuffer_readln(input, &len, EVBUFFER_EOL_LF)) != NULL) {
        json_t *message = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
        struct otl_detail detail = OTL_DETAIL_NONE;
        if (obey(control, message, &detail) != OTEL_OK)
            say(control, json_pack("{s:s, s:s}", "event", "fault", "text", detail.text));
        json_decref(message);
        free(line);
    }
    if (evbuffer_get_length(input) < LINE_MAX_BYTES)
        return;
    bufferevent_disable(stream, EV_READ);
    control->over = true;
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
    struct col_control *control = arg;

    bufferevent_disable(stream, (what & BEV_EVENT_EOF) != 0 ? EV_READ : EV_READ | EV_WRITE);
    control->over = true;
}

bool col_control_is_over(const struct col_control *control)
{
    return control->over;
}

enum otel_err col_control_new(struct event_base *base, int fd, struct col_faults *faults,
                              struct col_control **ret, struct otl_detail *reterr)
{
    struct col_control *control = otl_mem_zalloc(sizeof(*control));

    if (control == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    control->fd = fd;
    control->faults = faults;
    if (fcntl(fd, F_GETFD) < 0 || evutil_make_socket_nonblocking(fd) != 0) {
        otl_mem_free(control);
        return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "--control-fd %d: %s", fd,
                              strerror(errno));
    }
    control->stream = bufferevent_socket_new(base, fd, 0);
    if (control->stream == NULL) {
        otl_mem_free(control);
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    }
    bufferevent_setcb(control->stream, on_read, NULL, on_event, control);
    bufferevent_setwatermark(control->stream, EV_READ, 0, LINE_MAX_BYTES);
    bufferevent_enable(control->stream, EV_READ | EV_WRITE);
    col_faults_on_end(faults, on_ended, control);
    *ret = control;
    return OTEL_OK;
}

/* The last lines, while nobody runs the loop any more. */
static void finish_writing(struct col_control *control)
{
    struct evbuffer *output = bufferevent_get_output(control->stream);

    bufferevent_disable(control->stream, EV_WRITE);
    evbuffer_unfreeze(output, 1);
    while (evbuffer_get_length(output) > 0) {
        struct pollfd room = {control->fd, POLLOUT, 0};
        if (poll(&room, 1, LAST_WORDS_MILLIS) <= 0 || (room.revents & (POLLERR | POLLHUP)) != 0 ||
            evbuffer_write(output, control->fd) < 0)
            return;
    }
}

void col_control_free(struct col_control *control)
{
    if (control == NULL)
        return;
    col_faults_on_end(control->faults, NULL, NULL);
    finish_writing(control);
    bufferevent_free(control->stream);
    otl_mem_free(control);
}
