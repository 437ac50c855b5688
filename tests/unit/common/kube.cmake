cm_test(kube_test
  SOURCES kube/list_watch_test.cc kube/reflector_test.cc kube/retry_test.cc
          ${PROJECT_SOURCE_DIR}/tests/support/stub_server.cc
  DEPS cm::common_kube)
