/* SPDX-License-Identifier: MIT */
/**
 * @file reference.h
 * What a profile says of a secret: never the secret, but where it comes from. core/host/secret.h fetches it.
 * Thread: any.
 */
#ifndef PS_REFERENCE_H
#define PS_REFERENCE_H

/** Where a secret comes from. */
typedef enum ps_reference {
  PS_REFERENCE_NONE, /**< the text is none: it is most likely the secret itself */
  PS_REFERENCE_ENV,
  PS_REFERENCE_FILE,
  PS_REFERENCE_COMMAND,
  PS_REFERENCE_PROMPT
} ps_reference;

/**
 * What kind of reference a text has the form of. *rest gets what follows the kind, within the text: a name, a path, a
 * command, or the words of a question ("" if there are none). Whether there is a secret behind it shows when it is
 * fetched.
 */
ps_reference ps_reference_parse(const char *text, const char **rest);

#endif
