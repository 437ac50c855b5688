#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./deploy images: the archives onto the workers. Sourced by deploy.

# shellcheck source=scripts/deploy/common.sh
. scripts/deploy/common.sh

readonly archives=(monitor.tar monitor-api.tar)
ctr=ctr workers=() ssh_options=()

images_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      -p | -i | -F | -J | -o)
        [ $# -gt 1 ] || wrong "$1 wants a value"
        ssh_option "$1" "$2"
        shift
        ;;
      --ctr=?*) ctr=${1#*=} ;;
      --dry-run) dry_run=yes ;;
      -*) wrong "unknown: $1" ;;
      *) workers+=("$1") ;;
    esac
    shift
  done
  [ ${#workers[@]} -gt 0 ] || wrong "which workers?"
}

# ssh_option LETTER VALUE: in a form that scp takes too. Files are named as seen from where ./deploy was called, which is
# where it changed directory from.
ssh_option() {
  local file=$2
  [[ $2 = /* ]] || file=$OLDPWD/$2
  case $1 in
    -p) ssh_options+=(-o "Port=$2") ;;
    -i | -F) ssh_options+=("$1" "$file") ;;
    *) ssh_options+=("$1" "$2") ;;
  esac
}

# One connection for all that is done on a worker, so that a password is asked for once.
share_connections() {
  local directory
  directory=$(mktemp -d)
  # shellcheck disable=SC2064  # the directory of now
  trap "rm -r '$directory'" EXIT
  ssh_options+=(-o ControlMaster=auto -o "ControlPath=$directory/%C" -o ControlPersist=yes)
}

# import_on WORKER DIRECTORY
import_on() {
  local terminal=()
  [ ! -t 0 ] || terminal=(-t) # sudo may ask for a password
  run ssh "${ssh_options[@]}" "${terminal[@]}" "$1" "cd $2 && for archive in ${archives[*]}; do
    if [ \"\$(id -u)\" = 0 ]; then $ctr -n k8s.io images import \$archive
    else sudo $ctr -n k8s.io images import \$archive; fi || exit 1; done"
}

# to_worker WORKER: copies and imports; leaves nothing there but the images.
to_worker() {
  local directory=/var/tmp/cloud-monitor.$$ status=0
  run ssh "${ssh_options[@]}" "$1" "umask 077; mkdir $directory" || return 1
  { run scp "${ssh_options[@]}" "${archives[@]}" "$1:$directory/" && import_on "$1" "$directory"; } || status=1
  run ssh "${ssh_options[@]}" "$1" "rm -r $directory" || status=1
  [ -n "$dry_run" ] || ssh "${ssh_options[@]}" -O exit "$1" 2>/dev/null || true
  return $status
}

main_images() {
  local archive worker number=0 failed=()
  images_options "$@"
  need ssh "it reaches the workers"
  for archive in "${archives[@]}"; do
    [ -n "$dry_run" ] || [ -f "$archive" ] || { complain "$archive is not there: ./deploy build makes it"; exit 1; }
  done
  [ -n "$dry_run" ] || share_connections
  for worker in "${workers[@]}"; do
    number=$((number + 1))
    say "[$number/${#workers[@]}] $worker"
    to_worker "$worker" || failed+=("$worker")
  done
  say ""
  [ ${#failed[@]} -eq 0 ] || { complain "not done, for the reasons above: ${failed[*]}"; exit 1; }
  say "Next: ./deploy   (applies the manifests to the cluster of kubectl's current context)"
}
