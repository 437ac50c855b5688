cm_test(proc_test
  SOURCES
    proc/devices_test.cc
    proc/mounts_test.cc
    proc/parse_test.cc
    proc/process_reader_test.cc
    proc/reader_test.cc
  DEPS cm::exporter_proc)
