/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_TAIL_CELLS_H
#define COL_PROCESSORS_TAIL_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sdk/base/detail.h"

/*
 * Memory for what arrives in a stream and leaves in about the same order: cells of 2 MiB, each of
 * which the kernel may give as one page, filled from front to end. A cell is given back when
 * nothing in it lives any more.
 *
 * Not for what stays: a few long lives keep whole cells. Whoever owns the pieces looks whether
 * col_tail_cells_sparse(), and moves what col_tail_cell_thin() says into fresh cells.
 *
 * Life      zeros -> alloc, free... -> fini (after everything was freed).
 * Threads   one owner.
 * Memory    what lives rounded up to 8 bytes, holes of half as much before the cells are sparse,
 *           and COL_TAIL_CELLS_SLACK cells. What is larger than COL_TAIL_CELL_SHARE is the heap's.
 */

enum {
    COL_TAIL_CELL_BYTES = 2 << 20,
    COL_TAIL_CELL_SHARE = COL_TAIL_CELL_BYTES / 16,
    COL_TAIL_CELLS_SLACK = 4
};

struct col_tail_cell;

struct col_tail_cells {
    struct col_tail_cell *all;  /* that are in use */
    struct col_tail_cell *open; /* of these: the one that is being filled */
    struct col_tail_cell *spare;
    uint32_t count, spare_count;
    uint32_t settled; /* count when they were last found sparse */
    uint64_t live;    /* bytes in cells */
};

/* NULL: no memory. */
void *col_tail_cells_alloc(struct col_tail_cells *cells, size_t size);
/* With the size it was asked for by. */
void col_tail_cells_free(struct col_tail_cells *cells, void *memory, size_t size);
void col_tail_cells_fini(struct col_tail_cells *cells);
/* Bytes taken from the system for cells. */
uint64_t col_tail_cells_mapped(const struct col_tail_cells *cells);

/* There are more holes than there may be. True once; again when cells have been added since. */
bool col_tail_cells_sparse(struct col_tail_cells *cells);
/* This lies where more than a quarter is holes: copied elsewhere and freed, it helps. */
bool col_tail_cell_thin(const struct col_tail_cells *cells, const void *memory, size_t size);

#endif
