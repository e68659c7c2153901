/* SPDX-License-Identifier: MIT */
/**
 * @file shells.h
 * The texts of shells/: what makes a shell complete penstock's words, by asking `penstock completion words`.
 */
#ifndef PS_SHELLS_H
#define PS_SHELLS_H

extern const char script_penstock_bash[];
extern const char script_penstock_zsh[];
extern const char script_penstock_fish[];
extern const char script_penstock_powershell[];

#endif
