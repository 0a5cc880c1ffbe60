/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "collector-mock/config/config.h"
#include "collector-mock/config/lint.h"
#include "sdk/base/mem.h"

/*
 * Any text as a configuration: taken, or refused with a message. The first byte says for which
 * version of the Collector ('A': the latest), the others are the text. It is loaded, read on to
 * its end, and looked at by lint, strict and lenient. Nothing is bound; lint reads what files of
 * certificates the text names.
 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each side of what changed; the first is the latest. */
static const unsigned versions[] = {0,   85,  102, 105, 110, 125, 129,
                                    139, 143, 152, 155, 157, 158};
enum { COUNT = sizeof(versions) / sizeof(versions[0]) }; /* 'A' is a multiple of it */

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

/* Each component that passes is made, too; every finding says something. */
static void look_at(struct col_config_options options, bool lenient)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_findings *findings = otl_mem_zalloc(sizeof(*findings));

    if (findings == NULL)
        abort();
    options.lenient = lenient;
    if (col_lint(&options, findings, &detail) != OTEL_OK && detail.text[0] == '\0')
        abort();
    for (size_t i = 0; i < findings->count; i++)
        if (findings->items[i].detail.text[0] == '\0')
            abort();
    otl_mem_free(findings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t version = size > 0 ? (size_t)data[0] % COUNT : 0;
    const struct col_config_options options = {.text = size > 1 ? (const char *)data + 1 : "",
                                               .text_len = size > 1 ? size - 1 : 0,
                                               .source = "fuzz.yaml",
                                               .as_version = versions[version]};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_config *config = NULL;

    if (col_config_load(&options, &config, &detail) == OTEL_OK) {
        if (config->pipeline_count == 0)
            abort();
        col_config_free(config);
    } else if (detail.text[0] == '\0') {
        abort();
    }
    for (unsigned lenient = 0; lenient < 2; lenient++) {
        report_all(options, lenient != 0);
        look_at(options, lenient != 0);
    }
    return 0;
}
