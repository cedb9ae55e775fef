#!/bin/sh
# Checks and measures the CUDA backend on this machine. Needs NVIDIA's driver and nothing else; everything is generated here.
# Leaves result.json and result.md beside this script. Options go to the program: ./run.sh --quick, ./run.sh --help.
# Exit status: 0 all correct and every target met, 1 a target missed, 2 wrong answers or a failure.
here=$(cd "$(dirname "$0")" && pwd) || exit 2
for sanitizer in "$here/sanitizer/compute-sanitizer" "$(command -v compute-sanitizer)" /usr/local/cuda/bin/compute-sanitizer; do
    if [ -x "$sanitizer" ]; then
        set -- --sanitizer "$sanitizer" "$@"
        break
    fi
done
exec "$here/gpu-check" --json "$here/result.json" --markdown "$here/result.md" "$@"
