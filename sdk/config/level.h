/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_LEVEL_H
#define OTL_LEVEL_H

#include <otel/sdk/config.h>

/*
 * How much of the SDK's own reports an operator wants: OTEL_LOG_LEVEL, or log_level of a file.
 *
 * Threads   any.
 * Memory    static: reports may still come when the SDK is freed, from a thread that was left
 *           behind; so what stands before the program's function stays.
 * Limits    64 pairs of error and error_arg in a process; of further ones all reports are told.
 *
 * Numbers are severities of the log data model: trace 1, debug 5, info 9, warn 13, error 17, fatal
 * 21. A report is a warning (OTEL_OK) or an error; there are no others.
 */

enum {
    OTL_LEVEL_INFO = 9,
    OTL_LEVEL_WARN = 13,
    OTL_LEVEL_ERROR = 17,
    OTL_LEVEL_FATAL = 21,
    OTL_LEVEL_NONE = 25
};

/* Change error and error_arg so that reports below least are not told. */
void otl_level_apply(int least, struct otel_sdk_env_options *options);

#endif
