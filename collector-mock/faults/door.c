/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/faults/door.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "sdk/base/mem.h"

enum { BACKLOG = 8 };

struct col_door {
    struct event_base *base;
    struct col_faults *faults;
    struct sockaddr_un address;
    struct event *knock;
    struct event *rested;        /* while nobody is let in, for want of a descriptor */
    int fd;                      /* -1: none */
    bool ours;                   /* the name in the file system */
    struct col_control *control; /* NULL: nobody has come yet */
    int guest;                   /* its descriptor */
};

/* ---- who comes ---- */

static void show_out(struct col_door *door)
{
    if (door->control == NULL)
        return;
    col_control_free(door->control);
    close(door->guest);
    door->control = NULL;
}

static void turn_away(int fd, const char *why)
{
    char line[400];
    int len = snprintf(line, sizeof(line), "{\"event\":\"fault\",\"text\":\"%s\"}\n", why);

    (void)!send(fd, line, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
}

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    event_add(((struct col_door *)arg)->knock, NULL);
}

/* Whoever cannot be let in knocks on: nobody listens for a while. */
static void rest(struct col_door *door)
{
    static const struct timeval second = {1, 0};

    if (event_add(door->rested, &second) == 0)
        event_del(door->knock);
}

static void on_knock(evutil_socket_t listener, short what, void *arg)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_door *door = arg;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    (void)what;
    if (fd < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            rest(door);
        return;
    }
    if (door->control != NULL && !col_control_is_over(door->control)) {
        turn_away(fd, "somebody else has the channel");
        return;
    }
    show_out(door);
    if (col_control_new(door->base, fd, door->faults, &door->control, &detail) != OTEL_OK) {
        door->control = NULL;
        turn_away(fd, "out of memory");
        return;
    }
    door->guest = fd;
}

/* ---- the socket ---- */

static enum otel_err wrong(const struct col_door *door, const char *why, struct otl_detail *reterr)
{
    return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "--control %s: %s",
                          door->address.sun_path, why);
}

/* Left behind by one that was killed. */
static bool is_stale(const struct col_door *door)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct stat info;
    bool refused;

    if (fd < 0)
        return false;
    refused = connect(fd, (const struct sockaddr *)(const void *)&door->address,
                      sizeof(door->address)) != 0 &&
              errno == ECONNREFUSED;
    close(fd);
    return refused && lstat(door->address.sun_path, &info) == 0 && S_ISSOCK(info.st_mode);
}

static bool take_name(struct col_door *door)
{
    const struct sockaddr *address = (const struct sockaddr *)(const void *)&door->address;

    if (bind(door->fd, address, sizeof(door->address)) == 0)
        return true;
    if (errno != EADDRINUSE)
        return false;
    if (!is_stale(door)) {
        errno = EADDRINUSE;
        return false;
    }
    return unlink(door->address.sun_path) == 0 &&
           bind(door->fd, address, sizeof(door->address)) == 0;
}

/* Nobody can connect before listen(), so that the mode is in time. */
static enum otel_err open_door(struct col_door *door, struct otl_detail *reterr)
{
    door->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (door->fd < 0)
        return wrong(door, strerror(errno), reterr);
    door->ours = take_name(door);
    if (!door->ours || chmod(door->address.sun_path, 0600) != 0 || listen(door->fd, BACKLOG) != 0)
        return wrong(door, strerror(errno), reterr);
    door->knock = event_new(door->base, door->fd, EV_READ | EV_PERSIST, on_knock, door);
    door->rested = event_new(door->base, -1, 0, on_rested, door);
    if (door->knock == NULL || door->rested == NULL || event_add(door->knock, NULL) != 0)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    return OTEL_OK;
}

/* ---- life ---- */

enum otel_err col_door_new(struct event_base *base, const char *path, struct col_faults *faults,
                           struct col_door **ret, struct otl_detail *reterr)
{
    const size_t most = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
    struct col_door *door;
    enum otel_err err;

    if (path[0] == '\0')
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "--control: an empty path");
    if (strlen(path) > most)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "--control: a path of %zu bytes; of a socket it has at most %zu",
                              strlen(path), most);
    door = otl_mem_zalloc(sizeof(*door));
    if (door == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    door->base = base;
    door->faults = faults;
    door->fd = -1;
    door->address.sun_family = AF_UNIX;
    snprintf(door->address.sun_path, sizeof(door->address.sun_path), "%s", path);
    err = open_door(door, reterr);
    if (err == OTEL_OK)
        *ret = door;
    else
        col_door_free(door);
    return err;
}

void col_door_free(struct col_door *door)
{
    if (door == NULL)
        return;
    show_out(door);
    if (door->knock != NULL)
        event_free(door->knock);
    if (door->rested != NULL)
        event_free(door->rested);
    if (door->fd >= 0)
        close(door->fd);
    if (door->ours)
        unlink(door->address.sun_path);
    otl_mem_free(door);
}
