#!/bin/sh
# Builds the images of the labs: gingham-lab:VERSION and gingham-lab-bird:2.
#
#   containerlab/images/build.sh [BASE]      BASE: a Debian or Ubuntu with apt-get; debian:bookworm-slim without it
#
# The gingham image is deploy/Dockerfile on a base that has ip and ping beside what the daemon needs. Its first stage is
# made by Node.js: BUILDER names another image for that.
set -eu
base=${1:-debian:bookworm-slim}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$top/package.json")

docker build -q -t gingham-lab-base --build-arg BASE="$base" -f "$here/base.Dockerfile" "$here"
docker build -q -t gingham-lab-bird:2 --build-arg BASE=gingham-lab-base "$here/bird"
docker build -q -t "gingham-lab:$version" --build-arg BASE=gingham-lab-base \
  ${BUILDER:+--build-arg BUILDER="$BUILDER"} -f "$top/deploy/Dockerfile" "$top"
docker images --filter 'reference=gingham-lab*'
