/* SPDX-License-Identifier: MIT */
/**
 * @file term.h
 * The terminal: is there one, how wide, may it be coloured.
 */
#ifndef PS_TERM_H
#define PS_TERM_H

#include <stddef.h>

/** --color. */
typedef enum ps_color { PS_COLOR_AUTO, PS_COLOR_ALWAYS, PS_COLOR_NEVER } ps_color;

/** What a piece of text is, which decides its colour. */
typedef enum ps_style {
  PS_STYLE_END,
  PS_STYLE_STRONG,
  PS_STYLE_GOOD,
  PS_STYLE_WARN,
  PS_STYLE_BAD,
  PS_STYLE_FAINT
} ps_style;

/** The two streams that are written to. */
typedef enum ps_stream { PS_STDOUT = 1, PS_STDERR = 2 } ps_stream;

/**
 * Makes the process fit to write: standard descriptors that are closed are opened on /dev/null (else the
 * next socket would get their number and our output with it), and a broken pipe raises no signal. A console of Windows
 * is made to take UTF-8 and the sequences of colours, and at the process's end is what it was.
 */
void ps_term_prepare(void);
/** Decides about colour: AUTO colours a terminal unless NO_COLOR is set or TERM is "dumb". */
void ps_term_set_color(ps_color mode);
/** The bytes that begin a style on a stream; "" where there is no colour. */
const char *ps_term_style(ps_stream stream, ps_style style);
/** Is the stream a terminal? */
int ps_term_is_terminal(ps_stream stream);
/** Can the stream's last line be written over (a terminal that knows a carriage return)? */
int ps_term_can_rewrite(ps_stream stream);
/** Do both streams lead to the same terminal or file? */
int ps_term_is_one_place(void);
/** Does the user's locale say that text is UTF-8? Where none is set, the system is asked. */
int ps_term_is_utf8(void);
/** Does the system say so of the terminal, where there are no locales (Windows)? */
int ps_term_system_is_utf8(void);
/** Others write to the same terminal: nothing is written over from now on. */
void ps_term_share(void);
/** Width of the terminal in columns; 80 if it is none or does not say. */
size_t ps_term_columns(ps_stream stream);

/** Writes all of it to a stream, blocking. Returns 0, or -1 if the stream is of no more use: errno says why, EPIPE that
 * nobody reads it any more. [any thread] */
int ps_term_write(ps_stream stream, const void *data, size_t size);

#endif
