/* SPDX-License-Identifier: Apache-2.0 */
/* json: report.json as it is, held against its schema on the way. */
#include <stdlib.h>

#include "reports/formats.h"
#include "reports/model.h"

void rep_render_json(const struct rep_model *model, const struct rep_plots *plots,
                     const struct rep_render_options *options, struct rep_out *out)
{
    char *text;

    (void)plots;
    (void)options;
    if (model->text != NULL) {
        rep_putn(out, model->text, model->text_len);
        return;
    }
    text = json_dumps(model->root, JSON_INDENT(1));
    if (text != NULL)
        rep_put(out, text);
    else if (out->err == OTEL_OK)
        out->err = OTEL_ERR_MEMORY;
    free(text);
}
