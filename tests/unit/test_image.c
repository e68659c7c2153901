/* SPDX-License-Identifier: MIT */
/* A plugin file is judged by its bytes: each kind of wrong file by a message of its own. */
#include <elf.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "plugin/image.h"
#include "plugin_files.h"

static penstock_error error;
static unsigned char *bytes;
static size_t size;

static int load_good(void **state) {
  (void)state;
  bytes = read_plugin("good.so", &size);
  return 0;
}

static int release(void **state) {
  (void)state;
  free(bytes);
  return 0;
}

static void assert_words(const char *words, const char *next) {
  assert_int_equal(error.leg, PENSTOCK_LEG_LOCAL);
  assert_int_equal(error.error_class, PENSTOCK_CLASS_CONFIG);
  if (!strstr(error.what, words) || !strstr(error.next, next)) {
    print_error("what: %s\nnext: %s\n", error.what, error.next);
    fail();
  }
}

/** The (changed) bytes are refused with these words. */
static void assert_refused(const char *words, const char *next) {
  assert_true(ps_image_check_bytes(bytes, size, "/some/plugin.so", &error) < 0);
  assert_non_null(strstr(error.what, "/some/plugin.so"));
  assert_words(words, next);
}

static void assert_file_refused(const char *name, const char *words, const char *next) {
  char path[1024];
  plugin_path(name, path, sizeof(path));
  assert_true(ps_image_check(path, &error) < 0);
  assert_words(words, next);
}

static ElfW(Ehdr) * header(void) {
  return (ElfW(Ehdr) *)(void *)bytes;
}

static ElfW(Phdr) * segment(size_t index) {
  return (ElfW(Phdr) *)(void *)(bytes + header()->e_phoff) + index;
}

/** First section of a type. */
static ElfW(Shdr) * section(uint32_t type) {
  ElfW(Shdr) *sections = (ElfW(Shdr) *)(void *)(bytes + header()->e_shoff);
  for (size_t i = 0; i < header()->e_shnum; i++) {
    if (sections[i].sh_type == type) {
      return &sections[i];
    }
  }
  fail();
  return NULL;
}

/** The entry's symbol. */
static ElfW(Sym) * symbol(void) {
  ElfW(Shdr) *table = section(SHT_DYNSYM);
  ElfW(Sym) *symbols = (ElfW(Sym) *)(void *)(bytes + table->sh_offset);
  const ElfW(Shdr) *sections = (const ElfW(Shdr) *)(const void *)(bytes + header()->e_shoff);
  const char *names = (const char *)bytes + sections[table->sh_link].sh_offset;
  for (size_t i = 0; i < table->sh_size / sizeof(*symbols); i++) {
    if (strcmp(names + symbols[i].st_name, PENSTOCK_PLUGIN_SYMBOL_NAME) == 0) {
      return &symbols[i];
    }
  }
  fail();
  return NULL;
}

static void good_files_pass(void **state) {
  (void)state;
  static const char *const names[] = {"good.so", "grown.so", "shrunk.so"};
  char path[1024];
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    plugin_path(names[i], path, sizeof(path));
    assert_int_equal(ps_image_check(path, &error), 0);
  }
}

static void other_files_are_told_apart(void **state) {
  (void)state;
  assert_file_refused("other-major.so", "version 2 of the plugin interface, this penstock has version 1",
                      "build of the plugin for version 1, or a newer penstock");
  assert_file_refused("older-major.so", "version 0 of the plugin interface", "newer build of the plugin");
  assert_file_refused("no-symbol.so", "does not export penstock_plugin_1", "PENSTOCK_PLUGIN");
  assert_file_refused("function.so", "is a function", "PENSTOCK_PLUGIN");
  assert_file_refused("small.so", "too small (4 bytes", "PENSTOCK_PLUGIN");
  assert_file_refused("program.so", "is a program", "cc -shared");
  assert_file_refused("none.so", "No such file", "");
}

static void other_bytes_are_told_apart(void **state) {
  (void)state;
  size = 0;
  assert_refused("the file is empty", "again");
  free(bytes);
  bytes = (unsigned char *)strdup("#!/bin/sh\necho a script that is long enough to be something else\n");
  size = strlen((const char *)bytes);
  assert_refused("not an ELF file", ".so file");
}

/* Whatever its length, a part of a file is refused. Most of the lengths say "truncated". */
static void truncated_files_are_refused(void **state) {
  (void)state;
  size_t whole = size;
  for (size = 4; size < whole; size += size < 512 ? 1 : 61) {
    assert_true(ps_image_check_bytes(bytes, size, "/some/plugin.so", &error) < 0);
    assert_words("truncated", "again");
  }
  size = whole - 1;
  assert_refused("truncated", "again");
}

static void other_machines_are_refused(void **state) {
  (void)state;
  unsigned char *ident = header()->e_ident;
  unsigned char class = ident[EI_CLASS];
  ident[EI_CLASS] = class == ELFCLASS64 ? ELFCLASS32 : ELFCLASS64;
  assert_refused("bits, this program for", "build of the plugin for this machine");
  ident[EI_CLASS] = class;

  ident[EI_DATA] ^= ELFDATA2LSB ^ ELFDATA2MSB;
  assert_refused("other byte order", "for this machine");
  ident[EI_DATA] ^= ELFDATA2LSB ^ ELFDATA2MSB;

  header()->e_machine = EM_RISCV;
  assert_refused("built for RISC-V, this machine is ", "for this machine");
  header()->e_machine = 4711;
  assert_refused("built for machine type 4711", "for this machine");
}

static void other_kinds_are_refused(void **state) {
  (void)state;
  header()->e_type = ET_REL;
  assert_refused("object file", "cc -shared");
  header()->e_type = ET_EXEC;
  assert_refused("is a program", "cc -shared");
  header()->e_type = ET_CORE;
  assert_refused("core dump", ".so file");
  header()->e_type = 77;
  assert_refused("no shared library (ELF type 77)", "cc -shared");
}

static void offsets_beyond_the_end_are_refused(void **state) {
  (void)state;
  ElfW(Ehdr) saved = *header();
  header()->e_phoff = (ElfW(Off)) - 64;
  assert_refused("table of segments", "again");
  *header() = saved;
  header()->e_shoff = size - 8;
  assert_refused("table of sections", "again");
  *header() = saved;
  header()->e_shnum = 0;
  assert_refused("no section headers", "strip");
  *header() = saved;
  header()->e_phentsize = 1;
  assert_refused("program headers", "cc -shared");
  *header() = saved;

  ElfW(Off) offset = segment(1)->p_offset;
  segment(1)->p_offset = (ElfW(Off)) - 1;
  assert_refused("code or data", "again");
  segment(1)->p_offset = offset;

  ElfW(Shdr) table = *section(SHT_DYNSYM);
  section(SHT_DYNSYM)->sh_size = (ElfW(Off)) - 1;
  assert_refused("sections", "again");
  *section(SHT_DYNSYM) = table;
  section(SHT_DYNSYM)->sh_link = 0xffff;
  assert_refused("names of symbols", "again");
  *section(SHT_DYNSYM) = table;
  section(SHT_DYNSYM)->sh_type = SHT_PROGBITS;
  assert_refused("no dynamic symbol table", "dynamic symbols");
}

static void entry_must_be_exported_data(void **state) {
  (void)state;
  ElfW(Sym) saved = *symbol();
  symbol()->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_TLS);
  assert_refused("no data object (symbol type 6)", "PENSTOCK_PLUGIN");
  *symbol() = saved;
  symbol()->st_info = ELF64_ST_INFO(STB_LOCAL, STT_OBJECT);
  assert_refused("is hidden", "PENSTOCK_PLUGIN");
  *symbol() = saved;
  symbol()->st_other = STV_HIDDEN;
  assert_refused("is hidden", "PENSTOCK_PLUGIN");
  *symbol() = saved;
  symbol()->st_value = (ElfW(Addr)) - 8;
  assert_refused("readable data", "PENSTOCK_PLUGIN");
  *symbol() = saved;
  symbol()->st_size = (ElfW(Off)) - 1;
  assert_refused("readable data", "PENSTOCK_PLUGIN");
  *symbol() = saved;
  symbol()->st_shndx = SHN_UNDEF;
  assert_refused("does not export", "PENSTOCK_PLUGIN");
  *symbol() = saved;
  assert_int_equal(ps_image_check_bytes(bytes, size, "/some/plugin.so", &error), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_files_pass),
      cmocka_unit_test(other_files_are_told_apart),
      cmocka_unit_test_setup_teardown(other_bytes_are_told_apart, load_good, release),
      cmocka_unit_test_setup_teardown(truncated_files_are_refused, load_good, release),
      cmocka_unit_test_setup_teardown(other_machines_are_refused, load_good, release),
      cmocka_unit_test_setup_teardown(other_kinds_are_refused, load_good, release),
      cmocka_unit_test_setup_teardown(offsets_beyond_the_end_are_refused, load_good, release),
      cmocka_unit_test_setup_teardown(entry_must_be_exported_data, load_good, release),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
