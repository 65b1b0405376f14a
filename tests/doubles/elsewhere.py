"""The rows that no test in this folder asks: which case of the suite does, or why nothing can."""

from __future__ import annotations

#: Row -> the case that asks it, of the real transports and of the fake.
BY_A_CASE: dict[str, str] = {
    "R01": "sent-fields/text-outside-ascii",
    "R02": "requests/other-methods-are-refused",
    "R03": "requests/other-methods-are-refused",
    "R08": "sent-fields/nothing-else",
    "R44": "time/none",
    "R45": "time/settings-are-judged",
    "R46": "time/settings-are-judged",
    "R57": "concurrency/truly-at-once",
    "H01": "sent-fields/control-characters",
    "H02": "sent-fields/control-characters",
    "H03": "sent-fields/control-characters",
    "H04": "sent-fields/blanks-around-values",
    "H05": "sent-fields/names-are-tokens",
    "H06": "sent-fields/names-are-tokens",
    "H07": "requests/other-methods-are-refused",
    "H08": "requests/other-methods-are-refused",
    "H09": "requests/other-methods-are-refused",
    "H10": "sent-fields/content-length",
    "H11": "sent-fields/content-length",
    "H12": "sent-fields/repeated-names",
    "H45": "time/none",
    "H46": "time/settings-are-judged",
    "H47": "time/settings-are-judged",
    # No number of connections is too many, so there is no time-out of a pool: the second call has one of its own.
    "H51": "connections/two-answers-at-once",
}

_OF_THE_NETWORK = "A transport in memory has no such option, so it cannot be told; it does not take it and go on."

#: Row -> why it cannot be asked.
NOT_ASKABLE: dict[str, str] = {
    "R48": f"A file of authorities is an option of the real transports. {_OF_THE_NETWORK}",
    "R49": f"A client's certificate stands in the caller's own ssl_context, which loads the file. {_OF_THE_NETWORK}",
    "R50": f"Proxies are an option of the real transports, as proxies/unreachable has it. {_OF_THE_NETWORK}",
    "H49": f"Proxies are an option of the real transports, as proxies/unreachable has it. {_OF_THE_NETWORK}",
    "H54": "An answer has no extensions: nothing of a transport shows through it.",
    "H56": "A Response is whole as soon as there is one: nothing of it is still to be read.",
}
