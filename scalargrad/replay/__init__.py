"""Record once, replay fast: a function of one sample becomes a program that runs on many."""

from scalargrad.replay.compiled import Compiled, compile
from scalargrad.replay.loading import from_json
from scalargrad.replay.recorder import RecordingError

__all__ = ["Compiled", "RecordingError", "compile", "from_json"]
