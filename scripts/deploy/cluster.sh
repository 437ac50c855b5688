#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ./deploy apply and ./deploy delete: the manifests, through kubectl. Sourced by deploy.

# shellcheck source=scripts/deploy/common.sh
. scripts/deploy/common.sh

readonly default_namespace=cloud-monitor
namespace=$default_namespace timeout=5m manifests=manifests

cluster_options() {
  local argument
  for argument; do
    case $argument in
      --overlay=?*) manifests=manifests/overlays/${argument#*=} ;;
      --namespace=?*) namespace=${argument#*=} ;;
      --timeout=?*) timeout=${argument#*=} ;;
      --dry-run) dry_run=yes ;;
      *) wrong "unknown: $argument" ;;
    esac
  done
  [ -f "$manifests/kustomization.yaml" ] || wrong "there is no $manifests; overlays: $(cd manifests/overlays && echo *)"
  need kubectl "it talks to the cluster"
}

# moved VERB PATH: a kustomization that moves the manifests at PATH (as seen from it) into the namespace. Deleting leaves out
# the namespace itself: others may live in it.
moved() {
  cat <<EOF
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: $namespace
resources: [$2]
EOF
  [ "$1" = apply ] || cat <<EOF
patches:
  - patch: '{"\$patch": delete, "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "$default_namespace"}}'
EOF
}

# moved_objects VERB: all objects as they are in the other namespace. Kustomize does not look into arguments and files.
moved_objects() {
  local scratch status=0
  scratch=$(mktemp -d)
  # It takes no absolute path.
  moved "$1" "$(realpath --relative-to="$scratch" "$manifests")" >"$scratch/kustomization.yaml"
  kubectl kustomize "$scratch" \
    | sed "s/\.$default_namespace\.svc\>/.$namespace.svc/; s/\<namespace: $default_namespace\$/namespace: $namespace/" || status=1
  rm -r "$scratch"
  return $status
}

# with_manifests VERB FLAG...: kubectl with the manifests, in the wanted namespace.
with_manifests() {
  local verb=$1 objects
  shift
  if [ "$namespace" = "$default_namespace" ]; then
    run kubectl "$verb" -k "$manifests" "$@"
  elif [ -n "$dry_run" ]; then
    say "# the objects of this kustomization, in text the namespace $namespace for $default_namespace:"
    moved "$verb" "$manifests" | sed 's/^/#   /'
    show kubectl "$verb" -f - "$@"
  else
    objects=$(moved_objects "$verb") && run kubectl "$verb" -f - "$@" <<<"$objects"
  fi
}

rollout_failed() {
  run kubectl --namespace="$namespace" get pods --selector=app.kubernetes.io/part-of=cloud-monitor --output=wide || true
  cat <<EOF

$1 is not ready within $timeout. If the pods above are
  ErrImagePull, ImagePullBackOff   the node does not have the image: ./deploy images USER@NODE
  Pending, ContainerCreating       kubectl --namespace=$namespace describe pods
  CrashLoopBackOff, Running        kubectl --namespace=$namespace logs $1
EOF
  exit 1
}

print_address() {
  local curl="curl -s 'http://localhost:8082/api/nodes'"
  # There it is HTTPS, and who asks has to be someone.
  [ "$manifests" != manifests/overlays/rbac-proxy ] \
    || curl="curl -sk -H \"Authorization: Bearer \$(kubectl create token ACCOUNT)\" 'https://localhost:8082/api/nodes'"
  cat <<EOF

To reach the API in the namespace $namespace:

  kubectl --namespace=$namespace port-forward service/cloud-monitor-api 8082
  $curl
EOF
}

main_apply() {
  local workload
  cluster_options "$@"
  with_manifests apply || { complain "kubectl could not apply all of $manifests"; exit 1; }
  for workload in daemonset/cloud-monitor-exporter statefulset/cloud-monitor-aggregator; do
    run kubectl --namespace="$namespace" rollout status "$workload" --timeout="$timeout" || rollout_failed "$workload" >&2
  done
  print_address
}

main_delete() {
  cluster_options "$@"
  with_manifests delete --ignore-not-found || { complain "kubectl could not delete all of $manifests"; exit 1; }
  [ "$namespace" != "$default_namespace" ] || return 0
  cat <<EOF

The namespace $namespace and the history in it are left. To delete the history:

  kubectl --namespace=$namespace delete pvc --selector=app.kubernetes.io/name=cloud-monitor-aggregator
EOF
}
