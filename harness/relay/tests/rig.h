/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_RELAY_RIG_H
#define HX_RELAY_RIG_H

#include <event2/event.h>

#include "harness/ledger/reader.h"
#include "harness/relay/relay.h"

/*
 * A relay on a loop of the test's own, with the program and its callee played by plain sockets.
 *
 * Threads   one. Every wait is bounded and turns the loop.
 */

struct rig {
    char dir[64];
    struct hx_scenario *scenario;
    struct event_base *base;
    struct hx_relay *relay;
    int program;       /* listens where the program is to */
    int callee;
    uint16_t front, back;
    bool ready;
    unsigned idles;
    char fault[256];
};

/* extra: further keys of the service with the command, "max_in_flight: 1"; serve: the program
 * listens at once. */
void rig_init(struct rig *rig, const char *extra, bool serve);
/* The relay stops, its ledger can be read. */
void rig_stop(struct rig *rig);
void rig_fini(struct rig *rig);
void rig_serve(struct rig *rig);

void rig_turn(struct rig *rig);
int rig_connect(struct rig *rig, uint16_t port);
int rig_accept(struct rig *rig, int listener);
void rig_send(struct rig *rig, int fd, const char *text);
/* Exactly this arrives. */
void rig_expect(struct rig *rig, int fd, const char *text);
/* So many bytes arrive, within 5 s; returns how many. */
size_t rig_read(struct rig *rig, int fd, char *out, size_t len);
/* Up to the empty line, NUL-terminated. */
void rig_read_head(struct rig *rig, int fd, char *out, size_t size);
void rig_expect_end(struct rig *rig, int fd);
/* Nothing arrives for 50 ms. */
void rig_expect_silence(struct rig *rig, int fd);

/* The n-th row of this type, NULL when there are fewer; after rig_stop(). */
const struct hx_led_record *rig_row(struct rig *rig, struct hx_led_reader *reader,
                                    enum hx_led_type type, size_t n);

#endif
