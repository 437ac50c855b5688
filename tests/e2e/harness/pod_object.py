# SPDX-License-Identifier: Apache-2.0
"""The suite's pods as the Kubernetes API would have them."""
import datetime


NODE = "node-e2e"
CONTROLLERS = {"statefulset": "StatefulSet", "daemonset": "DaemonSet", "job": "Job", "static": "Node"}


def controller(spec):
    """The owner's (kind, name), None where there is none."""
    if spec.workload_type == "deployment":
        return "ReplicaSet", f"{spec.workload}-{spec.labels['pod-template-hash']}"
    if spec.workload_type == "static":
        return "Node", NODE
    kind = CONTROLLERS.get(spec.workload_type)
    return (kind, spec.workload) if kind else None


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def metadata(spec, uid):
    meta = {"name": spec.name, "namespace": spec.namespace, "uid": uid, "labels": dict(spec.labels), "creationTimestamp": now()}
    owner = controller(spec)
    if owner:
        meta["ownerReferences"] = [{"apiVersion": "v1", "kind": owner[0], "name": owner[1], "uid": uid[::-1], "controller": True}]
    if spec.workload_type == "static":  # its mirror has a UID of its own; the cgroup has the hash
        meta["uid"] = "e2ec10bd-0000-4000-8000-" + uid[-12:]
        meta["annotations"] = {"kubernetes.io/config.hash": uid, "kubernetes.io/config.mirror": uid,
                               "kubernetes.io/config.source": "file"}
    return meta


def pod_object(spec, uid, containers=None):
    """`containers`: the RunningContainers by name whose IDs the kubelet has reported so far."""
    statuses = [{"name": name, "containerID": f"containerd://{running.id}", "state": {"running": {"startedAt": now()}}}
                for name, running in (containers or {}).items()]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata(spec, uid),
            "spec": {"nodeName": NODE, "hostNetwork": spec.host_network,
                     "containers": [{"name": c.name, "image": c.image} for c in spec.containers]},
            "status": {"phase": "Running" if statuses else "Pending", "containerStatuses": statuses}}


def object_of(pod):
    """Of a RunningPod, all reported."""
    return pod_object(pod.spec, pod.uid, pod.containers)
