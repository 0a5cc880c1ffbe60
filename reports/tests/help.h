/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REP_TESTS_HELP_H
#define REP_TESTS_HELP_H

#include <stdbool.h>
#include <stddef.h>

#include "reports/model.h"
#include "reports/render.h"

/* What the tests of reports/ share. Failures end the test (cmocka). */

/* reports/tests/fixtures/NAME.json as a model of the run directory dir. */
struct rep_model *help_fixture(const char *name, const char *dir);
/* One format of the model; free with otl_mem_free(). */
char *help_render(const struct rep_model *model, const char *format,
                  const struct rep_render_options *options);
/* The whole file, or NULL when there is none; free with otl_mem_free(). */
char *help_read(const char *dir, const char *name);
bool help_exists(const char *dir, const char *name);
void help_write(const char *dir, const char *name, const char *text, unsigned mode);
/* A new private directory with report.json of the fixture in it (name NULL: empty). */
void help_run_dir(char *path, size_t size, const char *name);
void help_remove(const char *dir);
/* NULL if text is well-formed markup (tags nest, attributes are quoted, references are known),
 * else what is wrong; html: void elements need no end, a doctype may stand first. */
const char *help_markup_problem(const char *text, bool html);

#endif
