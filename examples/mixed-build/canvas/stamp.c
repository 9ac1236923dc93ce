#include "canvas/canvas.h"

/* A character is twice as high as it is wide, so two rows of the picture make one of the canvas. */
void canvas_stamp(struct canvas *canvas, int x, int y, const unsigned char *shades, int size) {
  for (int row = 0; row + 1 < size; row += 2) {
    for (int column = 0; column < size; column++) {
      int upper = shades[row * size + column], lower = shades[(row + 1) * size + column];
      canvas_set(canvas, x + column, y + row / 2, (upper + lower) / 2);
    }
  }
}
