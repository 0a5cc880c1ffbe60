/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small service without any SDK, as somebody else's program in tests of the relay: GET /health,
 * and any other request is answered 200 after it was passed on to the service of PLAIN_CALLS
 * ("ACQUIRER POST /authorize") and to the topic of PLAIN_WRITES ("ORDER_CREATED"), one thread a
 * connection. Messages of PLAIN_READS ("ORDER_CREATED") are treated like requests.
 *
 * PLAIN_MODE   healthy (default): traceparent, tracestate, baggage and tracerig-request go along
 *              drop: no traceparent goes along    alter: another trace id
 *              silent: no tracerig-request goes along
 *              exit, hang, fork: at the start     deaf: SIGTERM is ignored
 *              leave: exit 0 at the first request or message
 *              stall: requests are read and never answered
 *              garbage: its calls are no HTTP
 *              mute: its offsets are not committed
 */
#include "harness/foreign/plain.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_SIZE = PLAIN_HEAD_SIZE, BODY_MAX = 1024 * 1024 };

static const char *mode = "healthy";

bool plain_is_mode(const char *word)
{
    return strcmp(mode, word) == 0;
}

static bool send_all(int fd, const char *data, size_t len)
{
    for (ssize_t put; len > 0; data += put, len -= (size_t)put)
        if ((put = send(fd, data, len, MSG_NOSIGNAL)) <= 0)
            return false;
    return true;
}

/* Up to the empty line; what came behind it stays in data. Returns the head's length, 0 at the
 * end. */
static size_t read_head(int fd, char *data, size_t *len)
{
    for (;;) {
        char *end = NULL;
        ssize_t got;
        data[*len] = '\0';
        if ((end = strstr(data, "\r\n\r\n")) != NULL)
            return (size_t)(end + 4 - data);
        if (*len + 1 >= HEAD_SIZE || (got = recv(fd, data + *len, HEAD_SIZE - 1 - *len, 0)) <= 0)
            return 0;
        *len += (size_t)got;
    }
}

/* The value of a header, NUL-terminated; "" when it is not there. */
static const char *header(const char *head, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);

    out[0] = '\0';
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, len) != 0 || line[len] != ':')
            continue;
        line += len + 1;
        line += strspn(line, " ");
        snprintf(out, size, "%.*s", (int)strcspn(line, "\r"), line);
        break;
    }
    return out;
}

static bool skip_body(int fd, char *data, size_t *len, size_t head_len)
{
    char text[32], block[4096];
    size_t body = strtoul(header(data, "content-length", text, sizeof(text)), NULL, 10);
    size_t there = *len - head_len;

    if (body > BODY_MAX)
        return false;
    if (there >= body) {
        memmove(data, data + head_len + body, there - body);
        *len = there - body;
        return true;
    }
    for (size_t left = body - there; left > 0;) {
        ssize_t got = recv(fd, block, left < sizeof(block) ? left : sizeof(block), 0);
        if (got <= 0)
            return false;
        left -= (size_t)got;
    }
    *len = 0;
    return true;
}

static void add_header(char *out, size_t size, const char *name, const char *value)
{
    size_t at = strlen(out);

    if (value[0] != '\0')
        snprintf(out + at, size - at, "%s: %s\r\n", name, value);
}

void plain_headers(const char *head, char *out, size_t size)
{
    static const char *const names[] = {"tracestate", "baggage", "x-order-id"};
    char value[4096];

    out[0] = '\0';
    header(head, "traceparent", value, sizeof(value));
    if (plain_is_mode("alter") && strlen(value) == 55)
        memcpy(value + 3, "0123456789abcdef", 16);
    if (!plain_is_mode("drop"))
        add_header(out, size, "traceparent", value);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        add_header(out, size, names[i], header(head, names[i], value, sizeof(value)));
    if (!plain_is_mode("silent"))
        add_header(out, size, "Tracerig-Request",
                   header(head, "tracerig-request", value, sizeof(value)));
}

/* "ACQUIRER POST /authorize" at http://127.0.0.1:PORT; the answer's status, 0 = none. */
static int call(const char *what, const char *head)
{
    char name[64], method[16], path[256], variable[96], headers[8192], request[12 * 1024];
    char answer[HEAD_SIZE];
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *url, *colon;
    size_t len = 0;
    int fd, status = 0;

    if (sscanf(what, "%63s %15s %255s", name, method, path) != 3)
        return 0;
    snprintf(variable, sizeof(variable), "TRACERIG_URL_%s", name);
    url = getenv(variable);
    colon = url ? strrchr(url, ':') : NULL;
    if (colon == NULL)
        return 0;
    address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    plain_headers(head, headers, sizeof(headers));
    snprintf(request, sizeof(request), "%s %s%s\r\nHost: %s\r\nContent-Length: 2\r\n%s\r\n{}",
             method, path, plain_is_mode("garbage") ? "" : " HTTP/1.1", url + 7, headers);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
        send_all(fd, request, strlen(request)) && read_head(fd, answer, &len) > 0)
        status = (int)strtol(answer + 9, NULL, 10);
    if (fd >= 0)
        close(fd);
    return status;
}

int plain_pass_on(const char *head)
{
    const char *calls = getenv("PLAIN_CALLS"), *writes = getenv("PLAIN_WRITES");
    int status = 200;

    if (plain_is_mode("leave"))
        exit(0);
    if (calls != NULL)
        status = call(calls, head);
    if (writes != NULL && !plain_publish(writes, head))
        status = 503;
    return status;
}

static void *serve(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char data[HEAD_SIZE], answer[128];
    size_t len = 0, head_len;

    while ((head_len = read_head(fd, data, &len)) > 0) {
        int status = 200;
        if (plain_is_mode("stall")) {
            if (!skip_body(fd, data, &len, head_len))
                break;
            continue;
        }
        if (strncmp(data, "GET /health", 11) != 0)
            status = plain_pass_on(data);
        snprintf(answer, sizeof(answer), "HTTP/1.1 %d %s\r\nContent-Length: 3\r\n\r\nok\n",
                 status == 200 ? 200 : 502, status == 200 ? "OK" : "Bad Gateway");
        if (!skip_body(fd, data, &len, head_len) || !send_all(fd, answer, strlen(answer)))
            break;
    }
    close(fd);
    return NULL;
}

static int start_badly(void)
{
    if (plain_is_mode("exit")) {
        fprintf(stderr, "no licence found\n");
        return 7;
    }
    if (plain_is_mode("fork")) {
        if (fork() != 0 || setsid() < 0 || fork() != 0)
            return 0;
        pause();
    }
    if (plain_is_mode("hang"))
        pause();
    return -1;
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    const char *port = getenv("PORT");
    int on = 1, listener, fd, status;
    pthread_t thread;

    if (getenv("PLAIN_MODE") != NULL)
        mode = getenv("PLAIN_MODE");
    status = start_badly();
    if (status >= 0)
        return status;
    if (plain_is_mode("deaf"))
        signal(SIGTERM, SIG_IGN);
    if (port == NULL)
        return 2;
    if (getenv("PLAIN_READS") != NULL && pthread_create(&thread, NULL, plain_read, NULL) != 0)
        return 1;
    address.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, 128) != 0) {
        perror("cannot serve PORT");
        return 1;
    }
    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0)
            pthread_detach(thread);
        else
            close(fd);
    return 1;
}
