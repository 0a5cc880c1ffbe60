/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_PROGRAM_H
#define HX_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The program of a command, and why it cannot be one.
 *
 * Threads   the environment is read: not while another thread changes it.
 * Limits    paths of 4096 bytes.
 */

enum { HX_PROGRAM_PATH = 4096, HX_PROGRAM_WHY = 512 };

/* Its path; what has no '/' is looked up in PATH. False: why, such as "there is no program 'x'". */
bool hx_program_find(const char *name, char ret_path[HX_PROGRAM_PATH],
                     char ret_why[HX_PROGRAM_WHY]);

/* For one that could not be started: " (its first line asks for '/bin/x')", or "". */
const char *hx_program_hint(const char *path, char ret_hint[HX_PROGRAM_WHY]);

#endif
