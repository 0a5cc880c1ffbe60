/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_NAMER_LOOK_H
#define HX_NAMER_LOOK_H

#include "harness/verify/namer/namer.h"

/* Inside of the namer: one look at a group's handlings, and the words for it. */

struct hx_slow { /* a long handling */
    const struct hx_handling *row;
    const struct hx_handling *again;     /* of the same message, later; NULL: none */
    const struct hx_handling *elsewhere; /* likewise, by another instance */
    bool storm;                          /* it began one */
};

struct hx_look {
    const struct hx_handlings *handlings;
    uint16_t group;
    uint64_t until_ns;
    uint64_t slow_ns;
    size_t handled;
    size_t instances;   /* that handled something */
    struct hx_slow *slow;
    size_t slow_count;
};

/* It runs a version that nobody else runs, and the others all run one. */
bool hx_look_alone(const struct hx_look *look, const struct hx_finding *finding,
                   uint16_t instance);

/* reason, evidence and symptom_s of what was chosen. */
void hx_look_tell(const struct hx_look *look, struct hx_finding *finding);

#endif
