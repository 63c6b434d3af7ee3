"""The one error that a user's mistake raises: it names the place and what would be right."""


class UserError(Exception):
    """A bad argument, configuration, data set or strategy; shown as one message, exit code 2."""
