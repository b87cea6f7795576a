import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { defineProblems } from '../../../src/problem.js'
import { type ProblemCode, problems } from '../../../src/routes/problems.js'

describe('the registry of problems', () => {
  it('is the one in the documentation', () => {
    const page = readFileSync(new URL('../../../../../docs/reference/errors.md', import.meta.url), 'utf8')
    const documented = [...page.matchAll(/^\| (\d+) \| `(\w+)` \| (.+?) \| (.+?) \|$/gm)].map(
      ([, status, code, message, hint]) => [code, { status: Number(status), message, hint }],
    )
    const registered = Object.entries(problems).map(([code, { status, message, hint }]) => [
      code,
      { status, message, hint },
    ])
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(registered))
  })

  it('creates refusals without a stack', () => {
    const { refusal } = defineProblems(problems)
    for (const code of Object.keys(problems)) expect(refusal(code as ProblemCode).stack).not.toMatch(/\n\s+at /)
  })
})
