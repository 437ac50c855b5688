cm_test(aggregator_head_test
  SOURCES store/bucket_json_test.cc store/columns_test.cc store/head_test.cc store/passes_test.cc store/point_blob_test.cc
          store/row_reader_test.cc
  DEPS cm::aggregator_head nlohmann_json::nlohmann_json)

cm_test(aggregator_store_test
  SOURCES store/amend_test.cc store/bucket_rows_test.cc store/bulk_import_test.cc
          store/concurrency_test.cc store/crash_test.cc store/damage_test.cc store/database_reader_test.cc
          store/database_test.cc store/for_each_test.cc store/full_disk_test.cc store/retention_test.cc store/store_test.cc
  DEPS cm::aggregator_store)

cm_test(aggregator_chunk_codec_test
  SOURCES store/chunk_codec_test.cc store/chunk_column_test.cc store/chunk_format_test.cc store/chunk_merge_test.cc
  DEPS cm::aggregator_chunk_codec ZLIB::ZLIB)
