#!/usr/bin/env bash
# BIRD 2 as an image where nothing can be pulled: this machine's own Debian package and the libraries it is linked with.
# (Where images can be pulled, containerlab/images/bird/Dockerfile is the one.)   test/kind/bird-image.sh NAME
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
for program in bird birdc; do
  file=$(command -v $program)
  install -D "$file" "$root/usr/sbin/$program"
  ldd "$file" | grep -o '/[^ ]*' | while read -r library; do install -D "$(readlink -f "$library")" "$root$library"; done
done
mkdir -p "$root"/{run/bird,etc/bird,tmp}
tar -C "$root" -c . |
  docker import -c 'ENV PATH=/usr/sbin' -c 'ENTRYPOINT ["bird"]' \
    -c 'CMD ["-f","-c","/etc/bird/bird.conf","-s","/run/bird/bird.ctl"]' - "$1" >/dev/null
