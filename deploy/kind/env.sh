# Common to the scripts here; sourced. Where no image can be pulled, GINGHAM_KIND_RIG names a folder with build.sh, up.sh and
# down.sh, which do what `kind create cluster` and `kind delete cluster` do elsewhere, and env.sh, which says CLUSTER,
# KUBECONFIG and where docker, kind and kubectl are.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
RIG=${GINGHAM_KIND_RIG:-}
if [ -n "$RIG" ]; then
  # shellcheck disable=SC1091
  . "$RIG/env.sh"
else
  CLUSTER=${CLUSTER:-gingham}
  export KUBECONFIG=${KUBECONFIG:-$HOME/.kube/gingham-kind}
fi
IMAGE=gingham:$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$top/package.json")
step() { printf '[%s] %s\n' "$1" "$2"; }
stop() { printf 'stopped: %s\n' "$1" >&2; exit 1; }
