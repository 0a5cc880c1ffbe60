/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/bench/crowd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 64, READ_SIZE = 16384, WAIT_MS = 60000, FRAME_HEAD = 9 };

/* What has come of an answer. */
struct answer {
    char head[512]; /* HTTP: all of it; gRPC: the head of the frame at hand */
    size_t len;
    size_t skip;    /* gRPC: payload of the frame at hand that is still to come */
    int data;       /* gRPC: messages */
    int last;       /* gRPC: the frame at hand ends it */
};

struct member {
    int fd;
    char *bytes;     /* the request */
    size_t sent;     /* of it */
    unsigned number; /* of the next request of the connection, from 0 */
    int left;        /* requests, with the one under way */
    struct answer answer;
};

struct crowd {
    const struct stream *stream;
    struct member *members;
    int count, epoll;
    int under_way, most, done; /* connections; done: with all their requests */
};

struct crowd *crowd_new(const int *fds, int count, const struct stream *stream)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));

    if (crowd == NULL || (crowd->members = calloc((size_t)count, sizeof(*crowd->members))) == NULL)
        stream_die("memory");
    crowd->stream = stream;
    crowd->count = count;
    crowd->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < count; i++) {
        struct member *member = &crowd->members[i];
        struct epoll_event event = {.events = 0, .data.ptr = member};
        member->fd = fds[i];
        member->bytes = malloc(stream->bytes.len);
        if (member->bytes == NULL)
            stream_die("memory");
        memcpy(member->bytes, stream->bytes.data, stream->bytes.len);
        if (fcntl(fds[i], F_SETFL, O_NONBLOCK) != 0 ||
            epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, fds[i], &event) != 0)
            stream_die("epoll");
    }
    return crowd;
}

void crowd_free(struct crowd *crowd)
{
    for (int i = 0; i < crowd->count; i++)
        free(crowd->members[i].bytes);
    close(crowd->epoll);
    free(crowd->members);
    free(crowd);
}

static void wait_for(struct crowd *crowd, struct member *member, unsigned events)
{
    struct epoll_event event = {.events = events, .data.ptr = member};

    if (epoll_ctl(crowd->epoll, EPOLL_CTL_MOD, member->fd, &event) != 0)
        stream_die("epoll");
}

/* 0: it cannot be sent. */
static int send_more(struct crowd *crowd, struct member *member)
{
    size_t len = crowd->stream->bytes.len;

    while (member->sent < len) {
        ssize_t n = send(member->fd, member->bytes + member->sent, len - member->sent,
                         MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN;
        member->sent += (size_t)n;
    }
    wait_for(crowd, member, EPOLLIN);
    return 1;
}

static int begin(struct crowd *crowd, struct member *member)
{
    if (crowd->stream->grpc)
        stream_number(member->bytes, crowd->stream->bytes.len, 2 * member->number + 1);
    member->number++;
    member->sent = 0;
    member->answer = (struct answer){.len = 0};
    crowd->under_way++;
    crowd->most = crowd->under_way > crowd->most ? crowd->under_way : crowd->most;
    wait_for(crowd, member, EPOLLIN | EPOLLOUT);
    return send_more(crowd, member);
}

enum verdict { WRONG, MORE, WHOLE };

/* An answer without a body; nothing comes behind it. */
static enum verdict read_http(struct answer *answer, const char *bytes, size_t len)
{
    if (len > sizeof(answer->head) - answer->len)
        return WRONG;
    memcpy(answer->head + answer->len, bytes, len);
    answer->len += len;
    if (answer->len < 12 || memcmp(answer->head + answer->len - 4, "\r\n\r\n", 4) != 0)
        return MORE;
    return memcmp(answer->head, "HTTP/1.1 200", 12) == 0 ? WHOLE : WRONG;
}

/* The head of a frame is there. */
static int read_head(struct answer *answer)
{
    const unsigned char *head = (const unsigned char *)answer->head;

    answer->len = 0;
    answer->skip = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
    answer->data += head[3] == 0 && answer->skip == 5;
    answer->last = head[3] == 1 && (head[4] & 1) != 0;
    return head[3] != 3 && head[3] != 7; /* RST_STREAM, GOAWAY */
}

/* Frames until the one that ends the stream; success is an answer in three parts. */
static enum verdict read_grpc(struct answer *answer, const char *bytes, size_t len)
{
    enum verdict verdict = MORE;

    while (len > 0) {
        size_t part = answer->skip > 0 ? answer->skip : FRAME_HEAD - answer->len;
        part = part < len ? part : len;
        if (answer->skip > 0) {
            answer->skip -= part;
        } else {
            memcpy(answer->head + answer->len, bytes, part);
            answer->len += part;
            if (answer->len == FRAME_HEAD && !read_head(answer))
                return WRONG;
        }
        bytes += part;
        len -= part;
        if (answer->last && answer->skip == 0 && answer->len == 0) {
            verdict = answer->data == 1 ? WHOLE : WRONG;
            answer->last = 0;
        }
    }
    return verdict;
}

/* 0: not answered with success. */
static int receive_more(struct crowd *crowd, struct member *member)
{
    char bytes[READ_SIZE];
    ssize_t n = recv(member->fd, bytes, sizeof(bytes), 0);
    enum verdict verdict;

    if (n <= 0)
        return n < 0 && errno == EAGAIN;
    verdict = crowd->stream->grpc ? read_grpc(&member->answer, bytes, (size_t)n)
                                  : read_http(&member->answer, bytes, (size_t)n);
    if (verdict != WHOLE)
        return verdict == MORE;
    crowd->under_way--;
    if (--member->left > 0)
        return begin(crowd, member);
    crowd->done++;
    wait_for(crowd, member, 0);
    return 1;
}

int crowd_send(struct crowd *crowd, int requests)
{
    struct epoll_event events[EVENTS];
    int good = 1;

    crowd->under_way = crowd->most = crowd->done = 0;
    for (int i = 0; i < crowd->count && good; i++) {
        crowd->members[i].left = requests;
        good = begin(crowd, &crowd->members[i]);
    }
    while (good && crowd->done < crowd->count) {
        int count = epoll_wait(crowd->epoll, events, EVENTS, WAIT_MS);
        if (count <= 0)
            good = count < 0 && errno == EINTR;
        for (int i = 0; i < count && good; i++) {
            struct member *member = events[i].data.ptr;
            if ((events[i].events & EPOLLOUT) != 0)
                good = send_more(crowd, member);
            if (good && (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
                good = receive_more(crowd, member);
        }
    }
    return good ? crowd->most : 0;
}
