# SPDX-License-Identifier: Apache-2.0
# The SDK as a product: libotel_api, _sdk, _tls and _config, shared and static, make install.
# Included by the Makefile after the module fragments, because it names their objects.

PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR     ?= $(PREFIX)/share/man
BINDIR     ?= $(PREFIX)/bin
DESTDIR    ?=

OTEL_VERSION := $(shell sed -n 's/^\#define OTEL_SDK_VERSION "\(.*\)"/\1/p' sdk/include/otel/sdk/resource.h)
OTEL_ABI     := 0

# What goes into which library. Base is in both: it is hidden, and neither shows it to the other.
DIST_API_LIBS := otel_api instrument propagation base
DIST_SDK_LIBS := config remote_sampler exporter transport processor trace sampler resource otlp loop
DIST_SDK_PKGS := libevent_core libnghttp2 zlib
DIST_SDK_RAW  := -lhttp_parser
DIST_TLS_LIBS := tls
DIST_TLS_PKGS := openssl
# Libraries that stand on libotel_sdk repeat the few pure readers that it hides.
DIST_CONFIG_LIBS := config_file yaml
DIST_CONFIG_PKGS := yaml-0.1 jansson
DIST_CONFIG_READERS := sdk/resource/pairs.c sdk/transport/url.c sdk/exporter/headers.c \
                       sdk/config/level.c
DIST          := api sdk tls config

D := $(B)/dist
dist_objs = $(call obj,$(foreach l,$(1),$($(l)_SRCS)))
DIST_API_SO := $(D)/libotel_api.so.$(OTEL_ABI)
DIST_SDK_SO := $(D)/libotel_sdk.so.$(OTEL_ABI)
DIST_TLS_SO := $(D)/libotel_tls.so.$(OTEL_ABI)
DIST_CONFIG_SO := $(D)/libotel_config.so.$(OTEL_ABI)
DIST_FILES  := $(foreach l,$(DIST),$(D)/libotel_$(l).so.$(OTEL_ABI) $(D)/libotel_$(l).so \
                 $(D)/libotel_$(l).a $(D)/otel_$(l).pc)

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

# Loaded by libotel_sdk when it is needed, or linked: it needs nothing of it but its header.
$(DIST_TLS_SO): $(call dist_objs,$(DIST_TLS_LIBS) base) sdk/packaging/otel_tls.map
	@mkdir -p $(@D)
	$(if $(Q),@echo '  SHARED  $@')
	$(Q)$(CC) $(LDFLAGS) -shared -Wl,-z,nodelete -Wl,-z,defs -Wl,-z,relro,-z,now -Wl,-soname,$(@F) \
	  -Wl,--version-script=sdk/packaging/otel_tls.map -o $@ $(filter %.o,$^) \
	  $(call pkg_libs,$(DIST_TLS_PKGS)) $(LDLIBS)

$(DIST_CONFIG_SO): $(call dist_objs,$(DIST_CONFIG_LIBS) base) $(call obj,$(DIST_CONFIG_READERS)) \
                   $(DIST_SDK_SO) $(DIST_API_SO) sdk/packaging/otel_config.map
	@mkdir -p $(@D)
	$(if $(Q),@echo '  SHARED  $@')
	$(Q)$(CC) $(LDFLAGS) -shared -Wl,-z,nodelete -Wl,-z,defs -Wl,-z,relro,-z,now -Wl,-soname,$(@F) \
	  -Wl,--version-script=sdk/packaging/otel_config.map -o $@ $(filter %.o,$^) $(DIST_SDK_SO) \
	  $(DIST_API_SO) $(call pkg_libs,$(DIST_CONFIG_PKGS)) $(LDLIBS)

$(D)/libotel_%.so: $(D)/libotel_%.so.$(OTEL_ABI)
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

$(D)/libotel_config.a: $(call dist_objs,$(DIST_CONFIG_LIBS))
$(D)/libotel_tls.a: $(call dist_objs,$(DIST_TLS_LIBS))
$(D)/libotel_config.a $(D)/libotel_tls.a:
	@mkdir -p $(@D)
	$(if $(Q),@echo '  AR      $@')
	$(Q)rm -f $@ && $(AR) rcs $@ $^

.PHONY: FORCE_PC
$(D)/%.pc: sdk/packaging/%.pc.in FORCE_PC
	@mkdir -p $(@D)
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@INCLUDEDIR@|$(INCLUDEDIR)|' \
	  -e 's|@VERSION@|$(OTEL_VERSION)|' $< > $@

# The same bytes whoever makes it, and put in place whole: two makes may do it at once.
$(D)/man: sdk/packaging/manpages $(wildcard sdk/include/otel/*.h sdk/include/otel/sdk/*.h) sdk/README.md
	@mkdir -p $(D)
	$(if $(Q),@echo '  MAN     $@')
	$(Q)made=$$(mktemp -d $(D)/man.XXXXXX) && sh $< $$made $(OTEL_VERSION) && chmod 755 $$made && \
	  rm -rf $@ && { mv -T $$made $@ || rm -rf $$made; }

.PHONY: libs install install-tools uninstall
libs: $(DIST_FILES) ## build libotel_api, _sdk, _tls and _config, shared and static, under build/MODE/dist

install: $(DIST_FILES) $(D)/man ## install headers, libraries, pkg-config files and man pages; PREFIX, LIBDIR, DESTDIR
	install -d '$(DESTDIR)$(LIBDIR)/pkgconfig' '$(DESTDIR)$(INCLUDEDIR)/otel/sdk'
	install -m 644 $(wildcard sdk/include/otel/*.h) '$(DESTDIR)$(INCLUDEDIR)/otel'
	install -m 644 $(wildcard sdk/include/otel/sdk/*.h) '$(DESTDIR)$(INCLUDEDIR)/otel/sdk'
	install -d '$(DESTDIR)$(MANDIR)/man3'
	install -m 644 $(D)/man/man3/*.3 '$(DESTDIR)$(MANDIR)/man3'
	for l in $(DIST); do \
	  install -m 644 $(D)/libotel_$$l.a '$(DESTDIR)$(LIBDIR)' && \
	  install -m 755 $(D)/libotel_$$l.so.$(OTEL_ABI) \
	    '$(DESTDIR)$(LIBDIR)'/libotel_$$l.so.$(OTEL_VERSION) && \
	  ln -sfn libotel_$$l.so.$(OTEL_VERSION) '$(DESTDIR)$(LIBDIR)'/libotel_$$l.so.$(OTEL_ABI) && \
	  ln -sfn libotel_$$l.so.$(OTEL_ABI) '$(DESTDIR)$(LIBDIR)'/libotel_$$l.so && \
	  install -m 644 $(D)/otel_$$l.pc '$(DESTDIR)$(LIBDIR)/pkgconfig' || exit 1; done

TOOLS := tracerig collector-mock
install-tools: $(TOOLS:%=$(B)/bin/%) ## install tracerig and collector-mock with their man pages; PREFIX, BINDIR, DESTDIR
	install -d '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(MANDIR)/man1'
	made=$$(mktemp -d) && sh sdk/packaging/manpages $$made $(OTEL_VERSION) $^ && \
	  install -m 755 $^ '$(DESTDIR)$(BINDIR)' && \
	  install -m 644 $$made/man1/*.1 '$(DESTDIR)$(MANDIR)/man1'; status=$$?; rm -rf $$made; exit $$status

uninstall: ## remove what install and install-tools put there
	rm -rf '$(DESTDIR)$(INCLUDEDIR)/otel'
	rm -f '$(DESTDIR)$(MANDIR)'/man3/otel.3 '$(DESTDIR)$(MANDIR)'/man3/otel_*.3
	for p in $(TOOLS); do rm -f '$(DESTDIR)$(BINDIR)'/$$p '$(DESTDIR)$(MANDIR)'/man1/$$p.1; done
	for l in $(DIST); do rm -f '$(DESTDIR)$(LIBDIR)'/libotel_$$l.* \
	  '$(DESTDIR)$(LIBDIR)'/pkgconfig/otel_$$l.pc; done
