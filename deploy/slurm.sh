#!/bin/sh
# Slurm array of the bundles of a plan; $PLAN is on a file system that all nodes share:
#   bundles=$(grep -c '"setting":' plan.json)
#   job=$(sbatch --parsable --array=0-$((bundles - 1))%100 --export=ALL,PLAN=$PWD/plan.json,BUNDLES=$bundles deploy/slurm.sh)
#   sbatch --dependency=afterok:$job --wrap="windvane merge $PWD/plan.json"
#SBATCH --job-name=windvane
#SBATCH --cpus-per-task=1
#SBATCH --requeue
set -eu
export RAYON_NUM_THREADS="${SLURM_CPUS_PER_TASK:-1}"
exec windvane run "$PLAN" --index "$SLURM_ARRAY_TASK_ID" --of "$BUNDLES"
