"""A checkpoint as a bundle: calibrated, in ONNX, proved to agree with the network."""
