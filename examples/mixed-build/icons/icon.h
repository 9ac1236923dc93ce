#ifndef ICON_H
#define ICON_H

struct icon {
  const char *name;
  int size;
  const unsigned char *shades; /* size * size of them, row by row */
};

extern const struct icon icon_battery, icon_clock, icon_eye, icon_key, icon_lens, icon_moon, icon_pause, icon_ring;

#endif
