#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Once: fetches a Debian kernel into k/ (nothing of it is installed) for boot.sh. Needs qemu-system-x86, busybox-static and
# cpio, which `tests/e2e/install --all` installs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ -d "$here/k/boot" ] && exit 0

# The newest kernel that the meta package stands for.
package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends:/ { print $2; exit }')
[ -n "$package" ] || { echo "setup.sh: linux-image-cloud-amd64 is unknown: run apt-get update" >&2; exit 1; }
mkdir -p "$here/dl"
cd "$here/dl"
ls "$package"_*.deb >/dev/null 2>&1 || apt-get -o APT::Sandbox::User=root download "$package"
rm -rf "$here/k.new"
dpkg-deb -x "$package"_*.deb "$here/k.new"
busybox depmod -b "$here/k.new" "$(ls "$here/k.new/lib/modules")"
mv "$here/k.new" "$here/k"
echo "setup.sh: $package is in $here/k"
