/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/bench/polite.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "collector-mock/bench/stream.h"

enum { HEAD = 9, PREFIX = 5, PAYLOAD_MAX = 16384, FIRST_WINDOW = 65535 };
enum frame_type {
    DATA = 0,
    HEADERS = 1,
    RST_STREAM = 3,
    SETTINGS = 4,
    PING = 6,
    GOAWAY = 7,
    WINDOW_UPDATE = 8
};
enum { ACK = 1, END_STREAM = 1, INITIAL_WINDOW_SIZE = 4 };

static uint32_t word_of(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static size_t length_of(const unsigned char *head)
{
    return (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
}

int polite_greet(struct polite *polite, int fd)
{
    static const char hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";

    *polite = (struct polite){
        .fd = fd, .initial = FIRST_WINDOW, .connection = FIRST_WINDOW, .stream = FIRST_WINDOW};
    return stream_send_whole(fd, hello, sizeof(hello) - 1);
}

static int take_settings(struct polite *polite, const unsigned char *payload, size_t len)
{
    static const unsigned char ack[HEAD] = {0, 0, 0, SETTINGS, ACK};

    for (size_t at = 0; at + 6 <= len; at += 6) {
        if (payload[at] != 0 || payload[at + 1] != INITIAL_WINDOW_SIZE)
            continue;
        polite->stream += (int64_t)word_of(payload + at + 2) - polite->initial;
        polite->initial = word_of(payload + at + 2);
    }
    return stream_send_whole(polite->fd, ack, sizeof(ack));
}

static int failed(const char *why)
{
    fprintf(stderr, "gRPC: the peer %s\n", why);
    return 0;
}

/* One frame of the peer, and the answer that it asks for. */
static int take_frame(struct polite *polite)
{
    unsigned char head[HEAD], payload[PAYLOAD_MAX];
    size_t len;

    if (recv(polite->fd, head, sizeof(head), MSG_WAITALL) != sizeof(head))
        return failed("has closed the connection");
    len = length_of(head);
    if (len > sizeof(payload) ||
        (len > 0 && recv(polite->fd, payload, len, MSG_WAITALL) != (ssize_t)len))
        return failed("sent half a frame, or one too large");
    if (head[3] == SETTINGS && (head[4] & ACK) == 0)
        return take_settings(polite, payload, len);
    if (head[3] == PING && (head[4] & ACK) == 0) {
        head[4] = ACK;
        return stream_send_whole(polite->fd, head, sizeof(head)) &&
               stream_send_whole(polite->fd, payload, len);
    }
    if (head[3] == WINDOW_UPDATE && len == 4)
        *(word_of(head + 5) == 0 ? &polite->connection : &polite->stream) += word_of(payload);
    if (head[3] == DATA && len >= PREFIX) /* an error comes without a message */
        polite->messages++;
    if (head[3] == HEADERS && (head[4] & END_STREAM) != 0)
        polite->ended = 1;
    if (head[3] == RST_STREAM || head[3] == GOAWAY)
        return failed(head[3] == GOAWAY ? "sent GOAWAY" : "sent RST_STREAM");
    return 1;
}

int polite_exchange(struct polite *polite, char *frames, size_t len, uint32_t number)
{
    const uint8_t id[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
                           (uint8_t)(number >> 8), (uint8_t)number};

    polite->stream = polite->initial;
    polite->messages = polite->ended = 0;
    for (size_t at = 0; at < len;) {
        const unsigned char *head = (const unsigned char *)frames + at;
        size_t part = length_of(head);
        memcpy(frames + at + 5, id, sizeof(id));
        if (head[3] == DATA) {
            while (polite->connection < (int64_t)part || polite->stream < (int64_t)part)
                if (!take_frame(polite))
                    return 0;
            polite->connection -= (int64_t)part;
            polite->stream -= (int64_t)part;
        }
        if (!stream_send_whole(polite->fd, frames + at, HEAD + part))
            return 0;
        at += HEAD + part;
    }
    while (!polite->ended)
        if (!take_frame(polite))
            return 0;
    return polite->messages == 1 ? 1 : failed("answered without a message: an error");
}
