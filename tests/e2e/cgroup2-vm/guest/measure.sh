#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# measure.sh systemd|cgroupfs
# Runs the exporter beside a live tree and scrapes it twice, 5 s apart. For each scrape N, /out/N/page is the page and
# /out/N/{before,after}/<container> the kernel's files just before and after it, each line with the file's name in front.
set -e
/guest/kubetree.sh "$1"
cp /run/containers /out/containers
pid_of() { awk -v name="$1" '$1 == name { print $3 }' /run/containers; }
cgroup_of() { awk -v name="$1" '$1 == name { print $2 }' /run/containers; }

# wait_for SECONDS COMMAND...
wait_for() {
  left=$(($1 * 5))
  shift
  until "$@" >/dev/null 2>&1; do
    left=$((left - 1))
    [ $left -gt 0 ] || { echo "not in time: $*"; exit 1; }
    sleep 0.2
  done
}

/guest/exporter --web.listen-address=127.0.0.1:9780 --node.name=vm --identity.sources=podlogs --path.podlogs=/nonexistent &
wait_for 60 wget -q -O /dev/null http://127.0.0.1:9780/-/healthy

files="cpu.stat memory.current memory.stat memory.events io.stat"
record() {
  mkdir -p "$1"
  while read -r name cgroup _; do
    for file in $files; do sed "s/^/$file /" "$cgroup/$file"; done > "$1/$name"
  done < /run/containers
}
scrape() {
  record "/out/$1/before"
  wget -q -O "/out/$1/page" http://127.0.0.1:9780/metrics
  record "/out/$1/after"
}
has_containers() { wget -q -O - http://127.0.0.1:9780/metrics | grep -q '^container_cpu_usage_seconds_total'; }
wait_for 60 has_containers
sleep 2
scrape 1
kill -USR1 "$(pid_of leaky)"
wait_for 60 grep -q 'oom_kill 1' "$(cgroup_of leaky)/memory.events"
sleep 5
scrape 2
