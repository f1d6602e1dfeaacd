"""OpenVINO on the network of a bundle, as a process in an environment of its own; ``benchmarks.engine --peers`` starts it.

It needs what ``engine_peers.txt`` names, and nothing of ours. In the folder that it is given lie ``fp32.onnx`` and
``token_ids.json``: ``reviews`` to be run, ``calibration`` to fit int8 to. It prints the names of its forms as one
JSON line, then reads a name a line, runs all reviews in that form, and answers with the CPU seconds that they took.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nncf
import numpy as np
import openvino

BATCH = 8
INT8 = "openvino_int8.xml"

Feeds = dict[str, Any]
Form = Callable[[], None]


def main() -> None:
    """Serve until standard input ends."""
    folder = Path(sys.argv[1])
    token_ids = json.loads((folder / "token_ids.json").read_text())
    made = forms(folder, token_ids["reviews"], token_ids["calibration"])
    print(json.dumps(list(made)), flush=True)
    for line in sys.stdin:
        started = time.process_time()
        made[line.strip()]()
        print(json.dumps({"cpu_seconds": time.process_time() - started}), flush=True)


def forms(
    folder: Path, reviews: Sequence[Sequence[int]], calibration: Sequence[Sequence[int]]
) -> Mapping[str, Form]:
    """By name, each precision in both ways of calling."""
    core = openvino.Core()
    fp32 = core.read_model(folder / "fp32.onnx")
    networks = {"int8 by NNCF": (int8(core, fp32, folder / INT8, calibration), "f32"), "fp32": (fp32, "f32")}
    if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        networks["bf16"] = (fp32, "bf16")
    cores = len(os.sched_getaffinity(0))
    sorted_batches, alone = list(batches(reviews)), [padded([ids]) for ids in reviews]
    made: dict[str, Form] = {}
    for precision, (network, hint) in networks.items():
        for streams, calls, shape in (
            (1, sorted_batches, f"batches of {BATCH} by length, one stream of all cores"),
            (cores, alone, "one review a call, a stream on each core"),
        ):
            settings = {
                "NUM_STREAMS": streams,
                "INFERENCE_NUM_THREADS": cores,
                "INFERENCE_PRECISION_HINT": hint,
            }
            compiled = core.compile_model(network, "CPU", settings)
            made[f"OpenVINO {precision}, {shape}"] = through(
                openvino.AsyncInferQueue(compiled, streams), calls
            )
    return made


def int8(core: Any, fp32: Any, path: Path, calibration: Sequence[Sequence[int]]) -> Any:
    """The network in static int8: NNCF's post-training quantisation for transformers. Kept at ``path``."""
    if not path.exists():
        dataset = nncf.Dataset([padded([ids]) for ids in calibration])
        quantised = nncf.quantize(
            fp32, dataset, subset_size=len(calibration), model_type=nncf.ModelType.TRANSFORMER
        )
        openvino.save_model(quantised, path, compress_to_fp16=False)
    return core.read_model(path)


def through(queue: Any, calls: Sequence[Feeds]) -> Form:
    """All calls, as many at a time as the queue has requests."""

    def run() -> None:
        for feeds in calls:
            queue.start_async(feeds)
        queue.wait_all()

    run()  # kernels are made for a shape when it is first seen
    return run


def batches(reviews: Sequence[Sequence[int]]) -> Iterator[Feeds]:
    """``BATCH`` reviews of like length a call."""
    by_length = sorted(reviews, key=len)
    for start in range(0, len(by_length), BATCH):
        yield padded(by_length[start : start + BATCH])


def padded(rows: Sequence[Sequence[int]]) -> Feeds:
    """Both inputs of a call, int64 (rows, tokens)."""
    input_ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    mask = np.zeros_like(input_ids)
    for row, ids in enumerate(rows):
        input_ids[row, : len(ids)] = ids
        mask[row, : len(ids)] = 1
    return {"input_ids": input_ids, "attention_mask": mask}


if __name__ == "__main__":
    main()
