# SPDX-License-Identifier: Apache-2.0
"""What is applied to a cluster: the objects that `kubectl kustomize` makes of a directory, and Kubernetes' schemas of them."""
import functools
import glob
import json
import os
import re
import subprocess
import zipfile

import jsonschema
import yaml

from harness import procs, session
from harness.case import Case

MANIFESTS = os.path.join(procs.REPOSITORY, "manifests")
WHEELS = os.path.join(procs.REPOSITORY, "build/kubernetes-schemas/*.whl")  # tests/e2e/kubernetes-schemas.txt
WORKLOADS = ("DaemonSet", "StatefulSet")
EXPORTER, AGGREGATOR = "cloud-monitor-exporter", "cloud-monitor-aggregator"


class Built:
    """The objects of one directory."""

    def __init__(self, directory):
        done = subprocess.run(["kubectl", "kustomize", directory], capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise AssertionError(f"kubectl kustomize {directory}: {done.stderr}")
        self.objects = list(yaml.safe_load_all(done.stdout))

    def of(self, *kinds):
        return [item for item in self.objects if item["kind"] in kinds]

    def one(self, kind, name):
        (found,) = [item for item in self.of(kind) if item["metadata"]["name"] == name]
        return found

    def pods(self):
        """{name of the workload: its pods' spec}"""
        return {item["metadata"]["name"]: item["spec"]["template"]["spec"] for item in self.of(*WORKLOADS)}

    def templates_selected_by(self, selector):
        """Names of the workloads whose pods have all these labels."""
        return [item["metadata"]["name"] for item in self.of(*WORKLOADS)
                if selector.items() <= item["spec"]["template"]["metadata"]["labels"].items()]


@functools.cache
def build(directory):
    """`directory`: below manifests."""
    return Built(os.path.join(MANIFESTS, directory))


def overlays():
    return sorted(os.path.relpath(os.path.dirname(path), MANIFESTS)
                  for path in glob.glob(MANIFESTS + "/overlays/*/kustomization.yaml"))


def name_of(item):
    return f"{item['kind']} {item['metadata']['name']}"


class ManifestsCase(Case):
    """Tests of every directory that can be applied."""

    @classmethod
    def setUpClass(cls):
        session.need_tools("kubectl")
        cls.directories = [".", *overlays()]

    def each(self):
        for directory in self.directories:
            yield directory, build(directory)

    def each_container(self):
        for directory, built in self.each():
            for name, pod in built.pods().items():
                for container in pod["containers"]:
                    yield directory, name, pod, container


class Definitions:
    """Follows the schemas' references, which all lead into one file; jsonschema's own way searches all of it each time."""

    def __init__(self, definitions):
        self._definitions = definitions

    def resolve(self, reference):
        return reference, self._definitions[reference.rpartition("/$defs/")[2]]

    def push_scope(self, scope):
        pass

    def pop_scope(self):
        pass


class Schemas:
    """The strict schemas of one release of Kubernetes: they refuse fields that there are not."""

    def __init__(self, wheel, version):
        self._zip = zipfile.ZipFile(wheel)
        self._place = f"kubernetes_validate/kubernetes-json-schema/v{version}.0-local-strict/"
        self._definitions = Definitions(json.loads(self._zip.read(self._place + "_definitions.json"))["$defs"])

    @staticmethod
    def wheel():
        """None: not downloaded."""
        return next(iter(glob.glob(WHEELS)), None)

    def problems(self, item):
        """What is wrong with an object, one line each."""
        group = re.sub(r"^([^./]*)(?:\.[^/]*)?/", r"\1-", item["apiVersion"])  # rbac.authorization.k8s.io/v1: rbac-v1
        name = f"{self._place}{item['kind'].lower()}-{group}.json"
        if name not in self._zip.namelist():
            return [f"there is no kind {item['kind']} in {item['apiVersion']}"]
        judge = jsonschema.Draft202012Validator(json.loads(self._zip.read(name)), resolver=self._definitions)
        return [f"/{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in judge.iter_errors(item)]
