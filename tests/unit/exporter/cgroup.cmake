cm_test(cgroup_test
  SOURCES cgroup/cgroup_path_test.cc cgroup/layout_test.cc cgroup/parse_v1_test.cc cgroup/parse_v2_test.cc
          cgroup/reader_bad_input_test.cc cgroup/reader_kept_test.cc
          cgroup/reader_recorded_test.cc cgroup/reader_search_test.cc
          cgroup/reader_v1_test.cc cgroup/scan_text.cc
  DEPS cm::exporter_cgroup)
