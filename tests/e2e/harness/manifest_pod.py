# SPDX-License-Identifier: Apache-2.0
"""A pod as a workload's template in manifests/ describes it, handed to the runtime as a kubelet hands it over."""
import os

from harness import cri, kernel, pods

UNITS = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}


def _bytes(quantity):
    return int(quantity[:-2]) * UNITS[quantity[-2:]]


def _shared(path):
    """Whether new mounts below this path are seen elsewhere. Those of a private mount are not, and containerd refuses to
    promise it."""
    covering = {}
    for line in kernel.read("/proc/self/mountinfo").splitlines():
        columns = line.split()
        if os.path.commonpath([columns[4], path]) == columns[4]:
            covering[columns[4]] = any(field.startswith(("shared:", "master:")) for field in columns[6:columns.index("-")])
    return covering[max(covering, key=len)]


class ManifestPod(pods.RunningPod):
    """`template`: the pod's spec from the manifest. Its one container runs `image` with the manifest's arguments but those
    that `instead` ({flag: value}) replaces; `paths` are {the manifest's path on the node: what takes its place here}."""

    def __init__(self, template, machine, directory, *, name, image, instead, paths):
        self._template, self._paths = template, paths
        (self._container,) = template["containers"]
        self._user = {"user": template["securityContext"]["runAsUser"], "group": template["securityContext"]["runAsGroup"],
                      "host_pid": template["hostPID"]}
        args = [arg for arg in self._container["args"] if arg.partition("=")[0] not in instead]
        args += [f"{flag}={value}" for flag, value in instead.items()]
        limit = _bytes(self._container["resources"]["limits"]["memory"])
        spec = pods.PodSpec("cloud-monitor", name, [pods.ContainerSpec(self._container["name"], args, image,
                                                                       memory_limit_bytes=limit)], "daemonset", name)
        super().__init__(spec, machine.containerd.runtime, directory)

    def _sandbox_config(self):
        config = super()._sandbox_config()
        config[8][2] = cri.sandbox_security(**self._user)
        return config

    def _mounts(self):
        """As CRI's Mount."""
        volumes = {volume["name"]: volume["hostPath"]["path"] for volume in self._template["volumes"]}
        for mount in self._container["volumeMounts"]:
            path = self._paths.get(volumes[mount["name"]], volumes[mount["name"]])
            handed_on = mount.get("mountPropagation") == "HostToContainer" and _shared(path)
            yield {1: mount["mountPath"], 2: path, 3: mount.get("readOnly", False), 5: 1 if handed_on else 0}

    def _container_config(self, spec, attempt, mounts):
        config = super()._container_config(spec, attempt, mounts)
        config[6] = [{1: "NODE_NAME", 2: "node-e2e"}]  # the one variable; its value is the node's name
        config[7] += self._mounts()
        rights = self._container["securityContext"]
        config[15][2] = cri.security(
            **self._user, drop=rights["capabilities"]["drop"], readonly_rootfs=rights["readOnlyRootFilesystem"],
            no_new_privileges=not rights["allowPrivilegeEscalation"])
        return config
