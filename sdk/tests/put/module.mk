# SPDX-License-Identifier: Apache-2.0
# The program under test of sdk/tests/requirements.
PROGS += sdk-put
sdk-put_SRCS := $(addprefix sdk/tests/put/,put.c words.c values.c objects.c spans.c carry.c \
                  samplers.c setup.c doubles.c reports.c load.c life.c)
sdk-put_LIBS := config
