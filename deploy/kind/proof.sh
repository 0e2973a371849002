#!/usr/bin/env bash
# Shows that the cluster of up.sh is one network: a pod on every node, HTTP from each to each by address, by Service and by
# name, and to a node's port. Its pods run the gingham image, which is on every node already.
set -euo pipefail
. "$(dirname "$0")/env.sh"
ns=gingham-proof
trap 'kubectl delete namespace $ns --wait=false >/dev/null 2>&1 || true' EXIT
sed "s#IMAGE#$IMAGE#" "$here/proof.yaml" | kubectl apply -f - >/dev/null
kubectl -n $ns rollout status daemonset/web --timeout=120s >/dev/null
kubectl -n kube-system rollout status deployment/coredns --timeout=120s >/dev/null

pods=$(kubectl -n $ns get pods -l app=web -o jsonpath='{range .items[*]}{.metadata.name} {.status.podIP} {.spec.nodeName}{"\n"}{end}')
vip=$(kubectl -n $ns get service web -o jsonpath='{.spec.clusterIP}')
get() { kubectl -n $ns exec "$1" -- node -e 'fetch(process.argv[1],{signal:AbortSignal.timeout(3000)}).then((r)=>r.text()).then(console.log)' "$2"; }
count=0
while read -r from _ on <&3; do
  while read -r to address at <&4; do
    answer=$(get "$from" "http://$address:8080/") || stop "pod $from on $on does not reach pod $to ($address) on $at; see: gingham routes $address"
    printf '  %-22s -> %-22s %s\n' "$on" "$at" "$answer"
    count=$((count + 1))
  done 4<<<"$pods"
  get "$from" "http://$vip/" >/dev/null || stop "pod $from on $on does not reach the Service ($vip)"
  get "$from" http://web.$ns.svc.cluster.local/ >/dev/null || stop "pod $from on $on does not reach the Service by its name"
done 3<<<"$pods"
echo "pod to pod: $count of $count; Service and DNS name from every pod"
for node in $(kubectl get nodes -o name); do
  kubectl -n gingham-system get pods --field-selector "spec.nodeName=${node#node/}" -o name | while read -r pod; do
    printf '%s: ' "${node#node/}"; kubectl -n gingham-system exec "$pod" -c gingham -- gingham status | head -1
  done
done
