/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as report.json: refused by the schema, or drawn in every format without a fault. */
#include <stdint.h>
#include <stdlib.h>

#include "reports/model.h"
#include "reports/plot/plot.h"
#include "reports/render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct rep_plots none = {.count = 0};
    json_t *root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    struct rep_render_options options = {.colour = true, .columns = 60};
    struct rep_model *model = NULL;

    if (root == NULL || rep_model_take(root, "runs/x", &model, NULL) != OTEL_OK)
        return 0;
    for (const struct rep_renderer *r = rep_renderers; r->format != NULL; r++) {
        struct rep_out out;
        rep_out_init(&out);
        r->render(model, &none, &options, &out);
        if (out.err != OTEL_OK)
            abort();
        rep_out_fini(&out);
    }
    rep_model_free(model);
    return 0;
}
