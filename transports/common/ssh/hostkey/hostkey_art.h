/* SPDX-License-Identifier: MIT */
/**
 * @file hostkey_art.h
 * A fingerprint as a picture, the one that `ssh-keygen -lv` draws: two of them are easier told apart than two lines
 * of base64. The walk is that of "The drunken bishop: An analysis of the OpenSSH fingerprint visualization algorithm"
 * (Loss, Limmer, von Gernler, 2009), over SHA-256.
 * Thread: any.
 */
#ifndef TRANSPORTS_SSH_HOSTKEY_ART_H
#define TRANSPORTS_SSH_HOSTKEY_ART_H

#include <penstock/sdk.h>

/** Room for the picture with its NUL: 11 lines of 19 characters and a line end. */
#define HOSTKEY_ART_SIZE (11 * 20 + 1)

/** Draws the public key `blob` (wire form). The text is empty if it is no key. */
void hostkey_art(const uint8_t *blob, size_t blob_size, char text[HOSTKEY_ART_SIZE]);

#endif
