"""Addresses as messages, logs and reports may show them: without passwords and keys."""

import re
from urllib.parse import unquote

_SECRET = r"[^=&;#]*(?:pass|pwd|token|secret|key|auth|sig|cred)[^=&;#]*"
_SECRET_PARAMETER = re.compile(rf"([?&;#]{_SECRET}=)([^&;#]*)", re.IGNORECASE)
_HOST = re.compile(r"(\[[^\]]*\]|[^:@]*)(:\d*)?")
HIDDEN = "***"


def shown(address: str) -> str:
    """Return an address without passwords, for every message, log, ledger and report.

    Hidden are user and password before the host, also if the password has `/`, `@` or `?` in it, and parameters whose
    name tells that they are secret (`?password=`, `&sslpassword=`, `&token=`). A path is returned unchanged.
    """
    kind, separator, rest = address.partition("://")
    if not separator:
        return address
    return without_secret_parameters(f"{kind}://{_without_user(rest)}")


def without_secret_parameters(address: str) -> str:
    """Return an address whose secret parameters are hidden, user and host as they are."""
    return _SECRET_PARAMETER.sub(rf"\1{HIDDEN}", address)


def _without_user(rest: str) -> str:
    """Hide what stands before the last `@` that can end a password."""
    if rest.startswith("/") or "@" not in rest:  # a file's path may have one
        return rest
    before_query = rest.partition("?")[0]
    authority = re.split(r"[/?#]", rest)[0]
    if "@" in before_query:
        if "@" not in authority and ":" not in authority:  # `s3://bucket/a@b`: no password without a colon
            return rest
        query = rest[len(before_query) :]
        if "=" not in query.partition("@")[0] and "@" in query:  # no parameter: the password has a `?`
            return f"{HIDDEN}@{rest.rpartition('@')[2]}"
        return f"{HIDDEN}@{before_query.rpartition('@')[2]}{query}"
    if _HOST.fullmatch(authority):  # `host:5000/?mail=me@there`
        return rest
    return f"{HIDDEN}@{rest.rpartition('@')[2]}"


def hidden_in(text: str, *addresses: str | None) -> str:
    """Return a text, such as a library's error, without the passwords of some addresses."""
    for address in addresses:
        if address is None or "://" not in address:
            continue
        text = text.replace(address, shown(address))
        for secret in _secrets(address):
            text = text.replace(secret, HIDDEN)
    return text


def _secrets(address: str) -> list[str]:
    """Return the passwords in an address as they stand there and as they are meant, longest first."""
    rest = address.partition("://")[2]
    found = [match[2] for match in _SECRET_PARAMETER.finditer(address)]
    if (cleaned := _without_user(rest)) != rest:
        user = rest[: len(rest) - len(cleaned) + len(HIDDEN)]
        found.append(user.partition(":")[2] or user)
    both = {*found, *map(unquote, found)} - {"", HIDDEN}
    return sorted(both, key=len, reverse=True)
