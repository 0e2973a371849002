#!/usr/bin/env bash
# Where no image can be pulled: the image's two bases (deploy/Dockerfile) out of this machine's own Debian. NAME has a shell
# (busybox), nft, iptables and the libraries Node.js is linked with; NAME-builder has Node.js besides.
#   test/kind/base-image.sh NAME [NODE]      NODE: the Node.js to ship, default the one in PATH
set -euo pipefail
name=$1 node=$(readlink -f "${2:-$(command -v node)}")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# The loader and the libraries of a file, one path a line; nothing for a script or a static one.
linked() { ldd "$1" 2>/dev/null | grep -o '/[^ ]*' || true; }
# Files and what they are linked with, at their own paths (links resolved: the tree has no usr-merge).
take() {
  local file
  for file in "$@"; do
    [ -e "$file" ] || continue
    install -D "$(readlink -f "$file")" "$root$file"
    linked "$file" | while read -r library; do
      [ -e "$root$library" ] || install -D "$(readlink -f "$library")" "$root$library"
    done
  done
}

mkdir -p "$root"/{bin,etc,tmp,run,var,usr/sbin,usr/local/bin}
busybox=$(command -v busybox)
install -D "$busybox" "$root/bin/busybox"
for applet in $("$busybox" --list); do [ "$applet" = busybox ] || ln -s busybox "$root/bin/$applet"; done
mkdir -p "$root/usr/bin" && ln -s /bin/busybox "$root/usr/bin/env"
take "$(PATH=$PATH:/usr/sbin command -v nft)" /usr/sbin/xtables-nft-multi /usr/sbin/xtables-legacy-multi
# Plug-ins are loaded by name: without libxt_*.so the rules of others cannot be listed.
take /usr/lib/*-linux-gnu/xtables/*.so
for tool in iptables iptables-save iptables-restore; do
  ln -s xtables-nft-multi "$root/usr/sbin/$tool"
  ln -s xtables-nft-multi "$root/usr/sbin/${tool/iptables/iptables-nft}"
  ln -s xtables-legacy-multi "$root/usr/sbin/${tool/iptables/iptables-legacy}"
done
for library in $(linked "$node"); do take "$library"; done
cp /etc/protocols "$root/etc/" 2>/dev/null || true
printf 'root:x:0:0:root:/:/bin/sh\n' >"$root/etc/passwd"
set_path='ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
tar -C "$root" -c . | docker import -c "$set_path" - "$name" >/dev/null
install "$node" "$root/usr/local/bin/node"
tar -C "$root" -c . | docker import -c "$set_path" - "$name-builder" >/dev/null
docker image inspect -f '{{index .RepoTags 0}}: {{.Size}} bytes' "$name" "$name-builder"
