# SPDX-License-Identifier: Apache-2.0
"""manifests/: what the pods and their service accounts may do is what is written down here, and no more."""
from harness.manifests import AGGREGATOR, EXPORTER, ManifestsCase, build

# What a pod may do, all of it. Whoever changes a manifest so that a line here must change, makes it less safe or safer.
CONTAINER = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
POD = {"runAsNonRoot": True, "runAsUser": 65534, "runAsGroup": 65534, "seccompProfile": {"type": "RuntimeDefault"}}
OF_NODE = {"/proc": "/host/proc", "/sys/fs/cgroup": "/host/cgroup", "/var/log/pods": "/host/podlogs", "/": "/host/root"}
EXPORTER_POD = {"securityContext": POD, "hostPID": True, "token": True, "of_node": OF_NODE, "containers": ["exporter"],
                "other_volumes": {}}
AGGREGATOR_POD = {"securityContext": {**POD, "fsGroup": 65534, "fsGroupChangePolicy": "OnRootMismatch"}, "hostPID": False,
                  "token": True, "of_node": {}, "containers": ["aggregator"], "other_volumes": {}}
TOKEN = {"push": {"secret": {"secretName": "cloud-monitor-push", "defaultMode": 0o440}}}
RECEIVER = {"remote-write": {"secret": {"secretName": "cloud-monitor-remote-write", "defaultMode": 0o440,
                                        "items": [{"key": "token", "path": "token"}]}}}
AS_ROOT = {"securityContext": {**POD, "runAsNonRoot": False, "runAsUser": 0, "runAsGroup": 0}, "token": False}


def with_socket(directory):
    return {**EXPORTER_POD, **AS_ROOT, "of_node": {**OF_NODE, directory: directory}}


SECURITY = {  # directory: (exporter, aggregator)
    ".": (EXPORTER_POD, AGGREGATOR_POD),
    "overlays/prometheus-operator": (EXPORTER_POD, AGGREGATOR_POD),
    "overlays/cri": (with_socket("/run/containerd"), AGGREGATOR_POD),
    "overlays/cri-crio": (with_socket("/run/crio"), AGGREGATOR_POD),
    "overlays/cri-k3s": (with_socket("/run/k3s/containerd"), AGGREGATOR_POD),
    "overlays/push": ({**EXPORTER_POD, "securityContext": {**POD, "fsGroup": 65534}, "other_volumes": TOKEN},
                      {**AGGREGATOR_POD, "token": False, "other_volumes": TOKEN}),
    "overlays/remote-write": (EXPORTER_POD, {**AGGREGATOR_POD, "other_volumes": RECEIVER}),
    "overlays/rbac-proxy": ({**EXPORTER_POD, "containers": ["exporter", "kube-rbac-proxy"]},
                            {**AGGREGATOR_POD, "containers": ["aggregator", "kube-rbac-proxy"],
                             "other_volumes": {"rbac-proxy": ["configMap"]}}),
}
PODS = "get,list,watch pods"
SLICES = "get,list,watch endpointslices.discovery.k8s.io"
BOTH = {EXPORTER: ["cluster: " + PODS], AGGREGATOR: ["cloud-monitor: " + SLICES]}
GRANTED = {  # directory: {service account: what the roles bound to it allow}
    ".": BOTH,
    "overlays/prometheus-operator": BOTH,
    "overlays/cri": {AGGREGATOR: BOTH[AGGREGATOR]},
    "overlays/cri-crio": {AGGREGATOR: BOTH[AGGREGATOR]},
    "overlays/cri-k3s": {AGGREGATOR: BOTH[AGGREGATOR]},
    "overlays/push": {EXPORTER: BOTH[EXPORTER]},
    "overlays/remote-write": BOTH,
    "overlays/rbac-proxy": {EXPORTER: ["cluster: " + PODS, "cluster: system:auth-delegator"],
                            AGGREGATOR: ["cloud-monitor: " + SLICES, "cluster: get /metrics",
                                         "cluster: system:auth-delegator"]},
}

PROMETHEUS, BOTH_OF_MONITORING = "monitoring: prometheus", "monitoring: prometheus,grafana"
SCRAPED = {EXPORTER: [AGGREGATOR, PROMETHEUS], AGGREGATOR: [BOTH_OF_MONITORING]}
PUSHED = {EXPORTER: [PROMETHEUS], AGGREGATOR: [EXPORTER, BOTH_OF_MONITORING]}
KINDS = {"Namespace", "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "Service", "NetworkPolicy",
         "PodDisruptionBudget", "DaemonSet", "StatefulSet", "ConfigMap", "ServiceMonitor", "PrometheusRule"}


def facts(pod):
    """What SECURITY says of a pod, and nothing else may be set."""
    paths = {volume["name"]: volume["hostPath"]["path"] for volume in pod.get("volumes", []) if "hostPath" in volume}
    of_node = {paths[mount["name"]]: mount["mountPath"] for container in pod["containers"]
               for mount in container.get("volumeMounts", []) if mount["name"] in paths}
    others = {volume["name"]: {key: value for key, value in volume.items() if key != "name"}
              for volume in pod.get("volumes", []) if volume["name"] not in paths}
    if "rbac-proxy" in others:  # the ConfigMap's name ends in a hash of its content
        others["rbac-proxy"] = list(others["rbac-proxy"])
    return {"securityContext": pod["securityContext"], "hostPID": pod.get("hostPID", False),
            "token": pod["automountServiceAccountToken"], "of_node": of_node,
            "containers": [container["name"] for container in pod["containers"]], "other_volumes": others}


def rules(role):
    for rule in role["rules"]:
        groups = ["" if group == "" else "." + group for group in rule.get("apiGroups", [])]
        names = rule.get("nonResourceURLs") or [name + group for name in rule["resources"] for group in groups]
        only = " named " + ",".join(rule["resourceNames"]) if "resourceNames" in rule else ""
        yield f"{','.join(rule['verbs'])} {','.join(names)}{only}"


def granted(built):
    found = {}
    for binding in built.of("RoleBinding", "ClusterRoleBinding"):
        place = binding["metadata"].get("namespace", "cluster")
        reference = binding["roleRef"]
        roles = [role for role in built.of(reference["kind"]) if role["metadata"]["name"] == reference["name"]]
        allowed = [f"{place}: {rule}" for role in roles for rule in rules(role)] or [f"{place}: {reference['name']}"]
        for subject in binding["subjects"]:
            assert (subject["kind"], subject["namespace"]) == ("ServiceAccount", "cloud-monitor"), subject
            found.setdefault(subject["name"], []).extend(allowed)
    return {name: sorted(allowed) for name, allowed in found.items()}


def callers(policy):
    """Who may connect: "name", of pods of the same namespace, or "namespace: name,name"."""
    for rule in policy["spec"]["ingress"]:
        for peer in rule["from"]:
            pods = peer["podSelector"]
            names = [pods["matchLabels"]["app.kubernetes.io/name"]] if "matchLabels" in pods else [
                name for expression in pods["matchExpressions"] for name in expression["values"]]
            space = peer.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name")
            yield (f"{space}: " if "namespaceSelector" in peer else "") + ",".join(names)


class Security(ManifestsCase):
    def test_there_is_nothing_that_other_tests_do_not_look_at(self):
        for directory, built in self.each():
            with self.subTest(directory):
                self.assertLessEqual({item["kind"] for item in built.objects}, KINDS)
                bound = {item["roleRef"]["name"] for item in built.of("RoleBinding", "ClusterRoleBinding")}
                roles = {item["metadata"]["name"] for item in built.of("Role", "ClusterRole")}
                self.assertEqual(roles - bound, {"cloud-monitor-api-reader"} if "rbac-proxy" in directory else set())

    def test_who_may_connect(self):
        for directory, built in self.each():
            with self.subTest(directory):
                found = {policy["metadata"]["name"]: list(callers(policy)) for policy in built.of("NetworkPolicy")}
                self.assertEqual(found, PUSHED if directory == "overlays/push" else SCRAPED)
                for policy in built.of("NetworkPolicy"):
                    self.assertEqual(policy["spec"]["policyTypes"], ["Ingress"])

    def test_pods_may_do_what_is_written_down_and_no_more(self):
        self.assertEqual(set(SECURITY), set(self.directories))
        for directory, built in self.each():
            with self.subTest(directory):
                pods = built.pods()
                self.assertEqual(set(pods), {EXPORTER, AGGREGATOR})
                for name, want in zip((EXPORTER, AGGREGATOR), SECURITY[directory]):
                    self.assertEqual(facts(pods[name]), want, name)
                    for key in ("hostNetwork", "hostIPC", "shareProcessNamespace", "initContainers", "ephemeralContainers"):
                        self.assertNotIn(key, pods[name], name)
        for directory, name, _, container in self.each_container():
            with self.subTest(f"{directory}: {name}"):
                self.assertEqual(container["securityContext"], CONTAINER, f"{name}: {container['name']}")
                for port in container.get("ports", []):
                    self.assertNotIn("hostPort", port)

    def test_paths_of_the_node_are_only_read(self):
        for directory, name, pod, container in self.each_container():
            with self.subTest(f"{directory}: {name}"):
                of_node = {volume["name"]: volume["hostPath"] for volume in pod.get("volumes", []) if "hostPath" in volume}
                for path in of_node.values():
                    self.assertEqual(path["type"], "Directory", "nothing is made on the node")
                for mount in container.get("volumeMounts", []):
                    if mount["name"] in of_node:
                        self.assertIs(mount.get("readOnly"), True, f"{name}: {mount}")
                        # What the node unmounts there must not stay mounted here; elsewhere nothing is mounted.
                        changes = of_node[mount["name"]]["path"] not in ("/proc", "/sys/fs/cgroup", "/var/log/pods")
                        self.assertEqual(mount.get("mountPropagation"), "HostToContainer" if changes else None, f"{name}: {mount}")

    def test_service_accounts_may_do_what_is_written_down_and_no_more(self):
        self.assertEqual(set(GRANTED), set(self.directories))
        for directory, built in self.each():
            with self.subTest(directory):
                self.assertEqual(granted(built), {name: sorted(allowed) for name, allowed in GRANTED[directory].items()})
                for account in built.of("ServiceAccount"):
                    self.assertIs(account["automountServiceAccountToken"], False, account["metadata"]["name"])
                for name, pod in built.pods().items():
                    self.assertEqual(pod["serviceAccountName"], name)
                    self.assertEqual(pod["automountServiceAccountToken"], name in GRANTED[directory])
        api_reader = build("overlays/rbac-proxy").one("Role", "cloud-monitor-api-reader")
        self.assertEqual(list(rules(api_reader)), ["get services/proxy named cloud-monitor-api"])

    def test_behind_a_proxy_only_the_proxy_can_be_reached(self):
        for name, pod in build("overlays/rbac-proxy").pods().items():
            program, proxy = pod["containers"]
            (address,) = [flag.split("=", 1)[1] for flag in program["args"] if flag.startswith("--web.listen-address=")]
            self.assertRegex(address, r"^127\.0\.0\.1:\d+$", name)
            self.assertIn(f"--upstream=http://{address}/", proxy["args"], name)
            self.assertIn(f"--secure-listen-address=:{proxy['ports'][0]['containerPort']}", proxy["args"], name)
            self.assertIn("--ignore-paths=/-/healthy,/-/ready", proxy["args"], name)
