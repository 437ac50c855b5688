cm_test(push_document_test
  SOURCES push/document_test.cc
  DEPS cm::aggregator_ingest cm::aggregator_page cm::common_http cm::exporter_collector cm::exporter_push_document
       cm::exporter_sources nlohmann_json::nlohmann_json)
cm_test(push_test
  SOURCES push/pusher_test.cc push/queue_test.cc ${PROJECT_SOURCE_DIR}/tests/support/stub_server.cc
  DEPS cm::exporter_push cm::common_http)
