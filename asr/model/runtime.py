"""ONNX Runtime with its telemetry switched off; it is imported from here alone.

Since release 1.32 it keeps an identifier of the machine and a data base of events in the home
folder, and sends them, unless this variable is set before it is imported. A value that is set
already stays.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

__all__ = ["onnxruntime"]
