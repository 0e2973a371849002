#!/bin/bash
# From nothing to the node image $RIG_IMAGE: kind, Kubernetes, etcd, coredns and containerd from their Go modules, nodes from
# Debian's packages. Needs root, go, gcc, debootstrap and a Docker engine. KINDRIG_STEPS="kube tools rootfs base images": any of
# them alone. About 11 minutes on 2 cores with a cold cache (Go's build cache grows by 4 GB), 85 s with a warm one; the
# image has 714 MB.
set -euo pipefail
. "$(dirname "$0")/env.sh"
mkdir -p "$W"/{bin,img/tar}
N=$W/nodefs KM=k8s.io/kubernetes

gobin() { # DIR-of-the-module OUT PACKAGE...
  (cd "$1" && CGO_ENABLED=0 go build -mod=mod -buildvcs=false -trimpath -ldflags "-s -w ${LDX:-}" -o "$2" "${@:3}")
}
module() { # NAME REQUIRE GO-FILE: a throw-away module around one main package or import
  rm -rf "$W/go/$1"; mkdir -p "$W/go/$1"; printf 'module kindrig/%s\n\ngo 1.25.0\n\nrequire %s\n' "$1" "$2" > "$W/go/$1/go.mod"
}

step_kube() {
  module kube "$KM $KV"; cd "$W/go/kube"
  # staging modules are v0.0.0 in k8s.io/kubernetes' go.mod: pin each
  go mod download "$KM@$KV"
  awk -v v=$STAGING '$1 ~ /^k8s\.io\// && $2 == "v0.0.0" {print "replace " $1 " => " $1 " " v}' "$(go env GOMODCACHE)/$KM@$KV/go.mod" >> go.mod
  { printf '//go:build tools\n\npackage tools\n\nimport (\n'
    for c in kubeadm kubelet kubectl kube-apiserver kube-controller-manager kube-scheduler kube-proxy; do printf '\t_ "%s/cmd/%s"\n' $KM $c; done; echo ')'; } > tools.go
  # static (CGO_ENABLED=0): the control plane's images are FROM scratch
  local v=k8s.io/component-base/version c
  LDX="-X $v.gitVersion=$KV -X $v.gitMajor=1 -X $v.gitMinor=${KV:3:2} -X $v.gitTreeState=clean" \
    gobin . "$W/bin/" $KM/cmd/{kubeadm,kubelet,kubectl,kube-apiserver,kube-controller-manager,kube-scheduler,kube-proxy}
  # crictl stand-in: kind calls `crictl inspecti` in `kind load`; cri-tools' own
  # module is not to be had here. Same module, so same cri-api.
  mkdir -p crictl; cp "$R/src/crictl.go" crictl/main.go; gobin . "$W/bin/crictl" ./crictl
  say "kube binaries, crictl"
}
step_tools() {
  GOBIN=$W/bin CGO_ENABLED=0 GOFLAGS= go install "sigs.k8s.io/kind@$KINDV"; say "kind $KINDV"
  module etcd "go.etcd.io/etcd/server/v3 $ETCDV"
  printf '//go:build tools\n\npackage tools\n\nimport _ "go.etcd.io/etcd/server/v3"\n' > "$W/go/etcd/tools.go"
  gobin "$W/go/etcd" "$W/bin/etcd" go.etcd.io/etcd/server/v3; say "etcd $ETCDV"
  module coredns "github.com/coredns/coredns $DNSV"; cp "$R/src/coredns.go" "$W/go/coredns/main.go"
  gobin "$W/go/coredns" "$W/bin/coredns" .; say "coredns $DNSV"
  if [ -n "$CONTAINERD" ]; then
    local c=github.com/containerd/containerd/v2; module containerd "$c $CONTAINERD"; mkdir -p "$W/bin/ctd"
    printf '//go:build tools\n\npackage tools\n\nimport (\n\t_ "%s/cmd/containerd"\n\t_ "%s/cmd/ctr"\n\t_ "%s/cmd/containerd-shim-runc-v2"\n)\n' $c $c $c > "$W/go/containerd/tools.go"
    LDX="-X $c/version.Version=$CONTAINERD" GOFLAGS=-tags=no_btrfs,no_zfs,no_devmapper gobin "$W/go/containerd" "$W/bin/ctd/" $c/cmd/{containerd,ctr,containerd-shim-runc-v2}
    say "containerd $CONTAINERD"
  fi
  gcc -static -Os -s -o "$W/bin/pause" "$R/src/pause.c"
}
step_rootfs() {
  rm -rf "$N"
  local mirror; mirror=$(awk '/^URIs:/{print $2; exit}' /etc/apt/sources.list.d/*.sources 2>/dev/null)
  [ -n "$mirror" ] || mirror=$(awk '/^deb /{for (i=2;i<=NF;i++) if ($i ~ /:\/\//) {print $i; exit}}' /etc/apt/sources.list)
  # bookworm: its systemd 252 is the last of Debian's to boot on cgroup v1 as is
  debootstrap --variant=minbase --include=systemd,containerd,runc,iptables,nftables,conntrack,iproute2,ethtool,socat,mount,util-linux,procps,kmod,ca-certificates,curl,jq,iputils-ping,tcpdump,containernetworking-plugins,gzip \
    bookworm "$N" "$mirror" > "$W/debootstrap.log" 2>&1 || { echo "debootstrap failed: see its log in $W" >&2; return 1; }
  say "debootstrap $(du -sm "$N" | cut -f1) MB"
}
step_base() {
  # kind's own node files (entrypoint, units, containerd config), from the module
  local k f; k=$(GOFLAGS= go mod download -json "sigs.k8s.io/kind@$KINDV" | awk -F'"' '$2=="Dir"{print $4}')/images/base/files
  (cd "$k" && find etc kind usr -type f) | while read -r f; do install -D -m 0644 "$k/$f" "$N/$f"; done
  chmod 0755 "$N"/kind/bin/*.sh "$N"/usr/local/bin/*
  install -m 0755 "$k/usr/local/bin/entrypoint" "$N/kind/bin/entrypoint.kind"
  install -m 0755 "$R/src/entrypoint" "$N/usr/local/bin/entrypoint"
  rm -f "$N/etc/systemd/system/containerd-fuse-overlayfs.service"
  # kind's unit starts /usr/local/bin/containerd
  rm -f "$N"/usr/local/bin/{containerd,ctr,containerd-shim-runc-v2}
  if [ -n "$CONTAINERD" ]; then install -m 0755 "$W"/bin/ctd/* "$N/usr/local/bin/"; else ln -s /usr/bin/containerd /usr/bin/ctr "$N/usr/local/bin/"; fi
  # restrict_oom_score_adj: no CAP_SYS_RESOURCE, so nobody here can lower an
  # oom_score_adj; without it runc fails on every critical pod
  sed -i "s#sandbox_image = .*#sandbox_image = \"$REG/pause:$PAUSEV\"#; s#restrict_oom_score_adj = false#restrict_oom_score_adj = true#; /proxy_plugins/,/address/d" "$N/etc/containerd/config.toml"
  install -m 0755 "$W"/bin/{kubeadm,kubelet,kubectl} "$N/usr/bin/"
  install -m 0755 "$W/bin/crictl" "$N/usr/local/bin/"
  mkdir -p "$N"/{opt/cni/bin,etc/cni/net.d,etc/kubernetes/manifests,kind/manifests}
  rm -f "$N"/opt/cni/bin/* "$N"/etc/cni/net.d/*
  cp "$N"/usr/lib/cni/{host-local,loopback,portmap,ptp} "$N/opt/cni/bin/" # the four kind ships
  echo -n $KV > "$N/kind/version"
  chroot "$N" /bin/bash -e <<'C'
# as in kind's Dockerfile
find /lib/systemd/system/sysinit.target.wants/ -name systemd-tmpfiles-setup.service -delete
rm -f /lib/systemd/system/multi-user.target.wants/* /etc/systemd/system/*.wants/* /lib/systemd/system/local-fs.target.wants/*
rm -f /lib/systemd/system/sockets.target.wants/*udev* /lib/systemd/system/sockets.target.wants/*initctl* /lib/systemd/system/basic.target.wants/*
grep -q ^ReadKMsg=no /etc/systemd/journald.conf || echo ReadKMsg=no >> /etc/systemd/journald.conf
ln -sf /lib/systemd/systemd /sbin/init
systemctl -q enable kubelet.service containerd.service undo-mount-hacks.service
systemctl -q mask systemd-binfmt.service
ctr oci spec | jq '.hooks.createContainer[.hooks.createContainer|length] |= . + {"path": "/kind/bin/mount-product-files.sh"}' | jq 'del(.process.rlimits)' > /etc/containerd/cri-base.json
# Debian's sysctl.d would set host-wide kernel.* and fs.* from inside the node
rm -f /usr/lib/sysctl.d/* /etc/sysctl.d/99-sysctl.conf
apt-get clean; rm -rf /var/lib/apt/lists/* /usr/share/doc/* /usr/share/man/* /usr/share/locale/* /var/log/*
C
  # `docker import -c` of 20.10 has no STOPSIGNAL: import, then a metadata-only build
  tar -C "$N" -c . | docker import - $BASE > /dev/null
  printf 'FROM %s\nENV container=docker\nSTOPSIGNAL SIGRTMIN+3\nENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]\n' $BASE | docker build -q -t $BASE - > /dev/null 2>&1
  say "$BASE $(( $(docker image inspect -f '{{.Size}}' $BASE) / 1000000 )) MB"
}
step_images() {
  cd "$W"; local c t x=img/ctx b l f
  rm -f img/tar/*
  one() { rm -rf $x; mkdir -p $x/usr/local/bin; cp "bin/$1" $x/usr/local/bin/; }
  img() { mk "$1" $x "$2"; docker save -o "img/tar/${1%:*}.tar" "$REG/$1"; docker rmi "$REG/$1" > /dev/null; }
  for c in kube-apiserver kube-controller-manager kube-scheduler; do one $c; img $c:$KV "[\"$c\"]"; done
  one etcd; img etcd:$ETCDV '["etcd"]'
  one coredns; img coredns:$DNSV '["coredns"]'
  one pause; img pause:$PAUSEV '["pause"]'
  # kube-proxy: with iptables, nft, conntrack and their libraries out of the node's tree
  one kube-proxy
  # (the xtables plug-ins too: libxt_statistic.so alone wants libm)
  { (cd "$N"; ls usr/sbin/{xtables-nft-multi,xtables-legacy-multi,nft,conntrack} usr/lib/*-linux-gnu/xtables/*.so) | while read -r b; do
      echo "$b"; chroot "$N" ldd "/$b" | grep -o '/[^ ]*' || true; done; echo etc/protocols; } | sed 's#^/##; s#:$##' | sort -u |
  while read -r f; do if [ -e "$N/$f" ]; then mkdir -p "$x/$(dirname "$f")"; cp -L "$N/$f" "$x/$f"; fi; done
  for l in iptables ip6tables; do for b in '' -save -restore; do ln -s xtables-nft-multi $x/usr/sbin/$l$b; done; done
  mkdir -p $x/{tmp,run}
  img kube-proxy:$KV '["kube-proxy"]'
  rm -rf $x
  say "images: $(du -sm img/tar | cut -f1) MB of tars"
  # into the containerd store of the node image, packed (kind does the same);
  # each node unpacks what it runs. /var is a volume of every node: docker
  # copies this store into it at `docker run`, so its size counts per node.
  c=kindrig-build
  docker rm -fv $c > /dev/null 2>&1 || true
  docker run -d --name $c --net none --cap-add SYS_ADMIN --security-opt seccomp=unconfined --entrypoint sleep $BASE infinity > /dev/null
  docker exec -d $c containerd
  for t in $(seq 100); do docker exec $c ctr version > /dev/null 2>&1 && break; sleep .1; done
  for t in img/tar/*.tar; do
    docker exec -i $c ctr -n k8s.io images import --compress-blobs --all-platforms --no-unpack - < "$t" > /dev/null 2> img/import.log || { cat img/import.log >&2; return 1; }
  done
  docker exec $c sh -c 'ctr -n k8s.io images ls -q; kill $(pidof containerd); sleep 1; du -sm /var/lib/containerd; rm -rf /var/log/* /run/containerd'
  docker commit --change 'ENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]' $c "$RIG_IMAGE" > /dev/null
  docker rm -fv $c > /dev/null
  rm -f img/tar/*
  say "$RIG_IMAGE $(( $(docker image inspect -f '{{.Size}}' "$RIG_IMAGE") / 1000000 )) MB"
}
for s in ${KINDRIG_STEPS:-kube tools rootfs base images}; do step_$s; done
say "done"
