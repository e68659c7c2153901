/* SPDX-License-Identifier: MIT */
#include "cli/marks.h"

int ps_mark_style(char byte, ps_style *style) {
  static const ps_style styles[] = {PS_STYLE_STRONG, PS_STYLE_GOOD,  PS_STYLE_WARN,
                                    PS_STYLE_BAD,    PS_STYLE_FAINT, PS_STYLE_END};
  if (byte < PS_MARK_STRONG[0] || byte > PS_MARK_END[0]) {
    return 0;
  }
  *style = styles[byte - PS_MARK_STRONG[0]];
  return 1;
}

void ps_marks_apply(ps_text *out, ps_stream stream, const char *text, size_t size) {
  ps_style style;
  for (size_t i = 0; i < size; i++) {
    if (ps_mark_style(text[i], &style)) {
      ps_text_adds(out, ps_term_style(stream, style));
    } else {
      ps_text_add(out, &text[i], 1);
    }
  }
}
