# SPDX-License-Identifier: Apache-2.0
"""docs/operations.md: what it names is there, and its pod fits to the manifests. (Its kustomizations: test_manifests.)"""
import os
import re
import unittest

import yaml

from harness import manifests, procs, session
from harness.case import Case

OF_OTHERS = {"web.enable-remote-write-receiver"}  # flags: Prometheus'


def read(name):
    with open(os.path.join(procs.REPOSITORY, name), encoding="utf-8") as file:
        return file.read()


class Operations(Case):
    @classmethod
    def setUpClass(cls):
        cls.page = read("docs/operations.md")
        cls.pod = yaml.safe_load(re.search(r"^```yaml\n# import\.yaml\n(.*?)^```$", cls.page, re.MULTILINE | re.DOTALL).group(1))

    def test_metrics_exist(self):
        known = set(re.findall(r"^\| `(\w+)` \| ", read("docs/metrics.md"), re.MULTILINE))
        named = re.findall(r"`((?:cloudmon|process|node|container|pod)_\w+)(\*?)", self.page)
        self.assertGreater(len(named), 10)
        for name, more in set(named):
            with self.subTest(name):
                self.assertTrue(any(other.startswith(name) if more else other == name for other in known))

    def test_flags_exist(self):
        known = set(re.findall(r"^\| `--(?:\[no-\])?([a-z.-]+)", read("README.md"), re.MULTILINE))
        named = set(re.findall(r"--(?:no-)?([a-z-]+\.[a-z.-]*[a-z])", self.page))
        self.assertGreater(len(named), 5)
        self.assertEqual(named - known - OF_OTHERS, set())

    def test_every_overlay_is_described(self):
        for directory in manifests.overlays():
            self.assertRegex(self.page, rf"(?m)^ *\| .*[`/]{os.path.basename(directory)}`")

    def test_the_pod_that_imports_may_do_what_the_aggregator_may(self):
        session.need_tools("kubectl")
        built = manifests.build(".")
        real = built.pods()[manifests.AGGREGATOR]
        container, program = self.pod["spec"]["containers"][0], real["containers"][0]
        for field in ("image", "env", "securityContext", "volumeMounts"):
            self.assertEqual(container[field], program[field], field)
        self.assertLessEqual(self.pod["spec"]["securityContext"].items(), real["securityContext"].items())
        (claim,) = built.one("StatefulSet", manifests.AGGREGATOR)["spec"]["volumeClaimTemplates"]
        self.assertEqual(self.pod["spec"]["volumes"], [{"name": claim["metadata"]["name"], "persistentVolumeClaim": {
            "claimName": f"{claim['metadata']['name']}-{manifests.AGGREGATOR}-0"}}])

    def test_kubernetes_takes_that_pod(self):
        wheel = manifests.Schemas.wheel()
        if wheel is None:
            raise unittest.SkipTest("the schemas are not there: tests/e2e/install downloads them where it can reach PyPI")
        self.assertEqual(manifests.Schemas(wheel, "1.37").problems(self.pod), [])
