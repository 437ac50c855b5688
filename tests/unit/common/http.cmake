cm_test(http_test SOURCES http_test.cc router_test.cc connections_test.cc DEPS cm::common_http ZLIB::ZLIB)
cm_test(server_test SOURCES server_test.cc DEPS cm::common_http ZLIB::ZLIB)
