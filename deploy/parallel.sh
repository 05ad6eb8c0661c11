#!/bin/sh
# Runs a plan on one machine with GNU parallel: deploy/parallel.sh plan.json [JOBS]
# Interrupted runs continue: results that exist are kept.
set -eu
plan=$1
jobs=${2:-$(nproc)}
bundles=$(grep -c '"setting":' "$plan")
# One thread a process, since every process is one job.
export RAYON_NUM_THREADS=1
seq 0 $((bundles - 1)) | parallel --jobs "$jobs" --retries 3 --joblog "$plan.log" \
    windvane run "$plan" --index {} --of "$bundles"
windvane merge "$plan"
