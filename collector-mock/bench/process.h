/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_BENCH_PROCESS_H
#define COL_BENCH_PROCESS_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/*
 * A collector in a process of its own: ours from beside this program, or somebody else's.
 *
 * Life      start -> ready on return -> stop.
 * Errors    end the program with status 3.
 */

struct setup {
    const char *config;  /* written before */
    const char *tap;     /* NULL: none */
    const char *workers;
    const char *count;   /* NULL, or the file for callgrind's count of its instructions */
    const char *peer;    /* NULL, or somebody else's program that listens on peer_port */
    unsigned peer_port;
    int rotel, grpc;     /* the peer is Rotel, not a real Collector; by which protocol */
};

struct collector {
    pid_t pid;
    unsigned port;
    clockid_t cpu;
    int foreign;
};

void collector_start(struct collector *collector, const struct setup *setup);
/* CPU of its whole life: what tail sampling holds it decides at the end. */
uint64_t collector_stop(struct collector *collector);
uint64_t collector_cpu_ns(const struct collector *collector);
/* Of its busiest thread; 0: the system does not say. */
uint64_t collector_busiest_ns(const struct collector *collector);

/* Receivers of that protocol ("http", "grpc") on port (0: any), no exporter that costs anything. */
struct config {
    const char *protocol;
    unsigned port;
    int tail;         /* with tail sampling */
    int foreign;      /* for a real Collector: its own metrics are turned off */
    const char *file; /* NULL, or where a real Collector's file exporter writes what came */
};
void collector_config(const char *path, const struct config *config);
/* Whether a real Collector has everything that the configuration asks for. */
int collector_takes(const char *peer, const char *path);

/* Resident memory at its largest so far. */
uint64_t collector_peak_bytes(const struct collector *collector);

/* A port that is free now. */
unsigned collector_free_port(void);

#endif
