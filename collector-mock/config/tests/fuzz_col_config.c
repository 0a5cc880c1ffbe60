/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "collector-mock/config/config.h"
#include "sdk/base/mem.h"

/* Any text as a configuration: taken, or refused with a message. Nothing is opened or bound. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The look that goes on after each mistake. */
static void report_all(struct col_config_options options, bool lenient)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_config *config = NULL;

    options.findings = otl_mem_zalloc(sizeof(*options.findings));
    options.lenient = lenient;
    options.all = true;
    if (options.findings == NULL)
        abort();
    if (col_config_load(&options, &config, &detail) == OTEL_OK)
        col_config_free(config);
    else if (detail.text[0] == '\0')
        abort();
    otl_mem_free(options.findings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct col_config_options options = {
        .text = size > 0 ? (const char *)data : "", .text_len = size, .source = "fuzz.yaml"};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_config *config = NULL;

    if (col_config_load(&options, &config, &detail) == OTEL_OK) {
        if (config->pipeline_count == 0)
            abort();
        col_config_free(config);
    } else if (detail.text[0] == '\0') {
        abort();
    }
    report_all(options, false);
    report_all(options, true);
    return 0;
}
