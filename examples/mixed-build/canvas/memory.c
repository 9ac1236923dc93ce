#include "canvas/canvas.h"

#include <stdlib.h>

struct canvas *canvas_new(int width, int height) {
  struct canvas *canvas = malloc(sizeof *canvas);
  unsigned char *shades = calloc((size_t)width * (size_t)height, 1);
  if (!canvas || !shades) abort();
  *canvas = (struct canvas){width, height, shades};
  return canvas;
}

void canvas_free(struct canvas *canvas) {
  free(canvas->shades);
  free(canvas);
}
