/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REP_FORMATS_H
#define REP_FORMATS_H

#include "reports/render.h"

/* One renderer a folder; see struct rep_renderer for what they promise. */

void rep_render_html(const struct rep_model *model, const struct rep_plots *plots,
                     const struct rep_render_options *options, struct rep_out *out);
void rep_render_json(const struct rep_model *model, const struct rep_plots *plots,
                     const struct rep_render_options *options, struct rep_out *out);
void rep_render_junit(const struct rep_model *model, const struct rep_plots *plots,
                      const struct rep_render_options *options, struct rep_out *out);
void rep_render_markdown(const struct rep_model *model, const struct rep_plots *plots,
                         const struct rep_render_options *options, struct rep_out *out);
void rep_render_text(const struct rep_model *model, const struct rep_plots *plots,
                     const struct rep_render_options *options, struct rep_out *out);

#endif
