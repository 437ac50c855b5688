# SPDX-License-Identifier: Apache-2.0
"""Container images made on the spot: static programs compiled here, packed as `docker save` packs them."""
import hashlib
import io
import json
import os
import subprocess
import tarfile

SOURCES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "images")


def compile_static(name, directory):
    """Compiles images/<name>.c; returns the program's path."""
    program = os.path.join(directory, name)
    subprocess.run(["gcc", "-static", "-O2", "-s", "-pthread", "-o", program, os.path.join(SOURCES, name + ".c")],
                   check=True)
    return program


def _add(archive, name, data, mode=0o644):
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), mode
    archive.addfile(entry, io.BytesIO(data))


def pack(archive_path, program, name):
    """Writes the image `name`, whose only file is `program`, at /<its file name>."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar, open(program, "rb") as file:
        _add(tar, os.path.basename(program), file.read(), 0o755)
    digest = hashlib.sha256(layer.getvalue()).hexdigest()
    config = json.dumps({"architecture": "amd64", "os": "linux",
                         # The label gives each name an image ID of its own.
                         "config": {"Entrypoint": ["/" + os.path.basename(program)], "Labels": {"name": name}},
                         "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]}}).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = [{"Config": config_name, "RepoTags": [name], "Layers": [digest + "/layer.tar"]}]
    with tarfile.open(archive_path, "w") as tar:
        _add(tar, config_name, config)
        _add(tar, digest + "/layer.tar", layer.getvalue())
        _add(tar, "manifest.json", json.dumps(manifest).encode())
