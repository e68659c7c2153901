# cmake -D OUTPUT=x.c -D HEADER=x.h -D "INPUTS=a.sh;b.sh" -P embed.cmake: each file a.sh becomes `const char script_a[]`.
set(text "/* SPDX-License-Identifier: MIT */\n#include \"${HEADER}\"\n")
foreach(input ${INPUTS})
  get_filename_component(name ${input} NAME_WE)
  file(READ ${input} body)
  string(REPLACE "\r" "" body "${body}") # which git adds on Windows, and no shell takes
  string(REPLACE "\\" "\\\\" body "${body}")
  string(REPLACE "\"" "\\\"" body "${body}")
  string(REPLACE "?" "\\?" body "${body}") # no trigraphs
  string(REPLACE "\n" "\\n\"\n    \"" body "${body}")
  string(APPEND text "\nconst char script_${name}[] =\n    \"${body}\";\n")
endforeach()
file(WRITE ${OUTPUT} "${text}")
