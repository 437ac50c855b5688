protobuf_generate_cpp(REMOTE_PROTO_SOURCES REMOTE_PROTO_HEADERS remote_write/remote.proto)
set_source_files_properties(${REMOTE_PROTO_SOURCES} PROPERTIES COMPILE_OPTIONS "-w")
cm_test(remote_write_test
  SOURCES
    remote_write/bucket_encoder_test.cc
    remote_write/courier_test.cc
    remote_write/labels_test.cc
    remote_write/progress_test.cc
    remote_write/shipper_test.cc
    remote_write/state_file_test.cc
    remote_write/window_reader_test.cc
    ${PROJECT_SOURCE_DIR}/tests/support/stub_server.cc
    ${REMOTE_PROTO_SOURCES}
  DEPS cm::aggregator_remote_write cm::aggregator_store protobuf::libprotobuf-lite Snappy::snappy)
