#include "canvas/canvas.h"

#include <stdio.h>

void canvas_print(const struct canvas *canvas) {
  static const char ink[] = " .:-=+*#%@";
  for (int y = 0; y < canvas->height; y++) {
    for (int x = 0; x < canvas->width; x++) {
      int shade = canvas->shades[y * canvas->width + x];
      putchar(ink[shade * (int)(sizeof ink - 2) / 255]);
    }
    putchar('\n');
  }
}
