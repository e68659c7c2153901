/* SPDX-License-Identifier: MIT */
/*
 * "PE Format" of Microsoft's documentation: a stub of DOS, the signature, two headers, a table of sections, and within
 * a section the table of exports. All addresses are relative to the image in memory and are looked up in the sections.
 * Everything is read by offset and bounds, since the file may be hostile.
 */
#include "plugin/image_pe.h"

#include <stdlib.h>
#include <string.h>

#include "plugin/abi.h"

#define MACHINE_X86_64   0x8664u
#define MACHINE_X86      0x14Cu
#define MACHINE_AARCH64  0xAA64u
#define IS_LIBRARY       0x2000u /* IMAGE_FILE_DLL */
#define IS_WHOLE         0x0002u /* IMAGE_FILE_EXECUTABLE_IMAGE: it was linked */
#define MAGIC_64         0x20Bu
#define SECTION_CODE     0x20000000u /* IMAGE_SCN_MEM_EXECUTE */
#define SECTION_READABLE 0x40000000u
#define HEADER_SIZE      20u /* IMAGE_FILE_HEADER */
#define SECTION_SIZE     40u
#define EXPORTS_SIZE     40u
/* In the optional header of 64 bits: the number of data directories, and the first of them, which is that of exports.
 */
#define AT_DIRECTORIES 108u
#define AT_EXPORTS     112u
/* No library of anybody's exports more. */
#define EXPORTS_MOST 65536u

/** One file under examination. */
typedef struct pe_image {
  const unsigned char *bytes;
  size_t size;
  const char *path;
  penstock_error *error;
  size_t sections; /**< offset of the table */
  unsigned section_count;
  uint32_t exports; /**< address of the table; 0 = none */
  uint32_t exports_size;
  uint32_t symbol;  /**< address of our major version's; 0 = there is none */
  long other_major; /**< highest major version other than ours that is exported; -1 = none */
} pe_image;

static int refuse(const pe_image *image, const char *next, const char *format, ...) PENSTOCK_PRINTF(3, 4);
static int refuse(const pe_image *image, const char *next, const char *format, ...) {
  char why[256];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(why, sizeof(why), format, arguments);
  va_end(arguments);
  penstock_fail(image->error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%.240s: refused: %s", image->path, why);
  penstock_next(image->error, "%s", next);
  return PENSTOCK_E_FAILED;
}

static int truncated(const pe_image *image, const char *part) {
  return refuse(image, "copy or build the file again, and compare its size or checksum",
                "the file is truncated or damaged: its %s would lie beyond its end (%zu bytes)", part, image->size);
}

/** Do `count` bytes at `offset` lie within the file? */
static int within(const pe_image *image, uint64_t offset, uint64_t count) {
  return offset <= image->size && count <= image->size - offset;
}

/* For what lies within the file. */
static uint32_t read_16(const pe_image *image, size_t at) {
  return (uint32_t)image->bytes[at] | (uint32_t)image->bytes[at + 1] << 8;
}

static uint32_t read_32(const pe_image *image, size_t at) {
  return read_16(image, at) | read_16(image, at + 2) << 16;
}

/**
 * The offset of `count` bytes that lie at an address of the image, all in one section and in the file; 0 if they do not
 * (no section lies there). *flags gets the section's.
 */
static size_t locate(const pe_image *image, uint32_t address, uint32_t count, uint32_t *flags) {
  for (unsigned i = 0; i < image->section_count; i++) {
    size_t at = image->sections + (size_t)i * SECTION_SIZE;
    uint32_t begin = read_32(image, at + 12);
    uint32_t stored = read_32(image, at + 16);
    uint64_t offset = read_32(image, at + 20);
    if (address >= begin && address - begin <= stored && count <= stored - (address - begin) &&
        within(image, offset + (address - begin), count)) {
      *flags = read_32(image, at + 36);
      return (size_t)offset + (address - begin);
    }
  }
  return 0;
}

static int check_machine(const pe_image *image, size_t header) {
  static const char get_another[] = "get a build of the plugin for Windows x86-64";
  uint32_t machine = read_16(image, header);
  uint32_t flags = read_16(image, header + 18);
  if (machine != MACHINE_X86_64) {
    return refuse(image, get_another, "it is built for %s, this program for x86-64",
                  machine == MACHINE_X86       ? "x86 (32 bits)"
                  : machine == MACHINE_AARCH64 ? "AArch64"
                                               : "another machine");
  }
  if (!(flags & IS_LIBRARY)) {
    return refuse(image, "build it as a library (-shared)", "it is a program, not a library");
  }
  if (!(flags & IS_WHOLE)) {
    return refuse(image, "build the file again, and look at what the linker says", "it was not linked without errors");
  }
  return 0;
}

/** Finds the headers and the two tables, and checks that they and all sections lie within the file. */
static int read_headers(pe_image *image) {
  if (image->size == 0) {
    return refuse(image, "copy or build the file again", "the file is empty");
  }
  if (image->size < 2 || memcmp(image->bytes, "MZ", 2) != 0) {
    return refuse(image, "name the plugin's .dll file", "it is no library of Windows (not a PE file)");
  }
  if (!within(image, 0x3C, 4)) {
    return truncated(image, "header");
  }
  uint64_t signature = read_32(image, 0x3C);
  if (!within(image, signature, 4 + HEADER_SIZE)) {
    return truncated(image, "header");
  }
  if (memcmp(image->bytes + signature, "PE\0\0", 4) != 0) {
    return refuse(image, "name the plugin's .dll file", "it is no library of Windows (not a PE file)");
  }
  size_t header = (size_t)signature + 4;
  size_t optional = header + HEADER_SIZE;
  uint32_t optional_size = read_16(image, header + 16);
  int code = check_machine(image, header);
  if (code) {
    return code;
  }
  if (optional_size < AT_EXPORTS || !within(image, optional, optional_size) || read_16(image, optional) != MAGIC_64) {
    return truncated(image, "header");
  }
  if (read_32(image, optional + AT_DIRECTORIES) > 0 && optional_size >= AT_EXPORTS + 8) {
    image->exports = read_32(image, optional + AT_EXPORTS);
    image->exports_size = read_32(image, optional + AT_EXPORTS + 4);
  }
  image->sections = optional + optional_size;
  image->section_count = read_16(image, header + 2);
  if (!within(image, image->sections, (uint64_t)image->section_count * SECTION_SIZE)) {
    return truncated(image, "table of sections");
  }
  for (unsigned i = 0; i < image->section_count; i++) {
    size_t at = image->sections + (size_t)i * SECTION_SIZE;
    if (!within(image, read_32(image, at + 20), read_32(image, at + 16))) {
      return truncated(image, "code or data");
    }
  }
  return 0;
}

/** The text at an address; NULL if it does not end within the file. */
static const char *text_at(const pe_image *image, uint32_t address) {
  uint32_t flags;
  size_t at = locate(image, address, 1, &flags);
  return at != 0 && memchr(image->bytes + at, '\0', image->size - at) ? (const char *)image->bytes + at : NULL;
}

/** Notes a name that looks like the entry of some major version. */
static void note_symbol(pe_image *image, const char *name, uint32_t address) {
  static const char prefix[] = PENSTOCK_PLUGIN_SYMBOL_PREFIX;
  if (strncmp(name, prefix, sizeof(prefix) - 1) != 0) {
    return;
  }
  if (strcmp(name, PENSTOCK_PLUGIN_SYMBOL_NAME) == 0) {
    image->symbol = address;
    return;
  }
  const char *digits = name + sizeof(prefix) - 1;
  size_t length = strlen(digits);
  if (length == 0 || length > 6 || strspn(digits, "0123456789") != length) {
    return;
  }
  long major = strtol(digits, NULL, 10);
  if (major > image->other_major) {
    image->other_major = major;
  }
}

static int read_exports(pe_image *image) {
  uint32_t flags;
  size_t table = image->exports ? locate(image, image->exports, EXPORTS_SIZE, &flags) : 0;
  if (table == 0) {
    return image->exports ? truncated(image, "table of exports") : 0;
  }
  uint32_t functions = read_32(image, table + 20);
  uint32_t names = read_32(image, table + 24);
  if (functions > EXPORTS_MOST || names > EXPORTS_MOST) {
    return truncated(image, "table of exports");
  }
  size_t addresses = functions ? locate(image, read_32(image, table + 28), functions * 4, &flags) : 1;
  size_t texts = names ? locate(image, read_32(image, table + 32), names * 4, &flags) : 1;
  size_t numbers = names ? locate(image, read_32(image, table + 36), names * 2, &flags) : 1;
  if (addresses == 0 || texts == 0 || numbers == 0) {
    return truncated(image, "table of exports");
  }
  for (uint32_t i = 0; i < names; i++) {
    const char *name = text_at(image, read_32(image, texts + (size_t)i * 4));
    uint32_t number = read_16(image, numbers + (size_t)i * 2);
    if (!name || number >= functions) {
      return truncated(image, "names of exports");
    }
    note_symbol(image, name, read_32(image, addresses + (size_t)number * 4));
  }
  return 0;
}

static int judge_symbol(const pe_image *image) {
  static const char use_macro[] = "define the table with PENSTOCK_PLUGIN(...) of penstock/plugin.h";
  uint32_t flags = 0;
  if (image->symbol == 0 && image->other_major >= 0) {
    return refuse(image,
                  image->other_major > PENSTOCK_ABI_MAJOR
                      ? "get a build of the plugin for version 1, or a newer penstock"
                      : "get a newer build of the plugin",
                  "it is built for version %ld of the plugin interface, this penstock has version %d",
                  image->other_major, PENSTOCK_ABI_MAJOR);
  }
  if (image->symbol == 0) {
    return refuse(image, "is it a penstock plugin? It must define its table with PENSTOCK_PLUGIN(...)",
                  "it does not export " PENSTOCK_PLUGIN_SYMBOL_NAME);
  }
  if (image->symbol >= image->exports && image->symbol - image->exports < image->exports_size) {
    return refuse(image, use_macro, PENSTOCK_PLUGIN_SYMBOL_NAME " is another library's (it is forwarded)");
  }
  if (locate(image, image->symbol, PS_ABI_PLUGIN_MIN, &flags) == 0 || !(flags & SECTION_READABLE)) {
    return refuse(image, use_macro, PENSTOCK_PLUGIN_SYMBOL_NAME " does not lie in readable data of the library");
  }
  if (flags & SECTION_CODE) {
    return refuse(image, use_macro, PENSTOCK_PLUGIN_SYMBOL_NAME " is a function; it must be data");
  }
  return 0;
}

int ps_image_pe_check_bytes(const void *bytes, size_t size, const char *path, penstock_error *error) {
  pe_image image = {.bytes = bytes, .size = size, .path = path, .error = error, .other_major = -1};
  int code = read_headers(&image);
  if (!code) {
    code = read_exports(&image);
  }
  return code ? code : judge_symbol(&image);
}
