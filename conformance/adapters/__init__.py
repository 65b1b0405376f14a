"""Other clients behind the transport of fluxhttp, to see how they sit its suite. Not installed with it."""

import fluxhttp


def call(table, function, *arguments, **options):
    """What a peer's function returns; its exceptions become ours, by the first class in the table that fits."""
    try:
        return function(*arguments, **options)
    except Exception as error:
        ours = next((ours for theirs, ours in table.items() if isinstance(error, theirs)), fluxhttp.TransportError)
        raise ours(f"{type(error).__name__}: {error}") from error
