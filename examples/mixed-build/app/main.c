/* Prints a sheet of all icons. */
#include <stdio.h>

#include "canvas/canvas.h"
#include "icons/icon.h"
#include "text/text.h"

static const struct icon *const icons[] = {&icon_battery, &icon_clock, &icon_eye,   &icon_key,
                                           &icon_lens,    &icon_moon,  &icon_pause, &icon_ring};

int main(void) {
  for (size_t i = 0; i < sizeof icons / sizeof icons[0]; i++) {
    const struct icon *icon = icons[i];
    size_t bytes = (size_t)icon->size * (size_t)icon->size;
    struct canvas *canvas = canvas_new(icon->size + 4, icon->size / 2 + 2);
    canvas_frame(canvas);
    canvas_stamp(canvas, 2, 1, icon->shades, icon->size);
    canvas_print(canvas);
    canvas_free(canvas);

    char title[64];
    text_center(title, (size_t)icon->size + 4, icon->name);
    text_upper(title);
    printf("%s\n%zu runs, crc %08x\n\n", title, text_runs(icon->shades, bytes), text_crc(icon->shades, bytes));
  }
  return 0;
}
