#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

void text_center(char *line, size_t width, const char *text);
void text_upper(char *text);
unsigned text_crc(const unsigned char *bytes, size_t length);
size_t text_runs(const unsigned char *bytes, size_t length);

#endif
