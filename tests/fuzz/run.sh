#!/usr/bin/env bash
# run.sh FUZZER SECONDS SEED: runs one fuzzer on its corpus (tests/fuzz/corpus/<name>) and prints one
# line; of a failure also the input, as base64.
set -euo pipefail
fuzzer=$1
name=$(basename "$fuzzer" _fuzz)
corpus=$(dirname "$0")/corpus/$name
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/new" "$work/seeds"
[ -d "$corpus" ] && cp -r "$corpus/." "$work/seeds/"
if ! "$fuzzer" -max_total_time="$2" -seed="$3" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
  -artifact_prefix="$work/" -print_final_stats=1 "$work/new" "$work/seeds" >"$work/log" 2>&1; then
  tail -40 "$work/log"
  crash=$(find "$work" -maxdepth 1 -name '*-*' -type f | head -1)
  [ -n "$crash" ] && base64 "$crash"
  echo "FAIL fuzz $name"
  exit 1
fi
echo "ok fuzz $name: $(awk '/number_of_executed_units/ {print $2}' "$work/log") runs in $2 s"
