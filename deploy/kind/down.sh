#!/usr/bin/env bash
# Takes the cluster of up.sh away, and with it everything that ran in it. Images stay.
set -euo pipefail
. "$(dirname "$0")/env.sh"
if [ -n "$RIG" ]; then "$RIG/down.sh"; else kind delete cluster --name "$CLUSTER" && rm -f "$KUBECONFIG"; fi
