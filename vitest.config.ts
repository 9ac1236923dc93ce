import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    // Tests measure how much runs at once and how much time it costs: one that shares the machine measures the other.
    fileParallelism: false,
    // A shared CI machine stalls for seconds at times, and some tests are about milliseconds: those are told as retried.
    // What counts tokens under storm is never tried again.
    retry: process.env.CI ? 2 : 0,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
