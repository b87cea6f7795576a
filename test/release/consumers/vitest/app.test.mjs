import { createRequire } from 'node:module'
import { afterEach, expect, test, vi } from 'vitest'
import { guardedRoute } from '../esm/app.mjs'

const commonjs = createRequire(import.meta.url)('../commonjs/app.cjs')

afterEach(() => {
  vi.useRealTimers()
})

test.each([
  ['of ES modules', guardedRoute],
  ['of CommonJS', commonjs.guardedRoute],
])('a guarded route %s', async (_, route) => {
  console.log(JSON.stringify(await route()))
  vi.useFakeTimers()
  const got = JSON.stringify(await route())
  vi.useRealTimers()
  console.log(got)
  expect(got).toContain('token_revoked')
})
