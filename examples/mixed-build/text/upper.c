#include "text/text.h"

#include <ctype.h>

void text_upper(char *text) {
  for (; *text; text++) *text = (char)toupper((unsigned char)*text);
}
