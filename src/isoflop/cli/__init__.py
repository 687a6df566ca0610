"""The command line. A verb is one file in `verbs/`, with a click command named `command`, and one line in VERBS.

A verb is imported when it is called, so `isoflop --help` is instant.
"""

from isoflop.cli.group import main

SECTIONS = {
    "Ask": {
        "plan": "Find the best model size and number of tokens for a compute budget.",
        "predict": "Predict the loss of a model size and number of tokens.",
        "count": "Count the parameters, FLOPs and memory of a model shape.",
        "planner": "Write a page that plans in the browser, without a server.",
        "laws": "List published scaling laws, and compare them at a budget.",
    },
    "Fit your runs": {
        "fit": "Fit scaling laws to a table of runs, by three approaches.",
        "compare": "Tell which of two recipes is better, by how much, and how sure that is.",
        "noise": "Show the noise between seeds, and the smallest gain that pairs of runs can show.",
        "report": "Write the report of a study, a fit or the papers.",
    },
    "Prove it on your own text": {
        "study": "Run the whole loop on one machine: from text to a plan that is tested.",
        "corpus": "Build the corpus of a study.",
        "sweep": "Design the sweep of a study and show its cost; --go trains it.",
        "run": "Train or resume the missing runs of a study, or a plan.",
        "status": "Show the progress of a study.",
        "score": "Score the sealed forecast of a study.",
        "seal": "Show the digest of a sealed forecast, and publish it where others can check it.",
        "ledger": "Tell how good forecasts have been: what was predicted, and what came.",
    },
    "Train and use a model": {
        "recipe": "Print the recipe that runs are trained by, or check one of your own.",
        "launch": "Train a plan with an engine; --dry-run shows what would be submitted.",
        "watch": "Tell whether a run under way is on its forecast, and where it will end.",
        "log": "Send the curves of a study's runs to TensorBoard, W&B or MLflow.",
        "generate": "Generate text with a trained model.",
        "export": "Export a trained model to Hugging Face transformers.",
    },
    "Reference": {
        "explain": "Explain the code of a warning or a refusal.",
        "paper": "Compare published numbers with ours, table by table.",
    },
}
"""{section of `isoflop --help`: {verb: its line there}}, in the order of that page."""

VERBS = {verb: line for verbs in SECTIONS.values() for verb, line in verbs.items()}
"""{verb: its line in `isoflop --help`}."""

__all__ = ["VERBS", "main"]
