# Common to the scripts here. W: where everything is made. What comes from outside is called KINDRIG_…: npm sets NODE, vitest MODE.
R=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
W=${KINDRIG_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gingham/kindrig}
CLUSTER=kindrig
CONTAINERD=${KINDRIG_CONTAINERD-v2.3.6} # empty: Debian's 1.6.20 (works with this kubelet, the last one to take it)
KV=v1.35.4 STAGING=v0.35.4 KINDV=v0.33.0 ETCDV=v3.6.16 DNSV=v1.13.1 PAUSEV=3.10.1
REG=kindrig.local # never resolved: every image is in the node's store already
BASE=kindrig/base:v1 RIG_IMAGE=kindrig/node:v1
export DOCKER_BUILDKIT=0 # the legacy builder: no buildx needed, and none here
export KUBECONFIG=$W/kubeconfig KIND_EXPERIMENTAL_DOCKER_NETWORK=$CLUSTER
export PATH=$R/shim:$W/bin:$PATH # shim/docker: see there
unset HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy
T0=$(date +%s%N)
say() { printf '%6.1fs %s\n' "$(( ($(date +%s%N) - T0) / 1000000 ))e-3" "$*"; }
# mk NAME:TAG DIR ENTRYPOINT-JSON: a FROM scratch image of DIR
mk() {
  printf 'FROM scratch\nCOPY . /\nENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nENTRYPOINT %s\n' "$3" > "$W/img/Dockerfile"
  docker build -q -t "$REG/$1" -f "$W/img/Dockerfile" "$2" > /dev/null 2> "$W/img/build.log" || { cat "$W/img/build.log" >&2; return 1; }
}
