#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./deploy build: the images as archives. Sourced by deploy.

# shellcheck source=scripts/deploy/common.sh
. scripts/deploy/common.sh

engine='' base=debian:12-slim

build_options() {
  local argument
  for argument; do
    case $argument in
      --base=?*) base=${argument#*=} ;;
      --engine=docker | --engine=podman | --engine=buildah) engine=${argument#*=} ;;
      --dry-run) dry_run=yes ;;
      *) wrong "unknown: $argument" ;;
    esac
  done
}

# Docker's client may be there without its daemon, so each is asked.
find_engine() {
  for engine in docker podman buildah; do
    "$engine" info >/dev/null 2>&1 && return
  done
  complain "none of docker, podman and buildah works here; \`docker info\` and so on say why"
  exit 1
}

# build_image TARGET ARCHIVE
build_image() {
  local version name layers=()
  version=$(sed -n 's/^project(cloud-monitor VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
  name=cloud-monitor-$1:$version
  [ "$engine" != buildah ] || layers=(--layers) # else it would compile for each image
  run "$engine" build "${layers[@]}" --file manifests/images/Dockerfile --target "$1" --build-arg "BASE=$base" \
    --build-arg "VERSION=$version" --tag "$name" .
  run rm -f "$2"
  case $engine in
    docker) run docker save --output "$2" "$name" ;;
    # Not `save`, which would call it localhost/..., a name that no node looks for.
    *) run "$engine" push "$name" "docker-archive:$2:$name" ;;
  esac
}

main_build() {
  build_options "$@"
  [ -n "$engine" ] || find_engine
  need "$engine" "it builds the images"
  build_image exporter monitor.tar
  build_image aggregator monitor-api.tar
  say ""
  say "Next: ./deploy images USER@WORKER...   (every node gets both)"
}
