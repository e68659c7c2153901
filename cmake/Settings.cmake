# What every target of ours is built with: penstock_settings carries it.
add_library(penstock_settings INTERFACE)
target_compile_options(penstock_settings INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith -Wundef
  -Wformat=2 -fno-common -fstack-protector-strong)
target_compile_definitions(penstock_settings INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
if(WIN32)
  # Windows 10.
  target_compile_definitions(penstock_settings INTERFACE _WIN32_WINNT=0x0A00 WIN32_LEAN_AND_MEAN NOMINMAX)
  target_link_options(penstock_settings INTERFACE -fstack-protector-strong)
  # One file that needs no other of ours, nor the compiler's libraries, is what users get. On Windows itself libraries are
  # MSYS2's, which has only DLLs of some of them.
  option(PENSTOCK_STATIC "Link all libraries in; needs static ones, as packaging/windows/deps.sh builds" ${CMAKE_CROSSCOMPILING})
  if(PENSTOCK_STATIC)
    target_link_options(penstock_settings INTERFACE -static)
  endif()
endif()
if(PENSTOCK_WERROR)
  target_compile_options(penstock_settings INTERFACE -Werror)
endif()
if(PENSTOCK_SANITIZE)
  target_compile_options(penstock_settings INTERFACE
    -fsanitize=${PENSTOCK_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(penstock_settings INTERFACE -fsanitize=${PENSTOCK_SANITIZE})
endif()
if(PENSTOCK_COVERAGE)
  target_compile_options(penstock_settings INTERFACE --coverage)
  target_link_options(penstock_settings INTERFACE --coverage)
endif()

# penstock_choose_sources(LIST): takes out of a list of sources what is another system's. Of x_linux.c, x_win.c, x_none.c a
# system has the one that is its own, or x_none.c; x_unix.c is for all but Windows.
function(penstock_choose_sources list)
  set(sources ${${list}})
  if(WIN32)
    list(FILTER sources EXCLUDE REGEX "_(linux|unix|elf)\\.c$")
    foreach(source ${sources})
      if(source MATCHES "_win\\.c$")
        string(REGEX REPLACE "_win\\.c$" "_none.c" other ${source})
        list(REMOVE_ITEM sources ${other})
      endif()
    endforeach()
  elseif(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    list(FILTER sources EXCLUDE REGEX "_(none|win)\\.c$")
  else()
    list(FILTER sources EXCLUDE REGEX "_(linux|win)\\.c$")
    foreach(source ${sources})
      if(source MATCHES "_unix\\.c$")
        string(REGEX REPLACE "_unix\\.c$" "_none.c" other ${source})
        list(REMOVE_ITEM sources ${other})
      endif()
    endforeach()
  endif()
  set(${list} ${sources} PARENT_SCOPE)
endfunction()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# Scripts are real files, which tests and shellcheck can take by themselves.
# penstock_embed_scripts(OUTPUT.c HEADER SCRIPT...): OUTPUT.c of the build folder gets a text of each script.
set(PENSTOCK_EMBED ${CMAKE_CURRENT_LIST_DIR}/embed.cmake)
function(penstock_embed_scripts output header)
  add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${output}
    COMMAND ${CMAKE_COMMAND} -D OUTPUT=${CMAKE_CURRENT_BINARY_DIR}/${output} -D HEADER=${header} -D "INPUTS=${ARGN}"
            -P ${PENSTOCK_EMBED}
    DEPENDS ${ARGN} ${PENSTOCK_EMBED}
    VERBATIM)
endfunction()

set(PENSTOCK_PLUGIN_SUFFIX ".so")
if(WIN32)
  set(PENSTOCK_PLUGIN_SUFFIX ".dll")
endif()

# penstock_add_plugin(NAME source...): a transport plugin, NAME.so (NAME.dll on Windows) in the plugin folder of the build tree.
function(penstock_add_plugin name)
  add_library(plugin_${name} MODULE ${ARGN})
  target_link_libraries(plugin_${name} PRIVATE penstock_settings penstock_sdk)
  set_target_properties(plugin_${name} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} SUFFIX ${PENSTOCK_PLUGIN_SUFFIX}
    LIBRARY_OUTPUT_DIRECTORY ${PENSTOCK_PLUGIN_BUILD_DIR})
  # The loader refuses what a group can write, which a umask of 002 would make of a build tree.
  if(CMAKE_HOST_UNIX)
    add_custom_command(TARGET plugin_${name} POST_BUILD
      COMMAND chmod go-w $<TARGET_FILE:plugin_${name}> ${PENSTOCK_PLUGIN_BUILD_DIR} VERBATIM)
  endif()
  set_property(GLOBAL APPEND PROPERTY PENSTOCK_BUILT_IN plugin_${name})
  install(TARGETS plugin_${name} LIBRARY DESTINATION ${PENSTOCK_PLUGIN_INSTALL_DIR})
endfunction()

# penstock_bring_libraries(): the DLLs that the program and its plugins need lie beside the program, in the build folder and
# where it is installed. They are the compiler's and those in its folder, as MSYS2 has them, or in PENSTOCK_DLL_FOLDERS.
function(penstock_bring_libraries)
  get_filename_component(folder ${CMAKE_C_COMPILER} DIRECTORY)
  set(PENSTOCK_DLL_FOLDERS ${folder} CACHE STRING "Folders with the DLLs that are to lie beside penstock.exe")
  get_property(plugins GLOBAL PROPERTY PENSTOCK_BUILT_IN)
  set(files $<TARGET_FILE:penstock>)
  foreach(plugin ${plugins})
    list(APPEND files $<TARGET_FILE:${plugin}>)
  endforeach()
  set(script ${PROJECT_SOURCE_DIR}/cmake/bring_libraries.cmake)
  add_custom_target(libraries ALL
    COMMAND ${CMAKE_COMMAND} -D "FILES=${files}" -D "FROM=${PENSTOCK_DLL_FOLDERS}" -D TO=${CMAKE_BINARY_DIR}
            -D OBJDUMP=${CMAKE_OBJDUMP} -P ${script}
    DEPENDS penstock ${plugins} VERBATIM)
  install(CODE "
    set(FILES \"${files}\")
    set(FROM \"${PENSTOCK_DLL_FOLDERS}\")
    set(TO \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
    set(OBJDUMP \"${CMAKE_OBJDUMP}\")
    include(\"${script}\")")
endfunction()
