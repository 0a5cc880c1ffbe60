# SPDX-License-Identifier: Apache-2.0
LIBS += repschema
repschema_SRCS := reports/schema.c
repschema_LIBS := base
repschema_PKGS := jansson

# Files that the program carries in itself: reports/X -> build/gen/reports/NAME.c
REP_GEN := build/gen/reports
rep_text_to_c = $(Q)mkdir -p $(REP_GEN) && { \
	  echo 'extern const char $(1)[]; const char $(1)[] ='; \
	  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/?/\\?/g' -e 's/^/"/' -e 's/$$/\\n"/' $< && \
	  echo ';'; } > $@.part && mv $@.part $@

$(REP_GEN)/schema.c: reports/schema/report.schema.json reports/module.mk
	$(call rep_text_to_c,rep_resource_schema)
$(REP_GEN)/set_schema.c: reports/schema/set.schema.json reports/module.mk
	$(call rep_text_to_c,rep_resource_set_schema)
$(REP_GEN)/sweep_schema.c: reports/schema/sweep.schema.json reports/module.mk
	$(call rep_text_to_c,rep_resource_sweep_schema)
$(REP_GEN)/style.c: reports/html/style.css reports/module.mk
	$(call rep_text_to_c,rep_resource_style)

LIBS += represource
represource_SRCS := $(REP_GEN)/schema.c $(REP_GEN)/set_schema.c $(REP_GEN)/sweep_schema.c \
                    $(REP_GEN)/style.c

LIBS += reports
reports_SRCS := reports/model.c reports/several.c reports/format.c reports/out.c reports/words.c reports/render.c \
                reports/plot/gnuplot.c reports/plot/script.c reports/plot/plot.c \
                reports/json/json.c reports/junit/junit.c reports/markdown/markdown.c \
                reports/text/text.c reports/html/html.c reports/html/table.c \
                reports/html/findings.c reports/html/layout.c reports/html/topology.c \
                reports/html/load.c reports/html/namer.c reports/html/path.c reports/html/books.c reports/html/cost.c \
                reports/html/overhead.c \
                reports/html/machine.c reports/html/waterfall.c \
                reports/set/set.c reports/set/page.c reports/set/junit.c reports/set/table.c \
                reports/sweep/sweep.c \
                reports/sweep/table.c reports/sweep/heat.c reports/sweep/html.c
reports_LIBS := repschema represource base
reports_PKGS := jansson

LIBS += reportcmd
reportcmd_SRCS := reports/command.c
reportcmd_LIBS := reports

TESTS += schema_test
schema_test_SRCS := reports/tests/schema_test.c
schema_test_LIBS := repschema

TESTS += render_test plot_test layout_test say_test
say_test_SRCS := reports/tests/say_test.c reports/tests/help.c
say_test_LIBS := reports
render_test_SRCS := reports/tests/render_test.c reports/tests/help.c
render_test_LIBS := reports
plot_test_SRCS := reports/tests/plot_test.c reports/tests/help.c
plot_test_LIBS := reports
layout_test_SRCS := reports/tests/layout_test.c reports/tests/help.c
layout_test_LIBS := reports
TESTS += sweep_test
sweep_test_SRCS := reports/tests/sweep_test.c
sweep_test_LIBS := reports
TESTS += overhead_page_test
overhead_page_test_SRCS := reports/tests/overhead_page_test.c
overhead_page_test_LIBS := reports
TESTS += set_test
set_test_SRCS := reports/tests/set_test.c
set_test_LIBS := reports
SCRIPT_TESTS += reports/tests/report_test.sh

FUZZERS += fuzz_report
fuzz_report_SRCS := reports/tests/fuzz_report.c ci/fuzz-main.c
fuzz_report_LIBS := reports
