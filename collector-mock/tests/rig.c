/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/tests/rig.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sdk/base/clock.h"
#include "sdk/base/file.h"

enum { ARGUMENTS_MAX = 16 };

void rig_init(struct rig *rig)
{
    const char *tmp = getenv("TMPDIR");

    memset(rig, 0, sizeof(*rig));
    snprintf(rig->dir, sizeof(rig->dir), "%s/col.XXXXXX",
             tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
    assert_non_null(mkdtemp(rig->dir));
    snprintf(rig->config, sizeof(rig->config), "%s/config.yaml", rig->dir);
    snprintf(rig->tap, sizeof(rig->tap), "%s/tap.bin", rig->dir);
    snprintf(rig->log, sizeof(rig->log), "%s/log", rig->dir);
    snprintf(rig->record, sizeof(rig->record), "%s/faults.jsonl", rig->dir);
}

/* The next "DIR/" that begins a path; NULL: there is none. One within a path is a part of the name
 * that a directory was given by chance. */
static const char *next_mark(const char *yaml)
{
    for (const char *at = yaml; (at = strstr(at, "DIR/")) != NULL; at += 3)
        if (at == yaml || strchr(" '\"", at[-1]) != NULL)
            return at;
    return NULL;
}

static void write_text(const struct rig *rig, const char *path, const char *yaml)
{
    struct otl_buf text;
    const char *at;

    otl_buf_init(&text, 1 << 20);
    while ((at = next_mark(yaml)) != NULL) {
        assert_int_equal(otl_buf_append(&text, yaml, (size_t)(at - yaml)), OTEL_OK);
        assert_int_equal(otl_buf_append_str(&text, rig->dir), OTEL_OK);
        yaml = at + 3;
    }
    assert_int_equal(otl_buf_append_str(&text, yaml), OTEL_OK);
    assert_int_equal(otl_file_write(path, text.data, text.len, NULL), OTEL_OK);
    otl_buf_fini(&text);
}

int rig_setup(void **state)
{
    static struct rig rig;

    rig_init(&rig);
    *state = &rig;
    return 0;
}

int rig_teardown(void **state)
{
    rig_fini(*state);
    return 0;
}

void rig_config(struct rig *rig, const char *yaml)
{
    write_text(rig, rig->config, yaml);
}

/* build/MODE/tests/x -> build/MODE/bin/collector-mock */
static void program(char *out, size_t size)
{
    char self[1024];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;

    assert_true(len > 0);
    self[len] = '\0';
    for (int i = 0; i < 2; i++) {
        slash = strrchr(self, '/');
        assert_non_null(slash);
        *slash = '\0';
    }
    snprintf(out, size, "%s/bin/collector-mock", self);
}

static void spawn(struct rig *rig, const char *const *arguments)
{
    char path[1100];
    char *argv[ARGUMENTS_MAX];
    int count = 1;

    program(path, sizeof(path));
    argv[0] = path;
    while (arguments[count - 1] != NULL && count < ARGUMENTS_MAX - 1) {
        argv[count] = (char *)(uintptr_t)arguments[count - 1];
        count++;
    }
    argv[count] = NULL;
    rig->pid = fork();
    assert_true(rig->pid >= 0);
    if (rig->pid == 0) {
        const struct rlimit limit = {rig->file_limit, rig->file_limit};
        int fd = open(rig->log, O_WRONLY | O_CREAT | O_APPEND, 0644);
        if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
            _exit(126);
        if (rig->file_limit != 0 && setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(126);
        execv(path, argv);
        _exit(127);
    }
}

static bool wait_readable(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};

    return poll(&p, 1, RIG_WAIT_MS) == 1;
}

static void show_log(const struct rig *rig)
{
    struct otl_buf text;

    otl_buf_init(&text, 1 << 20);
    if (otl_file_read(rig->log, &text, NULL) == OTEL_OK && text.data != NULL)
        print_message("%s", text.data);
    otl_buf_fini(&text);
}

void rig_start(struct rig *rig, const char *extra)
{
    const char *arguments[] = {"--config", rig->config,  "--tap", rig->tap,
                               "--ready-fd", NULL, extra,
                               extra ? rig->more : NULL, NULL};
    char number[16];
    size_t len = 0;
    int pipes[2];

    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(fcntl(pipes[0], F_SETFD, FD_CLOEXEC), 0);
    snprintf(number, sizeof(number), "%d", pipes[1]);
    arguments[5] = number;
    spawn(rig, arguments);
    close(pipes[1]);
    while (len == 0 || rig->ready[len - 1] != '\n') {
        ssize_t got = -1;
        if (wait_readable(pipes[0]))
            got = read(pipes[0], rig->ready + len, sizeof(rig->ready) - 1 - len);
        if (got <= 0) {
            show_log(rig);
            fail_msg("the collector did not become ready");
        }
        len += (size_t)got;
    }
    rig->ready[len] = '\0';
    close(pipes[0]);
}

void rig_start_faults(struct rig *rig, const char *plan, unsigned active)
{
    char path[128], option[160], record[160];

    snprintf(path, sizeof(path), "%s/plan.yaml", rig->dir);
    snprintf(option, sizeof(option), "--faults=%s", path);
    snprintf(record, sizeof(record), "--fault-record=%s", rig->record);
    write_text(rig, path, plan);
    unlink(rig->record);
    rig->more = record;
    rig_start(rig, option);
    rig->more = NULL;
    if (active > 0)
        rig_metric_until(rig, "collector_mock_faults_active", active);
}

void rig_start_control(struct rig *rig)
{
    char option[40], record[160];
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_int_equal(fcntl(pair[0], F_SETFD, FD_CLOEXEC), 0);
    snprintf(option, sizeof(option), "--control-fd=%d", pair[1]);
    snprintf(record, sizeof(record), "--fault-record=%s", rig->record);
    unlink(rig->record);
    rig->more = record;
    rig_start(rig, option);
    rig->more = NULL;
    close(pair[1]);
    rig->control = pair[0];
}

void rig_command(struct rig *rig, const char *line)
{
    rig_send(rig->control, line, strlen(line));
    rig_send(rig->control, "\n", 1);
}

const char *rig_reply(struct rig *rig, char *out, size_t size)
{
    size_t len = 0;

    while (len + 1 < size) {
        assert_true(wait_readable(rig->control));
        assert_int_equal(recv(rig->control, out + len, 1, 0), 1);
        if (out[len] == '\n')
            break;
        len++;
    }
    out[len] = '\0';
    return out;
}

int rig_wait(struct rig *rig)
{
    int status = 0, pidfd_waits = RIG_WAIT_MS / 10;
    pid_t got;

    while ((got = waitpid(rig->pid, &status, WNOHANG)) == 0 && pidfd_waits-- > 0)
        poll(NULL, 0, 10); /* bounded wait for the end of a process */
    if (got == 0) {
        show_log(rig);
        rig_kill(rig);
        fail_msg("the collector did not end");
    }
    rig->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int rig_run(struct rig *rig, const char *const *arguments)
{
    spawn(rig, arguments);
    return rig_wait(rig);
}

int rig_stop(struct rig *rig)
{
    assert_int_equal(kill(rig->pid, SIGTERM), 0);
    return rig_wait(rig);
}

void rig_kill(struct rig *rig)
{
    if (rig->pid > 0) {
        kill(rig->pid, SIGKILL);
        waitpid(rig->pid, NULL, 0);
    }
    rig->pid = 0;
}

void rig_fini(struct rig *rig)
{
    struct dirent *entry;
    char path[512];
    DIR *dir;

    rig_kill(rig);
    if (rig->control > 0)
        close(rig->control);
    rig->control = 0;
    dir = opendir(rig->dir);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        snprintf(path, sizeof(path), "%s/%s", rig->dir, entry->d_name);
        unlink(path);
    }
    if (dir != NULL)
        closedir(dir);
    rmdir(rig->dir);
}

unsigned rig_port(const struct rig *rig, const char *name)
{
    char key[80];
    const char *at;

    snprintf(key, sizeof(key), "\"%s\":\"", name);
    at = strstr(rig->ready, key);
    assert_non_null(at);
    at = strchr(at + strlen(key), ':');
    assert_non_null(at);
    return (unsigned)strtoul(at + 1, NULL, 10);
}

int rig_connect(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

void rig_send(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the peer closed: the answer tells why */
        at += sent;
        len -= (size_t)sent;
    }
}

/* How many bytes of an answer are still to come; 1: one at least, and it is not known yet. */
static size_t missing(const struct otl_buf *out)
{
    const char *end = out->len > 0 ? strstr(out->data, "\r\n\r\n") : NULL;
    const char *length = out->len > 0 ? strstr(out->data, "Content-Length: ") : NULL;
    size_t whole;

    if (end != NULL && strncmp(out->data, "HTTP/1.1 204", 12) == 0)
        return 0;
    if (end == NULL || length == NULL || length > end)
        return 1;
    whole = (size_t)(end - out->data) + 4 + strtoul(length + 16, NULL, 10);
    return out->len < whole ? whole - out->len : 0;
}

unsigned rig_answer(int fd, struct otl_buf *out)
{
    size_t wanted;

    otl_buf_reset(out);
    while ((wanted = missing(out)) > 0) {
        ssize_t got;
        assert_true(wait_readable(fd));
        assert_int_equal(otl_buf_reserve(out, wanted + 4096), OTEL_OK);
        /* no more than belongs to it, so that a second answer is left in the socket */
        got = recv(fd, out->data + out->len, wanted, 0);
        if (got <= 0)
            break;
        out->len += (size_t)got;
        out->data[out->len] = '\0';
        if (out->len == 25 && strncmp(out->data, "HTTP/1.1 100 Continue\r\n\r\n", 25) == 0)
            otl_buf_reset(out);
    }
    if (out->len < 12 || strncmp(out->data, "HTTP/1.1 ", 9) != 0)
        return 0;
    return (unsigned)strtoul(out->data + 9, NULL, 10);
}

bool rig_closed(int fd)
{
    char byte;

    return wait_readable(fd) && recv(fd, &byte, 1, 0) <= 0;
}

static void begin(int fd, const char *path, const char *headers, struct otl_view body)
{
    char head[1024];
    int len = snprintf(head, sizeof(head),
                       "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n%s\r\n", path,
                       body.len, headers);

    rig_send(fd, head, (size_t)len);
    rig_send(fd, body.data, body.len);
}

void rig_begin(int fd, const char *type, const char *headers, struct otl_view body)
{
    char lines[900];

    snprintf(lines, sizeof(lines), "Content-Type: %s\r\n%s", type, headers);
    begin(fd, "/v1/traces", lines, body);
}

unsigned rig_post(int fd, const char *headers, struct otl_view body, struct otl_buf *out)
{
    struct otl_buf own;
    unsigned status;

    otl_buf_init(&own, 1 << 20);
    rig_begin(fd, "application/x-protobuf", headers, body);
    status = rig_answer(fd, out ? out : &own);
    otl_buf_fini(&own);
    return status;
}

void rig_read(const char *path, struct otl_buf *out)
{
    struct otl_detail detail = OTL_DETAIL_NONE;

    otl_buf_init(out, 256u << 20);
    if (otl_file_read(path, out, &detail) != OTEL_OK)
        fail_msg("%s: %s", path, detail.text);
    assert_int_equal(otl_buf_append(out, "", 0), OTEL_OK);
}

unsigned rig_post_to(int fd, const char *path, const char *headers, struct otl_view body,
                     struct otl_buf *out)
{
    begin(fd, path, headers, body);
    return rig_answer(fd, out);
}

unsigned rig_post_json(int fd, const char *path, struct otl_view body)
{
    struct otl_buf answer;
    unsigned status;

    otl_buf_init(&answer, 1 << 20);
    status = rig_post_to(fd, path, "Content-Type: application/json\r\n", body, &answer);
    if (status != 200)
        print_message("%s", answer.data);
    otl_buf_fini(&answer);
    return status;
}

void rig_official(const char *name, struct otl_buf *out)
{
    char path[256];

    snprintf(path, sizeof(path), "ci/witness/official/%s.bin", name);
    rig_read(path, out);
}

void rig_metrics(const struct rig *rig, struct otl_buf *out)
{
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    int fd = rig_connect(rig_port(rig, "metrics"));
    ssize_t got = 1;

    otl_buf_init(out, 1 << 20);
    rig_send(fd, request, sizeof(request) - 1);
    while (got > 0) { /* to its end: it is long, and asked for often */
        assert_true(wait_readable(fd));
        assert_int_equal(otl_buf_reserve(out, 65536), OTEL_OK);
        got = recv(fd, out->data + out->len, 65536, 0);
        out->len += got > 0 ? (size_t)got : 0;
    }
    close(fd);
    assert_true(out->len > 12 && memcmp(out->data, "HTTP/1.1 200", 12) == 0);
    out->data[out->len] = '\0';
}

double rig_metric_in(const struct otl_buf *metrics, const char *series)
{
    char key[256];
    const char *at;

    snprintf(key, sizeof(key), "\n%s ", series);
    at = strstr(metrics->data, key);
    return at != NULL ? strtod(at + strlen(key), NULL) : -1;
}

double rig_metric(const struct rig *rig, const char *series)
{
    struct otl_buf metrics;
    double value;

    rig_metrics(rig, &metrics);
    value = rig_metric_in(&metrics, series);
    otl_buf_fini(&metrics);
    return value;
}

void rig_metric_until(const struct rig *rig, const char *series, double value)
{
    uint64_t end = otl_clock_mono(otl_clock_real()) + RIG_WAIT_MS * OTL_NS_PER_MS;

    while (rig_metric(rig, series) < value)
        if (otl_clock_mono(otl_clock_real()) > end)
            fail_msg("%s has not become %g", series, value);
}

size_t rig_recorded_as(const struct rig *rig, const char *event, const char *text)
{
    struct otl_buf record;
    size_t count = 0;
    char start[40];
    int len = snprintf(start, sizeof(start), "{\"event\":\"%s\",", event);

    rig_read(rig->record, &record);
    for (char *line = record.data, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        count += strncmp(line, start, (size_t)len) == 0 && strstr(line, text) != NULL;
    }
    otl_buf_fini(&record);
    return count;
}

size_t rig_recorded(const struct rig *rig, const char *text)
{
    return rig_recorded_as(rig, "hit", text);
}
