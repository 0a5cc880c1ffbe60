# SPDX-License-Identifier: Apache-2.0
# One non-recursive Makefile. Every folder adds a module.mk that names its libraries,
# programs and tests; nothing is globbed. Products go to build/MODE/, runs to runs/.

MODE ?= release
V    ?= 0
B    := build/$(MODE)
Q    := $(if $(filter 1,$(V)),,@)
CC   := gcc
AR   := ar

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

include ci/flags.mk

# What a module.mk may add to:
#   LIBS   += x          x_SRCS := a.c b.c   x_PKGS := jansson       (x_PIC := 1 for the SDK)
#   PROGS  += p          p_SRCS := main.c    p_LIBS := x y           build/MODE/bin/p
#   TESTS  += t          t_SRCS := t.c       t_LIBS := x y           build/MODE/tests/t, prints TAP
#   BENCHES += b         b_SRCS, b_LIBS      build/MODE/bench/b
#   FUZZERS += f         f_SRCS, f_LIBS      build/MODE/fuzz/f, takes corpus files as arguments
#   SCRIPT_TESTS += path/x.sh                run as it is, prints TAP
#   TSAN_TESTS += t      the tests that start threads: also built and run with MODE=tsan
LIBS :=
PROGS :=
TESTS :=
BENCHES :=
FUZZERS :=
SCRIPT_TESTS :=
TSAN_TESTS :=
GENERATED :=
include ci/modules.mk
include $(MODULES:%=%/module.mk)

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
# A library may name the libraries it needs (x_LIBS); closure follows them, dependants first.
closure = $(if $(1),$(1) $(call closure,$(foreach l,$(1),$($(l)_LIBS))))
libs_of = $(call closure,$($(1)_LIBS))
uniq = $(if $(1),$(firstword $(1)) $(call uniq,$(filter-out $(firstword $(1)),$(1))))
pkgs_of = $(call uniq,$($(1)_PKGS) $(foreach l,$(call libs_of,$(1)),$($(l)_PKGS)))
raw_of = $(call uniq,$($(1)_LDLIBS) $(foreach l,$(call libs_of,$(1)),$($(l)_LDLIBS)))
pkg_libs = $(foreach p,$(1),$(PKG_LIBS_$(p)))

ALL_SRCS := $(sort $(foreach x,$(LIBS) $(PROGS) $(TESTS) $(BENCHES) $(FUZZERS),$($(x)_SRCS)))
ALL_PKGS := $(sort $(foreach x,$(LIBS) $(PROGS) $(TESTS) $(BENCHES) $(FUZZERS),$($(x)_PKGS)))
$(foreach p,$(ALL_PKGS) cmocka,$(eval PKG_LIBS_$(p) := $$(shell pkg-config --libs $(p) 2>/dev/null || echo -l$(p))))

define lib_rule
$(B)/lib/lib$(1).a: $(call obj,$($(1)_SRCS))
	@mkdir -p $$(@D)
	$$(if $$(Q),@echo '  AR      $$@')
	$(Q)rm -f $$@ && $(AR) rcs $$@ $$^
$(call obj,$($(1)_SRCS)): CFLAGS_LOCAL += $(if $($(1)_PIC),$(PIC_CFLAGS)) $($(1)_CFLAGS)
endef
$(foreach l,$(LIBS),$(eval $(call lib_rule,$(l))))

# $(1) name, $(2) output, $(3) extra ldflags
define link_rule
$(2): $(call obj,$($(1)_SRCS)) $(patsubst %,$(B)/lib/lib%.a,$(call uniq,$(call libs_of,$(1))))
	@mkdir -p $$(@D)
	$$(if $$(Q),@echo '  LINK    $$@')
	$(Q)$(CC) $(LDFLAGS) $($(1)_LDFLAGS) -o $$@ $(call obj,$($(1)_SRCS)) \
	  -Wl,--start-group $(patsubst %,$(B)/lib/lib%.a,$(call uniq,$(call libs_of,$(1)))) -Wl,--end-group \
	  $(call pkg_libs,$(call pkgs_of,$(1))) $(call raw_of,$(1)) $(3) $(LDLIBS)
$(call obj,$($(1)_SRCS)): CFLAGS_LOCAL += $($(1)_CFLAGS)
$(if $(filter otlp_pb,$(call libs_of,$(1))),$(call obj,$($(1)_SRCS)): | $(GENERATED))
endef
$(foreach p,$(PROGS),$(eval $(call link_rule,$(p),$(B)/bin/$(p),)))
$(foreach t,$(TESTS),$(eval $(call link_rule,$(t),$(B)/tests/$(t),$(PKG_LIBS_cmocka))))
$(foreach b,$(BENCHES),$(eval $(call link_rule,$(b),$(B)/bench/$(b),)))
$(foreach f,$(FUZZERS),$(eval $(call link_rule,$(f),$(B)/fuzz/$(f),$(FUZZ_LDLIBS))))

$(B)/obj/%.o: %.c ci/flags.mk
	@mkdir -p $(@D)
	$(if $(Q),@echo '  CC      $<')
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(CFLAGS_LOCAL) -MMD -MP -c -o $@ $<

-include $(patsubst %.c,$(B)/obj/%.d,$(ALL_SRCS))

include sdk/packaging/dist.mk
include ci/dist.mk

PROG_FILES := $(PROGS:%=$(B)/bin/%)
TEST_FILES := $(TESTS:%=$(B)/tests/%)

.PHONY: all demo check test test-unit test-tsan test-scripts test-fuzz bench bench-peers bench-build clean help
.PHONY: check-layers check-headers check-size check-style check-symbols check-duplicates release debug asan tsan

all: $(PROG_FILES) $(SHARED_LIBS) ## build the programs and libraries (build/tracerig, build/collector-mock)
	@mkdir -p build
	@for p in $(PROGS); do ln -sfn $(MODE)/bin/$$p build/$$p; done

release debug asan tsan: ## the same with another set of flags, under build/MODE/
	$(Q)$(MAKE) MODE=$@ all

demo: ## install what is missing, build, run scenarios/checkout.yaml, say where the report is
	@sh ci/install-deps demo
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@build/tracerig run scenarios/checkout.yaml

check: ## install what is missing, build, run every test
	@sh ci/install-deps check
	@sh ci/check

.PHONY: check-full
check-full: ## what takes minutes: each variant of the incident, fifty relabelled recordings
	@mkdir -p build
	@sh ci/check-full

.PHONY: validate-overhead
validate-overhead: ## costs that are known, measured by overhead: (seven minutes, alone on the machine, please)
	@sh ci/install-deps check
	@$(MAKE) --no-print-directory -j$$(nproc) MODE=release build/release/bin/tracerig build/release/bin/collector-mock build/release/bin/validate-overhead
	@build/release/bin/validate-overhead

test: ## the tests of one MODE, in parallel; T=pattern picks some
	@$(MAKE) --no-print-directory test-build
	@MODE=$(MODE) sh ci/run-tests $(TEST_FILES) $(SCRIPT_TESTS)

.PHONY: test-build print-tests print-tsan-tests print-scripts
test-build: $(TEST_FILES) $(PROG_FILES)

print-tests:
	@echo $(TEST_FILES)

print-tsan-tests:
	@echo $(TSAN_TESTS)

print-scripts:
	@echo $(SCRIPT_TESTS)

print-fuzzers:
	@echo $(FUZZERS)

fuzz-build: $(FUZZERS:%=$(B)/fuzz/%)

bench: ## print every row of the speed table beside its limit (alone on the machine, please)
	@$(MAKE) --no-print-directory MODE=release bench-build
	@python3 ci/bench/table --record build/bench.txt build/release $(BENCHES)

bench-peers: ## the same work by others in the same run: wrk, OTELCOL=PROGRAM, ROTEL=PROGRAM; else their dated figures
	@$(MAKE) --no-print-directory MODE=release bench-build
	@python3 ci/bench/table --peers --record build/bench-peers.txt build/release $(BENCHES)

bench-build: $(BENCHES:%=$(B)/bench/%) $(PROG_FILES) $(B)/tests/queue_memory_test $(B)/tests/col_tail_time_test

check-layers: all test-build ## includes run one way (read from the compiler's dependency output)
	@sh ci/check-layers $(B)

check-symbols: all test-build ## no two archives define the same global symbol
	@sh ci/check-symbols $(B)

check-headers: ## every header compiles alone, in C11; the public ones in C++17 and C++20 too
	@CC="$(CC)" CPPFLAGS="$(CPPFLAGS)" sh ci/check-headers

check-size: ## no file over the limits of CONTRIBUTING.md
	@sh ci/check-size

check-style: ## line length, banned functions, licence lines
	@sh ci/check-style

clean: ## remove build/
	rm -rf build

help: ## this text
	@sed -n 's/^\([a-z][a-z -]*\):[^#]*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 34
