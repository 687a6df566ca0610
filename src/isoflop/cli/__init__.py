"""The command line. A verb is one file here, with a click command named `command`, and one line in VERBS.

A verb's file is imported when the verb is called, so `isoflop --help` is instant.
"""

from isoflop.cli.group import main

VERBS = {
    "study": "The whole loop on one machine: text in, a proven plan out.",
    "corpus": "Build the corpus of a study.",
    "sweep": "Design the sweep of a study and show its bill; --go trains it.",
    "run": "Do or resume the runs of a study that are missing.",
    "status": "Show how far a study is.",
    "fit": "Fit scaling laws to the runs in a table, by three approaches.",
    "predict": "Predict the loss of a model size on a number of tokens.",
    "plan": "Plan how many parameters and tokens a compute budget is best spent on.",
    "launch": "Train a plan with an engine; --dry-run shows what would be submitted.",
    "score": "Score the sealed forecast of a study.",
    "seal": "Show the digest of a sealed forecast, and put it where others can check it.",
    "report": "Write the report of a study.",
    "log": "Send the curves of a study's runs to TensorBoard, W&B or MLflow.",
    "export": "Write a trained model for Hugging Face transformers to load.",
    "generate": "Generate text with a trained model.",
    "count": "Count parameters, FLOPs and memory of a shape.",
    "laws": "List the published laws, and compare them at a budget.",
    "paper": "Print published numbers beside ours, table by table.",
}
"""{verb: its line in `isoflop --help`}, in the order of that page."""

__all__ = ["VERBS", "main"]
