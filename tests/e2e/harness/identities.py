# SPDX-License-Identifier: Apache-2.0
"""What the labels of pods must be, from Pod objects and the chain of owners, and what they are on a page."""
KINDS = {"Deployment": "deployment", "ReplicaSet": "replicaset", "StatefulSet": "statefulset", "DaemonSet": "daemonset",
         "Job": "job", "CronJob": "cronjob", "Node": "static"}


def controller(thing):
    """[kind, name], None where it has none."""
    return next(([owner["kind"], owner["name"]] for owner in thing["metadata"].get("ownerReferences", ()) if owner.get("controller")),
                None)


def owners_of(things):
    """{"ReplicaSet shop/web-1": ["Deployment", "web"]}: of each ReplicaSet and Job its controller."""
    return {f"{thing['kind']} {thing['metadata']['namespace']}/{thing['metadata']['name']}": controller(thing) for thing in things}


def workload(pod, owners):
    """(workload, workload_type, deployment)"""
    owner, above = None, controller(pod)
    while above is not None:
        owner, above = above, owners.get(f"{above[0]} {pod['metadata']['namespace']}/{above[1]}")
    if owner is None:
        return pod["metadata"]["name"], "pod", ""
    kind, name = owner
    if kind == "Node":
        return pod["metadata"]["name"], "static", ""
    return name, KINDS[kind], name if kind == "Deployment" else ""


def running(pod):
    """{container: ID} of those that run."""
    status = pod.get("status", {})
    return {s["name"]: s["containerID"].removeprefix("containerd://")
            for key in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
            for s in status.get(key, ()) if "running" in s["state"]}


def has_sandbox(pod):
    conditions = pod.get("status", {}).get("conditions", ())
    return any(c["type"] == "PodReadyToStartContainers" and c["status"] == "True" for c in conditions)


def uid_of_api(pod):
    return pod["metadata"]["uid"]


def uid_of_kubelet(pod):
    """A static pod's is the hash of its file; the API server has another, of the pod that mirrors it."""
    return pod["metadata"].get("annotations", {}).get("kubernetes.io/config.mirror", pod["metadata"]["uid"])


def wanted(pods, owners, uid_of=uid_of_api):
    """{(namespace, pod): (UID, workload, type, deployment, host network, {container: ID})} of pods with a sandbox."""
    return {(pod["metadata"]["namespace"], pod["metadata"]["name"]):
            (uid_of(pod), *workload(pod, owners), "true" if pod["spec"].get("hostNetwork") else "false", running(pod))
            for pod in pods if has_sandbox(pod)}


def shown(page):
    """The same, of a page."""
    containers = {}
    for labels, _ in page.all("cloudmon_container_info"):
        containers.setdefault((labels["namespace"], labels["pod"]), {})[labels["container"]] = labels["container_id"]
    return {(labels["namespace"], labels["pod"]):
            (labels["pod_uid"], labels["workload"], labels["workload_type"], labels["deployment"], labels["host_network"],
             containers.get((labels["namespace"], labels["pod"]), {}))
            for labels, _ in page.all("cloudmon_pod_info")}
