"""Experiment trackers, written from run folders: TensorBoard, Weights & Biases, MLflow. The folders stay the truth."""
