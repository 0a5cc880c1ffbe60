/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "reports/render.h"

int main(int argc, char **argv)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    char text[900];
    if (argc == 2) {
        enum otel_err err = rep_render_all(argv[1], &detail);
        puts(otl_detail_format(&detail, text, sizeof(text)));
        return err != OTEL_OK;
    }
    if (argc == 3) {
        struct rep_render_options options;
        struct rep_out out;
        rep_render_options_for(&options, 1);
        rep_out_init(&out);
        if (rep_render_one(argv[1], rep_renderer_find(argv[2]), &options, &out, &detail) != OTEL_OK)
            puts(otl_detail_format(&detail, text, sizeof(text)));
        fputs(out.buf.data ? out.buf.data : "", stdout);
        rep_out_fini(&out);
    }
    return 0;
}
