cm_test(http_test SOURCES http_test.cc router_test.cc connections_test.cc cors_test.cc DEPS cm::common_http)
# On its own: it measures the process' memory.
cm_test(stream_test SOURCES stream_test.cc DEPS cm::common_http)
cm_test(server_test SOURCES server_test.cc DEPS cm::common_http)
