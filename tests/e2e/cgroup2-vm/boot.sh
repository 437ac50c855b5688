#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# boot.sh OUT FILE[=GUEST]... -- COMMAND [ARG]...
# Boots the kernel that setup.sh fetched under qemu, with cgroup v2 at /sys/fs/cgroup, and runs COMMAND in it as root.
# Each FILE is there too, at its own path or at GUEST, with the libraries it needs. What COMMAND writes under /out comes
# back in the directory OUT, its output in OUT/log, the kernel's in OUT/console. The guest has a spare disk, /dev/vdb.
# Exit code: the command's; 124 after BOOT_SECONDS (default 180); 125 when the guest did not get to the end.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kernel=$here/k
[ -d "$kernel/boot" ] || { echo "boot.sh: no kernel: run $here/setup.sh" >&2; exit 125; }
version=$(ls "$kernel/lib/modules")
modules=$kernel/lib/modules/$version
out=$1
shift

mkdir -p "$here/work"
work=$(mktemp -d "$here/work/run.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{bin,dev,etc,modules,out,proc,root,run,sys,tmp}
cp "$(command -v busybox)" "$root/bin/busybox"
cp "$here/guest/init" "$root/init"
chmod +x "$root/init"

# A module after those it needs, as far as they are not in the kernel itself.
add_module() {
  local name=$1 line path
  line=$(grep -E "/$name\.ko(\.xz)?:" "$modules/modules.dep" || true)
  [ -n "$line" ] || return 0
  for path in $(tr ' ' '\n' <<<"${line#*:}" | tac) "${line%%:*}"; do
    name=$(basename "${path%.xz}")
    [ -e "$root/modules/$name" ] && continue
    case $path in
      *.xz) xz -dc "$modules/$path" >"$root/modules/$name" ;;
      *) cp "$modules/$path" "$root/modules/$name" ;;
    esac
    echo "$name" >>"$root/modules/order"
  done
}
: >"$root/modules/order"
add_module virtio_pci
add_module virtio_blk

add_file() {
  local source=$1 guest=$2 library
  mkdir -p "$root$(dirname "$guest")"
  cp -L "$source" "$root$guest"
  chmod +x "$root$guest"
  for library in $(ldd "$source" 2>/dev/null | grep -oE '/[^ )]+' || true); do
    [ -e "$root$library" ] && continue
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
  done
}
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  add_file "${1%%=*}" "${1#*=}"
  shift
done
shift
printf '%q ' "$@" >"$root/command"
(cd "$root" && find . | cpio --quiet -o -H newc) >"$work/initrd"

truncate -s 64M "$work/out.img"
truncate -s 64M "$work/spare.img"
rm -rf "$out"
mkdir -p "$out"
status=0
timeout "${BOOT_SECONDS:-180}" qemu-system-x86_64 -nodefaults -no-user-config -machine pc -accel tcg,thread=multi -cpu max \
  -m 768 -smp 2 -display none -no-reboot -serial "file:$out/console" \
  -kernel "$kernel/boot/vmlinuz-$version" -initrd "$work/initrd" \
  -append "console=ttyS0 quiet psi=1 panic=-1 mitigations=off nokaslr tsc=reliable no_timer_check" \
  -drive "file=$work/out.img,if=virtio,format=raw,cache=unsafe" \
  -drive "file=$work/spare.img,if=virtio,format=raw,cache=unsafe" </dev/null >"$work/qemu" 2>&1 || status=$?
[ "$status" = 124 ] && exit 124
tar -C "$out" -xf "$work/out.img" 2>/dev/null || true
[ -s "$out/status" ] || { cat "$work/qemu" "$out/console" >&2; exit 125; }
exit "$(cat "$out/status")"
