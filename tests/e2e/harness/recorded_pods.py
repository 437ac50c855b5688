# SPDX-License-Identifier: Apache-2.0
"""tests/testdata/recorded_pods.tar.xz: what a real API server said of a node's pods (tests/testdata/README.md)."""
import dataclasses
import io
import json
import os
import tarfile

from harness import procs

ARCHIVE = os.path.join(procs.REPOSITORY, "tests/testdata/recorded_pods.tar.xz")


@dataclasses.dataclass
class Recording:
    listed: dict   # the PodList
    events: list   # those of the watch that went on from it, in order
    owners: dict   # identities.owners_of the ReplicaSets and Jobs that there were


def load():
    with tarfile.open(ARCHIVE) as archive:
        def text(name):
            return archive.extractfile(name).read().decode()

        return Recording(json.loads(text("list.json")), [json.loads(line) for line in text("watch.jsonl").splitlines()],
                         json.loads(text("owners.json")))


def save(recording):
    files = {"list.json": json.dumps(recording.listed), "watch.jsonl": "".join(json.dumps(e) + "\n" for e in recording.events),
             "owners.json": json.dumps(recording.owners)}
    with tarfile.open(ARCHIVE, "w:xz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
