/* SPDX-License-Identifier: MIT */
/* ELF, as on Linux and the BSDs. */
#include <elf.h>
#include <gelf.h>
#include <libelf.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/abi.h"
#include "plugin/image.h"

/** The header of the program we are, put there by the linker: what a plugin must match. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

/** One file under examination. */
typedef struct elf_image {
  Elf *elf;
  const unsigned char *bytes;
  size_t size;
  const char *path;
  penstock_error *error;
  GElf_Sym symbol;  /**< our major version's */
  int found;        /**< `symbol` is set */
  int has_symbols;  /**< there is a dynamic symbol table */
  int has_dynamic;  /**< there is a dynamic section */
  int is_program;   /**< it says that it is a program */
  long other_major; /**< highest major version other than ours that is exported; -1 = none */
} elf_image;

/** Refuses, in the user's words. */
static int refuse(const elf_image *image, const char *next, const char *format, ...) PENSTOCK_PRINTF(3, 4);
static int refuse(const elf_image *image, const char *next, const char *format, ...) {
  char why[256];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(why, sizeof(why), format, arguments);
  va_end(arguments);
  penstock_fail(image->error, PENSTOCK_LEG_LOCAL, PENSTOCK_CLASS_CONFIG, "%.240s: refused: %s", image->path, why);
  penstock_next(image->error, "%s", next);
  return PENSTOCK_E_FAILED;
}

static int truncated(const elf_image *image, const char *part) {
  return refuse(image, "copy or build the file again, and compare its size or checksum",
                "the file is truncated or damaged: its %s would lie beyond its end (%zu bytes)", part, image->size);
}

static const char *machine_name(unsigned machine, char *text, size_t size) {
  static const struct {
    unsigned machine;
    const char *name;
  } known[] = {
      {EM_X86_64, "x86-64"}, {EM_386, "x86 (32 bits)"}, {EM_AARCH64, "AArch64"}, {EM_ARM, "ARM (32 bits)"},
      {EM_RISCV, "RISC-V"},  {EM_PPC64, "PowerPC 64"},  {EM_S390, "IBM Z"},
  };
  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
    if (known[i].machine == machine) {
      return known[i].name;
    }
  }
  (void)snprintf(text, size, "machine type %u", machine);
  return text;
}

/** Is it ELF at all, and for a machine like ours? Looks only at the bytes, before libelf does. */
static int check_machine(const elf_image *image) {
  static const char get_another[] = "get a build of the plugin for this machine";
  const ElfW(Ehdr) *own = &__ehdr_start;
  ElfW(Ehdr) header;
  char names[2][32];
  if (image->size == 0) {
    return refuse(image, "copy or build the file again", "the file is empty");
  }
  if (image->size < SELFMAG || memcmp(image->bytes, ELFMAG, SELFMAG) != 0) {
    return refuse(image, "name the plugin's .so file", "it is no shared library (not an ELF file)");
  }
  if (image->size < EI_NIDENT + 2 * sizeof(uint16_t)) {
    return truncated(image, "header");
  }
  if (image->bytes[EI_CLASS] != own->e_ident[EI_CLASS]) {
    return refuse(image, get_another, "it is built for %s bits, this program for %s",
                  image->bytes[EI_CLASS] == ELFCLASS32   ? "32"
                  : image->bytes[EI_CLASS] == ELFCLASS64 ? "64"
                                                         : "unknown",
                  own->e_ident[EI_CLASS] == ELFCLASS32 ? "32" : "64");
  }
  if (image->bytes[EI_DATA] != own->e_ident[EI_DATA]) {
    return refuse(image, get_another, "it is built for a machine of the other byte order");
  }
  if (image->size < sizeof(header)) {
    return truncated(image, "header");
  }
  memcpy(&header, image->bytes, sizeof(header));
  if (header.e_machine != own->e_machine) {
    return refuse(image, get_another, "it is built for %s, this machine is %s",
                  machine_name(header.e_machine, names[0], sizeof(names[0])),
                  machine_name(own->e_machine, names[1], sizeof(names[1])));
  }
  switch (header.e_type) {
  case ET_DYN:
    return 0;
  case ET_REL:
    return refuse(image, "link it: cc -shared -o plugin.so FILE.o", "it is an object file that was not linked");
  case ET_EXEC:
    return refuse(image, "build it with cc -shared -fPIC", "it is a program, not a shared library");
  case ET_CORE:
    return refuse(image, "name the plugin's .so file", "it is a core dump, not a shared library");
  default:
    return refuse(image, "build it with cc -shared -fPIC", "it is no shared library (ELF type %u)", header.e_type);
  }
}

/** Do `count` things of `each` bytes at `offset` lie within the file? */
static int within(const elf_image *image, uint64_t offset, uint64_t count, uint64_t each) {
  return offset <= image->size && (each == 0 || count <= (image->size - offset) / each);
}

/** Both tables of headers: libelf would pass over one that lies beyond the end. */
static int check_tables(const elf_image *image) {
  ElfW(Ehdr) header;
  memcpy(&header, image->bytes, sizeof(header));
  if (header.e_phnum == 0 || header.e_phentsize != sizeof(ElfW(Phdr))) {
    return refuse(image, "build it with cc -shared -fPIC", "it has no usable program headers");
  }
  if (!within(image, header.e_phoff, header.e_phnum, header.e_phentsize)) {
    return truncated(image, "table of segments");
  }
  if (header.e_shnum == 0 || header.e_shentsize != sizeof(ElfW(Shdr))) {
    return refuse(image, "strip it with strip(1), which keeps them",
                  "it has no section headers, so that it cannot be examined");
  }
  if (!within(image, header.e_shoff, header.e_shnum, header.e_shentsize)) {
    return truncated(image, "table of sections");
  }
  return 0;
}

static int check_segments(const elf_image *image) {
  size_t count;
  GElf_Phdr segment;
  if (elf_getphdrnum(image->elf, &count) != 0) {
    return truncated(image, "table of segments");
  }
  for (size_t i = 0; i < count && i <= INT_MAX; i++) {
    if (!gelf_getphdr(image->elf, (int)i, &segment)) {
      return truncated(image, "table of segments");
    }
    if (!within(image, segment.p_offset, segment.p_filesz, 1)) {
      return truncated(image, "code or data");
    }
  }
  return 0;
}

/** Notes a name that looks like the entry of some major version. */
static void note_symbol(elf_image *image, const char *name, const GElf_Sym *symbol) {
  static const char prefix[] = PENSTOCK_PLUGIN_SYMBOL_PREFIX;
  if (symbol->st_shndx == SHN_UNDEF || strncmp(name, prefix, sizeof(prefix) - 1) != 0) {
    return;
  }
  if (strcmp(name, PENSTOCK_PLUGIN_SYMBOL_NAME) == 0) {
    image->symbol = *symbol;
    image->found = 1;
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

static int read_symbols(elf_image *image, Elf_Scn *section, const GElf_Shdr *header) {
  Elf_Data *data = elf_getdata(section, NULL);
  if (!data || header->sh_entsize == 0) {
    return truncated(image, "dynamic symbol table");
  }
  size_t count = data->d_size / (size_t)header->sh_entsize;
  for (size_t i = 0; i < count && i <= INT_MAX; i++) {
    GElf_Sym symbol;
    if (!gelf_getsym(data, (int)i, &symbol)) {
      break;
    }
    const char *name = elf_strptr(image->elf, header->sh_link, symbol.st_name);
    if (!name) {
      return truncated(image, "names of symbols");
    }
    note_symbol(image, name, &symbol);
  }
  image->has_symbols = 1;
  return 0;
}

/** A program that is position-independent has the type of a shared library and says so here. */
static void read_dynamic(elf_image *image, Elf_Scn *section, const GElf_Shdr *header) {
  Elf_Data *data = elf_getdata(section, NULL);
  size_t count = data && header->sh_entsize ? data->d_size / (size_t)header->sh_entsize : 0;
  for (size_t i = 0; i < count && i <= INT_MAX; i++) {
    GElf_Dyn entry;
    if (!gelf_getdyn(data, (int)i, &entry) || entry.d_tag == DT_NULL) {
      break;
    }
    if (entry.d_tag == DT_FLAGS_1 && (entry.d_un.d_val & DF_1_PIE)) {
      image->is_program = 1;
    }
  }
  image->has_dynamic = 1;
}

static int read_sections(elf_image *image) {
  for (Elf_Scn *section = elf_nextscn(image->elf, NULL); section; section = elf_nextscn(image->elf, section)) {
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header)) {
      return truncated(image, "table of sections");
    }
    if (header.sh_type != SHT_NOBITS && header.sh_type != SHT_NULL &&
        !within(image, header.sh_offset, header.sh_size, 1)) {
      return truncated(image, "sections");
    }
    if (header.sh_type == SHT_DYNSYM) {
      int code = read_symbols(image, section, &header);
      if (code) {
        return code;
      }
    } else if (header.sh_type == SHT_DYNAMIC) {
      read_dynamic(image, section, &header);
    }
  }
  return 0;
}

/** Would the symbol's bytes be in memory, and readable? */
static int symbol_is_readable(const elf_image *image) {
  size_t count = 0;
  GElf_Phdr segment;
  (void)elf_getphdrnum(image->elf, &count);
  for (size_t i = 0; i < count && i <= INT_MAX; i++) {
    if (!gelf_getphdr(image->elf, (int)i, &segment) || segment.p_type != PT_LOAD || !(segment.p_flags & PF_R)) {
      continue;
    }
    uint64_t from_start = image->symbol.st_value - segment.p_vaddr;
    if (image->symbol.st_value >= segment.p_vaddr && from_start <= segment.p_memsz &&
        image->symbol.st_size <= segment.p_memsz - from_start) {
      return 1;
    }
  }
  return 0;
}

static int judge_missing(const elf_image *image) {
  if (image->other_major > PENSTOCK_ABI_MAJOR) {
    return refuse(image, "get a build of the plugin for version 1, or a newer penstock",
                  "it is built for version %ld of the plugin interface, this penstock has version %d",
                  image->other_major, PENSTOCK_ABI_MAJOR);
  }
  if (image->other_major >= 0) {
    return refuse(image, "get a newer build of the plugin",
                  "it is built for version %ld of the plugin interface, this penstock has version %d",
                  image->other_major, PENSTOCK_ABI_MAJOR);
  }
  return refuse(image, "is it a penstock plugin? It must define its table with PENSTOCK_PLUGIN(...)",
                "it does not export " PENSTOCK_PLUGIN_SYMBOL_NAME);
}

static int judge_symbol(const elf_image *image) {
  static const char use_macro[] = "define the table with PENSTOCK_PLUGIN(...) of penstock/plugin.h";
  unsigned type = GELF_ST_TYPE(image->symbol.st_info);
  unsigned bind = GELF_ST_BIND(image->symbol.st_info);
  unsigned visibility = GELF_ST_VISIBILITY(image->symbol.st_other);
  if (!image->found) {
    return judge_missing(image);
  }
  if (type == STT_FUNC || type == STT_GNU_IFUNC) {
    return refuse(image, use_macro, PENSTOCK_PLUGIN_SYMBOL_NAME " is a function; it must be data");
  }
  if (type != STT_OBJECT) {
    return refuse(image, use_macro, PENSTOCK_PLUGIN_SYMBOL_NAME " is no data object (symbol type %u)", type);
  }
  if ((bind != STB_GLOBAL && bind != STB_WEAK) || (visibility != STV_DEFAULT && visibility != STV_PROTECTED)) {
    return refuse(image, use_macro, PENSTOCK_PLUGIN_SYMBOL_NAME " is hidden; it must be exported");
  }
  if (image->symbol.st_size < PS_ABI_PLUGIN_MIN) {
    return refuse(image, use_macro, PENSTOCK_PLUGIN_SYMBOL_NAME " is too small (%llu bytes; version 1 has %zu)",
                  (unsigned long long)image->symbol.st_size, PS_ABI_PLUGIN_MIN);
  }
  if (!symbol_is_readable(image)) {
    return refuse(image, use_macro, PENSTOCK_PLUGIN_SYMBOL_NAME " does not lie in readable data of the library");
  }
  return 0;
}

/** All that needs libelf. */
static int check_content(elf_image *image) {
  int code = check_segments(image);
  if (!code) {
    code = read_sections(image);
  }
  if (code) {
    return code;
  }
  if (image->is_program) {
    return refuse(image, "build it with cc -shared -fPIC", "it is a program, not a shared library");
  }
  if (!image->has_dynamic || !image->has_symbols) {
    return refuse(image, "build it with cc -shared -fPIC, and do not strip its dynamic symbols",
                  "it has no dynamic symbol table");
  }
  return judge_symbol(image);
}

int ps_image_check_bytes(const void *bytes, size_t size, const char *path, penstock_error *error) {
  elf_image image = {.bytes = bytes, .size = size, .path = path, .error = error, .other_major = -1};
  int code = check_machine(&image);
  if (!code) {
    code = check_tables(&image);
  }
  if (code) {
    return code;
  }
  (void)elf_version(EV_CURRENT);
  /* libelf only reads what is in the machine's own layout, which check_machine has made sure of. */
  image.elf = elf_memory((char *)(uintptr_t)bytes, size);
  if (!image.elf) {
    return truncated(&image, "header");
  }
  code = check_content(&image);
  (void)elf_end(image.elf);
  return code;
}
