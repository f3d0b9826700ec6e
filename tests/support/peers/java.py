"""Java class paths, resolved once by Maven from the committed pom files."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
from pathlib import Path

from tests.support.peers.cache import CACHE, executable, install_run, installing

HERE = Path(__file__).resolve().parent
LOG4J = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="OFF">
  <Appenders>
    <Console name="err" target="SYSTEM_ERR"><PatternLayout pattern="%d %p %m (%c)%n%throwable"/></Console>
  </Appenders>
  <Loggers><Root level="{level}"><AppenderRef ref="err"/></Root></Loggers>
</Configuration>
"""


def java() -> str:
    """The java program: JAVA_HOME's if set, else the one on the path."""
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").is_file():
        return str(Path(home) / "bin" / "java")
    return executable("java", "Kafka 4.x and its tools need Java 17 or newer")


@functools.cache
def class_path(project: str) -> str:
    """Class path of `project` (a directory with a pom.xml beside this file), installing it."""
    java()
    pom = HERE / project / "pom.xml"
    with installing(project) as home:
        resolved, taken_from = home / "classpath.txt", home / "pom.xml"
        fresh = taken_from.exists() and taken_from.read_bytes() == pom.read_bytes()
        if not (fresh and resolved.exists() and _all_exist(resolved.read_text())):
            shutil.copyfile(pom, taken_from)
            resolved.unlink(missing_ok=True)
            install_run(
                [
                    executable("mvn", "Kafka is installed through Maven"),
                    "--quiet",
                    "--batch-mode",
                    f"-Dmaven.repo.local={CACHE / 'm2'}",
                    f"-Dmdep.outputFile={resolved}",
                    "dependency:build-classpath",
                ],
                cwd=home,
            )
        return resolved.read_text().strip()


def _all_exist(class_path: str) -> bool:
    return all(Path(jar).exists() for jar in class_path.strip().split(":"))


def log4j_config(level: str) -> Path:
    """A log4j2 configuration that writes `level` and above to stderr."""
    with installing("log4j") as home:
        path = home / f"log4j2-{level.lower()}.xml"
        text = LOG4J.format(level=level)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        return path


@functools.cache
def compiled(project: str, source: Path) -> str:
    """Class path of the one-file program `source`, compiled against `project`, with that of `project`."""
    libraries = class_path(project)
    digest = hashlib.sha256(source.read_bytes() + libraries.encode()).hexdigest()[:16]
    with installing(project) as home:
        classes = home / f"classes-{digest}"
        if not classes.exists():
            javac = executable("javac", "programs in Java are compiled: a JDK is needed")
            made = home / f"classes-{digest}.new"
            shutil.rmtree(made, ignore_errors=True)
            install_run([javac, "-nowarn", "-cp", libraries, "-d", made, source], cwd=home)
            made.rename(classes)
        return f"{classes}:{libraries}"
