#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The W3C's trace-context suite against the services' own carrier, extract and inject (harness/service/tests/w3c_service.c), where the
# suite and its aiohttp are; some of its contract, without either, always. For the suite:
#   git clone https://github.com/w3c/trace-context build/trace-context    (acab820, or W3C_TRACE_CONTEXT=DIR)
#   apt-get install python3-aiohttp                                       (or W3C_PYTHON=PYTHON that has it)
. "$(dirname "$0")/tap.sh"
service=$top/build/${MODE:-release}/bin/w3c-service
suite=${W3C_TRACE_CONTEXT:-$top/build/trace-context}
python=${W3C_PYTHON:-python3}
export W3C_TRACE_CONTEXT="$suite"

check "context goes through, whatever comes in" python3 harness/tests/w3c.py own "$service"
forgetful() { expect_exit 1 "$1" harness/tests/w3c.py "$2" "$service" --forget && says "$3"; }
check "a service that sends none on is caught" forgetful python3 own "traceparent: None"

why=
[ -f "$suite/test/test.py" ] || why="the suite is not in build/trace-context"
[ -n "$why" ] || "$python" -c 'import aiohttp' 2> /dev/null || why="its aiohttp is not installed"
if [ -n "$why" ]; then
    tests=$((tests + 1))
    echo "ok $tests - 41 of 41 of the W3C's suite # SKIP $why"
else
    check "41 of 41 of the W3C's suite, all levels" "$python" harness/tests/w3c.py suite "$service"
    check "which catches a service that sends none on" forgetful "$python" suite "41 of 41, none skipped: ("
fi
done_testing
