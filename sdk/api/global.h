/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_API_GLOBAL_H
#define OTL_API_GLOBAL_H

/*
 * The lock of the global slots (tracer provider, propagator, ConfigProvider): it orders "read and
 * ref" against "replace and unref", which is done after the unlocking.
 *
 * Threads   any. A fork takes the lock along: the child does not inherit it from a thread that it
 *           does not have.
 */

void otl_global_lock(void);
/* For a writer: forks are followed from the first one on. */
void otl_global_lock_to_set(void);
void otl_global_unlock(void);

#endif
