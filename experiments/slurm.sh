#!/bin/sh
# Submits the runs of the study that are missing as a job array of Slurm, one run a task.
#
# The checkout has to lie in a folder that all nodes share. Locks (flock) on files in runs/study/ and results/models/
# keep two tasks from one run or base model, so they must hold between nodes: they do on NFS 4, on NFS 3 with its lock
# manager (no mount option nolock), and on Lustre with the mount option flock.
set -eu

case ${1:-} in
  -h | --help)
    cat <<'END'
Submits the runs of the study that are missing to Slurm, one run a task.

  experiments/slurm.sh [options of sbatch]

  experiments/slurm.sh --partition=gpu --gres=gpu:1 --time=4:00:00
  experiments/slurm.sh --cpus-per-task=2 --mem=2G --account=mine

It can be called again at any time: a task ends at once if its run is done, or is being made by
another process. What was stopped goes on from its last checkpoint: by itself after preemption
or the failure of a node; when this is called again after a time limit. A task whose base model
is being made by another waits for it. What tasks print is in runs/slurm/.
END
    exit
    ;;
esac

CDPATH='' cd -- "$(dirname -- "$0")/.."
if ! command -v sbatch >/dev/null; then
  echo "slurm.sh: there is no sbatch here; call this on a machine that submits jobs to Slurm." >&2
  exit 1
fi
# Not as a task of Deno, since where jobs are submitted there need not be the GPU that it asks for. This also installs,
# once, what all tasks would else install at the same time.
names=$(./denow run --quiet --no-prompt --allow-read --allow-env commands/study.ts --missing)
if [ -z "$names" ]; then
  echo "no run is missing"
  exit
fi
mkdir -p runs/slurm
last=$(($(echo "$names" | wc -l) - 1))
# The job keeps the names: when a task begins, others may be missing than now.
exec sbatch --job-name=study --array="0-$last" --chdir="$PWD" --output=runs/slurm/%A_%a.txt \
  --requeue --open-mode=append "$@" <<END
#!/bin/sh
set -eu
set -- $(echo "$names" | tr '\n' ' ')
shift "\$SLURM_ARRAY_TASK_ID"
exec ./denow task study "\$1"
END
