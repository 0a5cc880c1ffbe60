# SPDX-License-Identifier: Apache-2.0
# protobuf-c code made from otlp.proto: the third witness, for tests only.
WITNESS_GEN := build/gen/ci/witness
GENERATED += $(WITNESS_GEN)/otlp.pb-c.h

LIBS += otlp_pb
otlp_pb_SRCS := $(WITNESS_GEN)/otlp.pb-c.c
otlp_pb_CFLAGS := -w
otlp_pb_PKGS := libprotobuf-c

TESTS += witness_test
witness_test_SRCS := ci/witness/tests/witness_test.c
witness_test_LIBS := otlp_pb base

$(WITNESS_GEN)/otlp.pb-c.c: $(WITNESS_GEN)/otlp.pb-c.h ;

$(WITNESS_GEN)/otlp.pb-c.h: ci/witness/otlp.proto
	@mkdir -p $(@D)
	$(if $(Q),@echo '  PROTOC  $<')
	$(Q)tmp=$$(mktemp -d $(@D)/tmp.XXXXXX) && protoc-c --c_out=$$tmp -Ici/witness otlp.proto && \
	  mv $$tmp/otlp.pb-c.c $(@D)/ && mv $$tmp/otlp.pb-c.h $(@D)/ && rmdir $$tmp
