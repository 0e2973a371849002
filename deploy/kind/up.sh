#!/usr/bin/env bash
# A cluster of three nodes whose only network is Gingham:  deploy/kind/up.sh [OVERLAY]
# OVERLAY is kind (the default, IPIP), vxlan, no-encap or ipip-always. Needs docker, kind and kubectl; down.sh takes it away.
set -euo pipefail
. "$(dirname "$0")/env.sh"
overlay=${1:-kind}
[ -d "$top/deploy/overlays/$overlay" ] || stop "there is no overlay $overlay; deploy/overlays has: $(ls "$top/deploy/overlays" | xargs)"
"$here/cluster.sh"

step 3/4 "kubectl create -k deploy/crds, kubectl apply -k deploy/overlays/$overlay"
# What exists already, a real Calico's kinds for instance, is left as it is.
kubectl create -k "$top/deploy/crds" 2>&1 | grep -v AlreadyExists || true
kubectl apply -k "$top/deploy/overlays/$overlay"

step 4/4 "nodes Ready, daemons ready"
if ! kubectl -n gingham-system rollout status daemonset/gingham --timeout=180s ||
  ! kubectl wait --for=condition=Ready nodes --all --timeout=60s; then
  kubectl -n gingham-system get pods -o wide
  kubectl -n gingham-system logs --selector app.kubernetes.io/name=gingham --all-containers --tail=5 --prefix || true
  stop "the daemons above are not ready; their last lines say why"
fi
kubectl -n gingham-system exec daemonset/gingham -c gingham -- gingham status
echo "next: deploy/kind/proof.sh; kubectl -n gingham-system exec daemonset/gingham -- gingham peers (KUBECONFIG=$KUBECONFIG)"
