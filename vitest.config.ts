import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const report = process.env.VITEST_JSON_REPORT

const bundle = 'test/support/bundle-packages.ts'
const postgres = 'test/support/postgres-server.ts'
const console = 'test/support/build-console.ts'

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          // Neither services nor processes.
          name: 'unit',
          // Files share their modules: to import them takes longer than the tests.
          isolate: false,
          include: ['packages/*/test/unit/**/*.test.ts'],
          globalSetup: [bundle],
        },
      },
      {
        extends: true,
        test: {
          // PostgreSQL, MariaDB, Redis, SQLite and a mail server, which the tests start.
          name: 'integration',
          include: ['packages/*/test/integration/**/*.test.ts'],
          globalSetup: [bundle, postgres],
        },
      },
      {
        extends: true,
        test: {
          // Processes, browsers, nginx, images, Kubernetes schemas, the model, chaos.
          name: 'system',
          include: ['packages/*/test/system/**/*.test.ts', 'test/**/*.test.ts', 'examples/*/test/**/*.test.ts'],
          globalSetup: [bundle, console, postgres],
        },
      },
    ],
    reporters: report === undefined ? ['default'] : ['default', 'json'],
    outputFile: report === undefined ? {} : { json: report },
    // More than processors, because tests often wait.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    // Bounds for tests that hang, not for slow ones: a machine may be many times slower.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
  },
})
