"""Certificate files are looked at when the settings are made: a client would stumble over them at every connection."""

import ssl
from pathlib import Path

from pydantic import SecretStr


def check_certificate_files(
    cafile: Path | None, certfile: Path | None, keyfile: Path | None, key_password: SecretStr | None
) -> None:
    """See that a client can use these files.

    Args:
        cafile: the authorities to trust.
        certfile: the client's certificate, and its key where there is no ``keyfile``.
        keyfile: its key.
        key_password: of an encrypted key.

    Raises:
        ValueError: with the file and what is wrong with it.
    """
    for file in (cafile, certfile, keyfile):
        if file is not None:
            _check_readable(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if cafile is not None:
        try:
            context.load_verify_locations(cafile)
        except ssl.SSLError as error:
            raise ValueError(f"{cafile} holds no certificate in PEM form ({error.reason})") from error
    if certfile is None:
        if keyfile is not None or key_password is not None:
            raise ValueError("a client key needs the client certificate too")
        return
    # Without any password OpenSSL would ask for one on the terminal.
    password = "" if key_password is None else key_password.get_secret_value()
    try:
        context.load_cert_chain(certfile, keyfile, password)
    except ssl.SSLError as error:
        raise ValueError(_unusable(certfile, keyfile or certfile, error)) from error


def _check_readable(file: Path) -> None:
    try:
        file.open("rb").close()
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from error


def _unusable(certfile: Path, keyfile: Path, error: ssl.SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"{keyfile} is not the key of the certificate {certfile}"
    return (
        f"{certfile} and {keyfile} are no certificate and key in PEM form, or the key's password is missing or wrong "
        f"({error.reason or 'unreadable'})"
    )
