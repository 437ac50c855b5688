#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the commands of ./deploy share. Sourced by them, with the project's root as the working directory.

dry_run= # not empty: steps are shown and not made

say() { printf '%s\n' "$*"; }
complain() { say "$@" >&2; }

# wrong WHAT: for words that mean nothing here.
wrong() {
  complain "$1"
  usage >&2
  exit 2
}

# need PROGRAM WHAT_FOR
need() {
  [ -n "$dry_run" ] || command -v "$1" >/dev/null || { complain "$1 is not installed: $2"; exit 1; }
}

# show WORD...: a command as one could type it.
show() {
  local word line=+
  for word; do
    if [[ $word =~ ^[A-Za-z0-9_@%+=:,./-]+$ ]]; then line+=" $word"; else line+=" '${word//\'/\'\\\'\'}'"; fi
  done
  say "$line"
}

# run WORD...: shows a command and runs it.
run() {
  show "$@"
  [ -n "$dry_run" ] || "$@"
}
