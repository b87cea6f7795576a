import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { curlCommand, type ShownRequest } from '../../../../console/src/api/curl-command.js'

/** Returns the arguments with which a shell starts curl. */
function argumentsOf(request: ShownRequest): string[] {
  const script = `curl() { for word in "$@"; do printf '%s\\0' "$word"; done; }\n${curlCommand(request)}`
  const env = { PATH: process.env.PATH, TOKEN: 'a.b-c_d' }
  return execFileSync('sh', ['-euc', script], { encoding: 'utf8', env }).split('\0').slice(0, -1)
}

describe('a request as a command of curl', () => {
  it('takes the token from the shell that runs it', () => {
    const request = { method: 'GET', url: 'https://auth.example.com/v1/admin/users?search=o%27hara&limit=2' }
    expect(curlCommand(request)).toContain('$TOKEN')
    expect(argumentsOf(request)).toEqual([request.url, '--header', 'Authorization: Bearer a.b-c_d'])
  })

  it('has the method and the body', () => {
    const body = { role: 'admin' }
    expect(argumentsOf({ method: 'PATCH', url: 'http://localhost:3000/v1/admin/users/x', body })).toEqual([
      'http://localhost:3000/v1/admin/users/x',
      ...['--request', 'PATCH', '--header', 'Authorization: Bearer a.b-c_d'],
      ...['--header', 'Content-Type: application/json', '--data-raw', '{"role":"admin"}'],
    ])
  })

  it('runs nothing that the address or the body contains, and changes neither', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 })
    const nasty = fc.constantFrom(`'; touch /tmp/x; '`, '$(id)', '`id`', "it's", '!!', '\\', '\n', '"', '$TOKEN')
    fc.assert(
      fc.property(fc.array(fc.oneof(text, nasty), { maxLength: 4 }), (parts) => {
        const body = { name: parts.join('') }
        const words = argumentsOf({ method: 'POST', url: `http://localhost/v1/x?search=${parts.join('')}`, body })
        expect(words.find((word) => word.startsWith('http'))).toBe(`http://localhost/v1/x?search=${parts.join('')}`)
        expect(words.at(-1)).toBe(JSON.stringify(body))
      }),
      { numRuns: 40 },
    )
  })

  it('lets curl read no brackets as patterns', () => {
    expect(argumentsOf({ method: 'GET', url: 'http://[::1]:3000/v1/admin/stats' })).toContain('--globoff')
  })
})
