#!/usr/bin/env bash
# The first half of up.sh: the image, and a cluster of three nodes without any network, with the image on each.
set -euo pipefail
. "$(dirname "$0")/env.sh"
for tool in docker kubectl; do command -v $tool >/dev/null || stop "$tool is not installed"; done
docker info >/dev/null 2>&1 || stop "no Docker engine answers; start it, or add yourself to the group docker"

step 1/4 "image $IMAGE"
if [ -n "${GINGHAM_IMAGE_BUILT:-}" ]; then docker image inspect -f '      as it is: {{.Id}}' "$IMAGE"
elif [ -n "$RIG" ]; then "$top/test/kind/image.sh" "$IMAGE"
else docker build -q -t "$IMAGE" -f "$top/deploy/Dockerfile" "$top" >/dev/null; fi

step 2/4 "cluster $CLUSTER, three nodes"
if kubectl get nodes >/dev/null 2>&1; then echo "      it runs already"
elif [ -n "$RIG" ]; then
  docker image inspect "${RIG_IMAGE:-$CLUSTER/node}" >/dev/null 2>&1 || "$RIG/build.sh"
  "$RIG/up.sh"
else
  command -v kind >/dev/null || stop "kind is not installed: https://kind.sigs.k8s.io"
  kind create cluster --name "$CLUSTER" --config "$here/cluster.yaml"
fi
kind load docker-image --name "$CLUSTER" "$IMAGE"
