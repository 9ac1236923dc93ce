#include "canvas/canvas.h"

void canvas_frame(struct canvas *canvas) {
  int right = canvas->width - 1, bottom = canvas->height - 1;
  for (int x = 0; x <= right; x++) {
    canvas_set(canvas, x, 0, 64);
    canvas_set(canvas, x, bottom, 64);
  }
  for (int y = 0; y <= bottom; y++) {
    canvas_set(canvas, 0, y, 64);
    canvas_set(canvas, right, y, 64);
  }
}
