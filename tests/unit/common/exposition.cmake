cm_test(psi_test SOURCES psi_test.cc DEPS cm::common)
