# SPDX-License-Identifier: Apache-2.0
# The folders that have a module.mk, bottom layer first.
MODULES := sdk/base
MODULES += sdk/base/yaml
MODULES += sdk/base/loop
MODULES += sdk/api
MODULES += ci/witness
MODULES += harness/ledger
MODULES += reports
MODULES += harness/stats
MODULES += harness/topology
MODULES += harness/scenario
MODULES += harness/cli
MODULES += collector-mock/wire
MODULES += sdk/transport
MODULES += sdk/propagation
MODULES += collector-mock/http
MODULES += collector-mock
