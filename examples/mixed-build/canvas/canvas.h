#ifndef CANVAS_H
#define CANVAS_H

/* A picture of characters, kept as shades: 0 is empty, 255 is full. */
struct canvas {
  int width, height;
  unsigned char *shades;
};

struct canvas *canvas_new(int width, int height);
void canvas_free(struct canvas *canvas);
void canvas_set(struct canvas *canvas, int x, int y, int shade);

void canvas_frame(struct canvas *canvas);
void canvas_stamp(struct canvas *canvas, int x, int y, const unsigned char *shades, int size);
void canvas_print(const struct canvas *canvas);

#endif
