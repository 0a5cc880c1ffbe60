/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/arms.h"

#include <stddef.h>

const struct hx_arm hx_arms[HX_ARMS] = {
    [HX_ARM_NONE] = {"none", "no tracing", .sdk = false},
    [HX_ARM_NONE_AGAIN] = {"none_again", "no tracing, again", .sdk = false},
    [HX_ARM_INJECTED] = {"injected", "no tracing, a known cost", .injected = true},
    [HX_ARM_API] = {"api", "API without SDK", .api = true},
    [HX_ARM_NOT_SAMPLED] = {"not_sampled", "SDK, nothing sampled", .api = true, .sdk = true},
    [HX_ARM_SIMPLE] = {"simple", "sampled, simple processor", .api = true, .sdk = true,
                       .sampled = true, .simple = true},
    [HX_ARM_SIMPLE_SLOW] = {"simple_slow", "simple, collector slow", .api = true, .sdk = true,
                            .sampled = true, .simple = true, .collector = HX_COLLECTOR_SLOW},
    [HX_ARM_SIMPLE_DOWN] = {"simple_down", "simple, collector down", .api = true, .sdk = true,
                            .sampled = true, .simple = true, .collector = HX_COLLECTOR_DOWN},
    [HX_ARM_BATCH] = {"batch", "sampled, batch processor", .api = true, .sdk = true,
                      .sampled = true},
    [HX_ARM_BATCH_SLOW] = {"batch_slow", "batch, collector slow", .api = true, .sdk = true,
                           .sampled = true, .collector = HX_COLLECTOR_SLOW},
    [HX_ARM_BATCH_DOWN] = {"batch_down", "batch, collector down", .api = true, .sdk = true,
                           .sampled = true, .collector = HX_COLLECTOR_DOWN},
    [HX_ARM_BATCH_INJECTED] = {"batch_injected", "batch, a known cost", .api = true, .sdk = true,
                               .sampled = true, .injected = true},
};

const char *const hx_arm_words[HX_ARMS - 1] = {
    "api",   "not_sampled", "simple",     "simple_slow", "simple_down",
    "batch", "batch_slow",  "batch_down", "injected",    "batch_injected", NULL};
