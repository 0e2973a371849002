#!/usr/bin/env bash
# The image of deploy/Dockerfile where nothing can be pulled: bases out of this machine's Debian, and a context that brings
# its node_modules.   test/kind/image.sh NAME:TAG     GINGHAM_IMAGE_NODE: the Node.js to ship, default the one in PATH
set -euo pipefail
name=$1 top=$(cd "$(dirname "$0")/../.." && pwd)
node=$(readlink -f "${GINGHAM_IMAGE_NODE:-$(command -v node)}")
base=gingham-base:$("$node" -p 'process.version.slice(1)')
docker image inspect "$base-builder" >/dev/null 2>&1 || "$top/test/kind/base-image.sh" "$base" "$node"
# Links inside are followed: node_modules may be one.
tar -C "$top" -ch --exclude=.git --exclude=./dist --exclude=./test --exclude=.dockerignore \
  --exclude='node_modules/typescript' --exclude='node_modules/@biomejs' --exclude='node_modules/*rolldown*' . |
  DOCKER_BUILDKIT=0 docker build -q -t "$name" --build-arg "BUILDER=$base-builder" --build-arg "BASE=$base" -f deploy/Dockerfile - >/dev/null
docker image inspect -f '{{index .RepoTags 0}}: {{.Size}} bytes' "$name"
