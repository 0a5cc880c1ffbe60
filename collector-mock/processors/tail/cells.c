/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/tail/cells.h"

#include <string.h>
#include <sys/mman.h>

#include "sdk/base/mem.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

enum { ALIGN = 8, HEAD = 64 };

struct col_tail_cell {
    struct col_tail_cell *next, *previous; /* spare: next alone */
    uint8_t *memory; /* begins with a pointer to this */
    uint32_t used, live;
};

static size_t round_up(size_t size)
{
    return (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static struct col_tail_cell *cell_of(const void *memory)
{
    uintptr_t start = (uintptr_t)memory & ~(uintptr_t)(COL_TAIL_CELL_BYTES - 1);

    return *(struct col_tail_cell **)start;
}

/* ---- cells ---- */

static uint8_t *map(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return at != MAP_FAILED ? at : NULL;
}

/* Aligned to its size, so that it can be one page. */
static uint8_t *map_cell(void)
{
    const size_t size = COL_TAIL_CELL_BYTES;
    uint8_t *at = map(size);
    size_t before;

    if (at != NULL && ((uintptr_t)at & (size - 1)) != 0) {
        munmap(at, size);
        at = map(2 * size);
        before = at != NULL ? (size_t)(-(uintptr_t)at & (size - 1)) : 0;
        if (before > 0)
            munmap(at, before);
        if (at != NULL)
            munmap(at + before + size, size - before);
        at = at != NULL ? at + before : NULL;
    }
    if (at != NULL)
        (void)madvise(at, size, MADV_HUGEPAGE); /* where it cannot be, in small ones */
    return at;
}

static void unmap(struct col_tail_cell *cell)
{
    ASAN_UNPOISON_MEMORY_REGION(cell->memory, COL_TAIL_CELL_BYTES);
    munmap(cell->memory, COL_TAIL_CELL_BYTES);
    otl_mem_free(cell);
}

static struct col_tail_cell *new_cell(void)
{
    struct col_tail_cell *cell = otl_mem_alloc(sizeof(*cell));

    if (cell == NULL)
        return NULL;
    cell->memory = map_cell();
    if (cell->memory == NULL) {
        otl_mem_free(cell);
        return NULL;
    }
    memcpy(cell->memory, &cell, sizeof(cell));
    ASAN_POISON_MEMORY_REGION(cell->memory + HEAD, COL_TAIL_CELL_BYTES - HEAD);
    return cell;
}

/* The one that was open stays for what lives in it. */
static bool open_cell(struct col_tail_cells *cells)
{
    struct col_tail_cell *cell = cells->spare;

    if (cell != NULL) {
        cells->spare = cell->next;
        cells->spare_count--;
    } else {
        cell = new_cell();
    }
    if (cell == NULL)
        return false;
    cell->used = HEAD;
    cell->live = 0;
    cell->previous = NULL;
    cell->next = cells->all;
    if (cell->next != NULL)
        cell->next->previous = cell;
    cells->all = cells->open = cell;
    cells->count++;
    return true;
}

static void close_cell(struct col_tail_cells *cells, struct col_tail_cell *cell)
{
    *(cell->previous != NULL ? &cell->previous->next : &cells->all) = cell->next;
    if (cell->next != NULL)
        cell->next->previous = cell->previous;
    cells->count--;
    if (cells->settled > cells->count)
        cells->settled = cells->count;
    if (cells->spare_count == COL_TAIL_CELLS_SLACK) {
        unmap(cell);
        return;
    }
    cell->next = cells->spare;
    cells->spare = cell;
    cells->spare_count++;
}

/* ---- what lies in them ---- */

void *col_tail_cells_alloc(struct col_tail_cells *cells, size_t size)
{
    struct col_tail_cell *cell = cells->open;
    size_t rounded = round_up(size);
    uint8_t *at;

    if (size > COL_TAIL_CELL_SHARE)
        return otl_mem_alloc(size);
    if (cell == NULL || cell->used + rounded > COL_TAIL_CELL_BYTES) {
        if (!open_cell(cells))
            return NULL;
        cell = cells->open;
    }
    at = cell->memory + cell->used;
    ASAN_UNPOISON_MEMORY_REGION(at, size);
    cell->used += (uint32_t)rounded;
    cell->live += (uint32_t)rounded;
    cells->live += rounded;
    return at;
}

void col_tail_cells_free(struct col_tail_cells *cells, void *memory, size_t size)
{
    size_t rounded = round_up(size);
    struct col_tail_cell *cell;

    if (size > COL_TAIL_CELL_SHARE) {
        otl_mem_free(memory);
        return;
    }
    cell = cell_of(memory);
    ASAN_POISON_MEMORY_REGION(memory, rounded);
    if ((uint8_t *)memory + rounded == cell->memory + cell->used)
        cell->used -= (uint32_t)rounded; /* the last one: its room is used again */
    cell->live -= (uint32_t)rounded;
    cells->live -= rounded;
    if (cell->live > 0)
        return;
    if (cell == cells->open)
        cell->used = HEAD;
    else
        close_cell(cells, cell);
}

void col_tail_cells_fini(struct col_tail_cells *cells)
{
    struct col_tail_cell *lists[] = {cells->all, cells->spare}, *next;

    for (size_t i = 0; i < 2; i++)
        for (struct col_tail_cell *cell = lists[i]; cell != NULL; cell = next) {
            next = cell->next;
            unmap(cell);
        }
    memset(cells, 0, sizeof(*cells));
}

uint64_t col_tail_cells_mapped(const struct col_tail_cells *cells)
{
    return ((uint64_t)cells->count + cells->spare_count) * COL_TAIL_CELL_BYTES;
}

/* ---- holes ---- */

bool col_tail_cells_sparse(struct col_tail_cells *cells)
{
    uint64_t slack = (uint64_t)COL_TAIL_CELLS_SLACK * COL_TAIL_CELL_BYTES;

    if (cells->count <= cells->settled ||
        (uint64_t)cells->count * COL_TAIL_CELL_BYTES <= cells->live / 2 * 3 + slack)
        return false;
    cells->settled = cells->count;
    return true;
}

bool col_tail_cell_thin(const struct col_tail_cells *cells, const void *memory, size_t size)
{
    const struct col_tail_cell *cell;

    if (size > COL_TAIL_CELL_SHARE)
        return false;
    cell = cell_of(memory);
    return cell != cells->open && cell->live < COL_TAIL_CELL_BYTES / 4 * 3;
}
