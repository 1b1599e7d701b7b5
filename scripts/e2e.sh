#!/usr/bin/env bash
# Runs the six scenarios for real, as a user would: command line, training host and backend as processes of their own, in a
# folder of their own, on free ports. Prints a line for each; ends with status 0 only if all passed. E2E_QUICK=1 repeats less.
set -euo pipefail
exec node "$(dirname "$0")/e2e.mjs"
