"""Commands that write a recording to their output, as they stand in Kaldi's ``wav.scp``."""

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from asr.audio.headers import SNIFFED, container_of
from asr.errors import DataError, OutputError
from asr.recognition.names import safe_name


@dataclass(frozen=True)
class Commands:
    """Runs commands by a shell, and keeps what each of them writes as a file in ``folder``."""

    folder: Path
    _files: dict[tuple[str, str], Path] = field(default_factory=dict)

    def run(self, command: str, id: str, where: str) -> Path:
        """Return the file with the output of ``command``, which is named after the recording's
        ``id``. A command that has been run for this recording is not run again.

        Raises:
            DataError: the command fails, or writes nothing.
            OutputError: the folder cannot be written.
        """
        if (command, id) in self._files:
            return self._files[command, id]
        temporary = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".command.")
            with os.fdopen(handle, "wb") as file:
                done = subprocess.run(
                    [*_shell(), command],
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.PIPE,
                    check=False,
                )
            said = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1]
            if done.returncode:
                reason = f"exit code {done.returncode}{f', {said!r}' if said else ''}"
                raise DataError(f"{where}: the command {command!r} failed ({reason})")
            with open(temporary, "rb") as output:
                first = output.read(SNIFFED)
            if not first:
                raise DataError(f"{where}: the command {command!r} wrote nothing")
            path = self.folder / f"{safe_name(id)}.{container_of(first) or 'audio'}"
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
            self._files[command, id] = path
            return path
        except OSError as error:
            reason = error.strerror or str(error)
            raise OutputError(f"cannot write the output of {command!r}: {reason}") from error
        finally:
            if temporary is not None and os.path.exists(temporary):
                os.unlink(temporary)


def _shell() -> list[str]:
    """Return a shell that fails if any part of a pipeline does, if there is one."""
    bash = shutil.which("bash")
    return [bash, "-o", "pipefail", "-c"] if bash else ["sh", "-c"]
