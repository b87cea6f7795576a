import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)
const program = fileURLToPath(new URL('../support/list-effects.mjs', import.meta.url))
const { exports } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
const subpaths = Object.keys(exports)
  .filter((path) => path !== './package.json')
  .map((path) => `latchkey${path.slice(1)}`)

// Runtimes such as Cloudflare Workers forbid random bytes, timers and I/O outside of a request.
describe.each(['import', 'require'])('the library, loaded by %s,', (how) => {
  it('has no effect while it is loaded or its objects are created, and has them at first use', async () => {
    const { stdout } = await run(process.execPath, [program, how, ...subpaths])
    const { atUse, ...early } = JSON.parse(stdout)
    expect(early).toEqual({ atLoad: [], atCreation: [] })
    expect(atUse).toEqual(expect.arrayContaining(['randomBytes', 'randomUUID', 'setImmediate', 'setInterval']))
  })
})
