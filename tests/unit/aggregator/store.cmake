cm_test(aggregator_head_test
  SOURCES store/bucket_changes_test.cc store/bucket_document_test.cc store/columns_test.cc store/head_test.cc store/passes_test.cc
  DEPS cm::aggregator_head)

cm_test(aggregator_archive_test
  SOURCES store/archive_test.cc store/database_reader_test.cc store/history_test.cc
  DEPS cm::aggregator_archive)

cm_test(aggregator_store_test
  SOURCES store/amend_test.cc
          store/concurrency_test.cc store/crash_test.cc store/damage_test.cc
          store/database_test.cc store/database_writer_test.cc store/full_disk_test.cc store/retention_test.cc store/store_property_test.cc store/store_test.cc store/writer_test.cc
  DEPS cm::aggregator_store)

cm_test(aggregator_import_test
  SOURCES store/bulk_import_test.cc store/import_staging_test.cc store/point_blob_test.cc
  DEPS cm::aggregator_import cm::aggregator_store)

cm_test(aggregator_chunk_codec_test
  SOURCES store/chunk_codec_test.cc store/chunk_column_test.cc store/chunk_format_test.cc
  DEPS cm::aggregator_chunk_codec ZLIB::ZLIB)

cm_test(aggregator_database_test
  SOURCES store/chunk_rows_property_test.cc store/chunk_rows_test.cc store/schema_test.cc store/series_table_test.cc
  DEPS cm::aggregator_database SQLite::SQLite3)
