# SPDX-License-Identifier: Apache-2.0
"""The project's own images, built with buildah from a base that mmdebstrap makes: nothing comes from a registry.

The base is kept as build/e2e-base.tar, because making it takes a minute.
"""
import os
import shutil
import subprocess

from harness import procs

BASE_ARCHIVE = os.path.join(procs.REPOSITORY, "build/e2e-base.tar")
BASE = "localhost/e2e-base:1"


def make_base():
    if os.path.exists(BASE_ARCHIVE):
        return
    os.makedirs(os.path.dirname(BASE_ARCHIVE), exist_ok=True)
    part = BASE_ARCHIVE + ".part.tar"
    # As Debian's slim images: without documentation and translations.
    left_out = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "locale", "man")]
    _run(["mmdebstrap", "--quiet", "--variant=minbase", *left_out, "bookworm", part])
    os.rename(part, BASE_ARCHIVE)


def checkout(directory):
    """A copy of the project, for what writes into it. Returns its path."""
    return shutil.copytree(procs.REPOSITORY, os.path.join(directory, "checkout"), symlinks=True,
                           ignore=shutil.ignore_patterns("build", ".git", "data", "*.tar"))


def _run(command, env=None):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                          cwd=procs.REPOSITORY, env=env, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


class Builder:
    """buildah with its storage in `directory`, which needs no kernel features that a container may lack."""

    def __init__(self, directory):
        self.directory = directory
        config = os.path.join(directory, "storage.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f'[storage]\ndriver = "vfs"\nrunroot = "{directory}/run"\ngraphroot = "{directory}/graph"\n')
        self.env = {**os.environ, "CONTAINERS_STORAGE_CONF": config, "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
        make_base()
        container = self.buildah("from", "scratch").strip()
        self.buildah("add", "--quiet", container, BASE_ARCHIVE, "/")
        self.buildah("commit", "--rm", "--quiet", container, BASE)

    def buildah(self, *words):
        return _run(["buildah", *words], self.env)

    def build_around(self, program, target, name):
        """The final stage alone, with this program in place of what the build stage would compile. Returns the image as an
        archive."""
        compiled = os.path.join(self.directory, "compiled/src/build/release/bin")
        os.makedirs(compiled, exist_ok=True)
        subprocess.run(["strip", "-o", os.path.join(compiled, os.path.basename(program)), program], check=True)
        self.buildah("build", "--quiet", "--build-context", f"build={self.directory}/compiled", "--build-arg", f"BASE={BASE}",
                     "--build-arg", "VERSION=0", "--file", "manifests/images/Dockerfile", "--target", target, "--tag", name, ".")
        archive = os.path.join(self.directory, target + ".tar")
        self.buildah("push", "--quiet", name, f"docker-archive:{archive}:{name}")
        return archive
