import { defineConfig } from 'vitest/config'

const report = process.env.VITEST_JSON_REPORT

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts', 'examples/*/test/**/*.test.ts'],
    globalSetup: ['test/support/bundle-library.ts', 'test/support/postgres-server.ts'],
    reporters: report === undefined ? ['default'] : ['default', 'json'],
    outputFile: report === undefined ? {} : { json: report },
    // One for each processor: by default one is left idle, and tests mostly wait.
    maxWorkers: '100%',
    // Bounds for what hangs, not for what is slow: a machine may be many times slower than this one.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
  },
})
