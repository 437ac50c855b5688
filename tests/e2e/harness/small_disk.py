# SPDX-License-Identifier: Apache-2.0
"""File systems of a few megabytes that a test can fill and turn read-only."""
import os
import subprocess
import unittest

from harness import kernel, session

SOURCE = "cloud-monitor-e2e-disk"  # what /proc/mounts calls the tmpfs ones


def _run(*command):
    """Skips the test where the machine does not permit it."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise unittest.SkipTest(f"{' '.join(command)}: {done.stderr.strip()}")


def _sweep():
    """Unmounts what a run left that was killed."""
    for line in kernel.read("/proc/mounts").splitlines():
        source, path = line.split()[:2]
        if source == SOURCE:
            subprocess.run(["umount", "--lazy", path], check=False)


class SmallDisk:
    """A tmpfs at `path`, a directory that there is, until close()."""

    def __init__(self, path, megabytes):
        session.need_tools("mount")
        session.lock()
        _sweep()
        self.path = path
        self._filler = path + "/filler"
        self._mount(megabytes)

    def _mount(self, megabytes):
        _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", SOURCE, self.path)

    def fill(self, leave_bytes=0):
        """Takes all space but so much."""
        with open(self._filler, "ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                file.truncate(max(0, file.tell() - leave_bytes))

    def free(self):
        os.remove(self._filler)

    def close(self):
        subprocess.run(["umount", "--lazy", self.path], check=False)


class FailingDisk(SmallDisk):
    """An ext4 in the file `image`, which can be made to fail."""

    def __init__(self, path, megabytes, image):
        self._image = image
        super().__init__(path, megabytes)

    def _mount(self, megabytes):
        session.need_tools("mkfs.ext4")
        with open(self._image, "wb") as file:
            file.truncate(megabytes << 20)
        _run("mkfs.ext4", "-q", "-F", self._image)
        self.mount()

    def mount(self):
        _run("mount", "-o", "loop", self._image, self.path)

    def fail(self):
        """From now on it is read-only, also for files that are open, as after an error of the device. It keeps what it has."""
        subprocess.run(["sync", "--file-system", self.path], check=True)
        _run("mount", "-o", "remount,abort", self.path)

    def repair(self):
        """Makes it writable again; no file of it may be open."""
        subprocess.run(["umount", self.path], check=True)
        self.mount()
