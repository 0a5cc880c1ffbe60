# SPDX-License-Identifier: Apache-2.0
LIBS += tuning
tuning_SRCS := harness/tuning/one_run.c harness/tuning/dir.c harness/tuning/sweep.c harness/tuning/tune.c \
               harness/tuning/tune_ask.c harness/tuning/tune_say.c \
               harness/tuning/overhead.c harness/tuning/slice.c harness/tuning/instructions.c \
               harness/tuning/ledger_cost.c
tuning_LIBS := tuningparts scenario topology ledger reports base
tuning_PKGS := jansson

# Without the commands, which need the program's main.
LIBS += tuningparts
tuningparts_SRCS := harness/tuning/grid.c harness/tuning/bases.c harness/tuning/figures.c \
                    harness/tuning/added.c \
                    harness/tuning/overhead_sum.c harness/tuning/model.c \
                    harness/tuning/validate.c
tuningparts_LIBS := scenario stats reports base
tuningparts_PKGS := jansson

TESTS += grid_test
grid_test_SRCS := harness/tuning/tests/grid_test.c
grid_test_LIBS := tuningparts

TESTS += overhead_test
overhead_test_SRCS := harness/tuning/tests/overhead_test.c
overhead_test_LIBS := tuningparts

TESTS += model_test
model_test_SRCS := harness/tuning/tests/model_test.c
model_test_LIBS := tuningparts

TESTS += validate_test
validate_test_SRCS := harness/tuning/tests/validate_test.c
validate_test_LIBS := tuningparts

TESTS += tune_say_test
tune_say_test_SRCS := harness/tuning/tests/tune_say_test.c harness/tuning/tune_say.c
tune_say_test_LIBS := tuningparts reports
