#!/usr/bin/env bash
# The quick tests against the oldest and the newest versions that pyproject.toml allows.
#
#     scripts/test_versions.sh [oldest|newest]
#
# Needs uv. Each takes 5 GB for a while; the versions that were tested are printed.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v uv >/dev/null || { echo "error: uv not found; pip install uv" >&2; exit 1; }

if [ $# -eq 0 ]; then set -- oldest newest; fi
for version in "$@"; do
    case $version in
        oldest) resolution=lowest-direct ;;
        newest) resolution=highest ;;
        *) echo "error: got $version, needs oldest or newest" >&2; exit 2 ;;
    esac
    environment=$(mktemp -d)
    trap 'rm -rf "$environment"' EXIT
    uv venv --quiet --allow-existing --python 3.11 "$environment"
    uv pip install --quiet --python "$environment" --resolution "$resolution" -e ".[dev]"
    echo "== $version =="
    uv pip freeze --quiet --python "$environment" | grep -E "^($(
        python3 - <<'END'
import re, tomllib
project = tomllib.load(open("pyproject.toml", "rb"))["project"]
extras = project["optional-dependencies"]
lines = project["dependencies"] + extras["beam"] + extras["train"]
print("|".join(re.match(r"[\w-]+", line)[0] for line in lines))
END
    ))=="
    # Older packages leave files open, which pytest of that age reports as unraisable.
    "$environment/bin/python" -m pytest -q -m "not slow" -p no:cacheprovider \
        -W ignore::pytest.PytestUnraisableExceptionWarning
    rm -rf "$environment"
done
