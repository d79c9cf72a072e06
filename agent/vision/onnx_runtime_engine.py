"""The engine 'int8': the network's eight-bit copy in ONNX Runtime.

OpenCV, which runs the full network, cannot run the copy as fast nor as exactly. It takes 30 MB more
memory, and is an extra. Imported when that engine is chosen, and by the training.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.translation import _
from agent.vision.model_file import ModelCard, check_answer, other_network, refused


def one_thread() -> Any:
    """Make ONNX Runtime's options for a face now and then."""
    ort.disable_telemetry_events()
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


class OnnxRuntimeSession:
    """A network in ONNX Runtime, on one thread. Raises ModelError."""

    def __init__(self, file: Path, card: ModelCard) -> None:
        try:
            self._session: Any = ort.InferenceSession(
                str(file), one_thread(), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its classes of errors share no other base
            raise ModelError(
                _(
                    "{file} is not a network that ONNX Runtime {version} can load "
                    "({why}). Install Moodtray again to restore it."
                ).format(file=file, version=ort.__version__, why=str(error).splitlines()[0])
            ) from error
        self._input, self._output = card.input_name, card.output_name
        inputs = [i.name for i in self._session.get_inputs()]
        outputs = [o.name for o in self._session.get_outputs()]
        if self._input not in inputs or self._output not in outputs:
            raise other_network(
                file,
                _("inputs {inputs} and outputs {outputs}").format(inputs=inputs, outputs=outputs),
                card,
            )
        check_answer(file, self)

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run float32 [N, 1, 48, 48] -> logits [N, 7]. Raises ModelError."""
        try:
            (logits,) = self._session.run([self._output], {self._input: batch})
        except Exception as error:
            raise refused(str(error).splitlines()[0]) from error
        return np.asarray(logits, dtype=np.float32)
