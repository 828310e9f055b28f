"""The model directory, and the network inside it in ONNX Runtime."""
