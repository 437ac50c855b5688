#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kubetree.sh systemd|cgroupfs
# Builds the cgroups that a kubelet with this driver makes on cgroup v2, with live processes in them, and returns while
# they go on. /run/containers then has a line "NAME CGROUP PID" for each container.
# Programs: /ctr/pause and /ctr/load (tests/e2e/images).
set -e
driver=$1
top=/sys/fs/cgroup
: > /run/containers

guaranteed=6f1b7c9e-2d34-4f0a-9b1e-0a1b2c3d4e5f
burstable=0d9a4c31-77e2-4b58-8c6d-5e4f3a2b1c0d
static=3b2ad1f0c0e7d4c7ae8d6f3a1b2c3d4e
best_effort=a1c2e3f4-0b1d-42c3-9d4e-f5a6b7c8d9e0

controllers() { echo "+cpu +io +memory +pids" > "$1/cgroup.subtree_control"; }

# pod_cgroup QOS UID: makes it and prints its path. QOS is empty for guaranteed.
pod_cgroup() {
  if [ "$driver" = systemd ]; then
    level=$top/kubepods.slice${1:+/kubepods-$1.slice}
    pod=$level/kubepods${1:+-$1}-pod$(echo "$2" | tr - _).slice
  else
    level=$top/kubepods${1:+/$1}
    pod=$level/pod$2
  fi
  mkdir -p "$pod"
  for made in "$top"/kubepods* "$level" "$pod"; do controllers "$made"; done
  echo "$pod"
}

# container_cgroup POD NAME: makes it and prints its path. Its ID is a hash of the name.
container_cgroup() {
  id=$(printf %s "$2" | sha256sum | cut -c1-64)
  if [ "$driver" = systemd ]; then cgroup=$1/cri-containerd-$id.scope; else cgroup=$1/$id; fi
  mkdir "$cgroup"
  echo "$cgroup"
}

# start NAME CGROUP PROGRAM...: runs the program in the cgroup.
start() {
  name=$1 cgroup=$2
  shift 2
  sh -c 'echo $$ > "$0/cgroup.procs"; exec "$@"' "$cgroup" "$@" </dev/null &
  echo "$name $cgroup $!" >> /run/containers
}

pod=$(pod_cgroup "" $guaranteed)
start guaranteed-pause "$(container_cgroup "$pod" guaranteed-pause)" unshare -n /ctr/pause
cgroup=$(container_cgroup "$pod" throttled)
echo "20000 100000" > "$cgroup/cpu.max"
start throttled "$cgroup" /ctr/load burn 1 1000

pod=$(pod_cgroup burstable $burstable)
start burstable-pause "$(container_cgroup "$pod" burstable-pause)" unshare -n /ctr/pause
cgroup=$(container_cgroup "$pod" holder)
echo 67108864 > "$cgroup/memory.max"
start holder "$cgroup" /ctr/load mem 40
start writer "$(container_cgroup "$pod" writer)" /ctr/load write /dev/vdb 1048576

pod=$(pod_cgroup burstable $static)
start static-pause "$(container_cgroup "$pod" static-pause)" /ctr/pause
start idle "$(container_cgroup "$pod" idle)" /ctr/load idle

pod=$(pod_cgroup besteffort $best_effort)
start best-effort-pause "$(container_cgroup "$pod" best-effort-pause)" unshare -n /ctr/pause
cgroup=$(container_cgroup "$pod" leaky)
echo 25165824 > "$cgroup/memory.max"
start leaky "$cgroup" /ctr/load oom 64
