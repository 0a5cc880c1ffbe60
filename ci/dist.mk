# SPDX-License-Identifier: Apache-2.0
# make dist: one tarball with the programs, the libraries that a plain Debian 12 lacks, the
# scenarios and the gate. The programs look for their libraries in ../lib first (RELOCATABLE in
# ci/flags.mk), so that the tree runs from wherever it was unpacked.

TRACERIG_VERSION := $(shell sed -n 's/^\#define HX_VERSION "\(.*\)"/\1/p' harness/cli/version.h)
DIST_ARCH := $(shell uname -m)
DIST_TARBALL := build/dist/tracerig-$(TRACERIG_VERSION)-linux-$(DIST_ARCH).tar.gz

.PHONY: dist
dist: ## one relocatable tarball: build/dist/tracerig-VERSION-linux-ARCH.tar.gz
	@$(MAKE) --no-print-directory MODE=release build/release/bin/tracerig build/release/bin/collector-mock
	@sh ci/dist '$(DIST_TARBALL)'
