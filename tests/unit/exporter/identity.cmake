cm_test(identity_test
  SOURCES identity/workload_test.cc identity/pod_table_test.cc identity/container_match_test.cc
    identity/source_set_test.cc identity/resolver_test.cc
  DEPS cm::exporter_identity)
cm_test(identity_sources_test
  SOURCES identity/grpc_wire_test.cc identity/cri_pods_test.cc identity/cri_test.cc identity/podlogs_test.cc
    identity/process_probe_test.cc identity/scripted_runtime.cc identity/pod_object_test.cc identity/kubernetes_test.cc
    identity/kubelet_test.cc ${PROJECT_SOURCE_DIR}/tests/support/stub_server.cc
  DEPS cm::exporter_sources protobuf::libprotobuf-lite)
