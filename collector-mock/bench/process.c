/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/bench/process.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector-mock/bench/stream.h"
#include "sdk/base/clock.h"

enum { PEER_READY_TRIES = 3000 }; /* of 10 ms */

static void program(char *out, size_t size)
{
    char self[1024];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (len <= 0)
        stream_die("/proc/self/exe");
    self[len] = '\0';
    for (int i = 0; i < 2; i++)
        *strrchr(self, '/') = '\0';
    snprintf(out, size, "%s/bin/collector-mock", self);
}

static void start_ours(struct collector *collector, const struct setup *setup)
{
    char path[1100], fd[16], log_option[600], line[512] = "";
    const char *colon;
    int pipes[2];

    program(path, sizeof(path));
    if (pipe(pipes) != 0)
        stream_die("pipe");
    snprintf(fd, sizeof(fd), "%d", pipes[1]);
    collector->pid = fork();
    if (collector->pid == 0) {
        const char *argv[] = {"valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                              log_option, path, "--config", setup->config, "--workers",
                              setup->workers, "--ready-fd", fd, setup->tap ? "--tap" : NULL,
                              setup->tap, NULL};
        char *const *args = (char *const *)(uintptr_t)(argv + (setup->count == NULL ? 4 : 0));
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(pipes[0]);
        snprintf(log_option, sizeof(log_option), "--log-file=%s", setup->count ? setup->count : "");
        execvp(args[0], args);
        _exit(127);
    }
    close(pipes[1]);
    if (collector->pid < 0 || read(pipes[0], line, sizeof(line) - 1) <= 0)
        stream_die("collector-mock");
    close(pipes[0]);
    colon = strrchr(line, ':');
    collector->port = colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
}

/* Rotel has no configuration file, and listens on both ports whatever is asked of it. */
static void become_peer(const struct setup *setup)
{
    char port[32], other[32];

    if (!setup->rotel) {
        execl(setup->peer, setup->peer, "--config", setup->config, NULL);
        return;
    }
    setenv("RUST_LOG", "error", 1);
    snprintf(port, sizeof(port), "127.0.0.1:%u", setup->peer_port);
    snprintf(other, sizeof(other), "127.0.0.1:%u", collector_free_port());
    execl(setup->peer, setup->peer, "start", "--exporter", "blackhole", "--otlp-grpc-endpoint",
          setup->grpc ? port : other, "--otlp-http-endpoint", setup->grpc ? other : port, NULL);
}

/* Ready is who accepts a connection. */
static void start_peer(struct collector *collector, const struct setup *setup)
{
    const struct timespec pause = {0, 10 * 1000 * 1000};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)setup->peer_port)};
    int fd = -1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    collector->port = setup->peer_port;
    collector->pid = fork();
    if (collector->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        become_peer(setup);
        _exit(127);
    }
    for (int i = 0; i < PEER_READY_TRIES; i++) {
        int status;
        if (collector->pid < 0 || waitpid(collector->pid, &status, WNOHANG) != 0)
            stream_die(setup->peer);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
            break;
        close(fd);
        fd = -1;
        nanosleep(&pause, NULL);
    }
    if (fd < 0)
        stream_die("the peer does not listen");
    close(fd);
}

void collector_start(struct collector *collector, const struct setup *setup)
{
    collector->foreign = setup->peer != NULL;
    if (collector->foreign)
        start_peer(collector, setup);
    else
        start_ours(collector, setup);
    if (clock_getcpuclockid(collector->pid, &collector->cpu) != 0)
        stream_die("CPU clock of the collector");
}

uint64_t collector_stop(struct collector *collector)
{
    struct rusage usage;
    int status;

    kill(collector->pid, SIGTERM);
    if (wait4(collector->pid, &status, 0, &usage) < 0 || (status != 0 && !collector->foreign))
        stream_die("collector-mock did not end well");
    return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * OTL_NS_PER_S +
           ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * 1000;
}

uint64_t collector_cpu_ns(const struct collector *collector)
{
    struct timespec ts;

    if (clock_gettime(collector->cpu, &ts) != 0)
        stream_die("CPU clock of the collector");
    return (uint64_t)ts.tv_sec * OTL_NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t collector_busiest_ns(const struct collector *collector)
{
    char path[300];
    uint64_t most = 0;
    struct dirent *entry;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)collector->pid);
    dir = opendir(path);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        unsigned long long ns = 0;
        FILE *file;
        snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)collector->pid,
                 entry->d_name);
        file = entry->d_name[0] != '.' ? fopen(path, "re") : NULL;
        if (file != NULL && fscanf(file, "%llu", &ns) == 1 && ns > most)
            most = ns;
        if (file != NULL)
            fclose(file);
    }
    if (dir != NULL)
        closedir(dir);
    return most;
}

uint64_t collector_peak_bytes(const struct collector *collector)
{
    unsigned long long kib = 0;
    char path[64], line[256];
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)collector->pid);
    file = fopen(path, "re");
    while (file != NULL && kib == 0 && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = strtoull(line + 6, NULL, 10);
    if (file == NULL || fclose(file) != 0 || kib == 0)
        stream_die(path);
    return kib * 1024;
}

static const char tail_sampling[] =
    "processors:\n"
    "  tail_sampling:\n"
    "    decision_wait: 10s\n"
    "    num_traces: 1000000\n"
    "    policies:\n"
    "      - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}\n"
    "      - {name: slow, type: latency, latency: {threshold_ms: 1000}}\n"
    "      - {name: gold, type: string_attribute, string_attribute: {key: tier, values: [gold]}}\n"
    "      - {name: base, type: probabilistic, probabilistic: {sampling_percentage: 10}}\n";

void collector_config(const char *path, const struct config *config)
{
    FILE *file = fopen(path, "we");
    char exporter[128] = "nop: ";

    if (file == NULL)
        stream_die(path);
    if (config->file != NULL)
        snprintf(exporter, sizeof(exporter), "file: {path: '%s', format: proto}", config->file);
    fprintf(file,
            "receivers: {otlp: {protocols: {%s: {endpoint: '127.0.0.1:%u'}}}}\n"
            "exporters: {%s}\n"
            "%s"
            "service:\n"
            "  pipelines: {traces: {receivers: [otlp], %s exporters: [%s]}}\n"
            "  telemetry: {logs: {level: error}%s}\n",
            config->protocol, config->port, exporter, config->tail ? tail_sampling : "",
            config->tail ? "processors: [tail_sampling]," : "",
            config->file != NULL ? "file" : "nop",
            config->foreign ? ", metrics: {level: none}" : "");
    if (fclose(file) != 0)
        stream_die(path);
}

int collector_takes(const char *peer, const char *path)
{
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        execl(peer, peer, "validate", "--config", path, NULL);
        _exit(127);
    }
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

unsigned collector_free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        stream_die("no port");
    close(fd);
    return ntohs(address.sin_port);
}
