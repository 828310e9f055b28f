#!/usr/bin/env bash
# The quick tests against the oldest and the newest versions that pyproject.toml allows.
#
#     scripts/test_versions.sh [oldest|newest]
#
# Needs uv. Each takes 5 GB for a while; the versions that were tested are printed.
set -euo pipefail
cd "$(dirname "$0")/.."

for which in "${@:-oldest newest}"; do
    for version in $which; do
        environment=$(mktemp -d)
        case $version in
            oldest) resolution=lowest-direct ;;
            newest) resolution=highest ;;
            *) echo "error: got $version, needs oldest or newest" >&2; exit 2 ;;
        esac
        uv venv --quiet --python 3.11 "$environment"
        uv pip install --quiet --python "$environment" --resolution "$resolution" -e ".[dev]"
        echo "== $version =="
        uv pip freeze --quiet --python "$environment" | grep -E \
            '^(numpy|soundfile|soxr|onnxruntime|jiwer|typer|rich|torch|torchaudio|lightning|librosa|onnx|matplotlib|scipy|tensorboard)=='
        "$environment/bin/python" -m pytest -q -m "not slow" -p no:cacheprovider
        rm -rf "$environment"
    done
done
