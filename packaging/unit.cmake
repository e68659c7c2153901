# Makes `made` of `source` when it is installed: with the program's and the documents' paths, and with what the service
# units have in common.
cmake_path(ABSOLUTE_PATH bindir BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" OUTPUT_VARIABLE PENSTOCK_BINDIR)
cmake_path(ABSOLUTE_PATH docdir BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" OUTPUT_VARIABLE PENSTOCK_DOCDIR)
file(READ "${CMAKE_CURRENT_LIST_DIR}/systemd/service.part" PENSTOCK_SERVICE_PART)
configure_file("${source}" "${made}" @ONLY)
