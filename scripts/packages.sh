#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Debian packages that building and the unit tests need. Sourced by deploy and tests/run; those of the end-to-end suite
# are in tests/e2e/install.

# libc-ares-dev: DNS look-ups for scrape.dns that never block and can be ended (aggregator/discovery/dns_resolver.h).
# libsnappy-dev: remote_write packs its requests so, and no other way is in the protocol (aggregator/remote_write/request.h).
# libxxhash-dev is headers only: hashes of series' names, in place of the names (aggregator/scrape/head_hash.h).

# shellcheck disable=SC2034  # used by those who source this
build_packages=(
  ca-certificates cmake g++ ninja-build pkg-config
  libbenchmark-dev libc-ares-dev libcivetweb-dev libcli11-dev libcurl4-openssl-dev libnghttp2-dev libprotobuf-dev libsnappy-dev
  libspdlog-dev libsqlite3-dev libxxhash-dev libyaml-cpp-dev libzstd-dev nlohmann-json3-dev prometheus-cpp-dev protobuf-compiler
  zlib1g-dev
  curl
)
# shellcheck disable=SC2034
test_packages=(clang-format doctest-dev gcc git libc6-dev python3 shellcheck)

# install_packages NAME...: installs those that are missing, as root or with sudo, and says so.
install_packages() {
  local missing=() name sudo=()
  for name in "$@"; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "these packages are missing and sudo is not there: ${missing[*]}" >&2; return 1; }
    sudo=(sudo)
  fi
  echo "installing with apt-get: ${missing[*]}"
  "${sudo[@]}" apt-get update -q >/dev/null
  # Programs that the tests start themselves must not run as services of the machine.
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -yq --no-install-recommends "${missing[@]}" \
    >/dev/null
}
