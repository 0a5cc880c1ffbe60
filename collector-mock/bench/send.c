/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector-mock/bench/polite.h"
#include "collector-mock/bench/stream.h"

struct sender {
    unsigned port;
    const struct stream *stream;
    unsigned number;
    int failed;
};

int stream_connect(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        stream_die("connect");
    return fd;
}

int stream_send_whole(int fd, const void *data, size_t len)
{
    ssize_t sent = 0;

    for (size_t done = 0; done < len && sent >= 0; done += (size_t)sent)
        sent = send(fd, (const char *)data + done, len - done, MSG_NOSIGNAL);
    return sent >= 0;
}

/* bytes is this sender's own copy. */
static void renew_ids(char *bytes, const struct stream *stream, unsigned sender, unsigned number)
{
    const uint32_t words[2] = {sender, number / 2};

    for (size_t i = 0; i < stream->id_count; i++)
        memcpy(bytes + stream->ids[i], words, sizeof(words));
}

static int exchange_http(int fd, const char *bytes, size_t len)
{
    char answer[512];

    return stream_send_whole(fd, bytes, len) &&
           recv(fd, answer, sizeof(answer), 0) >= 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0;
}

/* Frames until the one that ends the stream; success is an answer in three parts. */
static int read_grpc_answer(int fd)
{
    int data = 0;

    for (;;) {
        unsigned char head[9], payload[16384];
        size_t len;
        if (recv(fd, head, sizeof(head), MSG_WAITALL) != sizeof(head))
            return 0;
        len = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        if (len > sizeof(payload) ||
            (len > 0 && recv(fd, payload, len, MSG_WAITALL) != (ssize_t)len))
            return 0;
        data += head[3] == 0 && len == 5;
        if (head[3] == 3 || head[3] == 7) /* RST_STREAM, GOAWAY */
            return 0;
        if (head[3] == 1 && (head[4] & 1) != 0)
            return data == 1;
    }
}

void stream_number(char *frames, size_t len, unsigned number)
{
    for (size_t at = 0; at < len;) {
        const unsigned char *head = (unsigned char *)frames + at;
        frames[at + 5] = (char)(number >> 24);
        frames[at + 6] = (char)(number >> 16);
        frames[at + 7] = (char)(number >> 8);
        frames[at + 8] = (char)number;
        at += 9 + ((size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2]);
    }
}

/* frames is this sender's own copy. */
static int exchange_grpc(int fd, char *frames, size_t len, unsigned number)
{
    stream_number(frames, len, number);
    return stream_send_whole(fd, frames, len) && read_grpc_answer(fd);
}

int stream_greet(int fd, const struct stream *stream)
{
    /* the server's own SETTINGS, which open its windows, are acknowledged as well */
    static const char hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
                                "\0\0\0\4\1\0\0\0\0";

    return !stream->grpc || stream_send_whole(fd, hello, sizeof(hello) - 1);
}

int stream_exchange(int fd, const struct stream *stream, char *bytes, unsigned number)
{
    return stream->grpc ? exchange_grpc(fd, bytes, stream->bytes.len, 2 * number + 1)
                        : exchange_http(fd, bytes, stream->bytes.len);
}

static void *send_all(void *arg)
{
    struct sender *sender = arg;
    const struct stream *stream = sender->stream;
    int fd = stream_connect(sender->port);
    char *frames = malloc(stream->bytes.len);
    struct polite polite;

    sender->failed = frames == NULL;
    if (!sender->failed)
        memcpy(frames, stream->bytes.data, stream->bytes.len);
    if (!sender->failed)
        sender->failed =
            stream->polite ? !polite_greet(&polite, fd) : !stream_greet(fd, stream);
    for (int i = 0; i < stream->requests / STREAM_CONNECTIONS && !sender->failed; i++) {
        renew_ids(frames, stream, sender->number, (unsigned)i);
        sender->failed = stream->polite ? !polite_exchange(&polite, frames, stream->bytes.len,
                                                           2 * (unsigned)i + 1)
                                        : !stream_exchange(fd, stream, frames, (unsigned)i);
    }
    close(fd);
    free(frames);
    return NULL;
}

void stream_send(const struct stream *stream, unsigned port)
{
    struct sender senders[STREAM_CONNECTIONS];
    pthread_t threads[STREAM_CONNECTIONS];

    for (unsigned i = 0; i < STREAM_CONNECTIONS; i++) {
        senders[i] = (struct sender){port, stream, i, 0};
        if (pthread_create(&threads[i], NULL, send_all, &senders[i]) != 0)
            stream_die("thread");
    }
    for (int i = 0; i < STREAM_CONNECTIONS; i++) {
        pthread_join(threads[i], NULL);
        if (senders[i].failed)
            stream_die("sending");
    }
}
