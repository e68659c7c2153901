/* SPDX-License-Identifier: MIT */
/**
 * @file image_pe.h
 * PE, the files of Windows' programs and libraries. Nothing of it needs Windows, so that it is tested everywhere.
 *
 * Thread: any.
 */
#ifndef PS_IMAGE_PE_H
#define PS_IMAGE_PE_H

#include <penstock/sdk.h>

/** ps_image_check_bytes for a library of Windows x86-64. */
int ps_image_pe_check_bytes(const void *bytes, size_t size, const char *path, penstock_error *error);

#endif
