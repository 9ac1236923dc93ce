#pragma once

int open_descriptors();

// Call it when the threads that stay to the end have been started, and no other.
void remember_threads();

// Waits until the threads that were started since have ended, and fails where they do not. A thread that is parked in
// read(2) gets a token as soon as all are back, finds nobody who wants it, gives it back and ends.
void wait_for_threads();
