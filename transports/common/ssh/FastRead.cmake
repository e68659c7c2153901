# Sets PENSTOCK_CAN_FAST_READ, and makes penstock_libssh_static, if ssh_reader.c can be used: pkg-config's libssh has a
# static library beside it that can become part of a plugin.
include(CheckCSourceCompiles)
set(PENSTOCK_CAN_FAST_READ OFF)

# On Windows libssh is either linked statically in any case, or its inner functions cannot be had at all.
if(WIN32)
  set(CMAKE_REQUIRED_LIBRARIES PkgConfig::LIBSSH)
  check_c_source_compiles("
    #include <libssh/libssh.h>
    #include <stdint.h>
    #if LIBSSH_VERSION_INT < SSH_VERSION_INT(0, 10, 0) || LIBSSH_VERSION_INT >= SSH_VERSION_INT(0, 12, 0)
    #error not known
    #endif
    size_t ssh_packet_socket_callback(const void *data, size_t size, void *session);
    int main(void) { return (int)ssh_packet_socket_callback(0, 0, ssh_new()); }
    " PENSTOCK_LIBSSH_STATIC_LINKS)
  unset(CMAKE_REQUIRED_LIBRARIES)
  if(PENSTOCK_LIBSSH_STATIC_LINKS)
    set(PENSTOCK_CAN_FAST_READ ON)
    add_library(penstock_libssh_static INTERFACE)
    target_link_libraries(penstock_libssh_static INTERFACE PkgConfig::LIBSSH)
  endif()
  return()
endif()

pkg_get_variable(LIBSSH_FOLDER libssh libdir)
find_library(PENSTOCK_LIBSSH_STATIC NAMES libssh.a PATHS ${LIBSSH_FOLDER} NO_DEFAULT_PATH)
mark_as_advanced(PENSTOCK_LIBSSH_STATIC)
set(rest ${CRYPTO_LINK_LIBRARIES})
# What Debian's libssh was built with, of which its development package brings no link for GSSAPI.
foreach(name z gssapi_krb5)
  find_library(PENSTOCK_LIBSSH_NEEDS_${name} NAMES ${name} lib${name}.so.1 lib${name}.so.2)
  mark_as_advanced(PENSTOCK_LIBSSH_NEEDS_${name})
  if(PENSTOCK_LIBSSH_NEEDS_${name})
    list(APPEND rest ${PENSTOCK_LIBSSH_NEEDS_${name}})
  endif()
endforeach()

if(PENSTOCK_LIBSSH_STATIC)
  # A shared library of it, with nothing missing: this is where code that is not position-independent fails, and a libssh
  # whose inner functions are not those that ssh_reader.c was written for. To be read again with each new version.
  set(CMAKE_REQUIRED_FLAGS "-fPIC")
  set(CMAKE_REQUIRED_LINK_OPTIONS -shared LINKER:-z,defs LINKER:--exclude-libs,ALL)
  set(CMAKE_REQUIRED_INCLUDES ${LIBSSH_INCLUDE_DIRS})
  set(CMAKE_REQUIRED_LIBRARIES ${PENSTOCK_LIBSSH_STATIC} ${rest} Threads::Threads)
  check_c_source_compiles("
    #include <libssh/libssh.h>
    #include <stdint.h>
    #if LIBSSH_VERSION_INT < SSH_VERSION_INT(0, 10, 0) || LIBSSH_VERSION_INT >= SSH_VERSION_INT(0, 12, 0)
    #error not known
    #endif
    size_t ssh_packet_socket_callback(const void *data, size_t size, void *session);
    int channel_rcv_data(ssh_session session, uint8_t type, ssh_buffer packet, void *user);
    ssh_string ssh_buffer_get_ssh_string(ssh_buffer packet);
    unsigned char *ssh_packet_encrypt(ssh_session session, void *data, size_t size);
    int connect_it(ssh_session session, ssh_buffer packet);
    int connect_it(ssh_session session, ssh_buffer packet) {
      ssh_string_free(ssh_buffer_get_ssh_string(packet));
      return ssh_connect(session) + channel_rcv_data(session, 0, packet, 0) +
             (int)ssh_packet_socket_callback(0, 0, session) + (ssh_packet_encrypt(session, 0, 0) != 0);
    }
    " PENSTOCK_LIBSSH_STATIC_LINKS)
  foreach(each FLAGS LINK_OPTIONS INCLUDES LIBRARIES)
    unset(CMAKE_REQUIRED_${each})
  endforeach()
  if(PENSTOCK_LIBSSH_STATIC_LINKS)
    set(PENSTOCK_CAN_FAST_READ ON)
    add_library(penstock_libssh_static INTERFACE)
    target_include_directories(penstock_libssh_static SYSTEM INTERFACE ${LIBSSH_INCLUDE_DIRS})
    target_link_libraries(penstock_libssh_static INTERFACE ${PENSTOCK_LIBSSH_STATIC} ${rest} Threads::Threads)
    # Its symbols are nobody else's: another plugin may have libssh too. A program shows nothing of it anyway, and must
    # show what clang links a sanitizer in by, or libc goes on with a malloc() of its own.
    target_link_options(penstock_libssh_static INTERFACE
      $<$<NOT:$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>>:LINKER:--exclude-libs,ALL>)
  endif()
endif()
