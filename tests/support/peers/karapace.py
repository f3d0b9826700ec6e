"""Karapace: a schema registry that keeps its schemas in a topic."""

from __future__ import annotations

import functools
import json
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.peers.app import App
from tests.support.peers.cache import PeerUnavailable, executable, install_run, installing
from tests.support.peers.node import free_port
from tests.support.peers.venv import interpreter, python

VERSION = "6.2.0"
SOURCES = "ANABRANCH_TEST_KARAPACE"
ANSWER_SECONDS_MAX = 20
# Its Protobuf compiler is a Go library, some of whose modules are not to be had everywhere. Only Avro
# is spoken here, so a library without one takes its place; it must be there for Karapace to start.
NO_PROTOBUF = """
void *FormatSchema(void) { return 0; }
char *CheckCompatibility(void) { return "built without Protobuf"; }
void FreeResult(void *result) { (void)result; }
"""


@functools.cache
def _import_path() -> str:
    """Where Python finds Karapace."""
    with installing("karapace") as home:
        sources = home / VERSION
        if not sources.exists():
            repository = os.environ.get(SOURCES)
            if not repository:
                raise PeerUnavailable(
                    "Karapace is in no package registry: set "
                    f"{SOURCES} to a git repository with its tag {VERSION}, such as a clone of "
                    "https://github.com/Aiven-Open/karapace"
                )
            git = executable("git", "Karapace is taken from git")
            cc = executable("cc", "see NO_PROTOBUF")
            made = home / f"{VERSION}.new"
            shutil.rmtree(made, ignore_errors=True)
            bare, tar = home / "repository", home / "src.tar"
            shutil.rmtree(bare, ignore_errors=True)
            clone = ["clone", "--quiet", "--bare", "--depth", "1", "--branch", VERSION]
            install_run([git, *clone, repository, bare], cwd=home)
            install_run([git, "archive", f"--output={tar}", VERSION, "src"], cwd=bare)
            shutil.unpack_archive(tar, made)
            # What its build would write.
            (made / "src" / "karapace" / "version.py").write_text(f'__version__ = "{VERSION}"\n')
            (made / "no_protobuf.c").write_text(NO_PROTOBUF)
            library = made / "src" / "protopacelib.so"
            install_run([cc, "-shared", "-fPIC", "-o", library, "no_protobuf.c"], cwd=made)
            made.rename(sources)
        return str(sources / "src")


def karapace_python() -> str:
    """Its interpreter, which has confluent-kafka with Avro as well."""
    return str(python("karapace", interpreter((3, 12))))


class Karapace(App):
    """One registry; several on one broker elect a primary, which alone writes."""

    def __init__(self, bootstrap: str, directory: Path, name: str) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        environment = {
            **os.environ,
            "PYTHONPATH": _import_path(),
            "KARAPACE_BOOTSTRAP_URI": bootstrap,
            "KARAPACE_HOST": "127.0.0.1",
            "KARAPACE_PORT": str(port),
            "KARAPACE_KARAPACE_REGISTRY": "true",
            "KARAPACE_LOG_LEVEL": "WARNING",
        }
        command = [karapace_python(), "-m", "karapace"]
        super().__init__(command, directory / name, environment=environment)

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Status and answer of the REST interface; status 0 when there is none."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/vnd.schemaregistry.v1+json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()
        except OSError:
            return 0, None

    def primary(self) -> str | None:
        """The primary's address in this registry's eyes, once it has read the topic."""
        status, health = self.ask("/_health")
        if status != 200 or not health["status"]["schema_registry_ready"]:
            return None
        primary: str | None = health["status"]["schema_registry_primary_url"]
        if primary == self.url and not health["status"]["schema_registry_is_primary"]:
            return None  # elected, and waiting for what another may still write
        return primary
