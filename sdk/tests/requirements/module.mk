# SPDX-License-Identifier: Apache-2.0
# Certificates for the rows on TLS; the rows themselves are sdk/tests/requirements.sh.
PROGS += sdk-put-certificates
sdk-put-certificates_SRCS := sdk/tests/requirements/certificates.c sdk/tls/tests/certs.c
sdk-put-certificates_LIBS := base
sdk-put-certificates_PKGS := openssl
