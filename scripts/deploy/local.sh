#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./deploy local: both programs on this machine. Sourced by deploy.

# shellcheck source=scripts/deploy/common.sh
. scripts/deploy/common.sh
# shellcheck source=scripts/packages.sh
. scripts/packages.sh

readonly bin=$PWD/build/release/bin
data=$PWD/data port=8082 exporter_port=9780


# running NAME: prints the pid of the program that this script started, if it still runs.
running() {
  local pid
  pid=$(cat "$data/$1.pid" 2>/dev/null) || return 1
  [ "$(readlink "/proc/$pid/exe" 2>/dev/null)" = "$bin/cloud-monitor-$1" ] && echo "$pid"
}

# stop_one NAME: ends it and waits, at most 10 s, then by force.
stop_one() {
  local pid i
  pid=$(running "$1") || { rm -f "$data/$1.pid"; return 0; }
  kill "$pid" 2>/dev/null || true
  for ((i = 0; i < 100; i++)); do
    case $(awk '{print $3}' "/proc/$pid/stat" 2>/dev/null) in Z | '') break ;; esac
    sleep 0.1
  done
  [ "$i" -lt 100 ] || kill -9 "$pid" 2>/dev/null || true
  rm -f "$data/$1.pid"
  say "$1 stopped"
}

stop_both() { stop_one aggregator; stop_one exporter; }

# start NAME FLAG...: starts it with its log under data/.
start() {
  local name=$1
  shift
  "$bin/cloud-monitor-$name" "$@" >>"$data/$name.log" 2>&1 &
  echo $! >"$data/$name.pid"
}

# wait_for NAME URL WHAT: until the URL answers 200, at most 60 s, or the program ends.
wait_for() {
  local i
  for ((i = 0; i < 300; i++)); do
    curl -fsS -o /dev/null --max-time 5 "$2" 2>/dev/null && return 0
    running "$1" >/dev/null || break
    sleep 0.2
  done
  say "the $1 did not come up ($3); its log ends:" >&2
  tail -n 5 "$data/$1.log" >&2
  return 1
}

local_build() {
  say "building (a few minutes the first time) ..."
  if ! { cmake --preset release \
    && cmake --build --preset release --target cloud-monitor-exporter cloud-monitor-aggregator; } >"$data/build.log" 2>&1; then
    tail -n 20 "$data/build.log" >&2
    say "the build failed; all of its output is in $data/build.log" >&2
    exit 1
  fi
}

print_address() {
  local base=http://localhost:$1
  cat <<EOF

cloud-monitor runs: $base/   (exporter: http://localhost:$2/metrics, logs: $data/*.log)

  curl -s '$base/api/nodes'
  curl -s '$base/api/pods?sort=-cpu_millicores&limit=10'
  curl -s '$base/api/cluster?window=5m&format=columns'
EOF
}

local_start() {
  if running aggregator >/dev/null && running exporter >/dev/null; then
    say "already running; end it with ./deploy local stop"
    # shellcheck source=/dev/null
    . "$data/ports"
    print_address "$port" "$exporter_port"
    return 0
  fi
  install_packages "${build_packages[@]}"
  mkdir -p "$data"
  local_build
  stop_both
  trap 'echo; stop_both; exit 0' INT TERM
  trap stop_both EXIT
  printf 'port=%s\nexporter_port=%s\n' "$port" "$exporter_port" >"$data/ports"
  start exporter "--web.listen-address=:$exporter_port"
  wait_for exporter "http://localhost:$exporter_port/-/ready" "no pass over the node yet"
  start aggregator "--web.listen-address=:$port" "--scrape.targets=127.0.0.1:$exporter_port" "--storage.path=$data"
  say "waiting for the first bucket (10 to 20 s) ..."
  wait_for aggregator "http://localhost:$port/-/ready" "no bucket yet"
  print_address "$port" "$exporter_port"
  say ""
  say "Ctrl-C ends both."
  wait
}

main_local() {
  local command=start argument
  for argument; do
    case $argument in
      stop) command=stop ;;
      --port=*) port=${argument#*=} ;;
      --exporter-port=*) exporter_port=${argument#*=} ;;
      --data=*) data=$(realpath -m "${argument#*=}") ;;
      --help) usage ;;
      *) wrong "unknown: $argument" ;;
    esac
  done
  case $command in
    start) local_start ;;
    stop) running aggregator >/dev/null || running exporter >/dev/null || say "nothing runs"; stop_both ;;
  esac
}
