"""The commands of ``asr``, run as processes of their own."""

import subprocess
import sys

from conftest import ROOT

COMMAND = [sys.executable, "-c", "from asr.cli.main import main; main()"]


def run(*arguments, cwd=ROOT, **options):
    """Run ``asr`` with these arguments and return the completed process."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, cwd=cwd, **options
    )
