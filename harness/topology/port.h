/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TOPOLOGY_PORT_H
#define HX_TOPOLOGY_PORT_H

#include <stdint.h>

#include <otel/err.h>

#include "sdk/base/detail.h"

/*
 * A port of 127.0.0.1 that is kept for a program which is not there yet, or not all the time.
 *
 * It is bound and never listened on: nobody else is given it, a connection to it is refused, and
 * the program that it is for may still bind it with SO_REUSEADDR and listen.
 *
 * Life      held until the descriptor is closed.
 * Errors    OTEL_ERR_IO with "NAME: no port can be held: " and why.
 */
OTEL_MUST_USE enum otel_err hx_port_hold(const char *name, int *ret_fd, uint16_t *ret_port,
                                         struct otl_detail *reterr);

#endif
