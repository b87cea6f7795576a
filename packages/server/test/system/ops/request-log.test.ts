import { describe, expect, it } from 'vitest'
import { createDeployment } from '../../../../../test/support/server-process.js'
import { Command } from '../../support/command.js'

interface Line {
  readonly level: number
  readonly severity: string
  readonly msg: string
  readonly reqId?: string
  readonly trace_id?: string
  readonly span_id?: string
  readonly req?: { readonly path: string }
  readonly res?: { readonly statusCode: number }
}

/** Returns the lines that a server logs for the requests of `use`. */
async function linesOf(env: Record<string, string>, use: (url: string) => Promise<unknown>): Promise<Line[]> {
  const deployment = await createDeployment('sqlite', { NODE_ENV: 'production', LOG_LEVEL: 'info', ...env })
  const server = new Command(['serve'], { ...deployment.env })
  const printed = await server.prints(/"url":"([^"]+)".*Latchkey is up/)
  await use(/"url":"([^"]+)"/.exec(printed)?.[1] ?? '')
  const { stdout } = await server.stop()
  await deployment.dispose()
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

const traceId = '0af7651916cd43dd8448eb211c80319c'
const traceparent = `00-${traceId}-b7ad6b7169203331-01`

describe('the lines of a request', () => {
  it('have the severity that Cloud Logging reads, and the trace of the request', async () => {
    const lines = await linesOf({}, async (url) => {
      await fetch(`${url}/.well-known/jwks.json`, { headers: { traceparent } })
      await fetch(`${url}/.well-known/jwks.json`, { headers: { traceparent: `${traceparent}\\"x` } })
    })
    const ofRequests = lines.filter(({ reqId }) => reqId !== undefined)
    const traced = ofRequests.filter(({ trace_id }) => trace_id !== undefined)
    expect(traced.map(({ level, severity, trace_id, span_id }) => [level, severity, trace_id, span_id])).toContainEqual(
      [30, 'INFO', traceId, 'b7ad6b7169203331'],
    )
    expect(new Set(traced.map(({ reqId }) => reqId)).size, 'a malformed header is ignored').toBe(1)
    expect(lines.find(({ level }) => level === 40)?.severity).toBe('WARNING')
  })

  it('are not logged with a share of 0, except for the last line of a refusal', async () => {
    const lines = await linesOf({ LATCHKEY_REQUEST_LOG_SHARE: '0' }, async (url) => {
      for (let count = 0; count < 5; count += 1) await fetch(`${url}/.well-known/jwks.json`)
      await fetch(`${url}/v1/me`)
    })
    const completed = lines.filter(({ res }) => res !== undefined)
    expect(completed.map(({ req, res }) => [req?.path, res?.statusCode])).toEqual([['/v1/me', 401]])
    expect(lines.filter(({ msg }) => msg === 'incoming request')).toEqual([])
  })

  it('are logged for a share of the requests, all lines of one together', async () => {
    const lines = await linesOf({ LATCHKEY_REQUEST_LOG_SHARE: '0.5' }, async (url) => {
      for (let count = 0; count < 60; count += 1) await fetch(`${url}/.well-known/jwks.json`)
    })
    const begun = lines.filter(({ msg }) => msg === 'incoming request').map(({ reqId }) => reqId)
    const ended = lines.filter(({ res }) => res !== undefined).map(({ reqId }) => reqId)
    expect(ended).toEqual(begun)
    // One in 10^9 runs is outside these bounds.
    expect(begun.length).toBeGreaterThan(6)
    expect(begun.length).toBeLessThan(54)
  })

  it('prevent the start with an invalid share', async () => {
    for (const LATCHKEY_REQUEST_LOG_SHARE of ['2', '-1', 'half', '1e-3', 'NaN']) {
      const command = new Command(['serve'], { LATCHKEY_REQUEST_LOG_SHARE })
      expect((await command.finished).code).toBe(78)
    }
  })
})

describe('latchkey --version', () => {
  it('prints the version of the package', async () => {
    const { code, stdout } = await new Command(['--version'], {}).finished
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)])
  })
})
