# Installs `unit`, made of `source`, into `destination`: with the program's and the documents' paths, and with what the service
# units have in common.
cmake_path(ABSOLUTE_PATH bindir BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" OUTPUT_VARIABLE PENSTOCK_BINDIR)
cmake_path(ABSOLUTE_PATH docdir BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" OUTPUT_VARIABLE PENSTOCK_DOCDIR)
file(READ "${CMAKE_CURRENT_LIST_DIR}/systemd/service.part" PENSTOCK_SERVICE_PART)
# Right there and not in the build folder, out of which others may be installing at the same time.
cmake_path(ABSOLUTE_PATH destination BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}" OUTPUT_VARIABLE folder)
set(made "${folder}/${unit}")
message(STATUS "Installing: $ENV{DESTDIR}${made}")
configure_file("${source}" "$ENV{DESTDIR}${made}" @ONLY
  FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
list(APPEND CMAKE_INSTALL_MANIFEST_FILES "${made}")
