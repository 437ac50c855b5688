#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# House rules that a machine can check: format, shell scripts, tests that no target builds, clocks and paths out of place.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
failed=0
complain() { printf '%s\n' "$*" >&2; failed=1; }
files() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r f; do [ -f "$f" ] && echo "$f"; done; }

mapfile -t sources < <(files '*.cc' '*.h')
clang-format --dry-run --Werror "${sources[@]}" 2>&1 | head -20
[ "${PIPESTATUS[0]}" -eq 0 ] || complain "format: run clang-format -i on the files above"

mapfile -t scripts < <(files | xargs -r grep -lE '^#!.*\b(ba)?sh\b' --)
shellcheck -x "${scripts[@]}" || complain "shellcheck: see above"

for test in $(files 'tests/unit/*_test.cc'); do
  grep -qrE "\b$(basename "$test")\b" --include='*.cmake' --include=CMakeLists.txt "$(dirname "$test")" "$(dirname "$(dirname "$test")")" \
    || complain "$test: in no cm_test()"
done

for file in $(files 'common/*.cc' 'common/*.h' 'exporter/*.cc' 'exporter/*.h' 'aggregator/*.cc' 'aggregator/*.h'); do
  head -1 "$file" | grep -q '^// SPDX-License-Identifier: Apache-2.0$' || complain "$file:1: the SPDX line is missing"
  case $file in
    common/clock.cc) ;;
    *) grep -nE 'system_clock::now|::time\((NULL|nullptr)\)' "$file" && complain "$file: the time comes from Clock" ;;
  esac
  case $file in
    exporter/config.h | exporter/roots.h | aggregator/config.h) ;;
    *) grep -nE '^[^/]*[^+] "/(proc|sys)(/|")' "$file" && complain "$file: paths of the node come from the settings" ;;
  esac
done

grep -nE '\b(TODO|FIXME|XXX)\b' "${sources[@]}" && complain "no TODO is left behind"
exit $failed
