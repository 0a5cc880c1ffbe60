# SPDX-License-Identifier: Apache-2.0
# The SDK as a product: libotel_api and libotel_sdk, shared and static, and make install.
# Included by the Makefile after the module fragments, because it names their objects.

PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DESTDIR    ?=

OTEL_VERSION := $(shell sed -n 's/^\#define OTEL_SDK_VERSION "\(.*\)"/\1/p' sdk/include/otel/sdk/resource.h)
OTEL_ABI     := 0

# What goes into which library. Base is in both: it is hidden, and neither shows it to the other.
DIST_API_LIBS := otel_api propagation base
DIST_SDK_LIBS := config exporter transport processor trace sampler resource otlp loop
DIST_SDK_PKGS := libevent_core libnghttp2 zlib
DIST_SDK_RAW  := -lhttp_parser

D := $(B)/dist
dist_objs = $(call obj,$(foreach l,$(1),$($(l)_SRCS)))
DIST_API_SO := $(D)/libotel_api.so.$(OTEL_ABI)
DIST_SDK_SO := $(D)/libotel_sdk.so.$(OTEL_ABI)
DIST_FILES  := $(DIST_API_SO) $(DIST_SDK_SO) $(D)/libotel_api.a $(D)/libotel_sdk.a \
               $(D)/libotel_api.so $(D)/libotel_sdk.so $(D)/otel_api.pc $(D)/otel_sdk.pc

ifeq ($(MODE),release)
SHARED_LIBS := $(DIST_FILES)
endif

$(DIST_API_SO): $(call dist_objs,$(DIST_API_LIBS)) sdk/packaging/otel_api.map
	@mkdir -p $(@D)
	$(if $(Q),@echo '  SHARED  $@')
	$(Q)$(CC) $(LDFLAGS) -shared -Wl,-z,nodelete -Wl,-z,defs -Wl,-z,relro,-z,now -Wl,-soname,$(@F) \
	  -Wl,--version-script=sdk/packaging/otel_api.map -o $@ $(filter %.o,$^) $(LDLIBS)

$(DIST_SDK_SO): $(call dist_objs,$(DIST_SDK_LIBS) base) $(DIST_API_SO) sdk/packaging/otel_sdk.map
	@mkdir -p $(@D)
	$(if $(Q),@echo '  SHARED  $@')
	$(Q)$(CC) $(LDFLAGS) -shared -Wl,-z,nodelete -Wl,-z,defs -Wl,-z,relro,-z,now -Wl,-soname,$(@F) \
	  -Wl,--version-script=sdk/packaging/otel_sdk.map -o $@ $(filter %.o,$^) $(DIST_API_SO) \
	  $(call pkg_libs,$(DIST_SDK_PKGS)) $(DIST_SDK_RAW) $(LDLIBS)

$(D)/libotel_api.so: $(DIST_API_SO)
	$(Q)ln -sfn $(<F) $@
$(D)/libotel_sdk.so: $(DIST_SDK_SO)
	$(Q)ln -sfn $(<F) $@

$(D)/libotel_api.a: $(call dist_objs,$(DIST_API_LIBS))
	@mkdir -p $(@D)
	$(if $(Q),@echo '  AR      $@')
	$(Q)rm -f $@ && $(AR) rcs $@ $^
# Base is in the static libotel_api already, which otel_sdk.pc requires.
$(D)/libotel_sdk.a: $(call dist_objs,$(DIST_SDK_LIBS))
	@mkdir -p $(@D)
	$(if $(Q),@echo '  AR      $@')
	$(Q)rm -f $@ && $(AR) rcs $@ $^

.PHONY: FORCE_PC
$(D)/%.pc: sdk/packaging/%.pc.in FORCE_PC
	@mkdir -p $(@D)
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@INCLUDEDIR@|$(INCLUDEDIR)|' \
	  -e 's|@VERSION@|$(OTEL_VERSION)|' $< > $@

.PHONY: libs install uninstall
libs: $(DIST_FILES) ## build libotel_api and libotel_sdk, shared and static, under build/MODE/dist

install: $(DIST_FILES) ## install headers, libraries and pkg-config files; PREFIX, LIBDIR, DESTDIR
	install -d '$(DESTDIR)$(LIBDIR)/pkgconfig' '$(DESTDIR)$(INCLUDEDIR)/otel/sdk'
	install -m 644 $(wildcard sdk/include/otel/*.h) '$(DESTDIR)$(INCLUDEDIR)/otel'
	install -m 644 $(wildcard sdk/include/otel/sdk/*.h) '$(DESTDIR)$(INCLUDEDIR)/otel/sdk'
	install -m 644 $(D)/libotel_api.a $(D)/libotel_sdk.a '$(DESTDIR)$(LIBDIR)'
	install -m 755 $(DIST_API_SO) '$(DESTDIR)$(LIBDIR)/libotel_api.so.$(OTEL_VERSION)'
	install -m 755 $(DIST_SDK_SO) '$(DESTDIR)$(LIBDIR)/libotel_sdk.so.$(OTEL_VERSION)'
	for l in api sdk; do \
	  ln -sfn libotel_$$l.so.$(OTEL_VERSION) '$(DESTDIR)$(LIBDIR)'/libotel_$$l.so.$(OTEL_ABI) && \
	  ln -sfn libotel_$$l.so.$(OTEL_ABI) '$(DESTDIR)$(LIBDIR)'/libotel_$$l.so || exit 1; done
	install -m 644 $(D)/otel_api.pc $(D)/otel_sdk.pc '$(DESTDIR)$(LIBDIR)/pkgconfig'

uninstall: ## remove what install put there
	rm -rf '$(DESTDIR)$(INCLUDEDIR)/otel'
	rm -f '$(DESTDIR)$(LIBDIR)'/libotel_api.* '$(DESTDIR)$(LIBDIR)'/libotel_sdk.*
	rm -f '$(DESTDIR)$(LIBDIR)/pkgconfig/otel_api.pc' '$(DESTDIR)$(LIBDIR)/pkgconfig/otel_sdk.pc'
