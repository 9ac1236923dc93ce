#include "text/text.h"

#include <string.h>

/* Fills `line`, which has room for `width` characters and the end, with blanks and the text in the middle. */
void text_center(char *line, size_t width, const char *text) {
  size_t length = strlen(text);
  if (length > width) length = width;
  memset(line, ' ', width);
  memcpy(line + (width - length) / 2, text, length);
  line[width] = '\0';
}
