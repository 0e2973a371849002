#!/bin/bash
# kind cluster: 1 control plane, 2 workers, no CNI. KINDRIG_PROXY_MODE=iptables|nftables;
# KINDRIG_IPFAMILY=dual KINDRIG_PODS=10.244.0.0/16,fd00:10:244::/56 KINDRIG_SERVICES=10.96.0.0/16,fd00:10:96::/112
# 20-27 s; about 820 MB of memory, and 130 MB plus what each node unpacks (400 MB in all) of disk.
set -euo pipefail
. "$(dirname "$0")/env.sh"
# the kubelet sets kernel-wide sysctls (protectKernelDefaults is off): keep the old
[ -e "$W/sysctl.before" ] || sysctl -e vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops kernel.keys.root_maxkeys kernel.keys.root_maxbytes > "$W/sysctl.before"
cat > "$W/kind.yaml" <<Y
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
networking:
  disableDefaultCNI: true
  ipFamily: ${KINDRIG_IPFAMILY:-ipv4}
  kubeProxyMode: ${KINDRIG_PROXY_MODE:-iptables}
  podSubnet: ${KINDRIG_PODS:-10.244.0.0/16}
  serviceSubnet: ${KINDRIG_SERVICES:-10.96.0.0/16}
kubeadmConfigPatches:
- |
  kind: ClusterConfiguration
  imageRepository: $REG
  etcd:
    local:
      imageTag: $ETCDV
- |
  kind: KubeletConfiguration
  failCgroupV1: false
nodes:
- role: control-plane
- role: worker
- role: worker
Y
kind create cluster --name "$CLUSTER" --image "$RIG_IMAGE" --config "$W/kind.yaml" --retain "$@"
say "cluster up (nodes are NotReady until there is a CNI)"
kubectl get nodes
