# SPDX-License-Identifier: Apache-2.0
"""manifests/: everything builds, is what Kubernetes takes, and fits together and to the programs."""
import glob
import json
import os
import re
import unittest

import yaml

from harness import manifests, procs, session
from harness.case import Case
from harness.manifests import AGGREGATOR, EXPORTER, ManifestsCase, build, name_of

PROGRAMS = {"exporter": procs.EXPORTER, "aggregator": procs.AGGREGATOR}
RELEASES = ("1.25", "1.37")  # of Kubernetes: the oldest that is promised, and the newest there are schemas of
OPERATOR_KINDS = ("ServiceMonitor", "PrometheusRule")  # not Kubernetes' own

def read(path):
    with open(os.path.join(procs.REPOSITORY, path), encoding="utf-8") as file:
        return file.read()


class Manifests(ManifestsCase):
    def test_objects_are_what_kubernetes_takes(self):
        """Against Kubernetes' own schemas, which know no field that is not there."""
        wheel = manifests.Schemas.wheel()
        if wheel is None:
            raise unittest.SkipTest("the schemas are not there: tests/e2e/install downloads them where it can reach PyPI")
        for release in RELEASES:
            schemas = manifests.Schemas(wheel, release)
            wrong = dict(build(".").one("DaemonSet", EXPORTER), spec={"template": {"spec": {"hostPId": True}}})
            self.assertTrue(any("hostPId" in line for line in schemas.problems(wrong)), schemas.problems(wrong))
            for item in {json.dumps(item): item for _, built in self.each() for item in built.objects}.values():
                if item["kind"] not in OPERATOR_KINDS:
                    with self.subTest(f"{name_of(item)}, Kubernetes {release}"):
                        self.assertEqual(schemas.problems(item), [])

    def test_old_kubectl_builds_them(self):
        """That of Kubernetes 1.25 to 1.27 takes one patch from a file."""
        found = 0
        for file in glob.glob(manifests.MANIFESTS + "/*/*/kustomization.yaml"):
            with open(file, encoding="utf-8") as text:
                patches = [patch["path"] for patch in yaml.safe_load(text).get("patches", []) if "path" in patch]
            for name in patches:
                with self.subTest(f"{file}: {name}"), open(os.path.join(os.path.dirname(file), name), encoding="utf-8") as text:
                    self.assertEqual(len(list(yaml.safe_load_all(text))), 1)
                    found += 1
        self.assertGreater(found, 5)

    def test_selectors_select(self):
        for directory, built in self.each():
            with self.subTest(directory):
                for item in built.of("DaemonSet", "StatefulSet"):
                    labels = item["spec"]["selector"]["matchLabels"]
                    self.assertEqual(built.templates_selected_by(labels), [item["metadata"]["name"]])
                for item in built.of("Service"):
                    self.assertEqual(len(built.templates_selected_by(item["spec"]["selector"])), 1, name_of(item))
                for item in built.of("PodDisruptionBudget"):
                    labels = item["spec"]["selector"]["matchLabels"]
                    self.assertEqual(built.templates_selected_by(labels), [item["metadata"]["name"]])
                for item in built.of("NetworkPolicy"):
                    labels = item["spec"]["podSelector"]["matchLabels"]
                    self.assertEqual(built.templates_selected_by(labels), [item["metadata"]["name"]])
                for item in built.of("ServiceMonitor"):
                    labels = item["spec"]["selector"]["matchLabels"]
                    found = [service for service in built.of("Service")
                             if labels.items() <= service["metadata"]["labels"].items()]
                    of = {EXPORTER: EXPORTER, AGGREGATOR: "cloud-monitor-api"}
                    self.assertEqual([service["metadata"]["name"] for service in found], [of[item["metadata"]["name"]]])
                    ports = {port["name"] for port in found[0]["spec"]["ports"]}
                    self.assertLessEqual({endpoint["port"] for endpoint in item["spec"]["endpoints"]}, ports)
                (account,) = {item["spec"]["serviceName"] for item in built.of("StatefulSet")}
                self.assertEqual(built.one("Service", account)["spec"]["clusterIP"], "None")

    def test_ports_meet(self):
        """Services, policies, monitors and probes mean ports that a container of the pod has."""
        for directory, built in self.each():
            with self.subTest(directory):
                ports = {name: {port["name"]: port["containerPort"] for container in pod["containers"]
                                for port in container.get("ports", [])} for name, pod in built.pods().items()}
                self.assertEqual(ports, {EXPORTER: {"metrics": 9780}, AGGREGATOR: {"http": 8082}})
                for service in built.of("Service"):
                    (name,) = built.templates_selected_by(service["spec"]["selector"])
                    for port in service["spec"]["ports"]:
                        self.assertEqual(ports[name].get(port["targetPort"]), port["port"], name_of(service))
                for policy in built.of("NetworkPolicy"):
                    for rule in policy["spec"]["ingress"]:
                        self.assertTrue(rule["from"], "everybody may come")
                        self.assertLessEqual({port["port"] for port in rule["ports"]}, set(ports[policy["metadata"]["name"]]))
                for name, pod in built.pods().items():
                    self.check_probes(name, pod, ports[name])

    def check_probes(self, name, pod, ports):
        program = pod["containers"][0]
        own = {port["name"] for port in program.get("ports", [])}
        for kind, path in (("startupProbe", "/-/healthy"), ("livenessProbe", "/-/healthy"), ("readinessProbe", "/-/ready")):
            probe = program[kind]["httpGet"]
            self.assertEqual(probe["path"], path, name)
            self.assertIn(probe["port"], own or ports.values(), name)
            self.assertEqual(probe.get("scheme", "HTTP"), "HTTP" if own else "HTTPS", name)

    def test_flags_are_those_of_the_programs(self):
        for directory, name, pod, container in self.each_container():
            with self.subTest(f"{directory}: {name}"):
                if container["name"] not in PROGRAMS:
                    continue
                help_text = procs.run([PROGRAMS[container["name"]], "--help"]).stdout
                known = {flag.replace("[no-]", "") for flag in re.findall(r"--(?:\[no-\])?[a-z][a-z.-]*", help_text)}
                flags = [argument.split("=", 1)[0] for argument in container["args"]]
                self.assertEqual(len(flags), len(set(flags)), f"{name}: a flag is there twice")
                self.assertEqual(set(flags) - known, set(), f"{name}: the program has no such flag")

    def test_the_programs_accept_their_arguments(self):
        secrets = self.temp_dir()
        with open(secrets + "/token", "w", encoding="utf-8") as file:
            file.write("a-token\n")
        # As in a pod, but for the API server, which a check of the settings does not ask.
        environment = {"NODE_NAME": "node-a", "KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "1"}
        for directory, name, pod, container in self.each_container():
            with self.subTest(f"{directory}: {name}"):
                if container["name"] in PROGRAMS:
                    arguments = [argument.replace("/etc/cloud-monitor/push", secrets)
                                 .replace("$(REMOTE_WRITE_URL)", "https://metrics.example") for argument in container["args"]]
                    done = procs.run([PROGRAMS[container["name"]], *arguments, "--check-config"], env=environment)
                    self.assertEqual(done.returncode, 0, f"{name} {arguments}: {done.stderr}")

    def test_variables_in_arguments_are_set(self):
        for directory, name, _, container in self.each_container():
            with self.subTest(f"{directory}: {name}"):
                used = {variable for argument in container["args"] for variable in re.findall(r"\$\(([^)]*)\)", argument)}
                self.assertLessEqual(used, {variable["name"] for variable in container.get("env", [])})

    def test_paths_in_arguments_are_mounted(self):
        for directory, name, pod, container in self.each_container():
            with self.subTest(f"{directory}: {name}"):
                mounts = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
                if pod["automountServiceAccountToken"]:
                    mounts.append("/var/run/secrets/kubernetes.io/serviceaccount")
                for argument in container["args"]:
                    path = argument.split("=", 1)[-1]
                    if path.startswith("/") and not argument.startswith("--ignore-paths"):
                        self.assertTrue(any((path + "/").startswith(mount + "/") for mount in mounts), f"{name}: {argument}")

    def test_images_and_versions(self):
        version = re.search(r"project\(cloud-monitor VERSION (\S+)", read("CMakeLists.txt")).group(1)
        for directory, name, pod, container in self.each_container():
            with self.subTest(f"{directory}: {name}"):
                repository, tag = container["image"].split(":")
                self.assertNotIn("/", repository, "a registry is for whoever has one to set")
                self.assertEqual(container["imagePullPolicy"], "IfNotPresent")
                if container["name"] in PROGRAMS:
                    self.assertEqual((repository, tag), ("cloud-monitor-" + container["name"], version))
        for path in ("manifests/monitor.yaml", "manifests/monitor-api.yaml"):
            self.assertEqual(set(re.findall(r"image: \S+:(\S+)", read(path))), {version}, path)
        for directory, built in self.each():
            with self.subTest(directory):
                for item in built.of("DaemonSet", "StatefulSet"):
                    for labels in (item["metadata"]["labels"], item["spec"]["template"]["metadata"]["labels"]):
                        self.assertEqual({key.split("/")[1] for key in labels}, {"name", "component", "part-of", "version"})
                        self.assertEqual(labels["app.kubernetes.io/version"], version)
                    self.assertEqual({key.split("/")[1] for key in item["spec"]["selector"]["matchLabels"]},
                                     {"name", "component"}, "cannot be changed later")
                    for claim in item["spec"].get("volumeClaimTemplates", []):
                        self.assertNotIn("labels", claim["metadata"], "cannot be changed later")

    def test_every_node_and_one_writer(self):
        for directory, built in self.each():
            with self.subTest(directory):
                exporter, aggregator = built.one("DaemonSet", EXPORTER)["spec"], built.one("StatefulSet", AGGREGATOR)["spec"]
                pod = exporter["template"]["spec"]
                self.assertEqual(pod["tolerations"], [{"operator": "Exists"}])
                self.assertEqual(pod["priorityClassName"], "system-node-critical")
                self.assertEqual(exporter["updateStrategy"]["rollingUpdate"], {"maxUnavailable": "10%"})
                self.assertEqual(aggregator["replicas"], 1)
                (claim,) = aggregator["volumeClaimTemplates"]
                self.assertEqual(claim["spec"]["accessModes"], ["ReadWriteOnce"])
                for spec in (exporter, aggregator):
                    for container in spec["template"]["spec"]["containers"]:
                        self.assertEqual(set(container["resources"]["requests"]), {"cpu", "memory"})
                        self.assertEqual(set(container["resources"]["limits"]), {"memory"})

    def test_nodes_are_named_by_kubernetes(self):
        for directory, built in self.each():
            with self.subTest(directory):
                self.assertEqual(built.pods()[EXPORTER]["containers"][0]["env"],
                                 [{"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}])


class OperatorObjects(Case):
    """For what no schema is at hand: the fields that these objects have. test_rules.py has the PrometheusRule's."""

    @classmethod
    def setUpClass(cls):
        session.need_tools("kubectl")
        cls.built = build("overlays/prometheus-operator")

    def test_monitors(self):
        endpoint = {"port", "interval", "honorLabels", "relabelings"}
        for monitor in self.built.of("ServiceMonitor"):
            self.assertEqual(monitor["apiVersion"], "monitoring.coreos.com/v1")
            self.assertEqual(set(monitor["spec"]), {"jobLabel", "selector", "endpoints"})
            for item in monitor["spec"]["endpoints"]:
                self.assertEqual(set(item), endpoint)
                self.assertIs(item["honorLabels"], True, "else namespace and pod of each series become exported_*")
                for relabeling in item["relabelings"]:
                    self.assertLessEqual(set(relabeling), {"action", "regex", "sourceLabels", "targetLabel"})
        relabelings = self.built.one("ServiceMonitor", EXPORTER)["spec"]["endpoints"][0]["relabelings"]
        named = {item["targetLabel"]: item["sourceLabels"] for item in relabelings if "targetLabel" in item}
        self.assertEqual(named, dict.fromkeys(("node", "instance"), ["__meta_kubernetes_pod_node_name"]))

    def test_dashboards(self):
        """Grafana's sidecar finds all of them, and kubectl apply can keep what it applied in an annotation."""
        maps = [item for item in self.built.of("ConfigMap") if item["metadata"]["labels"].get("grafana_dashboard") == "1"]
        found = {name: text for item in maps for name, text in item["data"].items()}
        files = glob.glob(procs.REPOSITORY + "/dashboards/*.json")
        self.assertEqual(found, {os.path.basename(path): read(path) for path in files})
        self.assertEqual(len(maps), len(files))
        for item in maps:
            self.assertEqual(item["metadata"]["annotations"], {"grafana_folder": "cloud-monitor"})
            self.assertLess(len(json.dumps(item)), 200_000, "the annotation may have 262144 bytes")


class Documented(Case):
    """The kustomizations in docs/operations.md build where it says they lie: beside the directory manifests."""

    def test_they_build(self):
        session.need_tools("kubectl")
        blocks = r"^```yaml\n(# [a-z-]+/kustomization\.yaml\n.*?)^```$"
        found = re.findall(blocks, read("docs/operations.md"), re.MULTILINE | re.DOTALL)
        self.assertEqual(len(found), 5)
        place = self.temp_dir()
        os.symlink(manifests.MANIFESTS, place + "/manifests")
        for text in found:
            name = re.match(r"# ([a-z-]+)/", text).group(1)
            os.mkdir(f"{place}/{name}")
            with open(f"{place}/{name}/kustomization.yaml", "w", encoding="utf-8") as file:
                file.write(text)
            with self.subTest(name):
                built = manifests.Built(f"{place}/{name}")
                self.assertEqual(set(built.pods()), {EXPORTER, AGGREGATOR})
                self.assertNotEqual(built.objects, build(".").objects)
                if name == "shards":
                    self.check_shards(built)

    def check_shards(self, built):
        spec = built.one("StatefulSet", AGGREGATOR)["spec"]
        (container,) = spec["template"]["spec"]["containers"]
        (flag,) = [argument for argument in container["args"] if argument.startswith("--scrape.shard=")]
        self.assertEqual(flag, f"--scrape.shard=$(POD_INDEX)/{spec['replicas']}")
        self.assertIn("POD_INDEX", [variable["name"] for variable in container["env"]])
