/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TEST_THREADED_H
#define OTL_TEST_THREADED_H

#include "sdk/tests/fake_exporter.h"
#include "sdk/tests/rig.h"

/* What tests of threads and of forks share: a batch processor, and a thread that makes spans. */

enum { THREADED_SPANS = 2000 };

/* For pthread_create, arg a rig: THREADED_SPANS spans with a child each. */
void *threaded_spans(void *arg);
/* The rig's provider with a batch processor of so long a queue. */
void threaded_start_batch(struct rig *rig, struct fake *fake, size_t queue);

#endif
