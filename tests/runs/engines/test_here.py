from .stepping import StepContract


class TestContract(StepContract):
    """Keepers in threads of the driver."""

    kind = "here"
