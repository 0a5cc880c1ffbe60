# SPDX-License-Identifier: Apache-2.0
# Compiler flags, one knob: WERROR=1 (set by ci/check) turns warnings into errors.

WERROR ?= 0
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wundef -Wvla -Wformat=2 $(if $(filter 1,$(WERROR)),-Werror)

CPPFLAGS := -D_GNU_SOURCE -Isdk/include -I.
CFLAGS   := -std=c11 -g $(WARNINGS) -fno-common
LDFLAGS  :=
LDLIBS   := -lpthread -lm
# Programs look for shared libraries in ../lib first, and those for theirs too: make dist.
RELOCATABLE := -Wl,--disable-new-dtags,-rpath,'$$$$ORIGIN/../lib'
PIC_CFLAGS := -fPIC -fvisibility=hidden -fno-semantic-interposition
FUZZ_LDLIBS :=

ifeq ($(MODE),release)
CFLAGS += -O2 -fno-omit-frame-pointer
else ifeq ($(MODE),debug)
CFLAGS += -O0
else ifeq ($(MODE),asan)
CFLAGS  += -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
LDFLAGS += -fsanitize=address,undefined
else ifeq ($(MODE),tsan)
CFLAGS  += -O1 -fno-omit-frame-pointer -fsanitize=thread
LDFLAGS += -fsanitize=thread
else ifeq ($(MODE),fuzz)
CFLAGS  += -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined \
           -fsanitize-coverage=trace-pc
LDFLAGS += -fsanitize=address,undefined
else ifeq ($(MODE),libfuzzer)
CC := clang
CFLAGS  += -O1 -fno-omit-frame-pointer -fsanitize=address,undefined,fuzzer-no-link -DOTL_LIBFUZZER=1
LDFLAGS += -fsanitize=address,undefined
FUZZ_LDLIBS := -fsanitize=fuzzer
else
$(error MODE is '$(MODE)'; expected release, debug, asan, tsan, fuzz or libfuzzer)
endif
