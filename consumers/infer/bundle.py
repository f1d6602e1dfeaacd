"""Open a model bundle: every file is read once, checked against its digest, and used from memory."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from pydantic import ValidationError

from schemas.errors import BundleError
from schemas.events import ModelReference
from schemas.manifest import MANIFEST_FILE, TOKENIZER_FILE, Manifest, Variant, bundle_version

DEFAULT_BUNDLE = files("consumers.infer") / "default_bundle"
"""The bundle that ships inside the package."""


@dataclass(frozen=True)
class Bundle:
    """A checked bundle. ``content`` is what was checked, so nothing can change between check and use."""

    manifest: Manifest
    version: str
    content: Mapping[str, bytes]

    @property
    def reference(self) -> ModelReference:
        return ModelReference(name=self.manifest.name, version=self.version)

    @property
    def tokenizer_json(self) -> bytes:
        return self.content[TOKENIZER_FILE]

    def variant(self, *precisions: str) -> Variant:
        """The first variant in order of ``precisions``.

        Raises:
            BundleError: the bundle has none of them.
        """
        for precision in precisions:
            for variant in self.manifest.variants:
                if variant.precision == precision:
                    return variant
        raise BundleError(
            f"bundle {self.manifest.name!r} has no variant of precision {' or '.join(precisions)}"
        )


def open_bundle(folder: Path | None = None) -> Bundle:
    """Read and check the bundle in ``folder`` (default: the one that ships with the package).

    Raises:
        BundleError: the folder or a file is missing, a digest differs, or the manifest is of another format.
    """
    if folder is not None:
        return _open(folder)
    with as_file(DEFAULT_BUNDLE) as default:
        return _open(default)


def _open(folder: Path) -> Bundle:
    manifest_bytes = _read(folder, MANIFEST_FILE)
    try:
        manifest = Manifest.model_validate_json(manifest_bytes)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "document"
        raise BundleError(f"{folder / MANIFEST_FILE}: {place}: {first['msg']}") from error
    content = {}
    for name, digest in manifest.files.items():
        content[name] = _read(folder, name)
        if hashlib.sha256(content[name]).hexdigest() != digest.sha256:
            raise BundleError(
                f"{folder / name}: its SHA-256 differs from the manifest's; "
                "the file is damaged or was changed. Copy the bundle again, or export it anew."
            )
    return Bundle(manifest, bundle_version(manifest_bytes), content)


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise BundleError(f"{folder / name}: cannot be read: {error.strerror}") from error
