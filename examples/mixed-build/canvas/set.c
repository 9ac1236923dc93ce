#include "canvas/canvas.h"

void canvas_set(struct canvas *canvas, int x, int y, int shade) {
  if (x < 0 || y < 0 || x >= canvas->width || y >= canvas->height) return;
  canvas->shades[y * canvas->width + x] = (unsigned char)shade;
}
